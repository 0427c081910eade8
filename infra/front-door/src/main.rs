//! One origin for the web page and the API on a developer's machine, as `CloudFront` is in AWS.
//!
//!     front-door --port 8080 --api http://127.0.0.1:4566/_aws/execute-api/ID/$default
//!                [--web DIR [--config FILE] [--policy CONTENT-SECURITY-POLICY]]
//!
//! Says `front-door http://127.0.0.1:8080` when it is ready. Knows paths, not what they mean: `/api` and below go to
//! the API, everything else is a file of the web page.

mod api;
mod files;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::routing::any;
use lexopt::{Arg, Parser, ValueExt as _};
use tokio::net::TcpListener;

use api::Api;
use files::{Files, Page};

/// An HTTP API takes at most 10 MB and waits at most 30 s.
const BODY_LIMIT: usize = 10 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(30);

struct Options {
    port: u16,
    api: String,
    page: Option<Page>,
}

impl Options {
    fn parse(mut parser: Parser) -> Result<Self> {
        let (mut port, mut api) = (8080, None);
        let (mut folder, mut config, mut policy) = (None, None, None);
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("api") => api = Some(parser.value()?.string()?),
                Arg::Long("config") => config = Some(PathBuf::from(parser.value()?)),
                Arg::Long("policy") => {
                    policy = Some(HeaderValue::try_from(parser.value()?.string()?)?);
                }
                Arg::Long("port") => port = parser.value()?.parse()?,
                Arg::Long("web") => folder = Some(PathBuf::from(parser.value()?)),
                other => return Err(other.unexpected().into()),
            }
        }
        let Some(api) = api else {
            bail!("--api URL is missing")
        };
        let page = folder.map(|folder| Page {
            folder,
            config,
            policy,
        });
        Ok(Self { port, api, page })
    }
}

#[tokio::main(worker_threads = 2)]
async fn main() -> Result<()> {
    let options = Options::parse(Parser::from_env())?;
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, options.port));
    let listener = TcpListener::bind(address)
        .await
        .with_context(|| format!("cannot listen on {address}"))?;
    let api = Api::new(&options.api, BODY_LIMIT, PATIENCE)?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("front-door {url}");
    axum::serve(listener, router(api, Files::new(options.page, &url))).await?;
    Ok(())
}

fn router(api: Api, files: Files) -> Router {
    let api =
        any(async |State(api): State<Api>, request| api.forward(request).await).with_state(api);
    Router::new()
        .route("/api", api.clone())
        .route("/api/{*rest}", api)
        .fallback(
            async |State(files): State<Files>, method, uri, headers: HeaderMap| {
                files.answer(&method, &uri, &headers).await
            },
        )
        .with_state(files)
}

#[cfg(test)]
mod tests;
