//! What may be sent: the body of `POST /emails`, and the key that makes it safe to repeat.
//!
//! A field that Resend does not have is refused: what it would overlook is a mistake of ours.

use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::refusal::Refusal;

const MAX_RECIPIENTS: usize = 50;
const MAX_KEY: usize = 256;

/// A mail, as far as we send any: no attachments, no templates.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mail {
    pub(super) from: String,
    pub(super) to: Recipients,
    pub(super) subject: String,
    pub(super) html: Option<String>,
    pub(super) text: Option<String>,
    reply_to: Option<Recipients>,
    cc: Option<Recipients>,
    bcc: Option<Recipients>,
    #[serde(default)]
    headers: Map<String, Value>,
    #[serde(default)]
    tags: Vec<Tag>,
}

#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Tag {
    name: String,
    value: String,
}

/// One address, or several.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(untagged)]
pub(super) enum Recipients {
    One(String),
    Several(Vec<String>),
}

impl Recipients {
    /// As a list.
    pub(super) fn all(&self) -> &[String] {
        match self {
            Self::One(address) => std::slice::from_ref(address),
            Self::Several(addresses) => addresses,
        }
    }
}

impl Mail {
    /// Reads and judges it.
    pub(super) fn read(body: &[u8]) -> Result<Self, Refusal> {
        let value: Value = serde_json::from_slice(body)
            .map_err(|error| Refusal::invalid(format!("The body is not JSON: {error}.")))?;
        for field in ["from", "to", "subject"] {
            if value.get(field).is_none_or(Value::is_null) {
                return Err(Refusal::missing(field));
            }
        }
        let mail = serde_json::from_value(value);
        let mail: Self = mail.map_err(|error| Refusal::invalid(format!("{error}.")))?;
        mail.check()?;
        Ok(mail)
    }

    fn check(&self) -> Result<(), Refusal> {
        if !is_address(&self.from) {
            return Err(Refusal::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_from_address",
                format!("Invalid `from` field. {FORMAT}"),
            ));
        }
        let recipients = [
            ("to", Some(&self.to)),
            ("cc", self.cc.as_ref()),
            ("bcc", self.bcc.as_ref()),
            ("reply_to", self.reply_to.as_ref()),
        ];
        for (field, recipients) in recipients {
            let Some(recipients) = recipients else {
                continue;
            };
            let count = recipients.all().len();
            if !(1..=MAX_RECIPIENTS).contains(&count) {
                return Err(Refusal::invalid(format!(
                    "Invalid `{field}` field. It takes 1 to {MAX_RECIPIENTS} addresses."
                )));
            }
            if !recipients.all().iter().all(|it| is_address(it)) {
                return Err(Refusal::invalid(format!(
                    "Invalid `{field}` field. {FORMAT}"
                )));
            }
        }
        if self.subject.contains(['\r', '\n']) {
            return Err(Refusal::invalid(
                "The `\\n` is not allowed in the `subject` field.",
            ));
        }
        if [&self.html, &self.text]
            .iter()
            .all(|it| it.as_deref().unwrap_or_default().is_empty())
        {
            return Err(Refusal::invalid("Missing `html` or `text` field."));
        }
        Ok(())
    }
}

const FORMAT: &str = "The email address needs to follow the `email@example.com` or `Name <email@example.com>` format.";

/// The address itself, without the name before it.
pub(super) fn bare(address: &str) -> &str {
    match address.rsplit_once('<') {
        Some((_, rest)) => rest.strip_suffix('>').unwrap_or(rest),
        None => address,
    }
}

fn is_address(text: &str) -> bool {
    let closed = text.contains('<') == text.ends_with('>');
    let bare = bare(text);
    let is_plain =
        !bare.contains(|c: char| c.is_whitespace() || c.is_control() || "<>,".contains(c));
    let parts = bare.split_once('@');
    closed
        && is_plain
        && !text.contains(['\r', '\n'])
        && parts.is_some_and(|(name, domain)| {
            !name.is_empty()
                && domain.split('.').all(|label| !label.is_empty())
                && !domain.contains('@')
        })
}

/// The header `Idempotency-Key`, if there is one.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, Refusal> {
    let Some(value) = headers.get("idempotency-key") else {
        return Ok(None);
    };
    let key = value.to_str().unwrap_or_default();
    if (1..=MAX_KEY).contains(&key.len()) {
        Ok(Some(key.to_owned()))
    } else {
        Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "invalid_idempotency_key",
            "The key must be between 1-256 chars.",
        ))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(change: Value) -> Result<Mail, &'static str> {
        let mut mail = json!({
            "from": "Batch Image Edit <photos@example.com>",
            "to": "anna@example.com",
            "subject": "Your photos are ready",
            "text": "Here they are.",
        });
        if let (Some(mail), Value::Object(change)) = (mail.as_object_mut(), change) {
            mail.extend(change);
        }
        Mail::read(mail.to_string().as_bytes()).map_err(|refusal| refusal.name)
    }

    #[test]
    fn a_mail_has_a_sender_somebody_to_go_to_and_something_to_say() {
        for good in [
            json!({}),
            json!({ "to": ["anna@example.com", "Bert <bert@example.com>"] }),
            json!({ "text": null, "html": "<p>Here they are.</p>" }),
            json!({ "reply_to": "help@example.com", "headers": { "X-Entity-Ref-ID": "1" } }),
        ] {
            assert!(read(good.clone()).is_ok(), "{good}");
        }
        for (bad, name) in [
            (json!({ "from": null }), "missing_required_field"),
            (json!({ "subject": null }), "missing_required_field"),
            (json!({ "from": "photos" }), "invalid_from_address"),
            (
                json!({ "from": "Photos <photos@example.com" }),
                "invalid_from_address",
            ),
            (json!({ "to": "anna" }), "validation_error"),
            (
                json!({ "to": "anna@example.com, bert@example.com" }),
                "validation_error",
            ),
            (
                json!({ "to": "anna@example.com\nBcc: bert@example.com" }),
                "validation_error",
            ),
            (json!({ "to": [] }), "validation_error"),
            (
                json!({ "to": vec!["anna@example.com"; 51] }),
                "validation_error",
            ),
            (
                json!({ "subject": "Your photos\nBcc: all" }),
                "validation_error",
            ),
            (json!({ "text": null }), "validation_error"),
            (json!({ "text": "" }), "validation_error"),
            (json!({ "body": "Here they are." }), "validation_error"),
        ] {
            assert_eq!(read(bad.clone()), Err(name), "{bad}");
        }
    }
}
