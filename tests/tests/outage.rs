//! Whatever only the provider's operator can mend (no money, a bad key) costs no image its chance and no user a credit.
//! A binary of its own, because while the circuit is open no other test's images pass either.

use api::SubmitResponse;
use serde_json::json;
use stack_tests::{
    User, engine::Engine, function::OwnFunction, inside::Inside, stack, unique, wait_for,
};

#[tokio::test]
async fn images_wait_for_the_operator_and_nothing_is_refunded() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let photo = user.photo().await;
    let prompts = [
        "out_of_money",
        "credit_balance_exhausted",
        "spend_limit",
        "bad_key",
        "not_verified",
    ]
    .map(|fault| unique(&format!("[[fault:{fault}:1]] blur")));
    let images: Vec<_> = prompts
        .iter()
        .map(|prompt| json!({ "key": photo, "prompt": prompt }))
        .collect();
    let body = json!({ "images": images });
    let submitted: SubmitResponse = user.submit(&unique("key"), &body).await.expect(202);

    let status = wait_for("the end of the outage", async || {
        let status = user.status(&submitted.batch_id).await;
        assert_eq!((status.credits_spent, status.credits_refunded), (5, 0));
        assert!(status.images.iter().all(|image| image.error.is_none()));
        status.finished_at.is_some().then_some(status)
    })
    .await;
    assert_eq!(
        (status.status.as_str(), status.counts.completed),
        ("completed", 5)
    );
    for (image, prompt) in status.images.iter().zip(&prompts) {
        assert_eq!(image.provider_calls, 2, "{prompt}");
        let calls = stack.provider_calls(prompt).await;
        let bought: Vec<_> = calls.iter().map(|call| call["bought"] == true).collect();
        assert_eq!(bought, [false, true], "{prompt}");
    }
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 5);
}

#[tokio::test]
async fn what_is_configured_wrongly_opens_the_circuit_and_what_is_put_right_closes_it() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let inside = Inside::deployed(&stack);
    let prompt = unique("blur");
    let works = engine.quiet_batch(&user, 1, &prompt).await;
    let task = engine.edit_task(&works[0]).await;
    let wrong = [("PROVIDER_MODEL", "no-such-model".to_owned())];
    // As the probe, if the circuit is open for another reason, and once more if another's probe closes it meanwhile.
    wait_for("the circuit to open for this reason", async || {
        let function = OwnFunction::start(&engine, "EditImage", &wrong, task.clone()).await;
        let answer = function.answer().await.unwrap();
        assert_eq!(answer["outcome"], "later", "{answer}");
        let gate = engine.records(&inside.batches_table, "GATE").await;
        (gate[0]["reason"]["S"] == "provider_misconfigured").then_some(())
    })
    .await;
    wait_for("the probe", async || {
        let answer = engine.invoke("EditImage", &task).await.unwrap();
        (answer["outcome"] == "completed").then_some(())
    })
    .await;
}
