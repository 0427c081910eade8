//! A photo and a wish in, a result out; or the time at which to ask again.
//!
//! The order of the steps is what R5 rests on: look for the result, take a turn, claim (which counts the call), call, save
//! the result under its final key, and only then say that it is done. Whatever dies on the way, the next try sees how far it came.

use std::time::Duration;

use aws::{AwsError, Booking, ClaimError, Order, Photos, Secret, Tables, Ticket};
use domain::pace::{Rules, Turn};
use domain::{
    ClaimRefused, Failure, Format, ImageRef, Outcome, Picture, Timestamp, Verdict, Work,
    result_key, timing::TimeLimits,
};
use edge::task::TaskError;
use provider::{ApiKey, Client, EditError, EditRequest, Edited, Input, InputForm, PictureFormat};
use serde::{Deserialize, Serialize};
use tracing::{error, info, warn};

/// The least that an image waits after the provider turned its call away, whenever that may be asked again: an execution has
/// 25,000 events, and each try takes about ten of them.
const AFTER_REFUSAL: Duration = Duration::from_secs(10);
/// A turn so near is waited for right here: three transitions of the workflow cost more than ten seconds of this function
/// ($0.000075 to $0.00007, by facts/aws-and-local.md).
const NEAR: Duration = Duration::from_secs(10);
/// How often the provider may fail to fetch a photo: it answers alike for a passing trouble and for one that never ends.
const MAX_FETCHES: u32 = 10;

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) photos: Photos,
    pub(crate) provider: Client,
    pub(crate) provider_key: Secret,
    pub(crate) rules: Rules,
    pub(crate) times: TimeLimits,
    pub(crate) input_form: InputForm,
}

/// What the workflow hands over.
#[derive(Debug, Deserialize)]
pub(crate) struct Task {
    work: Work,
    verdict: Verdict,
    /// What an earlier try has booked.
    turn: Option<Turn>,
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
    /// Ask again then, with the turn that is booked, if one is.
    Later {
        until: Timestamp,
        turn: Option<Turn>,
    },
    /// Somebody else has settled it.
    Settled,
}

/// Whether to go on to the provider.
enum Pass {
    Go {
        probe: bool,
    },
    Wait {
        until: Timestamp,
        turn: Option<Turn>,
    },
}

/// What goes to the provider.
struct Photo {
    key: String,
    picture: Picture,
}

/// Why a try ended without a picture.
enum Ended {
    Provider(EditError),
    Ours(AwsError),
}

impl Handler {
    pub(crate) async fn handle(&self, task: Task) -> Result<Answer, TaskError> {
        let Task {
            work,
            verdict,
            turn,
        } = task;
        match verdict {
            Verdict::Refused(failure) => Ok(Answer::Ended(Outcome::Failed(failure))),
            Verdict::Fit { key, picture } => {
                let image = work.image;
                self.edit(work, &Photo { key, picture }, turn)
                    .await
                    .map_err(TaskError::aws(image))
            }
        }
    }

    async fn edit(
        &self,
        work: Work,
        photo: &Photo,
        turn: Option<Turn>,
    ) -> Result<Answer, AwsError> {
        let image = work.image;
        let order = self.tables.order(image.batch_id).await?;
        let order = order
            .filter(|order| order.batch.has(image.index))
            .ok_or_else(|| AwsError::Missing(image.to_string()))?;
        let batch = &order.batch;
        let result_key = result_key(&batch.user, image, batch.options.format);
        if self.photos.exists(&result_key).await? {
            return Ok(found(image, result_key));
        }
        if *work.key.user() != batch.user {
            // Submit takes no such batch, so this is looked at only because it costs nothing (R6).
            return Ok(failed(
                "photo_missing",
                "The photo was not there when it was its turn. Upload it and submit it again.",
            ));
        }
        if batch.cancel_requested {
            return Ok(Answer::Ended(Outcome::Canceled));
        }
        if Timestamp::now() >= batch.deadline {
            return Ok(Answer::Ended(Outcome::Failed(Failure::deadline_passed())));
        }
        let probe = match self.pass(turn, batch.deadline).await? {
            Pass::Go { probe } => probe,
            Pass::Wait { until, turn } => return Ok(Answer::Open(Open::Later { until, turn })),
        };
        let now = Timestamp::now();
        let ticket = match self
            .tables
            .claim(image, now, now.plus(self.times.lease))
            .await
        {
            Ok(ticket) => ticket,
            Err(ClaimError::Refused(refused)) => return Ok(unclaimed(refused)),
            Err(ClaimError::Store(error)) => return Err(error),
        };
        // Whoever called before may have saved the result while this one waited for its turn.
        if ticket.provider_calls > 1 {
            let exists = self.photos.exists(&result_key).await;
            // Found or not found out: nobody was called.
            if !matches!(exists, Ok(false)) {
                self.tables.release(&ticket, true).await?;
            }
            if exists? {
                return Ok(found(image, result_key));
            }
        }
        info!(batch.id = %image.batch_id, image.index = image.index, call = ticket.provider_calls, "calling the provider for {image}");
        match self.call(&order, &work, photo).await {
            Ok(edited) => {
                let answer = self.save(result_key, batch.options.format, edited).await?;
                if probe {
                    self.tables.close_circuit(Timestamp::now()).await?;
                }
                Ok(answer)
            }
            // Nothing was sent, so nothing was bought: the claim goes back, and the workflow tries again.
            Err(Ended::Ours(error)) => {
                self.tables.release(&ticket, true).await?;
                Err(error)
            }
            Err(Ended::Provider(error)) => self.turned_away(&work, &ticket, probe, error).await,
        }
    }

    /// Waits for its turn, if that is near; otherwise says when it is.
    async fn pass(&self, turn: Option<Turn>, deadline: Timestamp) -> Result<Pass, AwsError> {
        let now = Timestamp::now();
        match turn {
            Some(turn) if now < turn.at => {
                return Ok(Pass::Wait {
                    until: turn.at,
                    turn: Some(turn),
                });
            }
            Some(turn) if self.tables.confirm_turn(turn, now).await? => {
                return Ok(Pass::Go { probe: false });
            }
            // Void, because the circuit has opened since; or never booked.
            Some(_) | None => {}
        }
        match self.tables.book_turn(self.rules, now, deadline).await? {
            Booking::Probe => Ok(Pass::Go { probe: true }),
            Booking::Turn(turn) if turn.at.since(now) <= NEAR => {
                tokio::time::sleep(turn.at.since(now)).await;
                Ok(Pass::Go { probe: false })
            }
            Booking::Turn(turn) => Ok(Pass::Wait {
                until: turn.at,
                turn: Some(turn),
            }),
            Booking::Later { until } => Ok(Pass::Wait { until, turn: None }),
        }
    }

    async fn call(&self, order: &Order, work: &Work, photo: &Photo) -> Result<Edited, Ended> {
        let key = &photo.key;
        let link;
        let input = match self.input_form {
            InputForm::Url => {
                // As long as the call may last: the provider fetches the photo when it gets round to it.
                link = self
                    .photos
                    .photo_link(key, photo.picture.format, self.times.lease)
                    .await
                    .map_err(Ended::Ours)?;
                Input::Url(&link)
            }
            InputForm::Multipart => Input::Bytes {
                bytes: self.photos.get(key).await.map_err(Ended::Ours)?,
                format: picture_format(photo.picture.format),
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
        let key = self.provider_key.read().await.map_err(Ended::Ours)?;
        let key: ApiKey = key
            .parse()
            .map_err(EditError::from)
            .map_err(Ended::Provider)?;
        let edited = self.provider.edit(&key, request).await;
        edited.map_err(Ended::Provider)
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
        probe: bool,
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
        if matches!(error, EditError::PhotoNotFetched { .. }) {
            self.tables.release_unfetched(ticket).await?;
        } else {
            self.tables.release(ticket, known).await?;
        }
        let now = Timestamp::now();
        let again = now.plus(wait(outcome, error.retry_after(), &self.times));
        match outcome {
            provider::Outcome::FinalForImage => {
                // That it judges photos is a sign of life.
                if probe {
                    self.tables.close_circuit(now).await?;
                }
                let message = error.public_message().unwrap_or_else(|| error.to_string());
                Ok(failed(code, &message))
            }
            provider::Outcome::NotBought => match error {
                EditError::PhotoNotFetched { .. } if ticket.failed_fetches + 1 >= MAX_FETCHES => {
                    Ok(failed(
                        code,
                        "The image service could not fetch this photo. Your credits are back; please try again later.",
                    ))
                }
                EditError::RateLimited { retry_after, .. } => {
                    let open = now.plus(retry_after.unwrap_or(AFTER_REFUSAL));
                    self.tables.hold_turns(open).await?;
                    Ok(later(again))
                }
                _ => Ok(later(again)),
            },
            provider::Outcome::Unknown => Ok(later(again)),
            provider::Outcome::OperatorMustAct => {
                self.tables.open_circuit(self.rules, code, now).await?;
                // The template's alarm looks for this field.
                error!(
                    alarm = "provider_circuit_open",
                    code, "the provider's operator has to act: {code}"
                );
                Ok(later(now.plus(self.rules.probe_every)))
            }
        }
    }
}

/// How long an image waits after a call of this outcome, when the provider asks for `retry_after`.
fn wait(outcome: provider::Outcome, retry_after: Option<Duration>, times: &TimeLimits) -> Duration {
    let least = match outcome {
        provider::Outcome::Unknown => times.repeat_after,
        _ => AFTER_REFUSAL,
    };
    retry_after.unwrap_or_default().max(least)
}

fn found(image: ImageRef, result_key: String) -> Answer {
    info!(batch.id = %image.batch_id, image.index = image.index, "found the result of {image}");
    Answer::Ended(Outcome::Completed {
        result_key,
        usage: None,
    })
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
    Answer::Open(Open::Later { until, turn: None })
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
    use domain::work_key;
    use serde_json::{json, to_value};

    use super::*;

    #[test]
    fn the_events_are_tasks() {
        let task = |json| serde_json::from_str::<Task>(json).unwrap();
        let fit = task(include_str!("../../../events/edit-image/fit.json"));
        assert!(fit.turn.is_some());
        let Verdict::Fit { key, picture } = fit.verdict else {
            panic!("{:?}", fit.verdict);
        };
        assert_eq!((key, picture.width), (fit.work.key.to_string(), 640));
        let prepared = task(include_str!("../../../events/edit-image/prepared.json"));
        let Verdict::Fit { key, picture } = prepared.verdict else {
            panic!("{:?}", prepared.verdict);
        };
        let expected = work_key(
            prepared.work.key.user(),
            prepared.work.image,
            picture.format,
        );
        assert_eq!(key, expected);
        let refused = task(include_str!("../../../events/edit-image/refused.json"));
        assert!(matches!(refused.verdict, Verdict::Refused(_)));
    }

    #[test]
    fn answers_have_the_shape_that_the_workflow_branches_on() {
        let until = Timestamp::from_millis(0);
        for (answer, expected) in [
            (
                later(until),
                json!({"outcome": "later", "until": "1970-01-01T00:00:00.000Z", "turn": null}),
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
    fn nobody_asks_again_sooner_than_asked_nor_than_is_good() {
        let times = TimeLimits::default();
        let seconds = |seconds| Some(Duration::from_secs(seconds));
        for (outcome, asked, expected) in [
            (provider::Outcome::Unknown, None, 60),
            (provider::Outcome::Unknown, seconds(2), 60),
            (provider::Outcome::Unknown, seconds(90), 90),
            (provider::Outcome::NotBought, None, 10),
            (provider::Outcome::NotBought, seconds(0), 10),
            (provider::Outcome::NotBought, seconds(90), 90),
        ] {
            assert_eq!(
                wait(outcome, asked, &times).as_secs(),
                expected,
                "{outcome:?} {asked:?}"
            );
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
