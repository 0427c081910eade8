//! What the engine never does and AWS does: transactions that conflict with others, calls that are throttled, answers that
//! are lost after the write. A proxy in front of the engine does it, by chance, from a seed.

use std::sync::{Arc, Mutex};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
    response::{IntoResponse, Response},
};

use crate::{
    Stack,
    proxy::{Request, Upstream, serve},
};

/// Of a hundred transactions, so many conflict, so many are throttled, and of so many the answer is lost.
const CONFLICTS: u32 = 30;
const THROTTLED: u32 = 5;
const LOST: u32 = 5;

#[derive(Clone)]
struct Storm {
    engine: Upstream,
    chance: Arc<Mutex<fastrand::Rng>>,
}

/// Starts the proxy for as long as the test's runtime lives; its address.
pub async fn endpoint(stack: &Stack, seed: u64) -> String {
    let storm = Storm {
        engine: Upstream::new(&stack.aws_endpoint),
        chance: Arc::new(Mutex::new(fastrand::Rng::with_seed(seed))),
    };
    serve(Router::new().fallback(pass).with_state(storm)).await
}

async fn pass(
    State(storm): State<Storm>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
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
    let request = Request {
        method,
        uri,
        headers,
        body,
    };
    let answer = storm.engine.pass(request).await;
    if transaction && chance < CONFLICTS + THROTTLED + LOST {
        return (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response();
    }
    answer
}

fn refuse(body: &'static str) -> Response {
    (
        StatusCode::BAD_REQUEST,
        [("content-type", "application/x-amz-json-1.0")],
        body,
    )
        .into_response()
}
