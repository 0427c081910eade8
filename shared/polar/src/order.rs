//! An order as Polar has it: in the events of its webhook, and in its list of orders.

use serde::{Deserialize, Serialize};

/// A webhook's body, as far as we read it. `T` is an [`Order`] for the events whose type begins with `order.`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event<T> {
    /// Such as `order.paid`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is about, as it was when the event was made: events may come late and out of order.
    pub data: T,
}

impl<T> Event<T> {
    /// The order was paid; one that is created may not be.
    pub const ORDER_PAID: &'static str = "order.paid";
    /// Some or all of its money was given back.
    pub const ORDER_REFUNDED: &'static str = "order.refunded";
}

/// A purchase, as far as we read it. Money is in the smallest unit of its currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Polar's id of it.
    pub id: String,
    /// Where it stands.
    pub status: OrderStatus,
    /// Why it was made: `purchase` for what somebody chose to buy.
    pub billing_reason: String,
    /// What was bought; Polar's type allows none.
    #[serde(default)]
    pub product_id: Option<String>,
    /// With taxes.
    pub total_amount: u64,
    /// Without taxes and after discounts: what `refunded_amount` is a part of. Absent in what older versions sent.
    #[serde(default)]
    pub net_amount: Option<u64>,
    /// Given back so far, over all refunds, without taxes.
    pub refunded_amount: u64,
    /// Such as `usd`.
    pub currency: String,
    /// Copied from the checkout: what we said there.
    #[serde(default)]
    pub metadata: Metadata,
    /// Who bought it.
    #[serde(default)]
    pub customer: Customer,
}

impl Order {
    /// The [`billing_reason`](Self::billing_reason) of what somebody chose to buy.
    pub const PURCHASE: &'static str = "purchase";

    /// Whose it is, in our own words: what we said at the checkout, or else whom Polar knows the customer as.
    #[must_use]
    pub fn user_id(&self) -> Option<&str> {
        let said = self.metadata.user_id.as_deref();
        said.or(self.customer.external_id.as_deref())
    }
}

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Not paid yet.
    Pending,
    /// Paid, and nothing of it was given back.
    Paid,
    /// Paid, and all of it was given back.
    Refunded,
    /// Paid, and some of it was given back.
    PartiallyRefunded,
    /// Something that Polar has thought of since: nothing that we act on.
    #[serde(other)]
    Other,
}

impl OrderStatus {
    /// Has its money arrived, whatever was given back afterwards?
    #[must_use]
    pub const fn is_paid(self) -> bool {
        matches!(self, Self::Paid | Self::Refunded | Self::PartiallyRefunded)
    }
}

/// What we say at a checkout and find on its order.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Metadata {
    /// Whose checkout it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_id: Option<String>,
}

/// Somebody who buys.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Customer {
    /// Our name for them, if Polar was told.
    #[serde(default)]
    pub external_id: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_polar_sends_beyond_that_is_left_alone() {
        let event: Event<Order> = serde_json::from_str(
            r#"{"type":"order.paid","timestamp":"2026-11-01T10:00:00Z","data":{
                "id":"9b2f6bd0-0000-4000-8000-000000000001","status":"paid","paid":true,"billing_reason":"purchase",
                "product_id":"p1","total_amount":595,"net_amount":500,"refunded_amount":0,"currency":"eur",
                "checkout_id":null,"metadata":{"user_id":"u1","color":"red"},
                "customer":{"id":"c1","external_id":"u2","email":"anna@example.com"},"product":{"name":"50 credits"}}}"#,
        )
        .unwrap();
        assert_eq!(event.kind, Event::<Order>::ORDER_PAID);
        assert_eq!(event.data.user_id(), Some("u1"));
        assert!(event.data.status.is_paid());
    }

    #[test]
    fn the_customer_says_whose_it_is_where_we_have_not() {
        let order: Order = serde_json::from_str(
            r#"{"id":"o1","status":"disputed","billing_reason":"purchase","total_amount":0,"refunded_amount":0,
                "currency":"usd","metadata":{},"customer":{"external_id":"u2"}}"#,
        )
        .unwrap();
        assert_eq!(order.user_id(), Some("u2"));
        assert_eq!((order.status, order.product_id), (OrderStatus::Other, None));
        assert!(!OrderStatus::Other.is_paid());
    }
}
