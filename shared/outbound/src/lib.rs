//! Calls to addresses that users choose: which may be called, and how.
//!
//! A function that calls what a user names can be made to call what only the function can reach. So an address is judged
//! twice: its text when it is given ([`Target::parse`]), and what its name stands for at the moment of the call (feature
//! `client`). A crate of its own because who judges is not who calls, and neither is part of AWS, our API or our records.

#[cfg(feature = "client")]
mod client;
mod public;
mod target;

#[cfg(feature = "client")]
pub use client::{CallFailed, Client, SetupFailed};
pub use public::is_public;
pub use target::{MAX_LENGTH, Target, TargetRefused, Targets, UnknownTargets};
