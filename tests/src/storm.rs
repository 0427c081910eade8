//! What the engine never does and AWS does: transactions that conflict with others, calls that are throttled, answers that
//! are lost after the write. A proxy in front of the engine does it, by chance, from a seed.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri, header},
    response::{IntoResponse, Response},
};

use crate::Stack;

/// Of a hundred transactions, so many conflict, so many are throttled, and of so many the answer is lost.
const CONFLICTS: u32 = 30;
const THROTTLED: u32 = 5;
const LOST: u32 = 5;

#[derive(Clone)]
struct Storm {
    engine: String,
    http: reqwest::Client,
    chance: Arc<Mutex<fastrand::Rng>>,
}

/// Starts the proxy for as long as the test's runtime lives; its address.
pub async fn endpoint(stack: &Stack, seed: u64) -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let storm = Storm {
        engine: stack.aws_endpoint.clone(),
        http: reqwest::Client::builder().no_proxy().build().unwrap(),
        chance: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
    };
    let router = Router::new().fallback(pass).with_state(storm);
    tokio::spawn(async { axum::serve(listener, router).await.unwrap() });
    endpoint
}

async fn pass(
    State(storm): State<Storm>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    let target = headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let transaction = target.is_some_and(|target| target.ends_with(".TransactWriteItems"));
    let chance = storm.chance.lock().unwrap().u32(0..100);
    if transaction && chance < CONFLICTS {
        // The first item conflicts; the others have nothing against it.
        return refuse(
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
                "Message":"Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]",
                "CancellationReasons":[{"Code":"TransactionConflict","Message":"Transaction is ongoing for the item"}]}"#,
        );
    }
    if transaction && chance < CONFLICTS + THROTTLED {
        return refuse(
            r#"{"__type":"com.amazonaws.dynamodb.v20120810#ThrottlingException","message":"Rate exceeded"}"#,
        );
    }
    headers.remove(header::HOST);
    let url = format!("{}{uri}", storm.engine);
    let request = storm.http.request(method, url).headers(headers).body(body);
    let answer = request.send().await.unwrap();
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = answer.bytes().await.unwrap();
    if transaction && chance < CONFLICTS + THROTTLED + LOST {
        return (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response();
    }
    (status, headers, body).into_response()
}

fn refuse(body: &'static str) -> Response {
    (
        StatusCode::BAD_REQUEST,
        [("content-type", "application/x-amz-json-1.0")],
        body,
    )
        .into_response()
}
