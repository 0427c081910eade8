//! The web app: built when its sources are newer than what was built of them, and checked by its own tools.
//!
//! Knows npm's script names; what they do is in `web/package.json`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, bail};

use crate::environment::Environment;
use crate::npm;
use crate::process;
use crate::project;
use crate::report::{Report, line};

/// What the page is built from, besides its packages.
const SOURCES: [&str; 5] = [
    "index.html",
    "package-lock.json",
    "public",
    "src",
    "vite.config.ts",
];
/// Where Debian puts it; an environment variable of this name says another place, to the tests themselves, too.
const CHROMIUM: &str = "/usr/bin/chromium";

fn folder() -> PathBuf {
    project::root().join("web")
}

/// What the front door serves.
pub(crate) fn built() -> PathBuf {
    folder().join("dist")
}

/// Makes what the front door serves, unless it is there.
pub(crate) fn build(report: Report) -> Result<()> {
    let index = built().join("index.html");
    if let Ok(built) = changed(&index)
        && newest_source()? <= built
    {
        return Ok(());
    }
    npm::install(&folder(), report)?;
    report.say("building the web app");
    let output = npm_run("build").output().context("cannot run npm")?;
    if !output.status.success() {
        bail!(
            "the web app cannot be built:\n{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(())
}

/// Format and lint, types, unit tests, and the size of a first visit.
pub(crate) fn check(report: Report) -> Result<()> {
    npm::install(&folder(), report)?;
    for script in ["lint", "typecheck", "test", "build"] {
        if !process::run(&mut npm_run(script))? {
            bail!("npm run {script} failed in web/ (see above)");
        }
    }
    Ok(())
}

/// The page in a real browser, on a running stack.
pub(crate) fn in_a_browser(stack_file: &Path, report: Report) -> Result<()> {
    let named = Environment::read().chromium;
    let chromium = named.unwrap_or_else(|| CHROMIUM.to_owned());
    if !Path::new(&chromium).exists() {
        bail!(
            "the tests of the web app need Chromium, and {chromium} is not there (Debian, Ubuntu: `apt install chromium`; \
             elsewhere, CHROMIUM says where it is)"
        );
    }
    npm::install(&folder(), report)?;
    line("the web app in Chromium");
    if !process::run(npm_run("e2e").env("STACK", stack_file))? {
        bail!("see above; screenshots and traces are in web/test-results");
    }
    Ok(())
}

fn npm_run(script: &str) -> Command {
    let mut command = Command::new("npm");
    command
        .args(["run", "--silent", script])
        .current_dir(folder());
    command
}

fn newest_source() -> Result<SystemTime> {
    let mut newest = SystemTime::UNIX_EPOCH;
    for source in SOURCES {
        newest = newest.max(newest_in(&folder().join(source))?);
    }
    Ok(newest)
}

/// Of a file, or of everything in a folder.
fn newest_in(path: &Path) -> Result<SystemTime> {
    let mut newest = changed(path)?;
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            newest = newest.max(newest_in(&entry?.path())?);
        }
    }
    Ok(newest)
}

fn changed(path: &Path) -> Result<SystemTime> {
    let metadata = fs::metadata(path).with_context(|| format!("cannot see {}", path.display()))?;
    Ok(metadata.modified()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_as_new_as_the_newest_file_in_it() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("deep")).unwrap();
        let file = folder.path().join("deep/file");
        fs::write(&file, "").unwrap();
        let later = SystemTime::now() + std::time::Duration::from_hours(1);
        fs::File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_modified(later)
            .unwrap();
        assert_eq!(newest_in(folder.path()).unwrap(), later);
    }
}
