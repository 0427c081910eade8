//! The Polar stand-in over real HTTP: what it refuses, what a payment and a refund lead to, and how it tells of them.
#![expect(
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "a test fails by panicking, also in its helpers"
)]

mod common;

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    routing::post,
};
use common::{client, serve};
use domain::{Packs, Timestamp, signature::Message};
use reqwest::{RequestBuilder, Response};
use serde_json::{Value, json};
use stand_ins::polar;

const TOKEN: &str = "polar_oat_test";
const SECRET: &str = "polar_whs_test";
const SMALL: &str = "00000000-0000-4000-8000-000000000050";
const LARGE: &str = "00000000-0000-4000-8000-000000000200";
const PACKS: &str = r#"[
    {"productId":"00000000-0000-4000-8000-000000000050","name":"50 credits","credits":50,"price":500,"currency":"usd"},
    {"productId":"00000000-0000-4000-8000-000000000200","name":"200 <b>","credits":200,"price":1800,"currency":"eur"}]"#;

/// One delivery, as the seller sees it.
#[derive(Clone)]
struct Received {
    headers: HeaderMap,
    body: Bytes,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// The seller's end: takes what it is sent, after it has refused so many.
#[derive(Clone, Default)]
struct Seller {
    received: Arc<Mutex<Vec<Received>>>,
    refusals: Arc<Mutex<usize>>,
}

impl Seller {
    fn router(&self) -> Router {
        Router::new()
            .route("/webhooks", post(take))
            .with_state(self.clone())
    }

    fn received(&self) -> Vec<Received> {
        self.received.lock().unwrap().clone()
    }
}

async fn take(State(seller): State<Seller>, headers: HeaderMap, body: Bytes) -> StatusCode {
    seller
        .received
        .lock()
        .unwrap()
        .push(Received { headers, body });
    let mut left = seller.refusals.lock().unwrap();
    match left.checked_sub(1) {
        Some(rest) => {
            *left = rest;
            StatusCode::SERVICE_UNAVAILABLE
        }
        None => StatusCode::ACCEPTED,
    }
}

struct StandIn {
    base: String,
    client: reqwest::Client,
    seller: Seller,
}

impl StandIn {
    async fn start() -> Self {
        let seller = Seller::default();
        let to = serve(|_| seller.router()).await;
        let endpoint = polar::Endpoint::new(format!("http://{to}/webhooks"), SECRET);
        let address = serve(|address| router(address, endpoint)).await;
        Self {
            base: format!("http://{address}"),
            client: client(),
            seller,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    async fn get(&self, path: &str) -> (StatusCode, Value) {
        answer(self.client.get(self.url(path)).bearer_auth(TOKEN)).await
    }

    async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        let request = self.client.post(self.url(path));
        answer(request.bearer_auth(TOKEN).json(&body)).await
    }

    async fn settings(&self, customer: &str, settings: Value) {
        let url = self.url(&format!("/_control/settings/{customer}"));
        let changed = self.client.put(url).json(&settings).send().await.unwrap();
        assert_eq!(changed.status(), StatusCode::NO_CONTENT);
    }

    async fn checkout(&self, customer: &str) -> Value {
        let request = json!({
            "products": [SMALL],
            "external_customer_id": customer,
            "customer_email": "anna@example.com",
            "metadata": { "user_id": customer },
            "success_url": "http://seller.example.com/?checkout_id={CHECKOUT_ID}",
        });
        let (status, checkout) = self.post("/v1/checkouts/", request).await;
        assert_eq!(status, StatusCode::CREATED, "{checkout}");
        checkout
    }

    async fn buy(&self, customer: &str, payment: Value) -> Value {
        let checkout = self.checkout(customer).await;
        let path = format!("/_control/checkouts/{}/pay", text(&checkout["id"]));
        let (status, order) = self.post(&path, payment).await;
        assert_eq!(status, StatusCode::OK, "{order}");
        order
    }

    async fn refund(&self, order: &Value, back: Value) -> (StatusCode, Value) {
        let path = format!("/_control/orders/{}/refund", text(&order["id"]));
        self.post(&path, back).await
    }

    /// The events of a customer, as soon as there are so many and none of them is on its way any more.
    async fn events(&self, customer: &str, count: usize) -> Vec<Value> {
        let path = format!("/_control/webhooks?customer={customer}");
        let settled = async {
            loop {
                let (_, events) = self.get(&path).await;
                let events = events.as_array().unwrap().clone();
                let is_settled = |event: &Value| event["state"] != "pending";
                if events.len() == count && events.iter().all(is_settled) {
                    return events;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(20), settled)
            .await
            .unwrap()
    }
}

fn router(address: SocketAddr, endpoint: polar::Endpoint) -> Router {
    polar::router(polar::Options {
        base_url: format!("http://{address}"),
        access_token: TOKEN.to_owned(),
        packs: PACKS.parse().unwrap(),
        endpoint: Some(endpoint),
        retry_after: Duration::from_millis(1),
    })
    .unwrap()
}

async fn answer(request: RequestBuilder) -> (StatusCode, Value) {
    let response = request.send().await.unwrap();
    let status = response.status();
    (status, response.json().await.unwrap())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn kinds(events: &[Value]) -> Vec<&str> {
    events.iter().map(|event| text(&event["type"])).collect()
}

#[tokio::test]
async fn only_the_right_token_gets_in() {
    let polar = StandIn::start().await;
    for (method, path) in [
        ("POST", "/v1/checkouts/"),
        ("GET", "/v1/checkouts/x"),
        ("POST", "/v1/customer-sessions/"),
        ("GET", "/v1/orders/"),
        ("GET", "/v1/orders/x"),
        ("POST", "/v1/refunds/"),
    ] {
        let request = || {
            let method = method.parse().unwrap();
            polar.client.request(method, polar.url(path))
        };
        for refused in [request(), request().bearer_auth("polar_oat_other")] {
            let (status, body) = answer(refused).await;
            assert_eq!(status, StatusCode::UNAUTHORIZED, "{method} {path}");
            assert_eq!(body["error"], "invalid_token");
        }
    }
    // Polar's paths end in a slash.
    let (status, _) = polar.get("/v1/orders").await;
    assert_eq!(status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_payment_makes_an_order_that_says_whose_it_is() {
    let polar = StandIn::start().await;
    let checkout = polar.checkout("u1").await;
    assert_eq!(
        (&checkout["status"], &checkout["amount"]),
        (&json!("open"), &json!(500))
    );
    let id = text(&checkout["id"]);

    let url = text(&checkout["url"]);
    let page = polar.client.get(url).send().await.unwrap();
    let page = page.text().await.unwrap();
    assert!(
        page.contains("50 credits") && page.contains("Pay $5.50"),
        "{page}"
    );
    let pay = || async {
        let form = polar.client.post(url);
        let form = form.header("content-type", "application/x-www-form-urlencoded");
        form.body("discount=0").send().await.unwrap()
    };
    // Twice, as by an impatient click.
    for response in [pay().await, pay().await] {
        assert_eq!(response.status(), StatusCode::SEE_OTHER);
        let expected = format!("http://seller.example.com/?checkout_id={id}");
        assert_eq!(response.headers()["location"], *expected);
    }

    let (_, orders) = polar.get("/v1/orders/?external_customer_id=u1").await;
    assert_eq!(
        orders["pagination"],
        json!({ "total_count": 1, "max_page": 1 })
    );
    let order = &orders["items"][0];
    for (member, expected) in [
        ("status", json!("paid")),
        ("paid", json!(true)),
        ("billing_reason", json!("purchase")),
        ("product_id", json!(SMALL)),
        ("checkout_id", json!(id)),
        ("metadata", json!({ "user_id": "u1" })),
        ("subtotal_amount", json!(500)),
        ("net_amount", json!(500)),
        ("tax_amount", json!(50)),
        ("total_amount", json!(550)),
        ("refunded_amount", json!(0)),
    ] {
        assert_eq!(order[member], expected, "{member}");
    }
    assert_eq!(order["customer"]["external_id"], "u1");
    let known: bought::Order = serde_json::from_value(order.clone()).unwrap();
    assert_eq!(known.user_id(), Some("u1"));
    let (_, again) = polar.get(&format!("/v1/orders/{}", known.id)).await;
    assert_eq!(again, *order);
    let (_, checkout) = polar.get(&format!("/v1/checkouts/{id}")).await;
    assert_eq!(checkout["status"], "succeeded");
}

#[tokio::test]
async fn what_is_not_sold_cannot_be_bought() {
    let polar = StandIn::start().await;
    for (field, request) in [
        (
            "products",
            json!({ "products": ["00000000-0000-4000-8000-000000000051"] }),
        ),
        (
            "metadata",
            json!({ "products": [SMALL], "metadata": { "user_id": "" } }),
        ),
        (
            "success_url",
            json!({ "products": [SMALL], "success_url": "/thanks" }),
        ),
    ] {
        let (status, body) = polar.post("/v1/checkouts/", request).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(body["error"], "RequestValidationError");
        assert_eq!(body["detail"][0]["loc"], json!(["body", field]));
    }
    let unknown = json!({ "products": [SMALL], "succes_url": "http://seller.example.com" });
    let (status, body) = polar.post("/v1/checkouts/", unknown).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        text(&body["detail"][0]["msg"]).contains("succes_url"),
        "{body}"
    );
}

#[tokio::test]
async fn the_seller_is_told_and_can_believe_it() {
    let polar = StandIn::start().await;
    let order = polar.buy("u1", json!({})).await;
    let (status, refunded) = polar.refund(&order, json!({ "amount": 250 })).await;
    assert_eq!(
        (status, &refunded["status"]),
        (StatusCode::OK, &json!("partially_refunded"))
    );
    let events = polar.events("u1", 3).await;
    assert_eq!(
        kinds(&events),
        ["order.created", "order.paid", "order.refunded"]
    );
    assert!(events.iter().all(|event| event["state"] == "delivered"));

    let received = polar.seller.received();
    assert_eq!(received.len(), 3);
    for delivery in &received {
        let message = Message {
            id: delivery.header("webhook-id"),
            timestamp: delivery.header("webhook-timestamp"),
            body: &delivery.body,
        };
        let sent = message.timestamp.parse::<i64>().unwrap();
        let now = Timestamp::from_millis(sent * 1000);
        let verified = message.verify(delivery.header("webhook-signature"), &[SECRET], now);
        assert_eq!(verified, Ok(()));
    }
    let refund = received.iter().map(Received::json);
    let refund = refund
        .filter(|event| event["type"] == "order.refunded")
        .last();
    assert_eq!(refund.unwrap()["data"]["refunded_amount"], 250);
}

#[tokio::test]
async fn a_webhook_comes_again_until_it_is_taken() {
    let polar = StandIn::start().await;
    *polar.seller.refusals.lock().unwrap() = 5;
    polar.buy("u1", json!({})).await;
    let events = polar.events("u1", 2).await;
    assert!(events.iter().all(|event| event["state"] == "delivered"));
    let received = polar.seller.received();
    assert_eq!(received.len(), 7);
    for event in &events {
        let of_this = |it: &&Received| it.header("webhook-id") == event["id"];
        let bodies: Vec<_> = received.iter().filter(of_this).map(|it| &it.body).collect();
        assert_eq!(bodies.len(), event["deliveries"].as_array().unwrap().len());
        assert!(bodies.iter().all(|body| *body == bodies[0]));
    }
}

#[tokio::test]
async fn nobody_is_told_more_than_ten_times_unless_asked() {
    let polar = StandIn::start().await;
    *polar.seller.refusals.lock().unwrap() = 20;
    polar.buy("u1", json!({})).await;
    let events = polar.events("u1", 2).await;
    for event in &events {
        assert_eq!(event["state"], "given_up");
        assert_eq!(event["deliveries"].as_array().unwrap().len(), 10);
    }
    let path = format!("/_control/webhooks/{}/resend", text(&events[0]["id"]));
    let (status, body) = polar.post(&path, json!({ "times": 30 })).await;
    assert_eq!(status, StatusCode::OK);
    let deliveries = body["deliveries"].as_array().unwrap();
    assert_eq!(deliveries.len(), 30);
    assert!(deliveries.iter().all(|delivery| delivery["status"] == 202));
    assert_eq!(polar.events("u1", 2).await[0]["state"], "delivered");
}

#[tokio::test]
async fn faults_strike_one_customer() {
    let polar = StandIn::start().await;
    polar.settings("silent", json!({ "webhooks": false })).await;
    polar
        .settings("twice", json!({ "duplicates": 2, "delayMs": 1 }))
        .await;
    for customer in ["silent", "twice", "usual"] {
        polar.buy(customer, json!({})).await;
    }
    let silent = polar.events("silent", 2).await;
    assert!(silent.iter().all(|event| event["state"] == "withheld"));
    polar.events("usual", 2).await;
    let wait = async {
        while polar.seller.received().len() < 8 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), wait)
        .await
        .unwrap();
    let received = polar.seller.received();
    let user = |it: &Received| it.json()["data"]["metadata"]["user_id"].clone();
    let count = |name: &str| received.iter().filter(|it| user(it) == name).count();
    assert_eq!(["silent", "twice", "usual"].map(count), [0, 6, 2]);

    let outage = json!({ "outage": { "status": 429, "retryAfter": 7 } });
    polar.settings("twice", outage).await;
    let request = json!({ "products": [LARGE], "external_customer_id": "twice" });
    let request = polar
        .client
        .post(polar.url("/v1/checkouts/"))
        .json(&request);
    let response = request.bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(response.headers()["retry-after"], "7");
    polar.checkout("usual").await;
    let (status, _) = polar.get("/v1/orders/").await;
    assert_eq!(status, StatusCode::OK);
    polar
        .settings("*", json!({ "outage": { "status": 503 } }))
        .await;
    let (status, _) = polar.get("/v1/orders/").await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn orders_are_listed_page_by_page() {
    let polar = StandIn::start().await;
    for n in 0..5 {
        polar.buy(&format!("u{n}"), json!({})).await;
    }
    let (_, first) = polar.get("/v1/orders/?limit=2&sorting=created_at").await;
    let (_, last) = polar
        .get("/v1/orders/?limit=2&page=3&sorting=created_at")
        .await;
    assert_eq!(
        first["pagination"],
        json!({ "total_count": 5, "max_page": 3 })
    );
    let users = |page: &Value| -> Vec<Value> {
        let orders = page["items"].as_array().unwrap();
        let users = orders.iter().map(|it| it["metadata"]["user_id"].clone());
        users.collect()
    };
    assert_eq!(
        (users(&first), users(&last)),
        (vec![json!("u0"), json!("u1")], vec![json!("u4")])
    );
    let (_, newest) = polar.get("/v1/orders/?limit=1").await;
    assert_eq!(users(&newest), [json!("u4")]);

    let order = &first["items"][0];
    polar.refund(order, json!({})).await;
    let count = async |query: &str| {
        let (status, page) = polar.get(&format!("/v1/orders/?{query}")).await;
        assert_eq!(status, StatusCode::OK, "{query}: {page}");
        page["pagination"]["total_count"].as_u64().unwrap()
    };
    assert_eq!(count("status=paid").await, 4);
    assert_eq!(count("status=paid&status=refunded").await, 5);
    let created_at = text(&order["created_at"]);
    assert_eq!(count(&format!("created_after={created_at}")).await, 4);
    assert_eq!(count(&format!("product_id={LARGE}")).await, 0);
}

#[tokio::test]
async fn money_goes_back_no_further_than_it_came() {
    let polar = StandIn::start().await;
    let order = polar.buy("u1", json!({})).await;
    let refund = async |amount: u64, reason: &str| {
        let request = json!({ "order_id": order["id"], "amount": amount, "reason": reason });
        polar.post("/v1/refunds/", request).await
    };
    let (status, made) = refund(200, "customer_request").await;
    assert_eq!(status, StatusCode::CREATED, "{made}");
    assert_eq!(
        (&made["amount"], &made["tax_amount"]),
        (&json!(200), &json!(20))
    );
    for (amount, reason, expected) in [
        (301, "other", (400, "RefundAmountTooHigh")),
        (0, "other", (422, "RequestValidationError")),
        (1, "dispute_prevention", (422, "RequestValidationError")),
    ] {
        let (status, body) = refund(amount, reason).await;
        assert_eq!((status.as_u16(), text(&body["error"])), expected);
    }
    assert_eq!(refund(300, "other").await.0, StatusCode::CREATED);
    let (status, body) = refund(1, "other").await;
    assert_eq!(
        (status.as_u16(), text(&body["error"])),
        (403, "RefundedAlready")
    );
    let (_, order) = polar
        .get(&format!("/v1/orders/{}", text(&order["id"])))
        .await;
    let amounts = [
        "refunded_amount",
        "refunded_tax_amount",
        "refundable_amount",
    ];
    assert_eq!(
        amounts.map(|name| order[name].as_u64().unwrap()),
        [500, 50, 0]
    );
    assert_eq!(order["status"], "refunded");
}

#[tokio::test]
async fn an_order_may_be_free() {
    let polar = StandIn::start().await;
    let order = polar.buy("u1", json!({ "discount": 100 })).await;
    assert_eq!(
        (&order["total_amount"], &order["status"]),
        (&json!(0), &json!("paid"))
    );
    assert_eq!(order["discount_amount"], 500);
    let (_, refunded) = polar.refund(&order, json!({})).await;
    assert_eq!(
        (&refunded["status"], &refunded["refunded_amount"]),
        (&json!("refunded"), &json!(0))
    );
    let (status, _) = polar.refund(&order, json!({})).await;
    assert_eq!(status, StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_portal_shows_a_customers_orders_and_gives_money_back() {
    let polar = StandIn::start().await;
    let session = json!({ "external_customer_id": "u1" });
    let (status, body) = polar.post("/v1/customer-sessions/", session.clone()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body["detail"][0]["msg"], "Customer does not exist.");

    let order = polar.buy("u1", json!({})).await;
    let other = polar.buy("u2", json!({})).await;
    let (status, session) = polar.post("/v1/customer-sessions/", session).await;
    assert_eq!(status, StatusCode::CREATED);
    let token = text(&session["token"]);
    let page = async || -> String {
        let url = text(&session["customer_portal_url"]);
        let response: Response = polar.client.get(url).send().await.unwrap();
        response.text().await.unwrap()
    };
    let html = page().await;
    assert!(html.contains(text(&order["id"])) && !html.contains(text(&other["id"])));

    let refund = async |order: &Value, part: &str| {
        let id = text(&order["id"]);
        let form = format!("customer_session_token={token}&order_id={id}&part={part}");
        let request = polar.client.post(polar.url("/portal/refund")).body(form);
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        request.send().await.unwrap().status()
    };
    assert_eq!(refund(&order, "half").await, StatusCode::SEE_OTHER);
    assert!(page().await.contains("Given back: $2.75"));
    assert_eq!(refund(&order, "all").await, StatusCode::SEE_OTHER);
    assert!(!page().await.contains("Refund all"));
    assert_eq!(refund(&other, "all").await, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn products_are_known_by_uuids() {
    let packs: Packs = PACKS.replace(SMALL, "50-credits").parse().unwrap();
    let options = polar::Options {
        base_url: String::new(),
        access_token: String::new(),
        packs,
        endpoint: None,
        retry_after: polar::Options::RETRY_AFTER,
    };
    assert!(
        matches!(polar::router(options), Err(polar::SetupError::Product(id)) if id == "50-credits")
    );
}
