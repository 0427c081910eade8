//! R3 to R5 against everything that comes again, late, in another order, or in part: the deployed functions are called
//! as their event sources call them, beside the road that works on its own.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]

use aws::Photos;
use domain::{Format, ImageRef, UserId, Work, result_key};
use futures::future::join_all;
use serde_json::{Value, json};
use stack_tests::{
    Stack, User,
    engine::{Engine, bad_end, image, letter, queue_event, stream_event},
    inside::Inside,
    stack, unique, wait_for,
};

/// What a settled image costs in the end.
fn paid(status: &str) -> i64 {
    i64::from(status == "completed")
}

/// The works of a batch, as fan-out sends them.
fn works(batch: &str, keys: &[String]) -> Vec<Work> {
    (0..)
        .zip(keys)
        .map(|(index, key)| Work {
            image: image(batch, index),
            key: key.parse().unwrap(),
            prompt: None,
        })
        .collect()
}

fn failed() -> Value {
    json!({ "outcome": "failed", "code": "test", "message": "It was a test." })
}

fn settle(image: ImageRef, result: &Value) -> Value {
    json!({ "image": image, "result": result })
}

/// Puts a result where edit-image would have put it.
async fn save_result(photos: &Photos, user: &User, image: ImageRef) -> String {
    let id: UserId = user.account().await.user_id.parse().unwrap();
    let key = result_key(&id, image, Format::Png);
    let picture = stack_tests::photo(8, 8);
    photos.put(&key, picture.into(), Format::Png).await.unwrap();
    key
}

/// Waits until what was sent to the queues before has been handled: a batch that was sent behind it is done.
async fn let_it_pass(user: &User) {
    let behind = user
        .accepted(&[user.link("image/png", 10).await.key], "blur")
        .await;
    user.finished(&behind.batch_id).await;
}

#[tokio::test]
async fn a_stream_record_that_comes_again_starts_nothing_twice() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let prompt = unique("sepia");
    let keys = [user.photo().await, user.photo().await, user.photo().await];
    let batch = user.accepted(&keys, &prompt).await.batch_id;

    let once = stream_event(&[&batch]);
    let thrice = stream_event(&[&batch, &batch, &batch]);
    let events = [&once, &thrice, &once, &once];
    for answer in join_all(events.map(|event| engine.invoke("FanOut", event))).await {
        assert_eq!(answer, Ok(Value::Null));
    }
    user.finished(&batch).await;
    // Once more, long after.
    engine.invoke("FanOut", &once).await.unwrap();
    let_it_pass(&user).await;

    let status = user.status(&batch).await;
    assert_eq!(status.counts.completed, 3);
    assert!(status.images.iter().all(|image| image.provider_calls == 1));
    assert_eq!(stack.provider_calls(&prompt).await.len(), 3);
    for work in works(&batch, &keys) {
        assert_eq!(engine.executions(work.image).await.len(), 1);
    }
    let debits = engine.ledger(&user).await.into_iter();
    let debits: Vec<_> = debits
        .filter(|entry| entry.id.contains(&batch))
        .map(|entry| entry.amount)
        .collect();
    assert_eq!(debits, [-3]);
}

#[tokio::test]
async fn an_unreadable_stream_record_fails_its_event_and_spoils_nothing() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let (first, second) = (unique("sepia"), unique("blur"));
    let one = user.accepted(&[user.photo().await], &first).await.batch_id;
    let two = user.accepted(&[user.photo().await], &second).await.batch_id;

    // The event source cuts such an event in halves until the bad record is alone.
    let mixed = stream_event(&[&one, "no-batch-at-all", &two]);
    let error = engine.invoke("FanOut", &mixed).await.unwrap_err();
    assert_eq!(error.error_type, "record_unreadable");
    assert!(error.error_message.contains("no-batch-at-all"), "{error:?}");
    for half in [stream_event(&[&two]), stream_event(&[&one])] {
        engine.invoke("FanOut", &half).await.unwrap();
    }
    for (batch, prompt) in [(one, first), (two, second)] {
        assert_eq!(user.finished(&batch).await.status, "completed");
        assert_eq!(stack.provider_calls(&prompt).await.len(), 1);
    }
    let nobodys = stream_event(&["5f2b6e0c-8f7b-8d53-9a3c-0a5bb3f3a001"]);
    let error = engine.invoke("FanOut", &nobodys).await.unwrap_err();
    assert_eq!(error.error_type, "batch_missing");
}

#[tokio::test]
async fn a_message_that_comes_many_times_starts_one_execution() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let prompt = unique("invert");
    let keys = [user.photo().await];
    let batch = user.accepted(&keys, &prompt).await.batch_id;
    let work = &works(&batch, &keys)[0];

    let alone = queue_event(&[letter(work)]);
    let together = queue_event(&vec![letter(work); 10]);
    let events = [&alone, &alone, &together, &alone, &alone];
    for failures in join_all(events.map(|event| engine.consume("StartEdit", event))).await {
        assert_eq!(failures, [""; 0]);
    }
    assert_eq!(user.finished(&batch).await.status, "completed");
    let late = engine.consume("StartEdit", &alone).await;
    assert_eq!(late, [""; 0]);
    assert_eq!(engine.executions(work.image).await.len(), 1);
    assert_eq!(stack.provider_calls(&prompt).await.len(), 1);
    assert_eq!(user.account().await.credits, 9);
}

#[tokio::test]
async fn of_a_queues_records_only_what_failed_comes_again() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let keys = [user.photo().await, user.photo().await];
    let batch = user.accepted(&keys, "vignette").await.batch_id;
    let works = works(&batch, &keys);

    for garbage in ["", "not json", "{}", "[]", "null"] {
        let bodies = [letter(&works[0]), garbage.to_owned(), letter(&works[1])];
        let event = queue_event(&bodies);
        for consumer in ["StartEdit", "RescueImage"] {
            let failures = engine.consume(consumer, &event).await;
            assert_eq!(failures, ["message-1"], "{consumer}: {garbage}");
        }
    }
    for work in &works {
        assert_eq!(engine.executions(work.image).await.len(), 1);
    }

    // An answer could not name it, and one that names nothing deletes all of them.
    for id in [Value::Null, json!("")] {
        let mut event = queue_event(&[letter(&works[0]), letter(&works[1])]);
        event["Records"][1]["messageId"] = id;
        for consumer in ["StartEdit", "RescueImage"] {
            let error = engine.invoke(consumer, &event).await.unwrap_err();
            assert_eq!(error.error_type, "record_without_id", "{consumer}");
        }
    }
    assert_eq!(user.finished(&batch).await.counts.completed, 2);
    assert_eq!(user.account().await.credits, 8);
}

#[tokio::test]
async fn of_contrary_settlements_at_once_one_counts() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let works = engine.quiet_batch(&user, 4, "make it blue").await;
    let batch = works[0].image.batch_id.to_string();
    let completed = json!({ "outcome": "completed", "resultKey": "results/test" });
    let canceled = json!({ "outcome": "canceled" });

    // Each image hears them in another order.
    let outcomes = [&completed, &failed(), &canceled, &failed()];
    let tasks: Vec<_> = works
        .iter()
        .enumerate()
        .flat_map(|(first, work)| {
            let turned = outcomes.iter().cycle().skip(first).take(outcomes.len());
            turned.map(|outcome| settle(work.image, outcome))
        })
        .collect();
    for answer in join_all(tasks.iter().map(|task| engine.invoke("SettleImage", task))).await {
        assert_eq!(answer, Ok(Value::Null));
    }
    let first = user.status(&batch).await;
    assert!(first.finished_at.is_some());
    // What is said afterwards changes nothing.
    for task in tasks.iter().rev() {
        engine.invoke("SettleImage", task).await.unwrap();
    }
    let status = user.status(&batch).await;
    assert_eq!(
        (status.counts, status.finished_at),
        (first.counts, first.finished_at)
    );

    let ledger = engine.ledger(&user).await;
    for image in &status.images {
        let refund = format!("refund#{batch}#{:05}", image.index);
        let refunds: i64 = ledger
            .iter()
            .filter(|entry| entry.id == refund)
            .map(|entry| entry.amount)
            .sum();
        assert_eq!(1 - refunds, paid(&image.status), "{image:?}");
    }
    let balance = i64::try_from(user.account().await.credits).unwrap();
    let price: i64 = status.images.iter().map(|image| paid(&image.status)).sum();
    assert_eq!(balance, 10 - price);
}

#[tokio::test]
async fn what_has_a_result_is_completed_whatever_is_said_of_it() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let photos = Inside::deployed(&stack).photos;
    let prompt = unique("make it blue");
    let works = engine.quiet_batch(&user, 3, &prompt).await;
    let batch = works[0].image.batch_id.to_string();
    for work in &works {
        save_result(&photos, &user, work.image).await;
    }
    // One road for each: the workflow's last step, a dead letter, an execution that was aborted.
    let said = settle(works[0].image, &failed());
    let task = (0..3).map(|_| engine.invoke("SettleImage", &said));
    for answer in join_all(task).await {
        assert_eq!(answer, Ok(Value::Null));
    }
    let wrecks = queue_event(&[letter(&works[1]), bad_end(&works[2], "ABORTED")]);
    assert_eq!(engine.consume("RescueImage", &wrecks).await, [""; 0]);
    assert_eq!(engine.consume("RescueImage", &wrecks).await, [""; 0]);

    let status = user.status(&batch).await;
    assert_eq!(
        (status.status.as_str(), status.counts.completed),
        ("completed", 3)
    );
    for image in status.images {
        let result = user.download(&image.result_url.unwrap()).await;
        assert_eq!(result, stack_tests::photo(8, 8));
    }
    // And nobody buys it again.
    let task = engine.edit_task(&works[0]).await;
    let answer = engine.invoke("EditImage", &task).await.unwrap();
    assert_eq!(answer["outcome"], "completed");
    assert_eq!(stack.provider_calls(&prompt).await.len(), 0);
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 7);
}

#[tokio::test]
async fn settling_an_unknown_batch_names_it_and_changes_nothing() {
    let stack = stack!();
    let engine = Engine::of(&stack).await;
    let tables = Inside::deployed(&stack).tables;
    let nobodys = nobodys_batch();
    let unknown = image(&nobodys, 0);
    let completed = json!({ "outcome": "completed", "resultKey": "results/test" });
    for outcome in [failed(), completed, json!({ "outcome": "canceled" })] {
        let task = settle(unknown, &outcome);
        let error = engine.invoke("SettleImage", &task).await.unwrap_err();
        assert_eq!(error.error_type, "aws_call_failed");
        assert!(error.error_message.contains(&nobodys), "{error:?}");
    }
    let work = Work {
        image: unknown,
        key: "uploads/anna/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg"
            .parse()
            .unwrap(),
        prompt: None,
    };
    let wrecks = queue_event(&[letter(&work), bad_end(&work, "FAILED")]);
    let failures = engine.consume("RescueImage", &wrecks).await;
    assert_eq!(failures, ["message-0", "message-1"]);
    assert!(tables.batch(unknown.batch_id).await.unwrap().is_none());
    let states = tables.image_states(unknown.batch_id).await.unwrap();
    assert_eq!(states, []);
    assert_eq!(engine.executions(unknown).await.len(), 0);
}

#[tokio::test]
async fn an_image_that_its_batch_does_not_have_is_neither_edited_nor_settled() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let prompt = unique("blur");
    let mut work = engine.quiet_batch(&user, 1, &prompt).await.remove(0);
    let batch = work.image.batch_id.to_string();
    work.image.index = 1;
    for outcome in [failed(), json!({ "outcome": "canceled" })] {
        let task = settle(work.image, &outcome);
        let error = engine.invoke("SettleImage", &task).await.unwrap_err();
        assert!(error.error_message.contains(&batch), "{error:?}");
    }
    let task = engine.edit_task(&work).await;
    let error = engine.invoke("EditImage", &task).await.unwrap_err();
    assert!(error.error_message.contains(&batch), "{error:?}");
    assert_eq!(stack.provider_calls(&prompt).await.len(), 0);
    let status = user.status(&batch).await;
    assert_eq!((status.counts.pending, status.finished_at), (1, None));
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 9);
}

/// A batch id that nobody has.
fn nobodys_batch() -> String {
    let user: UserId = unique("nobody").parse().unwrap();
    domain::BatchId::derive(&user, &unique("key").parse().unwrap()).to_string()
}

#[tokio::test]
async fn a_settled_image_is_not_edited_again() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let prompt = unique("sepia");
    let keys = [user.photo().await];
    let batch = user.accepted(&keys, &prompt).await.batch_id;
    user.finished(&batch).await;
    let task = engine.edit_task(&works(&batch, &keys)[0]).await;
    for answer in join_all((0..3).map(|_| engine.invoke("EditImage", &task))).await {
        assert_eq!(answer.unwrap()["outcome"], "completed");
    }
    assert_eq!(stack.provider_calls(&prompt).await.len(), 1);

    // Settled before its edit came: a step that arrives out of order.
    let never = unique("blur");
    let works = engine.quiet_batch(&user, 1, &never).await;
    let said = settle(works[0].image, &failed());
    engine.invoke("SettleImage", &said).await.unwrap();
    let task = engine.edit_task(&works[0]).await;
    let answer = engine.invoke("EditImage", &task).await.unwrap();
    assert_eq!(answer, json!({ "outcome": "settled" }));
    assert_eq!(stack.provider_calls(&never).await.len(), 0);
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 9);
}

#[tokio::test]
async fn of_edits_at_once_one_calls_the_provider() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    // Longer than it takes six of them to start.
    let prompt = unique("[[fault:slow:10]] invert");
    let works = engine.quiet_batch(&user, 1, &prompt).await;
    let task = engine.edit_task(&works[0]).await;

    let answers = join_all((0..6).map(|_| engine.invoke("EditImage", &task))).await;
    let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
    let (done, others): (Vec<_>, Vec<_>) = answers
        .iter()
        .partition(|answer| answer["outcome"] == "completed");
    assert_eq!((done.len(), others.len()), (1, 5), "{answers:?}");
    for other in others {
        assert_eq!(other["outcome"], "later");
        assert!(other["until"].is_string());
    }
    assert_eq!(stack.provider_calls(&prompt).await.len(), 1);
    // Between the result and its settlement, too, asking again finds what is there.
    let again = engine.invoke("EditImage", &task).await.unwrap();
    assert_eq!(again["resultKey"], done[0]["resultKey"]);
    for _ in 0..2 {
        let said = settle(works[0].image, done[0]);
        engine.invoke("SettleImage", &said).await.unwrap();
    }
    let status = user.status(&works[0].image.batch_id.to_string()).await;
    assert_eq!(
        (status.status.as_str(), status.images[0].provider_calls),
        ("completed", 1)
    );
    assert_eq!(stack.provider_calls(&prompt).await.len(), 1);
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 9);
}

#[tokio::test]
async fn a_rescue_leaves_alone_what_is_on_its_way() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let prompt = unique("[[fault:slow:2]] blur");
    let keys = [user.photo().await];
    let batch = user.accepted(&keys, &prompt).await.batch_id;
    wait_for("the provider's call", async || {
        let calls = stack.provider_calls(&prompt).await;
        (!calls.is_empty()).then_some(())
    })
    .await;
    // A late letter, and a report about an execution that somebody has since restarted.
    let work = &works(&batch, &keys)[0];
    let wrecks = queue_event(&[letter(work), bad_end(work, "FAILED")]);
    assert_eq!(engine.consume("RescueImage", &wrecks).await, [""; 0]);
    let status = user.finished(&batch).await;
    assert_eq!(
        (status.status.as_str(), status.images[0].provider_calls),
        ("completed", 1)
    );
    // And what is well ends no other way for being reported again.
    assert_eq!(engine.consume("RescueImage", &wrecks).await, [""; 0]);
    assert_eq!(user.status(&batch).await.status, "completed");
    assert_eq!(engine.executions(work.image).await.len(), 1);
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 9);
}

#[tokio::test]
async fn a_rescue_ends_what_its_execution_left_open() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let works = engine.quiet_batch(&user, 2, "make it blue").await;
    let wrecks = queue_event(&[letter(&works[0]), bad_end(&works[1], "TIMED_OUT")]);
    let rescues = (0..4).map(|_| engine.consume("RescueImage", &wrecks));
    for failures in join_all(rescues).await {
        assert_eq!(failures, [""; 0]);
    }
    let status = user.status(&works[0].image.batch_id.to_string()).await;
    assert_eq!(
        (status.status.as_str(), status.counts.failed),
        ("failed", 2)
    );
    for image in &status.images {
        let error = image.error.as_ref().unwrap();
        assert_eq!(error.code, "internal_error");
    }
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 10);
}

#[tokio::test]
async fn a_dead_letter_without_an_execution_is_started_after_all() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let prompt = unique("sepia");
    let keys = [user.photo().await];
    // Other batches wait for their start during this, which is a moment.
    let batch = engine
        .without("StartEdit", async {
            let batch = user.accepted(&keys, &prompt).await.batch_id;
            let work = &works(&batch, &keys)[0];
            assert_eq!(engine.executions(work.image).await.len(), 0);
            let wreck = queue_event(&[letter(work)]);
            let rescues = (0..3).map(|_| engine.consume("RescueImage", &wreck));
            for failures in join_all(rescues).await {
                assert_eq!(failures, [""; 0]);
            }
            assert_eq!(engine.executions(work.image).await.len(), 1);
            batch
        })
        .await;
    assert_eq!(user.finished(&batch).await.status, "completed");
    // By now the edit queue's own message has come, too.
    let_it_pass(&user).await;
    let work = &works(&batch, &keys)[0];
    assert_eq!(engine.executions(work.image).await.len(), 1);
    assert_eq!(stack.provider_calls(&prompt).await.len(), 1);
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 9);
}

/// A photo whose execution is in its wait.
async fn waiting(stack: &Stack, engine: &Engine, user: &User) -> ImageRef {
    // The outcome of such a call is unknown, so the next may be made in a while; nothing else waits for it.
    let prompt = unique("[[fault:overload:1]] blur");
    let batch = user.accepted(&[user.photo().await], &prompt).await.batch_id;
    wait_for("the provider's call", async || {
        let calls = stack.provider_calls(&prompt).await;
        (!calls.is_empty()).then_some(())
    })
    .await;
    let image = image(&batch, 0);
    engine.waits(image).await;
    image
}

#[tokio::test]
async fn an_execution_that_is_stopped_is_settled_without_help() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let image = waiting(&stack, &engine, &user).await;
    engine.stop(image).await;
    let batch = image.batch_id.to_string();
    let status = user.finished(&batch).await;
    assert_eq!(
        (status.status.as_str(), status.credits_refunded),
        ("failed", 1)
    );
    let error = status.images[0].error.as_ref().unwrap();
    assert_eq!(error.code, "internal_error");
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 10);
}

#[tokio::test]
async fn a_stopped_execution_whose_picture_is_there_is_completed_without_help() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let photos = Inside::deployed(&stack).photos;
    let image = waiting(&stack, &engine, &user).await;
    save_result(&photos, &user, image).await;
    engine.stop(image).await;
    let status = user.finished(&image.batch_id.to_string()).await;
    assert_eq!(
        (status.status.as_str(), status.credits_refunded),
        ("completed", 0)
    );
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 9);
}
