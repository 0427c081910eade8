//! One error for everything that AWS may answer: callers either retry the whole step or give up, whatever it was.

use aws_smithy_types::error::display::DisplayErrorContext;

type Source = Box<dyn std::error::Error + Send + Sync>;

/// A call that failed for a reason that no caller branches on.
#[derive(Debug, thiserror::Error)]
pub enum AwsError {
    /// The service refused or could not be reached, after the SDK's own retries.
    #[error("{operation} failed: {context}")]
    Call {
        /// Service and operation.
        operation: &'static str,
        /// The whole chain of causes: an SDK error's own text is just "service error".
        context: String,
    },
    /// A record, object or message that is not what was written.
    #[error("{what} cannot be read")]
    Unreadable {
        /// Which.
        what: String,
        /// Why.
        #[source]
        source: Source,
    },
    /// Others were faster every time until the budget was used up; the same call may well succeed later.
    #[error("{0} kept conflicting with other writers")]
    Contended(&'static str),
    /// Something that must exist does not.
    #[error("{0} is missing")]
    Missing(String),
}

/// Why somebody's account cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// Its user wants to be forgotten.
    #[error("the account is deleted")]
    Deleted,
    /// The tables did not answer.
    #[error(transparent)]
    Store(#[from] AwsError),
}

impl AwsError {
    /// Wraps the error of a call: `.map_err(AwsError::call("dynamodb:GetItem"))`.
    pub(crate) fn call<E>(operation: &'static str) -> impl FnOnce(E) -> Self
    where
        E: std::error::Error + 'static,
    {
        move |error| Self::Call {
            operation,
            context: DisplayErrorContext(&error).to_string(),
        }
    }

    /// Wraps the error of reading something: `.map_err(AwsError::unreadable("batch 7"))`.
    pub(crate) fn unreadable<E>(what: impl ToString) -> impl FnOnce(E) -> Self
    where
        E: Into<Source>,
    {
        move |source| Self::Unreadable {
            what: what.to_string(),
            source: source.into(),
        }
    }
}
