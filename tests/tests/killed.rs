//! R3 and R5 against a death of edit-image at every moment at which the world and what it knows of it differ. It runs
//! in a process of its own, which is killed while something of it is held on its way; what is left is taken up by the
//! deployed functions.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop right there"
)]

use domain::{ImageRef, Timestamp, Work, timing::LEASE};
use futures::future::join_all;
use serde_json::{Value, json};
use stack_tests::{
    Stack, User,
    engine::{Engine, bad_end, queue_event},
    function::OwnFunction,
    proxy::{Gate, Hold, Request},
    stack, unique, wait_for,
};

/// When it is killed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Moment {
    /// The claim is written, and it never learns.
    Claimed,
    /// The call to the provider is on its way.
    BeforeCall,
    /// The provider is at work.
    DuringCall,
    /// The provider has answered, and it never learns.
    Answered,
    /// It has the picture; the result is on its way.
    BeforeSave,
    /// The result is saved, and it never learns.
    Saved,
}

use Moment::{Answered, BeforeCall, BeforeSave, Claimed, DuringCall, Saved};

fn claims(request: &Request) -> bool {
    request.says("lease_id")
}

fn calls(request: &Request) -> bool {
    request.uri.path() == "/v1/images/edits"
}

fn saves(request: &Request) -> bool {
    request.method == "PUT" && request.uri.path().contains("/results/")
}

impl Moment {
    /// How often the provider hears of a call that ends here.
    fn heard(self) -> usize {
        usize::from(!matches!(self, Claimed | BeforeCall))
    }

    /// Runs edit-image for a task and kills it.
    async fn kill(self, stack: &Stack, engine: &Engine, task: &Value) {
        let prompt = task["work"]["prompt"].as_str().unwrap();
        let aws = stack.aws_endpoint.as_str();
        let provider = stack.stand_ins.openai.trim_end_matches("/v1");
        let gate = match self {
            Claimed => Gate::before(aws, Hold::Answer, claims).await,
            BeforeCall => Gate::before(provider, Hold::Request, calls).await,
            // Also during a call, so that it cannot end before its death.
            DuringCall | Answered => Gate::before(provider, Hold::Answer, calls).await,
            BeforeSave => Gate::before(aws, Hold::Request, saves).await,
            Saved => Gate::before(aws, Hold::Answer, saves).await,
        };
        let change = match self {
            Claimed | BeforeSave | Saved => ("AWS_ENDPOINT_URL", gate.endpoint.clone()),
            BeforeCall | DuringCall | Answered => {
                ("PROVIDER_BASE_URL", format!("{}/v1", gate.endpoint))
            }
        };
        let heard_before = stack.provider_calls(prompt).await.len();
        let function = OwnFunction::start(engine, "EditImage", &[change], task.clone()).await;
        function
            .kill_when(async {
                if self == DuringCall {
                    wait_for("the call at the provider", async || {
                        let heard = stack.provider_calls(prompt).await.len();
                        (heard > heard_before).then_some(())
                    })
                    .await;
                } else {
                    gate.reached().await;
                }
            })
            .await;
        let heard = stack.provider_calls(prompt).await.len();
        assert_eq!(heard, heard_before + self.heard(), "{self:?}");
    }
}

/// How an image of which edit-image dies at these moments, one after the other, ends.
struct Case {
    deaths: &'static [Moment],
    state: &'static str,
    /// Calls that were counted.
    counted: u32,
    /// Calls that the provider heard of.
    heard: usize,
}

const fn case(deaths: &'static [Moment], state: &'static str, counted: u32, heard: usize) -> Case {
    Case {
        deaths,
        state,
        counted,
        heard,
    }
}

/// Nobody may call the provider again while the dead one's claim lasts: it might be alive.
async fn assert_left_alone(engine: &Engine, task: &Value) {
    for answer in join_all((0..3).map(|_| engine.invoke("EditImage", task))).await {
        let answer = answer.unwrap();
        assert_eq!(answer["outcome"], "later", "{answer}");
        let until: Timestamp = serde_json::from_value(answer["until"].clone()).unwrap();
        let left = until.since(Timestamp::now());
        assert!(left <= LEASE && 2 * left > LEASE, "{left:?}");
    }
}

/// Nobody may fail and refund the image either, whichever way that is asked for.
async fn assert_not_failed(engine: &Engine, work: &Work) {
    let failed = json!({ "outcome": "failed", "code": "test", "message": "It was a test." });
    let failed = json!({ "image": work.image, "result": failed });
    let error = engine.invoke("SettleImage", &failed).await.unwrap_err();
    assert_eq!(error.error_type, "image_claimed");
    let wreck = queue_event(&[bad_end(work, "FAILED")]);
    assert_eq!(engine.consume("RescueImage", &wreck).await, ["message-0"]);
}

/// Lets edit-image die, and the deployed functions take up what it left: the prompt's calls at the provider in the end.
async fn go_through(stack: &Stack, engine: &Engine, mut work: Work, case: &Case) -> usize {
    // A call that it dies in the middle of has to last until then.
    let slow = case.deaths.iter().filter(|&&death| death == DuringCall);
    let prompt = match slow.count() {
        0 => unique("blur"),
        count => unique(&format!("[[fault:slow:20:{count}]] blur")),
    };
    work.prompt = Some(prompt.clone());
    let task = engine.edit_task(&work).await;
    for &death in case.deaths {
        death.kill(stack, engine, &task).await;
        assert_not_failed(engine, &work).await;
        if death == Saved {
            // Whoever looks finds the result, and need not wait for that.
            let answer = engine.invoke("EditImage", &task).await.unwrap();
            assert_eq!(answer["outcome"], "completed");
        } else {
            assert_left_alone(engine, &task).await;
        }
        engine.let_lease_run_out(work.image).await;
        if death == Saved {
            // What is said of it then makes no difference.
            let wreck = queue_event(&[bad_end(&work, "FAILED")]);
            assert_eq!(engine.consume("RescueImage", &wreck).await, [""; 0]);
        }
    }
    settle_next_answer(engine, work.image, &task).await;
    stack.provider_calls(&prompt).await.len()
}

/// What the workflow does next: asks edit-image again, and settles what it says.
async fn settle_next_answer(engine: &Engine, image: ImageRef, task: &Value) {
    let result = engine.invoke("EditImage", task).await.unwrap();
    assert!(
        result["outcome"] == "completed" || result["outcome"] == "failed",
        "{result}"
    );
    let settle = json!({ "image": image, "result": result });
    engine.invoke("SettleImage", &settle).await.unwrap();
}

async fn check(cases: &[Case]) {
    let stack = stack!();
    let (engine, user) = (Engine::of(&stack).await, User::new(&stack).await);
    let images = u32::try_from(cases.len()).unwrap();
    let works = engine.quiet_batch(&user, images, "blur").await;
    let batch = works[0].image.batch_id.to_string();
    let ways = works.into_iter().zip(cases);
    let heard = join_all(ways.map(|(work, case)| go_through(&stack, &engine, work, case))).await;

    let status = user.status(&batch).await;
    assert!(status.finished_at.is_some());
    let mut price = 0;
    for ((case, image), heard) in cases.iter().zip(&status.images).zip(heard) {
        let deaths = case.deaths;
        assert_eq!(
            (image.status.as_str(), image.provider_calls, heard),
            (case.state, case.counted, case.heard),
            "{deaths:?}"
        );
        let code = image.error.as_ref().map(|error| error.code.as_str());
        if case.state == "completed" {
            assert_eq!(code, None, "{deaths:?}");
            let result = user.download(image.result_url.as_deref().unwrap()).await;
            assert!(stack_tests::pixels(&result).width() >= 1024, "{deaths:?}");
            price += 1;
        } else {
            assert_eq!(code, Some("provider_outcome_unknown"), "{deaths:?}");
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
async fn an_image_whose_edit_dies_is_left_alone_for_a_lease_and_then_taken_up_again() {
    check(&[
        case(&[Claimed], "completed", 2, 1),
        case(&[BeforeCall], "completed", 2, 1),
        case(&[DuringCall], "completed", 2, 2),
        case(&[Answered], "completed", 2, 2),
        case(&[BeforeSave], "completed", 2, 2),
        case(&[Saved], "completed", 1, 1),
    ])
    .await;
}

#[tokio::test]
async fn an_image_whose_edit_dies_twice_is_not_bought_a_third_time() {
    check(&[
        case(&[DuringCall, DuringCall], "failed", 2, 2),
        case(&[Answered, BeforeSave], "failed", 2, 2),
        case(&[BeforeSave, Saved], "completed", 2, 2),
        // Who dies here has called nobody, but that is more than anybody can know.
        case(&[Claimed, BeforeCall], "failed", 2, 0),
    ])
    .await;
}
