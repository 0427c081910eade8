//! An outcome in, a final state out. May be asked again: an image is settled once.

use aws::{Settled, Settler};
use domain::{ImageRef, Outcome};
use edge::task::TaskError;
use serde::Deserialize;
use tracing::info;

pub(crate) struct Handler {
    pub(crate) settler: Settler,
}

/// What the workflow hands over.
#[derive(Debug, Deserialize)]
pub(crate) struct Task {
    image: ImageRef,
    result: Outcome,
}

impl Handler {
    /// The error `image_claimed` tells the workflow to ask again: somebody may be about to complete the image.
    pub(crate) async fn handle(&self, Task { image, result }: Task) -> Result<(), TaskError> {
        let settled = self.settler.settle_one(image, result).await;
        match settled.map_err(TaskError::aws(image))? {
            Settled::Final { state, now } => {
                let state = state.name();
                info!(batch.id = %image.batch_id, image.index = image.index, state, now, "settled {image}: {state}");
                Ok(())
            }
            Settled::Claimed { until } => {
                let detail = format!("{image} is claimed until {until}");
                Err(TaskError::new("image_claimed", detail))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_are_outcomes() {
        let task = |json| serde_json::from_str::<Task>(json).unwrap();
        let completed = task(include_str!("../../../events/settle-image/completed.json"));
        assert!(matches!(
            completed.result,
            Outcome::Completed { usage: Some(_), .. }
        ));
        let failed = task(include_str!("../../../events/settle-image/failed.json"));
        assert!(matches!(failed.result, Outcome::Failed(_)));
        assert_eq!(failed.image.index, 3);
    }
}
