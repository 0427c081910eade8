//! `/_control`: what goes wrong with the mail to whom, so that tests that run side by side do not meet. No part of
//! Resend's API.

use std::{collections::HashMap, num::NonZeroU32, sync::Arc};

use axum::{
    Json, Router,
    extract::{Path, State},
    http::StatusCode,
    routing::put,
};
use serde::{Deserialize, Serialize};

use super::{Service, limiter::Limiter, refusal::Refusal, request::bare};
use crate::lock;

/// Stands for every recipient who has no settings of their own.
const EVERYBODY: &str = "*";

/// How the mail to somebody fares.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub(super) struct Settings {
    /// What each request is answered with, and nothing is sent.
    outage: Option<Outage>,
    /// So many mails are sent, but their senders do not hear of it: the connection is cut.
    lost_answers: u32,
}

/// A service that is out of order (500, 503) or has been asked too often (429).
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Outage {
    status: u16,
    /// The header of that name, in seconds.
    retry_after: Option<u64>,
}

/// The settings of all recipients, by their bare addresses.
#[derive(Debug, Default)]
pub(super) struct AllSettings(HashMap<String, Settings>);

impl AllSettings {
    fn of(&mut self, recipient: &str) -> Option<&mut Settings> {
        let recipient = bare(recipient);
        let key = if self.0.contains_key(recipient) {
            recipient
        } else {
            EVERYBODY
        };
        self.0.get_mut(key)
    }

    /// Refuses a mail to somebody for whom nothing works.
    pub(super) fn check_outage(&mut self, recipient: &str) -> Result<(), Refusal> {
        let Some(outage) = self.of(recipient).and_then(|settings| settings.outage) else {
            return Ok(());
        };
        let status = StatusCode::from_u16(outage.status);
        let status = status.unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
        let name = match status {
            StatusCode::TOO_MANY_REQUESTS => "rate_limit_exceeded",
            _ => "internal_server_error",
        };
        Err(Refusal::new(status, name, "An unexpected error occurred.").after(outage.retry_after))
    }

    /// Is the answer to this mail one that gets lost?
    pub(super) fn lose_answer(&mut self, recipient: &str) -> bool {
        let lost = self
            .of(recipient)
            .map(|settings| &mut settings.lost_answers);
        lost.is_some_and(|left| match left.checked_sub(1) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        })
    }
}

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route(
            "/_control/settings/{recipient}",
            put(change_settings).delete(forget_settings),
        )
        .route("/_control/limit", put(change_limit))
}

/// What is left out is as usual.
async fn change_settings(
    State(service): State<Arc<Service>>,
    Path(recipient): Path<String>,
    Json(settings): Json<Settings>,
) -> StatusCode {
    lock(&service.settings).0.insert(recipient, settings);
    StatusCode::NO_CONTENT
}

async fn forget_settings(
    State(service): State<Arc<Service>>,
    Path(recipient): Path<String>,
) -> StatusCode {
    lock(&service.settings).0.remove(&recipient);
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Limit {
    requests_per_second: NonZeroU32,
}

async fn change_limit(State(service): State<Arc<Service>>, Json(limit): Json<Limit>) -> StatusCode {
    *lock(&service.limiter) = Limiter::new(limit.requests_per_second);
    StatusCode::NO_CONTENT
}
