//! `stand-ins`: reads the flags, starts one server per vendor that has a port, says where they are, stops when asked.

use std::{io::IsTerminal, net::SocketAddr, num::NonZeroU32, process::ExitCode, time::Duration};

use anyhow::{Context, bail};
use axum::Router;
use clap::Parser;
use domain::Packs;
use futures::future::join_all;
use stand_ins::{openai, polar, resend, server};
use tokio::net::TcpListener;
use tracing_subscriber::EnvFilter;

/// Local stand-ins for the services around Batch Image Edit. Each starts if it is given a port; 0 takes a free one.
#[derive(Parser)]
#[command(version)]
struct Flags {
    /// Port of the OpenAI stand-in on 127.0.0.1
    #[arg(long)]
    openai_port: Option<u16>,
    /// How long an edit takes at least, in milliseconds
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Images per minute before 429 `rate_limit_exceeded`; unlimited when absent
    #[arg(long)]
    images_per_minute: Option<NonZeroU32>,
    /// Models that may be asked for, separated by commas
    #[arg(long, value_delimiter = ',', default_values_t = openai::DEFAULT_MODELS.map(str::to_owned))]
    models: Vec<String>,

    /// Port of the Polar stand-in
    #[arg(long)]
    polar_port: Option<u16>,
    /// The only access token that Polar's takes
    #[arg(
        long,
        env = "POLAR_ACCESS_TOKEN",
        default_value = "local-stand-in",
        hide_env_values = true
    )]
    polar_access_token: String,
    /// What Polar's sells, as JSON
    #[arg(long, default_value = "[]")]
    packs: Packs,
    /// Who is told of orders; nobody when absent
    #[arg(long, requires = "polar_webhook_secret")]
    polar_webhook_url: Option<String>,
    /// What its webhooks are signed with
    #[arg(long, env = "POLAR_WEBHOOK_SECRET", hide_env_values = true)]
    polar_webhook_secret: Option<String>,

    /// Port of the Resend stand-in
    #[arg(long)]
    resend_port: Option<u16>,
    /// The only key that Resend's takes
    #[arg(
        long,
        env = "RESEND_API_KEY",
        default_value = "local-stand-in",
        hide_env_values = true
    )]
    resend_api_key: String,
    /// Requests per second before Resend's answers 429 `rate_limit_exceeded`
    #[arg(long, default_value_t = resend::Options::REQUESTS_PER_SECOND)]
    resend_requests_per_second: NonZeroU32,
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
    let mut servers = Vec::new();
    if let Some(port) = flags.openai_port {
        let listener = listen(port, "--openai-port").await?;
        println!("openai http://{}/v1", listener.local_addr()?);
        servers.push((listener, openai(&flags)?));
    }
    if let Some(port) = flags.polar_port {
        let listener = listen(port, "--polar-port").await?;
        let base_url = format!("http://{}", listener.local_addr()?);
        println!("polar {base_url}");
        servers.push((listener, polar(&flags, base_url)?));
    }
    if let Some(port) = flags.resend_port {
        let listener = listen(port, "--resend-port").await?;
        println!("resend http://{}", listener.local_addr()?);
        servers.push((listener, resend(&flags)));
    }
    if servers.is_empty() {
        bail!("nothing to stand in for: give --openai-port, --polar-port or --resend-port");
    }
    let running = servers.into_iter().map(|(listener, router)| {
        let stop = server::stop_signal()?;
        Ok(server::serve(listener, router, stop))
    });
    join_all(running.collect::<std::io::Result<Vec<_>>>()?).await;
    Ok(())
}

async fn listen(port: u16, flag: &'static str) -> anyhow::Result<TcpListener> {
    let address = SocketAddr::from(([127, 0, 0, 1], port));
    server::bind(address).await.context(flag)
}

fn openai(flags: &Flags) -> anyhow::Result<Router> {
    let options = openai::Options {
        models: flags.models.clone(),
        latency: Duration::from_millis(flags.latency_ms),
        images_per_minute: flags.images_per_minute,
    };
    openai::router(options).context("cannot set up the OpenAI stand-in")
}

fn polar(flags: &Flags, base_url: String) -> anyhow::Result<Router> {
    let url = flags.polar_webhook_url.clone();
    let endpoint = url.zip(flags.polar_webhook_secret.as_deref());
    let options = polar::Options {
        base_url,
        access_token: flags.polar_access_token.clone(),
        packs: flags.packs.clone(),
        endpoint: endpoint.map(|(url, secret)| polar::Endpoint::new(url, secret)),
        retry_after: polar::Options::RETRY_AFTER,
    };
    polar::router(options).context("cannot set up the Polar stand-in")
}

fn resend(flags: &Flags) -> Router {
    resend::router(resend::Options {
        api_key: flags.resend_api_key.clone(),
        requests_per_second: flags.resend_requests_per_second,
    })
}
