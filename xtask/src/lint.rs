//! The checks of what is not Rust: the template, the workflow, the engine's Python.

use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process;
use crate::project;
use crate::python;
use crate::report::Report;

const OLDEST_NODE: u32 = 20;

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
    need_node()?;
    install(report)?;
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

fn need_node() -> Result<()> {
    let output = Command::new("node")
        .arg("--version")
        .stderr(Stdio::null())
        .output()
        .ok();
    let version = output
        .map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
        .unwrap_or_default();
    if major(&version).is_none_or(|major| major < OLDEST_NODE) {
        let found = if version.is_empty() {
            "none was found".to_owned()
        } else {
            format!("{version} was found")
        };
        bail!(
            "Node {OLDEST_NODE} or newer is needed to check the workflow; {found}. Install it (Debian, Ubuntu: `apt \
             install nodejs npm`; macOS: `brew install node`; or nodejs.org)"
        );
    }
    Ok(())
}

/// `v20.20.2` -> 20
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
}

/// `npm ci`, when the lock file has changed since the last one.
fn install(report: Report) -> Result<()> {
    let lock = fs::read_to_string(folder().join("package-lock.json"))
        .context("cannot read infra/lint/package-lock.json")?;
    let stamp = folder().join("node_modules/installed-package-lock.json");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    report.say("npm packages of the workflow's check: installing (once)");
    let output = Command::new("npm")
        .args(["ci", "--no-audit", "--no-fund", "--loglevel=error"])
        .current_dir(folder())
        .output()
        .context("cannot run npm, which comes with Node (Debian, Ubuntu: `apt install npm`)")?;
    if !output.status.success() {
        bail!(
            "npm ci failed in {}:\n{}",
            folder().display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    fs::write(stamp, lock)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_of_node() {
        assert_eq!(major("v20.20.2"), Some(20));
        assert_eq!(major(""), None);
    }
}
