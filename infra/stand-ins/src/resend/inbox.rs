//! What was sent, and under which idempotency key. Pure: the caller brings the time.

use std::collections::HashMap;

use axum::http::StatusCode;
use serde::Serialize;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

use super::{
    refusal::Refusal,
    request::{Mail, bare},
};

/// How long a key is remembered.
const REMEMBERED: Duration = Duration::DAY;

/// A mail that has arrived.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Arrived {
    pub(super) id: Uuid,
    #[serde(with = "time::serde::rfc3339")]
    pub(super) created_at: OffsetDateTime,
    pub(super) idempotency_key: Option<String>,
    #[serde(flatten)]
    pub(super) mail: Mail,
}

impl Arrived {
    /// Did it go to this address?
    pub(super) fn is_to(&self, address: &str) -> bool {
        self.mail.to.all().iter().any(|to| bare(to) == address)
    }
}

/// All mails, oldest first, until the stand-in stops.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    mails: Vec<Arrived>,
    /// Key -> the place of its mail.
    keys: HashMap<String, usize>,
}

impl Inbox {
    /// Delivers a mail, unless it is there already under this key.
    pub(super) fn deliver(
        &mut self,
        mail: Mail,
        key: Option<String>,
        now: OffsetDateTime,
    ) -> Result<Uuid, Refusal> {
        let known = key.as_ref().and_then(|key| self.keys.get(key));
        let known = known.and_then(|place| self.mails.get(*place));
        match known {
            Some(known) if now < known.created_at.saturating_add(REMEMBERED) => {
                return if known.mail == mail {
                    Ok(known.id)
                } else {
                    Err(other_payload())
                };
            }
            _ => {}
        }
        if let Some(key) = &key {
            self.keys.insert(key.clone(), self.mails.len());
        }
        let id = Uuid::new_v4();
        self.mails.push(Arrived {
            id,
            created_at: now,
            idempotency_key: key,
            mail,
        });
        Ok(id)
    }

    /// All of them.
    pub(super) fn mails(&self) -> &[Arrived] {
        &self.mails
    }
}

fn other_payload() -> Refusal {
    Refusal::new(
        StatusCode::CONFLICT,
        "invalid_idempotent_request",
        "This idempotency key has been used on a request that had a different payload.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: OffsetDateTime = OffsetDateTime::UNIX_EPOCH;

    fn mail(text: &str) -> Mail {
        let json = format!(
            r#"{{"from":"a@example.com","to":"Anna <b@example.com>","subject":"s","text":"{text}"}}"#
        );
        Mail::read(json.as_bytes()).unwrap()
    }

    #[test]
    fn a_key_is_one_mail_for_a_day() {
        let mut inbox = Inbox::default();
        let key = || Some("receipt/1".to_owned());
        let first = inbox.deliver(mail("x"), key(), NOW).unwrap();
        let later = NOW + Duration::hours(23);
        assert_eq!(inbox.deliver(mail("x"), key(), later), Ok(first));
        let refused = inbox.deliver(mail("y"), key(), later).unwrap_err();
        assert_eq!(refused.name, "invalid_idempotent_request");
        assert_eq!(inbox.mails().len(), 1);
        let next_day = inbox.deliver(mail("y"), key(), NOW + Duration::DAY);
        assert_ne!(next_day, Ok(first));
        assert!(inbox.deliver(mail("x"), None, NOW).is_ok());
        assert_eq!(inbox.mails().len(), 3);
        assert!(inbox.mails().iter().all(|mail| mail.is_to("b@example.com")));
    }
}
