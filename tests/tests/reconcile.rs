//! R3 when everything else has failed an image: reconcile settles what nobody would have settled any more, and touches
//! nothing that somebody is at work on, however often and beside whatever it runs.

#![expect(
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop right there"
)]

use api::BatchStatus;
use aws::ClaimError;
use domain::{Format, Timestamp, Work, result_key};
use futures::future::join_all;
use serde_json::json;
use stack_tests::{User, engine::Engine, inside::Inside, stack, wait_for};
use std::time::Duration;

/// The name of the batch that these are all of.
fn batch_of(works: &[Work]) -> String {
    works[0].image.batch_id.to_string()
}

#[tokio::test]
async fn images_that_nobody_would_settle_are_settled_and_claimed_ones_are_left() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let inside = Inside::deployed(&stack);
    let works = engine.quiet_batch(&user, 3, "blur").await;
    let batch = batch_of(&works);
    let [bought, claimed, _] = works.as_slice() else {
        panic!("{works:?}");
    };
    let id = user.account().await.user_id.parse().unwrap();
    let key = result_key(&id, bought.image, Format::Png);
    let picture = stack_tests::photo(8, 8);
    inside
        .photos
        .put(&key, picture.into(), Format::Png)
        .await
        .unwrap();
    let now = Timestamp::now();
    let until = now.plus(Duration::from_hours(1));
    let ticket = inside.tables.claim(claimed.image, now, until).await;
    let ticket = ticket.unwrap_or_else(|error: ClaimError| panic!("{error}"));

    // Many of them at once do no more than one.
    join_all((0..4).map(|_| engine.reconcile(&inside, &batch))).await;
    let status = user.status(&batch).await;
    let ends: Vec<_> = status.images.iter().map(|image| &*image.status).collect();
    assert_eq!(ends, ["completed", "processing", "failed"]);
    assert_eq!(
        status.images[2].error.as_ref().unwrap().code,
        "internal_error"
    );
    assert_eq!(status.finished_at, None);
    let refunds = async || {
        let entries = engine.ledger(&user).await.into_iter();
        entries
            .filter(|entry| entry.id.starts_with("refund#") && entry.id.contains(&batch))
            .count()
    };
    assert_eq!(refunds().await, 1);

    inside.tables.release(&ticket, false).await.unwrap();
    let finished = |status: &BatchStatus| status.finished_at.is_some();
    let status = engine.reconcile_until(&inside, &user, &batch, finished);
    let counts = status.await.counts;
    assert_eq!((counts.completed, counts.failed), (1, 2));
    assert_eq!(refunds().await, 2);
}

#[tokio::test]
async fn what_a_cancellation_left_behind_is_canceled() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let inside = Inside::deployed(&stack);
    let works = engine.quiet_batch(&user, 2, "blur").await;
    let batch = batch_of(&works);
    let canceled = json!({ ":true": { "BOOL": true } });
    engine
        .tamper(&batch, "SET cancel_requested = :true", &canceled)
        .await;
    engine.reconcile(&inside, &batch).await;
    let status = user.status(&batch).await;
    assert_eq!((&*status.status, status.counts.canceled), ("canceled", 2));
    assert_eq!(status.credits_refunded, 2);
    engine.ledger(&user).await;
}

#[tokio::test]
async fn counts_that_disagree_with_the_images_are_made_to_agree() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let inside = Inside::deployed(&stack);
    let works = engine.quiet_batch(&user, 2, "blur").await;
    let batch = batch_of(&works);
    let wrong = json!({ ":two": { "N": "2" }, ":three": { "N": "3" } });
    engine
        .tamper(&batch, "SET #failed = :two, #open = :three", &wrong)
        .await;
    engine.reconcile(&inside, &batch).await;
    let record = inside
        .tables
        .batch(works[0].image.batch_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((record.open, record.failed, record.completed), (0, 2, 0));
    assert!(record.finished_at.is_some());
    assert_eq!(record.check_at, None);
}

#[tokio::test]
async fn a_batch_that_no_look_succeeds_at_goes_behind_the_others() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let inside = Inside::deployed(&stack);
    let works = engine.quiet_batch(&user, 1, "blur").await;
    let batch = batch_of(&works);
    let (pk, sk) = (format!("BATCH#{batch}"), "IMAGE#00000");
    let unreadable = json!({ "pk": { "S": pk }, "sk": { "S": sk }, "state": { "S": "?" } });
    engine.put_record(&inside.batches_table, unreadable).await;
    let before = Timestamp::now();
    engine.reconcile(&inside, &batch).await;
    // The look may be that of another test's tick.
    wait_for("the batch to be put off", async || {
        let record = inside.tables.batch(works[0].image.batch_id).await;
        (record.unwrap().unwrap().check_at > Some(before)).then_some(())
    })
    .await;

    engine.take_record(&inside.batches_table, &pk, sk).await;
    let failed = |status: &BatchStatus| status.counts.failed == 1;
    engine.reconcile_until(&inside, &user, &batch, failed).await;
    engine.ledger(&user).await;
}

#[tokio::test]
async fn a_batch_that_is_well_is_looked_at_and_left_alone() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let inside = Inside::deployed(&stack);
    // At work for some seconds, so that looks fall before, into and after it.
    let prompt = stack_tests::unique("[[fault:slow:2]] sepia");
    let keys = [user.photo().await, user.photo().await];
    let batch = user.accepted(&keys, &prompt).await.batch_id;
    let finished = |status: &BatchStatus| status.finished_at.is_some();
    let status = engine.reconcile_until(&inside, &user, &batch, finished);
    let status = status.await;
    assert_eq!(status.counts.completed, 2, "{status:?}");
    assert!(status.images.iter().all(|image| image.provider_calls == 1));
    assert_eq!(stack.provider_calls(&prompt).await.len(), 2);
}
