//! Forgetting somebody: their account is closed, and what they wrote is taken out of every record.
//!
//! The ledger and the batches' own numbers stay, under an id that leads to nobody any more. All of it may be done again.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, ReturnValue, TransactWriteItem, Update};
use domain::{Account, BatchId, Timestamp, UserId};
use serde::Deserialize;

use super::{
    Item, Tables, from_item, n,
    records::{account_key, manifest_head_key, meta_key, profile_key, user_pk},
    s, update,
};
use crate::{AwsError, backoff::Backoff};

/// How long one write is tried against the settlements of the same user.
const BUDGET: Duration = Duration::from_secs(5);

/// What [`Tables::batches_paid_by`] reads of an entry.
#[derive(Deserialize)]
struct Debit {
    batch_id: BatchId,
}

impl Tables {
    /// Notes that a user wants to be forgotten; since when. The first time counts.
    ///
    /// Whoever has no account gets one that is closed: their token, good for an hour more, must not open one.
    pub async fn close_account(
        &self,
        user: &UserId,
        now: Timestamp,
    ) -> Result<Timestamp, AwsError> {
        let close = self
            .client
            .update_item()
            .table_name(&self.credits)
            .set_key(Some(account_key(user)))
            .update_expression(
                "SET deleted_at = if_not_exists(deleted_at, :now), \
                 created_at = if_not_exists(created_at, :now), \
                 balance = if_not_exists(balance, :zero), owed = if_not_exists(owed, :zero), \
                 #entries = if_not_exists(#entries, :zero)",
            )
            .expression_attribute_names("#entries", "entries")
            .expression_attribute_values(":now", s(now))
            .expression_attribute_values(":zero", n(0))
            .return_values(ReturnValue::AllNew);
        // It has no condition that could fail.
        let closed = match update(close).await? {
            Ok(record) | Err(record) => record,
        };
        let account: Account = from_item(closed.unwrap_or_default())?;
        account
            .deleted_at
            .ok_or_else(|| AwsError::Missing("the time just written".to_owned()))
    }

    /// Deletes what is known of a user beyond their balance: nobody writes to them any more.
    pub async fn delete_profile(&self, user: &UserId) -> Result<(), AwsError> {
        self.client
            .delete_item()
            .table_name(&self.credits)
            .set_key(Some(profile_key(user)))
            .send()
            .await
            .map(drop)
            .map_err(AwsError::call("dynamodb:DeleteItem"))
    }

    /// All batches of a user, by the debits in their ledger: unlike the history's index, that is never a moment behind.
    pub async fn batches_paid_by(&self, user: &UserId) -> Result<Vec<BatchId>, AwsError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.credits)
            .consistent_read(true)
            .key_condition_expression("pk = :pk AND begins_with(sk, :debit)")
            .projection_expression("pk, sk, batch_id")
            .expression_attribute_values(":pk", s(user_pk(user)))
            .expression_attribute_values(":debit", s("TXN#debit#"))
            .into_paginator()
            .items()
            .send();
        let mut batches = Vec::new();
        while let Some(item) = pages.next().await {
            let item = item.map_err(AwsError::call("dynamodb:Query"))?;
            batches.push(from_item::<Debit>(item)?.batch_id);
        }
        Ok(batches)
    }

    /// Takes out of a batch that is over what its user wrote: the prompts, and which photos they were for. All at once,
    /// so that no reader finds half of it.
    pub async fn erase_batch(&self, batch_id: BatchId, now: Timestamp) -> Result<(), AwsError> {
        let manifest = self
            .query_batch(batch_id, "begins_with(sk, :sk)", "MANIFEST#")
            .await?;
        let mut backoff = Backoff::within(BUDGET);
        loop {
            let mut items = vec![self.erase_meta(batch_id, now)?];
            for record in &manifest {
                items.push(self.erase_manifest(batch_id, record)?);
            }
            if self.transact(items).await?.is_ok() {
                return Ok(());
            }
            if !backoff.wait().await {
                return Err(AwsError::Contended("erasing a batch"));
            }
        }
    }

    fn erase_meta(&self, batch_id: BatchId, now: Timestamp) -> Result<TransactWriteItem, AwsError> {
        let update = Update::builder()
            .table_name(&self.batches)
            .set_key(Some(meta_key(batch_id)))
            .update_expression(
                "SET erased_at = if_not_exists(erased_at, :now), prompt_excerpt = :nothing",
            )
            .condition_expression("#open = :zero")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":now", s(now))
            .expression_attribute_values(":nothing", s(""))
            .expression_attribute_values(":zero", n(0))
            .build()
            .map_err(AwsError::call("dynamodb:TransactWriteItems"))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Empties a record of the manifest. It stays: who looks for one should find that there is nothing in it.
    fn erase_manifest(
        &self,
        batch_id: BatchId,
        record: &Item,
    ) -> Result<TransactWriteItem, AwsError> {
        let head = manifest_head_key(batch_id);
        let key: Item = head
            .keys()
            .filter_map(|name| Some((name.clone(), record.get(name)?.clone())))
            .collect();
        let (field, nothing) = if key == head {
            ("prompt", s(""))
        } else {
            ("jobs", AttributeValue::L(Vec::new()))
        };
        let update = Update::builder()
            .table_name(&self.batches)
            .set_key(Some(key))
            .update_expression("SET #field = :nothing")
            .expression_attribute_names("#field", field)
            .expression_attribute_values(":nothing", nothing)
            .build()
            .map_err(AwsError::call("dynamodb:TransactWriteItems"))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
