//! What may be asked: the bodies and queries of Polar's API, as far as selling packs needs them.
//!
//! Polar overlooks fields that it does not know. Here they are refused: what it would overlook is a mistake of ours.

use std::{collections::HashSet, str::FromStr};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use uuid::{Uuid, Version};

use super::refusal::Refusal;

const MAX_METADATA: usize = 50;
const MAX_METADATA_KEY: usize = 40;
const MAX_METADATA_VALUE: usize = 500;
/// Orders on a page, unless fewer are wanted.
const MAX_PAGE: usize = 100;

/// Reads a JSON body, strictly.
pub(super) fn body<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(bytes).map_err(|error| Refusal::invalid(&["body"], error.to_string()))
}

/// Reads an id; Polar's are UUIDs of version 4.
pub(super) fn uuid(text: &str) -> Option<Uuid> {
    let id = Uuid::from_str(text).ok()?;
    (id.get_version() == Some(Version::Random)).then_some(id)
}

/// `POST /v1/checkouts/`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "Polar's API has them")]
pub(super) struct CheckoutCreate {
    products: Vec<String>,
    #[serde(alias = "customer_external_id")]
    pub(super) external_customer_id: Option<String>,
    pub(super) customer_email: Option<String>,
    pub(super) customer_name: Option<String>,
    #[serde(default)]
    pub(super) metadata: Map<String, Value>,
    pub(super) success_url: Option<String>,
    pub(super) return_url: Option<String>,
    #[serde(default = "yes")]
    pub(super) allow_discount_codes: bool,
    #[serde(default = "yes")]
    pub(super) allow_trial: bool,
    #[serde(default)]
    pub(super) require_billing_address: bool,
    #[serde(default)]
    pub(super) is_business_customer: bool,
}

const fn yes() -> bool {
    true
}

impl CheckoutCreate {
    /// Everything that can be judged without knowing what is sold; returns the products.
    pub(super) fn check(&self) -> Result<Vec<Uuid>, Refusal> {
        if let Some(email) = &self.customer_email
            && !is_email(email)
        {
            return Err(Refusal::in_body(
                "customer_email",
                "value is not a valid email address",
            ));
        }
        for (field, url) in [
            ("success_url", &self.success_url),
            ("return_url", &self.return_url),
        ] {
            if let Some(url) = url
                && !is_url(url)
            {
                return Err(Refusal::in_body(field, "Input should be a valid URL"));
            }
        }
        check_metadata(&self.metadata)?;
        self.products()
    }

    fn products(&self) -> Result<Vec<Uuid>, Refusal> {
        let products: Option<Vec<_>> = self.products.iter().map(|id| uuid(id)).collect();
        let refused = |message| Refusal::in_body("products", message);
        let products = products.ok_or_else(|| refused("UUID version 4 expected"))?;
        if products.is_empty() {
            return Err(refused("List should have at least 1 item after validation"));
        }
        if products.iter().collect::<HashSet<_>>().len() < products.len() {
            return Err(refused("Product IDs must be unique."));
        }
        Ok(products)
    }
}

fn check_metadata(metadata: &Map<String, Value>) -> Result<(), Refusal> {
    let refused = |message: String| Err(Refusal::in_body("metadata", message));
    if metadata.len() > MAX_METADATA {
        return refused(format!(
            "Dictionary should have at most {MAX_METADATA} items"
        ));
    }
    for (key, value) in metadata {
        if !(1..=MAX_METADATA_KEY).contains(&key.chars().count()) {
            return refused(format!(
                "{key:?} should have 1 to {MAX_METADATA_KEY} characters"
            ));
        }
        let fits = match value {
            Value::String(text) => {
                (1..=MAX_METADATA_VALUE).contains(&text.chars().count()) && !text.contains('\0')
            }
            Value::Number(_) | Value::Bool(_) => true,
            Value::Null | Value::Array(_) | Value::Object(_) => false,
        };
        if !fits {
            return refused(format!(
                "{key} should be a number, a boolean, or a text of 1 to {MAX_METADATA_VALUE} characters"
            ));
        }
    }
    Ok(())
}

/// As far as it can be told without asking its domain, which Polar does.
pub(super) fn is_email(text: &str) -> bool {
    text.split_once('@').is_some_and(|(name, domain)| {
        let is_domain = domain.contains('.') && !domain.starts_with('.') && !domain.ends_with('.');
        !name.is_empty()
            && is_domain
            && !text.contains(char::is_whitespace)
            && !domain.contains('@')
    })
}

fn is_url(text: &str) -> bool {
    reqwest::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https"))
}

/// `POST /v1/customer-sessions/`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CustomerSessionCreate {
    #[serde(alias = "customer_external_id")]
    pub(super) external_customer_id: Option<String>,
    pub(super) customer_id: Option<String>,
    pub(super) return_url: Option<String>,
}

impl CustomerSessionCreate {
    /// Judges it.
    pub(super) fn check(&self) -> Result<(), Refusal> {
        match &self.return_url {
            Some(url) if !is_url(url) => Err(Refusal::in_body(
                "return_url",
                "Input should be a valid URL",
            )),
            _ => Ok(()),
        }
    }
}

/// `POST /v1/refunds/`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundCreate {
    order_id: String,
    pub(super) reason: RefundReason,
    pub(super) amount: u64,
    #[serde(default)]
    pub(super) metadata: Map<String, Value>,
    #[serde(default, rename = "comment")]
    _comment: Option<String>,
    #[serde(default)]
    pub(super) revoke_benefits: bool,
}

impl RefundCreate {
    /// Judges it; returns the order.
    pub(super) fn check(&self) -> Result<Uuid, Refusal> {
        check_metadata(&self.metadata)?;
        if self.amount == 0 {
            return Err(Refusal::in_body("amount", "Input should be greater than 0"));
        }
        uuid(&self.order_id).ok_or_else(|| Refusal::in_body("order_id", "UUID version 4 expected"))
    }
}

/// Why money is given back; a seller may not claim `dispute_prevention`.
#[derive(Clone, Copy, Debug, Deserialize, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum RefundReason {
    Duplicate,
    Fraudulent,
    CustomerRequest,
    ServiceDisruption,
    SatisfactionGuarantee,
    Other,
}

/// `GET /v1/orders/`: which of them, and which page.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct OrdersQuery {
    pub(super) statuses: Vec<String>,
    pub(super) products: Vec<Uuid>,
    pub(super) customers: Vec<Uuid>,
    pub(super) external_customers: Vec<String>,
    pub(super) checkouts: Vec<Uuid>,
    pub(super) after: Option<OffsetDateTime>,
    pub(super) before: Option<OffsetDateTime>,
    pub(super) oldest_first: bool,
    page: Option<usize>,
    limit: Option<usize>,
}

impl OrdersQuery {
    /// Reads it; most filters may be there several times.
    pub(super) fn read(query: Vec<(String, String)>) -> Result<Self, Refusal> {
        let mut read = Self::default();
        for (name, value) in query {
            let refused = |message: &str| Refusal::in_query(&name, message);
            let id = || uuid(&value).ok_or_else(|| refused("UUID version 4 expected"));
            let time = || {
                let time = OffsetDateTime::parse(&value, &Rfc3339);
                time.map_err(|_| refused("Input should be a valid datetime"))
            };
            let number = || {
                let number = value.parse().ok().filter(|number| *number > 0);
                number.ok_or_else(|| refused("Input should be greater than 0"))
            };
            match name.as_str() {
                "status" if is_status(&value) => read.statuses.push(value),
                "status" => return Err(refused("Input should be an order status")),
                "product_id" => read.products.push(id()?),
                "customer_id" => read.customers.push(id()?),
                "checkout_id" => read.checkouts.push(id()?),
                "external_customer_id" => read.external_customers.push(value),
                "created_after" => read.after = Some(time()?),
                "created_before" => read.before = Some(time()?),
                "page" => read.page = Some(number()?),
                "limit" => read.limit = Some(number()?),
                "sorting" if value == "created_at" => read.oldest_first = true,
                "sorting" if value == "-created_at" => read.oldest_first = false,
                "sorting" => return Err(refused("Input should be 'created_at' or '-created_at'")),
                _ => return Err(refused("the stand-in knows no such parameter")),
            }
        }
        Ok(read)
    }

    /// Orders on a page.
    pub(super) fn limit(&self) -> usize {
        self.limit.unwrap_or(10).min(MAX_PAGE)
    }

    /// Orders before this page.
    pub(super) fn skip(&self) -> usize {
        let pages = self.page.unwrap_or(1).saturating_sub(1);
        pages.saturating_mul(self.limit())
    }

    /// The one customer that it is about, if it is.
    pub(super) fn customer(&self) -> Option<&str> {
        match self.external_customers.as_slice() {
            [customer] => Some(customer),
            _ => None,
        }
    }
}

fn is_status(text: &str) -> bool {
    let statuses = [
        "draft",
        "pending",
        "paid",
        "refunded",
        "partially_refunded",
        "void",
    ];
    statuses.contains(&text)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const PRODUCT: &str = "00000000-0000-4000-8000-000000000050";

    fn checkout(change: Value) -> Result<Vec<Uuid>, Refusal> {
        let mut request = json!({ "products": [PRODUCT] });
        if let (Some(request), Value::Object(change)) = (request.as_object_mut(), change) {
            request.extend(change);
        }
        body::<CheckoutCreate>(request.to_string().as_bytes())?.check()
    }

    #[test]
    fn a_checkout_may_be_asked_for() {
        let metadata: Map<_, _> = (0..50).map(|n| (n.to_string(), json!("x"))).collect();
        for good in [
            json!({}),
            json!({ "external_customer_id": "u", "customer_email": "anna@example.com" }),
            json!({ "success_url": "http://127.0.0.1:8080/buy?checkout_id={CHECKOUT_ID}" }),
            json!({ "metadata": metadata }),
            json!({ "metadata": { "a": 1, "b": true, "c": 1.5, "d": "x".repeat(500) } }),
        ] {
            assert!(checkout(good.clone()).is_ok(), "{good}");
        }
    }

    #[test]
    fn what_polar_would_refuse_is_refused() {
        let metadata: Map<_, _> = (0..51).map(|n| (n.to_string(), json!("x"))).collect();
        for bad in [
            json!({ "products": [] }),
            json!({ "products": [PRODUCT, PRODUCT] }),
            json!({ "products": ["50-credits"] }),
            json!({ "products": ["00000000-0000-1000-8000-000000000050"] }),
            json!({ "product_id": PRODUCT }),
            json!({ "customer_email": "anna" }),
            json!({ "customer_email": "anna@localhost" }),
            json!({ "success_url": "/buy" }),
            json!({ "success_url": "javascript:alert(1)" }),
            json!({ "metadata": metadata }),
            json!({ "metadata": { "a": "x".repeat(501) } }),
            json!({ "metadata": { "a": "" } }),
            json!({ "metadata": { "a": null } }),
            json!({ "metadata": { "a": {} } }),
            json!({ "metadata": { "a".repeat(41): 1 } }),
        ] {
            assert!(checkout(bad.clone()).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_query_names_each_filter_as_often_as_it_likes() {
        let read = |query: &[(&str, &str)]| {
            let owned = query
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
            OrdersQuery::read(owned.collect())
        };
        let query = read(&[
            ("status", "paid"),
            ("status", "refunded"),
            ("page", "3"),
            ("limit", "500"),
        ]);
        let query = query.unwrap();
        assert_eq!(query.statuses, ["paid", "refunded"]);
        assert_eq!((query.skip(), query.limit()), (200, 100));
        for bad in [
            ("status", "payed"),
            ("page", "0"),
            ("limit", "many"),
            ("created_after", "yesterday"),
            ("created_after", "2026-11-24T00:00:00 00:00"),
            ("product_id", "50"),
            ("sorting", "amount"),
            ("per_page", "10"),
        ] {
            assert!(read(&[bad]).is_err(), "{bad:?}");
        }
    }
}
