//! A user's own program, which wants to be told of batches.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, Uri},
};

use crate::{
    proxy::{Request, serve},
    wait_for,
};

/// A program that listens for as long as the test's runtime lives.
#[derive(Debug)]
pub struct Program {
    /// Where.
    pub url: String,
    heard: Heard,
}

#[derive(Clone, Debug, Default)]
struct Heard {
    calls: Arc<Mutex<Vec<Request>>>,
    /// What it still answers before it takes everything.
    answers: Arc<Mutex<VecDeque<StatusCode>>>,
}

impl Program {
    /// One that answers with these statuses first, and with 200 from then on.
    pub async fn answering(statuses: &[u16]) -> Self {
        let statuses = statuses
            .iter()
            .map(|&status| StatusCode::from_u16(status).unwrap());
        let heard = Heard {
            answers: Arc::new(Mutex::new(statuses.collect())),
            ..Heard::default()
        };
        let router = Router::new().fallback(hear).with_state(heard.clone());
        Self {
            url: format!("{}/hook", serve(router).await),
            heard,
        }
    }

    /// The calls so far.
    #[must_use]
    pub fn calls(&self) -> Vec<Request> {
        self.heard.calls.lock().unwrap().clone()
    }

    /// Waits until there were so many calls.
    pub async fn was_called(&self, times: usize) -> Vec<Request> {
        wait_for(&format!("call {times} of a webhook"), async || {
            let calls = self.calls();
            (calls.len() >= times).then_some(calls)
        })
        .await
    }
}

async fn hear(
    State(heard): State<Heard>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> StatusCode {
    heard.calls.lock().unwrap().push(Request {
        method,
        uri,
        headers,
        body,
    });
    let answer = heard.answers.lock().unwrap().pop_front();
    answer.unwrap_or(StatusCode::OK)
}
