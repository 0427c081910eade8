//! A user's batches, newest first, page by page.

use api::{BatchHistory, BatchSummary};
use aws::{AwsError, Tables};
use domain::{Batch, Counts};
use edge::http::{Call, Failure, Reply};
use futures::future::try_join_all;

pub(crate) struct Handler {
    pub(crate) tables: Tables,
}

impl Handler {
    pub(crate) async fn handle(&self, call: Call) -> Result<Reply, Failure> {
        let user = call.caller()?.user;
        let limit = call.limit(BatchHistory::PAGE, BatchHistory::LONGEST_PAGE)?;
        let page = self
            .tables
            .history(&user, call.query("cursor"), limit)
            .await?;
        if page.batches.iter().any(|batch| batch.erased_at.is_some()) {
            return Err(Failure::account_deleted());
        }
        let batches =
            try_join_all(page.batches.into_iter().map(|batch| self.summary(batch))).await?;
        Ok(Reply::ok(&BatchHistory {
            batches,
            next_cursor: page.next,
        }))
    }

    async fn summary(&self, batch: Batch) -> Result<BatchSummary, Failure> {
        // A batch's own record does not say which of its open images have started; only open batches need to be asked.
        let counts = if batch.open == 0 {
            batch.final_counts()
        } else {
            Counts::of(batch.total, self.tables.image_states(batch.batch_id).await?)
        };
        let out_of_range = |_| Failure::from(AwsError::Missing("a price in range".to_owned()));
        Ok(BatchSummary {
            status: counts.state(batch.cancel_requested).name().to_owned(),
            credits_spent: batch.credits_spent().map_err(out_of_range)?.get(),
            credits_refunded: batch.credits_refunded().map_err(out_of_range)?.get(),
            batch_id: batch.batch_id.to_string(),
            prompt: batch.prompt_excerpt,
            counts: api::Counts {
                total: counts.total,
                pending: counts.pending,
                processing: counts.processing,
                completed: counts.completed,
                failed: counts.failed,
                canceled: counts.canceled,
            },
            created_at: batch.created_at.to_string(),
            finished_at: batch.finished_at.map(|at| at.to_string()),
            retry_of: batch.retry_of.map(|id| id.to_string()),
            retried_in: batch.retried_in.map(|id| id.to_string()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_asks_for_a_page() {
        let event = include_str!("../../../events/batch-history/second-page.json");
        let call = Call::from_event(event).unwrap();
        let limit = |call: &Call| call.limit(BatchHistory::PAGE, BatchHistory::LONGEST_PAGE);
        assert_eq!(limit(&call).unwrap(), 5);
        assert!(call.query("cursor").is_some());
        for bad in ["0", "101", "five", "-1"] {
            let event = event.replace("\"limit\": \"5\"", &format!("\"limit\": \"{bad}\""));
            let event = event.replace("limit=5", &format!("limit={bad}"));
            assert!(limit(&Call::from_event(&event).unwrap()).is_err(), "{bad}");
        }
    }
}
