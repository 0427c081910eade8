//! SQS: sending, and being sure that all of it was sent; and having something come again later than by itself.

use std::time::Duration;

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use serde::Serialize;

use crate::{AwsError, Settings, backoff::Backoff, settings::client};

/// How many messages one call takes.
const BATCH: usize = 10;
/// The longest delay of a message, in seconds.
const LONGEST_DELAY: i32 = 900;
/// How long to go on sending what a call refused.
const BUDGET: Duration = Duration::from_secs(20);

/// A queue to send to.
#[derive(Clone, Debug)]
pub struct Queue {
    client: aws_sdk_sqs::Client,
    url: String,
}

impl Queue {
    /// The queue at this URL.
    #[must_use]
    pub fn new(settings: &Settings, url: String) -> Self {
        Self {
            client: client!(settings, aws_sdk_sqs),
            url,
        }
    }

    /// Sends each message as JSON, in tens. On an error some of them may have been sent.
    pub async fn send_all<T: Serialize>(&self, messages: &[T]) -> Result<(), AwsError> {
        for chunk in messages.chunks(BATCH) {
            let mut entries = Vec::with_capacity(chunk.len());
            for (index, message) in chunk.iter().enumerate() {
                entries.push(entry(index, body(message)?, 0)?);
            }
            self.send(entries).await?;
        }
        Ok(())
    }

    /// Sends a message that nobody gets before this time is over; at most a quarter of an hour, which is SQS's own limit.
    pub async fn send_later<T: Serialize>(
        &self,
        message: &T,
        delay: Duration,
    ) -> Result<(), AwsError> {
        let seconds = i32::try_from(delay.as_secs()).unwrap_or(LONGEST_DELAY);
        let entry = entry(0, body(message)?, seconds.min(LONGEST_DELAY))?;
        self.send(vec![entry]).await
    }

    /// Has a message that its consumer is about to report as failed come again after this time, at most 12 hours, instead
    /// of the queue's own.
    pub async fn put_off(&self, receipt: &str, wait: Duration) -> Result<(), AwsError> {
        self.client
            .change_message_visibility()
            .queue_url(&self.url)
            .receipt_handle(receipt)
            .visibility_timeout(i32::try_from(wait.as_secs()).unwrap_or(i32::MAX))
            .send()
            .await
            .map_err(AwsError::call("sqs:ChangeMessageVisibility"))?;
        Ok(())
    }

    /// Sends one message that is JSON already, as it came.
    pub async fn send_json(&self, json: &str) -> Result<(), AwsError> {
        self.send(vec![entry(0, acceptable(json), 0)?]).await
    }

    /// A 200 answer may still list messages that were not taken: those are sent again.
    async fn send(&self, mut entries: Vec<SendMessageBatchRequestEntry>) -> Result<(), AwsError> {
        let mut backoff = Backoff::within(BUDGET);
        loop {
            let answer = self
                .client
                .send_message_batch()
                .queue_url(&self.url)
                .set_entries(Some(entries.clone()))
                .send()
                .await
                .map_err(AwsError::call("sqs:SendMessageBatch"))?;
            entries.retain(|entry| answer.failed().iter().any(|failed| failed.id == entry.id));
            if entries.is_empty() {
                return Ok(());
            }
            if !backoff.wait().await {
                return Err(AwsError::Contended("sqs:SendMessageBatch"));
            }
        }
    }
}

fn entry(
    index: usize,
    body: String,
    delay_seconds: i32,
) -> Result<SendMessageBatchRequestEntry, AwsError> {
    SendMessageBatchRequestEntry::builder()
        .id(index.to_string())
        .message_body(body)
        .delay_seconds(delay_seconds)
        .build()
        .map_err(AwsError::call("sqs:SendMessageBatch"))
}

/// A message as JSON that SQS takes.
fn body<T: Serialize>(message: &T) -> Result<String, AwsError> {
    let json = serde_json::to_string(message).map_err(AwsError::unreadable("a message to send"))?;
    Ok(acceptable(&json))
}

/// JSON in characters that SQS takes. It refuses U+FFFE and U+FFFF, which JSON does not mind: somebody's prompt may hold
/// them, and the message would be refused for ever. They can only stand in strings, where an escape means the same.
fn acceptable(json: &str) -> String {
    json.replace('\u{fffe}', r"\ufffe")
        .replace('\u{ffff}', r"\uffff")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_sent_in_characters_that_sqs_takes() {
        let text: String = ('\0'..=char::MAX).collect();
        let body = body(&text).unwrap();
        let taken = |c| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
        assert_eq!(body.chars().find(|&c| !taken(c)), None);
        assert_eq!(serde_json::from_str::<String>(&body).unwrap(), text);
    }
}
