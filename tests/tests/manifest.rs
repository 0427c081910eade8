//! R3 at its root: what a batch is to do is written whole or not at all, however much it is, and fan-out believes
//! nothing less. On tables and a queue of its own: no stream leads to or from them.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]

use domain::{BatchId, Draft, ImageRef, Limits, Submission, UserId, Work};
use serde_json::Value;
use stack_tests::{
    engine::{Engine, TaskFailed, stream_event},
    function::OwnFunction,
    inside::{Inside, image},
    stack,
};

/// So many characters of many alphabets.
fn text(chars: usize) -> String {
    let words = "Mach es blau, größer, 明るく und schön 🙂\u{ffff} - καλά! ";
    words.chars().cycle().take(chars).collect()
}

/// A submit with prompts as long as they may be: every image its own, and the shared one.
fn longest(user: &UserId, images: u32) -> Submission {
    let limits = Limits::default();
    // A blank at its end would be trimmed.
    let prompt = |chars: u32| format!("{}!", text(chars as usize - 1));
    let own = prompt(limits.max_image_prompt_chars);
    let draft = Draft {
        images: (0..images)
            .map(|_| image(user, Some(own.clone())))
            .collect(),
        prompt: prompt(limits.max_prompt_chars),
        ..Draft::default()
    };
    draft.check(user, &limits).unwrap()
}

/// What DynamoDB takes in one transaction. The engine refuses more, too, and counts in `\u` escapes, so earlier.
const TRANSACTION_BYTES: usize = 4_000_000;

#[tokio::test]
async fn five_hundred_images_with_the_longest_prompts_are_one_transaction_and_read_back_whole() {
    let inside = Inside::of(&stack!()).await;
    let user = inside.user(500).await;
    let submission = longest(&user, Limits::default().max_images_per_batch);
    // JSON takes more room than a record does.
    let bytes = serde_json::to_vec(&submission).unwrap().len();
    assert!(bytes < TRANSACTION_BYTES, "{bytes}");

    let batch = inside.accepted(&user, &submission).await;
    assert_eq!((batch.total, batch.open), (500, 500));
    assert_eq!(inside.balance(&user).await, 0);
    let id = batch.batch_id;
    let found = inside.tables.batch_in_full(id).await.unwrap().unwrap();
    assert_eq!(found.batch, batch);
    assert!(found.prompt == submission.prompt && found.jobs == submission.jobs);
    let (_, jobs) = inside.tables.manifest(id).await.unwrap().unwrap();
    assert!(jobs == submission.jobs);
    let order = inside.tables.order(id).await.unwrap().unwrap();
    assert!(order.prompt == submission.prompt);
}

/// Runs fan-out over these tables and into this queue.
async fn fan_out(
    engine: &Engine,
    inside: &Inside,
    queue: &str,
    batch: BatchId,
) -> Result<Value, TaskFailed> {
    let variables = [
        ("CREDITS_TABLE", inside.credits_table.clone()),
        ("BATCHES_TABLE", inside.batches_table.clone()),
        ("EDIT_QUEUE_URL", queue.to_owned()),
    ];
    let event = stream_event(&[&batch.to_string()]);
    let function = OwnFunction::start(engine, "FanOut", &variables, event).await;
    function.answer().await
}

#[tokio::test]
async fn fan_out_sends_nothing_until_the_manifest_is_whole_and_then_all_of_it() {
    let stack = stack!();
    let (engine, inside) = (Engine::of(&stack).await, Inside::of(&stack).await);
    let user = inside.user(100).await;
    let submission = longest(&user, 100);
    let id = inside.accepted(&user, &submission).await.batch_id;
    let (pk, queue) = (format!("BATCH#{id}"), engine.queue().await);

    for (missing, code) in [
        ("META", "batch_missing"),
        ("MANIFEST#0001", "manifest_incomplete"),
        ("MANIFEST#0002", "manifest_incomplete"),
    ] {
        let table = &inside.batches_table;
        let record = engine.take_record(table, &pk, missing).await;
        // The error is what makes the stream bring the record again.
        let error = fan_out(&engine, &inside, &queue, id).await.unwrap_err();
        assert_eq!(error.error_type, code, "{missing}");
        assert!(error.error_message.contains(&id.to_string()), "{error:?}");
        let sent: Vec<Work> = engine.take_messages(&queue).await;
        assert_eq!(sent, [], "{missing}");
        engine.put_record(table, record).await;
    }

    assert_eq!(fan_out(&engine, &inside, &queue, id).await, Ok(Value::Null));
    let mut sent: Vec<Work> = engine.take_messages(&queue).await;
    sent.sort_by_key(|work| work.image.index);
    let expected = (0..).zip(submission.jobs).map(|(index, job)| Work {
        image: ImageRef {
            batch_id: id,
            index,
        },
        key: job.key,
        prompt: job.prompt,
    });
    assert!(sent.into_iter().eq(expected));
}
