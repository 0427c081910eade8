//! The rules of the house: what a credit, a batch and an image are, and which changes to them are allowed.
//!
//! Everything here is pure: no clock (callers pass `now`), no network, no AWS, Lambda or HTTP type. The adapters in
//! `aws` turn these decisions into conditional writes; they never decide anything themselves.

mod account;
mod batch;
mod credits;
mod deletion;
mod email;
mod id;
mod image;
mod limits;
mod notice;
mod occasion;
mod options;
mod order;
pub mod pace;
mod pack;
mod picture;
mod price;
mod profile;
mod rescue;
mod room;
pub mod signature;
mod submission;
mod timestamp;
pub mod timing;
mod work;

pub use account::{Account, AdjustRefused, Insufficient, Posting, Reason};
pub use batch::{Batch, BatchState, Counts, RetryRefused};
pub use credits::{Credits, CreditsOverflow};
pub use deletion::Deletion;
pub use email::EmailFingerprint;
pub use id::{
    BatchId, IdempotencyKey, ImageRef, InvalidId, OrderId, UploadKey, UserId, photo_folders,
    result_key, work_key,
};
pub use image::{
    ClaimRefused, Failure, Image, ImageState, MAX_UNKNOWN_OUTCOMES, Outcome, SettleRefused, Usage,
};
pub use limits::{InvalidLimits, Limits};
pub use notice::{Matter, Notice, makes_low};
pub use occasion::{Occasion, Quoted, counted};
pub use options::{EditOptions, Format, Quality, Size};
pub use order::{OrderRecord, OrderStep, Purchase, Refunded, UnknownProduct};
pub use pack::{InvalidPacks, Pack, Packs};
pub use picture::Picture;
pub use price::{InvalidPrices, PriceBand, PriceTable};
pub use profile::{Profile, Webhook, WebhookSecret};
pub use rescue::{Execution, Rescue};
pub use room::{NoRoom, Room};
pub use submission::{Draft, DraftImage, Fault, Job, MAX_NAME_CHARS, Rejected, Submission};
pub use timestamp::{InvalidTimestamp, Timestamp};
pub use work::{Verdict, Work};
