//! Every time limit of an image's way, in one place, because they must nest:
//!
//! `PROVIDER < EDIT_FUNCTION < EDIT_TASK < LEASE < BATCH_DEADLINE <= EXECUTION`
//! `VERIFY_FUNCTION < VERIFY_TASK < BATCH_DEADLINE`
//!
//! The provider's own limit ends first, so that the edit function lives to tell how the call ended. The function ends
//! before its workflow task gives up on it, so that a retry never runs beside it. The lease outlasts both: nobody but
//! its holder can touch the image while the holder may still be alive. The template and the workflow repeat the functions'
//! and the tasks' limits as literals; `tests/tidy` checks that they are the same.

use std::time::Duration;

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
/// From when its turn is expected until an image that has no result fails and is refunded.
pub const BATCH_DEADLINE: Duration = Duration::from_hours(6);
/// `TimeoutSeconds` of a workflow execution: the longest wait for a turn (24 hours) and the deadline after it.
pub const EXECUTION: Duration = Duration::from_hours(30);
/// How long an upload link is good for.
pub const UPLOAD_LINK: Duration = Duration::from_mins(15);
/// How long a result link is good for: longer than two of the status ETag's half-hour buckets.
pub const RESULT_LINK: Duration = Duration::from_mins(90);
/// How often a status ETag changes though nothing else has, so that no client keeps dead links.
pub const LINK_BUCKET: Duration = Duration::from_mins(30);

#[cfg(test)]
mod tests {
    use super::*;

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
