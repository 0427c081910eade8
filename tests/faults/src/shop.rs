//! The seller, from a buyer's side: paying and getting money back, and what the ledger owes for it.

use anyhow::{Result, ensure};
use reqwest::{Client, Method};
use serde::Deserialize;
use serde_json::{Value, json};
use stack_tests::Stack;

/// What everybody buys, as the stack at home sells it.
pub(crate) const PRODUCT: &str = "00000000-0000-4000-8000-000000000050";
/// What it is worth.
const CREDITS: u64 = 50;

/// An order, as the seller tells of it.
#[derive(Clone, Debug, Deserialize)]
pub(crate) struct Purchase {
    id: String,
    net_amount: u64,
    refunded_amount: u64,
}

impl Purchase {
    /// What its buyer keeps: of what was given back, the credits are taken, rounded in the buyer's favour.
    pub(crate) fn credits(&self) -> u64 {
        let taken = (CREDITS * self.refunded_amount).checked_div(self.net_amount);
        CREDITS - taken.unwrap_or(0)
    }

    /// What can still be given back.
    pub(crate) const fn left(&self) -> u64 {
        self.net_amount - self.refunded_amount
    }
}

/// The stand-in for the seller, which nothing stands in front of.
pub(crate) struct Seller {
    base: String,
    http: Client,
}

impl Seller {
    pub(crate) fn new(stack: &Stack, http: &Client) -> Self {
        Self {
            base: stack.stand_ins.polar.clone(),
            http: http.clone(),
        }
    }

    /// Decides how a customer's webhooks fare.
    pub(crate) async fn set(&self, customer: &str, settings: &Value) -> Result<()> {
        let path = format!("/_control/settings/{customer}");
        self.send(Method::PUT, &path, settings).await.map(drop)
    }

    /// Pays for a checkout.
    pub(crate) async fn pay(&self, checkout: &str, discount_percent: u64) -> Result<Purchase> {
        let path = format!("/_control/checkouts/{checkout}/pay");
        let answer = self
            .send(
                Method::POST,
                &path,
                &json!({ "discount": discount_percent }),
            )
            .await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    /// Gives back some of an order's money.
    pub(crate) async fn refund(&self, purchase: &Purchase, amount: u64) -> Result<Purchase> {
        let path = format!("/_control/orders/{}/refund", purchase.id);
        let answer = self
            .send(Method::POST, &path, &json!({ "amount": amount }))
            .await?;
        Ok(serde_json::from_slice(&answer)?)
    }

    async fn send(&self, method: Method, path: &str, body: &Value) -> Result<Vec<u8>> {
        let url = format!("{}{path}", self.base);
        let response = self.http.request(method, url).json(body).send().await?;
        let status = response.status();
        let answer = response.bytes().await?;
        ensure!(
            status.is_success(),
            "{path}: {status} {}",
            String::from_utf8_lossy(&answer)
        );
        Ok(answer.into())
    }
}
