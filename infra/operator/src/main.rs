//! `operator`: reads the command line, connects to a stack, does one thing, says what came of it.

use std::{
    fmt::Display,
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result};
use aws::Adjustment;
use clap::{Args, Parser, Subcommand};
use domain::{BatchId, UserId};
use operator::{
    Keys, Stack, audit,
    ops::{circuit, grant, letters, story},
};
use serde::Serialize;
use uuid::Uuid;

/// The exit code of an audit that found something; that of an error is 2, as clap's own.
const VIOLATED: u8 = 1;
const FAILED: u8 = 2;

/// The operator's tools of Batch Image Edit.
#[derive(Parser)]
#[command(version)]
struct Arguments {
    /// The stack: `stack.json` of `cargo xtask up`, or the answer of `aws cloudformation describe-stacks --stack-name ..`,
    /// for which the keys in `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and `AWS_SESSION_TOKEN` are used
    #[arg(long, global = true, default_value = "target/local/stack.json")]
    stack: PathBuf,
    /// For scripts: JSON
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Checks every record against the rules of ARCHITECTURE.md; only reads. Exits with 1 if something is wrong
    Audit(AuditArguments),
    /// Looks at what is wrong, and puts it right. Each of these may be done again
    #[command(subcommand)]
    Ops(Ops),
}

#[derive(Subcommand)]
enum Ops {
    /// The circuit at the provider: is it open, why, since when, and how long is the backlog?
    Circuit {
        /// Closes it without waiting for a probe
        #[arg(long)]
        reset: bool,
    },
    /// The dead letters: what even the rescue, or fan-out, or apply-order could not handle
    Letters {
        /// Sends them on their way again
        #[arg(long)]
        redrive: bool,
        /// Deletes this one, of which nothing is to come any more: an order that was refunded in Polar, say
        #[arg(long, value_name = "ID", conflicts_with = "redrive")]
        delete: Option<String>,
    },
    /// Gives credits to a user, with an entry in the ledger
    Grant(GrantArguments),
    /// Everything about one batch, in the order in which it happened
    Batch {
        /// Which
        id: BatchId,
    },
}

#[derive(Args)]
struct GrantArguments {
    /// The `sub` of their sign-in: `userId` of `GET /api/account`
    user: UserId,
    /// How many credits; taken, if negative
    #[arg(allow_negative_numbers = true)]
    amount: i64,
    /// Why, for whoever reads the ledger
    #[arg(long)]
    reason: String,
    /// A UUID, under which it is done once; without it, one is made up and printed
    #[arg(long)]
    id: Option<Uuid>,
}

#[derive(Args)]
struct AuditArguments {
    /// Nothing is going on: whatever is open is wrong
    #[arg(long)]
    at_rest: bool,
    /// For how many minutes after its deadline an image may be open
    #[arg(long, default_value_t = 60)]
    grace_minutes: u64,
    /// Looks for the results of completed and of failed images, too
    #[arg(long)]
    photos: bool,
    /// Looks for executions that run, too: one that waits for its turn may outlive a canceled image by an hour
    #[arg(long, requires = "at_rest")]
    executions: bool,
    /// What the provider has seen: the stand-in's `/control/calls/counts`, fetched before. Reads every photo
    #[arg(long, value_name = "FILE")]
    provider_calls: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(FAILED)
        }
    }
}

async fn run(arguments: Arguments) -> Result<ExitCode> {
    let stack = Stack::described(&arguments.stack, keys)?;
    match arguments.command {
        Command::Audit(options) => {
            let report = audit::audit(&stack, &options.read()?).await?;
            print(arguments.json, &report)?;
            Ok(if report.is_sound() {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(VIOLATED)
            })
        }
        Command::Ops(command) => {
            operate(&stack, command, arguments.json).await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

async fn operate(stack: &Stack, command: Ops, json: bool) -> Result<()> {
    match command {
        Ops::Circuit { reset: false } => print(json, &circuit::look(stack).await?),
        Ops::Circuit { reset: true } => print(json, &circuit::reset(stack).await?),
        Ops::Letters {
            delete: Some(id), ..
        } => print(json, &letters::delete(stack, &id).await?),
        Ops::Letters { redrive: true, .. } => print(json, &letters::redrive(stack).await?),
        Ops::Letters { .. } => print(json, &letters::list(stack).await?),
        Ops::Grant(options) => {
            let adjustment = Adjustment {
                id: options.id.unwrap_or_else(Uuid::new_v4),
                amount: options.amount,
                reason: options.reason,
            };
            let granted = grant::grant(stack, &options.user, &adjustment).await;
            // Without the id, nobody could repeat it safely when only the answer was lost.
            let granted = granted.with_context(|| format!("adjustment {}", adjustment.id))?;
            print(json, &granted)
        }
        Ops::Batch { id } => print(json, &story::tell(stack, id).await?),
    }
}

/// Prints for people, or for scripts.
fn print<T: Display + Serialize>(json: bool, found: &T) -> Result<()> {
    let text = if json {
        serde_json::to_string_pretty(found)?
    } else {
        found.to_string()
    };
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}

impl AuditArguments {
    fn read(self) -> Result<audit::Options> {
        Ok(audit::Options {
            grace: Duration::from_secs(self.grace_minutes.saturating_mul(60)),
            at_rest: self.at_rest,
            photos: self.photos,
            executions: self.executions,
            seen: self.provider_calls.as_deref().map(seen).transpose()?,
        })
    }
}

fn seen(file: &Path) -> Result<Vec<audit::calls::Seen>> {
    let about = || file.display().to_string();
    let json = std::fs::read(file).with_context(about)?;
    serde_json::from_slice(&json).with_context(about)
}

/// The keys that AWS's own tools take from the environment.
fn keys() -> Result<Keys> {
    let required = |name| environment(name).with_context(|| format!("{name} is not set"));
    Ok(Keys {
        access_key_id: required("AWS_ACCESS_KEY_ID")?,
        secret_access_key: required("AWS_SECRET_ACCESS_KEY")?,
        session_token: environment("AWS_SESSION_TOKEN"),
    })
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place of these tools that reads the environment"
)]
fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
