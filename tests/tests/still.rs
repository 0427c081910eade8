//! R3 while the parts of the road stand still, one after the other. A binary of its own, because other tests need the road
//! that is closed here.

use stack_tests::{User, engine::Engine, stack, unique, wait_for};

#[tokio::test]
async fn a_hundred_images_settle_by_themselves_after_their_road_stood_still() {
    let stack = stack!();
    let engine = Engine::of(&stack).await;
    let user = User::with_credits(&stack, 100).await;
    let photo = user.photo().await;
    let prompt = unique("sepia");
    let keys = vec![photo; 100];

    // The stream's consumer stands still while they are accepted, and the queue's until all of them wait there.
    let batch = engine
        .without("StartEdit", async {
            let accepted = async { user.accepted(&keys, &prompt).await.batch_id };
            let batch = engine.without("FanOut", accepted).await;
            wait_for("the messages", async || {
                (engine.queued().await >= 100).then_some(())
            })
            .await;
            assert_eq!(user.status(&batch).await.counts.pending, 100);
            batch
        })
        .await;
    let status = user.finished(&batch).await;
    assert_eq!(status.counts.completed, 100, "{status:?}");
    assert_eq!(stack.provider_calls(&prompt).await.len(), 100);
    engine.ledger(&user).await;
}
