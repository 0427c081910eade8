//! Stand-ins for the vendors that no local engine emulates, so that a laptop can run a whole batch without a key.
//!
//! A stand-in is honest: it refuses what the real service refuses, answers in the real shapes, and fails on request.
//! One module per vendor; each offers a [`axum::Router`] and knows nothing of the others. [`server`] knows sockets and
//! nothing of vendors. Nothing here is deployed, and nothing that is deployed depends on it.

pub mod client;
mod html;
pub mod openai;
pub mod polar;
pub mod resend;
pub mod server;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The lock, also after a panic elsewhere: what these locks guard is whole after each statement.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
