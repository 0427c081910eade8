//! Polar's stand-in, by what it offers tests beside Polar's own API: paying and giving money back without a page, and
//! trouble for one customer, so that tests do not meet.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
};

use axum::{
    Json, Router,
    http::{StatusCode, Uri},
    response::IntoResponse,
    routing::get,
};
use reqwest::{Client, RequestBuilder};
use serde_json::{Value, json};

use crate::{Stack, User, proxy::serve};

/// The one who sells the credits.
#[derive(Clone, Debug)]
pub struct Seller {
    http: Client,
    url: String,
}

impl Seller {
    /// That of a stack.
    #[must_use]
    pub fn of(stack: &Stack) -> Self {
        Self {
            http: Client::builder().no_proxy().build().unwrap(),
            url: stack.stand_ins.polar.clone(),
        }
    }

    /// Pays for what a checkout is about; the order.
    pub async fn pay(&self, checkout: &api::Checkout) -> Value {
        self.pay_less(checkout, 0).await
    }

    /// The same with a discount of so many per cent.
    pub async fn pay_less(&self, checkout: &api::Checkout, discount: u64) -> Value {
        let path = format!("checkouts/{}/pay", checkout.checkout_id);
        let request = self.http.post(self.control(&path));
        answer(request.json(&json!({ "discount": discount }))).await
    }

    /// Gives back so much of an order's money; the order as it is then.
    pub async fn refund(&self, order: &Value, amount: u64) -> Value {
        let path = format!("orders/{}/refund", order["id"].as_str().unwrap());
        let request = self.http.post(self.control(&path));
        answer(request.json(&json!({ "amount": amount }))).await
    }

    /// From now on no webhook about this user comes.
    pub async fn say_nothing_of(&self, user: &User) {
        self.settle(user, &json!({ "webhooks": false })).await;
    }

    /// From now on every request about this user is answered with 503, and with this many seconds to wait.
    pub async fn fail(&self, user: &User, retry_after: u64) {
        let outage = json!({ "outage": { "status": 503, "retryAfter": retry_after } });
        self.settle(user, &outage).await;
    }

    async fn settle(&self, user: &User, settings: &Value) {
        let settings = self
            .http
            .put(self.control(&format!("settings/{}", user.id())))
            .json(settings);
        let changed = settings.send().await.unwrap();
        assert!(changed.status().is_success(), "{changed:?}");
    }

    fn control(&self, path: &str) -> String {
        format!("{}/_control/{path}", self.url)
    }
}

/// A seller who has nothing but these pages of orders, and is away whenever one is asked for the first time; the address.
pub async fn reluctant(pages: Vec<Vec<Value>>) -> String {
    let asked = Arc::new(Mutex::new(HashSet::new()));
    let list = async move |uri: Uri| {
        let query = uri.query().unwrap().split('&');
        let page = query.filter_map(|it| it.strip_prefix("page=")).next_back();
        let page: usize = page.unwrap().parse().unwrap();
        if asked.lock().unwrap().insert(page) {
            let wait = [("retry-after", "1")];
            return (StatusCode::TOO_MANY_REQUESTS, wait).into_response();
        }
        let orders: usize = pages.iter().map(Vec::len).sum();
        let pagination = json!({ "total_count": orders, "max_page": pages.len() });
        Json(json!({ "items": pages[page - 1], "pagination": pagination })).into_response()
    };
    serve(Router::new().route("/v1/orders/", get(list))).await
}

async fn answer(request: RequestBuilder) -> Value {
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let body: Value = answer.json().await.unwrap();
    assert!(status.is_success(), "{status}: {body}");
    body
}
