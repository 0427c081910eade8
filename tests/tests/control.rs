//! R1 to R6 when a user changes their mind: batches are canceled and retried beside everything that works on them, many
//! times and at once.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]

use std::sync::atomic::Ordering;

use api::{BatchHistory, BatchStatus, CancelResponse, SubmitResponse};
use domain::{ImageState, Outcome};
use futures::future::{join, join_all};
use serde_json::{Value, json};
use stack_tests::{
    User,
    engine::{Engine, image, stream_event},
    inside::Inside,
    proxy::{self, Request},
    stack, unique, wait_for,
};

/// A submit of one photo a prompt.
async fn submit(user: &User, prompts: &[&str]) -> SubmitResponse {
    let photo = user.photo().await;
    let images: Vec<_> = prompts
        .iter()
        .map(|prompt| json!({ "key": photo, "prompt": prompt }))
        .collect();
    let body = json!({ "images": images });
    user.submit(&unique("key"), &body).await.expect(202)
}

async fn cancel(user: &User, batch: &str) -> CancelResponse {
    user.control(batch, "cancel").await.expect(202)
}

async fn retry(user: &User, batch: &str) -> SubmitResponse {
    user.control(batch, "retry").await.expect(202)
}

/// Completed, failed and canceled images of a batch without others.
fn ends(status: &BatchStatus) -> (u32, u32, u32) {
    let counts = status.counts;
    assert_eq!((counts.pending, counts.processing), (0, 0));
    (counts.completed, counts.failed, counts.canceled)
}

/// How many credits the entries about a batch have moved.
async fn cost(engine: &Engine, user: &User, batch: &str) -> i64 {
    let entries = engine.ledger(user).await.into_iter();
    entries
        .filter(|entry| entry.id.contains(batch))
        .map(|entry| entry.amount)
        .sum()
}

/// A batch whose images nobody works on, so that all of them are pending until the test says otherwise.
async fn held(engine: &Engine, user: &User, images: u32) -> String {
    let works = engine.quiet_batch(user, images, &unique("blur")).await;
    works.first().unwrap().image.batch_id.to_string()
}

#[tokio::test]
async fn canceling_beside_the_road_leaves_nothing_open_and_what_was_edited_is_paid() {
    // More than start at once, and no more than two cores start within an answer's time.
    const IMAGES: u32 = 30;
    let stack = stack!();
    let (engine, user) = join(Engine::of(&stack), User::with_credits(&stack, IMAGES)).await;
    let prompt = unique("[[fault:slow:1]] blur");
    let keys = vec![user.photo().await; IMAGES as usize];
    let batch = user.accepted(&keys, &prompt).await.batch_id;
    // Fan-out, the queue and the first executions are on their way.
    let first = cancel(&user, &batch).await;
    assert_eq!(first.counts.total, IMAGES);
    assert_eq!(first.status_url, format!("/api/batch/{batch}/status"));

    let status = user.finished(&batch).await;
    let (completed, failed, canceled) = ends(&status);
    assert_eq!((failed, completed + canceled), (0, IMAGES));
    assert!(canceled >= first.counts.canceled);
    assert_eq!(status.credits_refunded, u64::from(canceled));
    let calls = stack.provider_calls(&prompt).await.len();
    assert_eq!(calls, completed as usize, "nothing was bought for nothing");
    assert_eq!(cost(&engine, &user, &batch).await, -i64::from(completed));
}

#[tokio::test]
async fn an_image_at_the_provider_is_completed_and_paid_and_the_others_are_refunded() {
    let stack = stack!();
    let (engine, user) = join(Engine::of(&stack), User::new(&stack)).await;
    let prompt = unique("[[fault:slow:4]] blur");
    let works = engine.quiet_batch(&user, 2, &prompt).await;
    let batch = works[0].image.batch_id.to_string();
    let task = engine.edit_task(&works[0]).await;
    let late = engine.edit_task(&works[1]).await;

    let canceling = async {
        wait_for("a call to the provider", async || {
            let calls = stack.provider_calls(&prompt).await;
            (!calls.is_empty()).then_some(())
        })
        .await;
        cancel(&user, &batch).await
    };
    let (edited, canceled) = join(engine.invoke("EditImage", &task), canceling).await;
    assert_eq!(canceled.status, "processing");
    assert_eq!(
        (canceled.counts.processing, canceled.counts.canceled),
        (1, 1)
    );
    assert_eq!(canceled.credits_refunded, 1);

    let settle =
        |index: usize, result: Value| json!({ "image": works[index].image, "result": result });
    let edited = edited.unwrap();
    assert_eq!(edited["outcome"], "completed");
    let settled = engine.invoke("SettleImage", &settle(0, edited)).await;
    assert_eq!(settled, Ok(Value::Null));
    // What comes to the other image's turn only now ends quietly.
    let ended = engine.invoke("EditImage", &late).await.unwrap();
    assert_eq!(ended["outcome"], "canceled");
    let settled = engine.invoke("SettleImage", &settle(1, ended)).await;
    assert_eq!(settled, Ok(Value::Null));

    let status = user.status(&batch).await;
    assert_eq!(
        (status.status.as_str(), ends(&status)),
        ("completed", (1, 0, 1))
    );
    assert_eq!(stack.provider_calls(&prompt).await.len(), 1);
    assert_eq!(cost(&engine, &user, &batch).await, -1);
}

#[tokio::test]
async fn a_held_batch_is_refunded_at_once_and_once_however_often_it_is_canceled() {
    let stack = stack!();
    let (engine, user) = join(Engine::of(&stack), User::new(&stack)).await;
    let batch = held(&engine, &user, 5).await;
    let answers = join_all((0..6).map(|_| cancel(&user, &batch))).await;
    let again = cancel(&user, &batch).await;
    assert_eq!(
        (again.status.as_str(), again.credits_refunded),
        ("canceled", 5)
    );
    assert_eq!(again.counts.canceled, 5);
    for answer in answers {
        assert_eq!(answer, again);
    }
    let status = user.status(&batch).await;
    assert_eq!(
        (status.status.as_str(), ends(&status)),
        ("canceled", (0, 0, 5))
    );
    assert!(status.finished_at.is_some());
    assert_eq!(cost(&engine, &user, &batch).await, 0);
}

#[tokio::test]
async fn a_batch_that_was_canceled_before_fan_out_is_not_sent() {
    let stack = stack!();
    let (engine, user) = join(Engine::of(&stack), User::new(&stack)).await;
    let prompt = unique("sepia");
    // Other batches wait for their start during this, which is a moment.
    let batch = engine
        .without("FanOut", async {
            let batch = submit(&user, &[&prompt, &prompt]).await.batch_id;
            assert_eq!(cancel(&user, &batch).await.status, "canceled");
            batch
        })
        .await;
    let again = engine.invoke("FanOut", &stream_event(&[&batch])).await;
    assert_eq!(again, Ok(Value::Null));
    // What fan-out had to say by then has been heard: a batch behind it is done.
    let behind = submit(&user, &["blur"]).await.batch_id;
    user.finished(&behind).await;
    for index in 0..2 {
        assert_eq!(engine.executions(image(&batch, index)).await.len(), 0);
    }
    assert_eq!(stack.provider_calls(&prompt).await.len(), 0);
    assert_eq!(cost(&engine, &user, &batch).await, 0);
}

#[tokio::test]
async fn five_hundred_pending_images_are_canceled_and_refunded_in_few_transactions() {
    const IMAGES: u32 = 500;
    let stack = stack!();
    let transactions = |request: &Request| request.asks_for("TransactWriteItems");
    let (endpoint, written) = proxy::counting(&stack.aws_endpoint, transactions).await;
    let inside = Inside::through(&stack, endpoint).await;
    let user = inside.user(IMAGES).await;
    let id = inside.batch(&user, IMAGES).await.batch_id;
    assert!(inside.tables.request_cancel(id).await.unwrap());
    let before = written.load(Ordering::SeqCst);
    let outcomes = (0..IMAGES).map(|index| (index, Outcome::Canceled));
    let settled = inside.settler.settle(id, outcomes.collect()).await;
    assert_eq!(settled.unwrap().len(), IMAGES as usize);
    // Half a hundred images each, one after the other: seconds, where one each would be minutes. A slow one may be sent
    // again.
    let written = written.load(Ordering::SeqCst) - before;
    assert!((11..=22).contains(&written), "{written}");
    let batch = inside.tables.batch(id).await.unwrap().unwrap();
    assert_eq!((batch.open, batch.canceled), (0, IMAGES));
    assert!(batch.finished_at.is_some());
    assert_eq!(inside.balance(&user).await, u64::from(IMAGES));
    assert!(inside.tables.request_cancel(id).await.unwrap(), "once more");
}

#[tokio::test]
async fn a_cancellation_among_settlements_comes_through_or_is_too_late() {
    const IMAGES: u32 = 40;
    let inside = Inside::of(&stack!()).await;
    let user = inside.user(IMAGES).await;
    let id = inside.batch(&user, IMAGES).await.batch_id;
    let completed = |index: u32| Outcome::Completed {
        result_key: format!("key {index}"),
        usage: None,
    };
    let settling = join_all(
        (0..IMAGES).map(|index| inside.settler.settle(id, vec![(index, completed(index))])),
    );
    let canceling = async {
        let accepted = inside.tables.request_cancel(id).await.unwrap();
        let outcomes = (0..IMAGES).map(|index| (index, Outcome::Canceled));
        inside.settler.settle(id, outcomes.collect()).await.unwrap();
        accepted
    };
    let (settled, accepted) = join(settling, canceling).await;
    assert!(settled.iter().all(Result::is_ok));
    let batch = inside.tables.batch(id).await.unwrap().unwrap();
    assert_eq!(batch.cancel_requested, accepted);
    assert_eq!((batch.open, batch.completed + batch.canceled), (0, IMAGES));
    assert_eq!(inside.balance(&user).await, u64::from(batch.canceled));
    let states = inside.tables.image_states(id).await.unwrap();
    let canceled = states
        .iter()
        .filter(|state| **state == ImageState::Canceled);
    assert_eq!(canceled.count(), batch.canceled as usize);
}

#[tokio::test]
async fn what_is_over_cannot_be_canceled_and_what_is_not_cannot_be_retried() {
    let stack = stack!();
    let (engine, user) = join(Engine::of(&stack), User::new(&stack)).await;
    let done = submit(&user, &["sepia"]).await.batch_id;
    user.finished(&done).await;
    let canceled = user.control(&done, "cancel").await;
    canceled.problem(409, "batch_finished");
    let nothing = user.control(&done, "retry").await;
    nothing.problem(409, "nothing_to_retry");
    assert_eq!(user.status(&done).await.status, "completed");

    let open = held(&engine, &user, 1).await;
    let early = user.control(&open, "retry").await;
    early.problem(409, "batch_not_finished");
    assert_eq!(user.status(&open).await.retried_in, None);
}

#[tokio::test]
async fn others_batches_can_neither_be_canceled_nor_retried() {
    let stack = stack!();
    let (engine, owner) = join(Engine::of(&stack), User::new(&stack)).await;
    let other = User::new(&stack).await;
    let batch = held(&engine, &owner, 1).await;
    for verb in ["cancel", "retry"] {
        let theirs = other.control(&batch, verb).await;
        let nobodys = other
            .control("9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f", verb)
            .await;
        let theirs = theirs.problem(404, "batch_not_found");
        assert_eq!(theirs, nobodys.problem(404, "batch_not_found"));
        let no_id = other.control("no-id-at-all", verb).await;
        no_id.problem(404, "batch_not_found");
    }
    assert_eq!(owner.status(&batch).await.status, "pending");
    cancel(&owner, &batch).await;
    let retry = other.control(&batch, "retry").await;
    retry.problem(404, "batch_not_found");
    assert_eq!(owner.status(&batch).await.retried_in, None);
}

#[tokio::test]
async fn retries_at_once_are_one_batch_of_what_failed_and_one_debit() {
    let stack = stack!();
    let (engine, user) = join(Engine::of(&stack), User::new(&stack)).await;
    let fine = unique("sepia");
    let (second, third) = (
        unique("[[fault:moderation:1]] blur"),
        unique("[[fault:moderation:1]] invert"),
    );
    let first = submit(&user, &[&second, &fine, &third]).await.batch_id;
    assert_eq!(ends(&user.finished(&first).await), (1, 2, 0));

    let answers = join_all((0..8).map(|_| retry(&user, &first))).await;
    let new = answers[0].clone();
    assert!(answers.iter().all(|answer| *answer == new));
    assert_eq!((new.image_count, new.credits_spent, new.credits), (2, 2, 7));
    let status = user.finished(&new.batch_id).await;
    assert_eq!(ends(&status), (2, 0, 0));
    assert_eq!(status.retry_of.as_ref(), Some(&first));
    assert_eq!(
        user.status(&first).await.retried_in.as_ref(),
        Some(&new.batch_id)
    );
    for (prompt, calls) in [(fine, 1), (second, 2), (third, 2)] {
        assert_eq!(stack.provider_calls(&prompt).await.len(), calls, "{prompt}");
    }
    assert_eq!(cost(&engine, &user, &new.batch_id).await, -2);
    assert_eq!(user.account().await.credits, 7);

    // Long after, the answer is the first one, and the history knows where things went.
    assert_eq!(retry(&user, &first).await, new);
    let history: BatchHistory = user.get("/api/batches").await.expect(200);
    let links = history
        .batches
        .iter()
        .map(|batch| (batch.retry_of.as_ref(), batch.retried_in.as_ref()));
    let expected = [(Some(&first), None), (None, Some(&new.batch_id))];
    assert!(links.eq(expected), "{history:?}");
}

#[tokio::test]
async fn a_retry_can_be_retried() {
    let stack = stack!();
    let (engine, user) = join(Engine::of(&stack), User::new(&stack)).await;
    let prompt = unique("[[fault:moderation:2]] blur");
    let mut batches = vec![submit(&user, &[&prompt]).await.batch_id];
    for expected in [(0, 1, 0), (0, 1, 0), (1, 0, 0)] {
        let newest = batches.last().unwrap().clone();
        assert_eq!(ends(&user.finished(&newest).await), expected);
        if expected != (1, 0, 0) {
            batches.push(retry(&user, &newest).await.batch_id);
        }
    }
    for pair in batches.windows(2) {
        assert_eq!(
            user.status(&pair[0]).await.retried_in.as_ref(),
            Some(&pair[1])
        );
        assert_eq!(
            user.status(&pair[1]).await.retry_of.as_ref(),
            Some(&pair[0])
        );
    }
    let costs = join_all(batches.iter().map(|batch| cost(&engine, &user, batch))).await;
    assert_eq!(costs, [0, 0, -1]);
}

#[tokio::test]
async fn canceled_images_are_retried_with_their_options_and_the_shared_prompt() {
    let stack = stack!();
    let (engine, user) = join(Engine::of(&stack), User::new(&stack)).await;
    let prompt = unique("border");
    let works = engine.quiet_batch(&user, 2, &prompt).await;
    let batch = works[0].image.batch_id.to_string();
    cancel(&user, &batch).await;
    let new = retry(&user, &batch).await;
    let status = user.finished(&new.batch_id).await;
    let before = user.status(&batch).await;
    assert_eq!(
        (status.prompt, status.options),
        (before.prompt, before.options)
    );
    assert_eq!(status.counts.completed, 2);
    assert_eq!(stack.provider_calls(&prompt).await.len(), 2);
    assert_eq!(cost(&engine, &user, &new.batch_id).await, -2);
}

#[tokio::test]
async fn a_retry_that_cannot_be_paid_writes_nothing() {
    let stack = stack!();
    let (engine, user) = join(Engine::of(&stack), User::with_credits(&stack, 2)).await;
    let declined = unique("[[fault:moderation]] blur");
    let failed = submit(&user, &[&declined, &declined]).await.batch_id;
    user.finished(&failed).await;
    let other = submit(&user, &["sepia"]).await.batch_id;
    user.finished(&other).await;
    let before = engine.ledger(&user).await;

    let answer = user.control(&failed, "retry").await;
    let problem = answer.problem(402, "insufficient_credits");
    assert_eq!(
        (problem.credits_needed, problem.credits),
        (Some(2), Some(1))
    );
    assert_eq!(engine.ledger(&user).await, before);
    assert_eq!(user.status(&failed).await.retried_in, None);
    let history: BatchHistory = user.get("/api/batches").await.expect(200);
    assert_eq!(history.batches.len(), 2);
}
