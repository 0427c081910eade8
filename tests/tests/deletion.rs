//! Somebody wants to be forgotten: nothing of them is left but numbers, however often it is said and whatever dies on
//! the way.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop right there"
)]

use api::{BatchHistory, DeleteAccountResponse};
use aws::{AccountError, SubmitError};
use domain::{
    Batch, BatchId, Credits, Deletion, Draft, EmailFingerprint, Format, Limits, Outcome, Profile,
    Timestamp, UserId, Work, photo_folders, timing::TimeLimits,
};
use futures::future::{join, join_all};
use reqwest::Method;
use serde_json::{Value, json};
use stack_tests::{
    Stack, User,
    engine::{Engine, queue_event},
    function::OwnFunction,
    inside::{self, Inside},
    photo,
    proxy::{Gate, Hold, Request},
    stack, unique, wait_for,
};

const SETTINGS: &str = "/api/account/settings";

/// Somebody who has been here for a while.
struct Anna {
    user: User,
    email: String,
    /// In everything that they wrote.
    marker: String,
    /// One batch of which all is completed, one that waits.
    batches: [String; 2],
}

impl Anna {
    async fn new(stack: &Stack, engine: &Engine) -> Self {
        let marker = unique("secret-wish");
        let email = format!("{}@example.com", unique("anna"));
        let user = User::with_email(stack, &email).await;
        let own = json!({
            "key": user.photo().await,
            "name": format!("{marker}.png"),
            "prompt": format!("blur, {marker}"),
        });
        let shared = json!({ "key": user.photo().await });
        let body = json!({ "images": [own, shared], "prompt": format!("sepia, {marker}") });
        let done: api::SubmitResponse = user.submit(&unique("key"), &body).await.expect(202);
        let waiting = engine.quiet_batch(&user, 2, &marker).await;
        user.finished(&done.batch_id).await;
        // Where nobody listens.
        let webhook = json!({ "url": format!("http://127.0.0.1:9/{marker}") });
        let settings = json!({ "emails": true, "webhook": webhook });
        let request = user.request(Method::PUT, SETTINGS).json(&settings);
        user.send(request).await.expect::<api::Settings>(200);
        Self {
            batches: [done.batch_id, waiting[0].image.batch_id.to_string()],
            user,
            email,
            marker,
        }
    }

    /// What delete-account is told.
    fn deletion(&self) -> Value {
        self.deletion_as(self.user.id())
    }

    /// The same, of somebody who signs in by this name.
    fn deletion_as(&self, username: &str) -> Value {
        let user: UserId = self.user.id().parse().unwrap();
        let username = username.to_owned();
        let body = serde_json::to_string(&Deletion { user, username }).unwrap();
        queue_event(&[body])
    }

    async fn photos(&self, stack: &Stack) -> Vec<String> {
        let tools = Inside::deployed(stack).tools(stack);
        let mut found = Vec::new();
        for folder in photo_folders(&self.user.id().parse().unwrap()) {
            found.extend(tools.objects(&folder).await.unwrap());
        }
        found
    }

    async fn records(&self, stack: &Stack, engine: &Engine) -> Vec<Value> {
        let (credits, batches) = (
            &stack.outputs["CreditsTable"],
            &stack.outputs["BatchesTable"],
        );
        let user = format!("USER#{}", self.user.id());
        let mut records = engine.records(credits, &user).await;
        for batch in &self.batches {
            records.extend(engine.records(batches, &format!("BATCH#{batch}")).await);
        }
        records
    }

    /// Nothing is left of them but numbers, which are right.
    async fn assert_forgotten(&self, stack: &Stack, engine: &Engine) {
        assert!(!User::signs_in(stack, &self.email).await);
        assert_eq!(self.photos(stack).await, [""; 0]);
        let records = self.records(stack, engine).await;
        let text = json!(records).to_string();
        for personal in [&self.marker, &self.email, "uploads/"] {
            assert!(!text.contains(personal), "{personal}: {text}");
        }
        assert!(!text.contains("PROFILE"), "{text}");

        let number = |value: &Value| value["N"].as_str().unwrap().parse::<i64>().unwrap();
        let is_entry = |record: &&Value| record["sk"]["S"].as_str().unwrap().starts_with("TXN#");
        let sum: i64 = records
            .iter()
            .filter(is_entry)
            .map(|entry| number(&entry["amount"]))
            .sum();
        let account = records
            .iter()
            .find(|it| it["sk"]["S"] == "ACCOUNT")
            .unwrap();
        assert_eq!(number(&account["balance"]), sum, "{text}");

        let inside = Inside::deployed(stack);
        inside
            .assert_sound(stack, self.user.id(), &self.batches)
            .await;
        self.assert_gone().await;
    }

    /// Whatever they ask for, with a token that is still good.
    async fn assert_gone(&self) {
        let user = &self.user;
        let gone = (410, "account_deleted");
        let key = format!("uploads/{}/{}.png", user.id(), uuid::Uuid::new_v4());
        let body = json!({ "images": [{ "key": key }], "prompt": "blur" });
        let submitted = user.submit(&unique("key"), &body).await;
        submitted.problem(gone.0, gone.1);
        let packs: api::Packs = user.get("/api/billing/packs").await.expect(200);
        let checkout = json!({ "productId": packs.packs[0].product_id });
        let bought = user.post("/api/billing/checkout", &checkout).await;
        bought.problem(gone.0, gone.1);
        let settings = user.request(Method::PUT, SETTINGS);
        let settings = settings.json(&json!({ "emails": true }));
        user.send(settings).await.problem(gone.0, gone.1);
        for path in [
            "/api/account",
            SETTINGS,
            "/api/batches",
            "/api/billing/balance",
        ] {
            user.get(path).await.problem(gone.0, gone.1);
        }
        for batch in &self.batches {
            let status = user.get(&format!("/api/batch/{batch}/status")).await;
            status.problem(gone.0, gone.1);
            for verb in ["cancel", "retry"] {
                user.control(batch, verb).await.problem(gone.0, gone.1);
            }
        }
    }
}

#[tokio::test]
async fn nothing_is_left_of_somebody_but_numbers() {
    let stack = stack!();
    let engine = Engine::of(&stack).await;
    let anna = Anna::new(&stack, &engine).await;
    let user = &anna.user;

    // Nothing happens to who does not mean it.
    for other in ["", "anna", "bert@example.com"] {
        let problem = user
            .delete_account(other)
            .await
            .problem(400, "invalid_request");
        assert_eq!(problem.errors.unwrap()[0].pointer, "/confirm");
    }
    let silent = user.request(Method::DELETE, "/api/account");
    user.send(silent).await.problem(400, "invalid_json");
    let before = user.account().await;
    assert!(User::signs_in(&stack, &anna.email).await);
    assert_eq!(anna.photos(&stack).await.len(), 6, "uploads and results");
    let text = json!(anna.records(&stack, &engine).await).to_string();
    assert!(text.contains(&anna.marker) && text.contains(&anna.email));

    let delayed = engine.delayed(&stack, "DeletionQueueUrl").await;
    let shouted = anna.email.to_uppercase();
    let first: DeleteAccountResponse = user.delete_account(&shouted).await.expect(202);
    user.get("/api/account")
        .await
        .problem(410, "account_deleted");
    let again: DeleteAccountResponse = user.delete_account(&anna.email).await.expect(202);
    assert_eq!(again, first);
    wait_for("the end of the sign-in", async || {
        (!User::signs_in(&stack, &anna.email).await).then_some(())
    })
    .await;
    anna.assert_forgotten(&stack, &engine).await;
    let records = anna.records(&stack, &engine).await;
    let account = records
        .iter()
        .find(|it| it["sk"]["S"] == "ACCOUNT")
        .unwrap();
    // What waited came back.
    let balance = (before.credits + 2).to_string();
    assert_eq!(account["balance"]["N"], balance.as_str());

    // Who was at a photo then puts it there now: that is what the late message is for.
    assert!(engine.delayed(&stack, "DeletionQueueUrl").await > delayed);
    let late = photo_folders(&anna.user.id().parse().unwrap()).map(|folder| folder + "late.png");
    let photos = Inside::deployed(&stack).photos;
    for key in &late {
        photos
            .put(key, photo(8, 8).into(), Format::Png)
            .await
            .unwrap();
    }
    assert_eq!(anna.photos(&stack).await.len(), late.len());

    // Otherwise it finds nothing to do, and somebody new with the same address is not welcomed twice.
    let new = User::with_email(&stack, &anna.email).await;
    let account = new.account().await;
    assert_ne!(account.user_id, before.user_id);
    assert_eq!(account.credits, 0);
    let history: BatchHistory = new.get("/api/batches").await.expect(200);
    assert_eq!(history.batches, []);
    // Nor is somebody new deleted who has the same name, as whoever signs up by Google again has.
    for username in [anna.user.id(), new.id()] {
        let failed = engine
            .consume("DeleteAccount", &anna.deletion_as(username))
            .await;
        assert_eq!(failed, [""; 0]);
        assert!(User::signs_in(&stack, &anna.email).await);
        assert_eq!(new.account().await, account);
    }
    assert_eq!(anna.photos(&stack).await, [""; 0]);
}

#[tokio::test]
async fn an_image_at_the_provider_is_waited_for() {
    let stack = stack!();
    let engine = Engine::of(&stack).await;
    let mut anna = Anna::new(&stack, &engine).await;
    let prompt = format!("[[fault:slow:4]] blur, {}", anna.marker);
    let works = engine.quiet_batch(&anna.user, 1, &prompt).await;
    let Work { image, .. } = works[0];
    anna.batches[1] = image.batch_id.to_string();
    let task = engine.edit_task(&works[0]).await;
    let deleting = async {
        wait_for("a call to the provider", async || {
            let calls = stack.provider_calls(&prompt).await;
            (!calls.is_empty()).then_some(())
        })
        .await;
        engine.consume("DeleteAccount", &anna.deletion()).await
    };
    let (edited, put_off) = join(engine.invoke("EditImage", &task), deleting).await;
    assert_eq!(put_off, ["message-0"], "while the image is claimed");
    assert!(User::signs_in(&stack, &anna.email).await);
    let done = format!("/api/batch/{}/status", anna.batches[0]);
    let status = anna.user.get(&done).await;
    status.problem(410, "account_deleted");

    let settle = json!({ "image": image, "result": edited.unwrap() });
    assert_eq!(engine.invoke("SettleImage", &settle).await, Ok(Value::Null));
    for _ in 0..2 {
        let failed = engine.consume("DeleteAccount", &anna.deletion()).await;
        assert_eq!(failed, [""; 0]);
        anna.assert_forgotten(&stack, &engine).await;
    }
}

/// When delete-account is killed, and of what it never learns.
type Moment = (&'static str, Hold, fn(&Request) -> bool);

const MOMENTS: [Moment; 7] = [
    ("the account is closed", Hold::Answer, |it| {
        it.says("if_not_exists(deleted_at")
    }),
    ("a batch is flagged", Hold::Answer, |it| {
        it.says("SET cancel_requested")
    }),
    ("images are settled", Hold::Answer, |it| {
        it.says("#open - :settled")
    }),
    ("before a batch is erased", Hold::Request, |it| {
        it.says("erased_at")
    }),
    ("a batch is erased", Hold::Answer, |it| it.says("erased_at")),
    ("photos are deleted", Hold::Answer, |it| {
        it.uri.query().is_some_and(|query| query.contains("delete"))
    }),
    ("the user is deleted", Hold::Answer, |it| {
        it.asks_for("AdminDeleteUser")
    }),
];

#[tokio::test]
async fn whenever_it_dies_the_next_delivery_ends_the_same() {
    let stack = stack!();
    let engine = Engine::of(&stack).await;
    let deaths = MOMENTS.map(async |(name, hold, meant)| {
        let anna = Anna::new(&stack, &engine).await;
        let gate = Gate::before(&stack.aws_endpoint, hold, meant).await;
        let change = ("AWS_ENDPOINT_URL", gate.endpoint.clone());
        let function =
            OwnFunction::start(&engine, "DeleteAccount", &[change], anna.deletion()).await;
        function.kill_when(gate.reached()).await;
        let failed = engine.consume("DeleteAccount", &anna.deletion()).await;
        assert_eq!(failed, [""; 0], "{name}");
        anna.assert_forgotten(&stack, &engine).await;
    });
    join_all(deaths).await;
}

#[tokio::test]
async fn who_wants_to_be_forgotten_spends_nothing_and_is_still_refunded() {
    let stack = stack!();
    let inside = Inside::of(&stack).await;
    let tables = &inside.tables;
    let user = inside.user(5).await;
    let open = inside.batch(&user, 2).await;
    let read_before = tables.account(&user).await.unwrap().unwrap();
    let closed_at = tables.close_account(&user, Timestamp::now()).await.unwrap();
    let again = tables.close_account(&user, Timestamp::now()).await.unwrap();
    assert_eq!(again, closed_at, "the first time counts");

    // A submit that had read the account before that.
    let draft = Draft {
        images: vec![inside::image(&user, None)],
        prompt: "make it blue".to_owned(),
        ..Draft::default()
    };
    let submission = draft.check(&user, &Limits::default()).unwrap();
    let now = Timestamp::now();
    let batch = Batch::new(
        BatchId::derive(&user, &unique("key").parse().unwrap()),
        user.clone(),
        &submission,
        Credits::small(1),
        now,
        now,
        &TimeLimits::default(),
    );
    let submitted = tables.submit(batch, &submission, read_before).await;
    assert!(
        matches!(submitted, Err(SubmitError::AccountDeleted)),
        "{submitted:?}"
    );
    assert_eq!(
        tables.batches_paid_by(&user).await.unwrap(),
        [open.batch_id]
    );

    // What is open is not erased, and comes back.
    assert!(tables.erase_batch(open.batch_id, now).await.is_err());
    let outcomes = vec![(0, Outcome::Canceled), (1, Outcome::Canceled)];
    let settling = inside.settler.settle(open.batch_id, outcomes);
    settling.await.unwrap();
    assert_eq!(inside.balance(&user).await, 5);
}

#[tokio::test]
async fn who_never_had_an_account_gets_none_after_that() {
    let stack = stack!();
    let inside = Inside::of(&stack).await;
    let tables = &inside.tables;
    let user: UserId = unique("user").parse().unwrap();
    let closing = tables.close_account(&user, Timestamp::now());
    let closed_at = closing.await.unwrap();
    let email = format!("{user}@example.com");
    let fingerprint = EmailFingerprint::new(b"test", &email);
    let credits = Credits::small(5);
    let opening = tables.open_account(&user, &email, &fingerprint, credits, Timestamp::now());
    let account = opening.await.unwrap();
    assert_eq!(account.deleted_at, Some(closed_at));
    assert_eq!((account.balance, account.entries), (Credits::ZERO, 0));
    // Nor a profile, by a request that was on its way.
    let late = tables.note_email(&user, &email).await;
    assert!(matches!(late, Err(AccountError::Deleted)), "{late:?}");
    let profile = Profile::new(email);
    let late = tables.save_profile(&user, &profile).await;
    assert!(matches!(late, Err(AccountError::Deleted)), "{late:?}");
    assert_eq!(tables.profile(&user).await.unwrap(), None);
}
