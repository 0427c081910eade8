//! The time limits that `domain::timing` explains, the template and the workflow repeat, and services set.

use anyhow::{Context, Result};
use domain::timing;
use tidy::{Faults, Resource, Template, Workflow};

/// An HTTP API gives up on a function after this many seconds, and nothing can change it.
const HTTP_API: u64 = 30;
/// A queue that says nothing hides a message for this many seconds.
const DEFAULT_VISIBILITY: u64 = 30;

#[test]
fn the_literals_are_those_of_the_domain() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    let mut same = |what: &str, literal: Option<u64>, name: &str, value: std::time::Duration| {
        faults.unless(
            literal == Some(value.as_secs()),
            format!(
                "{what} is {}, timing::{name} is {} s",
                literal.map_or("missing".to_owned(), |literal| format!("{literal} s")),
                value.as_secs()
            ),
        );
    };
    let functions = template.functions()?;
    let timeout_of = |id| {
        let function = functions.iter().find(|it| it.resource.id == id);
        function.map(tidy::Function::timeout)
    };
    for (id, name, value) in [
        (
            "VerifyImageFunction",
            "VERIFY_FUNCTION",
            timing::VERIFY_FUNCTION,
        ),
        ("EditImageFunction", "EDIT_FUNCTION", timing::EDIT_FUNCTION),
    ] {
        same(&format!("{id}'s Timeout"), timeout_of(id), name, value);
    }
    let mut buckets = template.resources().filter(|it| it.id == "PhotosBucket");
    let bucket = buckets.next().context("the template has no PhotosBucket")?;
    let rules = tidy::at(bucket.property("LifecycleConfiguration"), &["Rules"]);
    for (id, name, value) in [
        ("uploads", "UPLOAD_LIFETIME", timing::UPLOAD_LIFETIME),
        ("results", "RESULT_LIFETIME", timing::RESULT_LIFETIME),
    ] {
        let days = tidy::each(rules)
            .find(|rule| rule["Id"] == id)
            .and_then(|rule| template.number(&rule["ExpirationInDays"]));
        let what = format!("PhotosBucket's ExpirationInDays of {id}");
        same(&what, days.map(|days| days * 24 * 60 * 60), name, value);
    }
    for workflow in Workflow::all(&template)? {
        let path = workflow.path;
        let limit = &workflow.definition["TimeoutSeconds"];
        same(
            &format!("{path}: TimeoutSeconds"),
            limit.as_u64(),
            "EXECUTION",
            timing::EXECUTION,
        );
        for (state, name, value) in [
            ("VerifyImage", "VERIFY_TASK", timing::VERIFY_TASK),
            ("EditImage", "EDIT_TASK", timing::EDIT_TASK),
        ] {
            let limit = &workflow.definition["States"][state]["TimeoutSeconds"];
            let what = format!("{path}: {state}'s TimeoutSeconds");
            same(&what, limit.as_u64(), name, value);
        }
    }
    faults.none_or("Decide in shared/domain/src/timing.rs, where the reasons stand, and repeat the number here.")
}

#[test]
fn rescue_waits_until_nobody_holds_the_image() -> Result<()> {
    let template = Template::load()?;
    let mut queues = template.resources().filter(|it| it.id == "RescueQueue");
    let queue = queues.next().context("the template has no RescueQueue")?;
    let visibility = visibility(&template, &queue);
    let lease = timing::LEASE.as_secs();
    let mut faults = Faults::new();
    faults.unless(
        visibility > lease,
        format!("RescueQueue hides a record for {visibility} s, a lease lasts {lease} s"),
    );
    faults.none_or(
        "Raise RescueQueue's VisibilityTimeout above timing::LEASE: a record about a claimed image must not use up its \
         receives before the claim is over.",
    )
}

#[test]
fn a_queue_hides_a_message_for_six_times_its_consumers_timeout() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    for function in template.functions()? {
        for event in function.events().filter(|event| event.kind == "SQS") {
            let id = function.resource.id;
            let Some(queue) = template.referred(&event.properties["Queue"]) else {
                faults.found(format!(
                    "{id}: the Queue of {} is not in the template",
                    event.name
                ));
                continue;
            };
            let visibility = visibility(&template, &queue);
            let (least, timeout) = (6 * function.timeout(), function.timeout());
            faults.unless(
                visibility >= least,
                format!(
                    "{}: {visibility} s, but {id} may run {timeout} s: {least} s or more",
                    queue.id
                ),
            );
        }
    }
    faults.none_or(
        "Raise the queue's VisibilityTimeout (or lower the function's Timeout): otherwise a message that is still worked \
         on, or that waits for a throttled function, comes again and uses up its receives.",
    )
}

#[test]
fn functions_behind_the_api_end_before_it_gives_up() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    for function in template.functions()? {
        let timeout = function.timeout();
        faults.unless(
            timeout <= HTTP_API || function.events().all(|event| event.kind != "HttpApi"),
            format!("{}: {timeout} s", function.resource.id),
        );
    }
    faults.none_or(
        "Lower Timeout to 30 s or less: an HTTP API answers 503 then, while the function goes on unseen.",
    )
}

#[test]
fn a_function_ends_before_its_task_gives_up() -> Result<()> {
    let template = Template::load()?;
    let functions = template.functions()?;
    let mut faults = Faults::new();
    for workflow in Workflow::all(&template)? {
        for (name, task) in workflow.tasks() {
            let called = Workflow::function(task);
            let Some(function) = functions.iter().find(|it| Some(it.resource.id) == called) else {
                faults.found(format!(
                    "{name} calls {called:?}, which is no function of the template"
                ));
                continue;
            };
            let limit = task["TimeoutSeconds"].as_u64().unwrap_or(0);
            let timeout = function.timeout();
            faults.unless(
                limit > timeout,
                format!("{name}: {limit} s, its function {timeout} s"),
            );
        }
    }
    faults.none_or(
        "Raise the task's TimeoutSeconds above its function's Timeout: otherwise a retry runs beside the try before it.",
    )
}

/// How long a queue hides a message that somebody has taken, in seconds.
fn visibility(template: &Template, queue: &Resource) -> u64 {
    let own = template.number(queue.property("VisibilityTimeout"));
    own.unwrap_or(DEFAULT_VISIBILITY)
}
