//! A refusal in Resend's shape: `{"statusCode", "name", "message"}`.

use axum::{
    Json,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

/// A request that is answered with an error.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Refusal {
    status: StatusCode,
    pub(super) name: &'static str,
    message: String,
    retry_after: Option<u64>,
}

impl Refusal {
    /// An error by its name in Resend's list.
    pub(super) fn new(status: StatusCode, name: &'static str, message: impl Into<String>) -> Self {
        Self {
            status,
            name,
            message: message.into(),
            retry_after: None,
        }
    }

    /// 422: a field is not as it has to be.
    pub(super) fn invalid(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "validation_error",
            message,
        )
    }

    /// 422: a field is not there.
    pub(super) fn missing(field: &str) -> Self {
        Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "missing_required_field",
            format!("Missing `{field}` field."),
        )
    }

    /// 429.
    pub(super) fn rate_limited(per_second: u32) -> Self {
        let message = format!(
            "Too many requests. You can only make {per_second} requests per second. See rate limit response headers for \
             more information."
        );
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            "rate_limit_exceeded",
            message,
        )
        .after(Some(1))
    }

    /// The same, with the header that says when it is worth trying again.
    #[must_use]
    pub(super) fn after(self, seconds: Option<u64>) -> Self {
        Self {
            retry_after: seconds,
            ..self
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let body = json!({ "statusCode": self.status.as_u16(), "name": self.name, "message": self.message });
        let mut response = (self.status, Json(body)).into_response();
        if let Some(seconds) = self.retry_after {
            let value = HeaderValue::from(seconds);
            response.headers_mut().insert(header::RETRY_AFTER, value);
        }
        response
    }
}
