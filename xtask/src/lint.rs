//! The checks of what is not Rust: the template, the workflow, the engine's Python.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use crate::npm;
use crate::process;
use crate::project;
use crate::python;
use crate::report::Report;

/// `cfn-lint` over the template.
pub(crate) fn template(report: Report) -> Result<()> {
    let template = project::template()?;
    python::Setup::start(report)?.wait()?;
    succeed(
        Command::new(python::program("cfn-lint"))
            .arg(template)
            .current_dir(project::root()),
        "cfn-lint",
    )
}

/// The tests of the engine's scripts.
pub(crate) fn engine(report: Report) -> Result<()> {
    python::Setup::start(report)?.wait()?;
    let mut command = Command::new(python::program("python"));
    command
        .args(["-B", "-m", "unittest", "discover", "--pattern", "test_*.py"])
        .current_dir(project::engine());
    succeed(&mut command, "the engine's tests")
}

/// The Amazon States Language, over the workflow.
pub(crate) fn workflow(report: Report) -> Result<()> {
    let files = project::workflows()?;
    if files.is_empty() {
        bail!("there is no workflow (infra/*.asl.json)");
    }
    npm::install(&folder(), report)?;
    succeed(
        Command::new("node")
            .arg(folder().join("asl.mjs"))
            .args(files),
        "the workflow's check",
    )
}

fn folder() -> PathBuf {
    project::root().join("infra/lint")
}

fn succeed(command: &mut Command, what: &str) -> Result<()> {
    if !process::run(command)? {
        bail!("{what} found faults (see above)");
    }
    Ok(())
}
