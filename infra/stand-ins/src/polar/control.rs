//! `/_control`: what tests use to pay and refund without pages, to set what goes wrong, and to look at the webhooks. No
//! part of Polar's API.

use std::sync::Arc;

use axum::{
    Json, Router,
    body::Bytes,
    extract::{Path, Query, State},
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post, put},
};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::json;
use uuid::Uuid;

use super::{
    Service, handler::problem, refusal::Refusal, request, settings::Settings, shapes,
    shop::Discount, webhooks::Event,
};
use crate::lock;

pub(super) fn routes() -> Router<Arc<Service>> {
    Router::new()
        .route("/_control/checkouts/{id}/pay", post(pay))
        .route("/_control/orders/{id}/refund", post(refund))
        .route("/_control/webhooks", get(webhooks))
        .route("/_control/webhooks/{id}/resend", post(resend))
        .route(
            "/_control/settings/{customer}",
            put(change_settings).get(settings).delete(forget_settings),
        )
}

/// A body that may be left out.
fn optional<T: DeserializeOwned + Default>(body: &[u8]) -> Result<T, Refusal> {
    if body.is_empty() {
        Ok(T::default())
    } else {
        request::body(body)
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Payment {
    /// Per cent.
    discount: u64,
    /// Of somebody of whom the checkout does not say it.
    email: Option<String>,
}

async fn pay(
    State(service): State<Arc<Service>>,
    Path(checkout): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let payment: Payment = optional(&body)?;
    let discount = Discount::percent(payment.discount);
    let discount = discount.ok_or_else(|| Refusal::in_body("discount", "at most 100 per cent"))?;
    Ok(match service.pay(checkout, payment.email, discount) {
        Ok(order) => Json(shapes::order(&order)).into_response(),
        Err(refused) => problem(refused).into_response(),
    })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct MoneyBack {
    /// Without taxes; all that is left, if it is not said.
    amount: Option<u64>,
}

async fn refund(
    State(service): State<Arc<Service>>,
    Path(order): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let back: MoneyBack = optional(&body)?;
    Ok(match service.refund(order, back.amount) {
        Ok(refund) => Json(shapes::order(&refund.order)).into_response(),
        Err(refused) => problem(refused).into_response(),
    })
}

/// `?customer=&order=`: only events about this one.
#[derive(Deserialize)]
struct Filter {
    customer: Option<String>,
    order: Option<Uuid>,
}

async fn webhooks(
    State(service): State<Arc<Service>>,
    Query(filter): Query<Filter>,
) -> Json<Vec<Event>> {
    Json(service.webhooks.events(|event| {
        (filter.customer.is_none() || event.customer == filter.customer)
            && filter.order.is_none_or(|order| event.order_id == order)
    }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Again {
    times: usize,
}

impl Default for Again {
    fn default() -> Self {
        Self { times: 1 }
    }
}

/// Answers when all of them are through.
async fn resend(
    State(service): State<Arc<Service>>,
    Path(id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Refusal> {
    let again: Again = optional(&body)?;
    let deliveries = service.webhooks.resend(id, again.times).await;
    let deliveries = deliveries.ok_or_else(Refusal::not_found)?;
    Ok(Json(json!({ "deliveries": deliveries })).into_response())
}

async fn settings(
    State(service): State<Arc<Service>>,
    Path(customer): Path<String>,
) -> Json<Settings> {
    Json(lock(&service.settings).of(Some(&customer)))
}

/// What is left out is as usual.
async fn change_settings(
    State(service): State<Arc<Service>>,
    Path(customer): Path<String>,
    Json(settings): Json<Settings>,
) -> StatusCode {
    lock(&service.settings).put(customer, settings);
    StatusCode::NO_CONTENT
}

async fn forget_settings(
    State(service): State<Arc<Service>>,
    Path(customer): Path<String>,
) -> StatusCode {
    lock(&service.settings).forget(&customer);
    StatusCode::NO_CONTENT
}
