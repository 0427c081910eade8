//! Polar, which sells the credits: the orders that it tells us of, and the client of its API (feature `client`).
//!
//! Knows Polar's JSON, and which [`domain::Purchase`] an order is; nothing of what becomes of it. The facts are from facts/polar-resend-firecrawl.md.

#[cfg(feature = "client")]
mod client;
mod order;
mod purchase;

#[cfg(feature = "client")]
pub use client::{
    Checkout, Client, ClientError, ConfigError, NewCheckout, OrdersPage, Pagination, PortalSession,
};
pub use order::{Customer, Event, Metadata, Order, OrderStatus};
pub use purchase::InvalidOrder;
