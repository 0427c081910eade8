//! What of Polar's order concerns the ledger, in the ledger's words.

use domain::{InvalidId, Purchase, Refunded};

use crate::{Order, OrderStatus};

/// A paid order that nobody can be given credits for: somebody has to look at it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidOrder {
    /// Its id cannot be a key.
    #[error("order {0:?} has an id that cannot be")]
    Id(String, #[source] InvalidId),
    /// Neither we nor Polar say whose it is.
    #[error("order {0} names no user")]
    NoUser(String),
    /// What is said is no user of ours.
    #[error("order {0} names a user that cannot be")]
    User(String, #[source] InvalidId),
    /// Nobody knows what was bought.
    #[error("order {0} names no product")]
    NoProduct(String),
}

impl InvalidOrder {
    /// Its name, which stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Id(..) => "order_id_invalid",
            Self::NoUser(_) => "order_without_user",
            Self::User(..) => "order_user_invalid",
            Self::NoProduct(_) => "order_without_product",
        }
    }
}

impl Order {
    /// The purchase that this order is; `None` if it is not paid, or not what somebody chose to buy.
    pub fn purchase(&self) -> Result<Option<Purchase>, InvalidOrder> {
        if !self.status.is_paid() || self.billing_reason != Self::PURCHASE {
            return Ok(None);
        }
        let order = || self.id.clone();
        let id = self.id.parse();
        let user = self
            .user_id()
            .ok_or_else(|| InvalidOrder::NoUser(order()))?;
        let product_id = self.product_id.clone();
        Ok(Some(Purchase {
            id: id.map_err(|error| InvalidOrder::Id(order(), error))?,
            user: user
                .parse()
                .map_err(|error| InvalidOrder::User(order(), error))?,
            product_id: product_id.ok_or_else(|| InvalidOrder::NoProduct(order()))?,
            amount: self.net_amount.unwrap_or(self.total_amount),
            refunded: match self.status {
                OrderStatus::Refunded => Refunded::Whole,
                _ => Refunded::Part(self.refunded_amount),
            },
        }))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A paid order with these fields changed.
    fn order(changes: &Value) -> Order {
        let mut order = json!({
            "id": "9b2f6bd0-0000-4000-8000-000000000001", "status": "paid", "billing_reason": "purchase",
            "product_id": "p1", "total_amount": 595, "net_amount": 500, "refunded_amount": 0, "currency": "usd",
            "metadata": { "user_id": "anna" }, "customer": { "external_id": "bert" },
        });
        for (name, value) in changes.as_object().unwrap() {
            order[name] = value.clone();
        }
        serde_json::from_value(order).unwrap()
    }

    #[test]
    fn a_paid_order_is_a_purchase() {
        let purchase = order(&json!({})).purchase().unwrap().unwrap();
        assert_eq!(purchase.user.as_str(), "anna");
        assert_eq!(
            (purchase.amount, purchase.refunded),
            (500, Refunded::Part(0))
        );
        for (changes, amount, refunded) in [
            (
                json!({ "status": "partially_refunded", "refunded_amount": 250 }),
                500,
                Refunded::Part(250),
            ),
            (
                json!({ "status": "refunded", "refunded_amount": 500 }),
                500,
                Refunded::Whole,
            ),
            (
                json!({ "net_amount": null, "refunded_amount": 100 }),
                595,
                Refunded::Part(100),
            ),
            (
                json!({ "net_amount": 0, "total_amount": 0 }),
                0,
                Refunded::Part(0),
            ),
        ] {
            let purchase = order(&changes).purchase().unwrap().unwrap();
            assert_eq!(
                (purchase.amount, purchase.refunded),
                (amount, refunded),
                "{changes}"
            );
        }
    }

    #[test]
    fn nothing_else_is() {
        for changes in [
            json!({ "status": "pending" }),
            json!({ "status": "something new" }),
            json!({ "billing_reason": "subscription_cycle" }),
            // Also when nobody could be given anything for it.
            json!({ "status": "pending", "metadata": {}, "customer": {}, "product_id": null }),
        ] {
            assert_eq!(order(&changes).purchase(), Ok(None), "{changes}");
        }
    }

    #[test]
    fn what_cannot_be_given_to_anybody_is_named() {
        for (changes, code) in [
            (json!({ "id": "ord#1" }), "order_id_invalid"),
            (
                json!({ "metadata": {}, "customer": {} }),
                "order_without_user",
            ),
            (
                json!({ "metadata": { "user_id": "a#b" } }),
                "order_user_invalid",
            ),
            (json!({ "product_id": null }), "order_without_product"),
        ] {
            assert_eq!(order(&changes).purchase().unwrap_err().code(), code);
        }
    }
}
