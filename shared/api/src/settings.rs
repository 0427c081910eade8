//! What a user wants to be told, and how.

use serde::{Deserialize, Serialize};

use crate::Counts;

/// `GET /api/account/settings`, and the answer to `PUT`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Settings {
    /// Is mail sent when a batch is done, a purchase has arrived, or the balance is low?
    pub emails: bool,
    /// Who is told when a batch is done; absent for nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub webhook: Option<Webhook>,
}

/// Where a user's own program listens.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// Gets a `POST` signed as Standard Webhooks says.
    #[cfg_attr(feature = "openapi", schema(format = "uri"))]
    pub url: String,
    /// Verifies the signature: `whsec_` and base64. Made by the service, another one for each new URL.
    pub secret: String,
}

/// `PUT /api/account/settings`: all of them as they should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct SettingsRequest {
    /// Whether to send mail.
    pub emails: bool,
    /// Who is to be told when a batch is done; absent for nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(feature = "openapi", schema(nullable = false))]
    pub webhook: Option<WebhookRequest>,
}

/// A program that is to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "camelCase")]
pub struct WebhookRequest {
    /// `https` and a public host.
    #[cfg_attr(feature = "openapi", schema(format = "uri"))]
    pub url: String,
}

/// The body of what a webhook gets when a batch is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WebhookEvent {
    /// `batch.completed`, `batch.failed` or `batch.canceled`.
    #[serde(rename = "type")]
    pub kind: String,
    /// When it happened.
    pub timestamp: String,
    /// The batch.
    pub data: FinishedBatch,
}

/// A batch that is over, in the words of its status.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FinishedBatch {
    /// Its id.
    pub batch_id: String,
    /// `completed`, `failed` or `canceled`.
    pub status: String,
    /// How many images are in which state.
    pub counts: Counts,
    /// What was debited.
    pub credits_spent: u64,
    /// What of it came back.
    pub credits_refunded: u64,
    /// When it was submitted.
    pub created_at: String,
    /// When its last image was settled.
    pub finished_at: String,
}
