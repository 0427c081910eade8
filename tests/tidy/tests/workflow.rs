//! The workflow is code, and these are its lints (the Amazon States Language itself is checked by `cargo xtask test`).

use std::collections::BTreeSet;

use anyhow::Result;
use domain::timing::LEASE;
use serde_json::{Value, json};
use tidy::{Faults, Template, Workflow};

/// The task whose failure must end the execution: the rescue queue takes over from there. A `Catch` would have to say
/// that the image is over although nothing has been able to write that down.
const NEVER_CAUGHT: &str = "SettleImage";

/// Hands every workflow to `rule` and fails with what that finds.
fn check(advice: &str, rule: impl Fn(&Workflow, &mut Faults) -> Result<()>) -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    for workflow in Workflow::all(&template)? {
        rule(&workflow, &mut faults)?;
    }
    faults.none_or(advice)
}

#[test]
fn every_workflow_in_the_tree_is_in_the_template() -> Result<()> {
    let template = Template::load()?;
    let used: Vec<_> = Workflow::all(&template)?.iter().map(|it| it.path).collect();
    let mut faults = Faults::new();
    for path in tidy::files("infra")?
        .iter()
        .filter(|path| path.ends_with(".asl.json"))
    {
        faults.unless(used.contains(&path.as_str()), path);
    }
    faults.none_or(
        "Name the file in the DefinitionUri of a state machine of template.yaml, or delete it.",
    )
}

#[test]
fn every_task_has_a_time_limit() -> Result<()> {
    let advice = "Give the task TimeoutSeconds: without it, a lost answer keeps the execution waiting until all of its own time is over.";
    check(advice, |workflow, faults| {
        for (name, task) in workflow.tasks() {
            faults.unless(task["TimeoutSeconds"].as_u64() > Some(0), name);
        }
        Ok(())
    })
}

#[test]
fn every_task_tries_again_with_jitter() -> Result<()> {
    let advice = "Give the task a Retry, and each of its entries \"JitterStrategy\": \"FULL\": the images of a batch fail \
                  at the same moment, and would all come back at the same moment.";
    check(advice, |workflow, faults| {
        for (name, task) in workflow.tasks() {
            let retries: Vec<_> = tidy::each(&task["Retry"]).collect();
            faults.unless(!retries.is_empty(), format!("{name} has no Retry"));
            for retry in retries {
                let errors = &retry["ErrorEquals"];
                faults.unless(
                    retry["JitterStrategy"] == "FULL",
                    format!("{name}: the Retry of {errors} has no jitter"),
                );
            }
        }
        Ok(())
    })
}

#[test]
fn an_invoke_that_is_throttled_is_tried_again_until_the_execution_ends() -> Result<()> {
    let advice = "Give the task a first Retry of Lambda.TooManyRequestsException, with MaxDelaySeconds and MaxAttempts that \
                  outlast the workflow's TimeoutSeconds: an account that has no function free is no reason to fail an image.";
    check(advice, |workflow, faults| {
        let execution = workflow.definition["TimeoutSeconds"].as_u64();
        for (name, task) in workflow.tasks() {
            let retry = &task["Retry"][0];
            let throttled = retry["ErrorEquals"] == json!(["Lambda.TooManyRequestsException"]);
            faults.unless(throttled, format!("{name}: not the first Retry"));
            faults.unless(
                Some(patience(retry)) > execution,
                format!("{name}: too few"),
            );
        }
        Ok(())
    })
}

#[test]
fn settling_is_tried_again_for_longer_than_a_claim_lasts() -> Result<()> {
    let advice = "Give the Retry of image_claimed more MaxAttempts: while another holds the image, settling it has to wait.";
    check(advice, |workflow, faults| {
        for (name, task) in workflow.tasks() {
            let mut claimed = tidy::each(&task["Retry"])
                .filter(|retry| retry["ErrorEquals"] == json!(["image_claimed"]));
            faults.unless(claimed.all(|retry| patience(retry) > LEASE.as_secs()), name);
        }
        Ok(())
    })
}

/// For how many seconds a Retry with full jitter goes on, with bad luck: its waits are half of the longest on average, and
/// a sum of some twenty is rarely a quarter short of that.
fn patience(retry: &Value) -> u64 {
    let number = |name: &str| retry[name].as_u64().unwrap_or_default();
    let longest = if number("BackoffRate") > 1 {
        number("MaxDelaySeconds")
    } else {
        number("IntervalSeconds")
    };
    number("MaxAttempts") * longest / 2 * 3 / 4
}

#[test]
fn every_task_is_caught_but_the_one_that_settles() -> Result<()> {
    let advice = "Give the task a Catch that leads to FailImage: an error must become a refund. Only SettleImage has none: \
                  when it fails, the execution fails, and the rescue queue takes over.";
    check(advice, |workflow, faults| {
        for (name, task) in workflow.tasks() {
            let caught = tidy::each(&task["Catch"]).next().is_some();
            faults.unless(
                caught != (name == NEVER_CAUGHT),
                format!("{name} has {} Catch", if caught { "a" } else { "no" }),
            );
        }
        Ok(())
    })
}

#[test]
fn every_state_says_what_it_is_for() -> Result<()> {
    check(
        "Give the state a Comment that says why it is there.",
        |workflow, faults| {
            let states = workflow.states();
            for (name, state) in states.chain([("the workflow itself", &workflow.definition)]) {
                let comment = state["Comment"].as_str().unwrap_or_default();
                faults.unless(!comment.trim().is_empty(), name);
            }
            Ok(())
        },
    )
}

#[test]
fn every_error_is_one_that_somebody_raises() -> Result<()> {
    let mut raised = BTreeSet::new();
    for (path, source) in tidy::production()? {
        raised.extend(tidy::literals(&source, "TaskError::new"));
        if path == "shared/edge/src/task.rs" {
            // Where `TaskError` is at home, it calls itself this.
            raised.extend(tidy::literals(&source, "Self::new"));
        }
    }
    let raised: BTreeSet<_> = raised.into_iter().flatten().collect();
    let advice = "Name an error of Step Functions (States.*), of Lambda (Lambda.*), or the code of a TaskError that a \
                  function returns: nothing else can arrive here, so the entry would never match.";
    check(advice, |workflow, faults| {
        for (name, state) in workflow.states() {
            for list in ["Retry", "Catch"] {
                for error in tidy::each(&state[list]).flat_map(|it| tidy::each(&it["ErrorEquals"]))
                {
                    let error = error.as_str().unwrap_or_default();
                    let known = error.starts_with("States.")
                        || error.starts_with("Lambda.")
                        || raised.contains(error);
                    faults.unless(known, format!("{name}: {list} of \"{error}\""));
                }
            }
        }
        Ok(())
    })
}

#[test]
fn the_substitutions_are_those_of_the_template() -> Result<()> {
    let advice = "Make the ${..} of the definition and the template's DefinitionSubstitutions the same: one that is \
                  missing reaches Step Functions as it is, one too many is a lie.";
    check(advice, |workflow, faults| {
        let used: BTreeSet<_> = workflow.substitutions().collect();
        let given = workflow
            .resource
            .property("DefinitionSubstitutions")
            .as_object();
        let given = given
            .into_iter()
            .flatten()
            .map(|(name, _)| name.as_str())
            .collect();
        for name in used.difference(&given) {
            faults.found(format!("{}: ${{{name}}} is given by nobody", workflow.path));
        }
        for name in given.difference(&used) {
            faults.found(format!("{}: nobody uses {name}", workflow.resource.id));
        }
        Ok(())
    })
}

#[test]
fn nothing_names_an_account() -> Result<()> {
    let advice =
        "Let the template put the account in (!Ref AWS::AccountId, or an ARN as a substitution).";
    let mut faults = Faults::new();
    for account in tidy::digits_of_accounts(&tidy::read("template.yaml")?) {
        faults.found(format!("template.yaml: {account}"));
    }
    faults.none_or(advice)?;
    check(advice, |workflow, faults| {
        for account in tidy::digits_of_accounts(&workflow.text) {
            faults.found(format!("{}: {account}", workflow.path));
        }
        Ok(())
    })
}

#[test]
fn every_way_leads_to_a_state() -> Result<()> {
    check(
        "Name a state that exists (Next, Default, Catch, Choices, StartAt).",
        |workflow, faults| {
            let names: BTreeSet<_> = workflow.states().map(|(name, _)| name).collect();
            let start = workflow.definition["StartAt"].as_str().unwrap_or_default();
            faults.unless(
                names.contains(start),
                format!("StartAt leads to \"{start}\""),
            );
            for (name, state) in workflow.states() {
                for exit in Workflow::exits(state).filter(|exit| !names.contains(exit)) {
                    faults.found(format!("{name} leads to \"{exit}\""));
                }
            }
            Ok(())
        },
    )
}

#[test]
fn every_state_can_be_reached() -> Result<()> {
    check(
        "Lead a way to the state, or delete it.",
        |workflow, faults| {
            let states = &workflow.definition["States"];
            let mut open: Vec<_> = workflow.definition["StartAt"]
                .as_str()
                .into_iter()
                .collect();
            let mut reached = BTreeSet::new();
            while let Some(name) = open.pop() {
                if reached.insert(name) {
                    open.extend(Workflow::exits(&states[name]));
                }
            }
            for (name, _) in workflow.states() {
                faults.unless(reached.contains(name), name);
            }
            Ok(())
        },
    )
}

#[test]
fn choices_are_between_answers_that_the_function_gives() -> Result<()> {
    let template = Template::load()?;
    let functions = template.functions()?;
    let advice = "Branch on an outcome that the function before the Choice answers. Its tests in handler.rs pin the answers \
                  as {\"outcome\": \"..\"}: a new one belongs there too.";
    check(advice, |workflow, faults| {
        for (name, choice) in workflow
            .states()
            .filter(|(_, state)| state["Type"] == "Choice")
        {
            let mut answers = BTreeSet::new();
            for (_, task) in workflow.tasks().filter(|(_, task)| task["Next"] == name) {
                let called = Workflow::function(task);
                if let Some(function) = functions.iter().find(|it| Some(it.resource.id) == called) {
                    let source =
                        tidy::read(&format!("functions/{}/src/handler.rs", function.package))?;
                    answers.extend(outcomes(&source));
                }
            }
            for condition in tidy::each(&choice["Choices"]).map(|it| &it["Condition"]) {
                let words = quoted(condition);
                faults.unless(
                    !words.is_empty(),
                    format!("{name}: {condition} names no outcome"),
                );
                for word in words {
                    faults.unless(answers.contains(word), format!("{name}: '{word}'"));
                }
            }
        }
        Ok(())
    })
}

/// The values of all `"outcome": "..."` in a source.
fn outcomes(source: &str) -> BTreeSet<String> {
    let source: String = source.split_whitespace().collect();
    let values = source.split("\"outcome\":\"").skip(1);
    values
        .filter_map(|rest| Some(rest.split_once('"')?.0.to_owned()))
        .collect()
}

/// The words in single quotes.
fn quoted(condition: &Value) -> Vec<&str> {
    let condition = condition.as_str().unwrap_or_default();
    condition.split('\'').skip(1).step_by(2).collect()
}
