//! The Polar stand-in: checkouts, orders, refunds, customer sessions, signed webhooks, the pages on which people pay, and
//! a `/_control` API for tests.
//!
//! Knows what `facts/polar-resend-firecrawl.md` and Polar's own server say of the real API, and nothing of the product
//! that sells through it. The parts: `request` judges bodies and queries, `shop` is what was sold to whom, `shapes` is
//! how it looks on the wire, `webhooks` tells of it, `settings` decides what goes wrong and for whom, `handler` is the
//! vendor's API, `pages` what people see, and `control` lets tests look and meddle.

mod control;
mod handler;
mod pages;
mod refusal;
mod request;
mod settings;
mod shapes;
mod shop;
mod webhooks;

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router, middleware,
    routing::{get, post},
};
use domain::Packs;
use uuid::Uuid;

pub use self::webhooks::Endpoint;
use self::{
    settings::AllSettings,
    shop::{Product, Shop},
    webhooks::Webhooks,
};
use crate::{client, server};

/// What can be chosen when the stand-in starts.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where it is, for the links to its pages.
    pub base_url: String,
    /// The only access token that is good.
    pub access_token: String,
    /// What is sold.
    pub packs: Packs,
    /// Who is told; nobody when absent.
    pub endpoint: Option<Endpoint>,
    /// How long after a failed delivery the first other try is; the next ones wait longer and longer.
    pub retry_after: Duration,
}

impl Options {
    /// Minutes at Polar, but nobody at home wants to wait so long.
    pub const RETRY_AFTER: Duration = Duration::from_millis(200);
}

/// Why the stand-in cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// The client that sends the webhooks.
    #[error("no client for sending webhooks")]
    Client(#[from] client::SetupError),
    /// Polar's ids are UUIDs of version 4, and its API takes no others.
    #[error("{0:?} is not a UUID of version 4, as all products have at Polar")]
    Product(String),
}

/// Everything that the handlers share.
struct Service {
    base_url: String,
    access_token: String,
    shop: Mutex<Shop>,
    settings: Mutex<AllSettings>,
    webhooks: Arc<Webhooks>,
}

/// The whole stand-in: vendor API, pages, control API, health.
pub fn router(options: Options) -> Result<Router, SetupError> {
    let products = options.packs.all().iter().map(|pack| {
        let id = request::uuid(&pack.product_id);
        let id = id.ok_or_else(|| SetupError::Product(pack.product_id.clone()))?;
        Ok(Product {
            id,
            price_id: Uuid::new_v4(),
            pack: pack.clone(),
        })
    });
    let products = products.collect::<Result<Vec<_>, SetupError>>()?;
    let service = Arc::new(Service {
        base_url: options.base_url,
        access_token: options.access_token,
        shop: Mutex::new(Shop::selling(products)),
        settings: Mutex::default(),
        webhooks: Arc::new(Webhooks::new(options.endpoint, options.retry_after)?),
    });
    Ok(Router::new()
        .route("/v1/checkouts/", post(handler::create_checkout))
        .route("/v1/checkouts/{id}", get(handler::checkout))
        .route(
            "/v1/customer-sessions/",
            post(handler::create_customer_session),
        )
        .route("/v1/orders/", get(handler::orders))
        .route("/v1/orders/{id}", get(handler::order))
        .route("/v1/refunds/", post(handler::create_refund))
        .merge(pages::routes())
        .merge(control::routes())
        .route("/health", get(|| async { "ok" }))
        .fallback(handler::unknown_route)
        .layer(middleware::from_fn(|request, next| {
            server::log("polar", request, next)
        }))
        .with_state(service))
}
