//! Running cargo: which packages there are, where it builds, building them.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::environment::{self, Environment};
use crate::process::Task;
use crate::project;

/// Packages outside `functions/` that a stack or its clients need.
const OTHERS: [&str; 3] = ["batch-image-edit", "front-door", "stand-ins"];

/// The workspace, as cargo sees it.
#[derive(Deserialize)]
pub(crate) struct Workspace {
    target_directory: PathBuf,
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn read() -> Result<Self> {
        let output = cargo()
            .args(["metadata", "--no-deps", "--format-version", "1"])
            .stderr(Stdio::inherit())
            .output()
            .context("cannot run cargo")?;
        if !output.status.success() {
            bail!("cargo cannot read the workspace (see above)");
        }
        serde_json::from_slice(&output.stdout).context("cargo metadata")
    }

    /// Where development builds of binaries end up.
    pub(crate) fn binaries(&self) -> PathBuf {
        self.target_directory.join("debug")
    }

    /// What a running stack is made of: every function, and what stands beside them.
    pub(crate) fn stack_packages(&self) -> Vec<&str> {
        let functions = project::root().join("functions");
        let mut names: Vec<&str> = self
            .packages
            .iter()
            .filter(|package| {
                is_in(&package.manifest_path, &functions) || OTHERS.contains(&package.name.as_str())
            })
            .map(|package| package.name.as_str())
            .collect();
        names.sort_unstable();
        names
    }

    /// Starts building that; cargo shows its own progress.
    pub(crate) fn build(&self) -> Result<Task> {
        let mut command = cargo();
        command.arg("build");
        for package in self.stack_packages() {
            command.args(["--package", package]);
        }
        Task::start(&mut command)
    }
}

fn is_in(manifest: &Path, folder: &Path) -> bool {
    manifest.starts_with(folder)
}

/// The cargo that runs us, in the checkout.
pub(crate) fn cargo() -> Command {
    let mut command = Command::new(Environment::read().cargo.as_deref().unwrap_or("cargo"));
    environment::forget_our_cargo(&mut command);
    command.current_dir(project::root());
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stack_is_the_functions_and_what_stands_beside_them() {
        let root = project::root();
        let package = |name: &str, path: &str| Package {
            name: name.to_owned(),
            manifest_path: root.join(path),
        };
        let workspace = Workspace {
            target_directory: PathBuf::from("/t"),
            packages: vec![
                package("xtask", "xtask/Cargo.toml"),
                package("fan-out", "functions/fan-out/Cargo.toml"),
                package("front-door", "infra/front-door/Cargo.toml"),
                package("domain", "shared/domain/Cargo.toml"),
                package("account", "functions/account/Cargo.toml"),
                package("batch-image-edit", "cli/Cargo.toml"),
            ],
        };
        assert_eq!(
            workspace.stack_packages(),
            ["account", "batch-image-edit", "fan-out", "front-door"]
        );
        assert_eq!(workspace.binaries(), PathBuf::from("/t/debug"));
    }
}
