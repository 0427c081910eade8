//! A deployed function in a process of its own, beside the engine's: what a test does to it, nobody else's work feels.
//! The test is its Lambda: it serves the runtime API, hands over one event, and hears the answer or kills it before.

use std::{
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    body::Bytes,
    extract::State,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use domain::{Timestamp, timing::EDIT_FUNCTION};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::sync::mpsc;

use crate::{
    DEADLINE,
    engine::{Engine, TaskFailed},
    proxy::serve,
};

type Answer = Result<Value, TaskFailed>;

/// A function at work on one event. Its process ends with it.
#[derive(Debug)]
pub struct OwnFunction {
    process: Child,
    answers: mpsc::UnboundedReceiver<Answer>,
}

/// What the runtime API needs.
#[derive(Clone)]
struct Lambda {
    event: Arc<Mutex<Option<Value>>>,
    answers: mpsc::UnboundedSender<Answer>,
}

impl OwnFunction {
    /// Starts a function, by its name in the template, with the deployed one's environment but for these variables.
    ///
    /// It acts for the operator: that its role suffices is for the deployed one to show.
    pub async fn start(
        engine: &Engine,
        function: &str,
        changes: &[(&str, String)],
        event: Value,
    ) -> Self {
        let (sender, answers) = mpsc::unbounded_channel();
        let lambda = Lambda {
            event: Arc::new(Mutex::new(Some(event))),
            answers: sender,
        };
        let address = serve(runtime_api(lambda)).await;
        let process = Command::new(binary(function))
            .env_clear()
            .envs(engine.environment(function).await)
            .envs([
                ("AWS_REGION", "us-east-1"),
                ("AWS_ACCESS_KEY_ID", "test"),
                ("AWS_SECRET_ACCESS_KEY", "test"),
                ("AWS_ENDPOINT_URL", engine.endpoint()),
                ("AWS_LAMBDA_FUNCTION_NAME", function),
                ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "512"),
                ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST"),
                (
                    "AWS_LAMBDA_RUNTIME_API",
                    address.trim_start_matches("http://"),
                ),
            ])
            .envs(changes.iter().map(|(name, value)| (name, value)))
            // Its log; what keeps it from starting goes to the other one.
            .stdout(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", binary(function).display()));
        Self { process, answers }
    }

    /// Waits for its answer.
    pub async fn answer(mut self) -> Answer {
        let answer = tokio::time::timeout(DEADLINE, self.answers.recv()).await;
        answer.expect("an answer in time").unwrap()
    }

    /// Kills it at some moment, as a crash would: without a word, and with all that it was about to do undone.
    pub async fn kill_when(mut self, moment: impl Future<Output = ()>) {
        tokio::select! {
            () = moment => {}
            answer = self.answers.recv() => panic!("it was not killed in time: {answer:?}"),
            () = tokio::time::sleep(DEADLINE) => panic!("the moment to kill it never came"),
        }
    }
}

impl Drop for OwnFunction {
    fn drop(&mut self) {
        // It may have ended by itself, and nothing here could mend what cannot be killed.
        drop(self.process.kill());
        drop(self.process.wait());
    }
}

/// Where cargo has put a program, such as a function by its name in the template: beside the folder of the tests.
#[must_use]
pub fn binary(function: &str) -> PathBuf {
    let mut name = String::new();
    for letter in function.chars() {
        if letter.is_uppercase() && !name.is_empty() {
            name.push('-');
        }
        name.extend(letter.to_lowercase());
    }
    let test = std::env::current_exe().unwrap();
    test.parent().unwrap().with_file_name(name)
}

/// As much of Lambda's runtime API as one event needs.
fn runtime_api(lambda: Lambda) -> Router {
    let invocation = "/2018-06-01/runtime/invocation";
    Router::new()
        .route(&format!("{invocation}/next"), get(next))
        .route(&format!("{invocation}/{{id}}/response"), post(response))
        .route(&format!("{invocation}/{{id}}/error"), post(error))
        .with_state(lambda)
}

/// The event, once; then nothing for ever, as for a function that nobody calls.
async fn next(State(lambda): State<Lambda>) -> Response {
    let event = lambda.event.lock().unwrap().take();
    let Some(event) = event else {
        return std::future::pending().await;
    };
    let deadline = Timestamp::now().plus(EDIT_FUNCTION).as_millis();
    let headers = [
        (
            "lambda-runtime-aws-request-id",
            uuid::Uuid::new_v4().to_string(),
        ),
        ("lambda-runtime-deadline-ms", deadline.to_string()),
    ];
    (headers, Json(event)).into_response()
}

// The runtime names no media type, so what it says is read as bytes. Nobody listens when the test has just killed it.

async fn response(State(lambda): State<Lambda>, answer: Bytes) {
    drop(lambda.answers.send(Ok(read(&answer))));
}

async fn error(State(lambda): State<Lambda>, error: Bytes) {
    drop(lambda.answers.send(Err(read(&error))));
}

fn read<T: DeserializeOwned>(json: &[u8]) -> T {
    serde_json::from_slice(json).unwrap()
}
