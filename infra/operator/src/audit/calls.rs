//! R5, seen from the provider: did it see no more calls than were counted?
//!
//! Needs a provider that keeps a list, as the stand-in does. It knows pictures and prompts, not images: images that share
//! both share their calls.

use std::collections::BTreeMap;

use domain::ImageRef;
use serde::Deserialize;

use super::violation::{Code, Ids, Violation};

/// What the provider has seen of one picture with one prompt: a line of the stand-in's `/control/calls/counts`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// SHA-256 of the picture's file, in hexadecimal.
    pub image_sha256: String,
    /// The prompt.
    pub prompt: String,
    /// How often it was asked for.
    pub calls: u64,
}

/// A picture and a prompt.
pub type Ask = (String, String);

/// What our records say of one picture with one prompt.
#[derive(Clone, Debug, Default)]
pub struct Counted {
    /// Calls counted, for all of these images together.
    pub calls: u64,
    /// The images.
    pub images: Vec<ImageRef>,
}

/// Compares both. What the provider has seen of nobody's image is none of ours: it may have other users.
#[must_use]
pub fn judge(seen: &[Seen], counted: &BTreeMap<Ask, Counted>) -> Vec<Violation> {
    let judge = |seen: &Seen| {
        let ask = (seen.image_sha256.clone(), seen.prompt.clone());
        let counted = counted.get(&ask).filter(|it| it.calls < seen.calls)?;
        let first = counted.images.first()?;
        let ids = Ids::batch(&first.batch_id).image(first.index);
        let detail = format!(
            "{} calls seen, {} counted; images with this photo and prompt: {}",
            seen.calls,
            counted.calls,
            counted.images.len()
        );
        Some(Violation::new(Code::CallsUncounted, ids, detail, []))
    };
    seen.iter().filter_map(judge).collect()
}
