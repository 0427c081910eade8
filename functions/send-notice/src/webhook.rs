//! What a user's own program is told, signed as Standard Webhooks says.

use api::{Counts, FinishedBatch, WebhookEvent};
use domain::{Batch, CreditsOverflow, Timestamp, WebhookSecret, signature::Message};

/// Headers with their names.
pub(crate) type Signed = [(&'static str, String); 3];

/// Why there is no message.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unwritten {
    #[error("the batch is not over")]
    Open,
    #[error(transparent)]
    Price(#[from] CreditsOverflow),
    #[error("the message is no JSON")]
    Json(#[from] serde_json::Error),
}

/// The message about a batch that is over, with the headers that prove it. The body is the same for every try, and so is
/// the id; the time is that of the try, because receivers refuse what is old.
pub(crate) fn signed(
    id: &str,
    batch: &Batch,
    secret: &WebhookSecret,
    now: Timestamp,
) -> Result<(String, Signed), Unwritten> {
    let body = serde_json::to_string(&event(batch)?)?;
    let timestamp = (now.as_millis() / 1000).to_string();
    let message = Message {
        id,
        timestamp: &timestamp,
        body: body.as_bytes(),
    };
    let signature = message.sign(secret.key());
    let headers = [
        ("webhook-id", id.to_owned()),
        ("webhook-timestamp", timestamp),
        ("webhook-signature", signature),
    ];
    Ok((body, headers))
}

fn event(batch: &Batch) -> Result<WebhookEvent, Unwritten> {
    let finished_at = batch.finished_at.ok_or(Unwritten::Open)?.to_string();
    let counts = batch.final_counts();
    let status = counts.state(batch.cancel_requested).name();
    Ok(WebhookEvent {
        kind: format!("batch.{status}"),
        timestamp: finished_at.clone(),
        data: FinishedBatch {
            batch_id: batch.batch_id.to_string(),
            status: status.to_owned(),
            counts: Counts {
                total: counts.total,
                completed: counts.completed,
                failed: counts.failed,
                canceled: counts.canceled,
                ..Counts::default()
            },
            credits_spent: batch.credits_spent()?.get(),
            credits_refunded: batch.credits_refunded()?.get(),
            created_at: batch.created_at.to_string(),
            finished_at,
        },
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use standardwebhooks::Webhook;

    use super::*;
    use crate::mail::tests::finished;

    #[test]
    fn their_library_believes_it() {
        let batch = finished(2, &["photo_truncated"]).batch;
        let secret = WebhookSecret::new([7; 32]);
        let (body, headers) = signed("batch_1", &batch, &secret, Timestamp::now()).unwrap();
        let verifier = Webhook::new(&secret.to_string()).unwrap();
        let headers = headers
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .into_iter()
            .collect();
        verifier.verify(body.as_bytes(), &headers).unwrap();
        let forged = body.replace("completed", "failed");
        assert!(verifier.verify(forged.as_bytes(), &headers).is_err());
    }

    #[test]
    fn it_says_what_the_status_says() {
        let mut batch = finished(2, &["photo_truncated"]).batch;
        let expected = json!({
            "type": "batch.completed",
            "timestamp": "2026-09-21T14:13:20.000Z",
            "data": {
                "batchId": "9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f",
                "status": "completed",
                "counts": { "total": 3, "pending": 0, "processing": 0, "completed": 2, "failed": 1, "canceled": 0 },
                "creditsSpent": 6,
                "creditsRefunded": 2,
                "createdAt": "2026-09-21T14:12:20.000Z",
                "finishedAt": "2026-09-21T14:13:20.000Z",
            },
        });
        assert_eq!(
            serde_json::to_value(event(&batch).unwrap()).unwrap(),
            expected
        );
        batch.finished_at = None;
        assert!(matches!(event(&batch), Err(Unwritten::Open)));
    }
}
