//! Reading a user's ledger, for people.

use aws_sdk_dynamodb::types::Select;
use domain::{BatchId, Credits, OrderId, Timestamp, UserId};
use serde::Deserialize;

use super::{
    Tables, from_item, n,
    records::{LedgerLine, user_pk},
    s,
};
use crate::AwsError;

/// One entry of a ledger.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerEntry {
    /// Its name, unique within its ledger, such as `debit#<batch>`.
    pub id: String,
    /// Its kind: that of [`domain::Reason::kind`].
    pub kind: String,
    /// The change of the balance.
    pub amount: i64,
    /// The balance after it.
    pub balance_after: Credits,
    /// What is owed after it.
    pub owed_after: Credits,
    /// When.
    pub created_at: Timestamp,
    /// The batch that it belongs to.
    pub batch_id: Option<BatchId>,
    /// The image of that batch, if it is the refund of one.
    pub image: Option<u32>,
    /// The order that it belongs to.
    pub order_id: Option<OrderId>,
    /// What the order gave, or what was taken back of it, in full; the amount is less where a debt was paid or made.
    pub credits: Option<Credits>,
    /// What an operator said about it.
    pub reason: Option<String>,
}

/// Some entries of a ledger, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LedgerPage {
    /// At most as many as were asked for.
    pub entries: Vec<LedgerEntry>,
    /// Where the next page begins, for [`Tables::ledger`]; `None` on the last.
    pub next: Option<String>,
}

/// An entry as it lies in the table.
#[derive(Deserialize)]
struct Entry {
    sk: String,
    #[serde(flatten)]
    line: LedgerLine,
    #[serde(default)]
    reason: Option<String>,
}

impl Tables {
    /// A user's ledger, newest first. A cursor that was not made here starts from the newest.
    pub async fn ledger(
        &self,
        user: &UserId,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<LedgerPage, AwsError> {
        // The number of the entry before which the page begins. Entries are numbered without gaps from 1, so the number
        // of a page's last also says whether there are more.
        let before: u64 = cursor.and_then(|at| at.parse().ok()).unwrap_or(u64::MAX);
        let answer = self
            .client
            .query()
            .table_name(&self.credits)
            .index_name("by-seq")
            // Whoever has just paid wants to see it.
            .consistent_read(true)
            .select(Select::AllAttributes)
            .key_condition_expression("pk = :pk AND seq < :before")
            .expression_attribute_values(":pk", s(user_pk(user)))
            .expression_attribute_values(":before", n(before))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(AwsError::call("dynamodb:Query"))?;
        let entries = answer
            .items
            .unwrap_or_default()
            .into_iter()
            .map(from_item)
            .collect::<Result<Vec<Entry>, _>>()?;
        let oldest = entries.last().map(|entry| entry.line.seq);
        Ok(LedgerPage {
            next: oldest
                .filter(|&number| number > 1)
                .map(|number| number.to_string()),
            entries: entries.into_iter().map(LedgerEntry::from).collect(),
        })
    }
}

impl From<Entry> for LedgerEntry {
    fn from(Entry { sk, line, reason }: Entry) -> Self {
        let id = sk.strip_prefix("TXN#").unwrap_or(&sk).to_owned();
        Self {
            image: refunded_image(&id),
            id,
            kind: line.kind,
            amount: line.amount,
            balance_after: line.balance_after,
            owed_after: line.owed_after,
            created_at: line.created_at,
            batch_id: line.batch_id,
            order_id: line.order_id,
            credits: line.credits,
            reason,
        }
    }
}

/// The place of the image that an entry of this name refunds.
fn refunded_image(id: &str) -> Option<u32> {
    let (_, index) = id.strip_prefix("refund#")?.split_once('#')?;
    index.parse().ok()
}

#[cfg(test)]
mod tests {
    use domain::{ImageRef, Reason};

    use super::*;

    #[test]
    fn a_refund_names_its_image() {
        let image = ImageRef {
            batch_id: "9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f".parse().unwrap(),
            index: 7,
        };
        assert_eq!(refunded_image(&Reason::Refund(image).entry_id()), Some(7));
        let debit = Reason::Debit(image.batch_id);
        assert_eq!(refunded_image(&debit.entry_id()), None);
        let order = Reason::OrderRefund {
            order: "9b2f6bd0-0000-4000-8000-000000000001".parse().unwrap(),
            refunded: 7,
        };
        assert_eq!(refunded_image(&order.entry_id()), None);
    }
}
