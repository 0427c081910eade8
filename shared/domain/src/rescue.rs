//! What to do about an open image that may have fallen off the road: its message, its execution or its settlement may have
//! been lost, or may be about to come.

use crate::{Batch, Failure, Outcome, Timestamp};

/// What became of an image's workflow execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Execution {
    /// It was never started, or so long ago that it is forgotten.
    None,
    /// It is on its way and will settle the image.
    Running,
    /// It is over, well or badly.
    Ended,
}

/// What there is to do for an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rescue {
    /// Nothing: it is on its way.
    Leave,
    /// Start its execution, which nobody has done.
    Start,
    /// Settle it: nothing will happen to it any more. (A claim that still holds, or a result, keeps it from failing.)
    Settle(Outcome),
}

impl Batch {
    /// What there is to do for an open image of this batch.
    #[must_use]
    pub fn rescue(&self, execution: Execution, now: Timestamp) -> Rescue {
        match execution {
            _ if self.cancel_requested => Rescue::Settle(Outcome::Canceled),
            Execution::Running => Rescue::Leave,
            Execution::None if now < self.deadline => Rescue::Start,
            Execution::None => Rescue::Settle(Outcome::Failed(Failure::deadline_passed())),
            Execution::Ended => Rescue::Settle(Outcome::Failed(Failure::ours())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BatchId, Credits, EditOptions, Submission, timing::TimeLimits};

    #[test]
    fn only_what_nobody_will_settle_is_settled() {
        let user: crate::UserId = "anna".parse().unwrap();
        let submission = Submission {
            jobs: Vec::new(),
            prompt: String::new(),
            options: EditOptions::default(),
        };
        let id = BatchId::derive(&user, &"k".parse().unwrap());
        let submitted = Timestamp::from_millis(0);
        let limits = TimeLimits::default();
        let price = Credits::small(1);
        let batch = Batch::new(id, user, &submission, price, submitted, submitted, &limits);
        let canceled = Batch {
            cancel_requested: true,
            ..batch.clone()
        };
        let (before, after) = (submitted, batch.deadline);
        let late = || Rescue::Settle(Outcome::Failed(Failure::deadline_passed()));
        let broken = || Rescue::Settle(Outcome::Failed(Failure::ours()));
        for (execution, now, expected) in [
            (Execution::Running, before, Rescue::Leave),
            (Execution::Running, after, Rescue::Leave),
            (Execution::None, before, Rescue::Start),
            (Execution::None, after, late()),
            (Execution::Ended, before, broken()),
            (Execution::Ended, after, broken()),
        ] {
            assert_eq!(batch.rescue(execution, now), expected, "{execution:?}");
            let expected = Rescue::Settle(Outcome::Canceled);
            assert_eq!(canceled.rescue(execution, now), expected, "{execution:?}");
        }
    }
}
