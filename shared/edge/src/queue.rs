//! Queue consumers: each record stands or falls for itself.

use std::future::Future;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use futures::future::join_all;
use serde::de::DeserializeOwned;
use tracing::{Instrument, error, info_span};

use crate::task::TaskError;

/// Hands every record's body to `handle` and reports those that failed, which then come again.
///
/// A record without an id could not be reported (an empty id deletes the whole batch), so it fails the batch.
pub async fn each<T, H, F>(event: SqsEvent, handle: H) -> Result<SqsBatchResponse, TaskError>
where
    T: DeserializeOwned,
    H: Fn(T) -> F,
    F: Future<Output = Result<(), TaskError>>,
{
    let mut records = Vec::with_capacity(event.records.len());
    for record in event.records {
        match record.message_id.clone().filter(|id| !id.is_empty()) {
            Some(id) => records.push((id, record)),
            None => {
                return Err(TaskError::new(
                    "record_without_id",
                    "a queue record has no id",
                ));
            }
        }
    }
    let tries = records.into_iter().map(|(id, record)| {
        let span = info_span!("record", message.id = %id);
        let handled = decode(&record).map(&handle);
        async move {
            let result = match handled {
                Ok(handled) => handled.await,
                Err(error) => Err(error),
            };
            // The runtime logs only errors of the whole invocation; this is the boundary for one record.
            result.err().map(|error| {
                error!(?error, "record failed");
                id
            })
        }
        .instrument(span)
    });
    let mut response = SqsBatchResponse::default();
    for id in join_all(tries).await.into_iter().flatten() {
        let mut failure = BatchItemFailure::default();
        failure.item_identifier = id;
        response.batch_item_failures.push(failure);
    }
    Ok(response)
}

fn decode<T: DeserializeOwned>(record: &SqsMessage) -> Result<T, TaskError> {
    serde_json::from_str(record.body.as_deref().unwrap_or_default())
        .map_err(|error| TaskError::new("record_unreadable", error))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn event(records: &serde_json::Value) -> SqsEvent {
        serde_json::from_value(json!({ "Records": records })).unwrap()
    }

    async fn failures(records: serde_json::Value) -> Result<Vec<String>, TaskError> {
        let response = each(event(&records), async |number: i64| {
            if number < 0 {
                Err(TaskError::new("negative", number))
            } else {
                Ok(())
            }
        })
        .await?;
        Ok(response
            .batch_item_failures
            .into_iter()
            .map(|failure| failure.item_identifier)
            .collect())
    }

    #[tokio::test]
    async fn only_what_failed_comes_again() {
        let records = json!([
            { "messageId": "a", "body": "1" },
            { "messageId": "b", "body": "-1" },
            { "messageId": "c", "body": "not json" },
            { "messageId": "d" },
            { "messageId": "e", "body": "2" },
        ]);
        assert_eq!(failures(records).await.unwrap(), ["b", "c", "d"]);
        assert_eq!(failures(json!([])).await.unwrap(), [""; 0]);
    }

    #[tokio::test]
    async fn a_record_without_an_id_fails_the_batch() {
        for records in [
            json!([{ "body": "1" }]),
            json!([{ "messageId": "", "body": "1" }]),
        ] {
            assert!(failures(records).await.is_err());
        }
    }
}
