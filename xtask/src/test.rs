//! `cargo xtask test`: everything that has to hold before a change goes in.
//!
//! Knows the steps and their order, cheapest first. The last one has a stack of its own, on ports that nobody uses, so
//! it disturbs no stack that runs beside it.

use std::time::Instant;

use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser};

use crate::args::{StackOptions, text};
use crate::cargo::cargo;
use crate::lint;
use crate::ports::Ports;
use crate::process;
use crate::project;
use crate::report::{Report, line, seconds};
use crate::up;

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(Report) -> Result<()>,
}

const STEPS: [Step; 7] = [
    Step {
        name: "format",
        what: "cargo fmt --all --check",
        run: |_| run_cargo(&["fmt", "--all", "--check"]),
    },
    Step {
        name: "clippy",
        what: "cargo clippy, no warnings",
        run: |_| run_cargo(&CLIPPY),
    },
    Step {
        name: "template",
        what: "cfn-lint template.yaml",
        run: lint::template,
    },
    Step {
        name: "workflow",
        what: "asl-validator infra/*.asl.json",
        run: lint::workflow,
    },
    Step {
        name: "engine",
        what: "tests of infra/engine",
        run: lint::engine,
    },
    Step {
        name: "unit",
        what: "unit and property tests",
        run: |_| run_cargo(&UNIT),
    },
    Step {
        name: "stack",
        what: "tests on a running stack",
        run: stack,
    },
];

const CLIPPY: [&str; 7] = [
    "clippy",
    "--workspace",
    "--all-targets",
    "--locked",
    "--",
    "-D",
    "warnings",
];
const UNIT: [&str; 5] = [
    "test",
    "--workspace",
    "--locked",
    "--exclude",
    "stack-tests",
];
const STACK: [&str; 4] = ["test", "--locked", "--package", "stack-tests"];

/// `test`'s command line.
pub(crate) struct Options {
    only: Option<String>,
}

impl Options {
    /// Reads it.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self> {
        let mut options = Self { only: None };
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("only") => options.only = Some(known(text(parser.value()?)?)?),
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }
}

fn known(name: String) -> Result<String> {
    if STEPS.iter().any(|step| step.name == name) {
        return Ok(name);
    }
    let list: Vec<String> = STEPS
        .iter()
        .map(|step| format!("  {:<9} {}", step.name, step.what))
        .collect();
    bail!("--only takes one of\n{}", list.join("\n"))
}

/// Runs the steps, until one fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    let report = Report::start();
    let mut times = Vec::new();
    for step in STEPS
        .iter()
        .filter(|step| options.only.as_deref().is_none_or(|only| only == step.name))
    {
        line(format_args!("\n== {}: {}", step.name, step.what));
        let started = Instant::now();
        (step.run)(report).with_context(|| {
            format!(
                "{} failed after {}; again, alone: cargo xtask test --only {}",
                step.name,
                seconds(started).trim(),
                step.name
            )
        })?;
        times.push(format!("{} {}", step.name, seconds(started).trim()));
    }
    line(format_args!("\n{}", times.join(", ")));
    report.say("everything passed");
    Ok(())
}

fn run_cargo(args: &[&str]) -> Result<()> {
    if !process::run(cargo().args(args))? {
        bail!("see above");
    }
    Ok(())
}

/// The tests in `tests/`, with a stack that lives as long as they do.
fn stack(report: Report) -> Result<()> {
    let options = StackOptions {
        ports: Ports::unused()?,
        dir: project::target().join("test-stack"),
        ..StackOptions::default()
    };
    // Dropping the supervisor stops the stack, whichever way this function ends.
    let Some(mut supervisor) = up::bring_up(&options, report)?.supervisor else {
        bail!("a stack runs from {} already", options.dir.display());
    };
    let passed = process::run(
        cargo()
            .args(STACK)
            .env("BIE_STACK", options.folder().stack_file()),
    )?;
    supervisor.check()?;
    if !passed {
        bail!(
            "see above; what engine and functions said is in {}",
            options.dir.display()
        );
    }
    Ok(())
}
