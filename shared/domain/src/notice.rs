//! What users are told, once each, and for how long that is tried.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::{BatchId, Credits, OrderId, UserId};

/// Something to tell a user, as a message. It names records and holds neither addresses nor prompts: whoever delivers it
/// reads those, as they are then.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Who is told.
    pub user: UserId,
    /// What about.
    pub matter: Matter,
}

/// What a notice is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "kind",
    rename_all = "snake_case",
    rename_all_fields = "camelCase"
)]
pub enum Matter {
    /// A batch is over; by mail.
    BatchMail {
        /// Which.
        batch_id: BatchId,
    },
    /// A batch is over; told to the user's own program.
    BatchWebhook {
        /// Which.
        batch_id: BatchId,
    },
    /// A pack was bought; by mail.
    Receipt {
        /// The seller's id of the order.
        order_id: OrderId,
        /// What was bought.
        credits: Credits,
        /// What of it paid a debt.
        repaid: Credits,
        /// The balance with it.
        balance_after: Credits,
    },
    /// Not much is left; by mail.
    LowBalance {
        /// The number of the ledger entry that made it so.
        entry: u64,
        /// What is left.
        balance: Credits,
    },
}

impl Notice {
    /// What is not delivered within this time is given up: it is no news any more.
    pub const GIVE_UP: Duration = Duration::from_hours(24);
    /// The longest wait between two tries.
    pub const LONGEST_WAIT: Duration = Duration::from_hours(1);
    const FIRST_WAIT: Duration = Duration::from_secs(5);
    /// Twice as many as fit into that time: a message may be received without getting as far as its function.
    pub const MOST_TRIES: u64 = 60;

    /// Its name, the same whenever it is told: what makes a second telling none (R4).
    #[must_use]
    pub fn id(&self) -> String {
        let Self { user, matter } = self;
        match matter {
            Matter::BatchMail { batch_id } => format!("batch-done/{batch_id}"),
            Matter::BatchWebhook { batch_id } => format!("batch_{batch_id}"),
            Matter::Receipt { order_id, .. } => format!("receipt/{order_id}"),
            Matter::LowBalance { entry, .. } => format!("low-balance/{user}/{entry}"),
        }
    }

    /// By mail, or to a program?
    #[must_use]
    pub const fn is_mail(&self) -> bool {
        !matches!(self.matter, Matter::BatchWebhook { .. })
    }

    /// How long to wait after the so-many-th try; `None` when this was the last.
    #[must_use]
    pub fn next_try(tries: u32, age: Duration) -> Option<Duration> {
        let wait = Self::FIRST_WAIT
            .saturating_mul(4_u32.saturating_pow(tries.saturating_sub(1)))
            .min(Self::LONGEST_WAIT);
        (age.saturating_add(wait) <= Self::GIVE_UP).then_some(wait)
    }
}

/// Does an entry of this amount, after which this is left, make the balance low?
#[must_use]
pub fn makes_low(threshold: Credits, amount: i64, balance_after: Credits) -> bool {
    let before = balance_after.get().checked_add_signed(-amount);
    balance_after < threshold && before.is_some_and(|before| before >= threshold.get())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_and_end_after_a_day() {
        let (mut age, mut waits) = (Duration::ZERO, Vec::new());
        for tries in 1.. {
            let Some(wait) = Notice::next_try(tries, age) else {
                break;
            };
            waits.push(wait.as_secs());
            age += wait;
        }
        assert_eq!(waits[..6], [5, 20, 80, 320, 1280, 3600]);
        assert!(waits[5..].iter().all(|&wait| wait == 3600));
        let hour = Duration::from_hours(1);
        assert!(age <= Notice::GIVE_UP && age + hour > Notice::GIVE_UP);
        assert!((waits.len() as u64) < Notice::MOST_TRIES);
        assert_eq!(Notice::next_try(u32::MAX, Duration::ZERO), Some(hour));
        assert_eq!(Notice::next_try(1, Duration::MAX), None);
    }

    #[test]
    fn a_balance_becomes_low_once() {
        let low = |amount, after| makes_low(Credits::small(5), amount, Credits::small(after));
        assert!(low(-1, 4) && low(-10, 0) && low(-6, 4));
        assert!(!low(-1, 5), "at the threshold is not below it");
        assert!(!low(-1, 3), "it was low before");
        assert!(!low(3, 4) && !low(0, 4), "it has not fallen");
    }

    #[test]
    fn each_notice_has_one_name() {
        let batch_id = "9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f".parse().unwrap();
        let credits = Credits::small(1);
        let order_id = "9b2f6bd0-0000-4000-8000-00000000000a".parse().unwrap();
        let matters = [
            Matter::BatchMail { batch_id },
            Matter::BatchWebhook { batch_id },
            Matter::Receipt {
                order_id,
                credits,
                repaid: credits,
                balance_after: credits,
            },
            Matter::LowBalance {
                entry: 7,
                balance: credits,
            },
        ];
        let ids = matters.map(|matter| {
            let user = "anna".parse().unwrap();
            let notice = Notice { user, matter };
            let json = serde_json::to_string(&notice).unwrap();
            assert_eq!(serde_json::from_str::<Notice>(&json).unwrap(), notice);
            notice.id()
        });
        assert_eq!(
            ids,
            [
                "batch-done/9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f",
                // Standard Webhooks: no dot, which separates what is signed.
                "batch_9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f",
                "receipt/9b2f6bd0-0000-4000-8000-00000000000a",
                "low-balance/anna/7",
            ]
        );
    }
}
