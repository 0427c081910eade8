//! Stand-ins for the vendors that no local engine emulates, so that a laptop can run a whole batch without a key.
//!
//! A stand-in is honest: it refuses what the real service refuses, answers in the real shapes, and fails on request.
//! One module per vendor; each offers a [`axum::Router`] and knows nothing of the others. [`server`] knows sockets and
//! nothing of vendors. Nothing here is deployed, and nothing that is deployed depends on it.

pub mod openai;
pub mod server;
