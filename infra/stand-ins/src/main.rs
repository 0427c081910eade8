//! `stand-ins`: reads the flags, starts one server per vendor, says where they are, stops when asked.

use std::{io::IsTerminal, net::SocketAddr, num::NonZeroU32, process::ExitCode, time::Duration};

use anyhow::Context;
use clap::Parser;
use stand_ins::{openai, server};
use tracing_subscriber::EnvFilter;

/// Local stand-ins for the services around Batch Image Edit.
#[derive(Parser)]
#[command(version)]
struct Flags {
    /// Port of the OpenAI stand-in on 127.0.0.1; 0 takes a free one
    #[arg(long)]
    openai_port: u16,
    /// How long an edit takes at least, in milliseconds
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Images per minute before 429 `rate_limit_exceeded`; unlimited when absent
    #[arg(long)]
    images_per_minute: Option<NonZeroU32>,
    /// Models that may be asked for, separated by commas
    #[arg(long, value_delimiter = ',', default_values_t = openai::DEFAULT_MODELS.map(str::to_owned))]
    models: Vec<String>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .with_env_filter(filter)
        .init();

    match run(Flags::parse()).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Not the Debug form: a taken port needs no stack trace.
            eprintln!("stand-ins: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(flags: Flags) -> anyhow::Result<()> {
    let options = openai::Options {
        models: flags.models,
        latency: Duration::from_millis(flags.latency_ms),
        images_per_minute: flags.images_per_minute,
    };
    let router = openai::router(options).context("cannot set up the OpenAI stand-in")?;
    let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], flags.openai_port)))
        .await
        .context("--openai-port")?;
    println!("openai http://{}/v1", listener.local_addr()?);
    server::serve(listener, router, server::stop_signal()?).await;
    Ok(())
}
