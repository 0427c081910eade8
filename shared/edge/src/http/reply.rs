//! Answers.

use std::time::Duration;

use api::{PROBLEM_CONTENT_TYPE, Problem};
use lambda_http::{
    Body, Response,
    http::{HeaderValue, StatusCode, header},
};
use serde::Serialize;

/// An answer with a status, perhaps a JSON body, perhaps an entity tag.
#[derive(Debug)]
pub struct Reply {
    status: u16,
    content_type: &'static str,
    body: Option<Vec<u8>>,
    etag: Option<String>,
    retry_after: Option<Duration>,
}

impl Reply {
    /// 200 with this body.
    pub fn ok<T: Serialize>(body: &T) -> Self {
        Self::json(200, "application/json", body)
    }

    /// 201 with this body.
    pub fn created<T: Serialize>(body: &T) -> Self {
        Self::json(201, "application/json", body)
    }

    /// 202, with nothing to say.
    #[must_use]
    pub const fn noted() -> Self {
        Self {
            status: 202,
            content_type: "application/json",
            body: None,
            etag: None,
            retry_after: None,
        }
    }

    /// 202 with this body.
    pub fn accepted<T: Serialize>(body: &T) -> Self {
        Self::json(202, "application/json", body)
    }

    /// 304: what the client has under this tag is still so.
    #[must_use]
    pub const fn not_modified(etag: String) -> Self {
        Self {
            status: 304,
            content_type: "application/json",
            body: None,
            etag: Some(etag),
            retry_after: None,
        }
    }

    /// Adds the tag of this body.
    #[must_use]
    pub fn with_etag(mut self, etag: String) -> Self {
        self.etag = Some(etag);
        self
    }

    pub(super) const fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    pub(super) fn problem(problem: &Problem) -> Self {
        Self::json(problem.status, PROBLEM_CONTENT_TYPE, problem)
    }

    /// The body; empty if there is none.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }

    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    fn json<T: Serialize>(status: u16, content_type: &'static str, body: &T) -> Self {
        Self {
            status,
            content_type,
            // The API's own types have no maps with odd keys, the only thing that serde_json refuses.
            body: serde_json::to_vec(body).ok(),
            etag: None,
            retry_after: None,
        }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        // A shared cache must keep nothing of this, and a browser must ask before it shows it again.
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        );
        if let Some(etag) = self.etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
            headers.insert(header::ETAG, etag);
        }
        if let Some(wait) = self.retry_after {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(wait.as_secs().max(1)),
            );
        }
        if let Some(body) = self.body {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static(self.content_type),
            );
            // JSON is UTF-8, so the API passes it on as text.
            *response.body_mut() = Body::Text(String::from_utf8_lossy(&body).into_owned());
        }
        response
    }
}
