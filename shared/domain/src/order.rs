//! Bought packs: what of a purchase belongs into the ledger, and what of it is there (R4).
//!
//! The seller may tell of an order any number of times, late, and the newest first. Each time it tells of the whole order,
//! and of an order only what was given back can grow. So nothing has to be remembered of what was told, only what was done: a
//! purchase that is told is compared with that, and whatever is missing is done step by step.

use serde::{Deserialize, Serialize};

use crate::{Account, Credits, CreditsOverflow, OrderId, Posting, Reason, UserId};

/// A paid order of a pack, as it stood when the seller told of it. Money is in the currency's smallest unit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Purchase {
    /// Which order.
    pub id: OrderId,
    /// Who gets the credits.
    pub user: UserId,
    /// The seller's id of what was bought.
    pub product_id: String,
    /// What was paid, without taxes: all that a refund can give back. Nothing, after a discount of 100 %.
    pub amount: u64,
    /// What was given back of it.
    pub refunded: Refunded,
}

/// What was given back of an order, over all refunds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refunded {
    /// So much of its amount; 0 of an order that was not refunded.
    Part(u64),
    /// Everything. Of an order that cost nothing, nothing else says so.
    Whole,
}

/// What is done about an order: born with the grant of its credits, changed with each taking back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderRecord {
    /// What was bought.
    pub product_id: String,
    /// What was given for it. Stays, whatever the pack gives to those who buy it later.
    pub granted: Credits,
    /// What was paid for it. Stays, so that no two refunds are a part of different things.
    pub amount: u64,
    /// What had been given back of that when credits were last taken back.
    pub refunded: u64,
    /// What of the credits was taken back for it.
    pub taken_back: Credits,
}

/// One entry of the ledger that an order still lacks, and its record together with that entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderStep {
    /// What the entry is for: a grant or a taking back.
    pub reason: Reason,
    /// How much is given or taken.
    pub credits: Credits,
    /// The order's record once the entry stands.
    pub after: OrderRecord,
}

/// Credits for a product that no pack names: nobody knows how many.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no pack is of product {0}")]
pub struct UnknownProduct(pub String);

impl Purchase {
    /// What is to be done next, if anything. `credits` are those of the product's pack, which only the grant asks for:
    /// what was bought when there was such a pack can be taken back when there is none.
    pub fn next(
        &self,
        record: Option<&OrderRecord>,
        credits: Option<Credits>,
    ) -> Result<Option<OrderStep>, UnknownProduct> {
        let Some(record) = record else {
            let credits = credits.ok_or_else(|| UnknownProduct(self.product_id.clone()))?;
            return Ok(Some(self.grant(credits)));
        };
        Ok(self.take_back(record))
    }

    /// Does something of it lack in the ledger?
    #[must_use]
    pub fn is_lacking(&self, record: Option<&OrderRecord>) -> bool {
        record.is_none_or(|record| self.take_back(record).is_some())
    }

    fn grant(&self, credits: Credits) -> OrderStep {
        OrderStep {
            reason: Reason::Order(self.id.clone()),
            credits,
            after: OrderRecord {
                product_id: self.product_id.clone(),
                granted: credits,
                amount: self.amount,
                refunded: 0,
                taken_back: Credits::ZERO,
            },
        }
    }

    /// More was given back than what is accounted for. Credits are whole, so more money may still be no more credits.
    fn take_back(&self, record: &OrderRecord) -> Option<OrderStep> {
        let (refunded, target) = match self.refunded {
            Refunded::Whole => (record.amount, record.granted),
            Refunded::Part(refunded) => (refunded, record.worth(refunded)),
        };
        let credits = target
            .minus(record.taken_back)
            .filter(|lacking| !lacking.is_zero())?;
        Some(OrderStep {
            reason: Reason::OrderRefund {
                order: self.id.clone(),
                refunded,
            },
            credits,
            after: OrderRecord {
                refunded,
                taken_back: target,
                ..record.clone()
            },
        })
    }
}

impl OrderRecord {
    /// The credits that a refund of so much takes back: its part of the amount, rounded down, and never more than what was
    /// given. No part of nothing is anything.
    #[must_use]
    pub fn worth(&self, refunded: u64) -> Credits {
        let granted = self.granted.get();
        let part = (u128::from(granted) * u128::from(refunded)).checked_div(self.amount.into());
        let part = part.map_or(0, |part| u64::try_from(part).unwrap_or(granted));
        Credits::new(part).map_or(self.granted, |part| part.min(self.granted))
    }
}

impl OrderStep {
    /// Does it give the credits that were bought?
    #[must_use]
    pub const fn is_grant(&self) -> bool {
        matches!(self.reason, Reason::Order(_))
    }

    /// What it makes of its user's account.
    pub fn post(&self, account: Account) -> Result<Posting, CreditsOverflow> {
        if self.is_grant() {
            account.credit(self.credits)
        } else {
            account.take_back(self.credits)
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn purchase(amount: u64, refunded: Refunded) -> Purchase {
        Purchase {
            id: "9b2f6bd0-0000-4000-8000-000000000001".parse().unwrap(),
            user: "anna".parse().unwrap(),
            product_id: "p1".to_owned(),
            amount,
            refunded,
        }
    }

    /// Takes steps until none is left; the names of their entries with what they move.
    fn apply(purchase: &Purchase, record: &mut Option<OrderRecord>) -> Vec<(String, u64)> {
        let mut entries = Vec::new();
        while let Some(step) = purchase
            .next(record.as_ref(), Some(Credits::small(50)))
            .unwrap()
        {
            assert!(purchase.is_lacking(record.as_ref()));
            entries.push((step.reason.entry_id(), step.credits.get()));
            *record = Some(step.after);
        }
        assert!(!purchase.is_lacking(record.as_ref()));
        entries
    }

    #[test]
    fn what_is_told_is_done_once() {
        use Refunded::{Part, Whole};
        let id = "9b2f6bd0-0000-4000-8000-000000000001";
        let grant = || (format!("order#{id}"), 50);
        let refund = |refunded: u64, credits| (format!("order-refund#{id}#{refunded}"), credits);
        for (amount, told, expected) in [
            (500, vec![Part(0)], vec![grant()]),
            (500, vec![Part(0), Part(0)], vec![grant()]),
            (500, vec![Part(0), Whole], vec![grant(), refund(500, 50)]),
            // The refund is heard of before the order, which then says nothing new.
            (500, vec![Whole, Part(0)], vec![grant(), refund(500, 50)]),
            // In parts, of which the larger comes first.
            (
                500,
                vec![Part(250), Part(100)],
                vec![grant(), refund(250, 25)],
            ),
            (
                500,
                vec![Part(100), Part(250), Whole],
                vec![grant(), refund(100, 10), refund(250, 15), refund(500, 25)],
            ),
            // Rounded down, but the whole is whole.
            (500, vec![Part(9)], vec![grant()]),
            (500, vec![Part(9), Part(19)], vec![grant(), refund(19, 1)]),
            (
                3,
                vec![Part(1), Part(2), Part(3)],
                vec![grant(), refund(1, 16), refund(2, 17), refund(3, 17)],
            ),
            // More than everything is everything.
            (500, vec![Part(595), Whole], vec![grant(), refund(595, 50)]),
            (
                u64::MAX,
                vec![Part(u64::MAX)],
                vec![grant(), refund(u64::MAX, 50)],
            ),
            // What cost nothing is given back whole or not at all.
            (0, vec![Part(0), Part(7)], vec![grant()]),
            (0, vec![Part(0), Whole, Whole], vec![grant(), refund(0, 50)]),
        ] {
            let mut record = None;
            let entries: Vec<_> = told
                .iter()
                .flat_map(|refunded| apply(&purchase(amount, *refunded), &mut record))
                .collect();
            assert_eq!(entries, expected, "{amount}: {told:?}");
        }
    }

    #[test]
    fn only_the_grant_asks_for_the_pack() {
        let whole = purchase(500, Refunded::Whole);
        let unknown = UnknownProduct("p1".to_owned());
        assert_eq!(whole.next(None, None), Err(unknown));
        let mut record = None;
        apply(&purchase(500, Refunded::Part(0)), &mut record);
        let step = whole.next(record.as_ref(), None).unwrap().unwrap();
        assert_eq!(step.credits, Credits::small(50));
    }

    #[test]
    fn what_was_granted_and_paid_stays() {
        let mut record = None;
        apply(&purchase(500, Refunded::Part(100)), &mut record);
        // Told again without its net amount, by a pack that has grown meanwhile.
        let with_taxes = purchase(595, Refunded::Part(250));
        let step = with_taxes.next(record.as_ref(), Some(Credits::small(90)));
        let step = step.unwrap().unwrap();
        assert_eq!(
            (step.credits, step.after.taken_back),
            (Credits::small(15), Credits::small(25))
        );
    }

    fn refunded() -> impl Strategy<Value = Refunded> {
        prop_oneof![
            4 => (0u64..700).prop_map(Refunded::Part),
            1 => Just(Refunded::Whole),
        ]
    }

    proptest! {
        #[test]
        fn any_order_of_deliveries_ends_in_the_same(
            amount in 0u64..600,
            told in prop::collection::vec(refunded(), 1..12)
                .prop_flat_map(|told| (Just(told.clone()), Just(told).prop_shuffle())),
            spent in 0u32..80,
        ) {
            let end = |told: &[Refunded]| {
                let start = Account { balance: Credits::small(30), ..Account::default() };
                let (mut account, mut record, mut names) = (start, None, Vec::new());
                for refunded in told {
                    let purchase = purchase(amount, *refunded);
                    while let Some(step) = purchase.next(record.as_ref(), Some(Credits::small(50))).unwrap() {
                        account = step.post(account).unwrap().after;
                        names.push(step.reason.entry_id());
                        record = Some(step.after);
                        // Spent as soon as it is there.
                        account = account.debit(Credits::small(spent)).map_or(account, |posting| posting.after);
                        let record = record.as_ref().unwrap();
                        prop_assert!(record.taken_back <= record.granted);
                        prop_assert!(amount == 0 || record.taken_back == record.worth(record.refunded));
                    }
                }
                let count = names.len();
                names.sort_unstable();
                names.dedup();
                prop_assert_eq!(names.len(), count, "an entry twice");
                let record: OrderRecord = record.unwrap();
                Ok((record.granted, record.taken_back))
            };
            prop_assert_eq!(end(&told.0)?, end(&told.1)?);
        }
    }
}
