//! What `bie edit` says at its end, for people and for programs.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::render::{count, count_of};

/// What `--json` prints.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    pub(crate) out: PathBuf,
    pub(crate) batches: Vec<BatchReport>,
    pub(crate) edited: Vec<Edited>,
    pub(crate) failed: Vec<Failed>,
    /// By this run.
    pub(crate) credits_spent: u64,
    /// Left.
    pub(crate) credits: u64,
    pub(crate) contact_sheet: Option<PathBuf>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct BatchReport {
    pub(crate) batch_id: String,
    pub(crate) credits_spent: u64,
    pub(crate) credits_refunded: u64,
}

#[derive(Serialize)]
pub(crate) struct Edited {
    pub(crate) file: PathBuf,
    pub(crate) result: PathBuf,
}

#[derive(Serialize)]
pub(crate) struct Failed {
    pub(crate) file: PathBuf,
    pub(crate) code: String,
    pub(crate) message: String,
    pub(crate) refunded: bool,
}

impl Report {
    /// For people.
    pub(crate) fn words(&self) -> String {
        let mut text = Vec::new();
        for failed in &self.failed {
            text.push(format!(
                "failed: {}: {} (refunded)\n",
                failed.file.display(),
                failed.message
            ));
        }
        text.push(format!(
            "{} edited into {}",
            count_of(self.edited.len(), "image"),
            folder(&self.out)
        ));
        if !self.failed.is_empty() {
            text.push(format!(", {} failed and refunded", self.failed.len()));
        }
        text.push(format!(", {} left", count(self.credits, "credit")));
        if !self.failed.is_empty() {
            text.push("\nto try the failed ones again, add --retry-failed".to_owned());
        }
        if let Some(sheet) = &self.contact_sheet {
            text.push(format!("\nbefore and after: {}", sheet.display()));
        }
        text.concat()
    }
}

fn folder(path: &Path) -> String {
    let text = path.display().to_string();
    if text.ends_with('/') {
        text
    } else {
        format!("{text}/")
    }
}
