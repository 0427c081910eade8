//! Every time limit of an image's way, in one place, because they must nest:
//!
//! `PROVIDER < EDIT_FUNCTION < EDIT_TASK < LEASE < BATCH_DEADLINE <= EXECUTION`
//! `VERIFY_FUNCTION < VERIFY_TASK < BATCH_DEADLINE`
//!
//! The provider's own limit ends first, so that the edit function lives to tell how the call ended. The function ends
//! before its workflow task gives up on it, so that a retry never runs beside it. The lease outlasts both: nobody but
//! its holder can touch the image while the holder may still be alive. The template and the workflow repeat the functions'
//! and the tasks' limits, and the lifetimes of photos, as literals; `tests/tidy` checks that they are the same.

use std::{str::FromStr, time::Duration};

use serde::Deserialize;

use crate::Timestamp;

/// `Timeout` of verify-image. A photo that has to be drawn anew takes seconds at worst; the rest is S3 on a bad day.
pub const VERIFY_FUNCTION: Duration = Duration::from_mins(1);
/// `TimeoutSeconds` of the workflow's verify task.
pub const VERIFY_TASK: Duration = Duration::from_secs(75);
/// One call to the provider. High quality takes over two minutes, and a call given up on may still be billed.
pub const PROVIDER: Duration = Duration::from_mins(5);
/// `Timeout` of edit-image: the call, its look-ups before and the upload of the result after.
pub const EDIT_FUNCTION: Duration = Duration::from_mins(6);
/// `TimeoutSeconds` of the workflow's edit task.
pub const EDIT_TASK: Duration = Duration::from_secs(390);
/// How long a claim keeps everybody else away from an image.
pub const LEASE: Duration = Duration::from_mins(7);
/// How long an image waits after a call of which nobody knows what came of it. It is repeated once, and should not meet the
/// trouble that ended the first: a provider's bad minute would fail every image that called in it.
pub const REPEAT_AFTER: Duration = Duration::from_mins(1);
/// From when its turn is expected until an image that has no result fails and is refunded.
pub const BATCH_DEADLINE: Duration = Duration::from_hours(6);
/// From its acceptance until reconcile looks at a batch for the first time: by then every image has an execution, unless
/// something was lost. The later looks are as far apart as the batch is old, up to [`LOOKS_APART`] times this.
pub const FIRST_LOOK: Duration = Duration::from_mins(15);
/// See [`FIRST_LOOK`]: each look asks Step Functions about every open image, and 15 questions a second are all it takes.
const LOOKS_APART: u32 = 4;
/// `TimeoutSeconds` of a workflow execution: the longest wait for a turn (24 hours) and the deadline after it.
pub const EXECUTION: Duration = Duration::from_hours(30);
/// How long an upload link is good for.
pub const UPLOAD_LINK: Duration = Duration::from_mins(15);
/// How long a result link is good for: longer than two of the status ETag's half-hour buckets.
pub const RESULT_LINK: Duration = Duration::from_mins(90);
/// How often a status ETag changes though nothing else has, so that no client keeps dead links.
pub const LINK_BUCKET: Duration = Duration::from_mins(30);
/// How long an upload is kept, by the photos bucket's lifecycle. A link to what is gone would only be asked for in vain.
pub const UPLOAD_LIFETIME: Duration = Duration::from_hours(30 * 24);
/// How long a result is kept, likewise.
pub const RESULT_LIFETIME: Duration = Duration::from_hours(90 * 24);

/// The limits that a deployment may shorten: whoever rehearses failures wants to see in minutes how hours end. The edit
/// function's `Timeout`, a parameter of the template, has to be shortened with them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    /// [`PROVIDER`].
    pub provider: Duration,
    /// [`LEASE`].
    pub lease: Duration,
    /// [`REPEAT_AFTER`].
    pub repeat_after: Duration,
    /// [`BATCH_DEADLINE`].
    pub batch_deadline: Duration,
    /// [`FIRST_LOOK`].
    pub first_look: Duration,
}

/// Time limits that cannot be read, or do not nest.
#[derive(Debug, thiserror::Error)]
pub enum InvalidTimeLimits {
    /// No such object.
    #[error("the time limits are not a JSON object of known limits in seconds")]
    Unreadable(#[from] serde_json::Error),
    /// Some image would be failed, or edited twice at a time, while somebody still works on it.
    #[error("the time limits must grow in this order: provider, lease, batchDeadline")]
    NotNested,
}

impl Default for TimeLimits {
    fn default() -> Self {
        Self {
            provider: PROVIDER,
            lease: LEASE,
            repeat_after: REPEAT_AFTER,
            batch_deadline: BATCH_DEADLINE,
            first_look: FIRST_LOOK,
        }
    }
}

impl FromStr for TimeLimits {
    type Err = InvalidTimeLimits;

    /// From JSON in seconds; what is left out keeps its default.
    fn from_str(json: &str) -> Result<Self, Self::Err> {
        #[derive(Default, Deserialize)]
        #[serde(rename_all = "camelCase", default, deny_unknown_fields)]
        struct Seconds {
            provider: Option<u64>,
            lease: Option<u64>,
            repeat_after: Option<u64>,
            batch_deadline: Option<u64>,
            first_look: Option<u64>,
        }
        let seconds: Seconds = serde_json::from_str(json)?;
        let or = |seconds: Option<u64>, usual| seconds.map_or(usual, Duration::from_secs);
        let limits = Self {
            provider: or(seconds.provider, PROVIDER),
            lease: or(seconds.lease, LEASE),
            repeat_after: or(seconds.repeat_after, REPEAT_AFTER),
            batch_deadline: or(seconds.batch_deadline, BATCH_DEADLINE),
            first_look: or(seconds.first_look, FIRST_LOOK),
        };
        if limits.provider < limits.lease && limits.lease < limits.batch_deadline {
            Ok(limits)
        } else {
            Err(InvalidTimeLimits::NotNested)
        }
    }
}

impl TimeLimits {
    /// When reconcile looks at a batch again, after a look that left some of its images open.
    #[must_use]
    pub fn next_look(&self, created_at: Timestamp, now: Timestamp) -> Timestamp {
        let most = self.first_look.saturating_mul(LOOKS_APART);
        now.plus(now.since(created_at).clamp(self.first_look, most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_can_be_shortened_as_long_as_they_nest() {
        let limits: TimeLimits =
            r#"{"provider": 5, "lease": 9, "repeatAfter": 2}"#.parse().unwrap();
        assert_eq!(
            limits,
            TimeLimits {
                provider: Duration::from_secs(5),
                lease: Duration::from_secs(9),
                repeat_after: Duration::from_secs(2),
                ..TimeLimits::default()
            }
        );
        assert_eq!("{}".parse::<TimeLimits>().unwrap(), TimeLimits::default());
        for invalid in [
            r#"{"lease": 9}"#,
            r#"{"batchDeadline": 420}"#,
            r#"{"leases": 9}"#,
            "7",
        ] {
            assert!(invalid.parse::<TimeLimits>().is_err(), "{invalid}");
        }
    }

    #[test]
    fn looks_grow_apart_up_to_a_limit() {
        let limits = TimeLimits::default();
        let submitted = Timestamp::from_millis(0);
        let at = |minutes| submitted.plus(Duration::from_mins(minutes));
        for (now, next) in [(1, 16), (15, 30), (30, 60), (60, 120), (600, 660)] {
            assert_eq!(limits.next_look(submitted, at(now)), at(next), "{now}");
        }
    }

    #[test]
    fn limits_nest() {
        let nested = [PROVIDER, EDIT_FUNCTION, EDIT_TASK, LEASE, BATCH_DEADLINE];
        assert!(nested.is_sorted_by(|inner, outer| inner < outer));
        let nested = [VERIFY_FUNCTION, VERIFY_TASK, BATCH_DEADLINE];
        assert!(nested.is_sorted_by(|inner, outer| inner < outer));
        assert!(EXECUTION >= BATCH_DEADLINE + Duration::from_hours(24));
        assert!(RESULT_LINK > 2 * LINK_BUCKET);
    }
}
