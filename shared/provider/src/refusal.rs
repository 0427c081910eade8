//! From an answer that is not a success to the branch that it means.
//!
//! The table is that of `facts/openai-images.md`, plus what the API is known to answer beside its documents:
//! - `billing_hard_limit_reached` is the image endpoints' older "out of money", and comes as a 400
//!   (<https://github.com/dfinke/PowerShellAI/issues/127>);
//! - a photo that could not be fetched is a 400 with code `invalid_image_url`
//!   (<https://github.com/riverscuomo/cuomputer/issues/95>) or with parameter `url`
//!   (<https://github.com/vercel/ai/issues/8857>), often a passing one.

use std::time::Duration;

use reqwest::StatusCode;
use serde::Deserialize;
use serde_json::Value;

use crate::{Doubt, EditError, InputForm, ModerationStage};

/// What the head of an answer told.
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) request_id: Option<String>,
    pub(crate) retry_after: Option<Duration>,
}

/// What the body of an error told: identifiers only, no prose.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Reason {
    code: Option<String>,
    kind: Option<String>,
    param: Option<String>,
    stage: Option<ModerationStage>,
    categories: Vec<String>,
}

impl Reason {
    /// Reads an error body leniently: what has another shape than expected is as good as absent.
    pub(crate) fn parse(body: &[u8]) -> Self {
        #[derive(Default, Deserialize)]
        #[serde(default)]
        struct Envelope {
            error: Value,
        }

        let Envelope { error } = serde_json::from_slice(body).unwrap_or_default();
        let details = error.get("moderation_details");
        let identifier_at = |name| error.get(name).and_then(Value::as_str).and_then(identifier);
        Self {
            code: identifier_at("code"),
            kind: identifier_at("type"),
            param: identifier_at("param"),
            stage: match details
                .and_then(|details| details.get("moderation_stage"))
                .and_then(Value::as_str)
            {
                Some("input") => Some(ModerationStage::Input),
                Some("output") => Some(ModerationStage::Output),
                _ => None,
            },
            categories: details
                .and_then(|details| details.get("categories"))
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .filter_map(identifier)
                .collect(),
        }
    }

    fn is_moderation(&self) -> bool {
        matches!(
            self.code.as_deref(),
            Some("moderation_blocked" | "content_policy_violation")
        )
    }

    fn is_money(&self) -> bool {
        [&self.code, &self.kind].into_iter().flatten().any(|word| {
            matches!(
                word.as_str(),
                "insufficient_quota"
                    | "credit_balance_exhausted"
                    | "billing_hard_limit_reached"
                    | "billing_not_active"
            ) || word.ends_with("_spend_limit_exceeded")
                || word.ends_with("_usage_limit_exceeded")
        })
    }

    /// The model and the names of parameters are ours, never the user's.
    fn is_configuration(&self) -> bool {
        self.param.as_deref() == Some("model")
            || matches!(
                self.code.as_deref(),
                Some("model_not_found" | "unknown_parameter" | "unsupported_parameter")
            )
    }

    fn is_failed_fetch(&self) -> bool {
        self.code.as_deref() == Some("invalid_image_url") || self.param.as_deref() == Some("url")
    }
}

/// An identifier as vendors write them, or nothing: what is longer or has other characters may be prose, and prose may quote
/// a prompt.
pub(crate) fn identifier(word: &str) -> Option<String> {
    const LONGEST: usize = 128;
    let fits = !word.is_empty()
        && word.len() <= LONGEST
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_-./[]".contains(&byte));
    fits.then(|| word.to_owned())
}

/// The branch of an answer without success. `reason` is `None` where the body could not be read to its end.
pub(crate) fn classify(head: Head, reason: Option<Reason>, form: InputForm) -> EditError {
    let Head {
        status,
        request_id,
        retry_after,
    } = head;
    let is_readable = reason.is_some();
    let reason = reason.unwrap_or_default();
    let number = status.as_u16();

    if !status.is_client_error() && !status.is_redirection() || matches!(number, 408 | 409 | 499) {
        return EditError::UnknownOutcome {
            doubt: Doubt::Status {
                status: number,
                code: reason.code,
            },
            retry_after,
            request_id,
        };
    }
    // From here on nothing was bought; the question is what happens next.
    if number == 402 || reason.is_money() {
        return EditError::OutOfMoney {
            code: reason.code.or(reason.kind),
            request_id,
        };
    }
    if reason.is_moderation() {
        return EditError::Moderated {
            stage: reason.stage,
            categories: reason.categories,
            request_id,
        };
    }
    match number {
        429 => EditError::RateLimited {
            retry_after,
            code: reason.code,
            request_id,
        },
        401 | 403 => EditError::Unauthorized {
            status: number,
            code: reason.code,
            request_id,
        },
        300..=399 | 404 | 405 | 410 => EditError::Misconfigured {
            status: number,
            code: reason.code,
            param: reason.param,
            request_id,
        },
        // Which of the next three it is stands in the body alone, and one of them is final.
        _ if !is_readable => EditError::UnknownOutcome {
            doubt: Doubt::Status {
                status: number,
                code: None,
            },
            retry_after,
            request_id,
        },
        _ if reason.is_configuration() => EditError::Misconfigured {
            status: number,
            code: reason.code,
            param: reason.param,
            request_id,
        },
        _ if form == InputForm::Url && reason.is_failed_fetch() => EditError::PhotoNotFetched {
            code: reason.code,
            request_id,
        },
        _ => EditError::Refused {
            status: number,
            code: reason.code,
            param: reason.param,
            request_id,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_body_gives_its_identifiers() {
        let body = br#"{"error": {
            "message": "Your request was rejected: 'a secret wish'",
            "type": "image_generation_user_error", "param": null, "code": "moderation_blocked",
            "moderation_details": {"moderation_stage": "output", "categories": ["sexual/minors", "self-harm", 7, "and prose"]}
        }}"#;
        let reason = Reason::parse(body);
        let expected = Reason {
            code: Some("moderation_blocked".to_owned()),
            kind: Some("image_generation_user_error".to_owned()),
            param: None,
            stage: Some(ModerationStage::Output),
            categories: vec!["sexual/minors".to_owned(), "self-harm".to_owned()],
        };
        assert_eq!(reason, expected);
    }

    #[test]
    fn odd_error_bodies_say_nothing_and_break_nothing() {
        for body in [
            "",
            "<html>Bad Gateway</html>",
            "null",
            "[]",
            "{}",
            r#"{"error": null}"#,
            r#"{"error": "no"}"#,
            r#"{"error": {"code": 7, "type": [], "param": {}, "moderation_details": []}}"#,
            r#"{"error": {"code": "paint the cat blue"}}"#,
        ] {
            assert_eq!(Reason::parse(body.as_bytes()), Reason::default(), "{body}");
        }
    }

    #[test]
    fn an_unreadable_refusal_is_final_for_nobody() {
        let outcome = |status| {
            let head = Head {
                status: StatusCode::from_u16(status).unwrap(),
                request_id: None,
                retry_after: None,
            };
            classify(head, None, InputForm::Url).code()
        };
        assert_eq!(outcome(400), "provider_outcome_unknown");
        assert_eq!(outcome(413), "provider_outcome_unknown");
        // These say enough by their number.
        assert_eq!(outcome(429), "provider_rate_limited");
        assert_eq!(outcome(401), "provider_unauthorized");
        assert_eq!(outcome(404), "provider_misconfigured");
    }
}
