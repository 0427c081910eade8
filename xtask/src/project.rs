//! Where things are in the checkout.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

/// The checkout that xtask was built from.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// The production template.
pub(crate) fn template() -> Result<PathBuf> {
    let path = root().join("template.yaml");
    if !path.is_file() {
        bail!("there is no {}", path.display());
    }
    Ok(path)
}

/// The local engine's launcher, pins and deploy script.
pub(crate) fn engine() -> PathBuf {
    root().join("infra/engine")
}

/// The tests that are written in Python, and their pins.
pub(crate) fn python_tests() -> PathBuf {
    root().join("tests/python")
}

/// The tests that are written for Node, and their pins.
pub(crate) fn node_tests() -> PathBuf {
    root().join("tests/node")
}

/// The run under faults, and the pins of its proxy.
pub(crate) fn faults() -> PathBuf {
    root().join("tests/faults")
}

/// What xtask makes and `cargo clean` removes.
pub(crate) fn target() -> PathBuf {
    root().join("target")
}

/// The photographs that come with the project.
pub(crate) fn samples() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    if let Ok(entries) = root().join("samples").read_dir() {
        for entry in entries {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "png" || extension == "jpg")
            {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The files of the workflow.
pub(crate) fn workflows() -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in root().join("infra").read_dir()? {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(".asl.json") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
