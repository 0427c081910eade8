//! R2 and R5 against everything that the provider can do to us, through the public API: how the image ends, what its
//! user is told, how often the provider was asked, and what the real one would have sent a bill for.

use api::SubmitResponse;
use futures::future::join_all;
use serde_json::json;
use stack_tests::{Stack, User, engine::Engine, pixels, stack, unique};

const MODERATION: &str = "moderation_blocked";
const REFUSED: &str = "edit_refused";
const UNKNOWN: &str = "provider_outcome_unknown";

/// What a fault leads to.
struct Case {
    /// Markers of the stand-in; one with a count strikes so often, one without strikes always.
    faults: &'static str,
    /// The error's code; `None` for an image that is completed.
    code: Option<&'static str>,
    calls: u32,
    bought: usize,
}

const fn completed(faults: &'static str, calls: u32, bought: usize) -> Case {
    Case {
        faults,
        code: None,
        calls,
        bought,
    }
}

const fn failed(faults: &'static str, code: &'static str, calls: u32, bought: usize) -> Case {
    Case {
        faults,
        code: Some(code),
        calls,
        bought,
    }
}

/// Submits one image a case, and sees how each of them ends.
async fn check(cases: &[Case]) {
    let stack = stack!();
    let engine = Engine::of(&stack).await;
    // As many as the welcome pays for, at once: most of the time is spent waiting.
    join_all(
        cases
            .chunks(10)
            .map(|cases| check_batch(&stack, &engine, cases)),
    )
    .await;
}

#[expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]
async fn check_batch(stack: &Stack, engine: &Engine, cases: &[Case]) {
    let user = User::new(stack).await;
    let photo = user.photo().await;
    let prompts: Vec<_> = cases
        .iter()
        .map(|case| unique(&format!("{} blur", case.faults)))
        .collect();
    let images: Vec<_> = prompts
        .iter()
        .map(|prompt| json!({ "key": photo, "prompt": prompt }))
        .collect();
    let body = json!({ "images": images, "options": { "size": "1024x1024" } });
    let submitted: SubmitResponse = user.submit(&unique("key"), &body).await.expect(202);
    let status = user.finished(&submitted.batch_id).await;

    let mut price = 0;
    for ((case, prompt), image) in cases.iter().zip(&prompts).zip(&status.images) {
        let faults = case.faults;
        let error = image.error.as_ref();
        assert_eq!(
            (error.map(|error| error.code.as_str()), image.provider_calls),
            (case.code, case.calls),
            "{faults}"
        );
        let calls = stack.provider_calls(prompt).await;
        let bought = calls.iter().filter(|call| call["bought"] == true).count();
        assert_eq!(
            (calls.len(), bought),
            (case.calls as usize, case.bought),
            "{faults}"
        );
        if let Some(error) = error {
            assert_eq!(image.status, "failed", "{faults}");
            assert!(error.message.ends_with('.'), "{faults}: {}", error.message);
            assert_eq!(image.result_url, None, "{faults}");
        } else {
            assert_eq!(image.status, "completed", "{faults}");
            let result = user.download(image.result_url.as_deref().unwrap()).await;
            assert!(result.starts_with(b"\x89PNG"), "{faults}");
            assert_eq!(pixels(&result).dimensions(), (1024, 1024), "{faults}");
            price += 1;
        }
    }
    assert_eq!(
        (status.credits_spent, status.credits_refunded),
        (cases.len() as u64, cases.len() as u64 - price)
    );
    engine.ledger(&user).await;
    assert_eq!(user.account().await.credits, 10 - price);
}

#[tokio::test]
async fn a_fault_that_passes_costs_time_and_one_more_picture_at_most() {
    check(&[
        // Nothing was bought, and that is known: as often as it takes.
        completed("[[fault:rate_limit:1]]", 2, 1),
        completed("[[fault:slow_down:3]]", 4, 1),
        completed("[[fault:slow:1]]", 1, 1),
        // Nothing was bought, but who knows.
        completed("[[fault:server_error:1]]", 2, 1),
        completed("[[fault:bad_gateway:1]]", 2, 1),
        completed("[[fault:overload:1]]", 2, 1),
        // The picture was bought, and lost or spoiled on its way.
        completed("[[fault:gateway_timeout:1]]", 2, 2),
        completed("[[fault:cut:1]]", 2, 2),
        completed("[[fault:cut_answer:1]]", 2, 2),
        completed("[[fault:garbage:1]]", 2, 2),
        completed("[[fault:empty_data:1]]", 2, 2),
        completed("[[fault:truncated_image:1]]", 2, 2),
        completed("[[fault:wrong_format:1]]", 2, 2),
        completed("[[fault:cut:1]] [[fault:rate_limit:2]]", 4, 2),
    ])
    .await;
}

#[tokio::test]
async fn a_fault_that_stays_ends_the_image_and_is_refunded() {
    check(&[
        failed("[[fault:moderation]]", MODERATION, 1, 0),
        failed("[[fault:bad_image]]", REFUSED, 1, 0),
        failed(
            "[[fault:rate_limit:1]] [[fault:moderation:1]]",
            MODERATION,
            2,
            0,
        ),
        failed("[[fault:server_error]]", UNKNOWN, 2, 0),
        failed("[[fault:bad_gateway]]", UNKNOWN, 2, 0),
        failed("[[fault:overload]]", UNKNOWN, 2, 0),
        failed("[[fault:server_error:1]] [[fault:cut:1]]", UNKNOWN, 2, 1),
        // However often it is bought, what is not whole is no result.
        failed("[[fault:gateway_timeout]]", UNKNOWN, 2, 2),
        failed("[[fault:cut]]", UNKNOWN, 2, 2),
        failed("[[fault:cut_answer]]", UNKNOWN, 2, 2),
        failed("[[fault:garbage]]", UNKNOWN, 2, 2),
        failed("[[fault:empty_data]]", UNKNOWN, 2, 2),
        failed("[[fault:truncated_image]]", UNKNOWN, 2, 2),
        failed("[[fault:wrong_format]]", UNKNOWN, 2, 2),
    ])
    .await;
}
