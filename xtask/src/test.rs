//! `cargo xtask test`: everything that has to hold before a change goes in.
//!
//! Knows the steps and their order, cheapest first. The last one has a stack of its own, on ports that nobody uses, so
//! it disturbs no stack that runs beside it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser};
use serde::Deserialize;

use crate::args::{StackOptions, text};
use crate::cargo::{Workspace, cargo};
use crate::faults;
use crate::lint;
use crate::npm;
use crate::ports::Ports;
use crate::process;
use crate::project;
use crate::python;
use crate::report::{Report, line, seconds};
use crate::stack::Stack;
use crate::up::{self, Up};
use crate::web;

struct Step {
    name: &'static str,
    what: &'static str,
    run: fn(Report) -> Result<()>,
}

const STEPS: [Step; 9] = [
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
        name: "web",
        what: "format, types, unit tests and size of the web app",
        run: web::check,
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
    Step {
        name: "faults",
        what: "users on a stack whose every part fails, then the audit",
        run: |report| faults::run(&faults::Options::short(), report),
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
const BUILD: [&str; 5] = [
    "build",
    "--workspace",
    "--all-targets",
    "--locked",
    "--message-format=json-render-diagnostics",
];

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
            line(format_args!(
                "\nThis step alone: cargo xtask test --only {}",
                step.name
            ));
            format!("{} failed after {}", step.name, seconds(started).trim())
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
///
/// Everything is built in one go, and what has to run is taken from there: cargo chooses the features of shared
/// dependencies by what it is asked to build, so asking for less would build the AWS SDKs again.
fn stack(report: Report) -> Result<()> {
    let dir = project::target().join("test-stack");
    fs::create_dir_all(&dir)?;
    // First: a port that was free before a long build may be taken after it.
    let tests = build_everything(&dir.join("build.json"))?;
    let options = StackOptions {
        ports: Ports::unused()?,
        dir,
        is_built: true,
        ..StackOptions::default()
    };
    // Dropping the supervisor stops the stack, whichever way this function ends.
    let Up {
        stack,
        supervisor: Some(mut supervisor),
    } = up::bring_up(&options, report)?
    else {
        bail!("a stack runs from {} already", options.dir.display());
    };
    // One that fails does not hide the next.
    let mut failed = 0;
    for test in tests {
        let mut command = Command::new(&test);
        command
            .env("BIE_STACK", options.folder().stack_file())
            .current_dir(project::root().join("tests"));
        let passed = process::run(&mut command)?;
        supervisor.check()?;
        failed += u32::from(!passed);
    }
    if failed > 0 {
        bail!(
            "{failed} of the programs above failed; what engine and functions said is in {}",
            options.dir.display()
        );
    }
    openai_sdk(&stack)?;
    polar_sdk(report)?;
    web::in_a_browser(&options.folder().stack_file(), report)
}

/// Is the image stand-in honest? OpenAI's own client is asked.
fn openai_sdk(stack: &Stack) -> Result<()> {
    // The stack that was brought up is one of ours, even if a key in the environment gives it the real service.
    let Some(url) = stack.stand_ins.get("openai") else {
        line("OpenAI's client is not tried: the stack has no stand-in");
        return Ok(());
    };
    line("OpenAI's Python client and the image stand-in");
    let mut command = Command::new(python::program("python"));
    // -B: nothing is written beside the sources.
    command
        .arg("-B")
        .arg(project::python_tests().join("openai_sdk.py"))
        .arg(url);
    if !process::run(&mut command)? {
        bail!("the image stand-in is not what OpenAI's client takes it for (see above)");
    }
    Ok(())
}

/// Is the one that sells? Polar's own client is asked, with a stand-in that the test starts for itself.
fn polar_sdk(report: Report) -> Result<()> {
    line("Polar's client for Node and its stand-in");
    let folder = project::node_tests();
    npm::install(&folder, report)?;
    let mut command = Command::new("node");
    command
        .arg(folder.join("polar_sdk.mjs"))
        .arg(Workspace::read()?.binaries().join("stand-ins"));
    if !process::run(&mut command)? {
        bail!("the stand-in is not what Polar's client takes it for (see above)");
    }
    Ok(())
}

/// Builds every target of the workspace; returns the executables that hold the tests of `tests/`.
pub(crate) fn build_everything(messages: &Path) -> Result<Vec<PathBuf>> {
    let built = process::run(cargo().args(BUILD).stdout(File::create(messages)?))?;
    if !built {
        bail!("the build failed (see above)");
    }
    let tests = executables(
        &fs::read_to_string(messages)?,
        &project::root().join("tests"),
    );
    if tests.is_empty() {
        bail!("tests/ holds no tests");
    }
    Ok(tests)
}

/// One line of cargo's messages, as far as it concerns us.
#[derive(Deserialize)]
struct Artifact {
    executable: Option<PathBuf>,
    manifest_path: PathBuf,
    profile: Profile,
}

#[derive(Deserialize)]
struct Profile {
    test: bool,
}

/// The test executables of a package, from cargo's messages.
fn executables(messages: &str, package: &Path) -> Vec<PathBuf> {
    messages
        .lines()
        .filter_map(|line| serde_json::from_str::<Artifact>(line).ok())
        .filter(|artifact| {
            artifact.profile.test && artifact.manifest_path.parent() == Some(package)
        })
        .filter_map(|artifact| artifact.executable)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_executables_of_a_package() {
        let artifact = |manifest: &str, test: bool, executable: &str| {
            format!(
                r#"{{"reason":"compiler-artifact","manifest_path":"{manifest}","profile":{{"test":{test}}},"executable":{executable}}}"#
            )
        };
        let messages = [
            artifact("/p/tests/Cargo.toml", true, r#""/t/deps/stack_tests-1""#),
            artifact("/p/tests/Cargo.toml", false, "null"),
            artifact("/p/cli/Cargo.toml", true, r#""/t/deps/bie-1""#),
            r#"{"reason":"build-finished","success":true}"#.to_owned(),
        ]
        .join("\n");
        assert_eq!(
            executables(&messages, Path::new("/p/tests")),
            [PathBuf::from("/t/deps/stack_tests-1")]
        );
    }
}
