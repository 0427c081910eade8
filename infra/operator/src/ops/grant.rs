//! Giving and taking credits by hand: an entry in the ledger like every other.

use std::fmt;

use anyhow::Result;
use aws::{Adjusted, Adjustment};
use domain::{Timestamp, UserId};
use serde::Serialize;
use uuid::Uuid;

use crate::stack::Stack;

/// A grant that stands in the ledger.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Granted {
    /// Under which it is done once.
    pub id: Uuid,
    /// Whose balance it is.
    pub user: UserId,
    /// The change of the balance.
    pub change: i64,
    /// The balance right after it.
    pub balance_after: u64,
    /// Did it stand there before?
    pub repeated: bool,
}

/// Gives credits to a user, or takes them if the amount is negative, once for each id. Who owes pays that first; who has less
/// than is to be taken keeps it all.
pub async fn grant(stack: &Stack, user: &UserId, adjustment: &Adjustment) -> Result<Granted> {
    let tables = stack.tables();
    let adjusted = tables.adjust(user, adjustment, Timestamp::now());
    let Adjusted {
        change,
        balance_after,
        repeated,
    } = adjusted.await?;
    Ok(Granted {
        id: adjustment.id,
        user: user.clone(),
        change,
        balance_after: balance_after.get(),
        repeated,
    })
}

impl fmt::Display for Granted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            id,
            user,
            change,
            balance_after,
            repeated,
        } = self;
        let when = if *repeated {
            "was made before, and nothing was done now"
        } else {
            "is made"
        };
        write!(
            f,
            "adjustment {id} of {user} {when}: {change:+} credits, {balance_after} after it"
        )
    }
}
