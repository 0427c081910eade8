//! `cargo xtask faults`: users at work while everything fails, on a stack of its own; then the audit.
//!
//! Knows how that stack differs from others: its time limits are short, and a proxy stands between functions and engine.
//! What fails and when is `tests/faults`' business.

use std::fs;
use std::process::Command;

use anyhow::{Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};

use crate::args::StackOptions;
use crate::cargo::Workspace;
use crate::ports::{self, Ports};
use crate::process;
use crate::project;
use crate::report::{Report, line};
use crate::stack;
use crate::test;
use crate::up::{self, Up};

/// Credits that each user starts with: soon spent, so that they have to buy, and owe what they spend and want money back for.
const WELCOME: u32 = 40;
/// Minutes instead of hours. They nest as `domain::timing` says; the engine's schedules know no less than a minute.
const SHORTENED: [&str; 6] = [
    r#"TimeLimits={"provider":6,"lease":20,"repeatAfter":10,"batchDeadline":240,"firstLook":30}"#,
    "EditTimeout=15",
    "RescueDelay=25",
    "ReconcileSchedule=rate(1 minute)",
    "OrderReconcileSchedule=rate(1 minute)",
    // A link for the provider would be signed for the proxy's host.
    "ProviderInputForm=multipart",
];

/// `faults`' command line.
pub(crate) struct Options {
    seed: u64,
    seconds: u64,
}

impl Options {
    /// Reads it.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self> {
        let mut options = Self {
            seed: 1,
            seconds: 600,
        };
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("seed") => options.seed = parser.value()?.parse()?,
                Arg::Long("minutes") => {
                    options.seconds = parser.value()?.parse::<u64>()?.saturating_mul(60);
                }
                Arg::Long("seconds") => options.seconds = parser.value()?.parse()?,
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }

    /// A run that is short enough for every test run.
    pub(crate) const fn short() -> Self {
        Self {
            seed: 1,
            seconds: 45,
        }
    }
}

/// Runs it; an error if anything was found that must never happen.
pub(crate) fn run(options: &Options, report: Report) -> Result<()> {
    let dir = project::target().join("faults");
    fs::create_dir_all(&dir)?;
    // First: a port that was free before a long build may be taken after it.
    test::build_everything(&dir.join("build.json"))?;
    let [web, engine, openai, polar, resend, proxy] = ports::unused()?;
    let parameters = SHORTENED.map(str::to_owned).into_iter();
    let stack_options = StackOptions {
        ports: Ports {
            web,
            engine,
            openai,
            polar,
            resend,
        },
        dir,
        parameters: parameters
            .chain([format!("WelcomeCredits={WELCOME}")])
            .collect(),
        is_built: true,
        fault_proxy: Some(proxy),
    };
    // Dropping the supervisor stops the stack, whichever way this function ends.
    let Up {
        supervisor: Some(mut supervisor),
        ..
    } = up::bring_up(&stack_options, report)?
    else {
        bail!("a stack runs from {} already", stack_options.dir.display());
    };
    let binaries = Workspace::read()?.binaries();
    let stack_file = stack_options.folder().stack_file();
    report.say(format_args!(
        "faults for {} s, seed {}",
        options.seconds, options.seed
    ));
    let mut command = Command::new(binaries.join("faults"));
    command
        .arg("--stack")
        .arg(&stack_file)
        .args(["--proxy", &stack::url(proxy)])
        .args(["--seed", &options.seed.to_string()])
        .args(["--seconds", &options.seconds.to_string()])
        .args(["--welcome-credits", &WELCOME.to_string()]);
    let came_to_rest = process::run(&mut command)?;
    supervisor.check()?;
    report.say("the audit");
    let mut audit = Command::new(binaries.join("operator"));
    audit
        .args(["audit", "--at-rest", "--photos", "--executions"])
        .arg("--stack")
        .arg(&stack_file);
    let is_sound = process::run(&mut audit)?;
    if !(came_to_rest && is_sound) {
        line(format_args!(
            "\nThe same faults again: cargo xtask faults --seed {} --seconds {}",
            options.seed, options.seconds
        ));
        bail!(
            "see above; what engine and functions said is in {}",
            fs::canonicalize(&stack_options.dir)?.display()
        );
    }
    Ok(())
}
