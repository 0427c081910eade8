//! How every client is made: region, credentials, endpoint, one shared HTTP client.

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_smithy_http_client::{
    Builder,
    tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode},
};
use aws_smithy_runtime_api::client::{behavior_version::BehaviorVersion, http::SharedHttpClient};
use aws_smithy_types::{retry::RetryConfig, timeout::TimeoutConfig};
use aws_types::{SdkConfig, region::Region};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::AwsError;

/// What all clients of a function share.
#[derive(Clone, Debug)]
pub struct Settings {
    pub(crate) region: Region,
    pub(crate) endpoint: Option<String>,
    pub(crate) credentials: Credentials,
    pub(crate) http: SharedHttpClient,
    pub(crate) timeouts: TimeoutConfig,
    pub(crate) retries: RetryConfig,
}

impl Settings {
    /// Settings for one region. `endpoint` takes the place of AWS's own addresses, for every service.
    ///
    /// There is no provider chain: Lambda hands out its credentials in the environment and nowhere else, and the chain
    /// alone costs most of a cold start (facts/performance.md).
    pub fn new(
        region: String,
        endpoint: Option<String>,
        access_key_id: String,
        secret_access_key: String,
        session_token: Option<String>,
    ) -> Result<Self, AwsError> {
        Ok(Self {
            region: Region::new(region),
            endpoint,
            credentials: Credentials::new(
                access_key_id,
                secret_access_key,
                session_token,
                None,
                "environment",
            ),
            http: http_client()?,
            // The SDK's own defaults leave an attempt unlimited: a hung connection would eat the function's time.
            timeouts: TimeoutConfig::builder()
                .connect_timeout(Duration::from_secs(2))
                .operation_attempt_timeout(Duration::from_secs(20))
                .build(),
            retries: RetryConfig::standard().with_max_attempts(5),
        })
    }

    /// The same, for a client of any service. For tools: what the functions call has its adapter here.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        let mut config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(self.region.clone())
            .credentials_provider(SharedCredentialsProvider::new(self.credentials.clone()))
            .http_client(self.http.clone())
            .timeout_config(self.timeouts.clone())
            .retry_config(self.retries.clone());
        config.set_endpoint_url(self.endpoint.clone());
        config.build()
    }
}

/// One connection pool for all clients of a function. TLS is ring with Mozilla's roots compiled in: aws-lc and the
/// native roots would burn 100 ms of CPU before the first byte.
fn http_client() -> Result<SharedHttpClient, AwsError> {
    let mut roots = String::new();
    for der in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
        roots += "-----BEGIN CERTIFICATE-----\n";
        roots += &STANDARD.encode(der);
        roots += "\n-----END CERTIFICATE-----\n";
    }
    let tls = TlsContext::builder()
        .with_trust_store(TrustStore::empty().with_pem_certificate(roots))
        .build()
        .map_err(AwsError::call("setting up TLS"))?;
    Ok(Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https())
}

/// Builds the client of one SDK crate from [`Settings`]; the crates share no trait to do it generically.
macro_rules! client {
    ($settings:expr, $sdk:ident) => {
        client!($settings, $sdk, |builder| builder)
    };
    ($settings:expr, $sdk:ident, |$builder:ident| $more:expr) => {{
        let settings: &$crate::Settings = $settings;
        let mut $builder = $sdk::Config::builder()
            .behavior_version($sdk::config::BehaviorVersion::latest())
            .region(settings.region.clone())
            .credentials_provider(settings.credentials.clone())
            .http_client(settings.http.clone())
            .timeout_config(settings.timeouts.clone())
            .retry_config(settings.retries.clone());
        if let Some(endpoint) = &settings.endpoint {
            $builder = $builder.endpoint_url(endpoint);
        }
        $sdk::Client::from_conf($more.build())
    }};
}

pub(crate) use client;
