//! Records of new batches in, messages out. May run twice for a record: a second message starts no second execution.

use aws::{Queue, Tables};
use domain::{BatchId, ImageRef, Work};
use edge::task::TaskError;
use futures::future::try_join_all;
use serde::Deserialize;
use tracing::info;

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) edits: Queue,
}

/// What this needs of a stream event. The filter lets only INSERTs of META through; the batch's name is in its key, and
/// all else is read from the table, which is newer than any record.
#[derive(Deserialize)]
pub(crate) struct StreamEvent {
    #[serde(rename = "Records")]
    records: Vec<StreamRecord>,
}

#[derive(Deserialize)]
struct StreamRecord {
    dynamodb: Change,
}

#[derive(Deserialize)]
struct Change {
    #[serde(rename = "Keys")]
    keys: Keys,
}

#[derive(Deserialize)]
struct Keys {
    pk: Text,
}

#[derive(Deserialize)]
struct Text {
    #[serde(rename = "S")]
    s: String,
}

impl Handler {
    pub(crate) async fn handle(&self, event: StreamEvent) -> Result<(), TaskError> {
        let batches = batches(&event)?;
        try_join_all(batches.into_iter().map(|batch| self.fan_out(batch))).await?;
        Ok(())
    }

    async fn fan_out(&self, batch_id: BatchId) -> Result<(), TaskError> {
        let about = format!("batch {batch_id}");
        let manifest = self
            .tables
            .manifest(batch_id)
            .await
            .map_err(TaskError::aws(&about))?;
        let (batch, jobs) = manifest.ok_or_else(|| TaskError::new("batch_missing", &about))?;
        if batch.open == 0 {
            info!(batch.id = %batch_id, "batch {batch_id} is over: nothing to send");
            return Ok(());
        }
        if jobs.len() != batch.total as usize {
            let found = jobs.len();
            let detail = format!(
                "{about}: the manifest names {found} of {} images",
                batch.total
            );
            return Err(TaskError::new("manifest_incomplete", detail));
        }
        let messages: Vec<Work> = (0..)
            .zip(jobs)
            .map(|(index, job)| Work::new(ImageRef { batch_id, index }, job))
            .collect();
        self.edits
            .send_all(&messages)
            .await
            .map_err(TaskError::aws(&about))?;
        info!(batch.id = %batch_id, images = messages.len(), "sent batch {batch_id} to the edit queue");
        Ok(())
    }
}

/// The batches that an event is about. One that cannot be read fails the event, which is then cut until it is alone.
fn batches(event: &StreamEvent) -> Result<Vec<BatchId>, TaskError> {
    let batch = |record: &StreamRecord| {
        let pk = &record.dynamodb.keys.pk.s;
        pk.strip_prefix("BATCH#")
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| TaskError::new("record_unreadable", format_args!("{pk} is no batch")))
    };
    event.records.iter().map(batch).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_names_a_batch() {
        let json = include_str!("../../../events/fan-out/new-batch.json");
        let event: StreamEvent = serde_json::from_str(json).unwrap();
        let id: BatchId = "9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f".parse().unwrap();
        assert_eq!(batches(&event).unwrap(), [id]);
        let event = serde_json::from_str(&json.replace("BATCH#", "USER#")).unwrap();
        assert!(batches(&event).is_err());
    }
}
