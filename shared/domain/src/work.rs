//! What travels from the submit to the workflow: one image's part of a batch.

use serde::{Deserialize, Serialize};

use crate::{Failure, ImageRef, Job, Picture, UploadKey};

/// One image to edit: a message of the edit queue and the input of a workflow execution. Small: the shared prompt, which
/// may have 32,000 characters, stays in the manifest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Work {
    /// Which image.
    #[serde(flatten)]
    pub image: ImageRef,
    /// The photo.
    pub key: UploadKey,
    /// Its own wish, if it has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

impl Work {
    /// An image's part of its batch's manifest.
    #[must_use]
    pub fn new(image: ImageRef, job: Job) -> Self {
        Self {
            image,
            key: job.key,
            prompt: job.prompt,
        }
    }
}

/// What verify-image says of a photo, and edit-image goes by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "verdict", rename_all = "camelCase")]
pub enum Verdict {
    /// It can be edited.
    Fit {
        /// Where the bytes lie that may go to the provider: the upload, or what was made of it under [`work_key`].
        ///
        /// [`work_key`]: crate::work_key
        key: String,
        /// What they are.
        #[serde(flatten)]
        picture: Picture,
    },
    /// It cannot; the provider is not asked.
    Refused(Failure),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_has_the_shape_that_the_events_show() {
        let json = r#"{"batchId":"5f2b6e0c-8f7b-8d53-9a3c-0a5bb3f3a001","index":3,"key":"uploads/anna/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg","prompt":"blue"}"#;
        let work: Work = serde_json::from_str(json).unwrap();
        assert_eq!(serde_json::to_string(&work).unwrap(), json);
    }

    #[test]
    fn verdicts_have_the_shape_that_the_events_show() {
        for json in [
            r#"{"verdict":"fit","key":"work/anna/b/00003.png","format":"png","width":640,"height":427}"#,
            r#"{"verdict":"refused","code":"photo_empty","message":"The file is empty."}"#,
        ] {
            let verdict: Verdict = serde_json::from_str(json).unwrap();
            assert_eq!(serde_json::to_string(&verdict).unwrap(), json);
        }
    }
}
