//! Signatures of webhooks, as Standard Webhooks defines them: HMAC-SHA256 over `{id}.{timestamp}.{body}`.
//!
//! Both ways: what Polar sends is verified, what we send is signed. Which bytes of a secret are the key is the sender's
//! to say, so callers hand over the key.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use crate::Timestamp;

/// How far the clock of the sender may be from ours, either way.
pub const TOLERANCE: Duration = Duration::from_mins(5);

/// What is signed.
#[derive(Clone, Copy, Debug)]
pub struct Message<'a> {
    /// The header `webhook-id`; the same for every delivery of one message.
    pub id: &'a str,
    /// The header `webhook-timestamp`: seconds since the epoch, in digits.
    pub timestamp: &'a str,
    /// The exact bytes of the body.
    pub body: &'a [u8],
}

/// Why a message is not believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SignatureRefused {
    /// The timestamp is no number of seconds.
    #[error("the timestamp is not a number of seconds")]
    Timestamp,
    /// Sent too long ago, or by a clock ahead of ours: it may be a replay.
    #[error("the timestamp is more than {} seconds from now", TOLERANCE.as_secs())]
    Stale,
    /// None of the signatures was made with any of the keys.
    #[error("no signature fits")]
    Mismatch,
}

impl Message<'_> {
    /// The signature under this key, as one entry of the header `webhook-signature`.
    #[must_use]
    pub fn sign(&self, key: &[u8]) -> String {
        // HMAC takes keys of any length, so there is no error to pass on.
        let mac = self.mac(key).map(|mac| mac.finalize().into_bytes());
        format!("v1,{}", STANDARD.encode(mac.unwrap_or_default()))
    }

    /// Is one of the space-separated signatures made with one of the keys, not too long ago?
    ///
    /// Several keys are valid while a secret is being replaced; a sender that does so may send several signatures.
    pub fn verify<K: AsRef<[u8]>>(
        &self,
        signatures: &str,
        keys: &[K],
        now: Timestamp,
    ) -> Result<(), SignatureRefused> {
        let sent = self.timestamp.parse::<u32>();
        let sent = sent.map_err(|_| SignatureRefused::Timestamp)?;
        let sent = Timestamp::from_millis(i64::from(sent) * 1000);
        if now.since(sent).max(sent.since(now)) > TOLERANCE {
            return Err(SignatureRefused::Stale);
        }
        let signed = signatures
            .split(' ')
            .filter_map(|entry| STANDARD.decode(entry.strip_prefix("v1,")?).ok())
            .any(|mac| keys.iter().any(|key| self.is_signed(key.as_ref(), &mac)));
        signed.then_some(()).ok_or(SignatureRefused::Mismatch)
    }

    /// In constant time.
    fn is_signed(&self, key: &[u8], signature: &[u8]) -> bool {
        self.mac(key)
            .is_some_and(|mac| mac.verify_slice(signature).is_ok())
    }

    fn mac(&self, key: &[u8]) -> Option<Hmac<Sha256>> {
        let mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
        Some(
            mac.chain_update(self.id)
                .chain_update(".")
                .chain_update(self.timestamp)
                .chain_update(".")
                .chain_update(self.body),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vector of facts/polar-resend-firecrawl.md.
    const SECRET: &[u8] = b"whsec_test_secret";
    const SIGNATURE: &str = "v1,Z25yfPOrlGuS8Jl4tP+H+Ag7f3xhNCM8i+SiEmG6s4s=";
    const SENT: i64 = 1_790_000_000;

    fn message(body: &str) -> Message<'_> {
        Message {
            id: "4b1e0d5e-0000-4000-8000-000000000001",
            timestamp: "1790000000",
            body: body.as_bytes(),
        }
    }

    const BODY: &str =
        r#"{"type":"order.paid","timestamp":"2026-09-21T00:00:00Z","data":{"id":"ord_1"}}"#;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1000)
    }

    #[test]
    fn the_vector_is_signed_and_believed() {
        assert_eq!(message(BODY).sign(SECRET), SIGNATURE);
        assert_eq!(message(BODY).verify(SIGNATURE, &[SECRET], at(SENT)), Ok(()));
    }

    #[test]
    fn one_of_several_is_enough() {
        let both = format!("v1,AAAA v2,{SIGNATURE} {SIGNATURE}");
        let verified = message(BODY).verify(&both, &[b"another".as_slice(), SECRET], at(SENT));
        assert_eq!(verified, Ok(()));
    }

    #[test]
    fn what_was_changed_is_refused() {
        let refused = |message: Message<'_>, signatures: &str, key: &[u8]| {
            message.verify(signatures, &[key], at(SENT)).unwrap_err()
        };
        let truncated = BODY.strip_suffix('}').unwrap();
        let other_id = Message {
            id: "another",
            ..message(BODY)
        };
        for (message, signatures, key) in [
            (message(truncated), SIGNATURE, SECRET),
            (other_id, SIGNATURE, SECRET),
            (message(BODY), SIGNATURE, b"test_secret".as_slice()),
            (message(BODY), "v1,", SECRET),
            (message(BODY), "", SECRET),
            (message(BODY), SIGNATURE.split_once(',').unwrap().1, SECRET),
            (message(BODY), &SIGNATURE.replace("v1", "v2"), SECRET),
        ] {
            assert_eq!(
                refused(message, signatures, key),
                SignatureRefused::Mismatch
            );
        }
        let none: [&[u8]; 0] = [];
        assert!(message(BODY).verify(SIGNATURE, &none, at(SENT)).is_err());
    }

    #[test]
    fn the_clock_may_be_five_minutes_off_either_way() {
        for (now, expected) in [
            (SENT - 300, Ok(())),
            (SENT + 300, Ok(())),
            (SENT - 301, Err(SignatureRefused::Stale)),
            (SENT + 301, Err(SignatureRefused::Stale)),
        ] {
            let verified = message(BODY).verify(SIGNATURE, &[SECRET], at(now));
            assert_eq!(verified, expected, "{now}");
        }
        for timestamp in [
            "",
            "soon",
            "-1790000000",
            "1790000000.0",
            "99999999999999999999",
        ] {
            let message = Message {
                timestamp,
                ..message(BODY)
            };
            let verified = message.verify(SIGNATURE, &[SECRET], at(SENT));
            assert_eq!(verified, Err(SignatureRefused::Timestamp), "{timestamp}");
        }
    }
}
