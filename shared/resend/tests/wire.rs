//! What goes over the wire and what its answers become, against a server that this process runs itself.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]

use std::time::Duration;

use resend::{Client, Mail, NotSent};
use serde_json::json;
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

const MAIL: Mail<'_> = Mail {
    from: "Batch Image Edit <mail@example.com>",
    to: "anna@example.com",
    subject: "Your photos are done",
    text: "All of them.",
    html: "<p>All of them.</p>",
};

/// Sends [`MAIL`] to a server that answers like this, and exactly once: nothing is ever repeated.
async fn sent(answer: ResponseTemplate) -> (Result<(), NotSent>, Request) {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    let client = Client::new(&format!("{}/", server.uri())).unwrap();
    let result = client.send("re_123\n", "batch-done/1", &MAIL).await;
    (
        result,
        server.received_requests().await.unwrap().pop().unwrap(),
    )
}

fn refusal(status: u16, name: &str) -> ResponseTemplate {
    let body =
        json!({ "statusCode": status, "name": name, "message": "anna@example.com is not fine" });
    ResponseTemplate::new(status).set_body_json(body)
}

#[tokio::test]
async fn a_mail_is_one_request() {
    let (result, request) =
        sent(ResponseTemplate::new(200).set_body_json(json!({ "id": "1" }))).await;
    result.unwrap();
    assert_eq!(
        (request.method.as_str(), request.url.path()),
        ("POST", "/emails")
    );
    let header = |name| request.headers[name].to_str().unwrap();
    assert_eq!(header("authorization"), "Bearer re_123");
    assert_eq!(header("idempotency-key"), "batch-done/1");
    assert_eq!(header("content-type"), "application/json");
    // Resend refuses requests without one.
    assert!(header("user-agent").starts_with("batch-image-edit/"));
    let body: serde_json::Value = request.body_json().unwrap();
    let expected = json!({
        "from": "Batch Image Edit <mail@example.com>",
        "to": "anna@example.com",
        "subject": "Your photos are done",
        "text": "All of them.",
        "html": "<p>All of them.</p>",
    });
    assert_eq!(body, expected);
}

#[tokio::test]
async fn what_may_pass_is_tried_later() {
    let limited = |seconds: &str| {
        refusal(429, "rate_limit_exceeded").insert_header("retry-after", seconds.to_owned())
    };
    for (answer, expected) in [
        (limited("7"), Some(7)),
        (limited("86400"), Some(3600)),
        (limited("soon"), None),
        (refusal(429, "daily_quota_exceeded"), None),
        (refusal(409, "concurrent_idempotent_requests"), None),
        (refusal(500, "internal_server_error"), None),
        (
            ResponseTemplate::new(503).set_body_string("<html>busy</html>"),
            None,
        ),
    ] {
        match sent(answer).await.0 {
            Err(NotSent::Later { retry_after, .. }) => {
                assert_eq!(retry_after, expected.map(Duration::from_secs));
            }
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn what_will_never_pass_is_refused_without_quoting_anybody() {
    for (status, name) in [
        (400, "invalid_idempotency_key"),
        (401, "missing_api_key"),
        (403, "invalid_api_key"),
        (403, "validation_error"),
        (422, "invalid_to_address"),
    ] {
        let not_sent = sent(refusal(status, name)).await.0.unwrap_err();
        assert!(
            !format!("{not_sent:?} {not_sent}").contains("anna"),
            "{not_sent:?}"
        );
        match not_sent {
            NotSent::Refused {
                status: found,
                name: Some(word),
            } => assert_eq!((found, &*word), (status, name)),
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_key_that_was_used_for_another_mail_has_told_it() {
    let (result, _) = sent(refusal(409, "invalid_idempotent_request")).await;
    assert!(matches!(result, Err(NotSent::KeyUsed)), "{result:?}");
}

#[tokio::test]
async fn silence_is_no_answer() {
    let nobody = Client::new("http://127.0.0.1:1").unwrap();
    let result = nobody.send("re_123", "batch-done/1", &MAIL).await;
    assert!(matches!(result, Err(NotSent::NoAnswer(_))), "{result:?}");
    assert!(Client::new("resend.com").is_err());
}
