//! Images that fell off the road in, images on the road or settled out. It asks before it acts: what looks dead may be
//! a late message about something that is long since well.

use aws::{Settled, Settler, Tables, Workflow};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::{ImageRef, Outcome, Rescue, Timestamp, Work};
use edge::{queue, task::TaskError};
use serde::Deserialize;
use tracing::info;

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) settler: Settler,
    pub(crate) workflow: Workflow,
}

/// What lies in the rescue queue.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Wreck {
    /// A dead letter of the edit queue.
    Letter(Work),
    /// EventBridge's "Step Functions Execution Status Change".
    Execution {
        /// Of which only the input matters: the rest is asked for.
        detail: ExecutionDetail,
    },
}

#[derive(Debug, Deserialize)]
pub(crate) struct ExecutionDetail {
    /// The execution's input: a [`Work`] as JSON in a string.
    input: String,
}

impl Handler {
    pub(crate) async fn handle(&self, event: SqsEvent) -> Result<SqsBatchResponse, TaskError> {
        queue::each(event, |wreck: Wreck| async move {
            self.rescue(wreck.work()?).await
        })
        .await
    }

    async fn rescue(&self, work: Work) -> Result<(), TaskError> {
        let image = work.image;
        let batch = self
            .tables
            .batch(image.batch_id)
            .await
            .map_err(TaskError::aws(image))?;
        let Some(batch) = batch else {
            return Err(TaskError::new("batch_missing", image));
        };
        let execution = self
            .workflow
            .execution(image)
            .await
            .map_err(TaskError::aws(image))?;
        match batch.rescue(execution, Timestamp::now()) {
            Rescue::Leave => {
                info!(batch.id = %image.batch_id, image.index = image.index, "{image} is on its way");
                Ok(())
            }
            Rescue::Start => {
                self.workflow
                    .start(image, &work)
                    .await
                    .map_err(TaskError::aws(image))?;
                info!(batch.id = %image.batch_id, image.index = image.index, "started {image} after all");
                Ok(())
            }
            Rescue::Settle(outcome) => self.settle(image, outcome).await,
        }
    }

    async fn settle(&self, image: ImageRef, outcome: Outcome) -> Result<(), TaskError> {
        let settled = self.settler.settle_one(image, outcome).await;
        match settled.map_err(TaskError::aws(image))? {
            Settled::Final { state, now } => {
                let state = state.name();
                info!(batch.id = %image.batch_id, image.index = image.index, state, now, "rescued {image}: {state}");
                Ok(())
            }
            // The record stays in the queue, and comes again after the claim has run out.
            Settled::Claimed { until } => {
                let detail = format!("{image} is claimed until {until}");
                Err(TaskError::new("image_claimed", detail))
            }
        }
    }
}

impl Wreck {
    fn work(self) -> Result<Work, TaskError> {
        match self {
            Self::Letter(work) => Ok(work),
            Self::Execution { detail } => serde_json::from_str(&detail.input)
                .map_err(|error| TaskError::new("record_unreadable", error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn both_kinds_of_wrecks_name_their_image() {
        let json = include_str!("../../../events/rescue-image/letter-and-execution.json");
        let event = serde_json::from_str(json).unwrap();
        let seen = RefCell::new(Vec::new());
        let response = queue::each(event, async |wreck: Wreck| {
            seen.borrow_mut().push(wreck.work()?.image.index);
            Ok(())
        });
        assert!(response.await.unwrap().batch_item_failures.is_empty());
        assert_eq!(seen.into_inner(), [3, 4]);
    }
}
