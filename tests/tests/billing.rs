//! Buying credits: what is sold, the way to the seller and back, who is believed on it, and what is told of it afterwards.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]

use api::{Checkout, Pack, Packs, Portal, Transactions};
use domain::{Timestamp, UserId, signature::Message};
use futures::future::join_all;
use reqwest::{Method, RequestBuilder};
use serde_json::{Value, json};
use stack_tests::{
    Answer, Seller, Stack, User,
    engine::Engine,
    function::OwnFunction,
    inside::Inside,
    orders::{Bought, PRODUCTS},
    seller, stack, wait_for,
};
use uuid::Uuid;

const WEBHOOKS: &str = "/api/polar/webhooks";
const CHECKOUT: &str = "/api/billing/checkout";
const PORTAL: &str = "/api/billing/portal";

/// The smallest pack: 50 credits.
async fn pack(user: &User) -> Pack {
    let packs: Packs = user.get("/api/billing/packs").await.expect(200);
    let pack = packs.packs.into_iter().find(|pack| pack.credits == 50);
    pack.expect("a pack of 50 credits")
}

/// Opens the page to pay on.
async fn checkout(user: &User) -> Checkout {
    let wanted = json!({ "productId": pack(user).await.product_id });
    user.post(CHECKOUT, &wanted).await.expect(201)
}

/// Something that Polar could say.
#[derive(Clone)]
struct Delivery {
    id: String,
    timestamp: String,
    signature: String,
    body: String,
}

impl Delivery {
    /// Signed as Polar signs, so many seconds from now.
    fn signed(stack: &Stack, body: String, seconds: i64) -> Self {
        let id = Uuid::new_v4().to_string();
        let timestamp = (Timestamp::now().as_millis() / 1000 + seconds).to_string();
        let message = Message {
            id: &id,
            timestamp: &timestamp,
            body: body.as_bytes(),
        };
        let signature = message.sign(stack.polar_webhook_secret.as_bytes());
        Self {
            id,
            timestamp,
            signature,
            body,
        }
    }

    /// That somebody has paid for this pack.
    fn paid(stack: &Stack, user: &User, pack: &Pack) -> Self {
        Self::signed(stack, event("order.paid", user, pack), 0)
    }

    fn request(&self, user: &User) -> RequestBuilder {
        user.anonymous(Method::POST, WEBHOOKS)
            .header("content-type", "application/json")
            .header("webhook-id", &self.id)
            .header("webhook-timestamp", &self.timestamp)
            .header("webhook-signature", &self.signature)
            .body(self.body.clone())
    }

    async fn send(&self, user: &User) -> Answer {
        user.send(self.request(user)).await
    }
}

fn event(kind: &str, user: &User, pack: &Pack) -> String {
    // U+FFFE, which queues do not take as it is.
    let order = json!({ "id": Uuid::new_v4(), "status": "paid", "billing_reason": "purchase",
        "product_id": pack.product_id, "total_amount": pack.price, "net_amount": pack.price, "refunded_amount": 0,
        "currency": pack.currency, "metadata": { "user_id": user.id() }, "billing_name": "An\u{fffe}na" });
    json!({ "type": kind, "data": order }).to_string()
}

#[tokio::test]
async fn the_first_to_ask_what_happened_is_welcomed() {
    let user = User::new(&stack!()).await;
    let seen: Transactions = user.get("/api/billing/transactions").await.expect(200);
    let balances = seen.transactions.iter().map(|it| it.balance_after);
    assert_eq!(balances.collect::<Vec<_>>(), [10]);
}

#[tokio::test]
async fn nobody_sees_or_buys_credits_without_a_token() {
    let stack = stack!();
    let user = User::new(&stack).await;
    for (method, path) in [
        (Method::GET, "/api/billing/packs"),
        (Method::GET, "/api/billing/balance"),
        (Method::GET, "/api/billing/transactions"),
        (Method::POST, CHECKOUT),
        (Method::POST, PORTAL),
    ] {
        let nobody = user.anonymous(method, path);
        assert_eq!(user.send(nobody).await.status, 401, "{path}");
    }
}

#[tokio::test]
async fn what_polar_has_not_just_signed_changes_nothing() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let pack = pack(&user).await;
    let paid = || Delivery::paid(&stack, &user, &pack);
    // Each is about an order of its own, so that it would be seen if one was believed.
    let forged = Delivery {
        signature: "v1,Z25yfPOrlGuS8Jl4tP+H+Ag7f3xhNCM8i+SiEmG6s4s=".into(),
        ..paid()
    };
    let mut truncated = paid();
    truncated.body.pop();
    let mut changed = paid();
    changed.body = changed.body.replace("\"paid\"", "\"refunded\"");
    let unsigned = Delivery {
        signature: String::new(),
        ..paid()
    };
    let renamed = Delivery {
        id: Uuid::new_v4().to_string(),
        ..paid()
    };
    let body = || event("order.paid", &user, &pack);
    let stale = Delivery::signed(&stack, body(), -310);
    // As much later as the answers to all of these may take.
    let early = Delivery::signed(&stack, body(), 600);
    for refused in [forged, truncated, changed, unsigned, renamed, stale, early] {
        let answer = refused.send(&user).await;
        answer.problem(401, "signature_refused");
    }
    let without_headers = user.anonymous(Method::POST, WEBHOOKS).body(body());
    let answer = user.send(without_headers).await;
    answer.problem(401, "signature_refused");
    let unreadable = Delivery::signed(&stack, "{\"type\":".into(), 0);
    unreadable.send(&user).await.problem(400, "invalid_json");
    let large = Delivery::signed(&stack, " ".repeat(1_000_001), 0);
    assert_eq!(large.send(&user).await.status, 413);
    let about_other_things = Delivery::signed(&stack, event("order.created", &user, &pack), 0);
    assert_eq!(about_other_things.send(&user).await.status, 202);

    // The account exists from its first look on, and what was refused would have come before this.
    user.has(10).await;
    let good = paid();
    assert_eq!(good.send(&user).await.status, 202);
    user.has(60).await;
    // A replay within five minutes is believed, and is the same order.
    assert_eq!(good.send(&user).await.status, 202);
    assert_eq!(paid().send(&user).await.status, 202);
    user.has(110).await;
    let entries = Engine::of(&stack).await.ledger(&user).await;
    assert_eq!(entries.len(), 3, "{entries:?}");
}

#[tokio::test]
async fn a_pack_is_bought_and_given_back() {
    let stack = stack!();
    let (user, seller) = (User::new(&stack).await, Seller::of(&stack));
    let pack = pack(&user).await;
    user.post(CHECKOUT, &json!({ "productId": Uuid::new_v4() }))
        .await
        .problem(404, "pack_not_found");
    user.post(PORTAL, &json!({}))
        .await
        .problem(404, "nothing_bought");

    let checkout = checkout(&user).await;
    assert!(checkout.url.starts_with("http"), "{checkout:?}");
    let order = seller.pay(&checkout).await;
    user.has(60).await;
    let portal: Portal = user.post(PORTAL, &json!({})).await.expect(201);
    assert!(portal.url.starts_with("http"), "{portal:?}");

    seller.refund(&order, pack.price * 2 / 5).await;
    user.has(40).await;
    let told: Vec<_> = user
        .transactions()
        .await
        .into_iter()
        .map(|it| (it.kind, it.description, it.amount, it.balance_after))
        .collect();
    let line = |kind: &str, words: &str, amount, balance| {
        (kind.to_owned(), words.to_owned(), amount, balance)
    };
    let taken = "Refund of an order: 20 credits taken back";
    let expected = [
        line("order_refund", taken, -20, 40),
        line("order", "Bought 50 credits", 50, 60),
        line("welcome", "Welcome credits", 10, 10),
    ];
    assert_eq!(told, expected);
}

#[tokio::test]
async fn transactions_name_batches_and_photos_page_by_page() {
    let stack = stack!();
    let user = User::new(&stack).await;
    user.has(10).await;
    let (fine, missing) = (user.photo().await, user.link("image/png", 10).await.key);
    let images =
        json!([{ "key": fine, "name": "beach.png" }, { "key": missing, "name": "never-came.png" }]);
    let body = json!({ "images": images, "prompt": "make it\nblue" });
    let batch: api::SubmitResponse = user.submit("named", &body).await.expect(202);
    let status = user.finished(&batch.batch_id).await;
    assert_eq!(status.images[1].name.as_deref(), Some("never-came.png"));

    let mut told = Vec::new();
    let mut path = "/api/billing/transactions?limit=2".to_owned();
    loop {
        let page: Transactions = user.get(&path).await.expect(200);
        assert!(page.transactions.len() <= 2);
        told.extend(page.transactions);
        match page.next_cursor {
            Some(cursor) => path = format!("/api/billing/transactions?limit=2&cursor={cursor}"),
            None => break,
        }
    }
    let words: Vec<_> = told.iter().map(|it| it.description.as_str()).collect();
    assert_eq!(
        words,
        [
            "Refund for never-came.png in batch “make it blue”",
            "Batch “make it blue” (2 photos)",
            "Welcome credits"
        ]
    );
    assert_eq!(told[0].batch_id.as_ref(), Some(&batch.batch_id));
    user.get("/api/billing/transactions?limit=0")
        .await
        .problem(400, "invalid_request");
}

/// What the clock says to reconcile-orders.
fn tick() -> Value {
    let tick = include_str!("../../events/reconcile-orders/tick.json");
    serde_json::from_str(tick).unwrap()
}

/// Runs reconcile-orders; what it did.
async fn reconcile_orders(engine: &Engine) -> Value {
    engine.invoke("ReconcileOrders", &tick()).await.unwrap()
}

#[tokio::test]
async fn an_outage_of_the_webhook_costs_nobody_anything() {
    let stack = stack!();
    let (user, seller) = (User::new(&stack).await, Seller::of(&stack));
    let engine = Engine::of(&stack).await;
    seller.say_nothing_of(&user).await;
    let order = seller.pay(&checkout(&user).await).await;
    assert_eq!(user.balance().await.credits, 10);
    let report = reconcile_orders(&engine).await;
    assert!(report["found_missing"].as_u64() >= Some(1), "{report}");
    user.has(60).await;

    seller.refund(&order, 500).await;
    reconcile_orders(&engine).await;
    user.has(10).await;
    // What is there is not sent again.
    wait_for("nothing to be missing", async || {
        (reconcile_orders(&engine).await["found_missing"] == 0).then_some(())
    })
    .await;
    assert_eq!(engine.ledger(&user).await.len(), 3);
}

#[tokio::test]
async fn reconciliation_alone_brings_every_balance_right() {
    let stack = stack!();
    let (engine, seller) = (Engine::of(&stack).await, Seller::of(&stack));
    let users = join_all((0..6).map(|_| User::new(&stack))).await;
    for user in &users {
        seller.say_nothing_of(user).await;
        user.has(10).await;
    }
    let [plain, partly, free, free_again, twice, early] = users.as_slice() else {
        panic!("six users");
    };
    let buy = async |user: &User, discount| {
        let checkout = checkout(user).await;
        seller.pay_less(&checkout, discount).await
    };
    buy(plain, 0).await;
    seller.refund(&buy(partly, 0).await, 200).await;
    buy(free, 100).await;
    seller.refund(&buy(free_again, 100).await, 0).await;
    buy(twice, 0).await;
    seller.refund(&buy(twice, 50).await, 50).await;
    seller.refund(&buy(early, 0).await, 500).await;

    reconcile_orders(&engine).await;
    engine.is_through(&stack, "CreditQueueUrl").await;
    for (user, credits, entries) in [
        (plain, 60, 2),
        (partly, 40, 3),
        (free, 60, 2),
        (free_again, 10, 3),
        // A fifth of what the second cost.
        (twice, 100, 4),
        (early, 10, 3),
    ] {
        let ledger = engine.ledger(user).await;
        assert_eq!(user.balance().await.credits, credits, "{ledger:?}");
        assert_eq!(ledger.len(), entries, "{ledger:?}");
    }
}

#[tokio::test]
async fn every_page_is_read_though_the_seller_is_away_now_and_then() {
    let stack = stack!();
    let (engine, inside) = (Engine::of(&stack).await, Inside::deployed(&stack));
    let (product, credits, price) = PRODUCTS[0];
    let users = join_all((0..3).map(|_| inside.user(10))).await;
    let gone = inside.user(10).await;
    inside
        .tables
        .close_account(&gone, Timestamp::now())
        .await
        .unwrap();
    // Also of one who has left, once as paid and once as given back.
    let order = |user: &UserId, refunded| {
        let told = Bought::new(user, product, price).told(refunded);
        let mut event: Value = serde_json::from_str(&told).unwrap();
        event["data"].take()
    };
    let mut pages: Vec<_> = users.iter().map(|it| vec![order(it, None)]).collect();
    pages.push(vec![order(&gone, None), order(&gone, Some(price))]);
    let change = [("POLAR_BASE_URL", seller::reluctant(pages).await)];
    let run = OwnFunction::start(&engine, "ReconcileOrders", &change, tick()).await;
    let report = run.answer().await.unwrap();
    let expected = json!({ "orders": 5, "found_missing": 3, "unassigned": 1 });
    assert_eq!(report, expected);
    engine.is_through(&stack, "CreditQueueUrl").await;
    for user in &users {
        assert_eq!(inside.balance(user).await, 10 + credits);
    }
    assert_eq!(inside.balance(&gone).await, 10);
}

#[tokio::test]
async fn a_seller_who_is_away_is_said_to_be() {
    let stack = stack!();
    let (user, seller) = (User::new(&stack).await, Seller::of(&stack));
    let wanted = json!({ "productId": pack(&user).await.product_id });
    seller.fail(&user, 17).await;
    for (path, body) in [(CHECKOUT, &wanted), (PORTAL, &json!({}))] {
        let answer = user.post(path, body).await;
        answer.problem(503, "billing_unavailable");
        assert_eq!(answer.headers["retry-after"], "17", "{path}");
    }
}
