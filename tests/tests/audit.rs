//! The audit over real tables: what is sound stays unsuspected beside traffic, what is corrupted is called by its name.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop right there"
)]

#[path = "../../infra/operator/src/audit/world.rs"]
mod world;

use std::collections::{BTreeMap, BTreeSet};

use domain::{Failure, Format, Outcome, Timestamp};
use operator::audit::{Code, Ids, Options, audit, calls::Seen};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use stack_tests::{
    Stack, User, engine::Engine, inside::Inside, proxy::Request, stack, unique, wait_for,
};
use world::{CORRUPTIONS, World};

#[tokio::test]
async fn what_goes_on_meanwhile_looks_like_no_fault() {
    let stack = stack!();
    let tools = Inside::deployed(&stack).tools(&stack);
    let user = User::new(&stack).await;
    let photo = user.photo().await;
    let work = async {
        for _ in 0..5 {
            let batch = user.accepted(std::slice::from_ref(&photo), "blur").await;
            user.finished(&batch.batch_id).await;
        }
    };
    let look = async {
        for _ in 0..3 {
            let report = audit(&tools, &Options::default()).await.unwrap();
            assert!(report.is_sound(), "{report}");
        }
    };
    tokio::join!(work, look);
    let report = audit(&tools, &Options::default()).await.unwrap();
    assert!(report.is_sound() && report.batches >= 5, "{report}");
}

/// What has to be asked for to find this.
fn options(code: Code) -> Options {
    Options {
        at_rest: code == Code::OpenAtRest,
        photos: matches!(code, Code::ResultMissing | Code::ResultNotDelivered),
        ..Options::default()
    }
}

/// Puts a world into tables and bucket.
async fn put(engine: &Engine, inside: &Inside, world: &World) {
    let credits = world.credits.iter().map(|it| (&*inside.credits_table, it));
    let batches = world.batches.iter().map(|it| (&*inside.batches_table, it));
    engine
        .put_all(&credits.chain(batches).collect::<Vec<_>>())
        .await;
    for key in &world.results {
        let picture = stack_tests::photo(8, 8).into();
        inside.photos.put(key, picture, Format::Png).await.unwrap();
    }
}

/// Puts many worlds into tables of their own, each corrupted in its way, beside one that is sound;
/// sees that the audit calls each by its name, and finds nothing else.
async fn assert_each_is_named(stack: &Stack, of: &Options, codes: &BTreeSet<Code>) {
    let (engine, inside) = (Engine::of(stack).await, Inside::of(stack).await);
    let mut expected: BTreeMap<String, (usize, Option<Code>)> = BTreeMap::new();
    let chosen = CORRUPTIONS.iter().enumerate();
    let chosen = chosen.filter(|(_, (code, _))| codes.contains(code));
    let corruptions = chosen.map(|(place, (code, corrupt))| (place, Some((*code, *corrupt))));
    let sound = (!of.at_rest).then_some((CORRUPTIONS.len(), None));
    for (place, corruption) in corruptions.chain(sound) {
        let mut world = World::of(&unique("user"), Timestamp::now());
        if let Some((_, corrupt)) = corruption {
            corrupt(&mut world);
        }
        assert_eq!(world.at_rest, of.at_rest);
        put(&engine, &inside, &world).await;
        let code = corruption.map(|(code, _)| code);
        for id in [
            world.user.to_string(),
            world.other.to_string(),
            world.batch_id.to_string(),
        ] {
            expected.insert(id, (place, code));
        }
    }
    let report = audit(&inside.tools(stack), of).await.unwrap();
    assert!(report.unsettled.is_empty(), "{report}");
    let mut found: BTreeMap<usize, BTreeSet<Code>> = BTreeMap::new();
    for violation in &report.violations {
        let Ids { user, batch, .. } = &violation.ids;
        let id = user.as_ref().or(batch.as_ref()).unwrap();
        let (place, _) = expected.get(id).unwrap_or_else(|| panic!("{violation}"));
        found.entry(*place).or_default().insert(violation.code);
    }
    for (place, code) in expected.into_values() {
        let found = found.get(&place).cloned().unwrap_or_default();
        let code: BTreeSet<_> = code.into_iter().collect();
        assert_eq!(found, code, "corruption {place}: {report}");
    }
}

#[tokio::test]
async fn each_corruption_is_called_by_its_name_and_nothing_else_is_found() {
    let stack = stack!();
    let codes: BTreeSet<_> = CORRUPTIONS.iter().map(|(code, _)| *code).collect();
    // What takes another look than the rest is looked for apart from it.
    let mut looks: BTreeMap<(bool, bool), BTreeSet<Code>> = BTreeMap::new();
    for code in codes {
        let Options {
            at_rest, photos, ..
        } = options(code);
        looks.entry((at_rest, photos)).or_default().insert(code);
    }
    assert_eq!(looks.len(), 3);
    for codes in looks.values() {
        let of = options(*codes.first().unwrap());
        assert_each_is_named(&stack, &of, codes).await;
    }
}

#[tokio::test]
async fn a_key_that_names_no_batch_is_found() {
    let stack = stack!();
    let (engine, inside) = (Engine::of(&stack).await, Inside::of(&stack).await);
    let record = json!({ "pk": "BATCH#nonsense", "sk": "META" });
    engine.put_all(&[(&inside.batches_table, &record)]).await;
    let report = audit(&inside.tools(&stack), &Options::default()).await;
    let report = report.unwrap();
    let found: Vec<_> = report
        .violations
        .iter()
        .map(|it| (it.code, &it.ids))
        .collect();
    assert_eq!(found, [(Code::BatchUnreadable, &Ids::batch("nonsense"))]);
}

#[tokio::test]
async fn calls_that_only_the_provider_knows_of_are_found() {
    let stack = stack!();
    let (engine, inside) = (Engine::of(&stack).await, Inside::of(&stack).await);
    let world = World::of(&unique("user"), Timestamp::now());
    put(&engine, &inside, &world).await;
    let photo = stack_tests::photo(8, 8);
    let key = world.photo();
    let putting = inside.photos.put(&key, photo.clone().into(), Format::Jpeg);
    putting.await.unwrap();
    let tools = inside.tools(&stack);
    // All four images are of this photo, and one call was counted for them.
    let look = async |calls| {
        let seen = Seen {
            image_sha256: hex::encode(Sha256::digest(&photo)),
            prompt: world::PROMPT.to_owned(),
            calls,
        };
        let options = Options {
            seen: Some(vec![seen]),
            ..Options::default()
        };
        let report = audit(&tools, &options).await.unwrap();
        let found: Vec<_> = report.violations.iter().map(|it| it.code).collect();
        found
    };
    assert_eq!(look(1).await, []);
    assert_eq!(look(2).await, [Code::CallsUncounted]);
}

#[tokio::test]
async fn an_execution_that_runs_at_rest_is_found() {
    let stack = stack!();
    let user = User::new(&stack).await;
    // Longer than an audit gives executions to end.
    let prompt = unique("[[fault:slow:40]] blur");
    let batch = user.accepted(&[user.photo().await], &prompt).await.batch_id;
    wait_for("the provider's call", async || {
        let calls = stack.provider_calls(&prompt).await;
        (!calls.is_empty()).then_some(())
    })
    .await;
    // Tables in which there is nothing; executions are of all.
    let tools = Inside::of(&stack).await.tools(&stack);
    let options = Options {
        at_rest: true,
        executions: true,
        ..Options::default()
    };
    let runs = async || {
        let report = audit(&tools, &options).await.unwrap();
        let about = Ids::batch(&batch).image(0);
        let mut found = report.violations.iter();
        found.any(|it| it.code == Code::RunningAtRest && it.ids == about)
    };
    assert!(runs().await);
    user.finished(&batch).await;
    assert!(!runs().await);
}

#[tokio::test]
async fn what_was_written_between_two_reads_is_read_again() {
    let stack = stack!();
    let inside = Inside::of(&stack).await;
    let user = inside.user(5).await;
    let batch = inside.batch(&user, 2).await.batch_id;
    // The ledger has been read, and what is refunded now is not among it.
    let settler = inside.settler.clone();
    let settling = async move {
        let failed = || Outcome::Failed(Failure::new("test", "It was a test."));
        let outcomes = vec![(0, failed()), (1, failed())];
        settler.settle(batch, outcomes).await.unwrap();
    };
    let reads_batches = |it: &Request| it.asks_for("Scan") && it.says("BATCH#");
    let tools = inside.meddled_tools(&stack, reads_batches, Box::pin(settling));
    let report = audit(&tools.await, &Options::default()).await.unwrap();
    assert!(report.is_sound() && report.unsettled.is_empty(), "{report}");
    assert_eq!(inside.balance(&user).await, 5, "it was settled");
}
