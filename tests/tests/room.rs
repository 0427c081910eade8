//! Submits for which there is no room. A binary of its own, because while the backlog is full no other test's submits pass.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]

use aws::{Intake, SubmitError, Wanted};
use domain::{
    BatchId, Draft, Limits, NoRoom, PriceTable, Room, Timestamp, UserId,
    pace::{LONGEST_BACKLOG, Pace},
    timing::TimeLimits,
};
use serde_json::json;
use stack_tests::{
    Stack, User,
    engine::Engine,
    inside::{self, Inside},
    stack, unique,
};

/// Does something while the backlog is as long as it may be.
async fn with_a_full_backlog(stack: &Stack, engine: &Engine, work: impl Future<Output = ()>) {
    let inside = Inside::deployed(stack);
    let pace: Pace = "1".parse().unwrap();
    let minutes = u32::try_from(LONGEST_BACKLOG.as_secs() / 60).unwrap();
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

#[tokio::test]
async fn nobody_has_more_images_open_than_one_may() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let tables = Inside::deployed(&stack).tables;
    // They stay open until somebody settles them.
    let open = engine.quiet_batch(&user, 2, "blur").await;
    let id: UserId = user.id().parse().unwrap();
    let limits = Limits {
        max_open_images: 3,
        ..Limits::default()
    };
    let room = Room::new("6000".parse().unwrap(), &limits);
    let times = TimeLimits::default();
    let intake = Intake::new(tables.clone(), room, PriceTable::default(), times);
    let accept = async |key: &str, images: usize| {
        let draft = Draft {
            images: (0..images).map(|_| inside::image(&id, None)).collect(),
            prompt: "blur".to_owned(),
            ..Draft::default()
        };
        let wanted = Wanted {
            batch_id: BatchId::derive(&id, &key.parse().unwrap()),
            user: id.clone(),
            submission: draft.check(&id, &limits).unwrap(),
            retry_of: None,
        };
        let account = tables.known_account(&id).await.unwrap();
        intake.accept(wanted, account).await
    };
    // The index over a user's batches is a moment behind.
    stack_tests::wait_for("the open images", async || {
        let counted = tables.open_images(&id, Timestamp::now()).await.unwrap();
        (counted == open.len() as u64).then_some(())
    })
    .await;
    let refused = accept(&unique("key"), 2).await.unwrap_err();
    let expected = NoRoom::TooManyOpen { open: 2, most: 3 };
    assert!(
        matches!(&refused, SubmitError::NoRoom(full) if *full == expected),
        "{refused}"
    );
    assert_eq!(user.account().await.credits, 8);
    accept(&unique("key"), 1).await.unwrap();
}
