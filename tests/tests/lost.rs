//! Stream records and messages that are lost for good. A binary of its own, because other
//! tests need the road that is closed here.

use serde_json::json;
use stack_tests::{User, engine::Engine, inside::Inside, stack, unique};

#[tokio::test]
async fn what_the_stream_and_the_queue_have_lost_is_found() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let inside = Inside::deployed(&stack);
    let keys = [user.photo().await, user.photo().await];

    // The stream's record is not handled; reconcile sends the images itself.
    let prompt = unique("sepia");
    let status = engine
        .without("FanOut", async {
            let batch = user.accepted(&keys, &prompt).await.batch_id;
            let report = engine.reconcile(&inside, &batch).await;
            assert_eq!(report["sent"], 2, "{report}");
            user.finished(&batch).await
        })
        .await;
    assert_eq!(status.counts.completed, 2);
    assert_eq!(stack.provider_calls(&prompt).await.len(), 2);

    // The messages are lost.
    let prompt = unique("blur");
    let batch = engine
        .without("StartEdit", async {
            let batch = user.accepted(&keys, &prompt).await.batch_id;
            // Perhaps fan-out has not sent them yet: it may as well come late.
            engine.lose_messages().await;
            batch
        })
        .await;
    engine.reconcile(&inside, &batch).await;
    assert_eq!(user.finished(&batch).await.counts.completed, 2);
    assert_eq!(stack.provider_calls(&prompt).await.len(), 2);

    // Nobody has started them, and it is too late to.
    let batch = engine
        .without("FanOut", async {
            let batch = user.accepted(&keys, "invert").await.batch_id;
            let passed = json!({ ":passed": { "S": "2020-01-01T00:00:00.000Z" } });
            engine
                .tamper(&batch, "SET deadline = :passed", &passed)
                .await;
            engine.reconcile(&inside, &batch).await;
            batch
        })
        .await;
    let status = user.status(&batch).await;
    assert_eq!(status.counts.failed, 2);
    for image in &status.images {
        assert_eq!(
            image.error.as_ref().map(|error| &*error.code),
            Some("deadline_passed")
        );
    }
    assert_eq!(user.account().await.credits, 6);
    engine.ledger(&user).await;
}
