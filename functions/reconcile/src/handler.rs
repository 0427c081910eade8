//! A tick of the clock in, repairs out: what the stream, the queues and the workflow have lost of an open batch.
//!
//! It may run at any moment, beside itself and beside live traffic, because it does nothing of its own: a message that is
//! sent again starts no second execution, and the settle operation decides what may be settled.

use std::time::Duration;

use aws::{AwsError, BatchInFull, Queue, Settled, Settler, Tables, Workflow};
use domain::{
    Batch, BatchId, Counts, Image, ImageRef, Outcome, Rescue, Timestamp, Work, timing::TimeLimits,
};
use edge::task::TaskError;
use futures::{StreamExt, TryStreamExt, stream};
use serde::{Deserialize, Serialize};
use tracing::{error, info, warn};

/// How many due batches of each of the index's shards one run takes on; the rest is still due at the next tick.
const MOST_BATCHES: i32 = 100;
/// A run begins no further batch after this time, so that it ends before its function does.
const ENOUGH: Duration = Duration::from_mins(4);
/// How many executions are asked for at a time; Step Functions answers some 15 a second for long.
const AT_A_TIME: usize = 8;

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) settler: Settler,
    pub(crate) workflow: Workflow,
    pub(crate) edits: Queue,
    pub(crate) times: TimeLimits,
}

/// EventBridge's scheduled event. What is due is read from the table.
#[derive(Debug, Deserialize)]
pub(crate) struct Tick {}

/// What one run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Batches that were due.
    batches: u32,
    /// Images without an execution, sent to the edit queue again.
    sent: u32,
    /// Images that nobody would have settled any more.
    settled: u32,
    /// Batches whose counts were not those of their images.
    recounted: u32,
    /// Batches that a look failed at; they are looked at again, behind those that are due by then.
    failed: u32,
}

/// What there is to do for a batch.
#[derive(Default)]
struct Repairs {
    send: Vec<Work>,
    settle: Vec<(u32, Outcome)>,
}

impl Handler {
    pub(crate) async fn handle(&self, _tick: Tick) -> Result<Report, TaskError> {
        let started = Timestamp::now();
        let due = self.tables.due_batches(started, MOST_BATCHES).await;
        let mut report = Report::default();
        for batch_id in due.map_err(TaskError::aws("the index of open batches"))? {
            if Timestamp::now().since(started) > ENOUGH {
                break;
            }
            report.batches += 1;
            if let Err(error) = self.look(batch_id, &mut report).await {
                report.failed += 1;
                error!(batch.id = %batch_id, %error, "could not look at batch {batch_id}: {error}");
                self.put_off(batch_id).await;
            }
        }
        let Report {
            batches,
            sent,
            settled,
            recounted,
            failed,
        } = report;
        let repaired = sent + settled + recounted;
        // The template's metrics are made of these two fields.
        info!(
            repaired,
            failed, batches, sent, settled, recounted, "looked at {batches} open batches"
        );
        Ok(report)
    }

    /// Looks at one batch, and notes when to look again.
    async fn look(&self, batch_id: BatchId, report: &mut Report) -> Result<(), AwsError> {
        // Its own record first, on its own: only so can a recount tell that no settlement came between.
        let Some(seen) = self.tables.batch(batch_id).await? else {
            return Err(AwsError::Missing(format!("batch {batch_id}")));
        };
        if seen.finished_at.is_some() {
            // The index is a moment behind.
            return Ok(());
        }
        let full = self.tables.batch_in_full(batch_id).await?;
        let full = full.ok_or_else(|| AwsError::Missing(format!("batch {batch_id}")))?;
        self.recount(&seen, &full, report).await?;
        let now = Timestamp::now();
        let Repairs { send, settle } = self.repairs(&full, now).await?;
        self.edits.send_all(&send).await?;
        for work in &send {
            let image = work.image;
            warn!(batch.id = %batch_id, image.index = image.index, "nobody had started {image}: sent it again");
            report.sent += 1;
        }
        for (index, settled) in self.settler.settle(batch_id, settle).await? {
            if let Settled::Final { state, now: true } = settled {
                let (image, state) = (ImageRef { batch_id, index }, state.name());
                warn!(batch.id = %batch_id, image.index = index, state, "nobody would have settled {image}: {state}");
                report.settled += 1;
            }
        }
        let next = self.times.next_look(seen.created_at, now);
        self.tables.look_again(batch_id, next).await
    }

    /// A batch that no look succeeds at must not keep its place before the others. If this fails, too, it does for once.
    async fn put_off(&self, batch_id: BatchId) {
        let next = Timestamp::now().plus(self.times.first_look);
        if let Err(error) = self.tables.look_again(batch_id, next).await {
            error!(batch.id = %batch_id, %error, "could not put off batch {batch_id}: {error}");
        }
    }

    /// The counts of a batch and the states of its images are written together, so they only differ after a fault that
    /// is not foreseen; whoever waits for the batch to end should not wait for the one who finds that fault.
    async fn recount(
        &self,
        seen: &Batch,
        full: &BatchInFull,
        report: &mut Report,
    ) -> Result<(), AwsError> {
        let states = full.images.values().map(|image| image.state);
        let counted = Counts::of(seen.total, states);
        if seen.agrees_with(&counted) {
            return Ok(());
        }
        let now = Timestamp::now();
        if self.tables.recount(seen, &counted, now).await? {
            // Not all of the batch: what its user wished for is in it.
            let said = [seen.open, seen.completed, seen.failed, seen.canceled];
            error!(
                batch.id = %seen.batch_id, ?said, ?counted,
                "batch {} said wrongly how many images are open, completed, failed and canceled", seen.batch_id
            );
            report.recounted += 1;
        }
        Ok(())
    }

    /// Asks what became of each image that is open and that nobody has a claim on.
    async fn repairs(&self, full: &BatchInFull, now: Timestamp) -> Result<Repairs, AwsError> {
        let batch = &full.batch;
        let asked = stream::iter(idle(full, now))
            .map(async |image| {
                let execution = self.workflow.execution(image).await?;
                Ok::<_, AwsError>((image, batch.rescue(execution, now)))
            })
            .buffered(AT_A_TIME);
        let asked: Vec<(ImageRef, Rescue)> = asked.try_collect().await?;
        let mut repairs = Repairs::default();
        for (image, rescue) in asked {
            match rescue {
                Rescue::Leave => {}
                Rescue::Start => repairs.send.extend(work(full, image)),
                Rescue::Settle(outcome) => repairs.settle.push((image.index, outcome)),
            }
        }
        Ok(repairs)
    }
}

/// The open images of a batch that nobody has a claim on.
fn idle(full: &BatchInFull, now: Timestamp) -> impl Iterator<Item = ImageRef> {
    let batch_id = full.batch.batch_id;
    let is_idle =
        move |image: &Image| !image.state.is_final() && image.claimed_until(now).is_none();
    (0..full.batch.total)
        .filter(move |index| full.images.get(index).is_none_or(is_idle))
        .map(move |index| ImageRef { batch_id, index })
}

/// What fan-out sends for an image.
fn work(full: &BatchInFull, image: ImageRef) -> Option<Work> {
    let job = full.jobs.get(usize::try_from(image.index).ok()?)?;
    Some(Work::new(image, job.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_a_tick() {
        let json = include_str!("../../../events/reconcile/tick.json");
        assert!(serde_json::from_str::<Tick>(json).is_ok());
    }
}
