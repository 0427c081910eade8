//! A refusal in Polar's shape: `{"error", "detail"}`, where the detail of a bad request is a list of its faults.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// A request that is answered with an error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    status: StatusCode,
    body: Value,
    retry_after: Option<u64>,
}

impl Refusal {
    /// An error by its name in Polar's server.
    pub(super) fn new(status: StatusCode, error: &str, detail: impl Into<Value>) -> Self {
        Self {
            status,
            body: json!({ "error": error, "detail": detail.into() }),
            retry_after: None,
        }
    }

    /// 422: something in the body is not as it has to be.
    pub(super) fn in_body(field: &str, message: impl Into<String>) -> Self {
        Self::invalid(&["body", field], message)
    }

    /// 422: something in the query is not as it has to be.
    pub(super) fn in_query(field: &str, message: impl Into<String>) -> Self {
        Self::invalid(&["query", field], message)
    }

    /// 422 about whatever is there.
    pub(super) fn invalid(place: &[&str], message: impl Into<String>) -> Self {
        let fault = json!({ "loc": place, "msg": message.into(), "type": "value_error" });
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "RequestValidationError",
            vec![fault],
        )
    }

    /// 404.
    pub(super) fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "ResourceNotFound", "Not found")
    }

    /// 401: no token, or not ours.
    pub(super) fn bad_token() -> Self {
        let message = "The access token provided is expired, revoked, malformed, or invalid for other reasons.";
        Self {
            status: StatusCode::UNAUTHORIZED,
            body: json!({ "error": "invalid_token", "error_description": message }),
            retry_after: None,
        }
    }

    /// The answer of an API that is out of order, or asked too often.
    pub(super) fn outage(status: StatusCode, retry_after: Option<u64>) -> Self {
        let error = match status {
            StatusCode::TOO_MANY_REQUESTS => "TooManyRequests",
            _ => "InternalServerError",
        };
        Self {
            retry_after,
            ..Self::new(status, error, status.canonical_reason().unwrap_or_default())
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut response = (self.status, Json(self.body)).into_response();
        if let Some(seconds) = self.retry_after {
            let value = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}
