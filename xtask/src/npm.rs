//! Packages of npm for the checks that need them: installed once for each lock file.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::report::Report;

/// Major and minor version; of 22, those before 22.12 are too old for Vite, too.
const OLDEST_NODE: (u32, u32) = (20, 19);

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
    if !read(&version).is_some_and(is_new_enough) {
        let found = if version.is_empty() {
            "none was found".to_owned()
        } else {
            format!("{version} was found")
        };
        bail!(
            "Node {}.{} or 22.12 or newer is needed; {found}. Install it (macOS: `brew install node`; Debian 13: `apt install \
             nodejs npm`; elsewhere from nodejs.org)",
            OLDEST_NODE.0,
            OLDEST_NODE.1
        );
    }
    Ok(())
}

/// `v20.20.2` -> (20, 20)
fn read(version: &str) -> Option<(u32, u32)> {
    let mut numbers = version.strip_prefix('v')?.split('.').map(str::parse);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
}

fn is_new_enough(version: (u32, u32)) -> bool {
    version >= OLDEST_NODE && !((21, 0)..(22, 12)).contains(&version)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions_of_node() {
        assert_eq!(read("v20.20.2"), Some((20, 20)));
        assert_eq!(read("v20"), None);
        assert_eq!(read(""), None);
        for new in [(20, 19), (20, 20), (22, 12), (24, 0)] {
            assert!(is_new_enough(new), "{new:?}");
        }
        for old in [(18, 20), (20, 18), (21, 7), (22, 11)] {
            assert!(!is_new_enough(old), "{old:?}");
        }
    }
}
