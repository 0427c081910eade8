//! Corrections that an operator makes by hand: a posting like every other, with the reason in words on its entry.

use std::time::Duration;

use domain::{AdjustRefused, Credits, Reason, Timestamp, UserId};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Tables,
    records::{LedgerLine, entry_key, put_new},
    to_item,
};
use crate::{AwsError, backoff::Backoff};

/// How long to go on when the user's own submits are faster.
const BUDGET: Duration = Duration::from_secs(10);

/// What an operator wants of an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Adjustment {
    /// Chosen by the operator and kept for the repeat.
    pub id: Uuid,
    /// What to give; taken, if negative.
    pub amount: i64,
    /// Why, for whoever reads the ledger.
    pub reason: String,
}

/// What came of an adjustment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjusted {
    /// The change of the balance: less than what was given if some of that paid a debt.
    pub change: i64,
    /// The balance after it.
    pub balance_after: Credits,
    /// Was it in the ledger already, so that nothing was done?
    pub repeated: bool,
}

/// Why an account was not adjusted.
#[derive(Debug, thiserror::Error)]
pub enum AdjustError {
    /// Whoever never came has no account.
    #[error("user {0} has no account")]
    NoAccount(UserId),
    /// The account does not allow it.
    #[error(transparent)]
    Refused(#[from] AdjustRefused),
    /// The id is that of another adjustment of this user.
    #[error("adjustment {0} exists, with another amount or reason")]
    IdReused(Uuid),
    /// The tables cannot say.
    #[error("the ledger could not be written")]
    Store(#[from] AwsError),
}

/// The entry of an adjustment.
#[derive(Serialize, Deserialize)]
struct AdjustmentLine {
    #[serde(flatten)]
    line: LedgerLine,
    #[serde(flatten)]
    asked: Asked,
}

/// What the entry holds besides its line: by this a repeat is told from a reuse.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Asked {
    /// The amount as it was asked for; the line's own is the change of the balance.
    asked: i64,
    reason: String,
}

impl Tables {
    /// Adjusts an account, once for each id.
    pub async fn adjust(
        &self,
        user: &UserId,
        adjustment: &Adjustment,
        now: Timestamp,
    ) -> Result<Adjusted, AdjustError> {
        let reason = Reason::Adjust(adjustment.id);
        let asked = Asked {
            asked: adjustment.amount,
            reason: adjustment.reason.clone(),
        };
        let mut backoff = Backoff::within(BUDGET);
        loop {
            let account = self.account(user).await?;
            let account = account.ok_or_else(|| AdjustError::NoAccount(user.clone()))?;
            // Before the account is judged: a repeat may find the balance that its own first try has taken.
            if let Some(first) = self.adjusted(user, adjustment.id, &asked).await? {
                return Ok(first);
            }
            let posting = account.adjust(adjustment.amount)?;
            let mut entry = to_item(&AdjustmentLine {
                line: LedgerLine::new(&posting, &reason, now),
                asked: asked.clone(),
            })?;
            entry.extend(entry_key(user, &reason));
            let items = vec![
                self.move_account(user, account, posting.after)?,
                put_new(&self.credits, entry)?,
            ];
            if self.transact(items).await?.is_ok() {
                return Ok(Adjusted {
                    change: posting.amount,
                    balance_after: posting.after.balance,
                    repeated: false,
                });
            }
            if !backoff.wait().await {
                return Err(AwsError::Contended("adjusting an account").into());
            }
        }
    }

    /// The adjustment of this id, if it has been made.
    async fn adjusted(
        &self,
        user: &UserId,
        id: Uuid,
        asked: &Asked,
    ) -> Result<Option<Adjusted>, AdjustError> {
        let key = entry_key(user, &Reason::Adjust(id));
        let Some(first) = self.get::<AdjustmentLine>(&self.credits, key).await? else {
            return Ok(None);
        };
        if first.asked != *asked {
            return Err(AdjustError::IdReused(id));
        }
        Ok(Some(Adjusted {
            change: first.line.amount,
            balance_after: first.line.balance_after,
            repeated: true,
        }))
    }
}
