//! R1: an account and the entries that explain it. Records in, violations out.
//!
//! The entries are followed from nothing to the account: each takes the next number, and its balance and debt follow from
//! those of the one before. What breaks first is told; what follows from that is not told again.

use std::collections::{BTreeMap, BTreeSet};

use domain::BatchId;
use serde::Deserialize;
use serde_json::Value;

use super::{
    order::{self, ORDER, OrderEntry, Orders},
    violation::{Code, Ids, Violation},
};
use crate::record::Record;

/// `pk` of a user's records, before the id.
pub const USER: &str = "USER#";
/// `pk` of an address that has had its welcome, before the fingerprint.
pub const EMAIL: &str = "EMAIL#";
/// `sk` of the account.
pub const ACCOUNT: &str = "ACCOUNT";
/// `sk` of an entry, before its name.
pub const ENTRY: &str = "TXN#";

/// What the name of an entry begins with that takes back what an order gave.
const ORDER_REFUND: &str = "order-refund";
/// `sk` of the entry that welcomed a user.
const WELCOME: &str = "TXN#welcome";

/// The account, read without the domain's types: those cannot hold what must not be.
#[derive(Clone, Copy, Debug, Deserialize)]
struct Account {
    balance: i64,
    owed: i64,
    entries: u64,
}

/// What an entry says, read in the same way.
#[derive(Clone, Debug, Deserialize)]
struct Line {
    seq: u64,
    amount: i64,
    kind: String,
    balance_after: i64,
    owed_after: i64,
    #[serde(default)]
    batch_id: Option<BatchId>,
    #[serde(default)]
    order_id: Option<String>,
    #[serde(default)]
    credits: Option<i64>,
}

/// An entry.
struct Entry<'a> {
    line: Line,
    name: &'a str,
    record: &'a Record,
}

/// What an entry is about, if it is about a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// The batch as a whole.
    Debit,
    /// One of its images.
    Refund(u32),
}

/// An entry, as far as it concerns its batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchEntry {
    /// In whose ledger it is.
    pub user: String,
    /// What it is about.
    pub about: About,
    /// What it gave, or took if negative: the change of the balance, and what of it paid a debt.
    pub worth: i64,
    /// The record.
    pub record: Record,
}

/// What the records of one user are found to be.
#[derive(Debug, Default)]
pub struct Ledger {
    /// What is wrong with them.
    pub violations: Vec<Violation>,
    /// The entries that batches have to account for.
    pub of_batches: Vec<(BatchId, BatchEntry)>,
    /// Has the user been welcomed?
    pub welcomed: bool,
}

impl Ledger {
    /// Judges all records of a user, in any order. Those of other kinds are nobody's business here.
    #[must_use]
    pub fn judge(user: &str, records: &[Record]) -> Self {
        let mut violations = Vec::new();
        let mut account = None;
        let mut entries = Vec::new();
        let mut orders = Orders::new();
        for record in records {
            let read = if record.sk == ACCOUNT {
                record
                    .read()
                    .map(|it: Account| account = Some((it, record)))
            } else if let Some(name) = record.sk.strip_prefix(ENTRY) {
                record
                    .read()
                    .map(|line| entries.push(Entry { line, name, record }))
            } else if let Some(id) = record.sk.strip_prefix(ORDER) {
                record
                    .read()
                    .map(|order| _ = orders.insert(id, (order, record)))
            } else {
                Ok(())
            };
            if let Err(error) = read {
                let detail = format!("{} cannot be read: {error}", record.sk);
                let ids = Ids::user(user);
                violations.push(Violation::new(
                    Code::LedgerUnreadable,
                    ids,
                    detail,
                    [record],
                ));
            }
        }
        entries.sort_by(|a, b| (a.line.seq, a.name).cmp(&(b.line.seq, b.name)));
        // Entries that cannot be read would look like entries that are missing.
        if violations.is_empty() {
            violations.extend(entries.iter().filter_map(|entry| entry.misnamed(user)));
            violations.extend(follow(user, account, &entries));
        }
        // What does not follow has no worth that an order could be judged by.
        if violations.is_empty() {
            violations.extend(order::judge(user, &orders, &of_orders(&entries)));
        }
        Self {
            violations,
            of_batches: of_batches(user, &entries),
            welcomed: records.iter().any(|record| record.sk == WELCOME),
        }
    }
}

impl Entry<'_> {
    /// The batch that the name means, and what of it.
    fn about(&self) -> Option<(BatchId, About)> {
        let (kind, rest) = self.name.split_once('#')?;
        match kind {
            "debit" => Some((rest.parse().ok()?, About::Debit)),
            "refund" => {
                let (batch, index) = rest.split_once('#')?;
                Some((batch.parse().ok()?, About::Refund(index.parse().ok()?)))
            }
            _ => None,
        }
    }

    /// The order that the name means.
    fn order(&self) -> Option<&str> {
        let (kind, rest) = self.name.split_once('#')?;
        match kind {
            "order" => Some(rest),
            ORDER_REFUND => Some(rest.split_once('#')?.0),
            _ => None,
        }
    }

    fn takes_back(&self) -> bool {
        self.name.split('#').next() == Some(ORDER_REFUND)
    }

    fn misnamed(&self, user: &str) -> Option<Violation> {
        let kind = self.name.split('#').next().map(|it| it.replace('-', "_"));
        let batch = self.about().map(|(batch, _)| batch);
        let fits = kind.as_ref() == Some(&self.line.kind)
            && batch == self.line.batch_id
            && self.order() == self.line.order_id.as_deref();
        let detail = || format!("the name {} is not that of what is in it", self.name);
        (!fits).then(|| {
            Violation::new(
                Code::EntryMisnamed,
                Ids::user(user),
                detail(),
                [self.record],
            )
        })
    }

    /// Does this entry follow from a balance and a debt? The amount is the change of the balance; a debt is paid before
    /// anything is added, and is only ever taken on when the balance is used up, for what was bought and given back.
    fn follows(&self, balance: i64, owed: i64) -> bool {
        let Line {
            amount,
            balance_after,
            owed_after,
            ..
        } = self.line;
        let adds_up = match balance.checked_add(amount) {
            Some(sum) => sum == balance_after,
            None => false,
        };
        adds_up
            && balance_after >= 0
            && owed_after >= 0
            && (amount <= 0 || owed_after == 0)
            && (amount >= 0 || owed_after >= owed)
            && (owed_after <= owed || (balance_after == 0 && self.takes_back()))
    }

    const fn credits(&self) -> (i64, i64) {
        (self.line.balance_after, self.line.owed_after)
    }
}

/// Follows the entries from nothing to the account; tells where that breaks.
fn follow(user: &str, account: Option<(Account, &Record)>, entries: &[Entry]) -> Vec<Violation> {
    let violation = |code, detail: String, records: Vec<&Record>| {
        vec![Violation::new(code, Ids::user(user), detail, records)]
    };
    let Some((account, record)) = account else {
        let records: Vec<_> = entries.iter().map(|entry| entry.record).collect();
        let detail = format!("{} entries, but no account", entries.len());
        return if records.is_empty() {
            Vec::new()
        } else {
            violation(Code::AccountMissing, detail, records)
        };
    };
    let impossible = impossible(user, account, record);
    if !impossible.is_empty() {
        return impossible;
    }
    if let Some((number, entry)) = (1..)
        .zip(entries)
        .find(|(number, it)| it.line.seq != *number)
    {
        let detail = format!(
            "entry {number} is missing; the next one is {}",
            entry.line.seq
        );
        return violation(Code::SequenceBroken, detail, vec![entry.record]);
    }
    if account.entries != entries.len() as u64 {
        let detail = format!(
            "{} entries counted, {} there",
            account.entries,
            entries.len()
        );
        return violation(Code::EntryCountWrong, detail, vec![record]);
    }
    let (mut balance, mut owed) = (0, 0);
    let mut last = None;
    for entry in entries {
        if !entry.follows(balance, owed) {
            let detail = format!(
                "{} does not follow from a balance of {balance} and {owed} owed",
                entry.name
            );
            let records = last.into_iter().chain([entry.record]).collect();
            return violation(Code::EntryDoesNotFollow, detail, records);
        }
        (balance, owed) = entry.credits();
        last = Some(entry.record);
    }
    let records = || [record].into_iter().chain(last).collect();
    // Each entry followed from the one before, so the balance after the last is the sum of all amounts.
    if account.balance != balance {
        let detail = format!("the balance is {}, the sum {balance}", account.balance);
        return violation(Code::BalanceIsNotTheSum, detail, records());
    }
    if account.owed != owed {
        let detail = format!("{} owed, by the last entry {owed}", account.owed);
        return violation(Code::OwedIsNotTheLast, detail, records());
    }
    Vec::new()
}

/// What no account may be, whatever its entries say.
fn impossible(user: &str, account: Account, record: &Record) -> Vec<Violation> {
    let Account { balance, owed, .. } = account;
    let found = [
        (balance < 0, Code::BalanceNegative),
        (owed < 0, Code::OwedNegative),
        (balance > 0 && owed > 0, Code::BalanceBesideDebt),
    ];
    let detail = || format!("a balance of {balance}, and {owed} owed");
    found
        .into_iter()
        .filter(|(is_so, _)| *is_so)
        .map(|(_, code)| Violation::new(code, Ids::user(user), detail(), [record]))
        .collect()
}

/// The entries, each with what it was worth: the change of the balance, and what of it paid a debt or made one.
fn with_worth<'a, 'r>(entries: &'a [Entry<'r>]) -> impl Iterator<Item = (&'a Entry<'r>, i64)> {
    let mut owed = 0;
    entries.iter().map(move |entry| {
        let paid: i64 = owed - entry.line.owed_after;
        owed = entry.line.owed_after;
        (entry, entry.line.amount.saturating_add(paid))
    })
}

/// The entries about batches.
fn of_batches(user: &str, entries: &[Entry]) -> Vec<(BatchId, BatchEntry)> {
    with_worth(entries)
        .filter_map(|(entry, worth)| {
            let (batch, about) = entry.about()?;
            let entry = BatchEntry {
                user: user.to_owned(),
                about,
                worth,
                record: entry.record.clone(),
            };
            Some((batch, entry))
        })
        .collect()
}

/// The entries about orders.
fn of_orders<'a>(entries: &'a [Entry]) -> Vec<OrderEntry<'a>> {
    with_worth(entries)
        .filter_map(|(entry, worth)| {
            Some(OrderEntry {
                order: entry.order()?,
                takes_back: entry.takes_back(),
                credits: entry.line.credits,
                worth,
                record: entry.record,
            })
        })
        .collect()
}

/// The addresses that have had their welcome: fingerprint -> user.
pub type Fingerprints = BTreeMap<String, String>;

/// Takes a record of an address into the list.
pub fn note_fingerprint(fingerprints: &mut Fingerprints, record: &Record) {
    let user = record.fields.get("user").and_then(Value::as_str);
    let fingerprint = record.pk.strip_prefix(EMAIL);
    if let (Some(fingerprint), Some(user)) = (fingerprint, user) {
        fingerprints.insert(fingerprint.to_owned(), user.to_owned());
    }
}

/// Was each user welcomed for exactly one address? That an address welcomes one user only, its key sees to.
#[must_use]
pub fn judge_welcomes(welcomed: &BTreeSet<String>, fingerprints: &Fingerprints) -> Vec<Violation> {
    let mut addresses: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for user in welcomed {
        addresses.entry(user).or_default();
    }
    for (fingerprint, user) in fingerprints {
        addresses.entry(user).or_default().push(fingerprint);
    }
    let judge = |(user, addresses): (&str, Vec<&str>)| {
        let (code, detail) = match (welcomed.contains(user), addresses.len()) {
            (true, 1) => return None,
            (true, 0) => (
                Code::WelcomeWithoutFingerprint,
                "no address is marked as welcomed".to_owned(),
            ),
            (true, _) => (
                Code::FingerprintTwice,
                format!("the welcome is that of {}", addresses.join(" and ")),
            ),
            (false, _) => (
                Code::FingerprintWithoutWelcome,
                format!("{} had no welcome", addresses.join(" and ")),
            ),
        };
        Some(Violation::new(code, Ids::user(user), detail, []))
    };
    addresses.into_iter().filter_map(judge).collect()
}
