//! Buying credits, and what became of them.

use serde::{Deserialize, Serialize};

/// `GET /api/billing/packs`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Packs {
    /// In the order in which they are to be shown; empty where nothing is sold.
    pub packs: Vec<Pack>,
}

/// So many credits for so much money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Pack {
    /// What a [`CheckoutRequest`] names.
    pub product_id: String,
    /// For people.
    pub name: String,
    /// What a buyer gets.
    pub credits: u64,
    /// In the currency's smallest unit, such as cents; taxes may come on top.
    pub price: u64,
    /// ISO 4217, in lower case, such as `usd`.
    pub currency: String,
}

/// `GET /api/billing/balance`
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Balance {
    /// What can be spent now.
    pub credits: u64,
    /// Of purchases that were refunded after their credits had been spent; the next credits pay this first.
    pub owed: u64,
}

/// `GET /api/billing/transactions`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Transactions {
    /// Newest first.
    pub transactions: Vec<Transaction>,
    /// Pass it as `?cursor=` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub next_cursor: Option<String>,
}

impl Transactions {
    /// Transactions on a page, unless the caller wants another number (`?limit=`).
    pub const PAGE: u32 = 20;
    /// The most that a caller may want.
    pub const LONGEST_PAGE: u32 = 100;
}

/// One entry of the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Transaction {
    /// Unique among the user's.
    pub id: String,
    /// `welcome`, `debit`, `refund`, `order`, `order_refund` or `adjust`.
    #[cfg_attr(feature = "openapi", schema(value_type = crate::words::TransactionKind))]
    pub kind: String,
    /// What happened, for people.
    pub description: String,
    /// The change of the balance: less than what was given where a debt was paid from it.
    pub amount: i64,
    /// The balance after it.
    pub balance_after: u64,
    /// What is owed after it.
    pub owed_after: u64,
    /// When.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// The batch that it belongs to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = Uuid, nullable = false))]
    pub batch_id: Option<String>,
}

/// `POST /api/billing/checkout`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CheckoutRequest {
    /// The product of one of the [`Packs`].
    pub product_id: String,
}

/// The answer (201) to a [`CheckoutRequest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Checkout {
    /// The seller's id of it.
    pub checkout_id: String,
    /// Where to pay.
    #[cfg_attr(feature = "openapi", schema(format = "uri"))]
    pub url: String,
}

/// The answer (201) to `POST /api/billing/portal`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Portal {
    /// Where to see invoices and payment methods, at the seller's.
    #[cfg_attr(feature = "openapi", schema(format = "uri"))]
    pub url: String,
}
