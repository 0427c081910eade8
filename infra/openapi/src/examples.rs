//! The bodies that the document shows: values of the types of `api`, so that they cannot be anything that those are not.
//!
//! They tell one story: Anna uploads two photos, submits them, one is edited, the other cannot be.
//! What she retried before and retries after are batches of which only the ids are told.

use api::{
    Account, Balance, BatchHistory, BatchStatus, BatchSummary, CancelResponse, Checkout,
    CheckoutRequest, Counts, DeleteAccountRequest, DeleteAccountResponse, FileToUpload, ImageError,
    ImageStatus, ImageToEdit, Limits, Options, Pack, Packs, Portal, PresignRequest,
    PresignResponse, Price, Settings, SettingsRequest, SubmitRequest, SubmitResponse, Transaction,
    Transactions, Upload, Webhook, WebhookRequest,
};
use domain::PriceTable;
use picture::PictureRefused;

pub(crate) const BATCH: &str = "9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f";
/// The batch that retries [`BATCH`].
const RETRY: &str = "3d7a90c4-52be-8f16-8a0c-5e21b7d4f9a3";
/// The batch that [`BATCH`] retries.
const EARLIER: &str = "c81e728d-9d4c-8f63-af06-7f89cc14862c";
pub(crate) const ETAG: &str = "\"5d41402abc4b2a76b9719d911017c592\"";
pub(crate) const IDEMPOTENCY_KEY: &str = "0e6a1f5e-1c0f-4f5c-a8f0-6f2d9f3b7a10";
pub(crate) const CURSOR: &str = "eyJjcmVhdGVkX2F0IjoiMjAyNi0xMS0yM1QyMDowMDowMC4wMDBaIn0";
pub(crate) const LEDGER_CURSOR: &str = "4";
/// What Anna buys.
const PRODUCT: &str = "0a5c8e21-7b64-4f0d-9c3a-2b1d4e6f8a50";
const USER: &str = "7b9f6f5e-3c55-4d0a-9a2e-7f6c0d1e2a3b";
const SUBMITTED: &str = "2026-11-23T21:00:00.000Z";
const FINISHED: &str = "2026-11-23T21:00:41.350Z";
const WEBHOOK: &str = "https://example.com/batches";
const PROMPT: &str = "make it a watercolour";
/// What the second photo is asked for instead.
const OWN_PROMPT: &str = "make only the sky blue";

fn keys() -> [String; 2] {
    [
        format!("uploads/{USER}/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg"),
        format!("uploads/{USER}/c2a4e1d8-95b6-4a4f-8a55-1d2e3f405162.png"),
    ]
}

pub(crate) fn account() -> Account {
    let limits = domain::Limits::default();
    let prices = PriceTable::default();
    Account {
        user_id: USER.to_owned(),
        email: "anna@example.com".to_owned(),
        credits: 10,
        limits: Limits {
            max_images_per_batch: limits.max_images_per_batch,
            max_file_bytes: limits.max_file_bytes,
            max_pixels: limits.max_pixels,
            max_open_images: limits.max_open_images,
            max_files_per_presign: limits.max_files_per_presign,
            max_prompt_chars: limits.max_prompt_chars,
            max_image_prompt_chars: limits.max_image_prompt_chars,
        },
        prices: prices
            .bands()
            .iter()
            .map(|band| Price {
                quality: band.quality.name().to_owned(),
                up_to_pixels: band.up_to_pixels,
                credits: band.credits.get(),
            })
            .collect(),
        auto_pixels: domain::Size::Auto.max_pixels(),
    }
}

pub(crate) fn new_settings() -> Settings {
    Settings {
        emails: true,
        webhook: None,
    }
}

pub(crate) fn settings() -> Settings {
    Settings {
        emails: false,
        webhook: Some(Webhook {
            url: WEBHOOK.to_owned(),
            secret: "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=".to_owned(),
        }),
    }
}

pub(crate) fn settings_request() -> SettingsRequest {
    SettingsRequest {
        emails: false,
        webhook: Some(WebhookRequest {
            url: WEBHOOK.to_owned(),
        }),
    }
}

pub(crate) fn short_settings_request() -> SettingsRequest {
    SettingsRequest {
        emails: true,
        webhook: None,
    }
}

pub(crate) fn delete_account_request() -> DeleteAccountRequest {
    DeleteAccountRequest {
        confirm: "anna@example.com".to_owned(),
    }
}

pub(crate) fn delete_account_response() -> DeleteAccountResponse {
    DeleteAccountResponse {
        deleted_at: FINISHED.to_owned(),
    }
}

pub(crate) fn presign_request() -> PresignRequest {
    let file = |name: &str, content_type: &str, size| FileToUpload {
        name: name.to_owned(),
        content_type: content_type.to_owned(),
        size,
    };
    PresignRequest {
        files: vec![
            file("beach.jpg", "image/jpeg", 3_482_113),
            file("sky.png", "image/png", 1_204_556),
        ],
    }
}

pub(crate) fn presign_response() -> PresignResponse {
    let upload = |key: String, content_type: &str| Upload {
        url: format!(
            "https://photos.s3.eu-central-1.amazonaws.com/{key}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=900&\
             X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bif-none-match&X-Amz-Signature=4f1c"
        ),
        key,
        method: "PUT".to_owned(),
        headers: [("content-type", content_type), ("if-none-match", "*")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        expires_at: "2026-11-23T21:14:30.000Z".to_owned(),
    };
    let [beach, sky] = keys();
    PresignResponse {
        uploads: vec![upload(beach, "image/jpeg"), upload(sky, "image/png")],
    }
}

/// Everything that can be said.
pub(crate) fn submit_request() -> SubmitRequest {
    let [beach, sky] = keys();
    SubmitRequest {
        images: vec![
            ImageToEdit {
                key: beach,
                name: Some("beach.jpg".to_owned()),
                prompt: None,
            },
            ImageToEdit {
                key: sky,
                name: Some("sky.png".to_owned()),
                prompt: Some(OWN_PROMPT.to_owned()),
            },
        ],
        prompt: PROMPT.to_owned(),
        options: options(),
    }
}

/// As little as can be said.
pub(crate) fn short_submit_request() -> SubmitRequest {
    let [beach, _] = keys();
    SubmitRequest {
        images: vec![ImageToEdit {
            key: beach,
            name: None,
            prompt: None,
        }],
        prompt: PROMPT.to_owned(),
        options: Options::default(),
    }
}

fn options() -> Options {
    Options {
        quality: Some("medium".to_owned()),
        size: Some("1024x1024".to_owned()),
        format: Some("png".to_owned()),
    }
}

pub(crate) fn submit_response() -> SubmitResponse {
    SubmitResponse {
        batch_id: BATCH.to_owned(),
        image_count: 2,
        credits_spent: 2,
        credits: 8,
        status_url: format!("/api/batch/{BATCH}/status"),
    }
}

pub(crate) fn canceled_batch() -> CancelResponse {
    CancelResponse {
        batch_id: BATCH.to_owned(),
        status: "processing".to_owned(),
        counts: Counts {
            total: 2,
            processing: 1,
            canceled: 1,
            ..Counts::default()
        },
        credits_refunded: 1,
        status_url: format!("/api/batch/{BATCH}/status"),
    }
}

pub(crate) fn retry_response() -> SubmitResponse {
    SubmitResponse {
        batch_id: RETRY.to_owned(),
        image_count: 1,
        credits_spent: 1,
        credits: 8,
        status_url: format!("/api/batch/{RETRY}/status"),
    }
}

pub(crate) fn open_batch() -> BatchStatus {
    let [beach, sky] = keys();
    BatchStatus {
        batch_id: BATCH.to_owned(),
        status: "processing".to_owned(),
        prompt: PROMPT.to_owned(),
        options: options(),
        credits_spent: 2,
        credits_refunded: 0,
        created_at: SUBMITTED.to_owned(),
        finished_at: None,
        retry_of: Some(EARLIER.to_owned()),
        retried_in: None,
        counts: Counts {
            total: 2,
            pending: 1,
            processing: 1,
            ..Counts::default()
        },
        poll_after_ms: 1_000,
        images: vec![
            image(0, beach, "beach.jpg", "processing", 1),
            image(1, sky, "sky.png", "pending", 0),
        ],
    }
}

pub(crate) fn finished_batch() -> BatchStatus {
    let [beach, sky] = keys();
    let refused = PictureRefused::Truncated;
    BatchStatus {
        status: "completed".to_owned(),
        credits_refunded: 1,
        finished_at: Some(FINISHED.to_owned()),
        retried_in: Some(RETRY.to_owned()),
        counts: finished_counts(),
        poll_after_ms: 0,
        images: vec![
            ImageStatus {
                result_url: Some(format!(
                    "https://photos.s3.eu-central-1.amazonaws.com/results/{USER}/{BATCH}/00000.png?X-Amz-Expires=5400&\
                     X-Amz-Signature=9a0e"
                )),
                source_url: Some(format!(
                    "https://photos.s3.eu-central-1.amazonaws.com/{beach}?X-Amz-Expires=5400&X-Amz-Signature=1b2c"
                )),
                ..image(0, beach, "beach.jpg", "completed", 1)
            },
            ImageStatus {
                error: Some(ImageError {
                    code: refused.code().to_owned(),
                    message: refused.to_string(),
                }),
                ..image(1, sky, "sky.png", "failed", 0)
            },
        ],
        ..open_batch()
    }
}

fn image(index: u32, key: String, name: &str, status: &str, provider_calls: u32) -> ImageStatus {
    ImageStatus {
        index,
        key,
        name: Some(name.to_owned()),
        status: status.to_owned(),
        result_url: None,
        source_url: None,
        error: None,
        provider_calls,
    }
}

fn finished_counts() -> Counts {
    Counts {
        total: 2,
        completed: 1,
        failed: 1,
        ..Counts::default()
    }
}

pub(crate) fn history() -> BatchHistory {
    BatchHistory {
        batches: vec![BatchSummary {
            batch_id: BATCH.to_owned(),
            status: "completed".to_owned(),
            prompt: PROMPT.to_owned(),
            counts: finished_counts(),
            credits_spent: 2,
            credits_refunded: 1,
            created_at: SUBMITTED.to_owned(),
            finished_at: Some(FINISHED.to_owned()),
            retry_of: Some(EARLIER.to_owned()),
            retried_in: Some(RETRY.to_owned()),
        }],
        next_cursor: Some(CURSOR.to_owned()),
    }
}

pub(crate) fn packs() -> Packs {
    let pack = |product_id: &str, credits, price| Pack {
        product_id: product_id.to_owned(),
        name: format!("{credits} credits"),
        credits,
        price,
        currency: "usd".to_owned(),
    };
    Packs {
        packs: vec![
            pack(PRODUCT, 50, 500),
            pack("6d1f4b73-8e25-4c9a-b0f7-3a5c9d2e1f64", 200, 1_800),
        ],
    }
}

pub(crate) fn balance() -> Balance {
    Balance {
        credits: 0,
        owed: 5,
    }
}

pub(crate) fn transactions() -> Transactions {
    Transactions {
        transactions: vec![
            Transaction {
                id: format!("refund#{BATCH}#00001"),
                kind: "refund".to_owned(),
                description: format!("Refund for sky.png in batch “{PROMPT}”"),
                amount: 1,
                balance_after: 9,
                owed_after: 0,
                created_at: FINISHED.to_owned(),
                batch_id: Some(BATCH.to_owned()),
            },
            Transaction {
                id: format!("debit#{BATCH}"),
                kind: "debit".to_owned(),
                description: format!("Batch “{PROMPT}” (2 photos, tried again)"),
                amount: -2,
                balance_after: 8,
                owed_after: 0,
                created_at: SUBMITTED.to_owned(),
                batch_id: Some(BATCH.to_owned()),
            },
        ],
        next_cursor: Some(LEDGER_CURSOR.to_owned()),
    }
}

pub(crate) fn checkout_request() -> CheckoutRequest {
    CheckoutRequest {
        product_id: PRODUCT.to_owned(),
    }
}

pub(crate) fn checkout() -> Checkout {
    Checkout {
        checkout_id: "d1e2f3a4-b5c6-4d7e-8f90-a1b2c3d4e5f6".to_owned(),
        url: "https://polar.sh/checkout/polar_c_2f6e".to_owned(),
    }
}

pub(crate) fn portal() -> Portal {
    Portal {
        url: "https://polar.sh/example/portal?customer_session_token=polar_cst_9a0e".to_owned(),
    }
}
