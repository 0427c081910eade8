//! What Polar sells to a test's users, and what it tells of that: whole orders, as they stood at some moment.

use domain::{OrderId, Purchase, UserId};
use polar::Order;
use serde_json::{Value, json};
use uuid::Uuid;

/// The products of the packs that every stack at home has, with their credits and prices in cents.
pub const PRODUCTS: [(&str, u64, u64); 3] = [
    ("00000000-0000-4000-8000-000000000050", 50, 500),
    ("00000000-0000-4000-8000-000000000200", 200, 1_800),
    ("00000000-0000-4000-8000-000000001000", 1_000, 7_500),
];

/// An order of somebody.
#[derive(Clone, Debug)]
pub struct Bought {
    /// Polar's id of it.
    pub id: OrderId,
    /// Who has bought.
    pub user: UserId,
    /// What was bought.
    pub product_id: String,
    /// What was paid, without taxes.
    pub amount: u64,
}

impl Bought {
    /// Somebody has bought a product for so many cents.
    #[must_use]
    pub fn new(user: &UserId, product_id: &str, amount: u64) -> Self {
        Self {
            id: Uuid::new_v4().to_string().parse().unwrap(),
            user: user.clone(),
            product_id: product_id.to_owned(),
            amount,
        }
    }

    /// What Polar says of it when so much was given back: the body of its event. All that was paid is the whole order,
    /// also of one that cost nothing, if anything is said to be given back at all.
    #[must_use]
    pub fn told(&self, refunded: Option<u64>) -> String {
        let events = include_str!("../../events/apply-order/paid-refunded-reconciled.json");
        let events: Value = serde_json::from_str(events).unwrap();
        let body = events["Records"][0]["body"].as_str().unwrap();
        let mut event: Value = serde_json::from_str(body).unwrap();
        let (kind, status) = match refunded {
            None => ("order.paid", "paid"),
            Some(cents) if cents < self.amount => ("order.refunded", "partially_refunded"),
            Some(_) => ("order.refunded", "refunded"),
        };
        event["type"] = json!(kind);
        let order = &mut event["data"];
        order["id"] = json!(self.id);
        order["status"] = json!(status);
        order["metadata"]["user_id"] = json!(self.user);
        order["customer"]["external_id"] = json!(self.user);
        order["product_id"] = json!(self.product_id);
        order["product"]["id"] = json!(self.product_id);
        order["net_amount"] = json!(self.amount);
        order["total_amount"] = json!(self.amount + 95);
        order["refunded_amount"] = json!(refunded.unwrap_or(0));
        event.to_string()
    }

    /// What the ledger is told with that.
    #[must_use]
    pub fn purchase(&self, refunded: Option<u64>) -> Purchase {
        let event: polar::Event<Order> = serde_json::from_str(&self.told(refunded)).unwrap();
        event.data.purchase().unwrap().unwrap()
    }
}
