//! The one call, over HTTP/1.1, with TLS by ring and the roots of Mozilla compiled in.

use std::{sync::Arc, time::Duration};

use reqwest::{
    Response, StatusCode, Url,
    header::{HeaderMap, RETRY_AFTER},
    redirect, retry,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use serde::{Deserialize, Serialize};

/// For the connection alone, TLS included.
const CONNECT: Duration = Duration::from_secs(5);
/// For the whole call.
const TIMEOUT: Duration = Duration::from_secs(10);
/// The longest wait that is believed: one odd header must not keep mail back for days.
const LONGEST_WAIT: Duration = Duration::from_hours(1);

/// A client of one address. Make one per process and share it.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Url,
}

/// One mail to one person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Mail<'a> {
    /// Such as `Batch Image Edit <mail@example.com>`; the domain must be known to Resend.
    pub from: &'a str,
    /// Who gets it.
    pub to: &'a str,
    /// In plain text.
    pub subject: &'a str,
    /// For those who read plain text.
    pub text: &'a str,
    /// For all others.
    pub html: &'a str,
}

/// Why no client can be made.
#[derive(Debug, thiserror::Error)]
pub enum SetupFailed {
    /// The address cannot be called.
    #[error("Resend's base URL {0:?} cannot be used")]
    BaseUrl(String),
    /// The TLS library did not accept the settings compiled into us.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP library did not accept the settings compiled into us.
    #[error("the HTTP client could not be set up")]
    Http(#[source] reqwest::Error),
}

/// Why a mail was not sent.
#[derive(Debug, thiserror::Error)]
pub enum NotSent {
    /// Too many requests, or a mail of the same key is on its way at this moment: the same call later.
    #[error("Resend asks us to come back: status {status}, {name:?}")]
    Later {
        /// The HTTP status.
        status: u16,
        /// Resend's word for the reason.
        name: Option<String>,
        /// How long it asks us to wait, at most an hour.
        retry_after: Option<Duration>,
    },
    /// Another mail of the same key was sent: this one was told before, in other words.
    #[error("another mail was sent under this idempotency key")]
    KeyUsed,
    /// However often it is asked: a bad key, a domain that is not confirmed, an address that cannot be.
    #[error("Resend refuses with status {status}, {name:?}")]
    Refused {
        /// The HTTP status.
        status: u16,
        /// Resend's word for the reason. Its sentence is not kept, because it quotes addresses.
        name: Option<String>,
    },
    /// There was no answer. The mail may have been sent; the idempotency key tells.
    #[error("Resend does not answer")]
    NoAnswer(#[source] reqwest::Error),
}

impl NotSent {
    /// For how long Resend asks to be left alone.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Later { retry_after, .. } => *retry_after,
            Self::KeyUsed | Self::Refused { .. } | Self::NoAnswer(_) => None,
        }
    }
}

/// What Resend says when it does not send.
#[derive(Default, Deserialize)]
struct Refusal {
    name: Option<String>,
}

impl Client {
    /// A client of the API at this address, such as `https://api.resend.com`. Opens no connection.
    pub fn new(base_url: &str) -> Result<Self, SetupFailed> {
        let endpoint = Url::parse(&format!("{}/emails", base_url.trim_end_matches('/')))
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https"))
            .ok_or_else(|| SetupFailed::BaseUrl(base_url.to_owned()))?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls().map_err(SetupFailed::Tls)?)
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // An idle connection dies while Lambda has us frozen.
            .pool_max_idle_per_host(0)
            .connect_timeout(CONNECT)
            .timeout(TIMEOUT)
            .user_agent(concat!("batch-image-edit/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(SetupFailed::Http)?;
        Ok(Self { http, endpoint })
    }

    /// Sends a mail, once per idempotency key (at most 256 characters, remembered for 24 hours).
    pub async fn send(
        &self,
        api_key: &str,
        idempotency_key: &str,
        mail: &Mail<'_>,
    ) -> Result<(), NotSent> {
        let answer = self
            .http
            .post(self.endpoint.clone())
            .bearer_auth(api_key.trim())
            .header("idempotency-key", idempotency_key)
            .json(mail)
            .send()
            .await
            .map_err(|error| NotSent::NoAnswer(error.without_url()))?;
        if answer.status().is_success() {
            Ok(())
        } else {
            Err(refused(answer).await)
        }
    }
}

async fn refused(answer: Response) -> NotSent {
    let status = answer.status();
    let retry_after = retry_after(answer.headers());
    // Whoever stands between us and Resend answers in other shapes; the status is enough then.
    let Refusal { name } = answer.json().await.unwrap_or_default();
    let on_its_way = name.as_deref() == Some("concurrent_idempotent_requests");
    if status == StatusCode::CONFLICT && !on_its_way {
        return NotSent::KeyUsed;
    }
    let later = on_its_way
        || status.is_server_error()
        || matches!(
            status,
            StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_MANY_REQUESTS
        );
    let status = status.as_u16();
    if later {
        NotSent::Later {
            status,
            name,
            retry_after,
        }
    } else {
        NotSent::Refused { status, name }
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse();
    Some(Duration::from_secs(seconds.ok()?).min(LONGEST_WAIT))
}

fn tls() -> Result<ClientConfig, rustls::Error> {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
