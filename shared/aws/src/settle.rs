//! The one settle operation: nothing else writes a final state.
//!
//! One transaction moves the images, the batch's counts and, unless they are completed, the refunds. Before an image
//! fails, its result is looked for: a picture that was bought is delivered (R5).

use std::time::Duration;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::{
    Account, Batch, BatchId, Image, ImageRef, ImageState, Outcome, Reason, SettleRefused,
    Timestamp, pace::Pace, result_key,
};
use futures::future::try_join_all;
use tracing::warn;

use crate::{
    AwsError, Photos, Tables,
    backoff::Backoff,
    tables::{LedgerLine, image_key, n, s, value},
};

/// Two writes an image (itself and its refund), the batch and the account: 100 items fit one transaction.
const IMAGES_PER_TRANSACTION: usize = 49;
/// How long one transaction is tried against others of the same batch.
const BUDGET: Duration = Duration::from_secs(30);

/// Settles images.
#[derive(Clone, Debug)]
pub struct Settler {
    tables: Tables,
    photos: Photos,
    pace: Pace,
}

/// What became of one image that was to be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It is in this final state; `now` says whether this call did it.
    Final {
        /// Completed, failed or canceled.
        state: ImageState,
        /// Did this call do it, or an earlier one?
        now: bool,
    },
    /// It was left alone, because somebody may be about to complete it.
    Claimed {
        /// When that claim runs out.
        until: Timestamp,
    },
}

/// One image of a transaction: where it stood, and where it goes.
struct Step {
    index: u32,
    seen: Image,
    outcome: Outcome,
}

impl Settler {
    /// Settles images of these tables, looking for results in this bucket. Turns that they do not need any more go back to
    /// the backlog, which counts so many a minute.
    #[must_use]
    pub const fn new(tables: Tables, photos: Photos, pace: Pace) -> Self {
        Self {
            tables,
            photos,
            pace,
        }
    }

    /// Settles one image. May be called again, late, or beside itself.
    pub async fn settle_one(&self, image: ImageRef, outcome: Outcome) -> Result<Settled, AwsError> {
        let outcomes = [(image.index, outcome)];
        let settled = self.settle_together(image.batch_id, &outcomes).await?;
        match settled.as_slice() {
            [(_, settled)] => Ok(*settled),
            _ => Err(AwsError::Missing(format!("what became of {image}"))),
        }
    }

    /// Settles images of one batch, each with its own outcome. May be called again, late, or beside itself.
    pub async fn settle(
        &self,
        batch_id: BatchId,
        outcomes: Vec<(u32, Outcome)>,
    ) -> Result<Vec<(u32, Settled)>, AwsError> {
        let mut settled = Vec::with_capacity(outcomes.len());
        for chunk in outcomes.chunks(IMAGES_PER_TRANSACTION) {
            settled.extend(self.settle_together(batch_id, chunk).await?);
        }
        Ok(settled)
    }

    async fn settle_together(
        &self,
        batch_id: BatchId,
        outcomes: &[(u32, Outcome)],
    ) -> Result<Vec<(u32, Settled)>, AwsError> {
        let indices: Vec<u32> = outcomes.iter().map(|(index, _)| *index).collect();
        let mut backoff = Backoff::within(BUDGET);
        loop {
            let now = Timestamp::now();
            let (batch, images) = self.tables.for_settling(batch_id, &indices).await?;
            // It would be refunded, though nobody has paid for it, and counted, though the batch does not count it.
            if let Some(&index) = indices.iter().find(|&&index| !batch.has(index)) {
                let image = ImageRef { batch_id, index };
                return Err(AwsError::Missing(image.to_string()));
            }
            let mut done = Vec::with_capacity(outcomes.len());
            let mut steps = Vec::new();
            for ((index, outcome), seen) in outcomes.iter().cloned().zip(images) {
                let refused = seen.may_settle(&outcome, now).err();
                match refused {
                    Some(SettleRefused::Final(state)) => {
                        done.push((index, Settled::Final { state, now: false }));
                    }
                    Some(SettleRefused::Claimed { until }) => {
                        done.push((index, Settled::Claimed { until }));
                    }
                    None => steps.push(Step {
                        index,
                        seen,
                        outcome,
                    }),
                }
            }
            if steps.is_empty() {
                return Ok(done);
            }
            let steps =
                try_join_all(steps.into_iter().map(|step| self.find_result(&batch, step))).await?;
            let items = self.transaction(&batch, &steps, now).await?;
            let why = match self.tables.transact(items).await {
                Ok(Ok(())) => {
                    self.shorten_backlog(&steps, now).await;
                    done.extend(steps.iter().map(|step| {
                        let state = step.outcome.state();
                        (step.index, Settled::Final { state, now: true })
                    }));
                    return Ok(done);
                }
                Ok(Err(_)) => AwsError::Contended("settling images"),
                // Perhaps it was written and only the answer is lost.
                Err(error) => error,
            };
            // Whatever was different from what was read, or has been written since, reading again finds out.
            if !backoff.wait().await {
                return Err(why);
            }
        }
    }

    /// Who never got to the provider leaves room for others. The images are settled whether or not the estimate knows.
    async fn shorten_backlog(&self, steps: &[Step], now: Timestamp) {
        let unasked = steps.iter().filter(|step| step.seen.provider_calls == 0);
        let images = u32::try_from(unasked.count()).unwrap_or(u32::MAX);
        if images == 0 {
            return;
        }
        let shortened = self.tables.shorten_backlog(self.pace, images, now);
        if let Err(error) = shortened.await {
            warn!(%error, "the backlog's estimate still counts {images} images");
        }
    }

    /// An image that has a result is completed, whatever was said of it.
    async fn find_result(&self, batch: &Batch, step: Step) -> Result<Step, AwsError> {
        if matches!(step.outcome, Outcome::Completed { .. }) {
            return Ok(step);
        }
        let image = ImageRef {
            batch_id: batch.batch_id,
            index: step.index,
        };
        let key = result_key(&batch.user, image, batch.options.format);
        if !self.photos.exists(&key).await? {
            return Ok(step);
        }
        let outcome = Outcome::Completed {
            result_key: key,
            usage: None,
        };
        Ok(Step { outcome, ..step })
    }

    async fn transaction(
        &self,
        batch: &Batch,
        steps: &[Step],
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, AwsError> {
        let mut items = vec![self.tables.count(batch, steps, now)?];
        for step in steps {
            items.push(self.tables.finish(batch.batch_id, step, now)?);
        }
        let refunded: Vec<_> = steps
            .iter()
            .filter(|step| step.outcome.state().is_refunded())
            .collect();
        if refunded.is_empty() {
            return Ok(items);
        }
        let before = self.tables.known_account(&batch.user).await?;
        let mut after: Account = before;
        for step in refunded {
            let image = ImageRef {
                batch_id: batch.batch_id,
                index: step.index,
            };
            let reason = Reason::Refund(image);
            let posting = after
                .credit(batch.price_per_image)
                .map_err(AwsError::unreadable("the balance after a refund"))?;
            let line = LedgerLine::new(&posting, &reason, now);
            items.push(self.tables.put_entry(&batch.user, &reason, &line)?);
            after = posting.after;
        }
        items.push(self.tables.move_account(&batch.user, before, after)?);
        Ok(items)
    }
}

impl Tables {
    /// Moves the counts of a batch. The transaction that settles its last image also finishes it: the condition on
    /// `open` decides which one that is, so the end of a batch is never a write that could be lost.
    fn count(
        &self,
        batch: &Batch,
        steps: &[Step],
        now: Timestamp,
    ) -> Result<TransactWriteItem, AwsError> {
        let settled = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        let last = batch.open <= settled;
        let count = |state| {
            steps
                .iter()
                .filter(|step| step.outcome.state() == state)
                .count()
        };
        let mut expression = "SET #open = #open - :settled, completed = completed + :completed, \
                              #failed = #failed + :failed, canceled = canceled + :canceled"
            .to_owned();
        if last {
            expression += ", finished_at = :now REMOVE open_shard, check_at";
        }
        let mut update = Update::builder()
            .table_name(self.batches_table())
            .set_key(Some(crate::tables::meta_key(batch.batch_id)))
            .update_expression(expression)
            .condition_expression(if last {
                "#open = :settled"
            } else {
                "#open > :settled"
            })
            .expression_attribute_names("#open", "open")
            .expression_attribute_names("#failed", "failed")
            .expression_attribute_values(":settled", n(settled))
            .expression_attribute_values(":completed", n(count(ImageState::Completed)))
            .expression_attribute_values(":failed", n(count(ImageState::Failed)))
            .expression_attribute_values(":canceled", n(count(ImageState::Canceled)));
        if last {
            update = update.expression_attribute_values(":now", s(now));
        }
        let update = update
            .build()
            .map_err(AwsError::call("dynamodb:TransactWriteItems"))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// Moves one image to its end. The condition is [`Image::may_settle`], for the record as it was seen: a claim made
    /// since then may be buying a picture, so its lease must still be the one that was seen.
    fn finish(
        &self,
        batch_id: BatchId,
        step: &Step,
        now: Timestamp,
    ) -> Result<TransactWriteItem, AwsError> {
        let mut set = "SET #state = :state, finished_at = :now".to_owned();
        let mut condition =
            "(attribute_not_exists(#state) OR #state IN (:pending, :processing))".to_owned();
        let mut update = Update::builder()
            .table_name(self.batches_table())
            .set_key(Some(image_key(ImageRef {
                batch_id,
                index: step.index,
            })))
            .expression_attribute_names("#state", "state")
            .expression_attribute_values(":state", s(step.outcome.state().name()))
            .expression_attribute_values(":pending", s(ImageState::Pending.name()))
            .expression_attribute_values(":processing", s(ImageState::Processing.name()))
            .expression_attribute_values(":now", s(now));
        match &step.outcome {
            Outcome::Completed { result_key, usage } => {
                set += ", result_key = :result_key";
                update = update.expression_attribute_values(":result_key", s(result_key));
                if let Some(usage) = usage {
                    set += ", #usage = :usage";
                    update = update
                        .expression_attribute_names("#usage", "usage")
                        .expression_attribute_values(":usage", value(usage)?);
                }
            }
            Outcome::Failed(failure) => {
                set += ", failure = :failure";
                update = update.expression_attribute_values(":failure", value(failure)?);
            }
            Outcome::Canceled => {}
        }
        if step.outcome.state() != ImageState::Completed {
            condition += match &step.seen.lease_id {
                Some(seen) => {
                    update = update.expression_attribute_values(":lease_id", s(seen));
                    " AND lease_id = :lease_id"
                }
                None => " AND attribute_not_exists(lease_id)",
            };
        }
        let update = update
            .update_expression(set + " REMOVE lease_until")
            .condition_expression(condition)
            .build()
            .map_err(AwsError::call("dynamodb:TransactWriteItems"))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
