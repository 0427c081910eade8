//! The OpenAI stand-in over real HTTP: both body forms, refusals, faults, and what the journal says afterwards.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

mod common;

use std::{
    io::Cursor,
    net::SocketAddr,
    num::NonZeroU32,
    time::{Duration, Instant},
};

use axum::{Router, http::StatusCode, routing::get};
use base64::{Engine, engine::general_purpose::STANDARD};
use common::{client, serve};
use image::{ImageFormat, Rgb, RgbImage};
use reqwest::{
    Response,
    multipart::{Form, Part},
};
use serde_json::{Value, json};
use stand_ins::{openai, server};
use tokio::time::timeout;

/// A photo of its own for each shade, because journal and faults go by picture.
fn photo(shade: u8) -> Vec<u8> {
    let picture = RgbImage::from_fn(60, 40, |x, y| {
        Rgb([shade, (x * 4).to_le_bytes()[0], (y * 6).to_le_bytes()[0]])
    });
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

struct StandIn {
    base: String,
    client: reqwest::Client,
}

impl StandIn {
    async fn start() -> Self {
        Self::start_with(openai::Options::default()).await
    }

    async fn start_with(options: openai::Options) -> Self {
        let address = serve(|_| openai::router(options).unwrap()).await;
        Self {
            base: format!("http://{address}"),
            client: client(),
        }
    }

    /// An edit in the multipart form.
    async fn try_edit(&self, photo: Vec<u8>, prompt: &str) -> reqwest::Result<Response> {
        let part = Part::bytes(photo)
            .file_name("photo.png")
            .mime_str("image/png")?;
        let form = Form::new()
            .part("image", part)
            .text("model", "gpt-image-2")
            .text("prompt", prompt.to_owned());
        self.send(form).await
    }

    async fn edit(&self, photo: Vec<u8>, prompt: &str) -> Response {
        self.try_edit(photo, prompt).await.unwrap()
    }

    async fn send(&self, form: Form) -> reqwest::Result<Response> {
        self.client
            .post(format!("{}/v1/images/edits", self.base))
            .bearer_auth("sk-test")
            .multipart(form)
            .send()
            .await
    }

    /// An edit in the JSON form.
    async fn edit_json(&self, body: &Value) -> Response {
        let request = self
            .client
            .post(format!("{}/v1/images/edits", self.base))
            .bearer_auth("sk-test")
            .json(body);
        request.send().await.unwrap()
    }

    async fn get(&self, path: &str) -> Value {
        self.client
            .get(format!("{}{path}", self.base))
            .send()
            .await
            .unwrap()
            .json()
            .await
            .unwrap()
    }

    async fn post(&self, path: &str, body: Value) -> StatusCode {
        self.client
            .post(format!("{}{path}", self.base))
            .json(&body)
            .send()
            .await
            .unwrap()
            .status()
    }

    async fn delete(&self, path: &str) -> StatusCode {
        self.client
            .delete(format!("{}{path}", self.base))
            .send()
            .await
            .unwrap()
            .status()
    }

    /// Calls and purchases of the only picture with this prompt.
    async fn counts(&self, prompt_part: &str) -> (u64, u64) {
        let counts = self
            .get(&format!("/control/calls/counts?prompt={prompt_part}"))
            .await;
        let count = counts.get(0).unwrap();
        (
            count["calls"].as_u64().unwrap(),
            count["bought"].as_u64().unwrap(),
        )
    }
}

/// The picture in an answer.
async fn picture(response: Response) -> (Value, Vec<u8>) {
    assert_eq!(response.status(), StatusCode::OK);
    let mut answer: Value = response.json().await.unwrap();
    let bytes = STANDARD
        .decode(answer["data"][0]["b64_json"].as_str().unwrap())
        .unwrap();
    answer["data"] = Value::Null;
    (answer, bytes)
}

/// Status, and type, param and code of the error.
async fn refusal(response: Response) -> (u16, String, Option<String>, Option<String>) {
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    let error = &body["error"];
    assert!(
        error["message"].is_string() && error.get("param").is_some() && error.get("code").is_some(),
        "{body}"
    );
    let text = |name: &str| error[name].as_str().map(str::to_owned);
    (status, text("type").unwrap(), text("param"), text("code"))
}

#[tokio::test]
async fn multipart_is_edited_and_answered_in_full() {
    let stand_in = StandIn::start().await;
    let part = |shade| {
        Part::bytes(photo(shade))
            .file_name("p.png")
            .mime_str("image/png")
            .unwrap()
    };
    let form = Form::new()
        .part("image[]", part(1))
        .part("image[]", part(2))
        .text("model", "gpt-image-2")
        .text("prompt", "black and white")
        .text("quality", "low")
        .text("size", "1024x1024")
        .text("output_format", "jpeg")
        .text("output_compression", "80");
    let response = stand_in.send(form).await.unwrap();
    let headers = response.headers();
    assert!(
        headers["x-request-id"]
            .to_str()
            .unwrap()
            .starts_with("req_")
    );
    assert!(
        headers["openai-processing-ms"]
            .to_str()
            .unwrap()
            .parse::<u64>()
            .is_ok()
    );
    assert!(!headers.contains_key("x-ratelimit-limit-images"));

    let (answer, bytes) = picture(response).await;
    assert_eq!(answer["size"], "1024x1024");
    assert_eq!(answer["output_format"], "jpeg");
    assert_eq!(answer["quality"], "low");
    assert_eq!(answer["usage"]["output_tokens"], 196);
    assert_eq!(
        answer["usage"]["input_tokens_details"],
        json!({"text_tokens": 4, "image_tokens": 2048})
    );
    let edited = image::load_from_memory_with_format(&bytes, ImageFormat::Jpeg)
        .unwrap()
        .into_rgb8();
    assert_eq!(edited.dimensions(), (1024, 1024));
    assert!(
        edited
            .pixels()
            .all(|Rgb([r, g, b])| r.abs_diff(*g) < 4 && g.abs_diff(*b) < 4),
        "it is grey"
    );
}

#[tokio::test]
async fn json_fetches_its_picture_and_takes_data_urls() {
    let query = "X-Amz-Signature=a%2Fb%20c&x=%7E";
    let store = Router::new().route(
        "/photo",
        get(move |uri: axum::http::Uri| async move {
            // A signature covers the query as it was written.
            if uri.query() == Some(query) {
                Ok(([("content-type", "image/png")], photo(3)))
            } else {
                Err(StatusCode::FORBIDDEN)
            }
        }),
    );
    let store = serve(|_| store).await;
    let stand_in = StandIn::start().await;
    let body = |url: String| json!({"model": "gpt-image-2", "prompt": "sepia", "images": [{"image_url": url}]});

    let (answer, bytes) = picture(
        stand_in
            .edit_json(&body(format!("http://{store}/photo?{query}")))
            .await,
    )
    .await;
    assert_eq!(answer["size"], "1536x1024");
    assert_eq!(answer["output_format"], "png");
    assert_eq!(image::load_from_memory(&bytes).unwrap().width(), 1536);
    picture(
        stand_in
            .edit_json(&body(format!(
                "data:image/png;base64,{}",
                STANDARD.encode(photo(3))
            )))
            .await,
    )
    .await;

    for url in [
        format!("http://{store}/photo?wrong"),
        "http://127.0.0.1:9/gone".to_owned(),
        "ftp://x/y".to_owned(),
    ] {
        let (status, kind, param, code) = refusal(stand_in.edit_json(&body(url)).await).await;
        assert_eq!((status, kind.as_str()), (400, "invalid_request_error"));
        assert_eq!(param.as_deref(), Some("images[0].image_url"));
        assert_eq!(code.as_deref(), Some("invalid_image_url"));
    }
    // The same picture by URL and by data URL is the same picture.
    assert_eq!(stand_in.counts("sepia").await, (2, 2));
}

#[tokio::test]
async fn what_the_real_one_refuses() {
    let stand_in = StandIn::start().await;
    let part = |mime: &str| {
        Part::bytes(photo(4))
            .file_name("p.png")
            .mime_str(mime)
            .unwrap()
    };
    let form = || {
        Form::new()
            .text("model", "gpt-image-2")
            .text("prompt", "blue")
    };
    for (form, param, code) in [
        (form(), "image", "missing_required_parameter"),
        (
            form().part("image", part("application/octet-stream")),
            "image",
            "unsupported_file_mimetype",
        ),
        (
            form().part("image", Part::bytes(photo(4)).file_name("p.png")),
            "image",
            "unsupported_file_mimetype",
        ),
        (
            form().part(
                "image",
                Part::bytes(photo(4)).mime_str("image/png").unwrap(),
            ),
            "image",
            "invalid_type",
        ),
        (
            form().part("image", part("image/png")).text("images", "x"),
            "images",
            "unknown_parameter",
        ),
        (
            form()
                .part("image", part("image/png"))
                .text("response_format", "url"),
            "response_format",
            "unknown_parameter",
        ),
        (
            form().part(
                "image",
                Part::bytes(b"no picture".as_slice())
                    .file_name("p.png")
                    .mime_str("image/png")
                    .unwrap(),
            ),
            "image",
            "invalid_image_file",
        ),
    ] {
        let (status, kind, got_param, got_code) = refusal(stand_in.send(form).await.unwrap()).await;
        assert_eq!(
            (status, kind.as_str()),
            (400, "invalid_request_error"),
            "{code}"
        );
        assert_eq!(
            (got_param.as_deref(), got_code.as_deref()),
            (Some(param), Some(code))
        );
    }
    let image_in_json = json!({"model": "gpt-image-2", "prompt": "blue", "image": "x"});
    assert_eq!(
        refusal(stand_in.edit_json(&image_in_json).await)
            .await
            .3
            .as_deref(),
        Some("unknown_parameter")
    );
}

#[tokio::test]
async fn keys_forms_and_addresses_are_checked() {
    let stand_in = StandIn::start().await;
    let edits = format!("{}/v1/images/edits", stand_in.base);
    for request in [
        stand_in.client.post(&edits),
        stand_in.client.post(&edits).bearer_auth("bad-key"),
    ] {
        let (status, _, _, code) = refusal(request.json(&json!({})).send().await.unwrap()).await;
        assert_eq!((status, code.as_deref()), (401, Some("invalid_api_key")));
    }
    let text = stand_in
        .client
        .post(&edits)
        .bearer_auth("sk")
        .body("hello")
        .send()
        .await
        .unwrap();
    assert_eq!(
        refusal(text).await.3.as_deref(),
        Some("unsupported_content_type")
    );
    assert_eq!(
        refusal(stand_in.client.get(&edits).send().await.unwrap())
            .await
            .0,
        405
    );
    let elsewhere = stand_in
        .client
        .get(format!("{}/v1/audio", stand_in.base))
        .send()
        .await
        .unwrap();
    assert_eq!(refusal(elsewhere).await.0, 404);
}

#[tokio::test]
async fn faults_before_the_work_cost_nothing() {
    let stand_in = StandIn::start().await;
    for (fault, status, kind, code) in [
        ("rate_limit", 429, "requests", Some("rate_limit_exceeded")),
        ("slow_down", 429, "requests", Some("slow_down")),
        (
            "out_of_money",
            429,
            "insufficient_quota",
            Some("insufficient_quota"),
        ),
        (
            "credit_balance_exhausted",
            429,
            "insufficient_quota",
            Some("credit_balance_exhausted"),
        ),
        (
            "spend_limit",
            429,
            "insufficient_quota",
            Some("project_spend_limit_exceeded"),
        ),
        (
            "moderation",
            400,
            "image_generation_user_error",
            Some("moderation_blocked"),
        ),
        (
            "bad_image",
            400,
            "invalid_request_error",
            Some("invalid_image_file"),
        ),
        (
            "bad_key",
            401,
            "invalid_request_error",
            Some("invalid_api_key"),
        ),
        ("not_verified", 403, "invalid_request_error", None),
        ("overload", 503, "server_error", Some("overloaded")),
        ("server_error", 500, "server_error", Some("server_error")),
    ] {
        let response = stand_in
            .edit(photo(5), &format!("blue [[fault:{fault}]]"))
            .await;
        assert_eq!(
            response.headers().contains_key("retry-after-ms"),
            ["rate_limit", "slow_down"].contains(&fault)
        );
        let (got_status, got_kind, _, got_code) = refusal(response).await;
        assert_eq!(
            (got_status, got_kind.as_str(), got_code.as_deref()),
            (status, kind, code),
            "{fault}"
        );
        assert_eq!(stand_in.counts(fault).await, (1, 0), "{fault}");
    }
    let gateway = stand_in.edit(photo(5), "[[fault:bad_gateway]]").await;
    assert_eq!(gateway.status(), StatusCode::BAD_GATEWAY);
    assert!(gateway.json::<Value>().await.is_err());
}

#[tokio::test]
async fn faults_after_the_work_are_paid_for() {
    let stand_in = StandIn::start().await;
    let prompt = |fault: &str| format!("red [[fault:{fault}:1]]");

    let cut = stand_in.try_edit(photo(6), &prompt("cut")).await;
    assert!(
        cut.is_err_and(|error| error.is_request()),
        "no answer at all"
    );

    let half = stand_in.edit(photo(6), &prompt("cut_answer")).await;
    let promised = half.content_length().unwrap();
    assert_eq!(half.status(), StatusCode::OK);
    assert!(promised > 1_000 && half.bytes().await.is_err());

    assert!(
        stand_in
            .edit(photo(6), &prompt("garbage"))
            .await
            .json::<Value>()
            .await
            .is_err()
    );
    let empty: Value = stand_in
        .edit(photo(6), &prompt("empty_data"))
        .await
        .json()
        .await
        .unwrap();
    assert_eq!(empty["data"], json!([]));
    let (_, cut_picture) = picture(stand_in.edit(photo(6), &prompt("truncated_image")).await).await;
    assert!(image::load_from_memory(&cut_picture).is_err());
    let (answer, other) = picture(stand_in.edit(photo(6), &prompt("wrong_format")).await).await;
    assert_eq!(answer["output_format"], "png");
    assert_eq!(image::guess_format(&other).unwrap(), ImageFormat::Jpeg);
    let timeout = stand_in.edit(photo(6), &prompt("gateway_timeout")).await;
    assert_eq!(timeout.status(), StatusCode::GATEWAY_TIMEOUT);

    let names = [
        "cut",
        "cut_answer",
        "garbage",
        "empty_data",
        "truncated_image",
        "wrong_format",
        "gateway_timeout",
    ];
    for fault in names {
        picture(stand_in.edit(photo(6), &prompt(fault)).await).await;
        assert_eq!(
            stand_in.counts(&format!("{fault}:1")).await,
            (2, 2),
            "{fault}"
        );
    }
}

#[tokio::test]
async fn a_slow_answer_is_bought_at_once() {
    let stand_in = StandIn::start().await;
    let request = stand_in
        .client
        .post(format!("{}/v1/images/edits", stand_in.base))
        .bearer_auth("sk");
    let body = json!({
        "model": "gpt-image-2",
        "prompt": "teal [[fault:slow:60:1]]",
        "images": [{"image_url": format!("data:image/png;base64,{}", STANDARD.encode(photo(7)))}],
    });
    let hasty = tokio::spawn(request.json(&body).send());
    let accepted = async { while stand_in.get("/control/calls?prompt=teal").await == json!([]) {} };
    timeout(Duration::from_secs(30), accepted).await.unwrap();
    hasty.abort();
    assert_eq!(stand_in.counts("teal").await, (1, 1));
    assert_eq!(
        stand_in.get("/control/calls?prompt=teal").await[0]["outcome"],
        "accepted"
    );
    picture(stand_in.edit_json(&body).await).await;
    assert_eq!(
        stand_in.get("/control/calls?prompt=teal").await[1]["outcome"],
        "answered"
    );

    let started = Instant::now();
    picture(stand_in.edit(photo(7), "pink [[fault:slow:1]]").await).await;
    assert!(started.elapsed() >= Duration::from_secs(1));
}

#[tokio::test]
async fn rules_by_the_control_api_touch_only_their_prompts() {
    let stand_in = StandIn::start().await;
    let rule = json!({"name": "overload", "count": 1, "match": "case-a"});
    assert_eq!(
        stand_in.post("/control/faults", rule).await,
        StatusCode::CREATED
    );
    assert!(
        stand_in
            .post("/control/faults", json!({"name": "nonsense"}))
            .await
            .is_client_error()
    );
    assert_eq!(
        stand_in.edit(photo(8), "blue case-b").await.status(),
        StatusCode::OK
    );
    assert_eq!(
        stand_in.edit(photo(8), "blue case-a").await.status(),
        StatusCode::SERVICE_UNAVAILABLE
    );
    assert_eq!(
        stand_in.edit(photo(8), "blue case-a").await.status(),
        StatusCode::OK
    );

    stand_in
        .post(
            "/control/faults",
            json!({"name": "bad_key", "match": "case-b"}),
        )
        .await;
    assert_eq!(
        stand_in
            .get("/control/faults")
            .await
            .as_array()
            .map(Vec::len),
        Some(1)
    );
    assert_eq!(
        stand_in.delete("/control/faults").await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        stand_in.edit(photo(8), "blue case-b").await.status(),
        StatusCode::OK
    );

    let calls = stand_in.get("/control/calls?prompt=case-a").await;
    let outcomes: Vec<_> = calls
        .as_array()
        .unwrap()
        .iter()
        .map(|call| call["outcome"].as_str().unwrap())
        .collect();
    assert_eq!(outcomes, ["overload", "answered"]);
    assert_eq!(
        stand_in.delete("/control/calls?prompt=case-a").await,
        StatusCode::NO_CONTENT
    );
    assert_eq!(
        stand_in
            .get("/control/calls")
            .await
            .as_array()
            .map(Vec::len),
        Some(2)
    );
}

#[tokio::test]
async fn images_per_minute_are_counted_and_told() {
    let options = openai::Options {
        images_per_minute: NonZeroU32::new(2),
        ..openai::Options::default()
    };
    let stand_in = StandIn::start_with(options).await;
    let first = stand_in.edit(photo(9), "blue").await;
    assert_eq!(first.headers()["x-ratelimit-limit-images"], "2");
    assert_eq!(first.headers()["x-ratelimit-remaining-images"], "1");
    assert!(
        first.headers()["x-ratelimit-reset-images"]
            .to_str()
            .unwrap()
            .ends_with('s')
    );
    stand_in.edit(photo(9), "blue").await;
    let third = stand_in.edit(photo(9), "blue").await;
    let wait: u64 = third.headers()["retry-after-ms"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=30_000).contains(&wait), "{wait}");
    assert_eq!(
        refusal(third).await.3.as_deref(),
        Some("rate_limit_exceeded")
    );
    assert_eq!(stand_in.counts("blue").await, (3, 2));

    let settings = stand_in
        .client
        .put(format!("{}/control/settings", stand_in.base));
    let settings = settings
        .json(&json!({"imagesPerMinute": 0, "latencyMs": 300}))
        .send()
        .await
        .unwrap();
    let settings: Value = settings.json().await.unwrap();
    assert_eq!(settings, json!({"latencyMs": 300, "imagesPerMinute": null}));
    let started = Instant::now();
    assert_eq!(
        stand_in.edit(photo(9), "blue").await.status(),
        StatusCode::OK
    );
    assert!(started.elapsed() >= Duration::from_millis(300));
}

#[tokio::test]
async fn models_health_and_a_taken_port() {
    let stand_in = StandIn::start().await;
    let models = stand_in
        .client
        .get(format!("{}/v1/models", stand_in.base))
        .bearer_auth("sk")
        .send()
        .await
        .unwrap();
    let models: Value = models.json().await.unwrap();
    assert_eq!(models["data"][0]["id"], "gpt-image-2");
    let health = stand_in
        .client
        .get(format!("{}/health", stand_in.base))
        .send()
        .await
        .unwrap();
    assert_eq!(health.status(), StatusCode::OK);

    let address: SocketAddr = stand_in.base.trim_start_matches("http://").parse().unwrap();
    let error = server::bind(address).await.unwrap_err().to_string();
    assert!(
        error.contains(&format!("port {} ", address.port())) && error.contains("in use"),
        "{error}"
    );
}
