//! HTTP functions: a [`Call`] comes in, a [`Reply`] or a [`Failure`] goes out.

mod call;
mod failure;
mod reply;
#[cfg(feature = "submit")]
mod submit;

use std::{future::Future, time::Instant};

use lambda_http::{Request, service_fn};
use tracing::{error, info};

pub use call::{Call, Caller, MAX_BODY};
pub use failure::{Failure, ProblemKind};
pub use reply::Reply;

use crate::task::Chain;
use reply::Encoding;

/// Serves requests until the environment is shut down.
pub async fn run<H, F>(handle: H) -> Result<(), lambda_http::Error>
where
    H: Fn(Call) -> F,
    F: Future<Output = Result<Reply, Failure>> + Send,
{
    lambda_http::run(service_fn(|request: Request| {
        let started = Instant::now();
        let call = Call::new(request);
        let route = call.route().to_owned();
        let encoding = Encoding::accepted(call.header("accept-encoding").unwrap_or_default());
        let reply = handle(call);
        async move {
            let result = reply.await;
            Ok::<_, lambda_http::Error>(finish(&route, started, result).into_response(encoding))
        }
    }))
    .await
}

/// Logs the request, once, and answers it.
fn finish(route: &str, started: Instant, result: Result<Reply, Failure>) -> Reply {
    let millis = started.elapsed().as_millis();
    match result {
        Ok(reply) => {
            let status = reply.status();
            info!(
                http.route = route,
                http.status = status,
                millis,
                "answered {status}"
            );
            reply
        }
        Err(failure) => {
            let (status, code) = (failure.status(), failure.code());
            if let Some(cause) = failure.cause() {
                let cause = Chain(cause);
                error!(http.route = route, http.status = status, code, millis, %cause, "could not answer");
            } else {
                info!(
                    http.route = route,
                    http.status = status,
                    code,
                    millis,
                    "answered {status} {code}"
                );
            }
            failure.into_reply()
        }
    }
}
