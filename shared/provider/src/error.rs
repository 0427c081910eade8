//! The branches that a caller takes when an edit did not end in a picture.
//!
//! Nothing here quotes what the provider said in prose, because that prose quotes prompts and presigned URLs.

use std::time::Duration;

use base64::DecodeError;
use thiserror::Error;

use crate::{InvalidApiKey, picture::PictureFault};

/// Why [`Client::edit`](crate::Client::edit) brought no picture.
///
/// `request_id` is the provider's `x-request-id`, for a question to the vendor.
#[derive(Debug, Error)]
pub enum EditError {
    /// The provider's content rules forbid this edit.
    #[error("the provider's moderation blocked the edit")]
    Moderated {
        /// What was judged, where the provider says.
        stage: Option<ModerationStage>,
        /// Names such as `violence` or `self-harm`; often none.
        categories: Vec<String>,
        /// The provider's id.
        request_id: Option<String>,
    },

    /// The provider will not make this edit of this photo with these parameters, however often it is asked.
    #[error(
        "the provider refused the edit with status {status}, code {code:?}, parameter {param:?}"
    )]
    Refused {
        /// The HTTP status, mostly 400.
        status: u16,
        /// The provider's word for the reason.
        code: Option<String>,
        /// The parameter at fault.
        param: Option<String>,
        /// The provider's id.
        request_id: Option<String>,
    },

    /// The provider could not fetch the photo from the URL that it was given. The photo may be as good as ever: a slow
    /// download or a URL past its time looks the same.
    #[error("the provider could not fetch the photo, code {code:?}")]
    PhotoNotFetched {
        /// The provider's word for the reason.
        code: Option<String>,
        /// The provider's id.
        request_id: Option<String>,
    },

    /// Too many requests: wait, and ask again.
    #[error("the provider's rate limit is reached, code {code:?}, retry after {retry_after:?}")]
    RateLimited {
        /// How long it asks us to wait, at most [`MAX_RETRY_AFTER`](crate::MAX_RETRY_AFTER).
        retry_after: Option<Duration>,
        /// The provider's word for the reason.
        code: Option<String>,
        /// The provider's id.
        request_id: Option<String>,
    },

    /// The account has no money left, or has reached a limit that only its owner can raise.
    #[error("the provider's account is out of money, code {code:?}")]
    OutOfMoney {
        /// The provider's word for the reason.
        code: Option<String>,
        /// The provider's id.
        request_id: Option<String>,
    },

    /// The key is wrong, or may not do this.
    #[error("the provider rejected our credentials with status {status}, code {code:?}")]
    Unauthorized {
        /// 401 or 403.
        status: u16,
        /// The provider's word for the reason.
        code: Option<String>,
        /// The provider's id.
        request_id: Option<String>,
    },

    /// What we have as a key is none, so nothing was sent.
    #[error("there is no key for the provider")]
    NoKey(#[from] InvalidApiKey),

    /// The address, the model or our use of the API is wrong: every image would end like this one.
    #[error(
        "the provider cannot be used as configured: status {status}, code {code:?}, parameter {param:?}"
    )]
    Misconfigured {
        /// A redirect, 404, or 400 about the model or a parameter that it does not know.
        status: u16,
        /// The provider's word for the reason.
        code: Option<String>,
        /// The parameter at fault.
        param: Option<String>,
        /// The provider's id.
        request_id: Option<String>,
    },

    /// No connection could be opened, so nothing was sent.
    #[error("the provider cannot be reached")]
    Unreachable(#[source] reqwest::Error),

    /// The request was sent, and what came back does not tell whether an edit was made and billed.
    #[error("it is unknown whether the provider made the edit")]
    UnknownOutcome {
        /// What went wrong.
        #[source]
        doubt: Doubt,
        /// How long an overloaded provider asks us to wait, at most [`MAX_RETRY_AFTER`](crate::MAX_RETRY_AFTER).
        retry_after: Option<Duration>,
        /// The provider's id.
        request_id: Option<String>,
    },
}

/// What makes an outcome unknown.
#[derive(Debug, Error)]
pub enum Doubt {
    /// The time for the whole call was over.
    #[error("no complete answer within the timeout")]
    TimedOut,
    /// The connection broke while the request or the answer was on its way.
    #[error("the connection broke")]
    Cut(#[source] reqwest::Error),
    /// A status that promises nothing: 5xx, and those that speak of time or conflict.
    #[error("status {status}, code {code:?}")]
    Status {
        /// The HTTP status.
        status: u16,
        /// The provider's word for the reason.
        code: Option<String>,
    },
    /// More came than is read.
    #[error("the answer is longer than {limit} bytes")]
    TooLong {
        /// The limit, in bytes.
        limit: usize,
    },
    /// Success by its status, and not the JSON that was promised.
    #[error("the answer is not the JSON of an edit")]
    Malformed,
    /// Success by its status, and no picture in it.
    #[error("the answer holds no picture")]
    NoPicture,
    /// The picture is not base64.
    #[error("the picture in the answer is not base64")]
    NotBase64(#[source] DecodeError),
    /// The picture is not a whole one of the format asked for.
    #[error("the picture in the answer cannot be used")]
    NotWhole(#[source] PictureFault),
}

/// When the content rules said no.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ModerationStage {
    /// About the photo or the prompt.
    Input,
    /// About the edited picture.
    Output,
}

/// What an [`EditError`] means for the image and its money.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// This image will never be edited as asked. Nothing more to try.
    FinalForImage,
    /// Certainly nothing was bought: safe to try again, later.
    NotBought,
    /// Something may have been bought.
    Unknown,
    /// Nothing was bought, and no image will be until the operator has acted.
    OperatorMustAct,
}

impl EditError {
    /// What the caller may do next.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::Moderated { .. } | Self::Refused { .. } => Outcome::FinalForImage,
            Self::PhotoNotFetched { .. } | Self::RateLimited { .. } | Self::Unreachable(_) => {
                Outcome::NotBought
            }
            Self::OutOfMoney { .. }
            | Self::Unauthorized { .. }
            | Self::NoKey(_)
            | Self::Misconfigured { .. } => Outcome::OperatorMustAct,
            Self::UnknownOutcome { .. } => Outcome::Unknown,
        }
    }

    /// The stable name of the branch.
    #[must_use]
    pub fn code(&self) -> &'static str {
        match self {
            Self::Moderated { .. } => "moderation_blocked",
            Self::Refused { .. } => "edit_refused",
            Self::PhotoNotFetched { .. } => "photo_not_fetched",
            Self::RateLimited { .. } => "provider_rate_limited",
            Self::OutOfMoney { .. } => "provider_out_of_money",
            Self::Unauthorized { .. } | Self::NoKey(_) => "provider_unauthorized",
            Self::Misconfigured { .. } => "provider_misconfigured",
            Self::Unreachable(_) => "provider_unreachable",
            Self::UnknownOutcome { .. } => "provider_outcome_unknown",
        }
    }

    /// One or two sentences for the person whose photo it is, where the error is [`Outcome::FinalForImage`].
    #[must_use]
    pub fn public_message(&self) -> Option<String> {
        match self {
            Self::Moderated {
                stage, categories, ..
            } => {
                let mut message = match stage {
                    Some(ModerationStage::Output) => {
                        "The image service's content rules do not allow the picture that this edit would make."
                    }
                    Some(ModerationStage::Input) | None => {
                        "The image service's content rules do not allow this edit."
                    }
                }
                .to_owned();
                if !categories.is_empty() {
                    message.push_str(" It names: ");
                    message.push_str(&categories.join(", "));
                    message.push('.');
                }
                Some(message)
            }
            Self::Refused {
                status,
                code,
                param,
                ..
            } => Some(refusal(*status, code.as_deref(), param.as_deref()).to_owned()),
            _ => None,
        }
    }

    /// The provider's `x-request-id`, where it answered with one.
    #[must_use]
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Moderated { request_id, .. }
            | Self::Refused { request_id, .. }
            | Self::PhotoNotFetched { request_id, .. }
            | Self::RateLimited { request_id, .. }
            | Self::OutOfMoney { request_id, .. }
            | Self::Unauthorized { request_id, .. }
            | Self::Misconfigured { request_id, .. }
            | Self::UnknownOutcome { request_id, .. } => request_id.as_deref(),
            Self::NoKey(_) | Self::Unreachable(_) => None,
        }
    }

    /// How long the provider asks us to wait, at most [`MAX_RETRY_AFTER`](crate::MAX_RETRY_AFTER).
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after, .. } | Self::UnknownOutcome { retry_after, .. } => {
                *retry_after
            }
            _ => None,
        }
    }
}

/// A refusal in the user's words: what of theirs is at fault.
fn refusal(status: u16, code: Option<&str>, param: Option<&str>) -> &'static str {
    let names = |word: &str| {
        [code, param]
            .into_iter()
            .flatten()
            .any(|name| name.contains(word))
    };
    if status == 413 {
        "The picture is too large for the image service."
    } else if names("mimetype") {
        "The image service cannot read this kind of picture."
    } else if names("prompt") {
        "The image service did not accept the text of this edit. Please shorten or reword it."
    } else if names("size") || names("quality") || names("output_format") {
        "The image service does not offer this combination of size, quality and format."
    } else if names("image") {
        "The image service could not work with this picture."
    } else {
        "The image service did not accept this edit. Please try another picture or another text."
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(status: u16, code: Option<&str>, param: Option<&str>) -> EditError {
        EditError::Refused {
            status,
            code: code.map(str::to_owned),
            param: param.map(str::to_owned),
            request_id: None,
        }
    }

    #[test]
    fn a_refusal_tells_the_user_what_of_theirs_is_at_fault() {
        for (error, word) in [
            (refused(413, None, None), "too large"),
            (
                refused(400, Some("unsupported_file_mimetype"), Some("image")),
                "kind of picture",
            ),
            (
                refused(400, Some("string_above_max_length"), Some("prompt")),
                "text of this edit",
            ),
            (
                refused(400, Some("invalid_value"), Some("size")),
                "combination",
            ),
            (
                refused(400, Some("invalid_image_file"), None),
                "could not work with this picture",
            ),
            (refused(400, None, None), "another picture or another text"),
        ] {
            let message = error.public_message().unwrap();
            assert!(message.contains(word), "{error}: {message}");
        }
    }

    #[test]
    fn a_moderated_image_is_told_why() {
        let moderated = |stage, categories: &[&str]| {
            EditError::Moderated {
                stage,
                categories: categories.iter().map(|&name| name.to_owned()).collect(),
                request_id: None,
            }
            .public_message()
            .unwrap()
        };
        assert_eq!(
            moderated(Some(ModerationStage::Input), &["violence", "self-harm"]),
            "The image service's content rules do not allow this edit. It names: violence, self-harm."
        );
        assert!(moderated(Some(ModerationStage::Output), &[]).ends_with("this edit would make."));
        assert!(moderated(None, &[]).ends_with("do not allow this edit."));
    }
}
