//! The one call, over HTTP/1.1, with TLS by ring and the roots of Mozilla compiled in.
//!
//! It follows no redirect, uses no proxy, repeats nothing, and logs nothing: its errors carry what the caller should.

use std::sync::Arc;

use reqwest::{
    Response, Url,
    header::{AUTHORIZATION, HeaderMap},
    redirect, retry,
};
use rustls::{ClientConfig, RootCertStore, crypto::ring};
use time::OffsetDateTime;

use crate::{
    ApiKey, Config, ConfigError, Doubt, EditError, EditRequest, Edited, Input, InputForm, answer,
    refusal::{Head, Reason, classify, identifier},
    request::{JsonBody, multipart},
    retry_after::retry_after,
};

/// The longest error body that is read, in bytes; those that are known have a few hundred.
const MAX_ERROR_BYTES: usize = 256 * 1024;

/// A client of one provider with one model. Make one per process and share it.
#[derive(Clone, Debug)]
pub struct Client {
    http: reqwest::Client,
    endpoint: Url,
    model: String,
    max_answer_bytes: usize,
}

impl Client {
    /// Checks `config` and sets up TLS. Opens no connection.
    pub fn new(config: &Config) -> Result<Self, ConfigError> {
        config.validate()?;
        let http = reqwest::Client::builder()
            .tls_backend_preconfigured(tls()?)
            .http1_only()
            .no_proxy()
            .redirect(redirect::Policy::none())
            .retry(retry::never())
            // An idle connection dies while Lambda has us frozen, and a request into a dead one ends as "unknown", which may
            // be had only once an image. A handshake is nothing beside an edit.
            .pool_max_idle_per_host(0)
            .connect_timeout(config.connect_timeout)
            .timeout(config.timeout)
            .user_agent(concat!("batch-image-edit/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(ConfigError::Http)?;
        Ok(Self {
            http,
            endpoint: config.endpoint()?,
            model: config.model.clone(),
            max_answer_bytes: config.max_answer_bytes,
        })
    }

    /// Asks for one edit, once, and waits for its picture.
    ///
    /// Dropping the future early may lose a picture that is paid for.
    pub async fn edit(&self, key: &ApiKey, request: EditRequest<'_>) -> Result<Edited, EditError> {
        let form = request.input.form();
        let response = self.send(key, &request).await.map_err(failed_to_send)?;
        let head = Head {
            status: response.status(),
            request_id: request_id(response.headers()),
            retry_after: retry_after(response.headers(), OffsetDateTime::now_utc()),
        };
        if head.status.is_success() {
            self.take_picture(response, head, &request).await
        } else {
            Err(refuse(response, head, form).await)
        }
    }

    async fn send(&self, key: &ApiKey, request: &EditRequest<'_>) -> reqwest::Result<Response> {
        let call = self
            .http
            .post(self.endpoint.clone())
            .header(AUTHORIZATION, key.bearer());
        let call = match &request.input {
            Input::Url(url) => call.json(&JsonBody::new(&self.model, request, url)),
            Input::Bytes { bytes, format } => {
                call.multipart(multipart(&self.model, request, bytes.clone(), *format)?)
            }
        };
        call.send().await
    }

    async fn take_picture(
        &self,
        response: Response,
        head: Head,
        request: &EditRequest<'_>,
    ) -> Result<Edited, EditError> {
        let body = read(response, self.max_answer_bytes).await;
        body.and_then(|body| answer::parse(&body, request.output_format, head.request_id.clone()))
            .map_err(|doubt| EditError::UnknownOutcome {
                doubt,
                retry_after: head.retry_after,
                request_id: head.request_id,
            })
    }
}

/// An error body that breaks off takes its reason with it; the status has arrived all the same.
async fn refuse(response: Response, head: Head, form: InputForm) -> EditError {
    let reason = match read(response, MAX_ERROR_BYTES).await {
        Ok(body) => Some(Reason::parse(&body)),
        Err(_cut) => None,
    };
    classify(head, reason, form)
}

/// The body of an answer, up to `limit` bytes of it.
async fn read(mut response: Response, limit: usize) -> Result<Vec<u8>, Doubt> {
    let too_long = || Doubt::TooLong { limit };
    let announced = response.content_length().unwrap_or(0);
    let announced = usize::try_from(announced).map_err(|_| too_long())?;
    if announced > limit {
        return Err(too_long());
    }
    let mut body = Vec::with_capacity(announced);
    while let Some(chunk) = response.chunk().await.map_err(broken)? {
        if chunk.len() > limit.saturating_sub(body.len()) {
            return Err(too_long());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn failed_to_send(error: reqwest::Error) -> EditError {
    // A connection is opened for each call and must stand, TLS included, before a byte of the request is written.
    if error.is_connect() || error.is_builder() {
        return EditError::Unreachable(error.without_url());
    }
    EditError::UnknownOutcome {
        doubt: broken(error),
        retry_after: None,
        request_id: None,
    }
}

fn broken(error: reqwest::Error) -> Doubt {
    if error.is_timeout() {
        Doubt::TimedOut
    } else {
        Doubt::Cut(error.without_url())
    }
}

fn request_id(headers: &HeaderMap) -> Option<String> {
    identifier(headers.get("x-request-id")?.to_str().ok()?)
}

fn tls() -> Result<ClientConfig, ConfigError> {
    let roots: RootCertStore = webpki_roots::TLS_SERVER_ROOTS.iter().cloned().collect();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(ConfigError::Tls)?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}
