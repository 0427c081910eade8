//! `operator`: reads the command line, connects to a stack, does one thing, says what came of it.

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use anyhow::{Context as _, Result};
use clap::{Args, Parser, Subcommand};
use operator::{Keys, Stack, audit};

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
    /// Looks for executions that run, too
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
            let text = if arguments.json {
                serde_json::to_string_pretty(&report)?
            } else {
                report.to_string()
            };
            writeln!(std::io::stdout(), "{text}")?;
            Ok(if report.is_sound() {
                ExitCode::SUCCESS
            } else {
                ExitCode::from(VIOLATED)
            })
        }
    }
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
