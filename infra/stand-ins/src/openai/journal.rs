//! The calls that were seen, so that a test can prove that no picture was bought twice.
//!
//! A call is written down when it arrives and completed when it is answered; if the caller hangs up it stays "accepted",
//! and bought. Bounded: the oldest calls are forgotten first.

use std::{
    collections::{BTreeMap, VecDeque},
    fmt::{self, Write},
};

use bytes::Bytes;
use serde::{Serialize, Serializer};
use sha2::{Digest, Sha256};
use time::OffsetDateTime;

/// Calls that are remembered.
const MAX_CALLS: usize = 20_000;
/// Bytes of their prompts together.
const MAX_PROMPT_BYTES: usize = 64_000_000;

/// SHA-256 of the pictures of a call, one after the other: of one picture it is simply that of the file.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct ImageHash(pub(crate) [u8; 32]);

impl ImageHash {
    pub(crate) fn of(images: &[Bytes]) -> Self {
        Self(
            images
                .iter()
                .fold(Sha256::new(), Digest::chain_update)
                .finalize()
                .into(),
        )
    }
}

impl fmt::Display for ImageHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl Serialize for ImageHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut hex = String::with_capacity(64);
        write!(hex, "{self}").map_err(serde::ser::Error::custom)?;
        serializer.serialize_str(&hex)
    }
}

/// One call to the edits endpoint.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Call {
    /// None when the call was refused before its picture was read.
    #[serde(rename = "imageSha256")]
    pub(crate) image: Option<ImageHash>,
    pub(crate) prompt: String,
    pub(crate) model: String,
    pub(crate) size: String,
    pub(crate) quality: String,
    /// `accepted` while it runs, `answered`, or the code or fault that ended it.
    pub(crate) outcome: &'static str,
    /// Whether the real service would send a bill.
    pub(crate) bought: bool,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) at: OffsetDateTime,
    /// When its answer was ready, if there was anybody left to give it to.
    #[serde(with = "time::serde::rfc3339::option")]
    pub(crate) answered_at: Option<OffsetDateTime>,
}

/// How often a picture was asked for with a prompt.
#[derive(Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Count<'a> {
    #[serde(rename = "imageSha256")]
    image: ImageHash,
    prompt: &'a str,
    calls: u32,
    bought: u32,
}

/// The bounded list of calls.
#[derive(Debug, Default)]
pub(crate) struct Journal {
    calls: VecDeque<(u64, Call)>,
    prompt_bytes: usize,
    next: u64,
    forgotten: u64,
}

impl Journal {
    /// Writes a call down and gives it a number.
    pub(crate) fn open(&mut self, call: Call) -> u64 {
        let number = self.next;
        self.next += 1;
        self.prompt_bytes += call.prompt.len();
        self.calls.push_back((number, call));
        while self.calls.len() > MAX_CALLS || self.prompt_bytes > MAX_PROMPT_BYTES {
            let Some((_, call)) = self.calls.pop_front() else {
                break;
            };
            self.prompt_bytes -= call.prompt.len();
            self.forgotten += 1;
        }
        number
    }

    /// Says how a call ended, unless it is forgotten.
    pub(crate) fn close(&mut self, number: u64, outcome: &'static str, bought: bool) {
        let Ok(position) = self
            .calls
            .binary_search_by_key(&number, |(number, _)| *number)
        else {
            return;
        };
        if let Some((_, call)) = self.calls.get_mut(position) {
            call.outcome = outcome;
            call.bought = bought;
            call.answered_at = Some(OffsetDateTime::now_utc());
        }
    }

    /// The calls whose prompt contains `filter`, oldest first.
    pub(crate) fn calls(&self, filter: &str) -> impl Iterator<Item = &Call> {
        self.calls
            .iter()
            .map(|(_, call)| call)
            .filter(move |call| call.prompt.contains(filter))
    }

    /// The same calls, counted per picture and prompt; refusals before the picture was read have no count.
    pub(crate) fn counts(&self, filter: &str) -> Vec<Count<'_>> {
        let mut counts = BTreeMap::<(ImageHash, &str), (u32, u32)>::new();
        for call in self.calls(filter) {
            if let Some(image) = call.image {
                let (calls, bought) = counts.entry((image, &call.prompt)).or_default();
                *calls += 1;
                *bought += u32::from(call.bought);
            }
        }
        counts
            .into_iter()
            .map(|((image, prompt), (calls, bought))| Count {
                image,
                prompt,
                calls,
                bought,
            })
            .collect()
    }

    /// Calls that no longer fit.
    pub(crate) fn forgotten(&self) -> u64 {
        self.forgotten
    }

    /// Forgets the calls whose prompt contains `filter`.
    pub(crate) fn clear(&mut self, filter: &str) {
        self.calls.retain(|(_, call)| !call.prompt.contains(filter));
        self.prompt_bytes = self.calls.iter().map(|(_, call)| call.prompt.len()).sum();
        if self.calls.is_empty() {
            self.forgotten = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(prompt: &str, image: u8) -> Call {
        Call {
            image: Some(ImageHash([image; 32])),
            prompt: prompt.to_owned(),
            model: String::new(),
            size: String::new(),
            quality: String::new(),
            outcome: "accepted",
            bought: true,
            at: OffsetDateTime::UNIX_EPOCH,
            answered_at: None,
        }
    }

    #[test]
    fn counts_tell_calls_from_purchases() {
        let mut journal = Journal::default();
        let refused = journal.open(call("blue", 1));
        journal.close(refused, "rate_limit_exceeded", false);
        journal.open(call("blue", 1));
        journal.open(call("red", 1));
        let counts: Vec<_> = journal
            .counts("")
            .iter()
            .map(|count| (count.prompt, count.calls, count.bought))
            .collect();
        assert_eq!(counts, [("blue", 2, 1), ("red", 1, 1)]);
        assert_eq!(journal.counts("re").len(), 1);
        journal.clear("red");
        assert_eq!(journal.calls("").count(), 2);
    }

    #[test]
    fn memory_is_bounded_by_calls_and_by_prompts() {
        let mut journal = Journal::default();
        let first = journal.open(call("", 0));
        for _ in 0..MAX_CALLS {
            journal.open(call("", 0));
        }
        assert_eq!((journal.calls.len(), journal.forgotten()), (MAX_CALLS, 1));
        journal.close(first, "answered", true);

        let mut journal = Journal::default();
        for _ in 0..5 {
            journal.open(call(&"x".repeat(MAX_PROMPT_BYTES / 4), 0));
        }
        assert_eq!(journal.calls.len(), 4);
    }

    #[test]
    fn the_hash_of_one_picture_is_that_of_its_file() {
        let hash = ImageHash::of(&[Bytes::from_static(b"abc")]);
        assert_eq!(
            hash.to_string(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
        assert_eq!(
            hash,
            ImageHash::of(&[Bytes::from_static(b"a"), Bytes::from_static(b"bc")])
        );
    }
}
