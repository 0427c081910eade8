//! The index over open batches: which of them somebody should look at, and what may be put right in their own records.

use domain::{Batch, BatchId, Counts, Timestamp};
use futures::future::try_join_all;
use serde::Deserialize;

use super::{
    Tables, from_item, n,
    records::{OPEN_SHARDS, meta_key},
    s, update,
};
use crate::AwsError;

/// What the index holds of a batch.
#[derive(Deserialize)]
struct Entry {
    pk: String,
    check_at: Timestamp,
}

impl Tables {
    /// Open batches that are due for a look, the most overdue first; at most so many of each shard.
    pub async fn due_batches(&self, now: Timestamp, most: i32) -> Result<Vec<BatchId>, AwsError> {
        let shards = (0..OPEN_SHARDS).map(|shard| self.due_in_shard(shard, now, most));
        let mut due: Vec<Entry> = try_join_all(shards).await?.into_iter().flatten().collect();
        due.sort_by_key(|entry| entry.check_at);
        let id = |entry: &Entry| entry.pk.strip_prefix("BATCH#")?.parse().ok();
        Ok(due.iter().filter_map(id).collect())
    }

    async fn due_in_shard(
        &self,
        shard: usize,
        now: Timestamp,
        most: i32,
    ) -> Result<Vec<Entry>, AwsError> {
        let answer = self
            .client
            .query()
            .table_name(&self.batches)
            .index_name("open")
            .key_condition_expression("open_shard = :shard AND check_at <= :now")
            .expression_attribute_values(":shard", s(shard))
            .expression_attribute_values(":now", s(now))
            .limit(most)
            .send()
            .await
            .map_err(AwsError::call("dynamodb:Query"))?;
        let items = answer.items.unwrap_or_default();
        items.into_iter().map(from_item).collect()
    }

    /// Notes when an open batch is to be looked at next. One that is over by now stays as it is.
    pub async fn look_again(&self, batch_id: BatchId, at: Timestamp) -> Result<(), AwsError> {
        let note = self
            .client
            .update_item()
            .table_name(&self.batches)
            .set_key(Some(meta_key(batch_id)))
            .update_expression("SET check_at = :at")
            .condition_expression("attribute_exists(open_shard)")
            .expression_attribute_values(":at", s(at));
        update(note).await.map(drop)
    }

    /// Makes a batch's own counts those of its images; says whether it did.
    ///
    /// `seen` was read before the images were. A settlement since then has moved the counts, and makes this do nothing:
    /// what was counted is no longer true.
    pub async fn recount(
        &self,
        seen: &Batch,
        counted: &Counts,
        now: Timestamp,
    ) -> Result<bool, AwsError> {
        let mut expression = "SET #open = :open, completed = :completed, #failed = :failed, \
                              canceled = :canceled"
            .to_owned();
        let mut write = self
            .client
            .update_item()
            .table_name(&self.batches)
            .set_key(Some(meta_key(seen.batch_id)))
            .condition_expression(
                "#open = :seen_open AND completed = :seen_completed AND #failed = :seen_failed \
                 AND canceled = :seen_canceled",
            )
            .expression_attribute_names("#open", "open")
            .expression_attribute_names("#failed", "failed")
            .expression_attribute_values(":open", n(counted.open()))
            .expression_attribute_values(":completed", n(counted.completed))
            .expression_attribute_values(":failed", n(counted.failed))
            .expression_attribute_values(":canceled", n(counted.canceled))
            .expression_attribute_values(":seen_open", n(seen.open))
            .expression_attribute_values(":seen_completed", n(seen.completed))
            .expression_attribute_values(":seen_failed", n(seen.failed))
            .expression_attribute_values(":seen_canceled", n(seen.canceled));
        if counted.open() == 0 {
            expression += ", finished_at = :now REMOVE open_shard, check_at";
            write = write.expression_attribute_values(":now", s(now));
        }
        let written = update(write.update_expression(expression)).await?;
        Ok(written.is_ok())
    }
}
