//! R1, R2, R4: nobody spends what they have not, nobody pays twice, nobody pays for what failed.

use api::SubmitResponse;
use aws::{Intake, SubmitError, Wanted};
use domain::{
    BatchId, Draft, Limits, NoRoom, PriceTable, Room, Timestamp, UserId, timing::TimeLimits,
};
use futures::future::join_all;
use serde_json::json;
use stack_tests::{
    Answer, User,
    engine::Engine,
    inside::{self, Inside},
    stack, unique, wait_for,
};

#[tokio::test]
async fn sixty_submits_at_once_spend_ten_credits_exactly() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let photo = user.photo().await;
    // Nobody has asked for the account yet: these submits open it, too.
    let body = json!({ "images": [{ "key": photo }], "prompt": "brighter" });
    let keys: Vec<_> = (0..60).map(|_| unique("key")).collect();
    // No answer in time says nothing of what came of it: who gets none asks again under the same key. That is the door's
    // own 503; one of ours, which has a code, is none of the answers below.
    let in_time = |answer: &Answer| !answer.is_late();
    let submit = async |key| {
        wait_for("an answer", async || {
            Some(user.submit(key, &body).await).filter(in_time)
        })
        .await
    };
    let answers = join_all(keys.iter().map(|key| submit(key))).await;
    let (accepted, refused): (Vec<_>, Vec<_>) =
        answers.iter().partition(|answer| answer.status == 202);
    assert_eq!(accepted.len(), 10);
    for answer in refused {
        let problem = answer.problem(402, "insufficient_credits");
        assert_eq!(
            (problem.credits_needed, problem.credits),
            (Some(1), Some(0))
        );
    }
    let mut balances = Vec::new();
    for answer in accepted {
        let submitted: SubmitResponse = answer.expect(202);
        balances.push(submitted.credits);
        assert_eq!(user.finished(&submitted.batch_id).await.status, "completed");
    }
    balances.sort_unstable();
    assert_eq!(balances, (0..10).collect::<Vec<_>>());
    assert_eq!(user.account().await.credits, 0);
}

#[tokio::test]
async fn a_repeated_key_is_one_batch_and_one_debit() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let photo = user.photo().await;
    // It costs everything there is: a repeat finds an empty account, and must still get the first answer.
    let images: Vec<_> = std::iter::repeat_n(json!({ "key": photo }), 10).collect();
    let body = json!({ "images": images, "prompt": "darker" });
    let key = unique("key");
    let answers = join_all((0..20).map(|_| user.submit(&key, &body))).await;
    let first: SubmitResponse = answers[0].expect(202);
    assert_eq!((first.credits_spent, first.credits), (10, 0));
    for answer in answers {
        assert_eq!(answer.expect::<SubmitResponse>(202), first);
    }
    assert_eq!(user.account().await.credits, 0);
    user.finished(&first.batch_id).await;
    assert_eq!(
        user.submit(&key, &body).await.expect::<SubmitResponse>(202),
        first
    );
}

#[tokio::test]
async fn a_reused_key_is_refused_and_costs_nothing() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let photo = user.photo().await;
    let body = |prompt: &str| json!({ "images": [{ "key": photo }], "prompt": prompt });
    let key = unique("key");
    user.submit(&key, &body("blur"))
        .await
        .expect::<SubmitResponse>(202);
    user.submit(&key, &body("sepia"))
        .await
        .problem(422, "idempotency_key_reused");
    assert_eq!(user.account().await.credits, 9);

    // Another user's equal key is their own.
    let other = User::new(&stack).await;
    let body = json!({ "images": [{ "key": other.photo().await }], "prompt": "blur" });
    other
        .submit(&key, &body)
        .await
        .expect::<SubmitResponse>(202);
}

#[tokio::test]
async fn an_image_that_fails_is_refunded_and_the_others_are_not() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let declined = "[[fault:moderation]]";
    let body = json!({
        "images": [
            { "key": user.photo().await },
            { "key": user.photo().await, "prompt": declined },
        ],
        "prompt": "sepia",
    });
    let submitted: SubmitResponse = user.submit(&unique("key"), &body).await.expect(202);
    assert_eq!(submitted.credits, 8);
    let status = user.finished(&submitted.batch_id).await;
    assert_eq!(status.status, "completed");
    assert_eq!((status.counts.completed, status.counts.failed), (1, 1));
    assert_eq!((status.credits_spent, status.credits_refunded), (2, 1));
    assert!(status.images[0].result_url.is_some());
    let failed = &status.images[1];
    assert_eq!(
        (failed.status.as_str(), failed.result_url.as_ref()),
        ("failed", None)
    );
    assert_eq!(
        failed.error.as_ref().map(|error| error.code.as_str()),
        Some("moderation_blocked")
    );
    assert_eq!(user.account().await.credits, 9);
}

#[tokio::test]
async fn what_is_no_photo_is_refunded_and_never_sent_to_the_provider() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let never_uploaded = user.link("image/png", 10).await.key;
    let text = user.upload("image/png", b"this is no photo".to_vec()).await;
    let mut cut = stack_tests::photo(200, 200);
    cut.truncate(cut.len() - 20);
    let cut = user.upload("image/png", cut).await;
    let prompt = unique("vignette");
    let batch = user
        .accepted(&[never_uploaded, text, cut], &prompt)
        .await
        .batch_id;
    let status = user.finished(&batch).await;
    assert_eq!(status.status, "failed");
    let codes: Vec<_> = status
        .images
        .iter()
        .flat_map(|image| &image.error)
        .map(|error| error.code.as_str())
        .collect();
    assert_eq!(
        codes,
        ["photo_missing", "photo_type_unknown", "photo_truncated"]
    );
    assert_eq!(user.account().await.credits, 10);
    assert_eq!(stack.provider_calls(&prompt).await.len(), 0);
}

#[tokio::test]
async fn a_call_that_was_cut_is_repeated_once_and_paid_once() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let (once, always) = (
        unique("[[fault:cut:1]] blur"),
        unique("[[fault:cut_answer]] blur"),
    );
    let body = json!({
        "images": [
            { "key": user.photo().await, "prompt": once },
            { "key": user.photo().await, "prompt": always },
        ],
    });
    let submitted: SubmitResponse = user.submit(&unique("key"), &body).await.expect(202);
    let status = user.finished(&submitted.batch_id).await;
    let seen: Vec<_> = status
        .images
        .iter()
        .map(|image| (image.status.as_str(), image.provider_calls))
        .collect();
    assert_eq!(seen, [("completed", 2), ("failed", 2)]);
    assert_eq!(
        status.images[1]
            .error
            .as_ref()
            .map(|error| error.code.as_str()),
        Some("provider_outcome_unknown")
    );
    assert_eq!(stack.provider_calls(&once).await.len(), 2);
    assert_eq!(stack.provider_calls(&always).await.len(), 2);
    assert_eq!(user.account().await.credits, 9);
}

#[tokio::test]
async fn a_rate_limited_image_waits_and_is_completed() {
    let stack = stack!();
    let user = User::new(&stack).await;
    let prompt = unique("[[fault:rate_limit:2]] blur");
    let batch = user.accepted(&[user.photo().await], &prompt).await.batch_id;
    let status = user.finished(&batch).await;
    assert_eq!(
        (status.status.as_str(), status.images[0].provider_calls),
        ("completed", 3)
    );
    assert_eq!(user.account().await.credits, 9);
}

#[tokio::test]
async fn the_welcome_is_once_for_an_address_however_it_is_spelled() {
    let stack = stack!();
    let name = unique("anna");
    let first = User::with_email(&stack, &format!("{name}@example.com")).await;
    // Asked for at once and often, it is still given once.
    let accounts = join_all((0..10).map(|_| first.account())).await;
    assert!(accounts.iter().all(|account| account.credits == 10));
    let again = User::with_email(&stack, &format!("{name}+again@example.com")).await;
    assert_eq!(again.account().await.credits, 0);
    assert_ne!(again.account().await.user_id, accounts[0].user_id);
}

#[tokio::test]
async fn nobody_has_more_images_open_than_one_may() {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let tables = Inside::deployed(&stack).tables;
    // They stay open until somebody settles them.
    let open = engine.quiet_batch(&user, 2, "blur").await;
    let id: UserId = user.id().parse().unwrap();
    let intake = |max_open_images| {
        let limits = Limits {
            max_open_images,
            ..Limits::default()
        };
        let room = Room::new("6000".parse().unwrap(), &limits);
        let times = TimeLimits::default();
        Intake::new(tables.clone(), room, PriceTable::default(), times)
    };
    let photos = [inside::image(&id, None), inside::image(&id, None)];
    let accept = async |most: u32, key: &str, images: usize| {
        let draft = Draft {
            images: photos[..images].to_vec(),
            prompt: "blur".to_owned(),
            ..Draft::default()
        };
        let wanted = Wanted {
            batch_id: BatchId::derive(&id, &key.parse().unwrap()),
            user: id.clone(),
            submission: draft.check(&id, &Limits::default()).unwrap(),
            retry_of: None,
        };
        let account = tables.known_account(&id).await.unwrap();
        intake(most).accept(wanted, account).await
    };
    // The index over a user's batches is a moment behind.
    wait_for("the open images", async || {
        let counted = tables.open_images(&id, Timestamp::now()).await.unwrap();
        (counted == open.len() as u64).then_some(())
    })
    .await;
    let refused = accept(3, &unique("key"), 2).await.unwrap_err();
    let expected = NoRoom::TooManyOpen { open: 2, most: 3 };
    assert!(
        matches!(&refused, SubmitError::NoRoom(full) if *full == expected),
        "{refused}"
    );
    assert_eq!(user.account().await.credits, 8);
    let key = unique("key");
    assert!(!accept(3, &key, 1).await.unwrap().repeated);
    // What has been accepted needs no room.
    let again = accept(1, &key, 1).await;
    assert!(matches!(again, Ok(again) if again.repeated));
}
