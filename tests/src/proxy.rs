//! What can stand between a caller and a server: a proxy that passes on everything, a gate that holds one thing, one that
//! does something before one thing, one that counts some things, and one that refuses some.

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicU32, Ordering},
};

use axum::{
    Router,
    body::Bytes,
    extract::{self, DefaultBodyLimit, FromRequest, State, rejection::BytesRejection},
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};
use futures::future::BoxFuture;
use tokio::sync::Notify;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET` and the like.
    pub method: Method,
    /// Path and query.
    pub uri: Uri,
    /// All of them: a signature covers some, `Host` among them.
    pub headers: HeaderMap,
    /// To its end.
    pub body: Bytes,
}

impl Request {
    /// Does it ask a service of the JSON protocol for this operation?
    #[must_use]
    pub fn asks_for(&self, operation: &str) -> bool {
        let target = self.headers.get("x-amz-target");
        let target = target.and_then(|target| target.to_str().ok());
        target.is_some_and(|target| target.ends_with(&format!(".{operation}")))
    }

    /// Is this text in its body?
    #[must_use]
    pub fn says(&self, text: &str) -> bool {
        let mut windows = self.body.windows(text.len());
        windows.any(|at| at == text.as_bytes())
    }
}

impl<S: Send + Sync> FromRequest<S> for Request {
    type Rejection = BytesRejection;

    async fn from_request(request: extract::Request, state: &S) -> Result<Self, BytesRejection> {
        Ok(Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            headers: request.headers().clone(),
            body: Bytes::from_request(request, state).await?,
        })
    }
}

/// The server behind a proxy.
#[derive(Clone, Debug)]
pub(crate) struct Upstream {
    base: String,
    http: reqwest::Client,
}

impl Upstream {
    pub(crate) fn new(base: &str) -> Self {
        Self {
            base: base.to_owned(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Sends a request on; the whole answer.
    pub(crate) async fn pass(&self, request: Request) -> Response {
        let Request {
            method,
            uri,
            headers,
            body,
        } = request;
        let url = format!("{}{uri}", self.base);
        let request = self.http.request(method, url).headers(headers).body(body);
        let answer = request.send().await.unwrap();
        let (status, headers) = (answer.status(), answer.headers().clone());
        (status, headers, answer.bytes().await.unwrap()).into_response()
    }
}

/// Serves for as long as the test's runtime lives; the address.
pub(crate) async fn serve(router: Router) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    address
}

/// What a gate holds for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hold {
    /// The request: the server never sees it.
    Request,
    /// The answer: the server has done what it was asked, and the caller never learns.
    Answer,
}

/// A proxy that passes on everything but the one thing it waits for.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Its address, to be called in place of the server's.
    pub endpoint: String,
    reached: Arc<Notify>,
}

#[derive(Clone)]
struct Guard {
    upstream: Upstream,
    hold: Hold,
    meant: fn(&Request) -> bool,
    reached: Arc<Notify>,
}

impl Gate {
    /// Opens one before a server.
    pub async fn before(server: &str, hold: Hold, meant: fn(&Request) -> bool) -> Self {
        let reached = Arc::new(Notify::new());
        let guard = Guard {
            upstream: Upstream::new(server),
            hold,
            meant,
            reached: reached.clone(),
        };
        let router = Router::new()
            .fallback(guarded)
            // A picture is larger than what axum takes otherwise.
            .layer(DefaultBodyLimit::disable())
            .with_state(guard);
        Self {
            endpoint: serve(router).await,
            reached,
        }
    }

    /// Waits until what it holds has come.
    pub async fn reached(&self) {
        self.reached.notified().await;
    }
}

async fn guarded(State(guard): State<Guard>, request: Request) -> Response {
    if !(guard.meant)(&request) {
        return guard.upstream.pass(request).await;
    }
    if guard.hold == Hold::Answer {
        drop(guard.upstream.pass(request).await);
    }
    guard.reached.notify_one();
    std::future::pending().await
}

/// What is done once, just before a request that it is meant for is passed on.
type Meddling = Arc<Mutex<Option<BoxFuture<'static, ()>>>>;

#[derive(Clone)]
struct Meddler {
    upstream: Upstream,
    meant: fn(&Request) -> bool,
    meddling: Meddling,
}

/// Opens a proxy that passes on everything, and the first of what is meant only when `meddling` is done: what a writer does
/// who comes between what the caller has read and what it writes. The address.
pub async fn meddled(
    engine: &str,
    meant: fn(&Request) -> bool,
    meddling: BoxFuture<'static, ()>,
) -> String {
    let meddler = Meddler {
        upstream: Upstream::new(engine),
        meant,
        meddling: Arc::new(Mutex::new(Some(meddling))),
    };
    serve(Router::new().fallback(meddle).with_state(meddler)).await
}

async fn meddle(State(meddler): State<Meddler>, request: Request) -> Response {
    if (meddler.meant)(&request) {
        let first = meddler.meddling.lock().unwrap().take();
        if let Some(first) = first {
            first.await;
        }
    }
    meddler.upstream.pass(request).await
}

/// Opens a proxy that passes on everything and counts what is meant. Its address, and the count.
pub async fn counting(engine: &str, meant: fn(&Request) -> bool) -> (String, Arc<AtomicU32>) {
    let (upstream, count) = (Upstream::new(engine), Arc::new(AtomicU32::new(0)));
    let counted = Arc::clone(&count);
    let pass = async move |request: Request| {
        counted.fetch_add(u32::from(meant(&request)), Ordering::SeqCst);
        upstream.pass(request).await
    };
    (serve(Router::new().fallback(pass)).await, count)
}

#[derive(Clone)]
struct Refuser {
    upstream: Upstream,
    error: &'static str,
    meant: fn(&Request) -> bool,
    times: u32,
    refused: Arc<AtomicU32>,
}

/// Opens a proxy that refuses what is meant so many times with this error of a service of the JSON protocol, passes it on
/// once, and begins anew. The address.
pub async fn refusing(
    engine: &str,
    error: &'static str,
    times: u32,
    meant: fn(&Request) -> bool,
) -> String {
    let refuser = Refuser {
        upstream: Upstream::new(engine),
        error,
        meant,
        times,
        refused: Arc::default(),
    };
    let router = Router::new()
        .fallback(refuse)
        .layer(DefaultBodyLimit::disable())
        .with_state(refuser);
    serve(router).await
}

async fn refuse(State(refuser): State<Refuser>, request: Request) -> Response {
    if (refuser.meant)(&request) {
        if refuser.refused.fetch_add(1, Ordering::SeqCst) < refuser.times {
            let headers = [("content-type", "application/x-amz-json-1.0")];
            let error = serde_json::json!({ "__type": refuser.error, "message": "It was a test." });
            return (StatusCode::BAD_REQUEST, headers, error.to_string()).into_response();
        }
        refuser.refused.store(0, Ordering::SeqCst);
    }
    refuser.upstream.pass(request).await
}
