//! The way to the API: every request is passed on as it came, and so is every answer, without waiting for their ends.
//!
//! What an HTTP API would refuse itself is refused here the same way, since the local engine does not.

use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use axum::body::Body;
use axum::extract::Request;
use axum::http::header::{self, HeaderMap, HeaderName};
use axum::http::uri::Uri;
use axum::http::{StatusCode, Version};
use axum::response::{IntoResponse as _, Response};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use hyper_util::client::legacy::{Client, connect::HttpConnector};
use hyper_util::rt::TokioExecutor;

/// Headers that concern one connection only (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    HeaderName::from_static("keep-alive"),
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// How much of a body that is too large is read before its sender is cut off, in limits.
const READ_ON: usize = 4;

/// The API behind a base URL.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client<HttpConnector, Limited<Body>>,
    base: Arc<str>,
    body_limit: usize,
    patience: Duration,
}

/// Why the API did not answer.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error("the request's body is larger than an HTTP API takes")]
    TooLarge,
    #[error("the request's path cannot be passed on")]
    Path(#[from] axum::http::uri::InvalidUri),
    #[error("no answer within the time an HTTP API waits")]
    Slow,
    #[error("the local engine does not answer")]
    Unreachable(#[source] hyper_util::client::legacy::Error),
}

impl Api {
    /// `base` comes before the path of every request.
    pub(crate) fn new(base: &str, body_limit: usize, patience: Duration) -> Result<Self> {
        let base = base.trim_end_matches('/');
        let uri: Uri = base
            .parse()
            .with_context(|| format!("--api {base} is not a URL"))?;
        uri.authority()
            .with_context(|| format!("--api {base} names no host"))?;
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).build(connector);
        Ok(Self {
            client,
            base: base.into(),
            body_limit,
            patience,
        })
    }

    /// Passes a request on, and gives back the answer.
    pub(crate) async fn forward(&self, request: Request) -> Response {
        self.try_forward(request)
            .await
            .unwrap_or_else(Refusal::into_response)
    }

    async fn try_forward(&self, request: Request) -> Result<Response, Refusal> {
        if declared_length(request.headers()).is_some_and(|length| length > self.body_limit) {
            let most = self.body_limit.saturating_mul(READ_ON);
            let reading = read_on(request.into_body(), most);
            // However it ended, the answer is the same.
            drop(tokio::time::timeout(self.patience, reading).await);
            return Err(Refusal::TooLarge);
        }
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
        parts.uri = format!("{}{path}", self.base).parse()?;
        parts.version = Version::HTTP_11;
        // The client sets it from the URL.
        parts.headers.remove(header::HOST);
        drop_hop_by_hop(&mut parts.headers);
        let request = Request::from_parts(parts, Limited::new(body, self.body_limit));
        let answer = tokio::time::timeout(self.patience, self.client.request(request)).await;
        let (mut parts, body) = answer
            .map_err(|_| Refusal::Slow)?
            .map_err(refusal)?
            .into_parts();
        drop_hop_by_hop(&mut parts.headers);
        Ok(Response::from_parts(parts, Body::new(body)))
    }
}

/// Reads what a client goes on sending: whoever is cut off while sending sees a broken connection and not the answer.
async fn read_on(body: Body, most: usize) {
    let mut rest = Limited::new(body, most);
    while let Some(Ok(_)) = rest.frame().await {}
}

fn declared_length(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

/// Those of the standard, and those that the connection names itself.
fn drop_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    for name in HOP_BY_HOP.iter().chain(&named) {
        headers.remove(name);
    }
}

/// A body that grew too large on its way looks like a failed connection at first.
fn refusal(error: hyper_util::client::legacy::Error) -> Refusal {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<LengthLimitError>() {
            return Refusal::TooLarge;
        }
        cause = inner.source();
    }
    Refusal::Unreachable(error)
}

impl axum::response::IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match &self {
            // These are an HTTP API's own words.
            Self::TooLarge => message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large"),
            Self::Path(_) => message(StatusCode::BAD_REQUEST, "Bad Request"),
            Self::Slow => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
            Self::Unreachable(cause) => {
                eprintln!("{self}: {cause:?}");
                let problem = r#"{"type":"about:blank","title":"Bad Gateway","status":502,"code":"bad_gateway","detail":"The local engine does not answer. Is it still running? See engine.log."}"#;
                (
                    StatusCode::BAD_GATEWAY,
                    [(header::CONTENT_TYPE, "application/problem+json")],
                    problem,
                )
                    .into_response()
            }
        }
    }
}

fn message(status: StatusCode, text: &str) -> Response {
    (
        status,
        [(header::CONTENT_TYPE, "application/json")],
        format!(r#"{{"message":"{text}"}}"#),
    )
        .into_response()
}
