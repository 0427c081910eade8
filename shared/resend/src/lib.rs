//! The client of Resend, which sends the mail: one call, [`Client::send`], and what its answers mean for us.
//!
//! It knows the wire and nothing of what the mail says. It never tries again by itself: whoever calls it has a queue that
//! does. Facts: facts/polar-resend-firecrawl.md and Resend's API reference.

mod client;

pub use client::{Client, Mail, NotSent, SetupFailed};
