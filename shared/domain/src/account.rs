//! A user's balance and the entries that explain it (R1).
//!
//! An account never changes without an entry, and an entry's amount is exactly the change of the balance. The store
//! writes both in one transaction, on the condition that the account still has as many entries as when it was read.

use std::cmp::Ordering;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{BatchId, Credits, CreditsOverflow, ImageRef, OrderId, Timestamp};

/// Why an account changed: what an entry belongs to, and by that its name.
///
/// The name is what makes the effect happen once (R4): an entry is only ever written where there is none of its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// The first credits of a new user.
    Welcome,
    /// A batch was submitted.
    Debit(BatchId),
    /// An image failed or was canceled.
    Refund(ImageRef),
    /// A pack was bought.
    Order(OrderId),
    /// Money for a pack was given back.
    OrderRefund {
        /// The order of the pack.
        order: OrderId,
        /// All that was given back by then, in the currency's smallest unit: a later refund has another name.
        refunded: u64,
    },
    /// An operator corrected the balance by hand, under an id of their own.
    Adjust(Uuid),
}

impl Reason {
    /// The entry's name, unique within its user's ledger.
    #[must_use]
    pub fn entry_id(&self) -> String {
        match self {
            Self::Welcome => "welcome".to_owned(),
            Self::Debit(batch) => format!("debit#{batch}"),
            Self::Refund(ImageRef { batch_id, index }) => format!("refund#{batch_id}#{index:05}"),
            Self::Order(order) => format!("order#{order}"),
            Self::OrderRefund { order, refunded } => format!("order-refund#{order}#{refunded}"),
            Self::Adjust(id) => format!("adjust#{id}"),
        }
    }

    /// The kind of entry, for lists and sums.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Welcome => "welcome",
            Self::Debit(_) => "debit",
            Self::Refund(_) => "refund",
            Self::Order(_) => "order",
            Self::OrderRefund { .. } => "order_refund",
            Self::Adjust(_) => "adjust",
        }
    }

    /// The batch that it belongs to.
    #[must_use]
    pub const fn batch_id(&self) -> Option<BatchId> {
        match self {
            Self::Debit(batch_id) | Self::Refund(ImageRef { batch_id, .. }) => Some(*batch_id),
            Self::Welcome | Self::Order(_) | Self::OrderRefund { .. } | Self::Adjust(_) => None,
        }
    }

    /// The order that it belongs to.
    #[must_use]
    pub const fn order_id(&self) -> Option<&OrderId> {
        match self {
            Self::Order(order) | Self::OrderRefund { order, .. } => Some(order),
            Self::Welcome | Self::Debit(_) | Self::Refund(_) | Self::Adjust(_) => None,
        }
    }
}

/// Balance and debt of one user.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// What can be spent; never negative, by its type.
    pub balance: Credits,
    /// Taken back but already spent; the next positive entries pay this first.
    pub owed: Credits,
    /// How many entries the ledger has; each new one takes the next number.
    pub entries: u64,
    /// Since when its user wants to be forgotten. It then spends nothing any more; refunds still arrive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<Timestamp>,
}

/// One accepted change: the entry to write and the account after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    /// The account once the entry stands.
    pub after: Account,
    /// The entry's amount: the change of the balance, negative for a debit.
    pub amount: i64,
}

/// The balance does not cover a debit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{needed} credits are needed, {available} are there")]
pub struct Insufficient {
    /// What the debit asks for.
    pub needed: Credits,
    /// The balance.
    pub available: Credits,
}

/// Why an account cannot be adjusted like this.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AdjustRefused {
    /// An entry that changes nothing explains nothing.
    #[error("an adjustment by 0 changes nothing")]
    Nothing,
    /// Nobody's balance is taken below zero.
    #[error(transparent)]
    Insufficient(#[from] Insufficient),
    /// No account holds that much.
    #[error(transparent)]
    Overflow(#[from] CreditsOverflow),
}

impl Account {
    /// Spends `amount`, all or nothing.
    pub fn debit(self, amount: Credits) -> Result<Posting, Insufficient> {
        let balance = self.balance.minus(amount).ok_or(Insufficient {
            needed: amount,
            available: self.balance,
        })?;
        Ok(self.post(balance, self.owed))
    }

    /// Gives `amount`: a grant, a purchase or a refund. What is owed is paid first.
    pub fn credit(self, amount: Credits) -> Result<Posting, CreditsOverflow> {
        let repaid = self.owed.min(amount);
        // Both differences exist because `repaid` is the smaller of the two.
        let owed = self.owed.minus(repaid).unwrap_or_default();
        let balance = self
            .balance
            .plus(amount.minus(repaid).unwrap_or_default())?;
        Ok(self.post(balance, owed))
    }

    /// Takes back what was given for money that was returned. What is spent already is owed: a balance is never negative.
    pub fn take_back(self, amount: Credits) -> Result<Posting, CreditsOverflow> {
        let taken = self.balance.min(amount);
        // Both differences exist because `taken` is the smaller of the two.
        let balance = self.balance.minus(taken).unwrap_or_default();
        let owed = self.owed.plus(amount.minus(taken).unwrap_or_default())?;
        Ok(self.post(balance, owed))
    }

    /// Corrects by hand: a positive amount is given as any credit, a negative one taken as any debit.
    pub fn adjust(self, amount: i64) -> Result<Posting, AdjustRefused> {
        let credits = Credits::new(amount.unsigned_abs())?;
        match amount.cmp(&0) {
            Ordering::Less => Ok(self.debit(credits)?),
            Ordering::Equal => Err(AdjustRefused::Nothing),
            Ordering::Greater => Ok(self.credit(credits)?),
        }
    }

    fn post(self, balance: Credits, owed: Credits) -> Posting {
        Posting {
            after: Self {
                balance,
                owed,
                entries: self.entries + 1,
                ..self
            },
            // Credits are below 2^53, so neither the conversions nor the difference can overflow.
            amount: balance.get().cast_signed() - self.balance.get().cast_signed(),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn account(balance: u32, owed: u32) -> Account {
        Account {
            balance: Credits::small(balance),
            owed: Credits::small(owed),
            entries: 7,
            deleted_at: None,
        }
    }

    #[test]
    fn a_debit_is_all_or_nothing() {
        let posting = account(10, 0).debit(Credits::small(4)).unwrap();
        assert_eq!(posting.amount, -4);
        assert_eq!(
            posting.after,
            Account {
                entries: 8,
                ..account(6, 0)
            }
        );
        assert_eq!(
            account(3, 0).debit(Credits::small(4)),
            Err(Insufficient {
                needed: Credits::small(4),
                available: Credits::small(3)
            })
        );
    }

    #[test]
    fn a_credit_pays_the_debt_first() {
        for (owed, amount, balance_after, owed_after) in
            [(0, 5, 15, 0), (3, 5, 12, 0), (5, 5, 10, 0), (8, 5, 10, 3)]
        {
            let posting = account(10, owed).credit(Credits::small(amount)).unwrap();
            assert_eq!(posting.after.balance, Credits::small(balance_after));
            assert_eq!(posting.after.owed, Credits::small(owed_after));
            assert_eq!(posting.amount, i64::from(balance_after) - 10);
        }
    }

    #[test]
    fn what_is_spent_already_is_owed() {
        for (owed, amount, balance_after, owed_after) in
            [(0, 4, 6, 0), (0, 10, 0, 0), (0, 13, 0, 3), (2, 13, 0, 5)]
        {
            let posting = account(10, owed).take_back(Credits::small(amount)).unwrap();
            assert_eq!(posting.after.balance, Credits::small(balance_after));
            assert_eq!(posting.after.owed, Credits::small(owed_after));
            assert_eq!(posting.amount, i64::from(balance_after) - 10);
        }
        let deep = Account {
            owed: Credits::MAX,
            ..account(1, 0)
        };
        assert_eq!(deep.take_back(Credits::small(2)), Err(CreditsOverflow));
    }

    #[test]
    fn an_adjustment_is_a_credit_or_a_debit() {
        let before = account(10, 3);
        assert_eq!(
            before.adjust(5),
            Ok(before.credit(Credits::small(5)).unwrap())
        );
        assert_eq!(
            before.adjust(-10),
            Ok(before.debit(Credits::small(10)).unwrap())
        );
        let insufficient = before.debit(Credits::small(11)).unwrap_err();
        for (amount, refused) in [
            (0, AdjustRefused::Nothing),
            (-11, AdjustRefused::Insufficient(insufficient)),
            (i64::MAX, AdjustRefused::Overflow(CreditsOverflow)),
            (i64::MIN, AdjustRefused::Overflow(CreditsOverflow)),
        ] {
            assert_eq!(before.adjust(amount), Err(refused), "{amount}");
        }
    }

    proptest! {
        #[test]
        fn the_balance_is_the_sum_of_the_entries(changes in prop::collection::vec((0..3, 0u32..50), 0..200)) {
            let mut account = Account::default();
            let (mut sum, mut worth) = (0i64, 0i64);
            for (change, amount) in changes {
                let signed = i64::from(amount) * if change == 0 { 1 } else { -1 };
                let amount = Credits::small(amount);
                let posting = match change {
                    0 => account.credit(amount).ok(),
                    1 => account.debit(amount).ok(),
                    _ => account.take_back(amount).ok(),
                };
                if let Some(Posting { after, amount }) = posting {
                    prop_assert_eq!(after.entries, account.entries + 1);
                    account = after;
                    sum += amount;
                    worth += signed;
                }
                let (balance, owed) = (account.balance.get().cast_signed(), account.owed.get().cast_signed());
                prop_assert_eq!(balance, sum);
                // No credit is lost or made: what is owed is what the balance would be below nothing.
                prop_assert_eq!(balance - owed, worth);
                prop_assert!(balance == 0 || owed == 0);
            }
        }
    }
}
