//! `cargo xtask audit` and `cargo xtask ops`: the operator's tools, for the stack that runs.
//!
//! Knows which stack that is. What the tools do is the business of the package `operator`, which is built and run here and
//! not linked: it is made of AWS SDKs.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context as _, Result, bail};
use lexopt::Parser;

use crate::args::{StackOptions, absolute};
use crate::cargo::cargo;

/// Runs a command of the tools with all remaining arguments; its exit code becomes ours.
///
/// `--dir` is for us: it chooses the folder of the stack, unless `--stack` names a stack's file.
pub(crate) fn run(command: &str, mut parser: Parser) -> Result<ExitCode> {
    let mut stack = StackOptions::default().folder().stack_file();
    let mut given = Vec::new();
    let mut rest = parser.raw_args()?;
    while let Some(argument) = rest.next() {
        if argument == "--dir" {
            let dir = rest.next().context("--dir wants a folder")?;
            stack = absolute(dir)?.join("stack.json");
        } else if argument == "--stack" {
            stack = absolute(rest.next().context("--stack wants a file")?)?;
        } else {
            given.push(argument);
        }
    }
    let is_help = |it: &OsString| it == "--help" || it == "-h";
    if !stack.is_file() && !given.iter().any(is_help) {
        bail!("no stack runs: there is no {}", stack.display());
    }
    let status = cargo()
        .args([
            "run",
            "--quiet",
            "--locked",
            "--package",
            "operator",
            "--",
            command,
        ])
        .arg("--stack")
        .arg(stack)
        .args(given)
        .status()
        .context("cannot run cargo")?;
    let code = status.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
}
