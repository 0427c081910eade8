//! Files and folders, by their path from the project's root.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

/// Folders that hold what was made, not what was written.
const MADE: [&str; 3] = ["target", "node_modules", "__pycache__"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// A file's text.
pub fn read(path: &str) -> Result<String> {
    fs::read_to_string(root().join(path)).with_context(|| format!("cannot read {path}"))
}

/// All files below a folder (`""` is the root), sorted. Knows neither hidden folders nor what tools have made.
pub fn files(folder: &str) -> Result<Vec<String>> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for (name, is_folder) in entries(&folder)? {
            let path = join(&folder, &name);
            if !is_folder {
                found.push(path);
            } else if !name.starts_with('.') && !MADE.contains(&name.as_str()) {
                open.push(path);
            }
        }
    }
    ensure!(!found.is_empty(), "there are no files in {folder}");
    found.sort();
    Ok(found)
}

/// All Rust below a folder, sorted.
pub fn sources(folder: &str) -> Result<Vec<String>> {
    let mut found = files(folder)?;
    found.retain(|path| Path::new(path).extension().is_some_and(|it| it == "rs"));
    ensure!(!found.is_empty(), "there is no Rust in {folder}");
    Ok(found)
}

/// The names of the folders in a folder, sorted.
pub fn folders(folder: &str) -> Result<Vec<String>> {
    let mut found = entries(folder)?;
    found.retain(|(_, is_folder)| *is_folder);
    ensure!(!found.is_empty(), "there are no folders in {folder}");
    found.sort();
    Ok(found.into_iter().map(|(name, _)| name).collect())
}

fn entries(folder: &str) -> Result<Vec<(String, bool)>> {
    let about = || format!("cannot list {folder}");
    let mut found = Vec::new();
    for entry in fs::read_dir(root().join(folder)).with_context(about)? {
        let entry = entry.with_context(about)?;
        let name = entry.file_name().to_string_lossy().into_owned();
        found.push((name, entry.file_type().with_context(about)?.is_dir()));
    }
    Ok(found)
}

fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}

/// Whatever looks like the id of an AWS account: twelve digits that stand alone, and do not end a UUID.
pub fn digits_of_accounts(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_ascii_alphanumeric() && c != '-')
        .filter(|word| word.len() == 12 && word.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn account_ids_stand_alone() {
        let text = r#"arn:aws:sqs:eu-central-1:123456789012:q 1795467600000 a123456789012 "210987654321"
               00000000-0000-4000-8000-000000000050"#;
        let found: Vec<_> = digits_of_accounts(text).collect();
        assert_eq!(found, ["123456789012", "210987654321"]);
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        assert!(files("no/such/folder").is_err());
        assert!(folders("no/such/folder").is_err());
    }
}
