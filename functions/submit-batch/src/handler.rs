//! A request in, a batch out: checked, priced, debited and recorded. It tells nobody: the table's stream does (R4).

use std::time::Duration;

use api::{SubmitRequest, SubmitResponse};
use aws::{Accepted, SubmitError, Tables, Welcome};
use domain::{
    Batch, BatchId, Draft, DraftImage, IdempotencyKey, Limits, PriceTable, Rejected, Timestamp,
    UserId,
    pace::{LONGEST_BACKLOG, Pace},
    timing::TimeLimits,
};
use edge::http::{Call, Failure, ProblemKind, Reply};
use futures::future::try_join;
use tracing::warn;

/// When to try again while too many images are open.
const AFTER_FULL: Duration = Duration::from_mins(1);

pub(crate) struct Handler {
    pub(crate) welcome: Welcome,
    pub(crate) tables: Tables,
    pub(crate) pace: Pace,
    pub(crate) limits: Limits,
    pub(crate) prices: PriceTable,
    pub(crate) times: TimeLimits,
}

impl Handler {
    pub(crate) async fn handle(&self, call: Call) -> Result<Reply, Failure> {
        let caller = call.caller()?;
        let key = idempotency_key(&call)?;
        let submission = draft(call.json()?)
            .check(&caller.user, &self.limits)
            .map_err(rejected)?;
        let account = self
            .welcome
            .account(&caller.user, &caller.email, caller.email_verified)
            .await?
            .ok_or_else(|| {
                Failure::new(
                    ProblemKind::EmailNotVerified,
                    "confirm your e-mail address first, then sign in again",
                )
            })?;
        let now = Timestamp::now();
        let batch_id = BatchId::derive(&caller.user, &key);
        let last_turn = match self
            .room(&caller.user, submission.image_count(), now)
            .await?
        {
            Ok(last_turn) => last_turn,
            // What was accepted while there was room stays accepted: a repeat gets its first answer again.
            Err(full) if self.tables.batch(batch_id).await?.is_none() => return Err(full),
            Err(_) => now,
        };
        let price = self.prices.price(submission.options);
        let batch = Batch::new(
            batch_id,
            caller.user,
            &submission,
            price,
            now,
            last_turn,
            &self.times,
        );
        let accepted = self
            .tables
            .submit(batch, &submission, account)
            .await
            .map_err(not_accepted)?;
        if !accepted.repeated {
            let images = accepted.batch.total;
            // The batch is accepted whether or not the estimate for the next one knows of it.
            if let Err(error) = self.tables.extend_backlog(self.pace, images, now).await {
                warn!(%error, "the backlog's estimate misses {images} images");
            }
        }
        Ok(Reply::accepted(&response(&accepted)?))
    }

    /// When the last of so many more images would have its turn; or why there is no room for them now.
    async fn room(
        &self,
        user: &UserId,
        images: u32,
        now: Timestamp,
    ) -> Result<Result<Timestamp, Failure>, Failure> {
        let (gate, open) = try_join(self.tables.gate(), self.tables.open_images(user, now)).await?;
        let most = self.limits.max_open_images;
        if open + u64::from(images) > u64::from(most) {
            let detail = format!(
                "{open} of your images are being edited, and at most {most} may be; wait until some are done"
            );
            return Ok(Err(
                Failure::new(ProblemKind::TooManyOpenImages, detail).with_retry_after(AFTER_FULL)
            ));
        }
        let last_turn = self.pace.end_of_backlog(&gate, images, now);
        let too_long = last_turn.since(now.plus(LONGEST_BACKLOG));
        if !too_long.is_zero() {
            let detail = format!(
                "so many photos are waiting that yours would not be done before {last_turn}; send fewer, or come back after {}",
                now.plus(too_long)
            );
            return Ok(Err(
                Failure::new(ProblemKind::Backlog, detail).with_retry_after(too_long)
            ));
        }
        Ok(Ok(last_turn))
    }
}

fn idempotency_key(call: &Call) -> Result<IdempotencyKey, Failure> {
    call.header("idempotency-key")
        .and_then(|key| key.parse().ok())
        .ok_or_else(|| {
            Failure::new(
                ProblemKind::IdempotencyKeyRequired,
                "send an Idempotency-Key header: 1 to 255 visible ASCII characters, new for each batch and the same \
                 when you repeat a request, such as a UUID",
            )
        })
}

fn draft(request: SubmitRequest) -> Draft {
    let image = |image: api::ImageToEdit| DraftImage {
        key: image.key,
        prompt: image.prompt,
    };
    Draft {
        images: request.images.into_iter().map(image).collect(),
        prompt: request.prompt,
        quality: request.options.quality,
        size: request.options.size,
        format: request.options.format,
    }
}

fn rejected(rejected: Rejected) -> Failure {
    match rejected {
        Rejected::Invalid(faults) => {
            Failure::new(ProblemKind::InvalidRequest, "this batch cannot be accepted")
                .with_faults(faults)
        }
        Rejected::UnknownPhotos(faults) => Failure::new(
            ProblemKind::PhotoNotFound,
            "some of these photos do not exist",
        )
        .with_faults(faults),
    }
}

fn not_accepted(error: SubmitError) -> Failure {
    match error {
        SubmitError::Insufficient(insufficient) => Failure::insufficient(insufficient),
        SubmitError::KeyReused => Failure::new(
            ProblemKind::IdempotencyKeyReused,
            "this Idempotency-Key was used for a different request; use a new one for a new batch",
        ),
        SubmitError::Price(_) => Failure::new(
            ProblemKind::InvalidRequest,
            "this batch is too large to be priced",
        ),
        SubmitError::Store(error) => error.into(),
    }
}

fn response(accepted: &Accepted) -> Result<SubmitResponse, Failure> {
    let batch = &accepted.batch;
    let spent = batch
        .credits_spent()
        .map_err(|error| not_accepted(error.into()))?;
    Ok(SubmitResponse {
        batch_id: batch.batch_id.to_string(),
        image_count: batch.total,
        credits_spent: spent.get(),
        credits: accepted.balance_after.get(),
        status_url: format!("/api/batch/{}/status", batch.batch_id),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_PHOTOS: &str = include_str!("../../../events/submit-batch/two-photos.json");

    #[test]
    fn the_event_is_a_submit() {
        let call = Call::from_event(TWO_PHOTOS).unwrap();
        let user = call.caller().unwrap().user;
        assert!(idempotency_key(&call).is_ok());
        let submission = draft(call.json().unwrap())
            .check(&user, &Limits::default())
            .unwrap();
        assert_eq!(submission.image_count(), 2);
        assert_eq!(
            submission.jobs[1].prompt.as_deref(),
            Some("make only the sky blue")
        );
    }

    #[test]
    fn a_submit_without_a_usable_key_is_told_what_to_send() {
        for key in ["", "not ascii: ü"] {
            let event = TWO_PHOTOS.replace("0e6a1f5e-1c0f-4f5c-a8f0-6f2d9f3b7a10", key);
            let call = Call::from_event(&event).unwrap();
            let failure = idempotency_key(&call).unwrap_err();
            assert_eq!(failure.code(), "idempotency_key_required");
        }
    }
}
