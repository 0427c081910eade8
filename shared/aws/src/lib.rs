//! The adapters: the only place that knows Cognito, DynamoDB, S3, SQS, Step Functions, Secrets Manager and their errors.
//!
//! What is allowed is decided in `domain`; here those decisions become conditional writes. Nothing reads the environment
//! (`edge` does) and nothing asks where it runs: an endpoint is configuration like a table's name.
//!
//! Each service is a feature, so that a function links only the SDKs that it calls.
#![cfg_attr(
    not(any(
        feature = "cognito",
        feature = "dynamodb",
        feature = "s3",
        feature = "secrets",
        feature = "sfn",
        feature = "sqs"
    )),
    expect(
        dead_code,
        unused_imports,
        unused_macros,
        reason = "what all services share is unused without any, as in the generator of the OpenAPI document"
    )
)]

mod backoff;
mod error;
#[cfg(feature = "dynamodb")]
mod intake;
#[cfg(feature = "s3")]
mod photos;
#[cfg(feature = "sqs")]
mod queue;
#[cfg(feature = "secrets")]
mod secrets;
mod settings;
#[cfg(all(feature = "dynamodb", feature = "s3"))]
mod settle;
#[cfg(feature = "dynamodb")]
mod tables;
#[cfg(feature = "cognito")]
mod users;
#[cfg(all(feature = "dynamodb", feature = "secrets"))]
mod welcome;
#[cfg(feature = "sfn")]
mod workflow;

pub use error::{AccountError, AwsError};
#[cfg(feature = "dynamodb")]
pub use intake::{Intake, Wanted};
#[cfg(feature = "s3")]
pub use photos::{PartOfPhoto, Photos, UploadLink};
#[cfg(feature = "sqs")]
pub use queue::Queue;
#[cfg(feature = "secrets")]
pub use secrets::Secret;
pub use settings::Settings;
#[cfg(all(feature = "dynamodb", feature = "s3"))]
pub use settle::{Settled, Settler};
#[cfg(feature = "dynamodb")]
pub use tables::{
    Accepted, AdjustError, Adjusted, Adjustment, ApplyOrderError, BatchInFull, Booking, ClaimError,
    LedgerEntry, LedgerPage, Order, Page, SubmitError, Tables, Ticket,
};
#[cfg(feature = "cognito")]
pub use users::UserPool;
#[cfg(all(feature = "dynamodb", feature = "secrets"))]
pub use welcome::Welcome;
#[cfg(feature = "sfn")]
pub use workflow::Workflow;
