//! Users who submit, poll, cancel, retry, buy and give back at once, while calls to AWS fail before or after they took effect, deliveries
//! come again and out of order, function processes are killed, and the provider misbehaves. Then the faults stop, and
//! everything has to come to rest by itself.
//!
//! `cargo xtask faults` starts the stack, the fault proxy between its functions and the engine, and the audit afterwards.
//! This program knows none of the functions: it uses the API, the queues and the list of processes.

mod injector;
mod proof;
mod schedule;
mod shop;
mod tally;
mod users;

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use clap::Parser;
use futures::future::{join_all, try_join_all};
use stack_tests::Stack;
use tokio::time::Instant;

use crate::{injector::Injector, proof::Proof, tally::Tally, users::Customer};

/// Users at a time: as many as keep two cores busy.
const USERS: u64 = 5;
/// How long everything may take to come to rest: several of the shortened deadlines, one after the other.
const REST: Duration = Duration::from_mins(10);

#[derive(Parser)]
#[command(about = "Uses a stack while it fails, and waits until it is at rest")]
struct Options {
    /// The stack's `stack.json`.
    #[arg(long)]
    stack: PathBuf,
    /// Where the fault proxy between functions and engine is told what to do.
    #[arg(long)]
    proxy: String,
    /// Decides the schedule of faults and what users do.
    #[arg(long)]
    seed: u64,
    /// What new users of this stack start with.
    #[arg(long)]
    welcome_credits: u64,
    /// How long faults go on.
    #[arg(long)]
    seconds: u64,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let options = Options::parse();
    let stack = Stack::at(&options.stack);
    let tally = Arc::new(Tally::default());
    let until = Instant::now() + Duration::from_secs(options.seconds);

    let signed_up = (0..USERS).map(async |number| {
        let rng = fastrand::Rng::with_seed(options.seed.wrapping_mul(USERS).wrapping_add(number));
        Customer::new(&stack, rng, Arc::clone(&tally)).await
    });
    let mut customers = try_join_all(signed_up).await?;
    let injector = Injector::new(&stack, &options.proxy, Arc::clone(&tally)).await?;
    let injector = Arc::new(injector);
    let events = schedule::schedule(options.seed, Duration::from_secs(options.seconds));
    let working = join_all(customers.iter_mut().map(|customer| customer.work(until)));
    let (injected, worked) = futures::future::join(injector.run(events), working).await;
    injected.context("injecting faults")?;
    worked.into_iter().collect::<Result<Vec<()>>>()?;
    injector.stop().await.context("stopping the faults")?;

    let stopped = Instant::now();
    let proof = Proof::new(&stack).await;
    proof
        .rest(&customers, options.welcome_credits, stopped + REST)
        .await?;
    let rested = stopped.elapsed();
    // What comes when all is over changes nothing.
    injector.deliver_late(options.seed, stopped + REST).await?;
    let batches = proof
        .rest(&customers, options.welcome_credits, stopped + REST)
        .await?;
    let bought = proof.bought(&batches).await?;
    let explained = bought.explained(injector.losses());
    say(&serde_json::json!({
        "seed": options.seed,
        "seconds": options.seconds,
        "secondsToRest": rested.as_secs(),
        "batches": batches.len(),
        "refunds": proof.refunds(&customers).await?,
        "counts": tally.counts(),
        "provider": bought,
        "beyondOneExplainedByAtMost": explained.as_ref().ok(),
    }))?;
    explained.map(drop)
}

#[expect(clippy::print_stdout, reason = "this is what the program is for")]
fn say(report: &serde_json::Value) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(report)?);
    Ok(())
}
