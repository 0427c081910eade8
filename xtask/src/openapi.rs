//! `cargo xtask openapi`: writes `openapi.json`, the API's document, from the Rust types.
//!
//! Knows where the file belongs. What is in it is the business of the package `openapi`, which is run here and not
//! linked: it builds half of the workspace.

use std::fs;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use lexopt::Parser;

use crate::cargo::cargo;
use crate::project;
use crate::report::Report;

const GENERATOR: [&str; 5] = ["run", "--quiet", "--locked", "--package", "openapi"];

/// Writes the document, if it has changed.
pub(crate) fn run(mut parser: Parser) -> Result<()> {
    if let Some(arg) = parser.next()? {
        return Err(arg.unexpected().into());
    }
    let report = Report::start();
    let output = cargo()
        .args(GENERATOR)
        .stderr(Stdio::inherit())
        .output()
        .context("cannot run cargo")?;
    if !output.status.success() || output.stdout.is_empty() {
        bail!("the document cannot be made (see above)");
    }
    let path = project::root().join("openapi.json");
    if fs::read(&path).is_ok_and(|file| file == output.stdout) {
        report.say("openapi.json is as it should be");
        return Ok(());
    }
    fs::write(&path, output.stdout).with_context(|| format!("cannot write {}", path.display()))?;
    report.say("openapi.json: written; commit it");
    Ok(())
}
