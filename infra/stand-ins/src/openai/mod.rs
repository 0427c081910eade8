//! The OpenAI stand-in: `POST /v1/images/edits`, `GET /v1/models`, and a `/control` API for tests.
//!
//! Knows what `facts/openai-images.md` says of the real API, and nothing of the product that calls it. The parts:
//! `form` reads the two body forms, `request` judges parameters, `source` gets the bytes, `picture` decodes and encodes,
//! `edits` changes pixels, `usage` counts tokens, `limiter` counts images per minute, `faults` decides what goes wrong,
//! `journal` remembers the calls, `handler` strings them together and `control` lets tests look and meddle.

mod control;
mod edits;
mod faults;
mod form;
mod handler;
mod journal;
mod lettering;
mod limiter;
mod picture;
mod refusal;
mod request;
mod source;
mod usage;

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    extract::DefaultBodyLimit,
    middleware,
    routing::{get, post},
};
use tokio::sync::Semaphore;

pub use self::faults::fault_names;
use self::{faults::Faults, journal::Journal, limiter::Limiter};
use crate::{client::SetupError, lock};

/// The models of the facts file that take edits and outlive 2026.
pub const DEFAULT_MODELS: [&str; 5] = [
    "gpt-image-2",
    "gpt-image-2.5-flare",
    "gpt-image-2.5-sunburst",
    "gpt-image-2.6-flare",
    "gpt-image-2.6-sunburst",
];

/// What can be chosen when the stand-in starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The models that may be asked for.
    pub models: Vec<String>,
    /// How long an edit takes at least.
    pub latency: Duration,
    /// The organisation's limit; none means unlimited.
    pub images_per_minute: Option<NonZeroU32>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            models: DEFAULT_MODELS.map(str::to_owned).to_vec(),
            latency: Duration::ZERO,
            images_per_minute: None,
        }
    }
}

/// Everything that the handlers share.
struct Service {
    models: Vec<String>,
    latency: Mutex<Duration>,
    limiter: Mutex<Limiter>,
    faults: Mutex<Faults>,
    journal: Mutex<Journal>,
    fetcher: reqwest::Client,
    /// Pictures are decoded no more at a time than there are cores: it bounds memory, too.
    benches: Semaphore,
}

/// The whole stand-in: vendor API, control API, health.
pub fn router(options: Options) -> Result<Router, SetupError> {
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let service = Arc::new(Service {
        models: options.models,
        latency: Mutex::new(options.latency),
        limiter: Mutex::new(Limiter::new(options.images_per_minute, Instant::now())),
        faults: Mutex::default(),
        journal: Mutex::default(),
        fetcher: source::fetcher()?,
        benches: Semaphore::new(cores),
    });
    Ok(Router::new()
        .route("/v1/images/edits", post(handler::edit))
        .route("/v1/models", get(handler::models))
        .route("/health", get(|| async { "ok" }))
        .merge(control::routes())
        .fallback(handler::unknown_route)
        .method_not_allowed_fallback(handler::wrong_method)
        .layer(middleware::from_fn(handler::stamp_and_log))
        .layer(DefaultBodyLimit::max(form::MAX_BODY))
        .with_state(service))
}
