//! `/control`: what tests use to set faults and limits and to look at the calls. No part of OpenAI's API.

use std::{num::NonZeroU32, sync::Arc, time::Duration, time::Instant};

use axum::{
    Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::IntoResponse,
    routing::{get, post},
};
use serde::{Deserialize, Serialize};

use super::{Service, faults::Rule, limiter::Limiter, lock};

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route(
            "/control/faults",
            post(add_fault).get(list_faults).delete(clear_faults),
        )
        .route("/control/settings", get(settings).put(change_settings))
        .route("/control/calls", get(calls).delete(clear_calls))
        .route("/control/calls/counts", get(counts))
}

/// `?match=`: only rules with exactly this match.
#[derive(Deserialize)]
struct RuleFilter {
    r#match: Option<String>,
}

/// `?prompt=`: only calls whose prompt contains this.
#[derive(Deserialize)]
struct CallFilter {
    #[serde(default)]
    prompt: String,
}

/// What can be changed while it runs; 0 images per minute is unlimited.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct SettingsChange {
    latency_ms: Option<u64>,
    images_per_minute: Option<u32>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    latency_ms: u64,
    images_per_minute: Option<NonZeroU32>,
}

async fn add_fault(
    State(service): State<Arc<Service>>,
    Json(rule): Json<Rule>,
) -> impl IntoResponse {
    if lock(&service.faults).add(rule) {
        StatusCode::CREATED
    } else {
        StatusCode::INSUFFICIENT_STORAGE
    }
}

async fn list_faults(State(service): State<Arc<Service>>) -> impl IntoResponse {
    Json(lock(&service.faults).rules().to_vec())
}

async fn clear_faults(
    State(service): State<Arc<Service>>,
    Query(filter): Query<RuleFilter>,
) -> StatusCode {
    lock(&service.faults).clear(filter.r#match.as_deref());
    StatusCode::NO_CONTENT
}

async fn settings(State(service): State<Arc<Service>>) -> Json<Settings> {
    let latency_ms = u64::try_from(lock(&service.latency).as_millis()).unwrap_or(u64::MAX);
    let images_per_minute = lock(&service.limiter).images_per_minute();
    Json(Settings {
        latency_ms,
        images_per_minute,
    })
}

async fn change_settings(
    State(service): State<Arc<Service>>,
    Json(change): Json<SettingsChange>,
) -> Json<Settings> {
    if let Some(latency) = change.latency_ms {
        *lock(&service.latency) = Duration::from_millis(latency);
    }
    if let Some(limit) = change.images_per_minute {
        *lock(&service.limiter) = Limiter::new(NonZeroU32::new(limit), Instant::now());
    }
    settings(State(service)).await
}

/// The header says how many calls are missing in the list, because they no longer fitted.
async fn calls(
    State(service): State<Arc<Service>>,
    Query(filter): Query<CallFilter>,
) -> impl IntoResponse {
    let journal = lock(&service.journal);
    let calls: Vec<_> = journal.calls(&filter.prompt).collect();
    (
        [("x-forgotten-calls", journal.forgotten().to_string())],
        Json(calls),
    )
        .into_response()
}

async fn counts(
    State(service): State<Arc<Service>>,
    Query(filter): Query<CallFilter>,
) -> impl IntoResponse {
    let journal = lock(&service.journal);
    let counts = journal.counts(&filter.prompt);
    (
        [("x-forgotten-calls", journal.forgotten().to_string())],
        Json(counts),
    )
        .into_response()
}

async fn clear_calls(
    State(service): State<Arc<Service>>,
    Query(filter): Query<CallFilter>,
) -> StatusCode {
    lock(&service.journal).clear(&filter.prompt);
    StatusCode::NO_CONTENT
}
