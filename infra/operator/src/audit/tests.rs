//! Sound records are sound, and each kind of corruption is called by its name and no other.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Account, Credits, ImageRef, OrderRecord, Posting, Purchase, Refunded, Timestamp};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    account::{Fingerprints, Ledger, judge_welcomes, note_fingerprint},
    batch::{self, Everything, Expected},
    calls::{self, Counted, Seen},
    world::{CORRUPTIONS, ORDER, World},
    *,
};
use crate::record::Record;

const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);
const ANNA: &str = "anna";

impl World {
    fn sound() -> Self {
        Self::of(ANNA, NOW)
    }

    fn judge(&self) -> Vec<Violation> {
        let (mut entries, mut violations) = (Vec::new(), Vec::new());
        let (mut welcomed, mut fingerprints) = (BTreeSet::new(), Fingerprints::new());
        for user in [self.user.as_str(), self.other.as_str()] {
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
            id: self.batch_id,
            records: &records(&self.batches, "BATCH#"),
            entries: &entries,
            results: Some(&self.results),
        };
        let expected = Expected {
            now: NOW,
            grace: Duration::from_mins(1),
            at_rest: self.at_rest,
        };
        violations.extend(batch::judge(everything, &expected));
        violations
    }
}

/// The records of a table whose `pk` begins like this.
fn records(table: &[Value], pk: &str) -> Vec<Record> {
    let fields = table.iter().map(|it| it.as_object().unwrap().clone());
    let records = fields.map(|it| Record::from_json(it).unwrap());
    records.filter(|it| it.pk.starts_with(pk)).collect()
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

#[test]
fn sound_records_are_sound() {
    assert_eq!(World::sound().judge(), []);
}

#[test]
fn what_a_forgotten_user_leaves_is_sound() {
    let mut world = World::sound();
    world.record("META")["erased_at"] = json!(NOW);
    world.record("MANIFEST#0000")["prompt"] = json!("");
    world.record("MANIFEST#0001")["jobs"] = json!([]);
    world.results.clear();
    assert_eq!(world.judge(), []);
    // Their money is judged as ever.
    world.remove("TXN#refund");
    world.add_up();
    let codes: Vec<_> = world.judge().iter().map(|it| it.code).collect();
    assert_eq!(codes, [Code::RefundMissing; 2]);
}

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
    // Those two are not about records; tests of their own are in tests/tests/audit.rs.
    let mut known = BTreeSet::from([Code::CallsUncounted, Code::RunningAtRest]);
    known.extend(CORRUPTIONS.iter().map(|(code, _)| *code));
    assert_eq!(known, Code::ALL.iter().copied().collect());
}

#[test]
fn violations_tell_what_they_are_about_and_no_prompt() {
    let mut world = World::sound();
    world.record("META")["completed"] = json!(2);
    let violation = json!(world.judge());
    assert_eq!(violation[0]["rule"], "R3");
    assert_eq!(violation[0]["code"], "counts_differ");
    assert_eq!(violation[0]["batch"], World::sound().batch_id.to_string());
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
    let taken = world.record(&format!("TXN#order-refund#{ORDER}#500"));
    taken["credits"] = json!(25);
    taken["owed_after"] = json!(22);
    world.record("ORDER#")["refunded"] = json!(500);
    world.record("ORDER#")["taken_back"] = json!(50);
    refund["seq"] = json!(8);
    refund["amount"] = json!(0);
    refund["balance_after"] = json!(0);
    refund["owed_after"] = json!(21);
    world.credits.extend([refund, last]);
    world.record("ACCOUNT")["entries"] = json!(8);
    world.record("ACCOUNT")["owed"] = json!(21);
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
        batch_id: World::sound().batch_id,
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

#[test]
fn what_keeps_changing_is_a_fault_only_at_rest() {
    let report = |at_rest, unsettled: &[&str]| Report {
        at: NOW,
        at_rest,
        accounts: 1,
        batches: 0,
        violations: Vec::new(),
        unsettled: unsettled.iter().map(ToString::to_string).collect(),
    };
    assert!(report(true, &[]).is_sound());
    assert!(report(false, &["the account of anna"]).is_sound());
    assert!(!report(true, &["the account of anna"]).is_sound());
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
