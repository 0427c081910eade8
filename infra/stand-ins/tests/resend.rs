//! The Resend stand-in over real HTTP: what it refuses, what repeats lead to, and what is in the inbox afterwards.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

mod common;

use std::{
    io::{Read, Write},
    net::TcpStream,
    num::NonZeroU32,
};

use axum::http::StatusCode;
use common::{client, serve};
use reqwest::RequestBuilder;
use serde_json::{Value, json};
use stand_ins::resend;

struct StandIn {
    base: String,
    client: reqwest::Client,
}

impl StandIn {
    async fn start() -> Self {
        Self::limited_to(1000).await
    }

    async fn limited_to(requests_per_second: u32) -> Self {
        let options = resend::Options {
            api_key: "re_test".to_owned(),
            requests_per_second: NonZeroU32::new(requests_per_second).unwrap(),
        };
        let address = serve(|_| resend::router(options)).await;
        Self {
            base: format!("http://{address}"),
            client: client(),
        }
    }

    fn request(&self, mail: &Value) -> RequestBuilder {
        let request = self.client.post(format!("{}/emails", self.base));
        request.bearer_auth("re_test").json(mail)
    }

    /// Sends it under this idempotency key.
    fn keyed(&self, mail: &Value, key: &str) -> RequestBuilder {
        self.request(mail).header("idempotency-key", key)
    }

    async fn settings(&self, recipient: &str, settings: Value) {
        let url = format!("{}/_control/settings/{recipient}", self.base);
        let changed = self.client.put(url).json(&settings).send().await.unwrap();
        assert_eq!(changed.status(), StatusCode::NO_CONTENT);
    }

    async fn page(&self, path: &str) -> String {
        let url = format!("{}{path}", self.base);
        let response = self.client.get(url).send().await.unwrap();
        response.text().await.unwrap()
    }

    async fn inbox(&self, to: &str) -> Vec<Value> {
        serde_json::from_str(&self.page(&format!("/inbox.json?to={to}")).await).unwrap()
    }
}

fn mail(to: &str) -> Value {
    json!({
        "from": "Batch Image Edit <photos@example.com>",
        "to": [to],
        "subject": "Ready <now>",
        "html": "<p>Here they are.</p>",
        "text": "Here they are.",
    })
}

/// Status, and the id or the name of the error.
async fn outcome(request: RequestBuilder) -> (u16, String) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let body: Value = response.json().await.unwrap();
    if status != 200 {
        assert_eq!(body["statusCode"], status);
        assert!(body["message"].is_string());
    }
    let word = body.get("id").unwrap_or(&body["name"]);
    (status, word.as_str().unwrap().to_owned())
}

#[tokio::test]
async fn what_is_sent_is_in_the_inbox() {
    let resend = StandIn::start().await;
    let (status, id) = outcome(resend.request(&mail("Anna <anna@example.com>"))).await;
    assert_eq!(status, 200);
    outcome(resend.request(&mail("bert@example.com"))).await;
    let inbox = resend.inbox("anna@example.com").await;
    assert_eq!(inbox.len(), 1);
    assert_eq!(
        (&inbox[0]["id"], &inbox[0]["text"]),
        (&json!(id), &json!("Here they are."))
    );
    assert!(resend.page("/").await.contains("Ready &lt;now&gt;"));
    let shown = resend.page(&format!("/inbox/{id}")).await;
    assert!(
        shown.contains("&lt;p&gt;Here they are.&lt;/p&gt;\"></iframe>"),
        "{shown}"
    );
}

#[tokio::test]
async fn refusals_have_resends_names() {
    let resend = StandIn::start().await;
    let anna = mail("anna@example.com");
    let url = format!("{}/emails", resend.base);
    let without = |field: &str| {
        let mut mail = anna.clone();
        mail.as_object_mut().unwrap().remove(field);
        resend.request(&mail)
    };
    let long = "k".repeat(257);
    for (request, status, name) in [
        (resend.client.post(&url).json(&anna), 401, "missing_api_key"),
        (
            resend.client.post(&url).json(&anna).bearer_auth("re_other"),
            403,
            "invalid_api_key",
        ),
        (without("from"), 422, "missing_required_field"),
        (without("subject"), 422, "missing_required_field"),
        (resend.request(&mail("anna")), 422, "validation_error"),
        (resend.keyed(&anna, &long), 400, "invalid_idempotency_key"),
        (resend.client.get(&url), 405, "method_not_allowed"),
        (resend.client.get(format!("{url}/x")), 404, "not_found"),
    ] {
        assert_eq!(outcome(request).await, (status, name.to_owned()));
    }
    assert!(resend.inbox("anna@example.com").await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_without_a_user_agent_does_not_get_in() {
    let resend = StandIn::start().await;
    let address = resend.base.strip_prefix("http://").unwrap();
    let mut stream = TcpStream::connect(address).unwrap();
    // Of all clients, only one that is written by hand sends none.
    let request = "POST /emails HTTP/1.1\r\nhost: x\r\nauthorization: Bearer re_test\r\n\
                   content-length: 0\r\nconnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 403") && answer.contains("1010"),
        "{answer}"
    );
}

#[tokio::test]
async fn a_key_is_one_mail() {
    let resend = StandIn::start().await;
    let anna = mail("anna@example.com");
    let first = outcome(resend.keyed(&anna, "receipt/1")).await;
    assert_eq!(outcome(resend.keyed(&anna, "receipt/1")).await, first);
    let other = outcome(resend.keyed(&mail("bert@example.com"), "receipt/1")).await;
    assert_eq!(other, (409, "invalid_idempotent_request".to_owned()));
    assert_eq!(resend.inbox("anna@example.com").await.len(), 1);

    // The answer is lost, the mail is not, and the second try finds out.
    resend
        .settings("anna@example.com", json!({ "lostAnswers": 1 }))
        .await;
    assert!(resend.keyed(&anna, "receipt/2").send().await.is_err());
    assert_eq!(outcome(resend.keyed(&anna, "receipt/2")).await.0, 200);
    assert_eq!(resend.inbox("anna@example.com").await.len(), 2);
}

#[tokio::test]
async fn too_many_requests_are_told_when_to_come_back() {
    let resend = StandIn::limited_to(2).await;
    let mut limited = None;
    // The third of a second at the latest, but a second may end in between.
    for _ in 0..100 {
        let response = resend
            .request(&mail("anna@example.com"))
            .send()
            .await
            .unwrap();
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            limited = Some(response);
            break;
        }
    }
    let response = limited.unwrap();
    assert_eq!(response.headers()["retry-after"], "1");
    assert_eq!(response.headers()["ratelimit-limit"], "2");
    let body: Value = response.json().await.unwrap();
    assert_eq!(body["name"], "rate_limit_exceeded");
}

#[tokio::test]
async fn an_outage_strikes_one_recipient() {
    let resend = StandIn::start().await;
    let outage = json!({ "outage": { "status": 429, "retryAfter": 3 } });
    resend.settings("anna@example.com", outage).await;
    let request = resend.request(&mail("anna@example.com"));
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "3");
    assert_eq!(
        outcome(resend.request(&mail("bert@example.com"))).await.0,
        200
    );
    resend.settings("anna@example.com", json!({})).await;
    assert_eq!(
        outcome(resend.request(&mail("anna@example.com"))).await.0,
        200
    );
}
