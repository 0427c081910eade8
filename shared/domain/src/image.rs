//! The life of one image: pending -> processing -> completed | failed | canceled, and who may move it on.
//!
//! An image is born pending without a record; its first claim or its settlement writes one. The methods here say what
//! is allowed; the store repeats the same words as the condition of its write, so a race is decided by DynamoDB.

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// A call whose outcome nobody knows may be repeated once: two such calls end the tries (R5).
pub const MAX_UNKNOWN_OUTCOMES: u32 = 2;

/// Where an image stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ImageState {
    /// Nobody has asked the provider yet.
    #[default]
    Pending,
    /// The provider has been asked at least once.
    Processing,
    /// Has a result. Final.
    Completed,
    /// Has none; refunded. Final.
    Failed,
    /// Was called off; refunded. Final.
    Canceled,
}

impl ImageState {
    /// As clients see it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }

    /// Will it never change again?
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Failed | Self::Canceled)
    }

    /// Is it over without a result, and so refunded?
    #[must_use]
    pub const fn is_refunded(self) -> bool {
        matches!(self, Self::Failed | Self::Canceled)
    }
}

/// What is known of one image; the default is one that has no record yet.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Image {
    /// Where it stands.
    pub state: ImageState,
    /// Whose claim this is: new with every claim, kept after it has run out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_id: Option<String>,
    /// Until when the claim keeps others away.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// Calls to the provider, counted before each is made.
    pub provider_calls: u32,
    /// Those of them of which nobody knows whether they were billed.
    pub unknown_outcomes: u32,
    /// Those of them for which the provider could not fetch the photo.
    pub failed_fetches: u32,
    /// Where the result lies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub result_key: Option<String>,
    /// Why there is none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failure: Option<Failure>,
    /// What the provider counted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Its first claim.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Timestamp>,
    /// Its settlement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
}

/// Why an image has no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// Stable, for programs.
    pub code: String,
    /// For the person who paid: what happened and what they can do.
    pub message: String,
}

impl Failure {
    /// A failure with this code and explanation.
    #[must_use]
    pub fn new(code: &str, message: &str) -> Self {
        Self {
            code: code.to_owned(),
            message: message.to_owned(),
        }
    }

    /// Nobody got round to it before the batch's deadline.
    #[must_use]
    pub fn deadline_passed() -> Self {
        Self::new(
            "deadline_passed",
            "The photo could not be edited in time. Your credits are back; please try again later.",
        )
    }

    /// Neither the photo's fault nor the provider's. The workflow's `FailImage` says the same.
    #[must_use]
    pub fn ours() -> Self {
        Self::new(
            "internal_error",
            "Something went wrong on our side. Your credits are back; please try this photo again.",
        )
    }
}

/// What the provider counted for one edit, in tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Usage {
    /// Text and picture sent.
    pub input_tokens: u64,
    /// Picture made.
    pub output_tokens: u64,
}

/// How an image ends. Also what the workflow's steps hand to settle-image.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(
    tag = "outcome",
    rename_all = "camelCase",
    rename_all_fields = "camelCase"
)]
pub enum Outcome {
    /// It has a result.
    Completed {
        /// Where.
        result_key: String,
        /// What the provider counted, if it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        usage: Option<Usage>,
    },
    /// It has none.
    Failed(Failure),
    /// It was called off.
    Canceled,
}

impl Outcome {
    /// The state that this leads to.
    #[must_use]
    pub const fn state(&self) -> ImageState {
        match self {
            Self::Completed { .. } => ImageState::Completed,
            Self::Failed(_) => ImageState::Failed,
            Self::Canceled => ImageState::Canceled,
        }
    }
}

/// Why nobody may call the provider for an image now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClaimRefused {
    /// It is over.
    #[error("it is {} already", .0.name())]
    Final(ImageState),
    /// Somebody else may be at it.
    #[error("it is claimed until {until}")]
    Claimed {
        /// When that claim runs out.
        until: Timestamp,
    },
    /// It was tried as often as it may be without knowing what came of it.
    #[error("the provider was asked {MAX_UNKNOWN_OUTCOMES} times and nobody knows what came of it")]
    OutcomesUnknown,
}

/// Why an image may not be settled now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettleRefused {
    /// It is over: nothing to do.
    #[error("it is {} already", .0.name())]
    Final(ImageState),
    /// Somebody may be about to complete it.
    #[error("it is claimed until {until}")]
    Claimed {
        /// When that claim runs out.
        until: Timestamp,
    },
}

impl Image {
    /// The end of a claim that holds at `now`, if there is one.
    #[must_use]
    pub fn claimed_until(&self, now: Timestamp) -> Option<Timestamp> {
        self.lease_until.filter(|until| *until > now)
    }

    /// May the provider be called for it?
    pub fn may_claim(&self, now: Timestamp) -> Result<(), ClaimRefused> {
        if self.state.is_final() {
            Err(ClaimRefused::Final(self.state))
        } else if let Some(until) = self.claimed_until(now) {
            Err(ClaimRefused::Claimed { until })
        } else if self.unknown_outcomes >= MAX_UNKNOWN_OUTCOMES {
            Err(ClaimRefused::OutcomesUnknown)
        } else {
            Ok(())
        }
    }

    /// May it end like this? A result counts whoever holds a claim; anything else waits for the claim to end.
    pub fn may_settle(&self, outcome: &Outcome, now: Timestamp) -> Result<(), SettleRefused> {
        if self.state.is_final() {
            return Err(SettleRefused::Final(self.state));
        }
        match (outcome, self.claimed_until(now)) {
            (Outcome::Completed { .. }, _) | (_, None) => Ok(()),
            (_, Some(until)) => Err(SettleRefused::Claimed { until }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_000_000);
    const LATER: Timestamp = Timestamp::from_millis(1_000_001);

    fn completed() -> Outcome {
        Outcome::Completed {
            result_key: "r".into(),
            usage: None,
        }
    }

    fn image(state: ImageState, lease_until: Option<Timestamp>, unknown_outcomes: u32) -> Image {
        Image {
            state,
            lease_until,
            unknown_outcomes,
            ..Image::default()
        }
    }

    #[test]
    fn claims() {
        use ImageState::{Canceled, Completed, Failed, Pending, Processing};
        for (image, expected) in [
            (Image::default(), Ok(())),
            (image(Pending, None, 0), Ok(())),
            (image(Processing, Some(NOW), 1), Ok(())),
            (
                image(Processing, Some(LATER), 1),
                Err(ClaimRefused::Claimed { until: LATER }),
            ),
            (
                image(Processing, None, 2),
                Err(ClaimRefused::OutcomesUnknown),
            ),
            (
                image(Processing, Some(LATER), 2),
                Err(ClaimRefused::Claimed { until: LATER }),
            ),
            (
                image(Completed, None, 0),
                Err(ClaimRefused::Final(Completed)),
            ),
            (image(Failed, None, 0), Err(ClaimRefused::Final(Failed))),
            (
                image(Canceled, Some(LATER), 0),
                Err(ClaimRefused::Final(Canceled)),
            ),
        ] {
            assert_eq!(image.may_claim(NOW), expected, "{image:?}");
        }
    }

    #[test]
    fn a_claim_is_no_obstacle_to_a_result_but_to_everything_else() {
        let claimed = image(ImageState::Processing, Some(LATER), 1);
        assert_eq!(claimed.may_settle(&completed(), NOW), Ok(()));
        for outcome in [Outcome::Failed(Failure::new("x", "y")), Outcome::Canceled] {
            assert_eq!(
                claimed.may_settle(&outcome, NOW),
                Err(SettleRefused::Claimed { until: LATER })
            );
            assert_eq!(claimed.may_settle(&outcome, LATER), Ok(()));
            assert_eq!(Image::default().may_settle(&outcome, NOW), Ok(()));
        }
    }

    #[test]
    fn what_is_final_stays() {
        for state in [
            ImageState::Completed,
            ImageState::Failed,
            ImageState::Canceled,
        ] {
            for outcome in [completed(), Outcome::Canceled] {
                assert_eq!(
                    image(state, None, 0).may_settle(&outcome, NOW),
                    Err(SettleRefused::Final(state))
                );
            }
        }
    }

    #[test]
    fn outcomes_have_the_shape_that_the_workflow_passes_on() {
        let json = |outcome: Outcome| serde_json::to_value(outcome).unwrap();
        assert_eq!(
            json(completed()),
            serde_json::json!({"outcome": "completed", "resultKey": "r"})
        );
        assert_eq!(
            json(Outcome::Failed(Failure::new("c", "m"))),
            serde_json::json!({"outcome": "failed", "code": "c", "message": "m"})
        );
        assert_eq!(
            json(Outcome::Canceled),
            serde_json::json!({"outcome": "canceled"})
        );
    }
}
