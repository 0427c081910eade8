//! The adapters, connected to the running engine: mostly to tables of their own, which no stream leads away from, so that
//! nothing but the test touches what lies in them.

use aws::{Photos, Settings, Settler, Tables};
use domain::{
    Batch, BatchId, Credits, Draft, DraftImage, EmailFingerprint, IdempotencyKey, Limits,
    Submission, Timestamp, UserId, timing::TimeLimits,
};
use futures::future::BoxFuture;
use operator::audit::{Ids, Options, audit};
use serde_json::json;

use crate::{Stack, proxy, unique};

/// Images a minute that a settlement takes out of the backlog.
const PACE: &str = "60";

/// What the functions have.
#[derive(Clone, Debug)]
pub struct Inside {
    /// Both tables.
    pub tables: Tables,
    /// The bucket.
    pub photos: Photos,
    /// The settle operation.
    pub settler: Settler,
    /// The name of the table of accounts.
    pub credits_table: String,
    /// The name of the table of batches.
    pub batches_table: String,
}

impl Inside {
    /// Connects to a stack's engine and makes two empty tables there.
    pub async fn of(stack: &Stack) -> Self {
        Self::through(stack, stack.aws_endpoint.clone()).await
    }

    /// The same, with every call of the adapters going to another endpoint.
    pub async fn through(stack: &Stack, endpoint: String) -> Self {
        let (credits, batches) = (unique("credits"), unique("batches"));
        create_table(stack, &credits).await;
        create_table(stack, &batches).await;
        Self::with_tables(stack, endpoint, credits, batches)
    }

    /// The same tables, with somebody else writing to them just before the first transaction goes through.
    pub async fn meddled(&self, stack: &Stack, meddling: BoxFuture<'static, ()>) -> Self {
        let transaction = |request: &proxy::Request| request.asks_for("TransactWriteItems");
        let endpoint = proxy::meddled(&stack.aws_endpoint, transaction, meddling).await;
        let (credits, batches) = (self.credits_table.clone(), self.batches_table.clone());
        Self::with_tables(stack, endpoint, credits, batches)
    }

    /// Connects to the tables that the stack itself works on.
    #[must_use]
    pub fn deployed(stack: &Stack) -> Self {
        let table = |name: &str| stack.outputs[name].clone();
        let (credits, batches) = (table("CreditsTable"), table("BatchesTable"));
        Self::with_tables(stack, stack.aws_endpoint.clone(), credits, batches)
    }

    /// The same tables, past whatever stands between.
    #[must_use]
    pub fn past(&self, stack: &Stack) -> Self {
        let (credits, batches) = (&self.credits_table, &self.batches_table);
        Self::with_tables(
            stack,
            stack.aws_endpoint.clone(),
            credits.clone(),
            batches.clone(),
        )
    }

    fn with_tables(stack: &Stack, endpoint: String, credits: String, batches: String) -> Self {
        let settings = Settings::new(
            "us-east-1".to_owned(),
            Some(endpoint),
            "test".to_owned(),
            "test".to_owned(),
            None,
        )
        .unwrap();
        let tables = Tables::new(&settings, credits.clone(), batches.clone());
        let photos = Photos::new(&settings, stack.outputs["PhotosBucket"].clone());
        Self {
            settler: Settler::new(tables.clone(), photos.clone(), PACE.parse().unwrap()),
            tables,
            photos,
            credits_table: credits,
            batches_table: batches,
        }
    }

    /// The operator's tools, connected to these tables.
    #[must_use]
    pub fn tools(&self, stack: &Stack) -> operator::Stack {
        let keys = || panic!("the engine at home takes any keys");
        let mut tools = operator::Stack::described(&stack.file, keys).unwrap();
        tools.names.credits_table.clone_from(&self.credits_table);
        tools.names.batches_table.clone_from(&self.batches_table);
        tools
    }

    /// Panics if the audit, which looks for the results, too, finds something wrong about this user or these batches.
    pub async fn assert_sound(&self, stack: &Stack, user: &str, batches: &[String]) {
        let options = Options {
            photos: true,
            ..Options::default()
        };
        let report = audit(&self.tools(stack), &options).await.unwrap();
        let about = |ids: &Ids| {
            let batch = ids.batch.as_ref();
            ids.user.as_deref() == Some(user) || batch.is_some_and(|it| batches.contains(it))
        };
        let found = report.violations.iter().filter(|it| about(&it.ids));
        assert_eq!(found.count(), 0, "{report}");
    }

    /// The same, with somebody doing something just before the first thing that is meant.
    pub async fn meddled_tools(
        &self,
        stack: &Stack,
        meant: fn(&proxy::Request) -> bool,
        meddling: BoxFuture<'static, ()>,
    ) -> operator::Stack {
        let endpoint = proxy::meddled(&stack.aws_endpoint, meant, meddling).await;
        let names = self.tools(stack).names;
        let keys = operator::Keys::at_home();
        operator::Stack::connect(names, "us-east-1".to_owned(), Some(endpoint), keys).unwrap()
    }

    /// A user with an account.
    pub async fn user(&self, credits: u32) -> UserId {
        let user: UserId = unique("user").parse().unwrap();
        self.open_account(&user, credits).await;
        user
    }

    /// Opens the account of a user who has none.
    pub async fn open_account(&self, user: &UserId, credits: u32) {
        let email = format!("{user}@example.com");
        let fingerprint = EmailFingerprint::new(b"test", &email);
        let credits = Credits::small(credits);
        let now = Timestamp::now();
        let opened = self
            .tables
            .open_account(user, &email, &fingerprint, credits, now);
        assert_eq!(opened.await.unwrap().balance, credits);
    }

    /// What a user can spend.
    pub async fn balance(&self, user: &UserId) -> u64 {
        self.tables
            .account(user)
            .await
            .unwrap()
            .unwrap()
            .balance
            .get()
    }

    /// A batch of so many images at 1 credit each, paid for.
    pub async fn batch(&self, user: &UserId, images: u32) -> Batch {
        let draft = Draft {
            images: (0..images).map(|_| image(user, None)).collect(),
            prompt: "make it blue".to_owned(),
            ..Draft::default()
        };
        let submission = draft.check(user, &Limits::default()).unwrap();
        self.accepted(user, &submission).await
    }

    /// A batch of what was submitted at 1 credit an image, paid for.
    pub async fn accepted(&self, user: &UserId, submission: &Submission) -> Batch {
        let key: IdempotencyKey = unique("key").parse().unwrap();
        let batch = Batch::new(
            BatchId::derive(user, &key),
            user.clone(),
            submission,
            Credits::small(1),
            Timestamp::now(),
            Timestamp::now(),
            &TimeLimits::default(),
        );
        let account = self.tables.account(user).await.unwrap().unwrap();
        let accepted = self.tables.submit(batch, submission, account).await;
        accepted.unwrap().batch
    }
}

/// An image of a draft, whose photo nobody has uploaded.
#[must_use]
pub fn image(user: &UserId, prompt: Option<String>) -> DraftImage {
    DraftImage {
        key: format!("uploads/{user}/{}.png", uuid::Uuid::new_v4()),
        name: None,
        prompt,
    }
}

/// A table with the keys of both of ours. The indexes are left out: what reads them is tested through the API.
async fn create_table(stack: &Stack, name: &str) {
    let key = |name: &str, kind: &str| json!({ "AttributeName": name, "KeyType": kind });
    let text = |name: &str| json!({ "AttributeName": name, "AttributeType": "S" });
    let table = json!({
        "TableName": name,
        "BillingMode": "PAY_PER_REQUEST",
        "KeySchema": [key("pk", "HASH"), key("sk", "RANGE")],
        "AttributeDefinitions": [text("pk"), text("sk")],
    });
    let response = reqwest::Client::new()
        .post(&stack.aws_endpoint)
        .header("content-type", "application/x-amz-json-1.0")
        .header("x-amz-target", "DynamoDB_20120810.CreateTable")
        .body(table.to_string())
        .send()
        .await
        .unwrap();
    assert_eq!(response.status(), 200, "{}", response.text().await.unwrap());
}
