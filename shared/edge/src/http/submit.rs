//! What a batch that was accepted looks like, and one that was not, for every function that accepts some.

use api::SubmitResponse;
use aws::{Accepted, SubmitError};

use super::{Failure, ProblemKind, Reply};

impl Reply {
    /// 202: accepted and paid, now or by an earlier request like this one.
    pub fn submitted(accepted: &Accepted) -> Result<Self, Failure> {
        let batch = &accepted.batch;
        let spent = batch.credits_spent().map_err(SubmitError::from)?;
        Ok(Self::accepted(&SubmitResponse {
            batch_id: batch.batch_id.to_string(),
            image_count: batch.total,
            credits_spent: spent.get(),
            credits: accepted.balance_after.get(),
            status_url: format!("/api/batch/{}/status", batch.batch_id),
        }))
    }
}

impl From<SubmitError> for Failure {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::NoRoom(full) => full.into(),
            SubmitError::Insufficient(insufficient) => Self::insufficient(insufficient),
            SubmitError::AccountDeleted => Self::account_deleted(),
            SubmitError::KeyReused => Self::new(
                ProblemKind::IdempotencyKeyReused,
                "this Idempotency-Key was used for a different request; use a new one for a new batch",
            ),
            SubmitError::Price(_) => Self::new(
                ProblemKind::InvalidRequest,
                "this batch is too large to be priced",
            ),
            SubmitError::Store(error) => error.into(),
        }
    }
}
