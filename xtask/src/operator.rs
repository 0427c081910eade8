//! `cargo xtask audit` and `cargo xtask ops`: the operator's tools, for the stack that runs.
//!
//! Knows which stack that is. What the tools do is the business of the package `operator`, which is built and run here and
//! not linked: it is made of AWS SDKs.

use std::ffi::OsString;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use lexopt::Parser;

use crate::args::{StackOptions, absolute};
use crate::cargo::cargo;

/// The tools' own exit code for an error; 1 is an audit that has found something.
const NOT_LOOKED: u8 = 2;

/// Runs a command of the tools with all remaining arguments; its exit code becomes ours.
///
/// `--dir` is for us: it chooses the folder of the stack, unless `--stack` names a stack's file.
pub(crate) fn run(command: &str, mut parser: Parser) -> Result<ExitCode> {
    let mut stack = StackOptions::default().folder().stack_file();
    let mut given = Vec::new();
    let mut rest = parser.raw_args()?;
    while let Some(argument) = rest.next() {
        let (name, value) = match argument.to_str().and_then(|it| it.split_once('=')) {
            Some((name, value)) => (name.into(), Some(value.into())),
            None => (argument.clone(), None),
        };
        let mut value = |wanted| value.clone().or_else(|| rest.next()).context(wanted);
        if name == "--dir" {
            stack = absolute(value("--dir wants a folder")?)?.join("stack.json");
        } else if name == "--stack" {
            stack = absolute(value("--stack wants a file")?)?;
        } else {
            given.push(argument);
        }
    }
    let is_help = |it: &OsString| it == "--help" || it == "-h";
    if !stack.is_file() && !given.iter().any(is_help) {
        eprintln!("no stack runs: there is no {}", stack.display());
        return Ok(ExitCode::from(NOT_LOOKED));
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
