//! Telling the seller: signed events, tried until they are taken, and the list of what became of each.
//!
//! Knows how Polar delivers (at least once, in no promised order, ten times before it gives up), and nothing of what it
//! tells. All events are kept until the stand-in stops: a laptop sells few packs.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use base64::{Engine, engine::general_purpose::STANDARD};
use domain::signature::Message;
use futures::{StreamExt, stream};
use reqwest::redirect::Policy;
use serde::Serialize;
use time::OffsetDateTime;
use tracing::warn;
use uuid::Uuid;

use super::settings::Settings;
use crate::{
    client::{SetupError, client},
    lock,
};

/// Deliveries of one event, before nobody hears of it.
const MAX_TRIES: usize = 10;
/// How long a delivery may take.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait between two tries.
const MAX_WAIT: Duration = Duration::from_secs(5);
/// Deliveries at the same time, when an event is sent again and again.
const CONCURRENCY: usize = 20;

/// Who is told.
#[derive(Clone, Debug)]
pub struct Endpoint {
    url: String,
    key: Vec<u8>,
}

impl Endpoint {
    /// Where, and the secret that both sides know.
    #[must_use]
    pub fn new(url: String, secret: &str) -> Self {
        Self {
            url,
            key: key(secret),
        }
    }
}

/// A secret that Polar has made since 2026-09-08 is `whsec_` and 32 bytes in base64, and those bytes are the key, as
/// Standard Webhooks has it. Of any other secret it is all of its characters.
fn key(secret: &str) -> Vec<u8> {
    let standard = secret.strip_prefix("whsec_");
    let standard = standard.and_then(|encoded| STANDARD.decode(encoded).ok());
    let standard = standard.filter(|key| key.len() == 32);
    standard.unwrap_or_else(|| secret.as_bytes().to_vec())
}

/// What there is to tell.
#[derive(Debug)]
pub(super) struct News {
    pub(super) kind: &'static str,
    pub(super) order_id: Uuid,
    /// The seller's id of the customer.
    pub(super) customer: Option<String>,
    pub(super) body: String,
}

/// Something that was told, or should have been.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Event {
    /// The header `webhook-id` of all its deliveries.
    id: Uuid,
    #[serde(rename = "type")]
    kind: &'static str,
    pub(super) order_id: Uuid,
    pub(super) customer: Option<String>,
    state: State,
    deliveries: Vec<Delivery>,
    body: String,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
enum State {
    /// It is being tried.
    Pending,
    /// It was taken at least once.
    Delivered,
    /// Webhooks were off.
    Withheld,
    /// It was tried as often as it could be.
    GivenUp,
}

/// One try.
#[derive(Clone, Debug, Serialize)]
pub(super) struct Delivery {
    #[serde(with = "time::serde::rfc3339")]
    at: OffsetDateTime,
    /// Of the answer, if there was one.
    status: Option<u16>,
    /// Why there was none.
    error: Option<String>,
}

impl Delivery {
    fn is_taken(&self) -> bool {
        self.status
            .is_some_and(|status| (200..300).contains(&status))
    }
}

/// All that was told.
#[derive(Debug)]
pub(super) struct Webhooks {
    endpoint: Option<Endpoint>,
    client: reqwest::Client,
    retry_after: Duration,
    events: Mutex<Vec<Event>>,
}

impl Webhooks {
    /// Nothing told yet.
    pub(super) fn new(
        endpoint: Option<Endpoint>,
        retry_after: Duration,
    ) -> Result<Self, SetupError> {
        Ok(Self {
            endpoint,
            client: client(TIMEOUT, Policy::none())?,
            retry_after,
            events: Mutex::default(),
        })
    }

    /// Writes it down, and delivers it on the side.
    pub(super) fn tell(self: &Arc<Self>, news: News, settings: &Settings) {
        let id = Uuid::new_v4();
        let is_on = settings.webhooks && self.endpoint.is_some();
        lock(&self.events).push(Event {
            id,
            kind: news.kind,
            order_id: news.order_id,
            customer: news.customer,
            state: if is_on {
                State::Pending
            } else {
                State::Withheld
            },
            deliveries: Vec::new(),
            body: news.body,
        });
        if !is_on {
            return;
        }
        let delay = Duration::from_millis(settings.delay_ms);
        for _ in 0..=settings.duplicates {
            let webhooks = Arc::clone(self);
            tokio::spawn(async move {
                tokio::time::sleep(delay).await;
                webhooks.try_until_taken(id).await;
            });
        }
    }

    async fn try_until_taken(&self, id: Uuid) {
        let mut wait = self.retry_after;
        for _ in 1..MAX_TRIES {
            if self.deliver(id).await.is_none_or(|it| it.is_taken()) {
                return;
            }
            tokio::time::sleep(wait).await;
            wait = wait.saturating_mul(2).min(MAX_WAIT);
        }
        if self.deliver(id).await.is_some_and(|it| !it.is_taken()) {
            warn!(webhook.id = %id, "gave up after {MAX_TRIES} deliveries");
            self.change(id, |event| {
                if event.state == State::Pending {
                    event.state = State::GivenUp;
                }
            });
        }
    }

    /// Delivers an event so many times, whatever has become of it before; none if there is no such event, or nobody to
    /// tell.
    pub(super) async fn resend(&self, id: Uuid, times: usize) -> Option<Vec<Delivery>> {
        let tries = stream::iter(0..times).map(|_| self.deliver(id));
        let deliveries: Vec<_> = tries.buffer_unordered(CONCURRENCY).collect().await;
        deliveries.into_iter().collect()
    }

    /// Delivers an event once.
    async fn deliver(&self, id: Uuid) -> Option<Delivery> {
        let endpoint = self.endpoint.as_ref()?;
        let body = {
            let events = lock(&self.events);
            events.iter().find(|event| event.id == id)?.body.clone()
        };
        let delivery = self.post(endpoint, &id.to_string(), body).await;
        self.change(id, |event| {
            if delivery.is_taken() {
                event.state = State::Delivered;
            }
            event.deliveries.push(delivery.clone());
        });
        Some(delivery)
    }

    async fn post(&self, endpoint: &Endpoint, id: &str, body: String) -> Delivery {
        let at = OffsetDateTime::now_utc();
        let timestamp = at.unix_timestamp().to_string();
        let message = Message {
            id,
            timestamp: &timestamp,
            body: body.as_bytes(),
        };
        let request = self
            .client
            .post(&endpoint.url)
            .header("content-type", "application/json")
            .header("user-agent", "polar.sh webhooks")
            .header("webhook-id", id)
            .header("webhook-timestamp", &timestamp)
            .header("webhook-signature", message.sign(&endpoint.key))
            .body(body);
        let answer = request.send().await;
        let (status, error) = match answer {
            Ok(answer) => (Some(answer.status().as_u16()), None),
            Err(error) => (None, Some(error.without_url().to_string())),
        };
        Delivery { at, status, error }
    }

    fn change(&self, id: Uuid, change: impl FnOnce(&mut Event)) {
        let mut events = lock(&self.events);
        if let Some(event) = events.iter_mut().find(|event| event.id == id) {
            change(event);
        }
    }

    /// The events that fit, oldest first.
    pub(super) fn events(&self, is: impl Fn(&Event) -> bool) -> Vec<Event> {
        let events = lock(&self.events);
        events.iter().filter(|event| is(event)).cloned().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_decoded_only_where_polar_has_encoded_one() {
        for raw in [
            "polar_whs_AbCdEf",
            "whsec_test_secret",
            "whsec_c2hvcnQ=",
            "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
        ] {
            assert_eq!(key(raw), raw.as_bytes(), "{raw}");
        }
        let made = format!("whsec_{}", STANDARD.encode([7; 32]));
        assert_eq!(key(&made), [7; 32]);
    }
}
