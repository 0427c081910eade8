//! What an operator does when something is wrong: it helps, and doing it twice does no more.

use aws::{AdjustError, Adjustment};
use domain::{AdjustRefused, Timestamp, pace::Rules};
use operator::{
    audit::{Options, audit},
    ops::{circuit, grant, letters, story},
};
use serde_json::json;
use stack_tests::{
    User,
    engine::{Engine, image, letter},
    inside::Inside,
    stack, unique, wait_for,
};
use std::time::Duration;
use uuid::Uuid;

fn adjustment(amount: i64) -> Adjustment {
    Adjustment {
        id: Uuid::new_v4(),
        amount,
        reason: "it was a test".to_owned(),
    }
}

#[tokio::test]
async fn a_grant_is_made_once_and_takes_no_more_than_there_is() {
    let stack = stack!();
    let inside = Inside::of(&stack).await;
    let tools = inside.tools(&stack);
    let user = inside.user(5).await;

    let gift = adjustment(7);
    let first = grant::grant(&tools, &user, &gift).await.unwrap();
    assert_eq!((first.balance_after, first.repeated), (12, false));
    let all = adjustment(-12);
    let taken = grant::grant(&tools, &user, &all).await.unwrap();
    assert_eq!((taken.change, taken.balance_after), (-12, 0));
    // Also that which the balance could not cover again.
    for (adjustment, balance_after) in [(&gift, 12), (&all, 0)] {
        let again = grant::grant(&tools, &user, adjustment).await.unwrap();
        assert_eq!((again.balance_after, again.repeated), (balance_after, true));
    }
    assert_eq!(inside.balance(&user).await, 0);

    let now = Timestamp::now();
    let more = inside.tables.adjust(&user, &adjustment(-1), now).await;
    let is_refused = matches!(
        more,
        Err(AdjustError::Refused(AdjustRefused::Insufficient(_)))
    );
    assert!(is_refused, "{more:?}");
    let other = Adjustment { amount: 8, ..gift };
    let reused = inside.tables.adjust(&user, &other, now).await;
    assert!(
        matches!(reused, Err(AdjustError::IdReused(_))),
        "{reused:?}"
    );
    let nobody = unique("nobody").parse().unwrap();
    let nobody = inside.tables.adjust(&nobody, &adjustment(1), now).await;
    assert!(
        matches!(nobody, Err(AdjustError::NoAccount(_))),
        "{nobody:?}"
    );

    let report = audit(&tools, &Options::default()).await.unwrap();
    assert!(report.is_sound() && report.accounts == 1, "{report}");
}

#[tokio::test]
async fn an_open_circuit_is_shown_and_closed() {
    let stack = stack!();
    let inside = Inside::of(&stack).await;
    let tools = inside.tools(&stack);
    let untouched = circuit::look(&tools).await.unwrap();
    assert_eq!((untouched.open, untouched.epoch), (None, 0));

    let now = Timestamp::now();
    let rules = Rules {
        pace: "5".parse().unwrap(),
        probe_every: Duration::from_mins(1),
    };
    let opened = inside.tables.open_circuit(rules, "no money", now);
    opened.await.unwrap();
    let open = circuit::look(&tools).await.unwrap().open.unwrap();
    assert_eq!(
        (open.since, open.reason.as_deref()),
        (now, Some("no money"))
    );

    for was_open in [true, false] {
        let reset = circuit::reset(&tools).await.unwrap();
        assert_eq!(reset.before.open.is_some(), was_open);
        assert_eq!((reset.now.open, reset.now.epoch), (None, 1));
    }
}

#[tokio::test]
async fn dead_letters_are_listed_and_sent_on_their_way_again() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let tools = Inside::deployed(&stack).tools(&stack);
    // Nobody will settle its images, unless the rescue is told of the first, and reconcile looks before it is due.
    let works = engine.quiet_batch(&user, 2, "blur").await;
    let work = works.first().unwrap();
    let lost = engine
        .put_letter(&stack, "LostQueueUrl", &letter(work))
        .await;
    let failure = json!({ "DDBStreamBatchInfo": { "shardId": "shard-of-a-test" } }).to_string();
    let failure = engine
        .put_letter(&stack, "FanOutFailureQueueUrl", &failure)
        .await;

    // Looking at them takes none away.
    for _ in 0..2 {
        let listed = letters::list(&tools).await.unwrap().0;
        let about = |id: &str| {
            let letter = listed.iter().find(|letter| letter.message_id == id);
            letter.unwrap().about.clone()
        };
        assert_eq!(about(&lost), letters::About::Image(work.image));
        let shard = letters::About::Shard("shard-of-a-test".to_owned());
        assert_eq!(about(&failure), shard);
    }

    let redriven = letters::redrive(&tools).await.unwrap();
    assert!(redriven.rescued >= 1 && redriven.fan_out >= 1, "{redriven}");
    assert!(redriven.batches_due >= 1, "{redriven}");
    let batch = work.image.batch_id.to_string();
    engine.tick().await;
    assert_eq!(user.finished(&batch).await.counts.failed, 2);
    wait_for("both queues to be empty", async || {
        let left = letters::list(&tools).await.unwrap().0;
        left.is_empty().then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_batch_is_explained() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let tools = Inside::deployed(&stack).tools(&stack);
    let missing = user.link("image/png", 10).await.key;
    let keys = [user.photo().await, missing];
    let prompt = unique("sepia");
    let batch = user.accepted(&keys, &prompt).await.batch_id;
    user.finished(&batch).await;

    let id = image(&batch, 0).batch_id;
    // The execution ends a moment after its image is settled.
    let story = wait_for("the end of both executions", async || {
        let story = story::tell(&tools, id).await.unwrap();
        let ended = |it: &story::Standing| it.execution.as_deref() == Some("succeeded");
        story.images.iter().all(ended).then_some(story)
    })
    .await;
    let text = story.to_string();
    let order = [
        "submitted",
        "debit -2",
        "first claimed",
        "completed after 1",
    ];
    let places: Vec<_> = order.iter().map(|what| text.find(what)).collect();
    assert!(
        places.is_sorted() && places.iter().all(Option::is_some),
        "{text}"
    );
    assert!(text.contains("refund +1"), "{text}");
    let objects: Vec<_> = story.images.iter().map(|it| it.objects.len()).collect();
    assert_eq!(objects, [2, 0], "upload and result, and neither: {text}");
    assert!(!json!(story).to_string().contains(&prompt), "{story:?}");

    let unknown = story::tell(&tools, image(&Uuid::new_v4().to_string(), 0).batch_id).await;
    assert!(unknown.is_err(), "{unknown:?}");
}
