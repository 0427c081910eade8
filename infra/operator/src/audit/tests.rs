//! Sound records are sound, and each kind of corruption is called by its name and no other.

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    Account, Batch, BatchId, Credits, Draft, DraftImage, Failure, Image, ImageRef, ImageState,
    Limits, OrderRecord, Posting, Purchase, Refunded, Submission, Timestamp, UserId,
    timing::TimeLimits,
};
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::{
    account::{Fingerprints, Ledger, judge_welcomes, note_fingerprint},
    batch::{self, Everything, Expected},
    calls::{self, Counted, Seen},
    *,
};
use crate::record::Record;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const LATER: Timestamp = Timestamp::from_millis(1_790_000_000_000 + 8 * 3_600_000);
const ANNA: &str = "anna";
const ORDER: &str = "9b2f6bd0-0000-4000-8000-000000000001";

/// Somebody's records: ten credits, fifty that were bought and half of them taken back, a batch of four images. The first is completed, the second canceled, the third failed,
/// the last open.
struct World {
    credits: Vec<Value>,
    batches: Vec<Value>,
    results: BTreeSet<String>,
    expected: Expected,
}

fn batch_id() -> BatchId {
    BatchId::derive(&ANNA.parse().unwrap(), &"k".parse().unwrap())
}

fn submission(user: &UserId) -> Submission {
    let image = || DraftImage {
        key: format!("uploads/{user}/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg"),
        ..DraftImage::default()
    };
    let draft = Draft {
        images: (0..4).map(|_| image()).collect(),
        prompt: "make it blue".to_owned(),
        ..Draft::default()
    };
    draft.check(user, &Limits::default()).unwrap()
}

fn result(index: u32) -> String {
    let image = ImageRef {
        batch_id: batch_id(),
        index,
    };
    domain::result_key(&ANNA.parse().unwrap(), image, domain::Format::Png)
}

impl World {
    fn sound() -> Self {
        let mut world = Self {
            credits: vec![json!({
                "pk": "USER#anna", "sk": "ACCOUNT", "balance": 0, "owed": 0, "entries": 0,
            })],
            batches: batch_records(),
            results: [result(0)].into(),
            expected: Expected {
                now: NOW,
                grace: Duration::from_mins(1),
                at_rest: false,
            },
        };
        let batch = batch_id();
        world.post("welcome", 10);
        world.post(&format!("order#{ORDER}"), 50);
        world.post(&format!("order-refund#{ORDER}#250"), -25);
        world.credits.push(json!({
            "pk": "USER#anna", "sk": format!("ORDER#{ORDER}"), "product_id": "p1", "granted": 50, "amount": 500,
            "refunded": 250, "taken_back": 25,
        }));
        world.post(&format!("debit#{batch}"), -4);
        world.post(&format!("refund#{batch}#00001"), 1);
        world.post(&format!("refund#{batch}#00002"), 1);
        world
            .credits
            .push(json!({"pk": "EMAIL#f00d", "sk": "WELCOME", "user": ANNA}));
        world
    }

    /// Adds an entry that follows from all before it.
    fn post(&mut self, name: &str, amount: i64) {
        let mut parts = name.split('#');
        let (kind, id) = (parts.next().unwrap(), parts.next());
        let mut entry = json!({
            "pk": "USER#anna", "sk": format!("TXN#{name}"), "kind": kind.replace('-', "_"), "amount": amount,
            "owed_after": 0, "created_at": NOW,
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
    fn add_up(&mut self) {
        let (mut balance, mut entries) = (0, 0);
        for entry in &mut self.credits {
            if entry["sk"].as_str().unwrap().starts_with("TXN#") {
                balance += entry["amount"].as_i64().unwrap();
                entries += 1;
                entry["seq"] = json!(entries);
                entry["balance_after"] = json!(balance);
            }
        }
        let account = self.at("ACCOUNT");
        account["balance"] = json!(balance);
        account["entries"] = json!(entries);
    }

    /// The first record, of either table, whose `sk` begins like this.
    fn at(&mut self, sk: &str) -> &mut Value {
        let mut all = self.credits.iter_mut().chain(&mut self.batches);
        let found = all.find(|it| it["sk"].as_str().unwrap().starts_with(sk));
        found.unwrap_or_else(|| panic!("{sk}"))
    }

    fn remove(&mut self, sk: &str) {
        for table in [&mut self.credits, &mut self.batches] {
            table.retain(|it| !it["sk"].as_str().unwrap().starts_with(sk));
        }
    }

    fn judge(&self) -> Vec<Violation> {
        let (mut entries, mut violations) = (Vec::new(), Vec::new());
        let (mut welcomed, mut fingerprints) = (BTreeSet::new(), Fingerprints::new());
        for user in [ANNA, "bert"] {
            let records = records(&self.credits, &format!("USER#{user}"));
            let ledger = Ledger::judge(user, &records);
            violations.extend(ledger.violations);
            entries.extend(ledger.of_batches.into_iter().map(|(_, entry)| entry));
            welcomed.extend(ledger.welcomed.then(|| user.to_owned()));
        }
        for record in records(&self.credits, "EMAIL#") {
            note_fingerprint(&mut fingerprints, &record);
        }
        violations.extend(judge_welcomes(&welcomed, &fingerprints));
        let everything = Everything {
            id: batch_id(),
            records: &records(&self.batches, "BATCH#"),
            entries: &entries,
            results: Some(&self.results),
        };
        violations.extend(batch::judge(everything, &self.expected));
        violations
    }
}

/// The records of a table whose `pk` begins like this.
fn records(table: &[Value], pk: &str) -> Vec<Record> {
    let fields = table.iter().map(|it| it.as_object().unwrap().clone());
    let records = fields.map(|it| Record::from_json(it).unwrap());
    records.filter(|it| it.pk.starts_with(pk)).collect()
}

fn batch_records() -> Vec<Value> {
    let (id, user): (_, UserId) = (batch_id(), ANNA.parse().unwrap());
    let submission = submission(&user);
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
            NOW,
            NOW,
            &TimeLimits::default(),
        )
    };
    let ended = |state| Image {
        state,
        finished_at: Some(NOW),
        ..Image::default()
    };
    let completed = Image {
        result_key: Some(result(0)),
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

/// An order that cost 40 cents, as told of when so much was given back.
fn purchase(refunded: Refunded) -> Purchase {
    Purchase {
        id: ORDER.parse().unwrap(),
        user: ANNA.parse().unwrap(),
        product_id: "p1".to_owned(),
        amount: 40,
        refunded,
    }
}

/// Takes a field out of a record.
fn forget(record: &mut Value, field: &str) {
    assert!(record.as_object_mut().unwrap().remove(field).is_some());
}

#[test]
fn sound_records_are_sound() {
    assert_eq!(World::sound().judge(), []);
}

#[test]
fn what_a_forgotten_user_leaves_is_sound() {
    let mut world = World::sound();
    world.at("META")["erased_at"] = json!(NOW);
    world.at("MANIFEST#0000")["prompt"] = json!("");
    world.at("MANIFEST#0001")["jobs"] = json!([]);
    world.results.clear();
    assert_eq!(world.judge(), []);
    // Their money is judged as ever.
    world.remove("TXN#refund");
    world.add_up();
    let codes: Vec<_> = world.judge().iter().map(|it| it.code).collect();
    assert_eq!(codes, [Code::RefundMissing; 2]);
}

type Corrupt = fn(&mut World);

/// What each corruption does to the world, and what it is called.
const CORRUPTIONS: &[(Code, Corrupt)] = &[
    (Code::LedgerUnreadable, |it| {
        forget(it.at("TXN#welcome"), "seq");
    }),
    (Code::LedgerUnreadable, |it| {
        it.at("ACCOUNT")["balance"] = json!("ten");
    }),
    (Code::AccountMissing, |it| it.remove("ACCOUNT")),
    (Code::BalanceNegative, |it| {
        it.at("ACCOUNT")["balance"] = json!(-1);
    }),
    (Code::OwedNegative, |it| {
        it.at("ACCOUNT")["owed"] = json!(-1);
    }),
    (Code::BalanceBesideDebt, |it| {
        it.at("ACCOUNT")["owed"] = json!(2);
    }),
    (Code::EntryMisnamed, |it| {
        it.at("TXN#refund")["kind"] = json!("order");
    }),
    (Code::EntryMisnamed, |it| {
        forget(it.at("TXN#refund"), "batch_id");
    }),
    (Code::EntryMisnamed, |it| {
        it.at("TXN#order-refund")["order_id"] = json!("another");
    }),
    (Code::SequenceBroken, |it| {
        it.at("TXN#refund")["seq"] = json!(9);
    }),
    (Code::SequenceBroken, |it| {
        it.at("TXN#debit")["seq"] = json!(1);
    }),
    (Code::EntryCountWrong, |it| {
        it.at("ACCOUNT")["entries"] = json!(5);
    }),
    (Code::EntryDoesNotFollow, |it| {
        it.at("TXN#welcome")["amount"] = json!(11);
    }),
    (Code::EntryDoesNotFollow, |it| {
        it.at("TXN#debit")["balance_after"] = json!(7);
    }),
    (Code::EntryDoesNotFollow, |it| {
        // Only what was bought and given back may be owed.
        it.post("adjust#1", -33);
        it.at("TXN#adjust")["owed_after"] = json!(1);
        it.at("ACCOUNT")["owed"] = json!(1);
    }),
    (Code::BalanceIsNotTheSum, |it| {
        it.at("ACCOUNT")["balance"] = json!(9);
    }),
    (Code::OwedIsNotTheLast, |it| {
        // All is spent, so that something may be owed; the account says so, and no entry does.
        it.post("adjust#1", -33);
        it.at("ACCOUNT")["owed"] = json!(1);
    }),
    (Code::WelcomeWithoutFingerprint, |it| it.remove("WELCOME")),
    (Code::FingerprintWithoutWelcome, |it| {
        it.at("WELCOME")["user"] = json!("bert");
        it.credits
            .push(json!({"pk": "EMAIL#cafe", "sk": "WELCOME", "user": ANNA}));
    }),
    (Code::FingerprintTwice, |it| {
        it.credits
            .push(json!({"pk": "EMAIL#cafe", "sk": "WELCOME", "user": ANNA}));
    }),
    (Code::DebitMissing, |it| {
        it.remove("TXN#debit");
        it.add_up();
    }),
    (Code::DebitWrong, |it| {
        it.at("TXN#debit")["amount"] = json!(-3);
        it.add_up();
    }),
    (Code::RefundMissing, |it| {
        it.remove("TXN#refund");
        it.post(&format!("refund#{}#00002", batch_id()), 1);
    }),
    (Code::RefundWrong, |it| {
        it.at("TXN#refund")["amount"] = json!(2);
        it.add_up();
    }),
    (Code::RefundOfCompleted, |it| {
        it.post(&format!("refund#{}#00000", batch_id()), 1);
    }),
    (Code::RefundOfOpen, |it| {
        it.post(&format!("refund#{}#00003", batch_id()), 1);
    }),
    (Code::RefundOfNoImage, |it| {
        it.post(&format!("refund#{}#00004", batch_id()), 1);
    }),
    (Code::EntryOfNoBatch, |it| {
        it.batches.clear();
        it.remove("TXN#refund");
        it.add_up();
    }),
    (Code::EntryOfAnotherUser, |it| {
        it.at("META")["user"] = json!("bert");
    }),
    (Code::BatchUnreadable, |it| forget(it.at("META"), "total")),
    (Code::BatchUnreadable, |it| {
        it.at("IMAGE#00002")["state"] = json!("lost");
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
        let mut image = it.at("IMAGE#00000").clone();
        image["sk"] = json!("IMAGE#00004");
        it.results.insert(result(4));
        it.batches.push(image);
    }),
    (Code::CountsDiffer, |it| {
        it.at("META")["completed"] = json!(2);
    }),
    (Code::OpenWrong, |it| it.at("META")["open"] = json!(2)),
    (Code::FinishWrong, |it| {
        it.at("META")["finished_at"] = json!(NOW);
    }),
    (Code::OpenIndexWrong, |it| forget(it.at("META"), "check_at")),
    (Code::ImageFinishWrong, |it| {
        forget(it.at("IMAGE#00001"), "finished_at");
    }),
    (Code::Overdue, |it| it.expected.now = LATER),
    (Code::OpenAtRest, |it| it.expected.at_rest = true),
    (Code::LedgerUnreadable, |it| {
        forget(it.at("ORDER#"), "granted");
    }),
    (Code::OrderWithoutEntry, |it| {
        let grant = it.at("TXN#order#");
        grant["sk"] = json!("TXN#adjust#1");
        grant["kind"] = json!("adjust");
        forget(grant, "order_id");
    }),
    (Code::EntryOfNoOrder, |it| it.remove("ORDER#")),
    (Code::OrderEntryWrong, |it| {
        it.at("TXN#order#")["credits"] = json!(49);
    }),
    (Code::OrderEntryWrong, |it| {
        forget(it.at("TXN#order-refund"), "credits");
    }),
    (Code::OrderGrantDiffers, |it| {
        it.at("ORDER#")["granted"] = json!(49);
    }),
    (Code::OrderTakenBackTooMuch, |it| {
        it.at("ORDER#")["taken_back"] = json!(51);
    }),
    (Code::OrderTakenBackDiffers, |it| {
        it.at("ORDER#")["taken_back"] = json!(24);
    }),
    (Code::OrderTakenBackDiffers, |it| {
        it.remove("TXN#order-refund");
        it.add_up();
    }),
    (Code::OrderPartWrong, |it| {
        it.at("ORDER#")["refunded"] = json!(300);
    }),
    (Code::OrderPartWrong, |it| {
        // Half of what cost nothing.
        it.at("ORDER#")["amount"] = json!(0);
    }),
    (Code::TooManyUnknownOutcomes, |it| {
        it.at("IMAGE#00002")["unknown_outcomes"] = json!(3);
    }),
    (Code::CompletedWithoutResult, |it| {
        forget(it.at("IMAGE#00000"), "result_key");
    }),
    (Code::CompletedWithFailure, |it| {
        it.at("IMAGE#00000")["failure"] = json!({"code": "c", "message": "m"});
    }),
    (Code::ResultWithoutCompletion, |it| {
        it.at("IMAGE#00002")["result_key"] = json!("r");
    }),
    (Code::ResultMissing, |it| it.results.clear()),
    (Code::ResultNotDelivered, |it| {
        it.results.insert(result(2));
    }),
];

#[test]
fn each_corruption_is_called_by_its_name() {
    for (place, (code, corrupt)) in CORRUPTIONS.iter().enumerate() {
        let mut world = World::sound();
        corrupt(&mut world);
        let violations = world.judge();
        let mut codes: Vec<_> = violations.iter().map(|it| it.code).collect();
        codes.dedup();
        assert_eq!(codes, [*code], "corruption {place}: {violations:#?}");
    }
}

#[test]
fn every_kind_of_violation_has_its_corruption() {
    // Those two are not about records; tests of their own are below and in tests/.
    let mut known = BTreeSet::from([Code::CallsUncounted, Code::RunningAtRest]);
    known.extend(CORRUPTIONS.iter().map(|(code, _)| *code));
    assert_eq!(known, Code::ALL.iter().copied().collect());
}

#[test]
fn violations_tell_what_they_are_about_and_no_prompt() {
    let mut world = World::sound();
    world.at("META")["completed"] = json!(2);
    let violation = json!(world.judge());
    assert_eq!(violation[0]["rule"], "R3");
    assert_eq!(violation[0]["code"], "counts_differ");
    assert_eq!(violation[0]["batch"], batch_id().to_string());
    assert_eq!(violation[0]["records"][0]["sk"], "META");
    assert!(!violation.to_string().contains("make it blue"));
}

#[test]
fn a_refund_that_pays_a_debt_is_a_whole_refund() {
    let mut world = World::sound();
    // Polar took back more than was there before the last refund, which so went to the debt.
    let mut refund = world.credits.pop().unwrap();
    let last = if refund["sk"] == "WELCOME" {
        let address = refund;
        refund = world.credits.pop().unwrap();
        address
    } else {
        panic!("the address comes last")
    };
    world.post("adjust#1", -29);
    world.post(&format!("order-refund#{ORDER}#500"), -3);
    let taken = world.at(&format!("TXN#order-refund#{ORDER}#500"));
    taken["credits"] = json!(25);
    taken["owed_after"] = json!(22);
    world.at("ORDER#")["refunded"] = json!(500);
    world.at("ORDER#")["taken_back"] = json!(50);
    refund["seq"] = json!(8);
    refund["amount"] = json!(0);
    refund["balance_after"] = json!(0);
    refund["owed_after"] = json!(21);
    world.credits.extend([refund, last]);
    world.at("ACCOUNT")["entries"] = json!(8);
    world.at("ACCOUNT")["owed"] = json!(21);
    assert_eq!(world.judge(), []);
}

#[test]
fn calls_that_were_not_counted_are_found() {
    let seen = |prompt: &str, calls| Seen {
        image_sha256: "cafe".to_owned(),
        prompt: prompt.to_owned(),
        calls,
    };
    let image = ImageRef {
        batch_id: batch_id(),
        index: 3,
    };
    let counted = Counted {
        calls: 2,
        images: vec![image],
    };
    let counted = BTreeMap::from([(("cafe".to_owned(), "blue".to_owned()), counted)]);
    assert_eq!(
        calls::judge(&[seen("blue", 2), seen("red", 9)], &counted),
        []
    );
    let found = calls::judge(&[seen("blue", 3)], &counted);
    let found: Vec<_> = found.iter().map(|it| (it.code, it.ids.image)).collect();
    assert_eq!(found, [(Code::CallsUncounted, Some(3))]);
}

proptest! {
    /// What the domain posts, the audit finds sound; and when one amount is another, it does not.
    #[test]
    fn the_domains_own_ledgers_are_sound(changes in prop::collection::vec((0..3, 1u32..50), 1..60), at in any::<prop::sample::Index>()) {
        let mut account = Account::default();
        let mut lines = Vec::new();
        let mut post = |account: &mut Account, name: String, posting: Posting, credits: Option<Credits>| {
            *account = posting.after;
            let (kind, order) = name.split_once('#').unwrap();
            lines.push(json!({
                "pk": "USER#anna", "sk": format!("TXN#{name}"), "kind": kind.replace('-', "_"), "seq": account.entries,
                "amount": posting.amount, "balance_after": account.balance, "owed_after": account.owed, "credits": credits,
                "order_id": credits.and_then(|_| order.split('#').next()),
            }));
        };
        let mut order: Option<OrderRecord> = None;
        for (number, (change, amount)) in changes.into_iter().enumerate() {
            let credits = Credits::small(amount);
            let posting = match change {
                0 => account.credit(credits).ok(),
                1 => account.debit(credits).ok(),
                _ => {
                    let told = purchase(Refunded::Part(amount.into()));
                    while let Some(step) = told.next(order.as_ref(), Some(Credits::small(30))).unwrap() {
                        let posting = step.post(account).unwrap();
                        post(&mut account, step.reason.entry_id(), posting, Some(step.credits));
                        order = Some(step.after);
                    }
                    None
                }
            };
            if let Some(posting) = posting {
                post(&mut account, format!("adjust#{number}"), posting, None);
            }
        }
        let entries = lines.len();
        let mut keep = |record: Value, sk: String| {
            let mut record = record;
            record["pk"] = json!("USER#anna");
            record["sk"] = json!(sk);
            lines.push(record);
        };
        keep(json!(account), "ACCOUNT".to_owned());
        if let Some(order) = order {
            keep(json!(order), format!("ORDER#{ORDER}"));
        }
        prop_assert_eq!(Ledger::judge(ANNA, &records(&lines, "")).violations, vec![]);
        if entries > 0 {
            let line = &mut lines[at.index(entries)];
            line["amount"] = json!(line["amount"].as_i64().unwrap() + 1);
            prop_assert_eq!(Ledger::judge(ANNA, &records(&lines, "")).violations.len(), 1);
        }
    }
}
