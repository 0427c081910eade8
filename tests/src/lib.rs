//! What the tests share: a running stack, users of it, and photos. Every test makes its own users, so all of them run in
//! parallel and in any order.
//!
//! [`Stack`] and [`User`] know the API as README shows it to anybody with an HTTP client, and nothing of what is behind
//! it. [`orders`] is what Polar tells. [`inside`] is for the tests of the adapters, [`engine`] for those that say something twice to a function,
//! [`function`] and [`proxy`] for those that cut one off or kill it.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test that cannot go on should stop right there"
)]

pub mod engine;
pub mod function;
pub mod inbox;
pub mod inside;
pub mod orders;
mod photos;
pub mod program;
pub mod proxy;
pub mod seller;
pub mod storm;
mod user;

use std::{path::Path, time::Duration};

use serde::Deserialize;

pub use photos::{PLACE, photo, photo_as, photo_with_place, pixels};
pub use seller::Seller;
pub use user::{Answer, PASSWORD, User};

/// How long anything may take before a test gives up on it. Much longer than anything takes.
pub const DEADLINE: Duration = Duration::from_mins(2);

/// The running stack, as `target/local/stack.json` describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stack {
    /// The front door: the web app at `/`, the API at `/api`.
    pub url: String,
    /// The engine, which is also where Cognito is.
    pub aws_endpoint: String,
    /// For signing up and in.
    pub client_id: String,
    /// What stands in for services outside of AWS.
    pub stand_ins: StandIns,
    /// What Polar's stand-in signs its webhooks with.
    pub polar_webhook_secret: String,
    /// The stack's outputs, by name.
    pub outputs: std::collections::HashMap<String, String>,
    /// What runs for it.
    pub processes: Vec<Process>,
    /// Where all of this was read.
    #[serde(skip)]
    pub file: std::path::PathBuf,
}

/// Something that runs for the stack.
#[derive(Clone, Debug, Deserialize)]
pub struct Process {
    /// What it is.
    pub name: String,
    /// Its process id.
    pub pid: u32,
}

/// What stands in for services outside of AWS.
#[derive(Clone, Debug, Deserialize)]
pub struct StandIns {
    /// The images API; ends in `/v1`.
    pub openai: String,
    /// Where credits are sold: its API, its pages, and what `/_control` does to it.
    pub polar: String,
    /// Where mail goes: its API, its inbox, and what `/_control` does to it.
    pub resend: String,
}

impl Stack {
    /// The stack that `BIE_STACK` names. `None`, with a word about it, when there is none; in CI that is a failure.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "tests are told by the environment where the stack is"
    )]
    #[expect(
        clippy::print_stderr,
        reason = "somebody who runs the tests alone should know what they missed"
    )]
    pub fn running() -> Option<Self> {
        let Ok(path) = std::env::var("BIE_STACK") else {
            assert!(
                std::env::var("CI").is_err(),
                "BIE_STACK is not set, so nothing would be tested"
            );
            eprintln!("skipped: no BIE_STACK; `cargo xtask test` sets it");
            return None;
        };
        Some(Self::at(Path::new(&path)))
    }

    /// The stack that this `stack.json` describes.
    #[must_use]
    pub fn at(path: &Path) -> Self {
        // reqwest comes without a TLS provider of its own; losing the race to install one is fine.
        drop(rustls::crypto::ring::default_provider().install_default());
        let file = std::path::absolute(path).unwrap();
        let json =
            std::fs::read(&file).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        let stack: Self = serde_json::from_slice(&json).expect("a stack.json that can be read");
        Self { file, ..stack }
    }

    /// The process of the local engine, whose children are the functions.
    #[must_use]
    pub fn engine_pid(&self) -> Option<u32> {
        let engine = self.processes.iter().find(|it| it.name == "engine");
        engine.map(|engine| engine.pid)
    }

    /// Makes the image stand-in refuse every prompt that holds this text.
    pub async fn add_fault(&self, name: &str, text: &str) {
        let rule = serde_json::json!({ "name": name, "match": text });
        let faults = format!("{}/control/faults", self.provider());
        let answer = reqwest::Client::new()
            .post(faults)
            .json(&rule)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 201);
    }

    /// Takes back what [`Stack::add_fault`] did.
    pub async fn clear_faults(&self, text: &str) {
        let faults = format!("{}/control/faults", self.provider());
        let faults = reqwest::Url::parse_with_params(&faults, [("match", text)]);
        let answer = reqwest::Client::new()
            .delete(faults.unwrap())
            .send()
            .await
            .unwrap();
        assert!(answer.status().is_success());
    }

    fn provider(&self) -> &str {
        self.stand_ins.openai.trim_end_matches("/v1")
    }

    /// The calls that the image stand-in has seen with this text in their prompt.
    pub async fn provider_calls(&self, text: &str) -> Vec<serde_json::Value> {
        let base = self.provider();
        let url =
            reqwest::Url::parse_with_params(&format!("{base}/control/calls"), [("prompt", text)]);
        let answer = reqwest::get(url.unwrap()).await.unwrap();
        answer.json().await.unwrap()
    }
}

/// The running stack, or the end of the test.
#[macro_export]
macro_rules! stack {
    () => {
        match $crate::Stack::running() {
            Some(stack) => stack,
            None => return,
        }
    };
}

/// Tries until there is an answer; fails with `what` after [`DEADLINE`].
pub async fn wait_for<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let waiting = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(100));
        loop {
            ticks.tick().await;
            if let Some(found) = look().await {
                return found;
            }
        }
    };
    let found = tokio::time::timeout(DEADLINE, waiting).await;
    found.unwrap_or_else(|elapsed| panic!("waited for {what}: {elapsed}"))
}

/// A text that no other test uses.
#[must_use]
pub fn unique(name: &str) -> String {
    format!("{name}-{}", uuid::Uuid::new_v4())
}
