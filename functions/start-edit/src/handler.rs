//! Messages in, executions out. A message that comes twice finds its execution there, which is as good as starting it.

use aws::Workflow;
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::Work;
use edge::{queue, task::TaskError};
use tracing::info;

pub(crate) struct Handler {
    pub(crate) workflow: Workflow,
}

impl Handler {
    pub(crate) async fn handle(&self, event: SqsEvent) -> Result<SqsBatchResponse, TaskError> {
        queue::each(event, |work| self.start(work)).await
    }

    async fn start(&self, work: Work) -> Result<(), TaskError> {
        let image = work.image;
        self.workflow
            .start(image, &work)
            .await
            .map_err(TaskError::aws(image))?;
        info!(batch.id = %image.batch_id, image.index = image.index, "started {image}");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn the_event_carries_two_images() {
        let json = include_str!("../../../events/start-edit/two-images.json");
        let event = serde_json::from_str(json).unwrap();
        let seen = RefCell::new(Vec::new());
        let response = queue::each(event, async |work: Work| {
            seen.borrow_mut().push(work.image.index);
            Ok(())
        });
        assert!(response.await.unwrap().batch_item_failures.is_empty());
        assert_eq!(seen.into_inner(), [0, 1]);
    }
}
