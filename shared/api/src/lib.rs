//! The wire shapes of the HTTP API. Clients rely on these names: add fields freely, never rename one.
//!
//! Knows JSON names and nothing else: no rules (those are `domain`), no transport (that is `edge`), no AWS.
//! The feature `openapi` derives their schemas for the OpenAPI document (`infra/openapi`); no function enables it.
//! Times are RFC 3339 in UTC, credits are whole numbers, sizes are bytes unless a name says otherwise.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

mod billing;
mod problem;
mod settings;
#[cfg(feature = "openapi")]
pub mod words;

pub use billing::{
    Balance, Checkout, CheckoutRequest, Pack, Packs, Portal, Transaction, Transactions,
};
pub use problem::{InputFault, PROBLEM_CONTENT_TYPE, Problem};
pub use settings::{
    FinishedBatch, Settings, SettingsRequest, Webhook, WebhookEvent, WebhookRequest,
};

/// `GET /api/account`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Account {
    /// The Cognito `sub`.
    pub user_id: String,
    /// The address that the ID token carries.
    #[cfg_attr(feature = "openapi", schema(format = "email"))]
    pub email: String,
    /// What can be spent now.
    pub credits: u64,
    /// What one request may hold.
    pub limits: Limits,
    /// What one image costs, so that a client can show the price before it submits.
    pub prices: Vec<Price>,
    /// As how many pixels a result of size `auto` is priced: the most that it may become.
    pub auto_pixels: u64,
}

/// `DELETE /api/account`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeleteAccountRequest {
    /// The account's own e-mail address, so that no stray request deletes anything.
    #[cfg_attr(feature = "openapi", schema(format = "email"))]
    pub confirm: String,
}

/// The answer (202) to [`DeleteAccountRequest`], and again to each repeat of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct DeleteAccountResponse {
    /// Since when the account is closed. Photos and personal data go in the minutes after that.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub deleted_at: String,
}

/// What one request may hold; all of it configuration.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Limits {
    /// Images in one batch.
    pub max_images_per_batch: u32,
    /// Bytes of one photo.
    pub max_file_bytes: u64,
    /// Pixels (width x height) of one photo.
    pub max_pixels: u64,
    /// Images that may be open at a time; more are refused until some are done.
    pub max_open_images: u32,
    /// Files in one request for upload links.
    pub max_files_per_presign: u32,
    /// Characters of the prompt that all images share.
    pub max_prompt_chars: u32,
    /// Characters of an image's own prompt.
    pub max_image_prompt_chars: u32,
}

/// One line of the price list: an image of this quality with at most this many pixels costs this many credits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Price {
    /// `low`, `medium` or `high`; `auto` is priced as the dearest.
    #[cfg_attr(feature = "openapi", schema(value_type = words::PricedQuality))]
    pub quality: String,
    /// The largest result (width x height, pixels) that this price covers.
    pub up_to_pixels: u64,
    /// Credits for one image.
    pub credits: u64,
}

/// `POST /api/files/presign`: the files somebody wants to upload.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PresignRequest {
    /// In the order in which the links will be answered.
    pub files: Vec<FileToUpload>,
}

/// One file as its owner describes it; the link is good for exactly this type and length.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct FileToUpload {
    /// The file's own name; kept by the client, never trusted.
    pub name: String,
    /// `image/png`, `image/jpeg` or `image/webp`.
    #[cfg_attr(feature = "openapi", schema(value_type = words::MediaType))]
    pub content_type: String,
    /// Exact length in bytes.
    #[cfg_attr(feature = "openapi", schema(minimum = 1))]
    pub size: u64,
}

/// The answer to [`PresignRequest`], in the order asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct PresignResponse {
    /// One per file, in the order asked.
    pub uploads: Vec<Upload>,
}

/// A presigned upload. Send the file's bytes to `url` by `method`, with exactly these `headers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Upload {
    /// What to name in `images[].key` when submitting.
    pub key: String,
    /// Where to send the bytes.
    #[cfg_attr(feature = "openapi", schema(format = "uri"))]
    pub url: String,
    /// `PUT`.
    #[cfg_attr(feature = "openapi", schema(value_type = words::UploadMethod))]
    pub method: String,
    /// Headers that are part of the signature. `content-length` is signed too; every HTTP client sends it by itself.
    pub headers: BTreeMap<String, String>,
    /// When the link stops working.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub expires_at: String,
}

/// `POST /api/images/generate`, with an `Idempotency-Key` header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SubmitRequest {
    /// The photos, in the order in which the results will be numbered (from 0).
    pub images: Vec<ImageToEdit>,
    /// The wish that all images share.
    #[serde(default)]
    pub prompt: String,
    /// How the results should be.
    #[serde(default)]
    pub options: Options,
}

/// One photo of a batch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageToEdit {
    /// The key that `POST /api/files/presign` answered.
    pub key: String,
    /// What its owner calls it, such as `photo-7.jpg`: only to be shown to them again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub name: Option<String>,
    /// A wish of its own, in place of the shared one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub prompt: Option<String>,
}

/// How the results should be; what is left out takes its default.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Options {
    /// `low`, `medium` (the default), `high` or `auto`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<words::Quality>, nullable = false))]
    pub quality: Option<String>,
    /// `auto` (the default) or `WIDTHxHEIGHT` in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(
        feature = "openapi",
        schema(nullable = false, pattern = "^(auto|[0-9]+x[0-9]+)$")
    )]
    pub size: Option<String>,
    /// `png` (the default), `jpeg` or `webp`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(value_type = Option<words::Format>, nullable = false))]
    pub format: Option<String>,
}

/// The answer (202) to an accepted [`SubmitRequest`], and again to each repeat of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SubmitResponse {
    /// The batch's name from now on.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub batch_id: String,
    /// How many images it has.
    pub image_count: u32,
    /// What was debited.
    pub credits_spent: u64,
    /// The balance right after the debit.
    pub credits: u64,
    /// Where to follow it: a path on the API's origin.
    #[cfg_attr(feature = "openapi", schema(format = "uri-reference"))]
    pub status_url: String,
}

/// The answer (202) to `POST /api/batch/{id}/cancel`: where the batch stands now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct CancelResponse {
    /// The batch.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub batch_id: String,
    /// `processing` while an image is at the provider, which cannot be called back; else `completed` or `canceled`.
    #[cfg_attr(feature = "openapi", schema(value_type = words::BatchState))]
    pub status: String,
    /// How many images are in which state.
    pub counts: Counts,
    /// What has come back so far for images that failed or were canceled.
    pub credits_refunded: u64,
    /// Where to follow the rest: a path on the API's origin.
    #[cfg_attr(feature = "openapi", schema(format = "uri-reference"))]
    pub status_url: String,
}

/// `GET /api/batch/{id}/status`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BatchStatus {
    /// The batch.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub batch_id: String,
    /// `pending`, `processing`, `completed`, `failed` or `canceled`.
    #[cfg_attr(feature = "openapi", schema(value_type = words::BatchState))]
    pub status: String,
    /// The wish that all images share, in full.
    pub prompt: String,
    /// As submitted, with the defaults filled in.
    pub options: Options,
    /// What was debited at submit.
    pub credits_spent: u64,
    /// What came back for images that failed or were canceled.
    pub credits_refunded: u64,
    /// When it was accepted.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// When its last image was settled; absent while any is open.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = DateTime, nullable = false))]
    pub finished_at: Option<String>,
    /// The batch whose failed and canceled images this one retries; absent if it is no retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = Uuid, nullable = false))]
    pub retry_of: Option<String>,
    /// The batch that retries this one's failed and canceled images; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = Uuid, nullable = false))]
    pub retried_in: Option<String>,
    /// How many images are in which state.
    pub counts: Counts,
    /// When to ask again, in milliseconds; 0 when nothing will change any more.
    pub poll_after_ms: u64,
    /// Every image, by index.
    pub images: Vec<ImageStatus>,
}

/// How many images are in which state; `total` is their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// All images of the batch.
    pub total: u32,
    /// Not started yet.
    pub pending: u32,
    /// At the provider.
    pub processing: u32,
    /// Has a result.
    pub completed: u32,
    /// Has none and was refunded.
    pub failed: u32,
    /// Was called off and refunded.
    pub canceled: u32,
}

/// One image of a [`BatchStatus`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageStatus {
    /// Its place in the batch, from 0.
    pub index: u32,
    /// The upload it was made from.
    pub key: String,
    /// What its owner calls it, if they said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub name: Option<String>,
    /// `pending`, `processing`, `completed`, `failed` or `canceled`.
    #[cfg_attr(feature = "openapi", schema(value_type = words::ImageState))]
    pub status: String,
    /// Where to fetch the result; present when completed, until the result is deleted after 90 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uri", nullable = false))]
    pub result_url: Option<String>,
    /// Where to fetch the photo as it was uploaded, to compare; present with the result, until the upload is
    /// deleted after 30 days.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = "uri", nullable = false))]
    pub source_url: Option<String>,
    /// Why there is no result; present when failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub error: Option<ImageError>,
    /// How often the provider was asked.
    pub provider_calls: u32,
}

/// Why an image has no result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct ImageError {
    /// Stable, for programs.
    pub code: String,
    /// For people: what happened and what they can do.
    pub message: String,
}

/// `GET /api/batches`
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BatchHistory {
    /// Newest first.
    pub batches: Vec<BatchSummary>,
    /// Pass it as `?cursor=` for the next page; absent on the last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub next_cursor: Option<String>,
}

impl BatchHistory {
    /// Batches on a page, unless the caller wants another number (`?limit=`).
    pub const PAGE: u32 = 20;
    /// The most that a caller may want.
    pub const LONGEST_PAGE: u32 = 100;
}

/// One line of a [`BatchHistory`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct BatchSummary {
    /// The batch.
    #[cfg_attr(feature = "openapi", schema(format = Uuid))]
    pub batch_id: String,
    /// `pending`, `processing`, `completed`, `failed` or `canceled`.
    #[cfg_attr(feature = "openapi", schema(value_type = words::BatchState))]
    pub status: String,
    /// The shared wish, cut after 500 characters; the status has it in full.
    pub prompt: String,
    /// How many images are in which state.
    pub counts: Counts,
    /// What was debited at submit.
    pub credits_spent: u64,
    /// What came back.
    pub credits_refunded: u64,
    /// When it was accepted.
    #[cfg_attr(feature = "openapi", schema(format = DateTime))]
    pub created_at: String,
    /// When its last image was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = DateTime, nullable = false))]
    pub finished_at: Option<String>,
    /// The batch whose failed and canceled images this one retries; absent if it is no retry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = Uuid, nullable = false))]
    pub retry_of: Option<String>,
    /// The batch that retries this one's failed and canceled images; absent if there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(format = Uuid, nullable = false))]
    pub retried_in: Option<String>,
}
