//! How requests go out: TLS, timeouts, and when one is repeated. Knows neither the API nor Cognito.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use reqwest::{
    StatusCode,
    header::{HeaderMap, RETRY_AFTER},
};

/// API Gateway gives up after 30 seconds; so do we.
pub(crate) const CALL_TIMEOUT: Duration = Duration::from_secs(35);
/// A wait that the service asks for and that nobody wants to sit through.
const LONGEST_WAIT: Duration = Duration::from_mins(1);
/// However often it failed.
const LONGEST_BACKOFF: Duration = Duration::from_secs(20);

/// One client for everything. TLS by ring with Mozilla's roots compiled in.
pub(crate) fn client() -> anyhow::Result<reqwest::Client> {
    let roots = rustls::RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(concat!("bie/", env!("CARGO_PKG_VERSION")))
        .connect_timeout(Duration::from_secs(10))
        .build()?)
}

/// Long enough for a photo of this size on a slow line (50 KB/s).
pub(crate) fn transfer_timeout(bytes: u64) -> Duration {
    Duration::from_secs(60 + bytes / 50_000)
}

/// A complete answer, whatever its status.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// An earlier try of the same request ended without a clear answer: it may have worked.
    pub(crate) maybe_done_before: bool,
}

/// When a request is repeated: no answer, 5xx, or a 429 that is over soon.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    retries: u32,
    first: Duration,
}

impl Retry {
    /// At most so many repeats, with growing waits.
    pub(crate) const fn times(retries: u32) -> Self {
        Self {
            retries,
            first: Duration::from_millis(400),
        }
    }

    #[cfg(test)]
    pub(crate) const fn at_once(retries: u32) -> Self {
        Self {
            retries,
            first: Duration::ZERO,
        }
    }

    /// Doubles from the first wait up to a cap; the upper half is random, so that uploads do not march in step.
    pub(crate) fn backoff(self, attempt: u32) -> Duration {
        let full = self
            .first
            .saturating_mul(1 << attempt.min(10))
            .min(LONGEST_BACKOFF);
        let half = u64::try_from(full.as_millis()).unwrap_or(u64::MAX) / 2;
        Duration::from_millis(half + fastrand::u64(0..=half))
    }

    /// The answer of the last try.
    pub(crate) async fn send(
        self,
        request: impl Fn() -> reqwest::RequestBuilder,
    ) -> Result<Answer, reqwest::Error> {
        let mut maybe_done_before = false;
        let mut attempt = 0;
        loop {
            let mut outcome = exchange(request()).await;
            if let Ok(answer) = &mut outcome {
                answer.maybe_done_before = maybe_done_before;
            }
            let wait = match &outcome {
                Ok(answer) if answer.status.is_server_error() => Some(self.backoff(attempt)),
                Ok(answer) if answer.status == StatusCode::TOO_MANY_REQUESTS => {
                    match retry_after(&answer.headers) {
                        Some(wait) => (wait <= LONGEST_WAIT).then_some(wait),
                        None => Some(self.backoff(attempt)),
                    }
                }
                Ok(_) => None,
                Err(error) if error.is_builder() => None,
                Err(_) => Some(self.backoff(attempt)),
            };
            match wait {
                Some(wait) if attempt < self.retries => tokio::time::sleep(wait).await,
                _ => return outcome,
            }
            maybe_done_before |= !matches!(&outcome, Ok(answer) if answer.status.is_client_error());
            attempt += 1;
        }
    }
}

async fn exchange(request: reqwest::RequestBuilder) -> Result<Answer, reqwest::Error> {
    let response = request.send().await.map_err(reqwest::Error::without_url)?;
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response
        .bytes()
        .await
        .map_err(reqwest::Error::without_url)?;
    Ok(Answer {
        status,
        headers,
        body,
        maybe_done_before: false,
    })
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    headers
        .get(RETRY_AFTER)?
        .to_str()
        .ok()?
        .trim()
        .parse()
        .ok()
        .map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

    use super::*;

    #[test]
    fn waits_grow_to_a_cap() {
        let retry = Retry::times(5);
        for attempt in 0..40 {
            let wait = retry.backoff(attempt);
            assert!(wait <= LONGEST_BACKOFF, "{attempt}: {wait:?}");
            assert!(wait >= Duration::from_millis(200), "{attempt}: {wait:?}");
        }
        assert!(retry.backoff(20) >= LONGEST_BACKOFF / 2);
    }

    async fn tries(answer: ResponseTemplate) -> (u16, usize) {
        let server = MockServer::start().await;
        Mock::given(method("GET"))
            .respond_with(answer)
            .mount(&server)
            .await;
        let http = client().unwrap();
        let answer = Retry::at_once(2)
            .send(|| http.get(server.uri()))
            .await
            .unwrap();
        (
            answer.status.as_u16(),
            server.received_requests().await.unwrap().len(),
        )
    }

    #[tokio::test]
    async fn only_what_may_pass_is_repeated() {
        assert_eq!(tries(ResponseTemplate::new(200)).await, (200, 1));
        assert_eq!(tries(ResponseTemplate::new(404)).await, (404, 1));
        assert_eq!(tries(ResponseTemplate::new(503)).await, (503, 3));
        assert_eq!(
            tries(ResponseTemplate::new(429).insert_header("retry-after", "0")).await,
            (429, 3)
        );
        assert_eq!(
            tries(ResponseTemplate::new(429).insert_header("retry-after", "90000")).await,
            (429, 1)
        );
    }
}
