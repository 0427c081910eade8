//! The records as they lie in the tables: their keys and what is in them besides the domain's own fields.

use aws_sdk_dynamodb::types::{
    Put, ReturnValuesOnConditionCheckFailure, TransactWriteItem, Update,
};
use domain::{
    Account, Batch, BatchId, Credits, ImageRef, Job, OrderId, Posting, Reason, Timestamp, UserId,
};
use serde::{Deserialize, Serialize};

use super::{Item, Tables, n, s, to_item};
use crate::AwsError;

/// The shards of the index over open batches, so that no single key takes every submit's write.
pub(super) const OPEN_SHARDS: usize = 8;

fn key(pk: String, sk: String) -> Item {
    Item::from([("pk".to_owned(), s(pk)), ("sk".to_owned(), s(sk))])
}

/// `pk` of everything of a user.
pub(super) fn user_pk(user: &UserId) -> String {
    format!("USER#{user}")
}

/// `pk` of everything of a batch.
pub(super) fn batch_pk(batch: BatchId) -> String {
    format!("BATCH#{batch}")
}

pub(super) fn account_key(user: &UserId) -> Item {
    key(user_pk(user), "ACCOUNT".to_owned())
}

/// Key of what is known of a user beyond their balance.
pub(super) fn profile_key(user: &UserId) -> Item {
    key(user_pk(user), "PROFILE".to_owned())
}

/// Key of what is known about the last warning of a low balance.
pub(super) fn low_balance_key(user: &UserId) -> Item {
    key(user_pk(user), "NOTICE#low-balance".to_owned())
}

pub(super) fn entry_key(user: &UserId, reason: &Reason) -> Item {
    key(user_pk(user), format!("TXN#{}", reason.entry_id()))
}

pub(super) fn order_key(user: &UserId, order: &OrderId) -> Item {
    key(user_pk(user), format!("ORDER#{order}"))
}

pub(crate) fn meta_key(batch: BatchId) -> Item {
    key(batch_pk(batch), "META".to_owned())
}

/// Key of the manifest's first record, which holds what the images share.
pub(super) fn manifest_head_key(batch: BatchId) -> Item {
    key(batch_pk(batch), "MANIFEST#0000".to_owned())
}

pub(crate) fn image_key(image: ImageRef) -> Item {
    key(batch_pk(image.batch_id), image_sk(image.index))
}

/// Padded, so that a query reads the images in their order.
fn image_sk(index: u32) -> String {
    format!("IMAGE#{index:05}")
}

/// Key of the one record that all images of all users share.
pub(super) fn gate_key() -> Item {
    key("GATE".to_owned(), "PROVIDER".to_owned())
}

/// The place in the batch that an image's `sk` names.
pub(super) fn image_index(sk: &str) -> Option<u32> {
    sk.strip_prefix("IMAGE#")?.parse().ok()
}

/// `MANIFEST#0000`: what the images share. Not in META, which is rewritten with every settlement.
#[derive(Serialize, Deserialize)]
pub(super) struct ManifestHead {
    pub(super) prompt: String,
}

/// `MANIFEST#0001` and on: the images as submitted.
#[derive(Serialize, Deserialize)]
pub(super) struct ManifestPart {
    pub(super) jobs: Vec<Job>,
}

/// One line of the ledger.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct LedgerLine {
    /// Its number within its user's ledger, from 1: the order of the entries, without gaps.
    pub(crate) seq: u64,
    /// The change of the balance.
    pub(crate) amount: i64,
    pub(crate) kind: String,
    pub(crate) balance_after: Credits,
    pub(crate) owed_after: Credits,
    pub(crate) created_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) batch_id: Option<BatchId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) order_id: Option<OrderId>,
    /// What an order gave or what was taken back of it in full: the amount is only what reached or left the balance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) credits: Option<Credits>,
}

impl LedgerLine {
    pub(crate) fn new(posting: &Posting, reason: &Reason, now: Timestamp) -> Self {
        Self {
            seq: posting.after.entries,
            amount: posting.amount,
            kind: reason.kind().to_owned(),
            balance_after: posting.after.balance,
            owed_after: posting.after.owed,
            created_at: now,
            batch_id: reason.batch_id(),
            order_id: reason.order_id().cloned(),
            credits: None,
        }
    }
}

impl Tables {
    /// Moves an account from `before` to `after`: only if it still has as many entries as when it was read.
    pub(crate) fn move_account(
        &self,
        user: &UserId,
        before: Account,
        after: Account,
    ) -> Result<TransactWriteItem, AwsError> {
        self.move_account_if("#entries = :before", user, before, after)
    }

    /// The same for what its user spends or buys: not if they want to be forgotten by now. Whoever forgets them sees all
    /// batches, and whoever has paid after that gets no credits that nobody can spend.
    pub(crate) fn move_open_account(
        &self,
        user: &UserId,
        before: Account,
        after: Account,
    ) -> Result<TransactWriteItem, AwsError> {
        let condition = "#entries = :before AND attribute_not_exists(deleted_at)";
        self.move_account_if(condition, user, before, after)
    }

    fn move_account_if(
        &self,
        condition: &str,
        user: &UserId,
        before: Account,
        after: Account,
    ) -> Result<TransactWriteItem, AwsError> {
        let update = Update::builder()
            .table_name(&self.credits)
            .set_key(Some(account_key(user)))
            .update_expression("SET balance = :balance, owed = :owed, #entries = :after")
            .condition_expression(condition)
            .expression_attribute_names("#entries", "entries")
            .expression_attribute_values(":balance", n(after.balance))
            .expression_attribute_values(":owed", n(after.owed))
            .expression_attribute_values(":before", n(before.entries))
            .expression_attribute_values(":after", n(after.entries))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build()
            .map_err(AwsError::call("dynamodb:TransactWriteItems"))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Writes an entry: only if there is none of its name (R4).
    pub(crate) fn put_entry(
        &self,
        user: &UserId,
        reason: &Reason,
        line: &LedgerLine,
    ) -> Result<TransactWriteItem, AwsError> {
        let mut item = to_item(line)?;
        item.extend(entry_key(user, reason));
        put_new(&self.credits, item)
    }

    /// Writes a batch's own record: only if there is none of its name.
    pub(super) fn put_batch(&self, batch: &Batch) -> Result<TransactWriteItem, AwsError> {
        let mut item = to_item(batch)?;
        item.extend(meta_key(batch.batch_id));
        let shard = batch
            .batch_id
            .to_string()
            .bytes()
            .map(usize::from)
            .sum::<usize>()
            % OPEN_SHARDS;
        item.insert("open_shard".to_owned(), s(shard));
        put_new(&self.batches, item)
    }

    /// Writes one record of a manifest, which never changes afterwards.
    pub(super) fn put_manifest<T: Serialize>(
        &self,
        batch: BatchId,
        number: usize,
        record: &T,
    ) -> Result<TransactWriteItem, AwsError> {
        let mut item = to_item(record)?;
        item.extend(key(batch_pk(batch), format!("MANIFEST#{number:04}")));
        put_new(&self.batches, item)
    }
}

/// Writes a record where there is none.
pub(super) fn put_new(table: &str, item: Item) -> Result<TransactWriteItem, AwsError> {
    let put = Put::builder()
        .table_name(table)
        .set_item(Some(item))
        .condition_expression("attribute_not_exists(pk)")
        .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
        .build()
        .map_err(AwsError::call("dynamodb:TransactWriteItems"))?;
    Ok(TransactWriteItem::builder().put(put).build())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn image_keys_sort_by_index_and_can_be_read_back() {
        assert!(image_sk(2) < image_sk(10));
        assert_eq!(image_index(&image_sk(499)), Some(499));
        assert_eq!(image_index("META"), None);
    }
}
