//! The provider is out of money: everything waits, nothing is refunded, and one image at a time finds out when it is over.
//! A binary of its own, because while the circuit is open no other test's images pass either.

use api::SubmitResponse;
use serde_json::json;
use stack_tests::{User, stack, unique, wait_for};

#[tokio::test]
async fn without_money_images_wait_and_with_money_they_are_completed() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let prompt = unique("sepia");
    stack.add_fault("out_of_money", &prompt).await;
    let photo = user.photo().await;
    let images: Vec<_> = std::iter::repeat_n(json!({ "key": photo }), 5).collect();
    let body = json!({ "images": images, "prompt": prompt });
    let batch = user
        .submit(&unique("key"), &body)
        .await
        .expect::<SubmitResponse>(202)
        .batch_id;

    // At least one probe after the circuit has opened has found that there is still no money.
    wait_for("the provider to be asked again", async || {
        let status = user.status(&batch).await;
        assert_eq!(
            (status.counts.failed, status.credits_refunded),
            (0, 0),
            "nothing is refunded"
        );
        let calls: u32 = status.images.iter().map(|image| image.provider_calls).sum();
        (calls > 5).then_some(())
    })
    .await;
    stack.clear_faults(&prompt).await;

    let status = user.finished(&batch).await;
    assert_eq!(
        (status.status.as_str(), status.counts.completed),
        ("completed", 5)
    );
    assert_eq!(user.account().await.credits, 5);
    let bought = stack
        .provider_calls(&prompt)
        .await
        .into_iter()
        .filter(|call| call["bought"] == true);
    assert_eq!(bought.count(), 5);
}
