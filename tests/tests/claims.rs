//! R5 at its root: claims and settlements as DynamoDB decides them, many at once.

use std::time::Duration;

use aws::{AwsError, ClaimError, Settled};
use domain::{
    ClaimRefused, Counts, Failure, Format, ImageRef, ImageState, Outcome, Timestamp, result_key,
};
use futures::future::join_all;
use stack_tests::{inside::Inside, proxy, stack, wait_for};

fn failed() -> Outcome {
    Outcome::Failed(Failure::new("test", "It was a test."))
}

const fn completed(result_key: String) -> Outcome {
    Outcome::Completed {
        result_key,
        usage: None,
    }
}

#[expect(
    clippy::panic,
    reason = "a test that cannot go on should stop right there"
)]
fn refused(error: ClaimError) -> ClaimRefused {
    match error {
        ClaimError::Refused(refused) => refused,
        ClaimError::Store(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn of_fifty_claims_at_once_one_is_given() {
    let inside = Inside::of(&stack!()).await;
    let user = inside.user(1).await;
    let image = ImageRef {
        batch_id: inside.batch(&user, 1).await.batch_id,
        index: 0,
    };
    let (now, until) = (
        Timestamp::now(),
        Timestamp::now().plus(Duration::from_mins(5)),
    );
    let claims = join_all((0..50).map(|_| inside.tables.claim(image, now, until))).await;
    let (given, not_given): (Vec<_>, Vec<_>) = claims.into_iter().partition(Result::is_ok);
    assert_eq!(given.len(), 1);
    for error in not_given {
        assert_eq!(refused(error.unwrap_err()), ClaimRefused::Claimed { until });
    }
}

#[tokio::test]
async fn calls_of_unknown_outcome_are_repeated_once_and_known_ones_do_not_count() {
    let inside = Inside::of(&stack!()).await;
    let user = inside.user(1).await;
    let image = ImageRef {
        batch_id: inside.batch(&user, 1).await.batch_id,
        index: 0,
    };
    let now = Timestamp::now();
    let claim = || {
        inside
            .tables
            .claim(image, now, now.plus(Duration::from_mins(5)))
    };

    for call in 1..=3 {
        let ticket = claim().await.unwrap();
        assert_eq!(ticket.provider_calls, call);
        inside.tables.release(&ticket, true).await.unwrap();
        // Releasing again, as a repeat whose answer was lost does, changes nothing.
        inside.tables.release(&ticket, true).await.unwrap();
    }
    for _ in 0..2 {
        let ticket = claim().await.unwrap();
        inside.tables.release(&ticket, false).await.unwrap();
    }
    assert_eq!(
        refused(claim().await.unwrap_err()),
        ClaimRefused::OutcomesUnknown
    );
}

#[tokio::test]
async fn a_claim_that_ran_out_can_be_taken_over_and_its_old_holder_cannot_release_it() {
    let inside = Inside::of(&stack!()).await;
    let user = inside.user(1).await;
    let image = ImageRef {
        batch_id: inside.batch(&user, 1).await.batch_id,
        index: 0,
    };
    let now = Timestamp::now();
    let (first_end, second_end) = (
        now.plus(Duration::from_secs(1)),
        now.plus(Duration::from_mins(5)),
    );
    let old = inside.tables.claim(image, now, first_end).await.unwrap();
    inside
        .tables
        .claim(image, first_end, second_end)
        .await
        .unwrap();
    inside.tables.release(&old, true).await.unwrap();
    let error = inside
        .tables
        .claim(image, first_end, second_end)
        .await
        .unwrap_err();
    assert_eq!(refused(error), ClaimRefused::Claimed { until: second_end });
}

#[tokio::test]
async fn nothing_fails_under_a_claim_but_a_result_completes_it() {
    let inside = Inside::of(&stack!()).await;
    let user = inside.user(1).await;
    let batch = inside.batch(&user, 1).await;
    let image = ImageRef {
        batch_id: batch.batch_id,
        index: 0,
    };
    let now = Timestamp::now();
    let until = now.plus(Duration::from_mins(5));
    inside.tables.claim(image, now, until).await.unwrap();
    let settle = |outcome| inside.settler.settle(batch.batch_id, vec![(0, outcome)]);
    assert_eq!(
        settle(failed()).await.unwrap(),
        [(0, Settled::Claimed { until })]
    );
    assert_eq!(
        settle(Outcome::Canceled).await.unwrap(),
        [(0, Settled::Claimed { until })]
    );
    let done = Settled::Final {
        state: ImageState::Completed,
        now: true,
    };
    assert_eq!(settle(completed("key".into())).await.unwrap(), [(0, done)]);
    let before = Settled::Final {
        state: ImageState::Completed,
        now: false,
    };
    assert_eq!(settle(failed()).await.unwrap(), [(0, before)]);
    assert_eq!(inside.balance(&user).await, 0);
}

#[tokio::test]
async fn an_image_that_has_a_result_does_not_fail() {
    let inside = Inside::of(&stack!()).await;
    let user = inside.user(2).await;
    let batch = inside.batch(&user, 2).await;
    let key = result_key(
        &user,
        ImageRef {
            batch_id: batch.batch_id,
            index: 0,
        },
        Format::Png,
    );
    inside
        .photos
        .put(&key, stack_tests::photo(8, 8).into(), Format::Png)
        .await
        .unwrap();
    let settled = inside
        .settler
        .settle(batch.batch_id, vec![(0, failed()), (1, failed())])
        .await
        .unwrap();
    assert_eq!(
        settled,
        [
            (
                0,
                Settled::Final {
                    state: ImageState::Completed,
                    now: true
                }
            ),
            (
                1,
                Settled::Final {
                    state: ImageState::Failed,
                    now: true
                }
            ),
        ]
    );
    assert_eq!(inside.balance(&user).await, 1);
    let found = inside
        .tables
        .batch_in_full(batch.batch_id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.images[&0].result_key.as_deref(), Some(key.as_str()));
    assert!(found.batch.finished_at.is_some());
}

#[tokio::test]
async fn a_claim_made_while_an_image_is_being_failed_stops_that() {
    let stack = stack!();
    let inside = Inside::of(&stack).await;
    let user = inside.user(1).await;
    let batch_id = inside.batch(&user, 1).await.batch_id;
    let image = ImageRef { batch_id, index: 0 };
    let now = Timestamp::now();
    // One that has run out is no obstacle; it must still be the one that was seen.
    let old = now.plus(Duration::from_millis(1));
    inside.tables.claim(image, now, old).await.unwrap();
    let (tables, until) = (inside.tables.clone(), now.plus(Duration::from_mins(5)));
    let claim = async move { drop(tables.claim(image, old, until).await.unwrap()) };
    let late = inside.meddled(&stack, Box::pin(claim)).await;
    let settled = late.settler.settle(batch_id, vec![(0, failed())]).await;
    assert_eq!(settled.unwrap(), [(0, Settled::Claimed { until })]);
    assert_eq!(inside.balance(&user).await, 0);
}

#[tokio::test]
async fn an_image_that_was_settled_meanwhile_is_counted_once() {
    let stack = stack!();
    let inside = Inside::of(&stack).await;
    let user = inside.user(3).await;
    let batch_id = inside.batch(&user, 3).await.batch_id;
    let settler = inside.settler.clone();
    let first = async move {
        let outcomes = vec![(0, completed("key".into()))];
        settler.settle(batch_id, outcomes).await.unwrap();
    };
    let late = inside.meddled(&stack, Box::pin(first)).await;
    let outcomes = vec![(0, completed("key".into()))];
    let settled = late.settler.settle(batch_id, outcomes).await.unwrap();
    let before = Settled::Final {
        state: ImageState::Completed,
        now: false,
    };
    assert_eq!(settled, [(0, before)]);
    let batch = inside.tables.batch(batch_id).await.unwrap().unwrap();
    assert_eq!((batch.open, batch.completed), (2, 1));
}

#[tokio::test]
async fn whoever_turns_out_to_settle_the_last_image_finishes_the_batch() {
    let stack = stack!();
    let inside = Inside::of(&stack).await;
    let user = inside.user(2).await;
    let batch_id = inside.batch(&user, 2).await.batch_id;
    let settler = inside.settler.clone();
    let other = async move {
        let outcomes = vec![(1, completed("key".into()))];
        settler.settle(batch_id, outcomes).await.unwrap();
    };
    let late = inside.meddled(&stack, Box::pin(other)).await;
    let outcomes = vec![(0, completed("key".into()))];
    late.settler.settle(batch_id, outcomes).await.unwrap();
    let batch = inside.tables.batch(batch_id).await.unwrap().unwrap();
    assert_eq!((batch.open, batch.completed), (0, 2));
    assert!(batch.finished_at.is_some());
}

#[tokio::test]
async fn a_single_write_waits_for_the_transactions_that_hold_its_record() {
    let stack = stack!();
    let conflict = "com.amazonaws.dynamodb.v20120810#TransactionConflictException";
    let updates = |request: &proxy::Request| request.asks_for("UpdateItem");
    let endpoint = proxy::refusing(&stack.aws_endpoint, conflict, 3, updates).await;
    let inside = Inside::through(&stack, endpoint).await;
    let user = inside.user(1).await;
    let batch = inside.batch(&user, 1).await;
    let image = ImageRef {
        batch_id: batch.batch_id,
        index: 0,
    };
    let now = Timestamp::now();
    let tables = &inside.tables;
    let ticket = tables.claim(image, now, now.plus(Duration::from_mins(5)));
    let ticket = ticket.await.unwrap();
    assert_eq!(ticket.provider_calls, 1);
    tables.release(&ticket, true).await.unwrap();
    tables.look_again(batch.batch_id, now).await.unwrap();
    let counted = Counts::of(1, []);
    assert!(tables.recount(&batch, &counted, now).await.unwrap());
    assert_eq!(tables.close_account(&user, now).await.unwrap(), now);
}

#[tokio::test]
async fn a_hundred_settlements_at_once_add_up_and_each_refunds_once() {
    let inside = Inside::of(&stack!()).await;
    settle_at_once(&inside, 100).await;
}

#[tokio::test]
async fn so_do_two_hundred_while_transactions_conflict_and_answers_are_lost() {
    let stack = stack!();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let endpoint = stack_tests::storm::endpoint(&stack, seed).await;
    let inside = Inside::through(&stack, endpoint).await;
    settle_at_once(&inside, 200).await;
}

/// Settles a batch of so many images, a quarter of them failed: every image twice, once alone and once among others.
#[expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]
async fn settle_at_once(inside: &Inside, images: u32) {
    let user = inside.user(images).await;
    let batch = inside.batch(&user, images).await;
    assert_eq!(inside.balance(&user).await, 0);
    let outcome = |index: u32| {
        if index.is_multiple_of(4) {
            failed()
        } else {
            completed(format!("key {index}"))
        }
    };
    // Who has waited too long for the others begins anew, as all do who settle: it has changed nothing.
    let settle = async |images: Vec<u32>| {
        wait_for("a settlement", async || {
            let outcomes = images.iter().map(|&index| (index, outcome(index)));
            match inside
                .settler
                .settle(batch.batch_id, outcomes.collect())
                .await
            {
                Err(AwsError::Contended(_)) => None,
                settled => Some(settled),
            }
        })
        .await
    };
    let alone = (0..images).map(|index| settle(vec![index]));
    let among = (0..images / 25).map(|part| settle((part * 25..(part + 1) * 25).collect()));
    for settled in join_all(alone.chain(among)).await {
        for (index, settled) in settled.unwrap() {
            let expected = outcome(index).state();
            assert!(
                matches!(settled, Settled::Final { state, .. } if state == expected),
                "{index}: {settled:?}"
            );
        }
    }
    let after = inside.tables.batch(batch.batch_id).await.unwrap().unwrap();
    let (failed, completed) = (images / 4, images - images / 4);
    assert_eq!(
        (after.open, after.completed, after.failed, after.canceled),
        (0, completed, failed, 0)
    );
    assert!(after.finished_at.is_some());
    assert_eq!(inside.balance(&user).await, u64::from(failed));
    let account = inside.tables.account(&user).await.unwrap().unwrap();
    // The welcome, the debit, and one refund for each image that failed.
    assert_eq!(account.entries, 2 + u64::from(failed));
}
