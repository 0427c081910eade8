//! The workflows of the template: what they are written in, and where their states lead.

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::template::{Resource, Template, at};
use crate::tree;

/// A workflow and the file that defines it.
#[derive(Debug)]
pub struct Workflow<'a> {
    /// The state machine.
    pub resource: Resource<'a>,
    /// The file.
    pub path: &'a str,
    /// Its text.
    pub text: String,
    /// Its text as JSON.
    pub definition: Value,
}

impl<'a> Workflow<'a> {
    /// All of the template's.
    pub fn all(template: &'a Template) -> Result<Vec<Self>> {
        let machines = template.of_type("AWS::Serverless::StateMachine");
        let workflows = machines.map(Self::load).collect::<Result<Vec<_>>>()?;
        ensure!(
            !workflows.is_empty(),
            "there are no workflows in the template"
        );
        Ok(workflows)
    }

    fn load(resource: Resource<'a>) -> Result<Self> {
        let path = resource
            .property("DefinitionUri")
            .as_str()
            .with_context(|| format!("{}: DefinitionUri is missing", resource.id))?;
        let text = tree::read(path)?;
        let workflow = Self {
            resource,
            path,
            definition: serde_json::from_str(&text).with_context(|| format!("in {path}"))?,
            text,
        };
        ensure!(workflow.states().next().is_some(), "{path} has no states");
        for (name, state) in workflow.states() {
            if matches!(at(state, &["Type"]).as_str(), Some("Map" | "Parallel")) {
                bail!(
                    "{path}: {name} has states of its own; teach the tidy tests to look into it first"
                );
            }
        }
        Ok(workflow)
    }

    /// Its states, by name.
    pub fn states(&self) -> impl Iterator<Item = (&str, &Value)> {
        let states = at(&self.definition, &["States"])
            .as_object()
            .into_iter()
            .flatten();
        states.map(|(name, state)| (name.as_str(), state))
    }

    /// Its states that do work.
    pub fn tasks(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.states()
            .filter(|(_, state)| at(state, &["Type"]) == "Task")
    }

    /// The names of all states that a state may lead to.
    pub fn exits(state: &Value) -> impl Iterator<Item = &str> {
        let branches = ["Choices", "Catch"].into_iter();
        let branches =
            branches.flat_map(|list| at(state, &[list]).as_array().into_iter().flatten());
        let targets = branches.map(|branch| at(branch, &["Next"]));
        let targets = [at(state, &["Next"]), at(state, &["Default"])]
            .into_iter()
            .chain(targets);
        targets.filter_map(Value::as_str)
    }

    /// The name of the substitution that stands for the function which a task calls.
    #[must_use]
    pub fn function(task: &Value) -> Option<&str> {
        let name = at(task, &["Arguments", "FunctionName"]).as_str()?;
        name.strip_prefix("${")?.strip_suffix('}')
    }

    /// The names of all `${..}` in its text.
    pub fn substitutions(&self) -> impl Iterator<Item = &str> {
        let names = self.text.split("${").skip(1);
        names.filter_map(|rest| rest.split_once('}').map(|(name, _)| name))
    }
}
