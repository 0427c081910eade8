//! Lock files: they say where packages come from, and that must be where everybody gets them.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use tidy::Faults;

const ADVICE: &str = "Lock again with the public registry: a mirror or another source that this machine is set up for works \
                      for nobody else.";
const CARGO: &str = "source = \"registry+https://github.com/rust-lang/crates.io-index\"";
const NPM: &str = "https://registry.npmjs.org/";

/// All files whose name is like this, anywhere.
fn named(like: impl Fn(&str) -> bool) -> Result<Vec<String>> {
    let mut found = tidy::files("")?;
    found.retain(|path| path.rsplit('/').next().is_some_and(&like));
    Ok(found)
}

#[test]
fn cargo_locks_name_crates_io() -> Result<()> {
    let locks = named(|name| name == "Cargo.lock")?;
    ensure!(!locks.is_empty(), "there is no Cargo.lock");
    let mut faults = Faults::new();
    for path in locks {
        for line in tidy::read(&path)?
            .lines()
            .filter(|line| line.starts_with("source = "))
        {
            faults.unless(line == CARGO, format!("{path}: {line}"));
        }
    }
    faults.none_or(ADVICE)
}

#[test]
fn npm_locks_name_the_npm_registry() -> Result<()> {
    let mut faults = Faults::new();
    for path in named(|name| name == "package-lock.json" || name == "npm-shrinkwrap.json")? {
        let lock: Value =
            serde_json::from_str(&tidy::read(&path)?).with_context(|| format!("in {path}"))?;
        let packages = lock["packages"].as_object();
        let packages =
            packages.with_context(|| format!("{path} has no packages (lockfileVersion 2 or 3)"))?;
        for (name, package) in packages {
            let from = package["resolved"].as_str().unwrap_or(NPM);
            faults.unless(from.starts_with(NPM), format!("{path}: {name}: {from}"));
        }
    }
    faults.none_or(ADVICE)
}

#[test]
fn python_pins_name_no_index() -> Result<()> {
    let pins = named(|name| {
        let name = name.strip_suffix(".txt");
        name.is_some_and(|name| name.starts_with("requirements"))
    })?;
    let mut faults = Faults::new();
    for path in pins {
        for line in tidy::read(&path)?.lines().map(str::trim) {
            let is_option = line.starts_with('-') && !line.starts_with("--hash=");
            let is_address = !line.starts_with('#') && line.contains("://");
            faults.unless(!is_option && !is_address, format!("{path}: {line}"));
        }
    }
    faults.none_or(ADVICE)
}
