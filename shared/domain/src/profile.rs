//! How to reach a user, and what they want to be told.
//!
//! Not part of the account: that is rewritten with every debit, and this can be deleted on its own.

use std::{fmt, str::FromStr};

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use crate::InvalidId;

/// What there is to know about a user beyond their balance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Profile {
    /// Confirmed, as their ID token said last.
    pub email: String,
    /// Do they want mail?
    #[serde(default = "unless_told_otherwise")]
    pub emails: bool,
    /// Their own program, which is told when a batch is done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Webhook>,
}

/// A program that is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Webhook {
    /// Where it listens.
    pub url: String,
    /// What proves to it that we are the ones who tell.
    pub secret: WebhookSecret,
}

/// The key of a webhook's signatures. Its text is that of Standard Webhooks: `whsec_` and base64.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct WebhookSecret([u8; Self::BYTES]);

impl Profile {
    /// The profile of somebody who has not chosen anything yet.
    #[must_use]
    pub const fn new(email: String) -> Self {
        Self {
            email,
            emails: true,
            webhook: None,
        }
    }

    /// The webhook at this URL. One that is there keeps its secret; another URL is another program, which must not be
    /// able to sign for the one before.
    #[must_use]
    pub fn webhook_at(&self, url: String, fresh: WebhookSecret) -> Webhook {
        match &self.webhook {
            Some(known) if known.url == url => known.clone(),
            _ => Webhook { url, secret: fresh },
        }
    }
}

const fn unless_told_otherwise() -> bool {
    true
}

impl WebhookSecret {
    /// Its length: as long as what HMAC-SHA256 makes of it.
    pub const BYTES: usize = 32;
    const PREFIX: &str = "whsec_";

    /// The secret of these bytes, which must be random.
    #[must_use]
    pub const fn new(random: [u8; Self::BYTES]) -> Self {
        Self(random)
    }

    /// What a message is signed with.
    #[must_use]
    pub const fn key(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for WebhookSecret {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.strip_prefix(Self::PREFIX)
            .and_then(|base64| STANDARD.decode(base64).ok()?.try_into().ok())
            .map(Self)
            .ok_or(InvalidId("webhook secret"))
    }
}

impl TryFrom<String> for WebhookSecret {
    type Error = InvalidId;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<WebhookSecret> for String {
    fn from(secret: WebhookSecret) -> Self {
        secret.to_string()
    }
}

impl fmt::Display for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", Self::PREFIX, STANDARD.encode(self.0))
    }
}

/// Says that there is one, never which.
impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_its_text() {
        let secret = WebhookSecret::new([7; 32]);
        let text = secret.to_string();
        assert_eq!(text, "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=");
        assert_eq!(text.parse(), Ok(secret.clone()));
        assert!(!format!("{secret:?}").contains("Bwc"));
        for other in ["", "whsec_", "whsec_BwcH", &text[6..]] {
            assert!(other.parse::<WebhookSecret>().is_err(), "{other}");
        }
    }

    #[test]
    fn only_the_same_url_keeps_its_secret() {
        let (old, new) = (WebhookSecret::new([1; 32]), WebhookSecret::new([2; 32]));
        let mut profile = Profile::new("anna@example.com".to_owned());
        let first = profile.webhook_at("https://a.example".to_owned(), old.clone());
        assert_eq!(first.secret, old);
        profile.webhook = Some(first);
        let at = |url: &str| profile.webhook_at(url.to_owned(), new.clone()).secret;
        assert_eq!(at("https://a.example"), old);
        assert_eq!(at("https://b.example"), new);
    }

    #[test]
    fn who_has_not_chosen_gets_mail() {
        let profile: Profile = serde_json::from_str(r#"{"email":"a@example.com"}"#).unwrap();
        assert_eq!(profile, Profile::new("a@example.com".to_owned()));
    }
}
