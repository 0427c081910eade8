//! `cargo xtask <verb>`: what developers do with this project, on their own machine.
//!
//! Knows the verbs and how an end becomes an exit code. Each verb is a module; the modules beside them know one thing
//! each (ports, processes, the Python environment). Nothing here links an AWS SDK: it has to compile in seconds.

mod args;
mod cargo;
mod demo;
mod down;
mod environment;
mod faults;
mod http;
mod interrupt;
mod lint;
mod lock;
mod npm;
mod openapi;
mod operator;
mod page;
mod ports;
mod process;
mod project;
mod python;
mod report;
mod stack;
mod supervisor;
mod test;
mod up;
mod vendors;
mod wait;
mod web;

use std::process::ExitCode;

use anyhow::{Result, bail};
use interrupt::Interrupted;

const USAGE: &str = "\
Usage: cargo xtask <verb> [options]

  up      build everything, start the local engine, deploy the production template, serve the API
            --detach               return when it is ready; `cargo xtask down` stops it
            --parameter Name=Value a parameter of the template (repeatable)
  down    stop what `up` started
  demo    [files...] edit photographs from the command line, on a stack of its own or the one that runs
            --prompt TEXT          what to do with them
            --out DIR              where the results go (default: edited)
  test    format, lint, unit tests, then the tests that need a stack, on one of their own
            --only STEP            one step (cargo xtask test --only help lists them)
  faults  let users work on a stack of its own while everything fails, then audit it
            --seed N               what fails when (default: 1)
            --minutes M            how long (default: 10), or --seconds S
  openapi write openapi.json, the API's document, from the Rust types
  audit   check every record of a stack against the rules; only reads, also beside traffic
            --help                 what it can look at, and how to point it at a stack in AWS
  ops     look at what is wrong in a stack, and put it right: circuit, letters, grant, batch
            --help                 what each of them does

`up`, `down`, `demo`, `audit` and `ops` take
            --dir DIR              where the stack keeps its state (default: target/local)
`up` and `demo` take
            --port N               of the web page and the API (default: 8080)
            --engine-port N        of the local AWS engine (default: 4566)
            --stand-ins-port N     of the stand-in for OpenAI (default: 8090)
            --polar-port N         of the stand-in for Polar (default: 8091)
            --resend-port N        of the stand-in for Resend (default: 8092)

With OPENAI_API_KEY set, images go to the real service; OPENAI_BASE_URL chooses another compatible one. With
POLAR_ACCESS_TOKEN (and POLAR_BASE_URL, PACKS, POLAR_WEBHOOK_SECRET) credits are sold by Polar, and with RESEND_API_KEY
(and MAIL_FROM) mail is sent by Resend.
";

fn main() -> ExitCode {
    match run() {
        Ok(code) => code,
        Err(error) if error.is::<Interrupted>() => {
            eprintln!("stopped");
            ExitCode::from(130)
        }
        Err(error) => {
            eprintln!("\nerror: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<ExitCode> {
    let mut parser = lexopt::Parser::from_env();
    let Some(verb) = args::verb(&mut parser)? else {
        print!("{USAGE}");
        return Ok(ExitCode::SUCCESS);
    };
    interrupt::install()?;
    match verb.as_str() {
        "audit" | "ops" => return operator::run(&verb, parser),
        "demo" => demo::run(demo::Options::parse(parser)?),
        "down" => down::run(&down::Options::parse(parser)?),
        "faults" => faults::run(&faults::Options::parse(parser)?, report::Report::start()),
        "openapi" => openapi::run(parser),
        "test" => test::run(&test::Options::parse(parser)?),
        "up" => up::run(&up::Options::parse(parser)?),
        other => bail!("there is no verb {other:?}\n\n{USAGE}"),
    }?;
    Ok(ExitCode::SUCCESS)
}
