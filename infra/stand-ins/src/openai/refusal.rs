//! A refusal in OpenAI's shape: `{"error": {"message", "type", "param", "code"}}`.
//!
//! Knows how errors look on the wire; what is refused is decided elsewhere.

use std::{borrow::Cow, time::Duration};

use axum::{
    Json,
    http::{HeaderValue, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

/// A request that is answered with an error.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) kind: &'static str,
    pub(crate) code: Option<&'static str>,
    pub(crate) param: Option<Cow<'static, str>>,
    pub(crate) message: String,
    /// Extra members of the error object; only moderation has any.
    pub(crate) details: Option<Box<Value>>,
    pub(crate) retry_after: Option<Duration>,
}

impl Refusal {
    /// A 400 `invalid_request_error`, which is most of them.
    pub(crate) fn invalid(code: &'static str, message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            "invalid_request_error",
            Some(code),
            message,
        )
    }

    /// Any other error.
    pub(crate) fn new(
        status: StatusCode,
        kind: &'static str,
        code: Option<&'static str>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            status,
            kind,
            code,
            param: None,
            message: message.into(),
            details: None,
            retry_after: None,
        }
    }

    /// The same, about one parameter.
    #[must_use]
    pub(crate) fn about(mut self, param: impl Into<Cow<'static, str>>) -> Self {
        self.param = Some(param.into());
        self
    }

    /// The word by which the journal remembers it.
    pub(crate) fn outcome(&self) -> &'static str {
        self.code.unwrap_or(self.kind)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut error = json!({
            "message": self.message,
            "type": self.kind,
            "param": self.param,
            "code": self.code,
        });
        if let (Some(error), Some(details)) = (error.as_object_mut(), self.details) {
            error.insert("moderation_details".to_owned(), *details);
        }
        let mut response = (self.status, Json(json!({ "error": error }))).into_response();
        if let Some(wait) = self.retry_after {
            // The coarse header must not promise an earlier moment than the fine one.
            let millis = wait.as_millis();
            let headers = response.headers_mut();
            for (name, value) in [
                ("retry-after", millis.div_ceil(1000)),
                ("retry-after-ms", millis),
            ] {
                if let Ok(value) = HeaderValue::try_from(value.to_string()) {
                    headers.insert(name, value);
                }
            }
        }
        response
    }
}
