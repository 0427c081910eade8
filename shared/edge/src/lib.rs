//! The edge of a function: what it is told by the environment, how it logs, and how events become domain types and
//! domain errors become answers.
//!
//! Handlers stay free of Lambda's types beyond the event they decode; rules stay in `domain`, calls in `aws`.

mod env;
#[cfg(feature = "http")]
pub mod http;
#[cfg(feature = "queue")]
pub mod queue;
pub mod task;

pub use env::{Env, InvalidEnvironment};
pub use lambda_runtime::Error;

/// Starts logging: JSON with the platform's fields where the function's `LoggingConfig` says so.
pub fn telemetry() {
    lambda_runtime::tracing::init_default_subscriber();
}
