//! The whole way of a purchase: by the command line and on the seller's own pages, through the functions as they are
//! deployed, from the first look at the packs to the debt that is left of what was spent and given back.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use reqwest::{Client, redirect};
use serde_json::{Value, json};
use stack_tests::{
    PASSWORD, Stack, User, engine::Engine, function::binary, inbox::mail, stack, unique,
};

const SETTLE: &str = include_str!("../../events/settle-image/failed.json");

/// Somebody at a terminal, signed in.
struct Bie {
    stack: PathBuf,
    config: PathBuf,
}

impl Bie {
    fn signed_in(stack: &Stack, email: &str) -> Self {
        let bie = Self {
            stack: stack.file.clone(),
            config: std::env::temp_dir().join(unique("bie")),
        };
        bie.says(&["login", "--email", email]);
        bie
    }

    fn start(&self, arguments: &[&str]) -> Child {
        Command::new(binary("bie"))
            .arg("--stack")
            .arg(&self.stack)
            .arg("--config-dir")
            .arg(&self.config)
            .args(arguments)
            .env("BIE_PASSWORD", PASSWORD)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    }

    /// What it prints.
    fn says(&self, arguments: &[&str]) -> String {
        end(self.start(arguments))
    }
}

impl Drop for Bie {
    fn drop(&mut self) {
        // Nothing here could mend a folder that stays.
        drop(std::fs::remove_dir_all(&self.config));
    }
}

/// What a program has printed by its end, which is a good one.
fn end(program: Child) -> String {
    let output = program.wait_with_output().unwrap();
    let trouble = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{trouble}");
    String::from_utf8(output.stdout).unwrap()
}

/// The seller's pages, in a browser that goes nowhere by itself.
struct Browser(Client);

impl Browser {
    fn new() -> Self {
        let http = Client::builder().no_proxy();
        Self(http.redirect(redirect::Policy::none()).build().unwrap())
    }

    async fn page(&self, url: &str) -> String {
        self.0.get(url).send().await.unwrap().text().await.unwrap()
    }

    /// Presses a button; where that leads.
    async fn press(&self, url: &str, form: &str) -> String {
        let form = self
            .0
            .post(url)
            .body(form.to_owned())
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = form.send().await.unwrap();
        let location = &answer.headers()["location"];
        location.to_str().unwrap().to_owned()
    }

    /// Gives back all of the one order that was not given back yet.
    async fn refund(&self, stack: &Stack, user: &User) {
        let portal: api::Portal = user
            .post("/api/billing/portal", &json!({}))
            .await
            .expect(201);
        let page = self.page(&portal.url).await;
        let (_, form) = page.split_once("name=order_id value=").unwrap();
        assert!(!form.contains("name=order_id"), "{page}");
        let (order, _) = form.split_once('>').unwrap();
        let (_, token) = portal.url.split_once("customer_session_token=").unwrap();
        let form = format!("customer_session_token={token}&order_id={order}&part=all");
        let url = format!("{}/portal/refund", stack.stand_ins.polar);
        self.press(&url, &form).await;
    }
}

/// Buys 50 credits by `bie buy`, and pays for them on the page that it names.
async fn buy(bie: &Bie, browser: &Browser) -> String {
    let mut buying = bie.start(&["buy", "50", "--no-open", "--wait", "110"]);
    let mut notes = BufReader::new(buying.stderr.take().unwrap()).lines();
    let page = notes.find_map(|line| Some(line.unwrap()).filter(|it| it.starts_with("http")));
    let page = page.unwrap();
    assert!(browser.page(&page).await.contains("Pay $"));
    let next = browser.press(&page, "discount=0").await;
    assert!(next.starts_with("http"), "{next}");
    end(buying)
}

#[tokio::test]
async fn what_is_bought_at_home_can_be_spent_given_back_and_owed() {
    let stack = stack!();
    let (engine, browser) = (Engine::of(&stack).await, Browser::new());
    let email = format!("{}@example.com", unique("buyer"));
    let user = User::with_email(&stack, &email).await;
    let bie = Bie::signed_in(&stack, &email);
    user.has(10).await;
    assert!(bie.says(&["buy"]).contains("50 credits"));

    assert_eq!(
        buy(&bie, &browser).await,
        "the credits are here: 60 credits\n"
    );
    let told = bie.says(&["transactions"]);
    let line = told.lines().next().unwrap();
    let words: Vec<_> = line.split_whitespace().skip(1).collect();
    assert_eq!(words, ["+50", "60", "Bought", "50", "credits"]);
    mail(&stack, &email, "Your purchase: 50 credits").await;

    browser.refund(&stack, &user).await;
    user.has(10).await;
    assert_eq!(bie.says(&["balance"]), "10 credits\n");

    // 13 photos at 4 credits, and one that nobody edits before it fails.
    buy(&bie, &browser).await;
    let images = vec![json!({ "key": user.photo().await }); 13];
    let dear = json!({ "images": images, "prompt": "sepia",
        "options": { "quality": "high", "size": "1536x1024" } });
    let batch: api::SubmitResponse = user.submit(&unique("key"), &dear).await.expect(202);
    assert_eq!(user.finished(&batch.batch_id).await.counts.completed, 13);
    let open = engine.quiet_batch(&user, 1, "sepia").await;
    user.has(7).await;

    browser.refund(&stack, &user).await;
    user.has(0).await;
    let owed = "0 credits; 43 owed, which the next ones pay first\n";
    assert_eq!(bie.says(&["balance"]), owed);
    for work in &open {
        let mut failed: Value = serde_json::from_str(SETTLE).unwrap();
        failed["image"] = json!(work.image);
        engine.invoke("SettleImage", &failed).await.unwrap();
    }
    let owed = "0 credits; 42 owed, which the next ones pay first\n";
    assert_eq!(bie.says(&["balance"]), owed);
    assert_eq!(
        buy(&bie, &browser).await,
        "the credits are here: 8 credits\n"
    );
    engine.ledger(&user).await;
}
