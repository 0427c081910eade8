//! R4: bought packs. Each order's record says what was given for it and taken back of it; the ledger has an entry for each of
//! these, of that worth. Records in, violations out; what breaks first of an order is told.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::violation::{Code, Ids, Violation};
use crate::record::Record;

/// `sk` of an order's record, before its id.
pub(super) const ORDER: &str = "ORDER#";

/// The record, read without the domain's types: those cannot hold what must not be.
#[derive(Clone, Copy, Debug, Deserialize)]
pub(super) struct Order {
    granted: i64,
    amount: u64,
    refunded: u64,
    taken_back: i64,
}

/// An entry about an order.
#[derive(Clone, Copy, Debug)]
pub(super) struct OrderEntry<'a> {
    /// The order that its name means.
    pub(super) order: &'a str,
    /// Does it take back? If not, it grants.
    pub(super) takes_back: bool,
    /// What it says that it gave or took.
    pub(super) credits: Option<i64>,
    /// What it gave, or took if negative: the change of the balance, and of the debt.
    pub(super) worth: i64,
    pub(super) record: &'a Record,
}

/// The orders of a user, by id.
pub(super) type Orders<'a> = BTreeMap<&'a str, (Order, &'a Record)>;

/// Judges a user's orders by the entries about them, which are sound as a ledger.
pub(super) fn judge(user: &str, orders: &Orders, entries: &[OrderEntry]) -> Vec<Violation> {
    let of_entries = entries.iter().filter_map(|entry| entry.judge(user, orders));
    let of_orders = orders.iter().filter_map(|(id, &(order, record))| {
        let entries: Vec<_> = entries.iter().filter(|it| it.order == *id).collect();
        let (code, detail) = order.judge(&entries)?;
        let records = [record]
            .into_iter()
            .chain(entries.iter().map(|it| it.record));
        Some(Violation::new(
            code,
            Ids::user(user).order(id),
            detail,
            records,
        ))
    });
    of_entries.chain(of_orders).collect()
}

impl OrderEntry<'_> {
    fn judge(&self, user: &str, orders: &Orders) -> Option<Violation> {
        let signed = self
            .credits
            .map(|it| if self.takes_back { -it } else { it });
        let (code, detail) = if !orders.contains_key(self.order) {
            (Code::EntryOfNoOrder, "the order has no record".to_owned())
        } else if signed != Some(self.worth) {
            let detail = format!("{:?} credits are said, {} moved", self.credits, self.worth);
            (Code::OrderEntryWrong, detail)
        } else {
            return None;
        };
        let ids = Ids::user(user).order(self.order);
        Some(Violation::new(code, ids, detail, [self.record]))
    }
}

impl Order {
    /// What breaks first.
    fn judge(self, entries: &[&OrderEntry]) -> Option<(Code, String)> {
        let Self {
            granted,
            taken_back,
            ..
        } = self;
        let Some(grant) = entries.iter().find(|it| !it.takes_back) else {
            return Some((
                Code::OrderWithoutEntry,
                format!("{granted} granted, by no entry"),
            ));
        };
        let taken = entries.iter().filter(|it| it.takes_back);
        let taken = taken.map(|it| it.worth).sum::<i64>().saturating_neg();
        let (code, detail) = if grant.worth != granted {
            let detail = format!("{granted} granted, {} by its entry", grant.worth);
            (Code::OrderGrantDiffers, detail)
        } else if taken_back > granted {
            let detail = format!("{taken_back} of {granted} taken back");
            (Code::OrderTakenBackTooMuch, detail)
        } else if taken_back != taken {
            let detail = format!("{taken_back} taken back, {taken} by the entries");
            (Code::OrderTakenBackDiffers, detail)
        } else if !self.is_fair() {
            let Self {
                refunded, amount, ..
            } = self;
            let detail = format!("{taken_back} of {granted} taken back for {refunded} of {amount}");
            (Code::OrderPartWrong, detail)
        } else {
            return None;
        };
        Some((code, detail))
    }

    /// Is what was taken back the part of the credits that the refund is of the amount? Of what cost nothing, all or
    /// nothing is.
    fn is_fair(self) -> bool {
        let [granted, amount, refunded, taken_back] = [
            self.granted.into(),
            self.amount.into(),
            self.refunded.into(),
            self.taken_back.into(),
        ] as [i128; 4];
        match granted.saturating_mul(refunded).checked_div(amount) {
            Some(part) => taken_back == part.min(granted),
            None => taken_back == 0 || taken_back == granted,
        }
    }
}
