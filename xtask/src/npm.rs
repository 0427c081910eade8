//! Packages of npm for the checks that need them: installed once for each lock file.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::report::Report;

const OLDEST_NODE: u32 = 20;

/// Installs what the lock file of a folder pins, if that has changed since the last time.
pub(crate) fn install(folder: &Path, report: Report) -> Result<()> {
    need_node()?;
    let lock = folder.join("package-lock.json");
    let lock =
        fs::read_to_string(&lock).with_context(|| format!("cannot read {}", lock.display()))?;
    let stamp = folder.join("node_modules/installed-package-lock.json");
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == lock) {
        return Ok(());
    }
    report.say(format_args!(
        "npm packages of {}: installing (once)",
        folder.display()
    ));
    // Not `npm ci`: it refuses a lock file in which the packages for other systems are missing, as they are when it was made
    // with a registry that does not have them. What is in the lock file is installed as it says all the same.
    let output = Command::new("npm")
        .args([
            "install",
            "--no-save",
            "--no-audit",
            "--no-fund",
            "--loglevel=error",
        ])
        .current_dir(folder)
        .output()
        .context("cannot run npm, which comes with Node (Debian, Ubuntu: `apt install npm`)")?;
    if !output.status.success() {
        bail!(
            "npm install failed in {}:\n{}",
            folder.display(),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    fs::write(stamp, lock)?;
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
            "Node {OLDEST_NODE} or newer is needed for this check; {found}. Install it (Debian, Ubuntu: `apt install \
             nodejs npm`; macOS: `brew install node`; or nodejs.org)"
        );
    }
    Ok(())
}

/// `v20.20.2` -> 20
fn major(version: &str) -> Option<u32> {
    version.strip_prefix('v')?.split('.').next()?.parse().ok()
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
