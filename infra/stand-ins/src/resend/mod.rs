//! The Resend stand-in: `POST /emails`, an inbox to look into, and a `/_control` API for tests.
//!
//! Knows what `facts/polar-resend-firecrawl.md` and Resend's reference say of the real API, and nothing of what the mails
//! are about. The parts: `request` judges a mail, `inbox` holds what was sent and remembers idempotency keys, `limiter`
//! counts requests per second, `handler` strings them together, `pages` shows the inbox and `control` lets tests meddle.

mod control;
mod handler;
mod inbox;
mod limiter;
mod pages;
mod refusal;
mod request;

use std::{
    num::NonZeroU32,
    sync::{Arc, Mutex},
};

use axum::{Router, middleware, routing::post};

use self::{control::AllSettings, inbox::Inbox, limiter::Limiter};
use crate::server;

/// What can be chosen when the stand-in starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// The only key that is good.
    pub api_key: String,
    /// The team's limit.
    pub requests_per_second: NonZeroU32,
}

impl Options {
    /// What a new team at Resend may.
    pub const REQUESTS_PER_SECOND: NonZeroU32 = NonZeroU32::new(5).expect("five is not zero");
}

/// Everything that the handlers share.
struct Service {
    api_key: String,
    inbox: Mutex<Inbox>,
    limiter: Mutex<Limiter>,
    settings: Mutex<AllSettings>,
}

/// The whole stand-in: vendor API, inbox, control API.
pub fn router(options: Options) -> Router {
    let service = Arc::new(Service {
        api_key: options.api_key,
        inbox: Mutex::default(),
        limiter: Mutex::new(Limiter::new(options.requests_per_second)),
        settings: Mutex::default(),
    });
    Router::new()
        .route("/emails", post(handler::send))
        .merge(pages::routes())
        .merge(control::routes())
        .fallback(handler::unknown_route)
        .method_not_allowed_fallback(handler::wrong_method)
        .layer(middleware::from_fn(|request, next| {
            server::log("resend", request, next)
        }))
        .with_state(service)
}
