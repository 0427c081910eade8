//! R3 while the parts of the road stand still, each in the middle of a batch. A binary of its own, because other tests need
//! the road that is closed here, and one test, because so do its parts.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]

use domain::{Format, ImageRef, result_key};
use stack_tests::{Stack, User, engine::Engine, inside::Inside, stack, unique, wait_for};

/// Images of a batch.
const IMAGES: usize = 100;
/// Of which so many have to be through before something stands still.
const FIRST: u32 = 10;
/// Messages that are still in the queue then.
const LEFT: usize = 60;
/// After how many seconds what the rescue cannot settle yet comes again: as the template has it, and for this test.
const PATIENT: u32 = 450;
const IMPATIENT: u32 = 3;

/// Somebody, and a hundred photos that are one.
struct Anna {
    user: User,
    keys: Vec<String>,
    prompt: String,
}

impl Anna {
    async fn new(stack: &Stack) -> Self {
        let user = User::with_credits(stack, u32::try_from(IMAGES).unwrap()).await;
        let keys = vec![user.photo().await; IMAGES];
        Self {
            user,
            keys,
            prompt: unique("sepia"),
        }
    }

    async fn accepted(&self) -> String {
        self.user.accepted(&self.keys, &self.prompt).await.batch_id
    }

    /// Waits until the first images are completed.
    async fn is_in_the_middle_of(&self, batch: &str) {
        wait_for("the first images", async || {
            let counts = self.user.status(batch).await.counts;
            (counts.completed >= FIRST).then_some(())
        })
        .await;
    }

    /// All is settled: so many are completed, each paid for and bought once, and the others have come back.
    async fn assert_settled(&self, stack: &Stack, engine: &Engine, batch: &str) -> u32 {
        let status = self.user.finished(batch).await;
        let counts = &status.counts;
        let settled = counts.completed + counts.failed;
        assert_eq!(settled as usize, IMAGES, "{status:?}");
        assert_eq!(status.credits_refunded, u64::from(counts.failed));
        let entries = engine.ledger(&self.user).await;
        let refunds = entries.iter().filter(|it| it.id.starts_with("refund#"));
        assert_eq!(refunds.count(), counts.failed as usize);
        let balance = self.user.account().await.credits;
        assert_eq!(balance, u64::from(counts.failed));
        let calls = stack.provider_calls(&self.prompt).await;
        assert_eq!(calls.len(), counts.completed as usize);

        let inside = Inside::deployed(stack);
        inside
            .assert_sound(stack, self.user.id(), &[batch.to_owned()])
            .await;
        counts.completed
    }
}

/// Lets the claims of stopped executions run out, which takes minutes: those whose calls have ended, of which nothing
/// but the claim is left.
async fn let_claims_run_out(stack: &Stack, engine: &Engine, user: &User, stopped: &[ImageRef]) {
    let photos = Inside::deployed(stack).photos;
    let id = user.id().parse().unwrap();
    let batch = stopped.first().unwrap().batch_id.to_string();
    wait_for("the end of what was stopped", async || {
        let status = user.status(&batch).await;
        let is_open = |image: &&ImageRef| {
            let mut images = status.images.iter();
            let found = images.find(|it| it.index == image.index).unwrap();
            ["pending", "processing"].contains(&found.status.as_str())
        };
        let open: Vec<_> = stopped.iter().filter(is_open).collect();
        for &&image in &open {
            let result = result_key(&id, image, Format::Png);
            if photos.exists(&result).await.unwrap() {
                // The rescue, or an answer that was on its way, may have been faster.
                engine.end_lease(image).await;
            }
        }
        open.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_hundred_images_settle_by_themselves_after_their_road_stood_still() {
    let stack = stack!();
    let engine = Engine::of(&stack).await;

    // The stream's consumer stands still while they are accepted, and the queue's after the first of them: some messages
    // are in the hands of a consumer that has died, and come back while nobody takes any.
    let anna = Anna::new(&stack).await;
    let accepting = async {
        let batch = engine.without("FanOut", anna.accepted()).await;
        wait_for("the messages", async || {
            (engine.queued().await >= IMAGES as u64).then_some(())
        })
        .await;
        assert_eq!(anna.user.status(&batch).await.counts.pending, 100);
        (batch, engine.hold_messages(LEFT).await)
    };
    let (batch, held) = engine.without("StartEdit", accepting).await;
    anna.is_in_the_middle_of(&batch).await;
    let standing = async {
        engine.put_back(&held).await;
        wait_for("the messages that came back", async || {
            (engine.queued().await >= LEFT as u64).then_some(())
        })
        .await;
        let counts = anna.user.status(&batch).await.counts;
        assert!(counts.pending as usize >= LEFT, "{counts:?}");
    };
    engine.without("StartEdit", standing).await;
    let completed = anna.assert_settled(&stack, &engine, &batch).await;
    assert_eq!(completed as usize, IMAGES);

    // The workflow stands still: whatever of it runs is stopped. An edit takes its time, or none might just run.
    let anna = Anna {
        prompt: unique("sepia [[fault:slow:1]]"),
        ..Anna::new(&stack).await
    };
    engine
        .set_patience(&stack, "RescueQueueUrl", IMPATIENT)
        .await;
    let batch = anna.accepted().await;
    anna.is_in_the_middle_of(&batch).await;
    let stopped = engine.stop_all(&batch).await;
    assert!(!stopped.is_empty());
    let_claims_run_out(&stack, &engine, &anna.user, &stopped).await;
    let completed = anna.assert_settled(&stack, &engine, &batch).await;
    assert!(completed >= FIRST);
    engine.set_patience(&stack, "RescueQueueUrl", PATIENT).await;
}
