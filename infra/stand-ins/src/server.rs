//! Sockets: binding with a readable error, serving, stopping, and breaking a connection on purpose.
//!
//! Knows HTTP/1 and nothing of any vendor. [`axum::serve`] cannot close a connection without an answer, which a faulty
//! provider does, so the accept loop is here.

use std::{fmt, future::Future, io, net::SocketAddr, time::Duration, time::Instant};

use axum::{
    Router,
    body::Body,
    extract::Request,
    middleware::Next,
    response::{IntoResponse, Response},
};
use hyper::{body::Incoming, server::conn::http1, service::Service, service::service_fn};
use hyper_util::{rt::TokioIo, server::graceful::GracefulShutdown, service::TowerToHyperService};
use tokio::{
    net::{TcpListener, TcpStream},
    signal::unix::{SignalKind, signal},
};
use tracing::{debug, info, warn};

/// How long running requests may take to finish after a stop.
const GRACE: Duration = Duration::from_secs(2);

/// Marks a response that must never be sent: the connection is closed instead.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CutConnection;

impl IntoResponse for CutConnection {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::empty());
        response.extensions_mut().insert(self);
        response
    }
}

impl fmt::Display for CutConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is cut on purpose")
    }
}

impl std::error::Error for CutConnection {}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum BindError {
    /// Somebody else listens there.
    #[error("port {} of {} is already in use; choose another one", .0.port(), .0.ip())]
    Taken(SocketAddr),
    /// Anything else that the system says.
    #[error("cannot listen on {address}")]
    Other {
        /// Where we tried to listen.
        address: SocketAddr,
        /// What the system said.
        #[source]
        source: io::Error,
    },
}

/// Listens on `address`.
pub async fn bind(address: SocketAddr) -> Result<TcpListener, BindError> {
    TcpListener::bind(address)
        .await
        .map_err(|source| match source.kind() {
            io::ErrorKind::AddrInUse => BindError::Taken(address),
            _ => BindError::Other { address, source },
        })
}

/// Completes at the first SIGTERM or SIGINT. The handlers are installed at the call, not at the first poll.
pub fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// Serves `router` until `stop` completes, then gives running requests a short grace.
pub async fn serve(listener: TcpListener, router: Router, stop: impl Future<Output = ()>) {
    let connections = GracefulShutdown::new();
    tokio::pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => spawn_connection(stream, router.clone(), &connections),
                Err(error) => {
                    warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
            },
        }
    }
    drop(listener);
    if tokio::time::timeout(GRACE, connections.shutdown())
        .await
        .is_err()
    {
        warn!("stopped with requests still running");
    }
}

/// Gives a request its line in the log, without its query, which may hold a token.
pub(crate) async fn log(service: &'static str, request: Request, next: Next) -> Response {
    let started = Instant::now();
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let response = next.run(request).await;
    let status = response.status().as_u16();
    info!(
        status,
        millis = started.elapsed().as_millis(),
        "{service} {method} {path}"
    );
    response
}

fn spawn_connection(stream: TcpStream, router: Router, connections: &GracefulShutdown) {
    if let Err(error) = stream.set_nodelay(true) {
        debug!(%error, "no TCP_NODELAY");
    }
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |request: hyper::Request<Incoming>| {
        let answer = router.call(request);
        async move {
            let Ok(response) = answer.await;
            match response.extensions().get::<CutConnection>() {
                Some(cut) => Err(*cut),
                None => Ok(response),
            }
        }
    });
    let connection =
        connections.watch(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    tokio::spawn(async move {
        if let Err(error) = connection.await {
            debug!(%error, "connection ended early");
        }
    });
}
