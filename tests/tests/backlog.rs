//! A backlog of a day: nobody is promised more. A binary of its own, because meanwhile no other test's submits pass.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]

use domain::{
    Timestamp,
    pace::{LONGEST_BACKLOG, Pace},
};
use serde_json::json;
use stack_tests::{Stack, User, engine::Engine, inside::Inside, stack, unique};

/// Does something while the backlog is longer than it may be.
async fn with_a_full_backlog(stack: &Stack, engine: &Engine, work: impl Future<Output = ()>) {
    let inside = Inside::deployed(stack);
    let pace: Pace = "1".parse().unwrap();
    let minutes = u32::try_from(LONGEST_BACKLOG.as_secs() / 60 + 1).unwrap();
    let full = inside
        .tables
        .extend_backlog(pace, minutes, Timestamp::now());
    full.await.unwrap();
    work.await;
    let table = &inside.batches_table;
    engine.take_record(table, "GATE", "PROVIDER").await;
}

#[tokio::test]
async fn a_submit_that_would_wait_too_long_is_refused_and_an_accepted_one_stays_accepted() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let photo = user.photo().await;
    let body = json!({ "images": [{ "key": photo }], "prompt": unique("blur") });
    let key = unique("key");
    let first: api::SubmitResponse = user.submit(&key, &body).await.expect(202);
    user.finished(&first.batch_id).await;

    with_a_full_backlog(&stack, &engine, async {
        let refused = user.submit(&unique("key"), &body).await;
        refused.problem(429, "backlog");
        assert_eq!(user.account().await.credits, 9);
        // Whose answer was lost.
        let again: api::SubmitResponse = user.submit(&key, &body).await.expect(202);
        assert_eq!(again, first);
    })
    .await;
    let next: api::SubmitResponse = user.submit(&unique("key"), &body).await.expect(202);
    assert_eq!(next.credits, 8);
    engine.ledger(&user).await;
}
