//! What the tests of all stand-ins share.

use std::{net::SocketAddr, sync::Arc};

use axum::Router;
use stand_ins::server;

/// A client without a proxy; its TLS is never used, but has to be there.
pub(crate) fn client() -> reqwest::Client {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(rustls::RootCertStore::empty())
        .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("stand-ins-tests")
        .build()
        .unwrap()
}

/// Serves on a free port.
pub(crate) async fn serve(router: impl FnOnce(SocketAddr) -> Router) -> SocketAddr {
    let listener = server::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(server::serve(
        listener,
        router(address),
        std::future::pending(),
    ));
    address
}
