//! The HTTP client of stand-ins that call somebody: OpenAI's fetches pictures, Polar's sends webhooks.

use std::{sync::Arc, time::Duration};

use reqwest::redirect::Policy;

/// Why there is no client.
#[derive(Debug, thiserror::Error)]
pub enum SetupError {
    /// Its TLS side.
    #[error("no TLS for an HTTP client")]
    Tls(#[source] rustls::Error),
    /// The rest of it.
    #[error("no HTTP client")]
    Client(#[source] reqwest::Error),
}

/// A client without a proxy, because what a laptop's stand-ins call is on the laptop.
pub(crate) fn client(timeout: Duration, redirects: Policy) -> Result<reqwest::Client, SetupError> {
    let roots: rustls::RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let tls = rustls::ClientConfig::builder_with_provider(Arc::new(
        rustls::crypto::ring::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .map_err(SetupError::Tls)?
    .with_root_certificates(roots)
    .with_no_client_auth();
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(redirects)
        .connect_timeout(Duration::from_secs(5))
        .timeout(timeout)
        .build()
        .map_err(SetupError::Client)
}
