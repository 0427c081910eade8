//! Records that are sound, and every way to corrupt them: for the judges alone, here, and for the whole audit over real
//! tables, in `tests/tests/audit.rs`.

use std::collections::BTreeSet;

use domain::{
    Batch, BatchId, Credits, Draft, DraftImage, Failure, Image, ImageRef, ImageState, Limits,
    Submission, Timestamp, UserId, timing::TimeLimits,
};
use serde_json::{Map, Value, json};

use super::Code;

/// An order of theirs.
pub(crate) const ORDER: &str = "9b2f6bd0-0000-4000-8000-000000000001";

/// What they wish.
pub(crate) const PROMPT: &str = "make it blue";

/// Somebody's records: ten credits, fifty that were bought and half of them taken back, a batch of four images. The first
/// is completed, the second canceled, the third failed, the last open.
pub(crate) struct World {
    /// Whose.
    pub(crate) user: UserId,
    /// Somebody else, who has nothing.
    pub(crate) other: UserId,
    /// Of which batch.
    pub(crate) batch_id: BatchId,
    /// When all of it happened.
    pub(crate) at: Timestamp,
    /// What lies in the table of accounts.
    pub(crate) credits: Vec<Value>,
    /// What lies in the table of batches.
    pub(crate) batches: Vec<Value>,
    /// The keys of the results.
    pub(crate) results: BTreeSet<String>,
    /// Is nothing said to be going on?
    pub(crate) at_rest: bool,
}

impl World {
    /// A sound one.
    pub(crate) fn of(user: &str, at: Timestamp) -> Self {
        let other = format!("not-{user}").parse().unwrap();
        let user: UserId = user.parse().unwrap();
        let batch_id = BatchId::derive(&user, &"k".parse().unwrap());
        let mut world = Self {
            credits: Vec::new(),
            batches: Vec::new(),
            results: BTreeSet::new(),
            at_rest: false,
            user,
            other,
            batch_id,
            at,
        };
        world.results.insert(world.result(0));
        world.batches = world.batch_records();
        let pk = world.pk();
        world.credits.push(json!({
            "pk": pk, "sk": "ACCOUNT", "balance": 0, "owed": 0, "entries": 0,
        }));
        world.post("welcome", 10);
        world.post(&format!("order#{ORDER}"), 50);
        world.post(&format!("order-refund#{ORDER}#250"), -25);
        world.credits.push(json!({
            "pk": pk, "sk": format!("ORDER#{ORDER}"), "product_id": "p1", "granted": 50, "amount": 500,
            "refunded": 250, "taken_back": 25,
        }));
        world.post(&format!("debit#{batch_id}"), -4);
        world.post(&world.refund(1), 1);
        world.post(&world.refund(2), 1);
        world.mark("first");
        world
    }

    fn pk(&self) -> String {
        format!("USER#{}", self.user)
    }

    /// Where the photo lies that all images are of.
    pub(crate) fn photo(&self) -> String {
        format!(
            "uploads/{}/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg",
            self.user
        )
    }

    fn submission(&self) -> Submission {
        let image = || DraftImage {
            key: self.photo(),
            ..DraftImage::default()
        };
        let draft = Draft {
            images: (0..4).map(|_| image()).collect(),
            prompt: PROMPT.to_owned(),
            ..Draft::default()
        };
        draft.check(&self.user, &Limits::default()).unwrap()
    }

    /// Where an image's result lies.
    pub(crate) fn result(&self, index: u32) -> String {
        let batch_id = self.batch_id;
        domain::result_key(
            &self.user,
            ImageRef { batch_id, index },
            domain::Format::Png,
        )
    }

    /// The name of an image's refund.
    fn refund(&self, index: u32) -> String {
        format!("refund#{}#{index:05}", self.batch_id)
    }

    /// Marks an address of theirs as used for the welcome.
    fn mark(&mut self, address: &str) {
        let pk = format!("EMAIL#{address}-{}", self.user);
        let mark = json!({ "pk": pk, "sk": "WELCOME", "user": self.user });
        self.credits.push(mark);
    }

    /// Adds an entry that follows from all before it.
    pub(crate) fn post(&mut self, name: &str, amount: i64) {
        let mut parts = name.split('#');
        let (kind, id) = (parts.next().unwrap(), parts.next());
        let mut entry = json!({
            "pk": self.pk(), "sk": format!("TXN#{name}"), "kind": kind.replace('-', "_"), "amount": amount,
            "owed_after": 0, "created_at": self.at,
        });
        match kind {
            "debit" | "refund" => entry["batch_id"] = json!(id),
            "order" | "order-refund" => {
                entry["order_id"] = json!(id);
                entry["credits"] = json!(amount.abs());
            }
            _ => {}
        }
        self.credits.push(entry);
        self.add_up();
    }

    /// Numbers the entries anew and adds them up: the ledger is sound again, whatever its entries are.
    pub(crate) fn add_up(&mut self) {
        let (mut balance, mut entries) = (0, 0);
        for entry in &mut self.credits {
            if entry["sk"].as_str().unwrap().starts_with("TXN#") {
                balance += entry["amount"].as_i64().unwrap();
                entries += 1;
                entry["seq"] = json!(entries);
                entry["balance_after"] = json!(balance);
            }
        }
        let account = self.record("ACCOUNT");
        account["balance"] = json!(balance);
        account["entries"] = json!(entries);
    }

    /// The first record, of either table, whose `sk` begins like this.
    pub(crate) fn record(&mut self, sk: &str) -> &mut Value {
        let mut all = self.credits.iter_mut().chain(&mut self.batches);
        let found = all.find(|it| it["sk"].as_str().unwrap().starts_with(sk));
        found.unwrap_or_else(|| panic!("{sk}"))
    }

    pub(crate) fn remove(&mut self, sk: &str) {
        for table in [&mut self.credits, &mut self.batches] {
            table.retain(|it| !it["sk"].as_str().unwrap().starts_with(sk));
        }
    }

    fn batch_records(&self) -> Vec<Value> {
        let (id, user, at) = (self.batch_id, self.user.clone(), self.at);
        let submission = self.submission();
        let batch = Batch {
            open: 1,
            completed: 1,
            failed: 1,
            canceled: 1,
            ..Batch::new(
                id,
                user,
                &submission,
                Credits::small(1),
                at,
                at,
                &TimeLimits::default(),
            )
        };
        let ended = |state| Image {
            state,
            finished_at: Some(at),
            ..Image::default()
        };
        let completed = Image {
            result_key: Some(self.result(0)),
            provider_calls: 1,
            unknown_outcomes: 1,
            ..ended(ImageState::Completed)
        };
        let failed = Image {
            failure: Some(Failure::new("test", "It was a test.")),
            ..ended(ImageState::Failed)
        };
        let record = |sk: &str, fields: Value| {
            let mut record: Map<_, _> = fields.as_object().unwrap().clone();
            record.insert("pk".to_owned(), json!(format!("BATCH#{id}")));
            record.insert("sk".to_owned(), json!(sk));
            Value::Object(record)
        };
        let mut meta = record("META", json!(batch));
        meta["open_shard"] = json!("0");
        vec![
            meta,
            record("MANIFEST#0000", json!({"prompt": submission.prompt})),
            record("MANIFEST#0001", json!({"jobs": submission.jobs})),
            record("IMAGE#00000", json!(completed)),
            record("IMAGE#00001", json!(ended(ImageState::Canceled))),
            record("IMAGE#00002", json!(failed)),
        ]
    }
}

/// Takes a field out of a record.
fn forget(record: &mut Value, field: &str) {
    assert!(record.as_object_mut().unwrap().remove(field).is_some());
}

pub(crate) type Corrupt = fn(&mut World);

/// What each corruption does to the world, and what it is called.
pub(crate) const CORRUPTIONS: &[(Code, Corrupt)] = &[
    (Code::LedgerUnreadable, |it| {
        forget(it.record("TXN#welcome"), "seq");
    }),
    (Code::LedgerUnreadable, |it| {
        it.record("ACCOUNT")["balance"] = json!("ten");
    }),
    (Code::AccountMissing, |it| it.remove("ACCOUNT")),
    (Code::BalanceNegative, |it| {
        it.record("ACCOUNT")["balance"] = json!(-1);
    }),
    (Code::OwedNegative, |it| {
        it.record("ACCOUNT")["owed"] = json!(-1);
    }),
    (Code::BalanceBesideDebt, |it| {
        it.record("ACCOUNT")["owed"] = json!(2);
    }),
    (Code::EntryMisnamed, |it| {
        it.record("TXN#refund")["kind"] = json!("order");
    }),
    (Code::EntryMisnamed, |it| {
        forget(it.record("TXN#refund"), "batch_id");
    }),
    (Code::EntryMisnamed, |it| {
        it.record("TXN#order-refund")["order_id"] = json!("another");
    }),
    (Code::SequenceBroken, |it| {
        it.record("TXN#refund")["seq"] = json!(9);
    }),
    (Code::SequenceBroken, |it| {
        it.record("TXN#debit")["seq"] = json!(1);
    }),
    (Code::EntryCountWrong, |it| {
        it.record("ACCOUNT")["entries"] = json!(5);
    }),
    (Code::EntryDoesNotFollow, |it| {
        it.record("TXN#welcome")["amount"] = json!(11);
    }),
    (Code::EntryDoesNotFollow, |it| {
        it.record("TXN#debit")["balance_after"] = json!(7);
    }),
    (Code::EntryDoesNotFollow, |it| {
        // Only what was bought and given back may be owed.
        it.post("adjust#1", -33);
        it.record("TXN#adjust")["owed_after"] = json!(1);
        it.record("ACCOUNT")["owed"] = json!(1);
    }),
    (Code::BalanceIsNotTheSum, |it| {
        it.record("ACCOUNT")["balance"] = json!(9);
    }),
    (Code::OwedIsNotTheLast, |it| {
        // All is spent, so that something may be owed; the account says so, and no entry does.
        it.post("adjust#1", -33);
        it.record("ACCOUNT")["owed"] = json!(1);
    }),
    (Code::WelcomeWithoutFingerprint, |it| it.remove("WELCOME")),
    (Code::FingerprintWithoutWelcome, |it| {
        it.record("WELCOME")["user"] = json!(it.other);
        it.mark("second");
    }),
    (Code::FingerprintTwice, |it| {
        it.mark("second");
    }),
    (Code::DebitMissing, |it| {
        it.remove("TXN#debit");
        it.add_up();
    }),
    (Code::DebitWrong, |it| {
        it.record("TXN#debit")["amount"] = json!(-3);
        it.add_up();
    }),
    (Code::RefundMissing, |it| {
        it.remove("TXN#refund");
        it.post(&it.refund(2), 1);
    }),
    (Code::RefundWrong, |it| {
        it.record("TXN#refund")["amount"] = json!(2);
        it.add_up();
    }),
    (Code::RefundOfCompleted, |it| {
        it.post(&it.refund(0), 1);
    }),
    (Code::RefundOfOpen, |it| {
        it.post(&it.refund(3), 1);
    }),
    (Code::RefundOfNoImage, |it| {
        it.post(&it.refund(4), 1);
    }),
    (Code::EntryOfNoBatch, |it| {
        it.batches.clear();
        it.remove("TXN#refund");
        it.add_up();
    }),
    (Code::EntryOfAnotherUser, |it| {
        it.record("META")["user"] = json!(it.other);
    }),
    (Code::BatchUnreadable, |it| {
        forget(it.record("META"), "total");
    }),
    (Code::BatchUnreadable, |it| {
        it.record("IMAGE#00002")["state"] = json!("lost");
    }),
    (Code::MetaMissing, |it| {
        it.remove("META");
        it.remove("TXN#refund");
        it.remove("TXN#debit");
        it.add_up();
    }),
    (Code::ManifestIncomplete, |it| it.remove("MANIFEST#0001")),
    (Code::ManifestIncomplete, |it| it.remove("MANIFEST#0000")),
    (Code::ImageBeyondTotal, |it| {
        let mut image = it.record("IMAGE#00000").clone();
        image["sk"] = json!("IMAGE#00004");
        it.results.insert(it.result(4));
        it.batches.push(image);
    }),
    (Code::CountsDiffer, |it| {
        it.record("META")["completed"] = json!(2);
    }),
    (Code::OpenWrong, |it| it.record("META")["open"] = json!(2)),
    (Code::FinishWrong, |it| {
        it.record("META")["finished_at"] = json!(it.at);
    }),
    (Code::OpenIndexWrong, |it| {
        forget(it.record("META"), "check_at");
    }),
    (Code::ImageFinishWrong, |it| {
        forget(it.record("IMAGE#00001"), "finished_at");
    }),
    (Code::Overdue, |it| {
        it.record("META")["deadline"] = json!(Timestamp::from_millis(0));
    }),
    (Code::OpenAtRest, |it| it.at_rest = true),
    (Code::LedgerUnreadable, |it| {
        forget(it.record("ORDER#"), "granted");
    }),
    (Code::OrderWithoutEntry, |it| {
        let grant = it.record("TXN#order#");
        grant["sk"] = json!("TXN#adjust#1");
        grant["kind"] = json!("adjust");
        forget(grant, "order_id");
    }),
    (Code::EntryOfNoOrder, |it| it.remove("ORDER#")),
    (Code::OrderEntryWrong, |it| {
        it.record("TXN#order#")["credits"] = json!(49);
    }),
    (Code::OrderEntryWrong, |it| {
        forget(it.record("TXN#order-refund"), "credits");
    }),
    (Code::OrderGrantDiffers, |it| {
        it.record("ORDER#")["granted"] = json!(49);
    }),
    (Code::OrderTakenBackTooMuch, |it| {
        it.record("ORDER#")["taken_back"] = json!(51);
    }),
    (Code::OrderTakenBackDiffers, |it| {
        it.record("ORDER#")["taken_back"] = json!(24);
    }),
    (Code::OrderTakenBackDiffers, |it| {
        it.remove("TXN#order-refund");
        it.add_up();
    }),
    (Code::OrderPartWrong, |it| {
        it.record("ORDER#")["refunded"] = json!(300);
    }),
    (Code::OrderPartWrong, |it| {
        // Half of what cost nothing.
        it.record("ORDER#")["amount"] = json!(0);
    }),
    (Code::TooManyUnknownOutcomes, |it| {
        it.record("IMAGE#00002")["unknown_outcomes"] = json!(3);
    }),
    (Code::CompletedWithoutResult, |it| {
        forget(it.record("IMAGE#00000"), "result_key");
    }),
    (Code::CompletedWithFailure, |it| {
        it.record("IMAGE#00000")["failure"] = json!({"code": "c", "message": "m"});
    }),
    (Code::ResultWithoutCompletion, |it| {
        it.record("IMAGE#00002")["result_key"] = json!("r");
    }),
    (Code::ResultMissing, |it| it.results.clear()),
    (Code::ResultNotDelivered, |it| {
        it.results.insert(it.result(2));
    }),
];
