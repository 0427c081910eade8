//! The closed sets of words that some text fields hold, for the OpenAPI document.
//!
//! The shapes themselves keep plain texts, so that a client of today can read a word of tomorrow. That these are the
//! words of `domain` is what the document's tests check.

use serde::Serialize;
use utoipa::ToSchema;

/// Where a batch stands. The last three are final.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BatchState {
    /// No image has started.
    Pending,
    /// Some image is open.
    Processing,
    /// Over, with at least one result.
    Completed,
    /// Over without any.
    Failed,
    /// Over without any because its user called it off.
    Canceled,
}

/// Where an image stands. The last three are final.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImageState {
    /// Not started yet.
    Pending,
    /// At the provider.
    Processing,
    /// Has a result.
    Completed,
    /// Has none and was refunded.
    Failed,
    /// Was called off and refunded.
    Canceled,
}

/// How much work is put into a result; dearer and slower upwards. `auto` leaves it to the provider.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// A sketch.
    Low,
    /// What most people want.
    Medium,
    /// Over two minutes an image.
    High,
    /// The provider chooses.
    Auto,
}

/// A quality that has a price of its own.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PricedQuality {
    /// A sketch.
    Low,
    /// What most people want.
    Medium,
    /// Over two minutes an image.
    High,
}

/// The file format of a result.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Lossless.
    Png,
    /// Lossy, for photos.
    Jpeg,
    /// Lossy, smallest.
    Webp,
}

/// The type of a photo that can be edited.
#[derive(Serialize, ToSchema)]
pub enum MediaType {
    /// PNG.
    #[serde(rename = "image/png")]
    Png,
    /// JPEG.
    #[serde(rename = "image/jpeg")]
    Jpeg,
    /// WebP.
    #[serde(rename = "image/webp")]
    Webp,
}

/// How a photo is uploaded.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum UploadMethod {
    /// One request with the whole photo.
    Put,
}

/// Why a balance changed.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    /// The first credits.
    Welcome,
    /// A batch was submitted.
    Debit,
    /// An image failed or was canceled.
    Refund,
    /// A pack was bought.
    Order,
    /// Money for a pack was given back, and its credits taken.
    OrderRefund,
    /// Corrected by hand.
    Adjust,
}
