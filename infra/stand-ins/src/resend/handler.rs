//! `POST /emails`, from key to answer, and Resend's words for a wrong address.

use std::{sync::Arc, time::Instant};

use axum::{
    Json,
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;
use time::OffsetDateTime;

use super::{
    Service,
    refusal::Refusal,
    request::{Mail, idempotency_key},
};
use crate::{lock, server::CutConnection};

/// `POST /emails`
pub(super) async fn send(
    State(service): State<Arc<Service>>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    if !headers.contains_key(header::USER_AGENT) {
        // Their gate does not let such a request through to the API.
        return (StatusCode::FORBIDDEN, "error code: 1010").into_response();
    }
    if let Err(refusal) = service.authorise(&headers) {
        return refusal.into_response();
    }
    let (taken, per_second) = {
        let mut limiter = lock(&service.limiter);
        (limiter.take(Instant::now()), limiter.per_second().get())
    };
    let mut response = match taken {
        Some(_) => service.deliver(&headers, &body).into_response(),
        None => Refusal::rate_limited(per_second).into_response(),
    };
    for (name, value) in [
        ("ratelimit-limit", per_second),
        ("ratelimit-remaining", taken.unwrap_or(0)),
        ("ratelimit-reset", 1),
    ] {
        let value = HeaderValue::from(value);
        response.headers_mut().insert(name, value);
    }
    response
}

/// Anything else.
pub(super) async fn unknown_route() -> Refusal {
    Refusal::new(
        StatusCode::NOT_FOUND,
        "not_found",
        "The requested endpoint does not exist.",
    )
}

/// `GET /emails` and so on.
pub(super) async fn wrong_method() -> Refusal {
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        "Method is not allowed for the requested path.",
    )
}

impl Service {
    fn authorise(&self, headers: &HeaderMap) -> Result<(), Refusal> {
        let value = headers.get(header::AUTHORIZATION);
        let value = value.and_then(|value| value.to_str().ok());
        match value.and_then(|value| value.strip_prefix("Bearer ")) {
            None | Some("") => Err(Refusal::new(
                StatusCode::UNAUTHORIZED,
                "missing_api_key",
                "Missing API key in the authorization header.",
            )),
            Some(key) if key == self.api_key => Ok(()),
            Some(_) => Err(Refusal::new(
                StatusCode::FORBIDDEN,
                "invalid_api_key",
                "API key is invalid.",
            )),
        }
    }

    fn deliver(&self, headers: &HeaderMap, body: &[u8]) -> Result<Response, Refusal> {
        let key = idempotency_key(headers)?;
        let mail = Mail::read(body)?;
        let recipient = mail.to.all().first().cloned().unwrap_or_default();
        lock(&self.settings).check_outage(&recipient)?;
        let id = lock(&self.inbox).deliver(mail, key, OffsetDateTime::now_utc())?;
        if lock(&self.settings).lose_answer(&recipient) {
            return Ok(CutConnection.into_response());
        }
        Ok(Json(json!({ "id": id })).into_response())
    }
}
