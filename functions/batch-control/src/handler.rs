//! What a user can still say about a batch: stop it, or try again what it left undone. Both may be said any number of times.

use std::time::Duration;

use api::CancelResponse;
use aws::{AwsError, Intake, Settler, Tables, Wanted};
use domain::{Batch, BatchId, Counts, Outcome, RetryRefused};
use edge::http::{Call, Failure, ProblemKind, Reply};
use tokio::time::timeout;
use tracing::warn;

/// The routes, as the template names them.
const CANCEL: &str = "POST /api/batch/{id}/cancel";
const RETRY: &str = "POST /api/batch/{id}/retry";

/// How long a request settles images, so that its answer comes before API Gateway gives up on it, after 30 seconds.
const BUDGET: Duration = Duration::from_secs(20);

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) settler: Settler,
    pub(crate) intake: Intake,
}

impl Handler {
    pub(crate) async fn handle(&self, call: Call) -> Result<Reply, Failure> {
        let batch = self.batch(&call).await?;
        match call.route() {
            CANCEL => self.cancel(batch).await,
            RETRY => self.retry(batch).await,
            other => Err(AwsError::Missing(format!("an answer to {other:?}")).into()),
        }
    }

    /// The batch that the call names, if it is its caller's.
    async fn batch(&self, call: &Call) -> Result<Batch, Failure> {
        let user = call.caller()?.user;
        let found = match call.path("id").and_then(|id| id.parse().ok()) {
            Some(id) => self.tables.batch(id).await?,
            None => None,
        };
        let batch = found
            .filter(|batch| batch.user == user)
            .ok_or_else(not_found)?;
        match batch.erased_at {
            Some(_) => Err(Failure::account_deleted()),
            None => Ok(batch),
        }
    }

    /// Flags first, then settles: an image that is not reached in time meets the flag on its way.
    async fn cancel(&self, batch: Batch) -> Result<Reply, Failure> {
        let id = batch.batch_id;
        if !self.tables.request_cancel(id).await? {
            return Err(Failure::new(
                ProblemKind::BatchFinished,
                "there is nothing left to cancel: what was completed stays, and what failed is refunded",
            ));
        }
        let outcomes = (0..batch.total).map(|index| (index, Outcome::Canceled));
        let settling = self.settler.settle(id, outcomes.collect());
        if let Ok(settled) = timeout(BUDGET, settling).await {
            settled?;
        } else {
            warn!(batch.id = %id, "left images of batch {id} to their workflows to cancel");
        }
        let counts = Counts::of(batch.total, self.tables.image_states(id).await?);
        Ok(Reply::accepted(&canceled(&batch, counts)?))
    }

    async fn retry(&self, batch: Batch) -> Result<Reply, Failure> {
        batch.may_retry().map_err(not_retried)?;
        // Read after it was over, so that no image can be in a state that is not its last.
        let found = self
            .tables
            .batch_in_full(batch.batch_id)
            .await?
            .ok_or_else(not_found)?;
        let account = self.tables.known_account(&batch.user).await?;
        let wanted = Wanted {
            batch_id: BatchId::derive_retry(&batch.user, batch.batch_id),
            user: batch.user,
            submission: found.retry(),
            retry_of: Some(batch.batch_id),
        };
        Reply::submitted(&self.intake.accept(wanted, account).await?)
    }
}

fn canceled(batch: &Batch, counts: Counts) -> Result<CancelResponse, Failure> {
    let refunded = batch
        .refunded_for(&counts)
        .map_err(|_| AwsError::Missing("a price in range".to_owned()))?;
    Ok(CancelResponse {
        batch_id: batch.batch_id.to_string(),
        status: counts.state(true).name().to_owned(),
        counts: api::Counts {
            total: counts.total,
            pending: counts.pending,
            processing: counts.processing,
            completed: counts.completed,
            failed: counts.failed,
            canceled: counts.canceled,
        },
        credits_refunded: refunded.get(),
        status_url: format!("/api/batch/{}/status", batch.batch_id),
    })
}

fn not_found() -> Failure {
    Failure::new(ProblemKind::BatchNotFound, "check the batch's id")
}

fn not_retried(refused: RetryRefused) -> Failure {
    match refused {
        RetryRefused::NotFinished { open } => Failure::new(
            ProblemKind::BatchNotFinished,
            format!(
                "{open} of its images are open; wait until they are done, or cancel the batch first"
            ),
        ),
        RetryRefused::NothingToRetry => Failure::new(
            ProblemKind::NothingToRetry,
            "no image of this batch failed or was canceled",
        ),
    }
}

#[cfg(test)]
mod tests {
    use domain::{Credits, EditOptions, Submission, Timestamp, timing::TimeLimits};

    use super::*;

    const EVENTS: [(&str, &str); 2] = [
        (
            include_str!("../../../events/batch-control/cancel.json"),
            CANCEL,
        ),
        (
            include_str!("../../../events/batch-control/retry.json"),
            RETRY,
        ),
    ];

    #[test]
    fn the_events_name_a_batch_and_what_to_do_with_it() {
        for (event, route) in EVENTS {
            let call = Call::from_event(event).unwrap();
            assert_eq!(call.route(), route);
            assert!(call.caller().is_ok());
            assert!(call.path("id").unwrap().parse::<BatchId>().is_ok());
        }
    }

    #[test]
    fn a_cancellation_tells_what_came_back() {
        let user: domain::UserId = "anna".parse().unwrap();
        let id = BatchId::derive(&user, &"k".parse().unwrap());
        let submission = Submission {
            jobs: Vec::new(),
            prompt: String::new(),
            options: EditOptions::default(),
        };
        let now = Timestamp::from_millis(0);
        let batch = Batch::new(
            id,
            user,
            &submission,
            Credits::small(2),
            now,
            now,
            &TimeLimits::default(),
        );
        let counts = Counts {
            total: 7,
            processing: 1,
            completed: 2,
            failed: 1,
            canceled: 3,
            ..Counts::default()
        };
        let response = canceled(&batch, counts).unwrap();
        assert_eq!(
            (response.status.as_str(), response.credits_refunded),
            ("processing", 8)
        );
    }

    #[test]
    fn what_cannot_be_retried_says_why() {
        for (refused, code) in [
            (RetryRefused::NotFinished { open: 3 }, "batch_not_finished"),
            (RetryRefused::NothingToRetry, "nothing_to_retry"),
        ] {
            let failure = not_retried(refused);
            assert_eq!((failure.status(), failure.code()), (409, code));
        }
    }
}
