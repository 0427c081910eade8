//! Everything that an HTTP function may answer instead: the one table from codes to statuses and public words.

use std::{error::Error, time::Duration};

use api::{InputFault, Problem};
use aws::{AccountError, AwsError};
use domain::{Fault, NoRoom};

use super::Reply;

/// When to try again while too many images are open.
const AFTER_FULL: Duration = Duration::from_mins(1);

/// The kinds of problems. Each has a stable code, a status and a title.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProblemKind {
    /// Breaks a rule of the API.
    InvalidRequest,
    /// Is not the JSON that the API takes.
    InvalidJson,
    /// Has no `Idempotency-Key`, or one that cannot be used.
    IdempotencyKeyRequired,
    /// Carries no ID token.
    Unauthenticated,
    /// Is signed by nobody whom we know, or was a while ago.
    SignatureRefused,
    /// The balance does not cover it.
    InsufficientCredits,
    /// The account's e-mail address is not confirmed.
    EmailNotVerified,
    /// No such batch, as far as this user is concerned.
    BatchNotFound,
    /// No such photo, as far as this user is concerned.
    PhotoNotFound,
    /// Nothing of the kind is sold.
    PackNotFound,
    /// This user has no invoices or payment methods yet.
    NothingBought,
    /// The batch is over, so there is nothing left to cancel.
    BatchFinished,
    /// The batch is not over, so it is not known what there is to retry.
    BatchNotFinished,
    /// Every image of the batch has its result.
    NothingToRetry,
    /// Its user has deleted the account; their token is good for a while after that.
    AccountDeleted,
    /// More than the API takes in one request.
    BodyTooLarge,
    /// The key belongs to another request.
    IdempotencyKeyReused,
    /// So much is waiting at the provider that this would take more than a day.
    Backlog,
    /// This user has as many images open as one may have.
    TooManyOpenImages,
    /// Our fault; trying again may help.
    Busy,
    /// Whoever sells the credits does not answer.
    BillingUnavailable,
    /// Our fault.
    Internal,
}

impl ProblemKind {
    /// All of them.
    pub const ALL: [Self; 22] = [
        Self::InvalidRequest,
        Self::InvalidJson,
        Self::IdempotencyKeyRequired,
        Self::Unauthenticated,
        Self::SignatureRefused,
        Self::InsufficientCredits,
        Self::EmailNotVerified,
        Self::BatchNotFound,
        Self::PhotoNotFound,
        Self::PackNotFound,
        Self::NothingBought,
        Self::BatchFinished,
        Self::BatchNotFinished,
        Self::NothingToRetry,
        Self::AccountDeleted,
        Self::BodyTooLarge,
        Self::IdempotencyKeyReused,
        Self::Backlog,
        Self::TooManyOpenImages,
        Self::Busy,
        Self::BillingUnavailable,
        Self::Internal,
    ];

    /// The HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.row().0
    }

    /// The stable code.
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().1
    }

    /// The kind in a few words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        self.row().2
    }

    const fn row(self) -> (u16, &'static str, &'static str) {
        match self {
            Self::InvalidRequest => (400, "invalid_request", "The request is not valid"),
            Self::InvalidJson => (400, "invalid_json", "The body cannot be read"),
            Self::IdempotencyKeyRequired => (
                400,
                "idempotency_key_required",
                "An idempotency key is needed",
            ),
            Self::Unauthenticated => (401, "unauthenticated", "Signing in is needed"),
            Self::SignatureRefused => (401, "signature_refused", "The signature does not fit"),
            Self::InsufficientCredits => (402, "insufficient_credits", "Not enough credits"),
            Self::EmailNotVerified => (
                403,
                "email_not_verified",
                "The e-mail address is not confirmed",
            ),
            Self::BatchNotFound => (404, "batch_not_found", "There is no such batch"),
            Self::PhotoNotFound => (404, "photo_not_found", "There is no such photo"),
            Self::PackNotFound => (404, "pack_not_found", "There is no such pack"),
            Self::NothingBought => (404, "nothing_bought", "Nothing was bought yet"),
            Self::BatchFinished => (409, "batch_finished", "The batch is over"),
            Self::BatchNotFinished => (409, "batch_not_finished", "The batch is not over"),
            Self::NothingToRetry => (409, "nothing_to_retry", "Every image has its result"),
            Self::AccountDeleted => (410, "account_deleted", "The account is deleted"),
            Self::BodyTooLarge => (413, "body_too_large", "The request is too large"),
            Self::IdempotencyKeyReused => (
                422,
                "idempotency_key_reused",
                "The idempotency key is taken",
            ),
            Self::Backlog => (429, "backlog", "Too much is waiting"),
            Self::TooManyOpenImages => (429, "too_many_open_images", "Too many images are open"),
            Self::Busy => (503, "busy", "Try again in a moment"),
            Self::BillingUnavailable => (
                503,
                "billing_unavailable",
                "Credits cannot be bought right now",
            ),
            Self::Internal => (500, "internal_error", "Something went wrong on our side"),
        }
    }
}

/// A request that is answered with a problem.
#[derive(Debug)]
pub struct Failure {
    kind: ProblemKind,
    detail: String,
    faults: Vec<InputFault>,
    credits: Option<(u64, u64)>,
    retry_after: Option<Duration>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Failure {
    /// A problem of this kind; `detail` tells the person what to do.
    pub fn new(kind: ProblemKind, detail: impl Into<String>) -> Self {
        Self {
            kind,
            detail: detail.into(),
            faults: Vec::new(),
            credits: None,
            retry_after: None,
            cause: None,
        }
    }

    /// Adds a fault with its place.
    #[must_use]
    pub fn with_fault(mut self, pointer: String, detail: String) -> Self {
        self.faults.push(InputFault { pointer, detail });
        self
    }

    /// Adds the faults that a rule has found.
    #[must_use]
    pub fn with_faults(mut self, faults: Vec<Fault>) -> Self {
        let faults = faults
            .into_iter()
            .map(|Fault { pointer, detail }| InputFault { pointer, detail });
        self.faults.extend(faults);
        self
    }

    /// Adds when the same request may succeed.
    #[must_use]
    pub const fn with_retry_after(mut self, wait: Duration) -> Self {
        self.retry_after = Some(wait);
        self
    }

    /// Adds what went wrong inside; for the log, never for the client.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Error + Send + Sync + 'static) -> Self {
        self.cause = Some(Box::new(cause));
        self
    }

    /// Nobody gets an account by an address that may be another's.
    #[must_use]
    pub fn email_not_verified() -> Self {
        Self::new(
            ProblemKind::EmailNotVerified,
            "confirm your e-mail address first, then sign in again",
        )
    }

    /// The balance does not cover what was asked for.
    #[must_use]
    pub fn insufficient(domain::Insufficient { needed, available }: domain::Insufficient) -> Self {
        let detail = format!(
            "this costs {needed} credits and you have {available}; buy credits or name fewer images"
        );
        Self {
            credits: Some((needed.get(), available.get())),
            ..Self::new(ProblemKind::InsufficientCredits, detail)
        }
    }

    /// The caller wanted to be forgotten.
    #[must_use]
    pub fn account_deleted() -> Self {
        Self::new(
            ProblemKind::AccountDeleted,
            "you have deleted this account; sign up again for a new one",
        )
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> ProblemKind {
        self.kind
    }

    /// The HTTP status.
    #[must_use]
    pub const fn status(&self) -> u16 {
        self.kind.status()
    }

    /// The stable code.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        self.kind.code()
    }

    /// What went wrong inside; for the log, never for the client.
    pub(super) fn cause(&self) -> Option<&(dyn Error + 'static)> {
        self.cause.as_deref().map(|cause| cause as _)
    }

    /// What the client is told.
    #[must_use]
    pub fn problem(self) -> Problem {
        let (status, code, title) = self.kind.row();
        Problem {
            kind: format!("/problems/{code}"),
            title: title.to_owned(),
            status,
            code: code.to_owned(),
            detail: self.detail,
            errors: (!self.faults.is_empty()).then_some(self.faults),
            credits_needed: self.credits.map(|(needed, _)| needed),
            credits: self.credits.map(|(_, available)| available),
        }
    }

    pub(super) fn into_reply(self) -> Reply {
        let retry_after = self.retry_after;
        Reply::problem(&self.problem()).with_retry_after(retry_after)
    }
}

impl From<NoRoom> for Failure {
    fn from(full: NoRoom) -> Self {
        match full {
            NoRoom::TooManyOpen { open, most } => {
                let detail = format!(
                    "{open} of your images are being edited, and at most {most} may be; wait until some are done"
                );
                Self::new(ProblemKind::TooManyOpenImages, detail).with_retry_after(AFTER_FULL)
            }
            NoRoom::Backlog {
                last_turn,
                room_at,
                wait,
            } => {
                let detail = format!(
                    "so many photos are waiting that yours would not be done before {last_turn}; send fewer, or come \
                     back after {room_at}"
                );
                Self::new(ProblemKind::Backlog, detail).with_retry_after(wait)
            }
        }
    }
}

impl From<AwsError> for Failure {
    fn from(cause: AwsError) -> Self {
        let kind = match cause {
            AwsError::Contended(_) => ProblemKind::Busy,
            _ => ProblemKind::Internal,
        };
        Self {
            cause: Some(Box::new(cause)),
            retry_after: Some(Duration::from_secs(1)),
            ..Self::new(
                kind,
                "nothing was lost; send the same request again in a moment",
            )
        }
    }
}

impl From<AccountError> for Failure {
    fn from(error: AccountError) -> Self {
        match error {
            AccountError::Deleted => Self::account_deleted(),
            AccountError::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use domain::{Credits, Insufficient};

    use super::*;

    #[test]
    fn all_are_all() {
        // A new kind does not compile here before it has a place, and `ALL` must have it there.
        let place = |kind| match kind {
            ProblemKind::InvalidRequest => 0,
            ProblemKind::InvalidJson => 1,
            ProblemKind::IdempotencyKeyRequired => 2,
            ProblemKind::Unauthenticated => 3,
            ProblemKind::SignatureRefused => 4,
            ProblemKind::InsufficientCredits => 5,
            ProblemKind::EmailNotVerified => 6,
            ProblemKind::BatchNotFound => 7,
            ProblemKind::PhotoNotFound => 8,
            ProblemKind::PackNotFound => 9,
            ProblemKind::NothingBought => 10,
            ProblemKind::BatchFinished => 11,
            ProblemKind::BatchNotFinished => 12,
            ProblemKind::NothingToRetry => 13,
            ProblemKind::AccountDeleted => 14,
            ProblemKind::BodyTooLarge => 15,
            ProblemKind::IdempotencyKeyReused => 16,
            ProblemKind::Backlog => 17,
            ProblemKind::TooManyOpenImages => 18,
            ProblemKind::Busy => 19,
            ProblemKind::BillingUnavailable => 20,
            ProblemKind::Internal => 21,
        };
        assert!(ProblemKind::ALL.into_iter().map(place).eq(0..22));
    }

    #[test]
    fn insufficient_credits_say_what_is_missing() {
        let problem = Failure::insufficient(Insufficient {
            needed: Credits::small(50),
            available: Credits::small(10),
        })
        .problem();
        assert_eq!(
            (problem.status, problem.code.as_str()),
            (402, "insufficient_credits")
        );
        assert_eq!(
            (problem.credits_needed, problem.credits),
            (Some(50), Some(10))
        );
    }

    #[test]
    fn what_went_wrong_inside_stays_inside() {
        let failure = Failure::from(AwsError::Missing("the table of secrets".into()));
        assert!(failure.cause().is_some());
        let problem = failure.problem();
        assert_eq!(problem.status, 500);
        assert!(!problem.detail.contains("secrets"));
        assert_eq!(Failure::from(AwsError::Contended("x")).status(), 503);
    }
}
