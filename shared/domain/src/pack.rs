//! What can be bought.

use std::{collections::HashSet, str::FromStr};

use serde::{Deserialize, Serialize};

use crate::Credits;

/// So many credits for so much money. What the money is, the seller (Polar) decides; the price here is shown to people.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Pack {
    /// The seller's id of the product.
    pub product_id: String,
    /// For people.
    pub name: String,
    /// What a buyer gets.
    pub credits: Credits,
    /// In the currency's smallest unit, such as cents.
    pub price: u64,
    /// ISO 4217, in lower case as the seller writes it, such as `usd`.
    pub currency: String,
}

/// All packs on offer, in the order in which they are shown; none, where nothing is sold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packs(Vec<Pack>);

/// A configuration of packs that somebody would buy and not get.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPacks {
    /// Not a JSON array of packs.
    #[error("the packs are not a JSON array of {{productId, name, credits, price, currency}}")]
    Json(#[source] serde_json::Error),
    /// Two packs of one product could not be told apart when it is paid for.
    #[error("product {0} is in more than one pack")]
    Twice(String),
    /// Nobody should pay for nothing.
    #[error("pack {0:?} has no credits")]
    Empty(String),
}

impl Packs {
    /// The pack of a product.
    #[must_use]
    pub fn of_product(&self, product_id: &str) -> Option<&Pack> {
        self.0.iter().find(|pack| pack.product_id == product_id)
    }

    /// All of them.
    #[must_use]
    pub fn all(&self) -> &[Pack] {
        &self.0
    }
}

impl FromStr for Packs {
    type Err = InvalidPacks;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        let packs: Vec<Pack> = serde_json::from_str(json).map_err(InvalidPacks::Json)?;
        let mut products = HashSet::new();
        for pack in &packs {
            if !products.insert(&pack.product_id) {
                return Err(InvalidPacks::Twice(pack.product_id.clone()));
            }
            if pack.credits.is_zero() {
                return Err(InvalidPacks::Empty(pack.name.clone()));
            }
        }
        Ok(Self(packs))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str =
        r#"{"productId":"p1","name":"50 credits","credits":50,"price":500,"currency":"usd"}"#;

    #[test]
    fn a_pack_is_found_by_its_product() {
        let packs: Packs = format!("[{SMALL}]").parse().unwrap();
        assert_eq!(packs.of_product("p1").unwrap().credits, Credits::small(50));
        assert!(packs.of_product("p2").is_none());
        assert!("[]".parse::<Packs>().unwrap().all().is_empty());
    }

    #[test]
    fn packs_that_cannot_be_sold_are_refused() {
        for bad in [
            "{}".to_owned(),
            format!("[{SMALL},{SMALL}]"),
            format!("[{}]", SMALL.replace(":50,", ":0,")),
            format!("[{}]", SMALL.replace("price", "cost")),
        ] {
            assert!(bad.parse::<Packs>().is_err(), "{bad}");
        }
    }
}
