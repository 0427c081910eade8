//! Polar, which sells the credits: the orders that it tells us of, and the client of its API (feature `client`).
//!
//! Knows Polar's JSON and nothing of our ledger. The facts are from facts/polar-resend-firecrawl.md.

mod order;

pub use order::{Customer, Event, Metadata, Order, OrderStatus};
