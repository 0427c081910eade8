//! HTTP functions: a [`Call`] comes in, a [`Reply`] or a [`Failure`] goes out.

mod call;
mod failure;
mod reply;
#[cfg(feature = "submit")]
mod submit;

use std::{future::Future, time::Instant};

use lambda_http::{Body, Request, Response, service_fn};
use tracing::{error, info};

pub use call::{Call, Caller, MAX_BODY};
pub use failure::{Failure, ProblemKind};
pub use reply::Reply;

use crate::task::Chain;

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
        let reply = handle(call);
        async move {
            let result = reply.await;
            Ok::<_, lambda_http::Error>(finish(&route, started, result))
        }
    }))
    .await
}

/// Logs the request, once, and makes its answer.
fn finish(route: &str, started: Instant, result: Result<Reply, Failure>) -> Response<Body> {
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
            reply.into_response()
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
            failure.into_reply().into_response()
        }
    }
}
