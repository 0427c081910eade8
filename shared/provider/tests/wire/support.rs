//! What the wire tests share: a client, a request, pictures, and answers.

use std::{io::Cursor, time::Duration};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use image::{DynamicImage, ImageFormat, Rgb, RgbImage};
use provider::{ApiKey, Client, Config, EditRequest, Input, PictureFormat};
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::any};

pub(crate) const KEY: &str = "sk-test-0123456789";
pub(crate) const MODEL: &str = "gpt-image-2";
pub(crate) const PROMPT: &str = "make it look like a \"watercolour\" \u{1F3A8}";
pub(crate) const PHOTO_URL: &str =
    "https://uploads.example.com/u/1.jpg?X-Amz-Signature=abc&X-Amz-Expires=3600";

/// A configuration for a stand-in at `root`, with timeouts that no test is meant to reach.
pub(crate) fn config(root: &str) -> Config {
    Config {
        connect_timeout: Duration::from_secs(5),
        ..Config::new(format!("{root}/v1"), MODEL, Duration::from_secs(20))
    }
}

pub(crate) fn key() -> ApiKey {
    KEY.parse().unwrap()
}

pub(crate) fn client(root: &str) -> Client {
    Client::new(&config(root)).unwrap()
}

pub(crate) fn by_url() -> EditRequest<'static> {
    EditRequest {
        input: Input::Url(PHOTO_URL),
        prompt: PROMPT,
        size: "1024x1024",
        quality: "medium",
        output_format: PictureFormat::Png,
    }
}

/// A server that answers everything with `answer`, and exactly once: nothing is ever repeated.
pub(crate) async fn serving(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    server
}

/// A small picture of every format.
pub(crate) fn picture(format: PictureFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let format = match format {
        PictureFormat::Png => ImageFormat::Png,
        PictureFormat::Jpeg => ImageFormat::Jpeg,
        PictureFormat::Webp => ImageFormat::WebP,
    };
    DynamicImage::from(RgbImage::from_pixel(16, 16, Rgb([200, 30, 90])))
        .write_to(&mut bytes, format)
        .unwrap();
    bytes.into_inner()
}

/// The body of a success, as in the vendor's API description.
pub(crate) fn edited(picture: &[u8]) -> Value {
    json!({
        "created": 1_763_900_000,
        "background": "opaque",
        "data": [{"b64_json": BASE64_STANDARD.encode(picture)}],
        "output_format": "png",
        "quality": "medium",
        "size": "1024x1024",
        "usage": {
            "input_tokens": 1040,
            "input_tokens_details": {"image_tokens": 1024, "text_tokens": 16},
            "output_tokens": 1756,
            "total_tokens": 2796
        }
    })
}
