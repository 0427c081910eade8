//! What users are told: the settings that say so, and that each thing is told once, to whom it concerns, the way they
//! want.

#![expect(
    clippy::unwrap_used,
    reason = "what cannot be unwrapped is a test that fails"
)]

use api::{Packs, Settings, WebhookEvent};
use domain::{Matter, Notice};
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::{
    Stack, User,
    engine::{Engine, queue_event},
    inbox::{inbox, mail},
    inside::Inside,
    orders::{Bought, PRODUCTS},
    program::Program,
    stack, unique, wait_for,
};
use standardwebhooks::Webhook;

const SETTINGS: &str = "/api/account/settings";

/// Changes the settings.
async fn change(user: &User, wanted: &Value) -> stack_tests::Answer {
    user.send(user.request(Method::PUT, SETTINGS).json(wanted))
        .await
}

/// How many mails somebody got that begin like this.
async fn count(stack: &Stack, email: &str, subject: &str) -> usize {
    let mails = inbox(stack, email).await;
    let fits = |mail: &&Value| mail["subject"].as_str().unwrap().starts_with(subject);
    mails.iter().filter(fits).count()
}

/// Makes a program a user's webhook; its secret.
async fn listens(program: &Program, user: &User) -> String {
    let wanted = json!({ "emails": false, "webhook": { "url": program.url } });
    let settings: Settings = change(user, &wanted).await.expect(200);
    settings.webhook.unwrap().secret
}

/// A notice about a batch, as a message of the queue.
fn told_again(user: &User, matter: Matter) -> Value {
    let user = user.id().parse().unwrap();
    let notice = Notice { user, matter };
    queue_event(&[serde_json::to_string(&notice).unwrap()])
}

#[tokio::test]
async fn settings_are_kept_and_a_secret_is_its_urls() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let settings: Settings = user.get(SETTINGS).await.expect(200);
    let new = Settings {
        emails: true,
        webhook: None,
    };
    assert_eq!(settings, new);

    let wanted = |url: &str| json!({ "emails": false, "webhook": { "url": url } });
    let first: Settings = change(&user, &wanted("https://a.example/x"))
        .await
        .expect(200);
    assert!(!first.emails);
    let webhook = first.webhook.clone().unwrap();
    assert_eq!(webhook.url, "https://a.example/x");
    Webhook::new(&webhook.secret).unwrap();
    assert_eq!(user.get(SETTINGS).await.expect::<Settings>(200), first);
    // `GET /api/account` notes addresses, and nothing else.
    user.account().await;
    let again: Settings = change(&user, &wanted("https://a.example/x"))
        .await
        .expect(200);
    assert_eq!(again, first);
    let other: Settings = change(&user, &wanted("https://b.example/x"))
        .await
        .expect(200);
    assert_ne!(other.webhook.unwrap().secret, webhook.secret);
    let none: Settings = change(&user, &json!({ "emails": true })).await.expect(200);
    assert_eq!(none, new);
}

#[tokio::test]
async fn settings_have_doors() {
    let stack = stack!();
    let user = User::new(&stack).await;
    for method in [Method::GET, Method::PUT] {
        let nobody = user.send(user.anonymous(method, SETTINGS)).await;
        assert_eq!(nobody.status, 401);
    }
    let problem = change(&user, &json!({ "emails": "no" })).await;
    let problem = problem.problem(400, "invalid_json");
    assert_eq!(problem.errors.unwrap()[0].pointer, "/emails");
    // At home a program on this machine may be called, but nothing else inside.
    for url in [
        "",
        "file:///etc/passwd",
        "https://anna:word@example.com/",
        "http://example.com/",
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/latest/meta-data/",
        "https://10.0.0.1/",
        "https://[fd00:ec2::254]/",
    ] {
        let wanted = json!({ "emails": true, "webhook": { "url": url } });
        let problem = change(&user, &wanted).await;
        let problem = problem.problem(400, "invalid_request");
        assert_eq!(problem.errors.unwrap()[0].pointer, "/webhook/url");
    }
    let settings: Settings = user.get(SETTINGS).await.expect(200);
    assert_eq!(settings.webhook, None, "what was refused is not kept");
}

#[tokio::test]
async fn nothing_is_sent_to_an_address_that_nobody_has_confirmed() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let before: Settings = user.get(SETTINGS).await.expect(200);
    let moved = user
        .moved_to(&format!("{}@example.com", unique("victim")))
        .await;
    let refused = change(&moved, &json!({ "emails": false })).await;
    refused.problem(403, "email_not_verified");
    let after: Settings = moved.get(SETTINGS).await.expect(200);
    assert_eq!(after, before);
    let packs: Packs = moved.get("/api/billing/packs").await.expect(200);
    let wanted = json!({ "productId": packs.packs[0].product_id });
    let refused = moved.post("/api/billing/checkout", &wanted).await;
    refused.problem(403, "email_not_verified");
}

#[tokio::test]
async fn a_batch_is_mailed_once_with_what_went_wrong() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let email = user.account().await.email;
    let missing = user.link("image/png", 10).await.key;
    let keys = [user.photo().await, missing];
    let prompt = unique("<b>blue</b>");
    let batch = user.accepted(&keys, &prompt).await.batch_id;
    let status = user.finished(&batch).await;
    let reason = &status.images[1].error.as_ref().unwrap().message;

    let subject = "Done: 1 of 2 photos edited";
    let mail = mail(&stack, &email, subject).await;
    let (text, html) = (
        mail["text"].as_str().unwrap(),
        mail["html"].as_str().unwrap(),
    );
    for words in [
        "1 photo was edited, 1 failed",
        &format!("photo 2: {reason}"),
        "of the 2 credits that you paid, you got 1 credit back",
        &format!("{}/batches/{batch}", stack.url),
    ] {
        assert!(text.contains(words), "{words:?} in {text}");
    }
    assert!(html.contains("&lt;b&gt;blue&lt;/b&gt;") && !html.contains("<b>"));

    // The stream's record comes again, and so does the notice.
    let event = include_str!("../../events/notify/finished-batch.json");
    let event = event
        .replace("9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f", &batch)
        .replace("7b9f6f5e-3c55-4d0a-9a2e-7f6c0d1e2a3b", user.id());
    let event = serde_json::from_str(&event).unwrap();
    engine.invoke("Notify", &event).await.unwrap();
    let batch_id = batch.parse().unwrap();
    let again = told_again(&user, Matter::BatchMail { batch_id });
    // Put off while the stream's own repeat is being sent; a queue would bring it again, too.
    wait_for("the notice to be taken", async || {
        let failed = engine.consume("SendNotice", &again).await;
        failed.is_empty().then_some(())
    })
    .await;
    assert_eq!(count(&stack, &email, subject).await, 1);
}

#[tokio::test]
async fn who_wants_no_mail_gets_none() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let email = user.account().await.email;
    let program = Program::answering(&[]).await;
    listens(&program, &user).await;
    let batch = user.accepted(&[user.photo().await], "sepia").await.batch_id;
    // The call shows that this batch was noticed.
    program.was_called(1).await;
    let engine = Engine::of(&stack).await;
    let batch_id = batch.parse().unwrap();
    let event = told_again(&user, Matter::BatchMail { batch_id });
    let failed = engine.consume("SendNotice", &event).await;
    assert_eq!(failed, [""; 0]);
    assert_eq!(inbox(&stack, &email).await, [Value::Null; 0]);
}

#[tokio::test]
async fn a_webhook_is_called_until_it_takes_what_it_can_verify() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let program = Program::answering(&[500]).await;
    let secret = listens(&program, &user).await;
    let batch = user.accepted(&[user.photo().await], "sepia").await.batch_id;
    let status = user.finished(&batch).await;

    let heard = program.was_called(2).await;
    let verifier = Webhook::new(&secret).unwrap();
    for request in &heard {
        verifier.verify(&request.body, &request.headers).unwrap();
        assert_eq!(request.method, Method::POST);
        assert_eq!(request.headers["content-type"], "application/json");
    }
    assert_eq!(
        heard[0].headers["webhook-id"],
        heard[1].headers["webhook-id"]
    );
    let event: WebhookEvent = serde_json::from_slice(&heard[1].body).unwrap();
    assert_eq!(event.kind, "batch.completed");
    assert_eq!(event.data.batch_id, batch);
    assert_eq!(event.data.counts, status.counts);
    assert_eq!(Some(event.data.finished_at), status.finished_at);
}

#[tokio::test]
async fn a_webhook_that_is_gone_is_left_alone() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    // Its own notice is over before: it would take one of the answers below.
    let program = Program::answering(&[]).await;
    listens(&program, &user).await;
    let batch = user.accepted(&[user.photo().await], "sepia").await.batch_id;
    program.was_called(1).await;
    let batch_id = batch.parse().unwrap();
    let event = told_again(&user, Matter::BatchWebhook { batch_id });
    for status in [200, 204, 410] {
        let program = Program::answering(&[status]).await;
        listens(&program, &user).await;
        let failed = engine.consume("SendNotice", &event).await;
        assert_eq!(failed, [""; 0], "{status}");
        assert_eq!(program.calls().len(), 1, "{status}");
    }
    // This message is not in the queue, so it cannot be put off there.
    for status in [302, 404, 500] {
        let program = Program::answering(&[status]).await;
        listens(&program, &user).await;
        let failed = engine.consume("SendNotice", &event).await;
        assert_eq!(failed, ["message-0"], "{status}");
    }
}

#[tokio::test]
async fn a_purchase_has_a_receipt_and_a_low_balance_one_warning() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let (engine, email) = (Engine::of(&stack).await, user.account().await.email);
    let missing = user.link("image/png", 10).await.key;
    let spend = async |images: usize| {
        let keys = vec![missing.clone(); images];
        let batch = user.accepted(&keys, "sepia").await.batch_id;
        user.finished(&batch).await;
    };
    // 10 -> 4, all of it refunded; and once more.
    spend(6).await;
    mail(&stack, &email, "You have 4 credits left").await;
    spend(7).await;

    let (product, credits, price) = PRODUCTS[0];
    let id = user.id().parse().unwrap();
    let order = Bought::new(&id, product, price);
    engine
        .put_letter(&stack, "CreditQueueUrl", &order.told(None))
        .await;
    let receipt = mail(&stack, &email, &format!("Your purchase: {credits} credits")).await;
    let text = receipt["text"].as_str().unwrap();
    assert!(text.contains(&order.id.to_string()), "{text}");
    assert!(
        text.contains(&format!("your balance {} credits", credits + 10)),
        "{text}"
    );
    assert_eq!(count(&stack, &email, "You have 3 credits left").await, 0);

    // What was bought is worth another warning.
    spend(58).await;
    mail(&stack, &email, "You have 2 credits left").await;
    assert_eq!(count(&stack, &email, "You have").await, 2);
}

#[tokio::test]
async fn the_last_word_on_a_low_balance_is_the_ledgers() {
    let stack = stack!();
    let inside = Inside::of(&stack).await;
    let user = inside.user(10).await;
    let warn = async |entry| {
        let warned = inside.tables.warn_of_low_balance(&user, entry).await;
        warned.unwrap()
    };
    let rearm = async |entry| inside.tables.rearm_low_balance(&user, entry).await.unwrap();
    assert!(warn(2).await);
    assert!(warn(2).await, "the same record again");
    assert!(!warn(4).await, "nothing was bought since");
    rearm(6).await;
    assert!(!warn(4).await, "older than the purchase");
    assert!(warn(8).await);
    rearm(6).await;
    assert!(!warn(9).await, "a purchase that comes again is no new one");
}
