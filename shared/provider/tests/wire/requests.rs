//! What we send, to the byte.

use bytes::Bytes;
use provider::{EditRequest, Edited, Input, InputTokens, PictureFormat, Usage};
use serde_json::json;
use wiremock::{
    Mock, MockServer, Request, ResponseTemplate, http::HeaderName, matchers::bearer_token,
};

use crate::support::{
    KEY, MODEL, PHOTO_URL, PROMPT, by_url, client, edited, key, picture, serving,
};

/// Sends `request` to a server that grants it, and gives back what arrived there.
async fn sent(request: EditRequest<'_>) -> Request {
    let answer = edited(&picture(request.output_format));
    let server = serving(ResponseTemplate::new(200).set_body_json(answer)).await;
    client(&server.uri()).edit(&key(), request).await.unwrap();
    server.received_requests().await.unwrap().remove(0)
}

fn header<'a>(request: &'a Request, name: &str) -> &'a str {
    request.headers[name].to_str().unwrap()
}

fn check_head(request: &Request) {
    assert_eq!(request.method.as_str(), "POST");
    assert_eq!(request.url.path(), "/v1/images/edits");
    assert_eq!(request.url.query(), None);
    assert_eq!(header(request, "authorization"), format!("Bearer {KEY}"));
    assert_eq!(
        header(request, "content-length"),
        request.body.len().to_string()
    );
    let mut names: Vec<_> = request.headers.keys().map(HeaderName::as_str).collect();
    names.sort_unstable();
    assert_eq!(
        names,
        [
            "accept",
            "authorization",
            "content-length",
            "content-type",
            "host",
            "user-agent"
        ]
    );
}

#[tokio::test]
async fn the_url_form_is_json() {
    let request = sent(by_url()).await;
    check_head(&request);
    assert_eq!(header(&request, "content-type"), "application/json");
    let body: serde_json::Value = request.body_json().unwrap();
    let expected = json!({
        "model": MODEL,
        "prompt": PROMPT,
        "images": [{"image_url": PHOTO_URL}],
        "size": "1024x1024",
        "quality": "medium",
        "output_format": "png",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn the_bytes_form_is_multipart_with_a_named_and_typed_photo() {
    for (format, media_type) in [
        (PictureFormat::Png, "image/png"),
        (PictureFormat::Jpeg, "image/jpeg"),
        (PictureFormat::Webp, "image/webp"),
    ] {
        let photo = picture(format);
        let request = sent(EditRequest {
            input: Input::Bytes {
                bytes: Bytes::from(photo.clone()),
                format,
            },
            output_format: PictureFormat::Webp,
            ..by_url()
        })
        .await;
        check_head(&request);
        let boundary = header(&request, "content-type")
            .strip_prefix("multipart/form-data; boundary=")
            .unwrap();

        let mut expected = Vec::new();
        for (name, value) in [
            ("model", MODEL),
            ("prompt", PROMPT),
            ("size", "1024x1024"),
            ("quality", "medium"),
            ("output_format", "webp"),
        ] {
            expected.extend_from_slice(
                format!(
                    "--{boundary}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
                )
                .as_bytes(),
            );
        }
        expected.extend_from_slice(
            format!(
                "--{boundary}\r\nContent-Disposition: form-data; name=\"image\"; filename=\"photo.{format}\"\r\n\
                 Content-Type: {media_type}\r\n\r\n"
            )
            .as_bytes(),
        );
        expected.extend(photo);
        expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
        assert_eq!(
            String::from_utf8_lossy(&request.body),
            String::from_utf8_lossy(&expected)
        );
        assert_eq!(request.body, expected);
    }
}

#[tokio::test]
async fn a_success_is_a_picture_and_what_it_cost() {
    for format in [PictureFormat::Png, PictureFormat::Jpeg, PictureFormat::Webp] {
        let picture = picture(format);
        let answer = ResponseTemplate::new(200)
            .insert_header("x-request-id", "req_0a1b")
            .set_body_json(edited(&picture));
        let server = serving(answer).await;
        let request = EditRequest {
            output_format: format,
            ..by_url()
        };
        let expected = Edited {
            picture: picture.into(),
            usage: Some(Usage {
                input_tokens: 1040,
                output_tokens: 1756,
                total_tokens: 2796,
                input_tokens_details: Some(InputTokens {
                    text_tokens: 16,
                    image_tokens: 1024,
                }),
            }),
            size: Some("1024x1024".to_owned()),
            quality: Some("medium".to_owned()),
            request_id: Some("req_0a1b".to_owned()),
        };
        assert_eq!(
            client(&server.uri()).edit(&key(), request).await.unwrap(),
            expected
        );
    }
}

#[tokio::test]
async fn each_call_is_made_with_the_key_that_it_is_given() {
    let server = MockServer::start().await;
    let client = client(&server.uri());
    for key in ["sk-old", "sk-new"] {
        let answer = edited(&picture(PictureFormat::Png));
        Mock::given(bearer_token(key))
            .respond_with(ResponseTemplate::new(200).set_body_json(answer))
            .expect(1)
            .mount(&server)
            .await;
        client.edit(&key.parse().unwrap(), by_url()).await.unwrap();
    }
}
