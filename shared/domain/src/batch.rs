//! A batch as a whole: what was ordered, at which price, and how far it is.

use serde::{Deserialize, Serialize};

use crate::{
    BatchId, Credits, CreditsOverflow, EditOptions, ImageState, Submission, Timestamp, UserId,
    timing::TimeLimits,
};

/// A batch's own record: small, because every settlement rewrites it. The prompt in full and the images as submitted
/// are in the manifest, which never changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Batch {
    /// Its name.
    pub batch_id: BatchId,
    /// Whose it is.
    pub user: UserId,
    /// The first [`Batch::EXCERPT_CHARS`] characters of the shared prompt, for lists.
    pub prompt_excerpt: String,
    /// How the results should be.
    #[serde(flatten)]
    pub options: EditOptions,
    /// Fixed at submit.
    pub price_per_image: Credits,
    /// Of the request, to tell a repeat from a reuse of its idempotency key.
    pub request_hash: String,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// From when on an image without a result fails.
    pub deadline: Timestamp,
    /// When reconcile looks at it next; nothing once its last image is settled. Sorts the index over open batches.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub check_at: Option<Timestamp>,
    /// Images in all.
    pub total: u32,
    /// Images that are not settled yet. This and the three below always sum up to `total`.
    pub open: u32,
    /// Images with a result.
    pub completed: u32,
    /// Images without one.
    pub failed: u32,
    /// Images called off.
    pub canceled: u32,
    /// Does its user want it stopped?
    #[serde(default)]
    pub cancel_requested: bool,
    /// When its last image was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finished_at: Option<Timestamp>,
    /// The batch whose failed and canceled images these are, if this is a retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_of: Option<BatchId>,
    /// The batch in which its own failed and canceled images were retried. Written once, together with that batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retried_in: Option<BatchId>,
    /// When what its user wrote was taken out of it: its own numbers are all that is left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub erased_at: Option<Timestamp>,
}

/// Why a batch cannot be retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RetryRefused {
    /// Some image may still get its result.
    #[error("{open} of its images are open")]
    NotFinished {
        /// How many.
        open: u32,
    },
    /// Every image has its result.
    #[error("all of its images are completed")]
    NothingToRetry,
}

/// Where a batch stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchState {
    /// No image has started.
    Pending,
    /// Some image is open.
    Processing,
    /// Over, with at least one result.
    Completed,
    /// Over without any.
    Failed,
    /// Over without any because its user called it off.
    Canceled,
}

impl BatchState {
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
}

/// How many images are in which state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The sum of the others.
    pub total: u32,
    /// Without a record, or with one that says so.
    pub pending: u32,
    /// At the provider.
    pub processing: u32,
    /// With a result.
    pub completed: u32,
    /// Without one.
    pub failed: u32,
    /// Called off.
    pub canceled: u32,
}

impl Counts {
    /// Counts the images of a batch of `total` from the records that exist; those without one are pending.
    pub fn of(total: u32, states: impl IntoIterator<Item = ImageState>) -> Self {
        let mut counts = Self {
            total,
            ..Self::default()
        };
        for state in states {
            match state {
                ImageState::Pending => {}
                ImageState::Processing => counts.processing += 1,
                ImageState::Completed => counts.completed += 1,
                ImageState::Failed => counts.failed += 1,
                ImageState::Canceled => counts.canceled += 1,
            }
        }
        counts.pending = total
            .saturating_sub(counts.processing + counts.completed + counts.failed + counts.canceled);
        counts
    }

    /// Images that are not settled yet.
    #[must_use]
    pub const fn open(&self) -> u32 {
        self.pending + self.processing
    }

    /// Where a batch with these counts stands.
    #[must_use]
    pub const fn state(&self, cancel_requested: bool) -> BatchState {
        if self.pending == self.total {
            BatchState::Pending
        } else if self.open() > 0 {
            BatchState::Processing
        } else if self.completed > 0 {
            BatchState::Completed
        } else if cancel_requested {
            BatchState::Canceled
        } else {
            BatchState::Failed
        }
    }
}

impl Batch {
    /// How much of the prompt a list shows, in characters.
    pub const EXCERPT_CHARS: usize = 500;

    /// A batch as it is accepted: every image pending, its price fixed, its deadline counted from when its last image is
    /// expected to have had its turn.
    #[must_use]
    pub fn new(
        batch_id: BatchId,
        user: UserId,
        submission: &Submission,
        price_per_image: Credits,
        now: Timestamp,
        last_turn: Timestamp,
        limits: &TimeLimits,
    ) -> Self {
        Self {
            batch_id,
            user,
            prompt_excerpt: excerpt(&submission.prompt),
            options: submission.options,
            price_per_image,
            request_hash: submission.hash(),
            created_at: now,
            deadline: last_turn.plus(limits.batch_deadline),
            check_at: Some(now.plus(limits.first_look)),
            total: submission.image_count(),
            open: submission.image_count(),
            completed: 0,
            failed: 0,
            canceled: 0,
            cancel_requested: false,
            finished_at: None,
            retry_of: None,
            retried_in: None,
            erased_at: None,
        }
    }

    /// May it be called off? Again, too: what was called off stays called off after its last image.
    #[must_use]
    pub const fn may_cancel(&self) -> bool {
        self.open > 0 || self.cancel_requested
    }

    /// May its failed and canceled images be tried again? Not before it is over: until then any of them may be the next
    /// one's, and each image is retried at most once.
    pub const fn may_retry(&self) -> Result<(), RetryRefused> {
        if self.open > 0 {
            Err(RetryRefused::NotFinished { open: self.open })
        } else if self.failed == 0 && self.canceled == 0 {
            Err(RetryRefused::NothingToRetry)
        } else {
            Ok(())
        }
    }

    /// Is there such an image in it?
    #[must_use]
    pub const fn has(&self, index: u32) -> bool {
        index < self.total
    }

    /// What was debited at submit.
    pub const fn credits_spent(&self) -> Result<Credits, CreditsOverflow> {
        self.price_per_image.times(self.total as u64)
    }

    /// What came back: the price of each image that failed or was canceled.
    pub const fn credits_refunded(&self) -> Result<Credits, CreditsOverflow> {
        self.price_per_image
            .times(self.failed as u64 + self.canceled as u64)
    }

    /// Does its own record say what these counts, made of its images, say?
    #[must_use]
    pub const fn agrees_with(&self, counts: &Counts) -> bool {
        self.open == counts.open()
            && self.completed == counts.completed
            && self.failed == counts.failed
            && self.canceled == counts.canceled
    }

    /// What came back for images in these states, which may be newer than this record's own counts.
    pub const fn refunded_for(&self, counts: &Counts) -> Result<Credits, CreditsOverflow> {
        self.price_per_image
            .times(counts.failed as u64 + counts.canceled as u64)
    }

    /// The counts of a batch that has no open image.
    #[must_use]
    pub const fn final_counts(&self) -> Counts {
        Counts {
            total: self.total,
            pending: 0,
            processing: 0,
            completed: self.completed,
            failed: self.failed,
            canceled: self.canceled,
        }
    }
}

/// The beginning of a prompt, as long as a list shows it.
fn excerpt(prompt: &str) -> String {
    prompt.chars().take(Batch::EXCERPT_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn states_follow_from_counts() {
        use ImageState::{Canceled, Completed, Failed, Pending, Processing};
        for (images, cancel, expected) in [
            (vec![], false, BatchState::Pending),
            (vec![Pending, Pending], true, BatchState::Pending),
            (vec![Processing], false, BatchState::Processing),
            (vec![Completed], false, BatchState::Processing),
            (vec![Completed, Failed], false, BatchState::Completed),
            (vec![Completed, Canceled], true, BatchState::Completed),
            (vec![Failed, Failed], false, BatchState::Failed),
            (vec![Canceled, Canceled], true, BatchState::Canceled),
            (vec![Failed, Canceled], true, BatchState::Canceled),
        ] {
            let counts = Counts::of(2, images.clone());
            assert_eq!(counts.state(cancel), expected, "{images:?}");
            let Counts {
                total,
                pending,
                processing,
                completed,
                failed,
                canceled,
            } = counts;
            assert_eq!(pending + processing + completed + failed + canceled, total);
        }
    }

    fn batch(open: u32, completed: u32, failed: u32, canceled: u32) -> Batch {
        let user: UserId = "anna".parse().unwrap();
        let submission = Submission {
            jobs: Vec::new(),
            prompt: String::new(),
            options: EditOptions::default(),
        };
        let id = BatchId::derive(&user, &"k".parse().unwrap());
        let now = Timestamp::from_millis(0);
        Batch {
            open,
            completed,
            failed,
            canceled,
            ..Batch::new(
                id,
                user,
                &submission,
                Credits::small(1),
                now,
                now,
                &TimeLimits::default(),
            )
        }
    }

    #[test]
    fn what_is_open_can_be_canceled_and_what_was_canceled_again() {
        for (batch, expected) in [
            (batch(1, 3, 0, 0), true),
            (batch(0, 3, 1, 0), false),
            (
                Batch {
                    cancel_requested: true,
                    ..batch(0, 3, 0, 1)
                },
                true,
            ),
        ] {
            assert_eq!(batch.may_cancel(), expected, "{batch:?}");
        }
    }

    #[test]
    fn what_is_over_can_be_retried_unless_all_of_it_is_completed() {
        for (batch, expected) in [
            (batch(0, 3, 1, 0), Ok(())),
            (batch(0, 0, 0, 1), Ok(())),
            (batch(0, 4, 0, 0), Err(RetryRefused::NothingToRetry)),
            (
                batch(1, 0, 3, 0),
                Err(RetryRefused::NotFinished { open: 1 }),
            ),
        ] {
            assert_eq!(batch.may_retry(), expected, "{batch:?}");
        }
    }

    #[test]
    fn excerpts_cut_between_characters() {
        assert_eq!(excerpt("ä"), "ä");
        assert_eq!(excerpt(&"ä".repeat(600)).chars().count(), 500);
    }
}
