//! The client of "an OpenAI-compatible images API": one call, [`Client::edit`], and what its answers mean for us.
//!
//! It knows the wire (both body forms of `POST {base}/images/edits`), which answer means what to a caller
//! ([`EditError`], [`Outcome`]), and how to tell a whole picture from a broken one ([`picture`]). It does not know batches,
//! credits, turns or breakers, where a photo comes from or where a result goes, and it never tries again by itself: each
//! call to the provider is counted by the caller before it is made.
//!
//! Two properties carry the design:
//! - **Nothing is bought in silence.** The API has no idempotency key, and a call that was sent may be billed whatever
//!   became of its answer. So an error is [`Outcome::NotBought`] only where that is certain; everything else that went
//!   wrong after the request left is [`Outcome::Unknown`].
//! - **Nothing private leaks through an error.** Provider messages quote prompts and presigned URLs; they are never kept.
//!   From error bodies only identifiers (codes, parameter names, categories) survive.
//!
//! Sources for the wire: `facts/openai-images.md` of the project, which quotes the vendor's API description and SDK.

mod answer;
mod client;
mod config;
mod error;
pub mod picture;
mod refusal;
mod request;
mod retry_after;

pub use answer::{Edited, InputTokens, Usage};
pub use client::Client;
pub use config::{
    ApiKey, Config, ConfigError, DEFAULT_CONNECT_TIMEOUT, DEFAULT_MAX_ANSWER_BYTES, InputForm,
    InvalidApiKey, UnknownInputForm,
};
pub use error::{Doubt, EditError, ModerationStage, Outcome};
pub use picture::PictureFormat;
pub use request::{EditRequest, Input};
pub use retry_after::MAX_RETRY_AFTER;
