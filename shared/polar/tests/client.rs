//! What we send to Polar, and what its answers become.
#![cfg(feature = "client")]
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]

use std::time::Duration;

use polar::{Client, ClientError, NewCheckout, Order, Pagination};
use serde::Deserialize as _;
use serde_json::{Value, json};
use wiremock::{Mock, MockServer, Request, ResponseTemplate, matchers::any};

const TOKEN: &str = "polar_oat_test";
const USER: &str = "7b9f6f5e-3c55-4d0a-9a2e-7f6c0d1e2a3b";

const CHECKOUT: NewCheckout<'static> = NewCheckout {
    product_id: "0a5c8e21-7b64-4f0d-9c3a-2b1d4e6f8a50",
    user_id: USER,
    email: "anna@example.com",
    success_url: "https://edit.example.com/credits?checkout_id={CHECKOUT_ID}",
    return_url: "https://edit.example.com/credits",
};

/// A server that gives this answer, exactly once: nothing is ever repeated.
async fn serving(answer: ResponseTemplate) -> (MockServer, Client) {
    let server = MockServer::start().await;
    Mock::given(any())
        .respond_with(answer)
        .expect(1)
        .mount(&server)
        .await;
    let client = Client::new(&server.uri()).unwrap();
    (server, client)
}

async fn received(server: &MockServer) -> Request {
    server.received_requests().await.unwrap().remove(0)
}

fn check_head(request: &Request, method: &str, path: &str) {
    assert_eq!(
        (request.method.as_str(), request.url.path()),
        (method, path)
    );
    assert_eq!(
        request.headers["authorization"],
        format!("Bearer {TOKEN}").as_str()
    );
}

fn body(request: &Request) -> Value {
    assert_eq!(request.headers["content-type"], "application/json");
    request.body_json().unwrap()
}

#[tokio::test]
async fn a_checkout_says_who_buys_what() {
    let answer = json!({ "id": "c1", "url": "https://polar.sh/checkout/c1", "status": "open" });
    let (server, client) = serving(ResponseTemplate::new(201).set_body_json(answer)).await;
    let checkout = client.create_checkout(TOKEN, &CHECKOUT).await.unwrap();
    assert_eq!(
        (checkout.id.as_str(), checkout.url.as_str()),
        ("c1", "https://polar.sh/checkout/c1")
    );
    let request = received(&server).await;
    check_head(&request, "POST", "/v1/checkouts/");
    assert_eq!(request.url.query(), None);
    let expected = json!({
        "products": [CHECKOUT.product_id],
        "external_customer_id": USER,
        "customer_email": "anna@example.com",
        "metadata": { "user_id": USER },
        "success_url": "https://edit.example.com/credits?checkout_id={CHECKOUT_ID}",
        "return_url": "https://edit.example.com/credits",
    });
    assert_eq!(body(&request), expected);
}

#[tokio::test]
async fn a_portal_session_is_of_our_user() {
    let answer = json!({ "customer_portal_url": "https://polar.sh/portal?token=t", "token": "t" });
    let (server, client) = serving(ResponseTemplate::new(201).set_body_json(answer)).await;
    let session = client
        .create_portal_session(TOKEN, USER, CHECKOUT.return_url)
        .await
        .unwrap();
    assert_eq!(
        session.customer_portal_url,
        "https://polar.sh/portal?token=t"
    );
    let request = received(&server).await;
    check_head(&request, "POST", "/v1/customer-sessions/");
    let expected =
        json!({ "external_customer_id": USER, "return_url": "https://edit.example.com/credits" });
    assert_eq!(body(&request), expected);
}

#[tokio::test]
async fn orders_are_listed_by_page_and_read_one_by_one() {
    let known = json!({ "id": "o1", "status": "paid", "billing_reason": "purchase", "total_amount": 500,
        "refunded_amount": 0, "currency": "usd", "metadata": { "user_id": USER } });
    let answer = json!({ "items": [known, { "id": "o2", "total_amount": "free" }],
        "pagination": { "total_count": 102, "max_page": 2 } });
    let (server, client) = serving(ResponseTemplate::new(200).set_body_json(answer)).await;
    let page = client
        .orders(TOKEN, "2026-08-25T21:00:00.000Z", 2)
        .await
        .unwrap();
    let expected = Pagination {
        total_count: 102,
        max_page: 2,
    };
    assert_eq!(page.pagination, expected);
    let read: Vec<_> = page.items.iter().map(Order::deserialize).collect();
    assert_eq!(read[0].as_ref().unwrap().user_id(), Some(USER));
    assert!(read[1].is_err());
    let request = received(&server).await;
    check_head(&request, "GET", "/v1/orders/");
    let query: Vec<_> = request.url.query_pairs().into_owned().collect();
    let expected = [
        ("created_after", "2026-08-25T21:00:00.000Z"),
        ("status", "paid"),
        ("status", "refunded"),
        ("status", "partially_refunded"),
        ("sorting", "created_at"),
        ("limit", "100"),
        ("page", "2"),
    ];
    assert_eq!(
        query,
        expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
    );
}

async fn failed(answer: ResponseTemplate) -> ClientError {
    let (server, client) = serving(answer).await;
    let error = client.create_checkout(TOKEN, &CHECKOUT).await.unwrap_err();
    server.verify().await;
    error
}

#[tokio::test]
async fn each_failure_is_one_that_callers_tell_apart() {
    for status in [400, 404, 409, 422] {
        let error = failed(ResponseTemplate::new(status)).await;
        assert!(matches!(error, ClientError::Refused { status: it } if it == status));
    }
    for status in [401, 403] {
        let error = failed(ResponseTemplate::new(status)).await;
        assert!(matches!(error, ClientError::Unauthorised), "{status}");
    }
    for status in [307, 408, 429, 500, 503] {
        let error = failed(ResponseTemplate::new(status)).await;
        let is_it =
            matches!(error, ClientError::Unavailable { status: Some(it), .. } if it == status);
        assert!(is_it, "{status}: {error}");
    }
    let error = failed(ResponseTemplate::new(201).set_body_string("<html>")).await;
    assert!(matches!(error, ClientError::Unreadable(_)));
}

#[tokio::test]
async fn polar_says_when_to_come_back_within_reason() {
    for (header, expected) in [("7", Some(7)), ("86400", Some(900)), ("soon", None)] {
        let answer = ResponseTemplate::new(429).insert_header("retry-after", header);
        let ClientError::Unavailable { retry_after, .. } = failed(answer).await else {
            panic!("a 429 is something else");
        };
        assert_eq!(retry_after, expected.map(Duration::from_secs), "{header}");
    }
}

#[tokio::test]
async fn nobody_there_is_unavailable_and_shows_no_address() {
    let client = Client::new("http://127.0.0.1:1").unwrap();
    let error = client.create_checkout(TOKEN, &CHECKOUT).await.unwrap_err();
    let ClientError::Unavailable {
        status: None,
        source: Some(source),
        ..
    } = error
    else {
        panic!("{error}");
    };
    assert!(
        !format!("{source:?}").contains("127.0.0.1:1/"),
        "{source:?}"
    );
}
