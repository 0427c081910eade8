//! A photo and a wish in, a result out; or the time at which to ask again.
//!
//! The order of the steps is what R5 rests on: look for the result, claim (which counts the call), call, save the result
//! under its final key, and only then say that it is done. Whatever dies on the way, the next try sees how far it came.

use std::time::Duration;

use aws::{AwsError, ClaimError, Order, Photos, Tables, Ticket};
use domain::{
    ClaimRefused, Failure, Format, Outcome, Picture, Timestamp, Verdict, Work, result_key, timing,
};
use edge::task::TaskError;
use provider::{Client, EditError, EditRequest, Edited, Input, InputForm, PictureFormat};
use serde::{Deserialize, Serialize};
use tracing::{info, warn};

/// When to ask again after the provider turned a call away without saying when.
const AFTER_REFUSAL: Duration = Duration::from_secs(10);
/// When to ask again while the provider waits for its operator (no money, a bad key): nothing is refunded before the
/// batch's deadline, because the pictures can still be made.
const AFTER_OUTAGE: Duration = Duration::from_mins(1);
/// Calls for one image, all told. Only a photo that the provider never manages to fetch gets this far.
const MAX_CALLS: u32 = 10;

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) photos: Photos,
    pub(crate) provider: Client,
    pub(crate) input_form: InputForm,
}

/// What the workflow hands over.
#[derive(Debug, Deserialize)]
pub(crate) struct Task {
    work: Work,
    verdict: Verdict,
}

/// What the workflow gets back: an outcome to settle, or what to do instead.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(crate) enum Answer {
    Ended(Outcome),
    Open(Open),
}

#[derive(Debug, Serialize)]
#[serde(tag = "outcome", rename_all = "camelCase")]
pub(crate) enum Open {
    /// Ask again then.
    Later { until: Timestamp },
    /// Somebody else has settled it.
    Settled,
}

/// Why a try ended without a picture.
enum Ended {
    Provider(EditError),
    Ours(AwsError),
}

impl Handler {
    pub(crate) async fn handle(&self, Task { work, verdict }: Task) -> Result<Answer, TaskError> {
        match verdict {
            Verdict::Refused(failure) => Ok(Answer::Ended(Outcome::Failed(failure))),
            Verdict::Fit(picture) => {
                let image = work.image;
                self.edit(work, picture)
                    .await
                    .map_err(TaskError::aws(image))
            }
        }
    }

    async fn edit(&self, work: Work, picture: Picture) -> Result<Answer, AwsError> {
        let image = work.image;
        let order = self.tables.order(image.batch_id).await?;
        let order = order.ok_or_else(|| AwsError::Missing(format!("batch {}", image.batch_id)))?;
        let batch = &order.batch;
        let result_key = result_key(&batch.user, image, batch.options.format);
        if self.photos.exists(&result_key).await? {
            info!(batch.id = %image.batch_id, image.index = image.index, "found the result of {image}");
            return Ok(Answer::Ended(Outcome::Completed {
                result_key,
                usage: None,
            }));
        }
        if batch.cancel_requested {
            return Ok(Answer::Ended(Outcome::Canceled));
        }
        let now = Timestamp::now();
        if now >= batch.deadline {
            return Ok(failed(
                "deadline_passed",
                "The photo could not be edited in time. Your credits are back; please try again later.",
            ));
        }
        let ticket = match self.tables.claim(image, now, now.plus(timing::LEASE)).await {
            Ok(ticket) => ticket,
            Err(ClaimError::Refused(refused)) => return Ok(unclaimed(refused)),
            Err(ClaimError::Store(error)) => return Err(error),
        };
        info!(batch.id = %image.batch_id, image.index = image.index, call = ticket.provider_calls, "calling the provider for {image}");
        match self.call(&order, &work, picture).await {
            Ok(edited) => self.save(result_key, batch.options.format, edited).await,
            // Nothing was sent, so nothing was bought: the claim goes back, and the workflow tries again.
            Err(Ended::Ours(error)) => {
                self.tables.release(&ticket, true).await?;
                Err(error)
            }
            Err(Ended::Provider(error)) => self.turned_away(&work, &ticket, error).await,
        }
    }

    async fn call(&self, order: &Order, work: &Work, picture: Picture) -> Result<Edited, Ended> {
        let key = work.key.to_string();
        let link;
        let input = match self.input_form {
            InputForm::Url => {
                // As long as the call may last: the provider fetches the photo when it gets round to it.
                link = self
                    .photos
                    .download_link(&key, timing::LEASE)
                    .await
                    .map_err(Ended::Ours)?;
                Input::Url(&link)
            }
            InputForm::Multipart => Input::Bytes {
                bytes: self.photos.get(&key).await.map_err(Ended::Ours)?,
                format: picture_format(picture.format),
            },
        };
        let options = order.batch.options;
        let request = EditRequest {
            input,
            prompt: work.prompt.as_ref().unwrap_or(&order.prompt),
            size: &options.size.to_string(),
            quality: options.quality.name(),
            output_format: picture_format(options.format),
        };
        self.provider.edit(request).await.map_err(Ended::Provider)
    }

    /// The provider's client has seen that the picture is whole. From here on the image is completed, whatever dies.
    async fn save(
        &self,
        result_key: String,
        format: Format,
        edited: Edited,
    ) -> Result<Answer, AwsError> {
        self.photos.put(&result_key, edited.picture, format).await?;
        let usage = edited.usage.map(|usage| domain::Usage {
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
        });
        Ok(Answer::Ended(Outcome::Completed { result_key, usage }))
    }

    async fn turned_away(
        &self,
        work: &Work,
        ticket: &Ticket,
        error: EditError,
    ) -> Result<Answer, AwsError> {
        let (image, code) = (work.image, error.code());
        let outcome = error.outcome();
        warn!(
            batch.id = %image.batch_id,
            image.index = image.index,
            code,
            request.id = error.request_id().unwrap_or_default(),
            %error,
            "the provider turned {image} away: {code}"
        );
        let known = outcome != provider::Outcome::Unknown;
        self.tables.release(ticket, known).await?;
        let wait = match outcome {
            provider::Outcome::FinalForImage => {
                let message = error.public_message().unwrap_or_else(|| error.to_string());
                return Ok(failed(code, &message));
            }
            provider::Outcome::NotBought if ticket.provider_calls >= MAX_CALLS => {
                return Ok(failed(
                    code,
                    "The image service could not take this photo. Your credits are back; please try again later.",
                ));
            }
            provider::Outcome::NotBought | provider::Outcome::Unknown => AFTER_REFUSAL,
            provider::Outcome::OperatorMustAct => AFTER_OUTAGE,
        };
        let wait = error.retry_after().unwrap_or(wait);
        Ok(later(Timestamp::now().plus(wait)))
    }
}

fn unclaimed(refused: ClaimRefused) -> Answer {
    match refused {
        ClaimRefused::Final(_) => Answer::Open(Open::Settled),
        ClaimRefused::Claimed { until } => later(until),
        ClaimRefused::OutcomesUnknown => failed(
            "provider_outcome_unknown",
            "The image service broke off twice while editing this photo. Your credits are back; please try again.",
        ),
    }
}

const fn later(until: Timestamp) -> Answer {
    Answer::Open(Open::Later { until })
}

fn failed(code: &str, message: &str) -> Answer {
    Answer::Ended(Outcome::Failed(Failure::new(code, message)))
}

const fn picture_format(format: Format) -> PictureFormat {
    match format {
        Format::Png => PictureFormat::Png,
        Format::Jpeg => PictureFormat::Jpeg,
        Format::Webp => PictureFormat::Webp,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn the_events_are_tasks() {
        let task = |json| serde_json::from_str::<Task>(json).unwrap();
        let fit = task(include_str!("../../../events/edit-image/fit.json"));
        assert!(matches!(
            fit.verdict,
            Verdict::Fit(Picture { width: 640, .. })
        ));
        let refused = task(include_str!("../../../events/edit-image/refused.json"));
        assert!(matches!(refused.verdict, Verdict::Refused(_)));
    }

    #[test]
    fn answers_have_the_shape_that_the_workflow_branches_on() {
        let until = Timestamp::from_millis(0);
        for (answer, expected) in [
            (
                later(until),
                json!({"outcome": "later", "until": "1970-01-01T00:00:00.000Z"}),
            ),
            (Answer::Open(Open::Settled), json!({"outcome": "settled"})),
            (
                failed("c", "m"),
                json!({"outcome": "failed", "code": "c", "message": "m"}),
            ),
        ] {
            assert_eq!(to_value(answer).unwrap(), expected);
        }
    }

    #[test]
    fn a_claim_that_is_refused_waits_ends_or_fails() {
        let until = Timestamp::from_millis(7);
        let outcome = |refused| to_value(unclaimed(refused)).unwrap()["outcome"].clone();
        assert_eq!(outcome(ClaimRefused::Claimed { until }), "later");
        assert_eq!(outcome(ClaimRefused::OutcomesUnknown), "failed");
        assert_eq!(
            outcome(ClaimRefused::Final(domain::ImageState::Canceled)),
            "settled"
        );
    }
}
