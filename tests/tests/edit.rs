//! How edit-image ends where neither a prompt's fault nor a death makes it: asked as the workflow asks it.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]

use std::time::Duration;

use domain::{Format, ImageRef, Timestamp, result_key};
use serde_json::{Value, json};
use stack_tests::{
    User,
    engine::{Engine, letter, queue_event},
    function::OwnFunction,
    inside::Inside,
    proxy::{self, Request},
    stack, unique,
};

/// A call for an image that is over and bought nothing, as if the provider had been asked.
async fn ask_in_vain(inside: &Inside, image: ImageRef) {
    let now = Timestamp::now();
    let until = now.plus(Duration::from_mins(5));
    let ticket = inside.tables.claim(image, now, until).await.unwrap();
    inside.tables.release(&ticket, true).await.unwrap();
}

/// What edit-image answers in a process of its own.
async fn edit(engine: &Engine, change: (&str, String), task: &Value) -> Value {
    let function = OwnFunction::start(engine, "EditImage", &[change], task.clone()).await;
    function.answer().await.unwrap()
}

#[tokio::test]
async fn after_the_deadline_nothing_is_bought() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let prompt = unique("blur");
    let work = engine.quiet_batch(&user, 1, &prompt).await.remove(0);
    let task = engine.edit_task(&work).await;
    let batch = work.image.batch_id.to_string();
    let now = json!({ ":now": { "S": Timestamp::now() } });
    engine.tamper(&batch, "SET deadline = :now", &now).await;
    let answer = engine.invoke("EditImage", &task).await.unwrap();
    assert_eq!(
        (&answer["outcome"], &answer["code"]),
        (&json!("failed"), &json!("deadline_passed"))
    );
    assert_eq!(stack.provider_calls(&prompt).await.len(), 0);
    assert_eq!(user.status(&batch).await.images[0].provider_calls, 0);
}

#[tokio::test]
async fn a_photo_that_cannot_be_fetched_fails_at_the_tenth_time_and_other_refusals_do_not_count() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let inside = Inside::deployed(&stack);
    let work = engine
        .quiet_batch(&user, 1, &unique("blur"))
        .await
        .remove(0);
    let mut task = engine.edit_task(&work).await;
    // Nobody has put it there.
    task["verdict"]["key"] = json!(user.link("image/png", 10).await.key);
    for _ in 0..5 {
        ask_in_vain(&inside, work.image).await;
    }
    for time in 1..=10 {
        let url = ("PROVIDER_INPUT_FORM", "url".to_owned());
        let answer = edit(&engine, url, &task).await;
        if time < 10 {
            assert_eq!(answer["outcome"], "later", "{time}: {answer}");
        } else {
            assert_eq!(
                (&answer["outcome"], &answer["code"]),
                (&json!("failed"), &json!("photo_not_fetched"))
            );
        }
    }
    let status = user.status(&work.image.batch_id.to_string()).await;
    assert_eq!(status.images[0].provider_calls, 15);
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_tried_again_and_costs_no_image_its_chance() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let prompt = unique("blur");
    let work = engine.quiet_batch(&user, 1, &prompt).await.remove(0);
    let task = engine.edit_task(&work).await;
    // More often than a call of unknown outcome may be made.
    for _ in 0..3 {
        // Nobody listens there.
        let nowhere = ("PROVIDER_BASE_URL", "http://127.0.0.1:1/v1".to_owned());
        let answer = edit(&engine, nowhere, &task).await;
        assert_eq!(answer["outcome"], "later", "{answer}");
    }
    let answer = engine.invoke("EditImage", &task).await.unwrap();
    assert_eq!(answer["outcome"], "completed", "{answer}");
    assert_eq!(stack.provider_calls(&prompt).await.len(), 1);
}

/// Puts a result where edit-image would have put it.
async fn save_result(inside: &Inside, user: &User, image: ImageRef) {
    let key = result_key(&user.id().parse().unwrap(), image, Format::Png);
    let picture = stack_tests::photo(8, 8);
    let saved = inside.photos.put(&key, picture.into(), Format::Png).await;
    saved.unwrap();
}

#[tokio::test]
async fn a_result_that_was_saved_while_an_image_waited_for_its_turn_is_not_bought_again() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let inside = Inside::deployed(&stack);
    let prompt = unique("blur");
    let work = engine.quiet_batch(&user, 1, &prompt).await.remove(0);
    let (image, task) = (work.image, engine.edit_task(&work).await);
    ask_in_vain(&inside, image).await;
    let (saver, owner) = (inside.clone(), user.clone());
    let save = async move { save_result(&saver, &owner, image).await };
    let claims = |request: &Request| request.says("lease_id");
    let endpoint = proxy::meddled(&stack.aws_endpoint, claims, Box::pin(save)).await;
    let answer = edit(&engine, ("AWS_ENDPOINT_URL", endpoint), &task).await;
    assert_eq!(answer["outcome"], "completed", "{answer}");
    assert_eq!(stack.provider_calls(&prompt).await.len(), 0);
    // Nobody has to wait for the claim to run out.
    ask_in_vain(&inside, image).await;
}

#[tokio::test]
async fn a_settlement_that_keeps_failing_refunds_no_finished_picture() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let work = engine
        .quiet_batch(&user, 1, &unique("blur"))
        .await
        .remove(0);
    save_result(&Inside::deployed(&stack), &user, work.image).await;
    let denied = "com.amazonaws.dynamodb.v20120810#AccessDeniedException";
    let reads = |request: &Request| request.asks_for("BatchGetItem");
    let endpoint = proxy::refusing(&stack.aws_endpoint, denied, u32::MAX, reads).await;
    let failed = json!({ "outcome": "failed", "code": "test", "message": "It was a test." });
    let task = json!({ "image": work.image, "result": failed });
    for _ in 0..3 {
        let change = [("AWS_ENDPOINT_URL", endpoint.clone())];
        let settle = OwnFunction::start(&engine, "SettleImage", &change, task.clone()).await;
        let error = settle.answer().await.unwrap_err();
        assert_eq!(error.error_type, "aws_call_failed");
    }
    let batch = work.image.batch_id.to_string();
    assert_eq!(user.status(&batch).await.finished_at, None);

    // What EventBridge says of the execution that this was the end of.
    let wreck = queue_event(&[stack_tests::engine::bad_end(&work, "FAILED")]);
    assert_eq!(engine.consume("RescueImage", &wreck).await, [""; 0]);
    let status = user.status(&batch).await;
    assert_eq!(
        (status.status.as_str(), status.credits_refunded),
        ("completed", 0)
    );
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 9);
}

#[tokio::test]
async fn a_start_that_is_throttled_waits_and_fails_no_message() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    // Its execution is there already, so that nothing else comes of it.
    let work = engine
        .quiet_batch(&user, 1, &unique("blur"))
        .await
        .remove(0);
    let starts = |request: &Request| request.asks_for("StartExecution");
    // More often than the SDK tries by itself.
    let endpoint = proxy::refusing(&stack.aws_endpoint, "ThrottlingException", 6, starts).await;
    let change = [("AWS_ENDPOINT_URL", endpoint)];
    let event = queue_event(&[letter(&work)]);
    let start = OwnFunction::start(&engine, "StartEdit", &change, event).await;
    assert_eq!(
        start.answer().await.unwrap()["batchItemFailures"],
        json!([])
    );
}
