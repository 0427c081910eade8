//! Queue consumers: each record stands or falls for itself.

use std::future::Future;

use aws_lambda_events::sqs::{BatchItemFailure, SqsBatchResponse, SqsEvent, SqsMessage};
use domain::Timestamp;
use futures::future::join_all;
use serde::de::DeserializeOwned;
use tracing::{Instrument, error, info_span};

use crate::task::TaskError;

/// A message as its consumer gets it, for those that treat the tenth try differently from the first.
#[derive(Clone, Debug)]
pub struct Delivery<T> {
    /// What it says.
    pub message: T,
    /// What the queue knows this delivery by.
    pub receipt: String,
    /// How often it was received, this time included.
    pub tries: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
}

/// What became of a message that did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handled {
    /// It is done with.
    Done,
    /// It was not its time: it comes again, and nobody has to know.
    Later,
}

/// Hands every record's body to `handle` and reports those that failed, which then come again.
///
/// A record without an id could not be reported (an empty id deletes the whole batch), so it fails the batch.
pub async fn each<T, H, F>(event: SqsEvent, handle: H) -> Result<SqsBatchResponse, TaskError>
where
    T: DeserializeOwned,
    H: Fn(T) -> F,
    F: Future<Output = Result<(), TaskError>>,
{
    each_record(event, |record| {
        let handled = decode(record).map(&handle);
        async { handled?.await.map(|()| Handled::Done) }
    })
    .await
}

/// The same with all that there is to know of a delivery.
pub async fn each_delivery<T, H, F>(
    event: SqsEvent,
    handle: H,
) -> Result<SqsBatchResponse, TaskError>
where
    T: DeserializeOwned,
    H: Fn(Delivery<T>) -> F,
    F: Future<Output = Result<Handled, TaskError>>,
{
    each_record(event, |record| {
        let handled = delivery(record).map(&handle);
        async { handled?.await }
    })
    .await
}

async fn each_record<H, F>(event: SqsEvent, handle: H) -> Result<SqsBatchResponse, TaskError>
where
    H: Fn(&SqsMessage) -> F,
    F: Future<Output = Result<Handled, TaskError>>,
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
        let handled = handle(&record);
        async move {
            match handled.await {
                Ok(Handled::Done) => None,
                Ok(Handled::Later) => Some(id),
                // The runtime logs only errors of the whole invocation; this is the boundary for one record.
                Err(error) => {
                    error!(?error, "record failed");
                    Some(id)
                }
            }
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

fn delivery<T: DeserializeOwned>(record: &SqsMessage) -> Result<Delivery<T>, TaskError> {
    let lacks = |what| TaskError::new("record_unreadable", format_args!("a record has no {what}"));
    let number = |name: &'static str| {
        let value = record.attributes.get(name);
        value
            .and_then(|value| value.parse::<i64>().ok())
            .ok_or_else(|| lacks(name))
    };
    let receipt = record.receipt_handle.clone();
    Ok(Delivery {
        message: decode(record)?,
        receipt: receipt.ok_or_else(|| lacks("receipt handle"))?,
        tries: u32::try_from(number("ApproximateReceiveCount")?).unwrap_or(u32::MAX),
        sent_at: Timestamp::from_millis(number("SentTimestamp")?),
    })
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
    async fn a_delivery_says_how_often_and_since_when() {
        let record = |id: &str, tries: &str| {
            json!({
                "messageId": id,
                "receiptHandle": format!("receipt-{id}"),
                "body": "1",
                "attributes": { "ApproximateReceiveCount": tries, "SentTimestamp": "1790000000000" },
            })
        };
        let records = json!([record("a", "1"), record("b", "2"), record("c", "x"), { "messageId": "d", "body": "1" }]);
        let response = each_delivery(event(&records), async |delivery: Delivery<u32>| {
            assert_eq!(delivery.sent_at, Timestamp::from_millis(1_790_000_000_000));
            assert!(delivery.receipt.starts_with("receipt-"));
            match delivery.tries {
                1 => Ok(Handled::Done),
                _ => Ok(Handled::Later),
            }
        });
        let again = response.await.unwrap().batch_item_failures;
        let again: Vec<_> = again.iter().map(|it| it.item_identifier.as_str()).collect();
        assert_eq!(again, ["b", "c", "d"]);
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
