//! A request in, a batch out: checked, priced, debited and recorded. It tells nobody: the table's stream does (R4).

use api::SubmitRequest;
use aws::{Intake, Wanted, Welcome};
use domain::{BatchId, Draft, DraftImage, IdempotencyKey, Limits, Rejected};
use edge::http::{Call, Failure, ProblemKind, Reply};

pub(crate) struct Handler {
    pub(crate) welcome: Welcome,
    pub(crate) intake: Intake,
    pub(crate) limits: Limits,
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
            .ok_or_else(Failure::email_not_verified)?;
        let wanted = Wanted {
            batch_id: BatchId::derive(&caller.user, &key),
            user: caller.user,
            submission,
            retry_of: None,
        };
        Reply::submitted(&self.intake.accept(wanted, account).await?)
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
        name: image.name,
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
