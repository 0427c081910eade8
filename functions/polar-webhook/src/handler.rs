//! What Polar says, in; what is about orders, on to the credit queue. Anybody may call this, so nothing is believed that is
//! not signed, and nothing is done here that takes time: Polar gives up on an endpoint that is slow.

use aws::{Queue, Secret};
use base64::{Engine, engine::general_purpose::STANDARD};
use domain::{
    Timestamp,
    signature::{Message, SignatureRefused},
};
use edge::http::{Call, Failure, ProblemKind, Reply};
use polar::{Event, Order};
use serde::Deserialize;
use tracing::info;

pub(crate) struct Handler {
    /// One a line: Polar signs with one of them, and all are good while one is being replaced.
    pub(crate) secrets: Secret,
    pub(crate) credits: Queue,
}

/// What has to be known of an event here. Whether the rest can be read is seen where it is applied: an order that cannot
/// be is kept among the dead letters there, where a refusal here would only be repeated until Polar gives up.
#[derive(Debug, Deserialize)]
struct Envelope {
    #[serde(rename = "type")]
    kind: String,
}

impl Envelope {
    fn is_about_credits(&self) -> bool {
        [Event::<Order>::ORDER_PAID, Event::<Order>::ORDER_REFUNDED].contains(&self.kind.as_str())
    }
}

impl Handler {
    pub(crate) async fn handle(&self, call: Call) -> Result<Reply, Failure> {
        let message = message(&call)?;
        let secrets = self.secrets.read().await?;
        verify(&call, &message, &secrets, Timestamp::now())?;
        let (event, json) = read(&call)?;
        let (id, kind) = (message.id, event.kind.as_str());
        if event.is_about_credits() {
            self.credits.send_json(json).await?;
            info!(webhook.id = id, kind, "passed on {kind}");
        } else {
            info!(webhook.id = id, kind, "nothing to do for {kind}");
        }
        Ok(Reply::noted())
    }
}

/// What is signed.
fn message(call: &Call) -> Result<Message<'_>, Failure> {
    let header = |name| call.header(name).unwrap_or_default();
    Ok(Message {
        id: header("webhook-id"),
        timestamp: header("webhook-timestamp"),
        body: call.bytes()?,
    })
}

fn verify(
    call: &Call,
    message: &Message<'_>,
    secrets: &str,
    now: Timestamp,
) -> Result<(), Failure> {
    let keys: Vec<_> = secrets.split_whitespace().flat_map(keys).collect();
    let signatures = call.header("webhook-signature").unwrap_or_default();
    message
        .verify(signatures, &keys, now)
        .map_err(|refused: SignatureRefused| {
            Failure::new(ProblemKind::SignatureRefused, refused.to_string())
        })
}

/// How long a key is that Polar has made.
const MADE_KEY: usize = 32;

/// What Polar may sign with: the bytes of the whole secret, prefix included (facts/polar-resend-firecrawl.md), or, where it has
/// made the secret itself since September 2026, what stands behind the prefix in base64, as Standard Webhooks has it
/// (polarsource/polar, pull requests 14117 and 14400). Which of the two, the secret does not say.
fn keys(secret: &str) -> impl Iterator<Item = Vec<u8>> {
    let encoded = secret.strip_prefix("whsec_");
    let decoded = encoded.and_then(|encoded| STANDARD.decode(encoded).ok());
    let decoded = decoded.filter(|key| key.len() == MADE_KEY);
    [secret.as_bytes().to_vec()].into_iter().chain(decoded)
}

/// The event, and all of it as the text that was signed.
fn read(call: &Call) -> Result<(Envelope, &str), Failure> {
    let envelope = call.json()?;
    let json = str::from_utf8(call.bytes()?).map_err(|error| {
        Failure::new(ProblemKind::InvalidJson, "the body is not UTF-8")
            .with_fault(String::new(), error.to_string())
    })?;
    Ok((envelope, json))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const PAID: &str = include_str!("../../../events/polar-webhook/order-paid.json");
    const REFUNDED: &str = include_str!("../../../events/polar-webhook/order-refunded-base64.json");
    const CHECKOUT: &str = include_str!("../../../events/polar-webhook/checkout-updated.json");
    /// What they are signed with, and when.
    const SECRET: &str = "whsec_test_secret";
    const SENT: Timestamp = Timestamp::from_millis(1_795_467_600_000);

    fn verified(event: &str, secrets: &str, now: Timestamp) -> Result<(), Failure> {
        let call = Call::from_event(event).unwrap();
        verify(&call, &message(&call).unwrap(), secrets, now)
    }

    #[test]
    fn the_events_are_believed_byte_for_byte() {
        for (event, kind, about_credits) in [
            (PAID, "order.paid", true),
            (REFUNDED, "order.refunded", true),
            (CHECKOUT, "checkout.updated", false),
        ] {
            verified(event, SECRET, SENT).unwrap();
            let call = Call::from_event(event).unwrap();
            let (envelope, json) = read(&call).unwrap();
            assert_eq!(
                (envelope.kind.as_str(), envelope.is_about_credits()),
                (kind, about_credits)
            );
            assert_eq!(json.as_bytes(), call.bytes().unwrap());
            assert!(json.starts_with('{'), "{json}");
        }
    }

    #[test]
    fn an_order_says_whose_it_is() {
        for event in [PAID, REFUNDED] {
            let call = Call::from_event(event).unwrap();
            let event: Event<Order> = call.json().unwrap();
            assert_eq!(
                event.data.user_id(),
                Some("7b9f6f5e-3c55-4d0a-9a2e-7f6c0d1e2a3b")
            );
        }
    }

    #[test]
    fn any_of_several_secrets_is_good() {
        for secrets in [
            "whsec_test_secret\n",
            "polar_whs_next\nwhsec_test_secret",
            "whsec_test_secret\r\npolar_whs_next\r\n",
        ] {
            verified(PAID, secrets, SENT).unwrap();
        }
        for secrets in [
            "",
            "\n\n",
            "test_secret",
            "whsec_test_secre",
            "polar_whs_next",
        ] {
            let failure = verified(PAID, secrets, SENT).unwrap_err();
            assert_eq!(
                (failure.status(), failure.code()),
                (401, "signature_refused"),
                "{secrets:?}"
            );
        }
    }

    #[test]
    fn a_secret_that_polar_has_made_is_decoded() {
        const MADE: &str = "whsec_BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc=";
        const BODY: &str =
            r#"{"type":"order.paid","timestamp":"2026-09-21T00:00:00Z","data":{"id":"ord_1"}}"#;
        let is_good = |secret: &str, signature: &str| {
            let event = serde_json::json!({ "version": "2.0", "routeKey": "POST /api/polar/webhooks",
                "rawPath": "/api/polar/webhooks", "rawQueryString": "", "body": BODY, "isBase64Encoded": false,
                "headers": { "webhook-id": "4b1e0d5e-0000-4000-8000-000000000001",
                    "webhook-timestamp": "1790000000", "webhook-signature": signature },
                "requestContext": { "http": { "method": "POST", "path": "/api/polar/webhooks" } } });
            let now = Timestamp::from_millis(1_790_000_000_000);
            verified(&event.to_string(), secret, now).is_ok()
        };
        let by = |key: &[u8]| {
            let message = Message {
                id: "4b1e0d5e-0000-4000-8000-000000000001",
                timestamp: "1790000000",
                body: BODY.as_bytes(),
            };
            message.sign(key)
        };
        // The vector of facts/polar-resend-firecrawl.md, and the same message under a secret that Polar has made.
        let raw = "v1,Z25yfPOrlGuS8Jl4tP+H+Ag7f3xhNCM8i+SiEmG6s4s=";
        assert!(is_good("whsec_test_secret", raw));
        let decoded = "v1,pZb97SJV9aPeBtNh+dV/HE2ecblp8HG3ottZ+J8bHSY=";
        assert_eq!(decoded, by(&[7; MADE_KEY]));
        assert!(is_good(MADE, decoded));
        // What looks like that may have been chosen by a person.
        assert!(is_good(MADE, &by(MADE.as_bytes())));
        // No key of another length was made by Polar, least of all an empty one.
        for length in [0, 16, 31, 33] {
            let secret = format!("whsec_{}", STANDARD.encode(vec![7; length]));
            assert!(!is_good(&secret, &by(&vec![7; length])), "{length}");
            assert!(is_good(&secret, &by(secret.as_bytes())), "{length}");
        }
        let prefixed = MADE.replacen("whsec_", "polar_whs_", 1);
        assert!(!is_good(&prefixed, decoded));
    }

    #[test]
    fn what_is_forged_stale_or_unsigned_is_refused() {
        let late = SENT.plus(Duration::from_secs(301));
        assert_eq!(verified(PAID, SECRET, late).unwrap_err().status(), 401);
        for (what, instead) in [
            (r#"\"total_amount\":595"#, r#"\"total_amount\":1"#),
            ("webhook-id", "x-webhook-id"),
            ("webhook-timestamp", "x-webhook-timestamp"),
            ("webhook-signature", "x-webhook-signature"),
        ] {
            let event = PAID.replacen(what, instead, 1);
            assert_ne!(event, PAID, "{what}");
            assert_eq!(
                verified(&event, SECRET, SENT).unwrap_err().status(),
                401,
                "{what}"
            );
        }
    }

    #[test]
    fn what_cannot_be_read_or_is_too_large_is_refused() {
        let with_body = |body: &str| {
            let event = serde_json::json!({ "version": "2.0", "routeKey": "POST /api/polar/webhooks",
                "rawPath": "/api/polar/webhooks", "rawQueryString": "", "headers": {}, "body": body,
                "isBase64Encoded": false,
                "requestContext": { "http": { "method": "POST", "path": "/api/polar/webhooks" } } });
            Call::from_event(&event.to_string()).unwrap()
        };
        for body in [
            "",
            "{",
            "[]",
            r#"{"data":{}}"#,
            r#"{"type":"order.paid"} x"#,
        ] {
            assert_eq!(
                read(&with_body(body)).unwrap_err().code(),
                "invalid_json",
                "{body}"
            );
        }
        let large = with_body(&" ".repeat(edge::http::MAX_BODY + 1));
        assert_eq!(message(&large).unwrap_err().status(), 413);
    }
}
