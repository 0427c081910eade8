//! The service's HTTP API, as whoever is signed in. Knows paths, headers and errors; renews the token by itself.

use std::{cell::RefCell, io};

use api::{
    Account, Balance, BatchHistory, BatchStatus, CancelResponse, Checkout, CheckoutRequest,
    DeleteAccountRequest, DeleteAccountResponse, Packs, PresignRequest, PresignResponse, Problem,
    SubmitRequest, SubmitResponse, Transactions, Upload,
};
use bytes::Bytes;
use reqwest::{
    Method, StatusCode,
    header::{ETAG, IF_NONE_MATCH},
};
use serde::de::DeserializeOwned;

use crate::{
    cognito::{self, Cognito},
    http::{Answer, CALL_TIMEOUT, Retry, transfer_timeout},
    render,
    session::{Session, Store, now},
};

/// A result link's answer may be this large before we stop waiting for it.
const LARGEST_RESULT: u64 = 50_000_000;

/// What can go wrong with a call.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// The service said no, and why.
    #[error("{}", render::problem(.problem))]
    Problem {
        /// What it said.
        problem: Box<Problem>,
        /// Whether an earlier try of the same call got no such answer, and may have been heard.
        maybe_done_before: bool,
    },
    /// An error that is not ours: a gateway's, a bucket's.
    #[error("{what} was answered with {status}{detail}")]
    Unexpected {
        /// What was tried.
        what: String,
        /// The HTTP status.
        status: StatusCode,
        /// What else the answer said, with its own separator.
        detail: String,
    },
    /// No answer, however often.
    #[error("{what} got no answer from {host}")]
    Unreachable {
        /// What was tried.
        what: String,
        /// Who did not answer.
        host: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// A success that cannot be read.
    #[error("{what} got an answer that is not what this version of bie knows")]
    Malformed {
        /// What was tried.
        what: String,
        /// Why.
        #[source]
        source: serde_json::Error,
    },
    /// The refresh token has ended.
    #[error("your sign-in has ended: run `bie login`")]
    SignedOut,
    /// Cognito could not renew the token.
    #[error(transparent)]
    Cognito(cognito::Error),
    /// The renewed token could not be kept.
    #[error("cannot save the renewed sign-in")]
    Save(#[source] io::Error),
}

impl Error {
    /// For programs.
    pub(crate) fn code(&self) -> &str {
        match self {
            Self::Problem { problem, .. } => &problem.code,
            Self::Unexpected { .. } => "unexpected_answer",
            Self::Unreachable { .. } => "unreachable",
            Self::Malformed { .. } => "malformed_answer",
            Self::SignedOut | Self::Cognito(_) => "sign_in",
            Self::Save(_) => "io",
        }
    }

    /// The service's status, if it answered.
    pub(crate) fn status(&self) -> Option<u16> {
        match self {
            Self::Problem { problem, .. } => Some(problem.status),
            Self::Unexpected { status, .. } => Some(status.as_u16()),
            _ => None,
        }
    }
}

/// What asking for a status brought.
pub(crate) enum Polled {
    /// The same as under the entity tag that was sent.
    Unchanged,
    /// News, and the tag to ask with next time.
    Changed(Box<BatchStatus>, Option<String>),
}

/// One user at one service.
pub(crate) struct Client {
    http: reqwest::Client,
    retry: Retry,
    cognito: Cognito,
    session: RefCell<Session>,
    store: Store,
    origin: String,
}

impl Client {
    pub(crate) fn new(
        http: reqwest::Client,
        retry: Retry,
        cognito: Cognito,
        session: Session,
        store: Store,
    ) -> Self {
        let origin = session.connection.url.clone();
        Self {
            http,
            retry,
            cognito,
            session: RefCell::new(session),
            store,
            origin,
        }
    }

    /// The service's origin.
    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }

    /// How patient we are.
    pub(crate) const fn retry(&self) -> Retry {
        self.retry
    }

    pub(crate) async fn account(&self) -> Result<Account, Error> {
        let what = "asking for your account";
        parse(
            what,
            &self
                .call(what, Method::GET, "/api/account", &[], None)
                .await?,
        )
    }

    /// May be said again, as long as the token is good.
    pub(crate) async fn delete_account(&self, email: &str) -> Result<DeleteAccountResponse, Error> {
        let what = "deleting your account";
        let confirm = email.to_owned();
        let body = encode(what, &DeleteAccountRequest { confirm })?;
        parse(
            what,
            &self
                .call(what, Method::DELETE, "/api/account", &[], Some(body))
                .await?,
        )
    }

    pub(crate) async fn presign(&self, request: &PresignRequest) -> Result<PresignResponse, Error> {
        let what = "asking for upload links";
        let body = encode(what, request)?;
        parse(
            what,
            &self
                .call(what, Method::POST, "/api/files/presign", &[], Some(body))
                .await?,
        )
    }

    /// The same key and request get the same answer, however often they are sent.
    pub(crate) async fn submit(
        &self,
        key: &str,
        request: &SubmitRequest,
    ) -> Result<SubmitResponse, Error> {
        let what = "submitting the batch";
        let body = encode(what, request)?;
        let headers = [("idempotency-key", key)];
        parse(
            what,
            &self
                .call(
                    what,
                    Method::POST,
                    "/api/images/generate",
                    &headers,
                    Some(body),
                )
                .await?,
        )
    }

    /// May be asked again: the answer is how the batch stands.
    pub(crate) async fn cancel(&self, batch: &str) -> Result<CancelResponse, Error> {
        self.control("canceling the batch", batch, "cancel").await
    }

    /// May be asked again: the answer is the first one.
    pub(crate) async fn retry_batch(&self, batch: &str) -> Result<SubmitResponse, Error> {
        self.control("retrying the batch", batch, "retry").await
    }

    async fn control<T: DeserializeOwned>(
        &self,
        what: &str,
        batch: &str,
        verb: &str,
    ) -> Result<T, Error> {
        let path = format!("/api/batch/{batch}/{verb}");
        parse(
            what,
            &self.call(what, Method::POST, &path, &[], None).await?,
        )
    }

    pub(crate) async fn status(&self, batch: &str, etag: Option<&str>) -> Result<Polled, Error> {
        let what = "asking for the batch's status";
        let path = format!("/api/batch/{batch}/status");
        let headers: Vec<_> = etag
            .map(|etag| (IF_NONE_MATCH.as_str(), etag))
            .into_iter()
            .collect();
        let answer = self.call(what, Method::GET, &path, &headers, None).await?;
        if answer.status == StatusCode::NOT_MODIFIED {
            return Ok(Polled::Unchanged);
        }
        let etag = answer
            .headers
            .get(ETAG)
            .and_then(|tag| tag.to_str().ok())
            .map(str::to_owned);
        Ok(Polled::Changed(Box::new(parse(what, &answer)?), etag))
    }

    pub(crate) async fn batches(
        &self,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<BatchHistory, Error> {
        let path = page("/api/batches", limit, cursor);
        self.read("asking for your batches", &path).await
    }

    pub(crate) async fn packs(&self) -> Result<Packs, Error> {
        self.read("asking what is sold", "/api/billing/packs").await
    }

    pub(crate) async fn balance(&self) -> Result<Balance, Error> {
        self.read("asking for your balance", "/api/billing/balance")
            .await
    }

    pub(crate) async fn transactions(
        &self,
        limit: usize,
        cursor: Option<&str>,
    ) -> Result<Transactions, Error> {
        let path = page("/api/billing/transactions", limit, cursor);
        self.read("asking for your transactions", &path).await
    }

    /// May be asked again: a page that nobody pays on costs nothing.
    pub(crate) async fn checkout(&self, product_id: &str) -> Result<Checkout, Error> {
        let what = "asking where to pay";
        let request = CheckoutRequest {
            product_id: product_id.to_owned(),
        };
        let body = Some(encode(what, &request)?);
        let path = "/api/billing/checkout";
        parse(what, &self.call(what, Method::POST, path, &[], body).await?)
    }

    async fn read<T: DeserializeOwned>(&self, what: &str, path: &str) -> Result<T, Error> {
        parse(what, &self.call(what, Method::GET, path, &[], None).await?)
    }

    /// Sends a file's bytes where its link says. A 412 after a try of our own means that the try had worked.
    pub(crate) async fn upload(&self, upload: &Upload, bytes: &Bytes) -> Result<(), Error> {
        let what = "uploading";
        let method = Method::from_bytes(upload.method.as_bytes()).unwrap_or(Method::PUT);
        let timeout = transfer_timeout(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        let answer = self
            .retry
            .send(|| {
                let request = self
                    .http
                    .request(method.clone(), &upload.url)
                    .timeout(timeout);
                // The HTTP client sends the length by itself, from the body.
                let named = upload
                    .headers
                    .iter()
                    .filter(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
                named
                    .fold(request, |request, (name, value)| {
                        request.header(name, value)
                    })
                    .body(bytes.clone())
            })
            .await
            .map_err(|source| unreachable_host(what, &upload.url, source))?;
        let done_before =
            answer.status == StatusCode::PRECONDITION_FAILED && answer.maybe_done_before;
        if answer.status.is_success() || done_before {
            Ok(())
        } else {
            Err(failure(what, &answer))
        }
    }

    /// Fetches a result. The link carries its own permission; the token stays at home.
    pub(crate) async fn download(&self, url: &str) -> Result<Bytes, Error> {
        let what = "fetching a result";
        let answer = self
            .retry
            .send(|| self.http.get(url).timeout(transfer_timeout(LARGEST_RESULT)))
            .await
            .map_err(|source| unreachable_host(what, url, source))?;
        if answer.status.is_success() {
            Ok(answer.body)
        } else {
            Err(failure(what, &answer))
        }
    }

    async fn call(
        &self,
        what: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Bytes>,
    ) -> Result<Answer, Error> {
        let url = format!("{}{path}", self.origin);
        let mut renewed = self.renew_if_expired().await?;
        loop {
            let token = self.session.borrow().tokens.id_token.clone();
            let answer = self
                .retry
                .send(|| {
                    let request = self
                        .http
                        .request(method.clone(), &url)
                        .bearer_auth(&token)
                        .timeout(CALL_TIMEOUT);
                    let request = headers.iter().fold(request, |request, (name, value)| {
                        request.header(*name, *value)
                    });
                    match &body {
                        Some(body) => request
                            .header("content-type", "application/json")
                            .body(body.clone()),
                        None => request,
                    }
                })
                .await
                .map_err(|source| unreachable_host(what, &self.origin, source))?;
            if answer.status == StatusCode::UNAUTHORIZED && !renewed {
                self.renew().await?;
                renewed = true;
            } else if answer.status.is_success() || answer.status == StatusCode::NOT_MODIFIED {
                return Ok(answer);
            } else {
                return Err(failure(what, &answer));
            }
        }
    }

    async fn renew_if_expired(&self) -> Result<bool, Error> {
        let expired = self.session.borrow().tokens.expired(now());
        if expired {
            self.renew().await?;
        }
        Ok(expired)
    }

    async fn renew(&self) -> Result<(), Error> {
        let refresh_token = self.session.borrow().tokens.refresh_token.clone();
        let tokens = self
            .cognito
            .refresh(&refresh_token)
            .await
            .map_err(|error| match error {
                cognito::Error::NotAuthorized => Error::SignedOut,
                other => Error::Cognito(other),
            })?;
        self.session.borrow_mut().tokens = tokens;
        self.store.save(&self.session.borrow()).map_err(Error::Save)
    }
}

fn encode(what: &str, body: &impl serde::Serialize) -> Result<Bytes, Error> {
    serde_json::to_vec(body)
        .map(Bytes::from)
        .map_err(|source| Error::Malformed {
            what: what.to_owned(),
            source,
        })
}

fn parse<T: DeserializeOwned>(what: &str, answer: &Answer) -> Result<T, Error> {
    serde_json::from_slice(&answer.body).map_err(|source| Error::Malformed {
        what: what.to_owned(),
        source,
    })
}

/// Never the whole link: it may carry a signature.
fn unreachable_host(what: &str, url: &str, source: reqwest::Error) -> Error {
    let host = reqwest::Url::parse(url)
        .map_or_else(|_| url.to_owned(), |url| url.origin().ascii_serialization());
    Error::Unreachable {
        what: what.to_owned(),
        host,
        source,
    }
}

fn failure(what: &str, answer: &Answer) -> Error {
    if let Ok(problem) = serde_json::from_slice::<Problem>(&answer.body) {
        return Error::Problem {
            problem: Box::new(problem),
            maybe_done_before: answer.maybe_done_before,
        };
    }
    // API Gateway says {"message": ..}, S3 says <Code>..</Code>.
    let text = String::from_utf8_lossy(&answer.body);
    let message = serde_json::from_str::<serde_json::Value>(&text)
        .ok()
        .and_then(|body| body.get("message")?.as_str().map(str::to_owned))
        .or_else(|| {
            Some(
                text.split_once("<Code>")?
                    .1
                    .split_once("</Code>")?
                    .0
                    .to_owned(),
            )
        });
    Error::Unexpected {
        what: what.to_owned(),
        status: answer.status,
        detail: message.map_or_else(String::new, |message| format!(": {message}")),
    }
}

/// The path of one page of a list.
fn page(path: &str, limit: usize, cursor: Option<&str>) -> String {
    let cursor = cursor.map(|cursor| format!("&cursor={}", query_value(cursor)));
    format!("{path}?limit={limit}{}", cursor.unwrap_or_default())
}

/// A cursor is opaque: everything but the plainest characters is escaped.
fn query_value(text: &str) -> String {
    let escape = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(escape).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;
    use wiremock::{
        Mock, MockServer, ResponseTemplate,
        matchers::{body_partial_json, header, method, path},
    };

    use super::*;
    use crate::session;

    fn client(server: &MockServer, dir: &tempfile::TempDir, expires_at: u64) -> Client {
        let mut session = session::tests::session(&server.uri());
        session.tokens.expires_at = expires_at;
        let http = crate::http::client().unwrap();
        let cognito = Cognito::new(http.clone(), Retry::at_once(0), &session.connection);
        let store = Store::new(Some(dir.path().to_owned())).unwrap();
        Client::new(http, Retry::at_once(2), cognito, session, store)
    }

    fn link(server: &MockServer) -> Upload {
        Upload {
            key: "uploads/me/1.png".to_owned(),
            url: format!("{}/bucket/1.png", server.uri()),
            method: "PUT".to_owned(),
            headers: BTreeMap::from([("if-none-match".to_owned(), "*".to_owned())]),
            expires_at: String::new(),
        }
    }

    async fn upload(answers: &[u16]) -> Result<usize, Error> {
        let (server, dir) = (MockServer::start().await, tempfile::tempdir().unwrap());
        for status in answers {
            Mock::given(method("PUT"))
                .and(header("if-none-match", "*"))
                .and(header("content-length", "4"))
                .respond_with(ResponseTemplate::new(*status))
                .up_to_n_times(1)
                .mount(&server)
                .await;
        }
        client(&server, &dir, u64::MAX)
            .upload(&link(&server), &Bytes::from_static(b"abcd"))
            .await?;
        let requests = server.received_requests().await.unwrap();
        assert!(
            requests
                .iter()
                .all(|sent| !sent.headers.contains_key("authorization"))
        );
        Ok(requests.len())
    }

    #[tokio::test]
    async fn a_412_counts_as_uploaded_only_after_a_try_of_our_own() {
        assert_eq!(upload(&[200]).await.unwrap(), 1);
        assert_eq!(upload(&[500, 503, 200]).await.unwrap(), 3);
        assert_eq!(upload(&[500, 412]).await.unwrap(), 2);
        assert_eq!(upload(&[412]).await.unwrap_err().status(), Some(412));
        assert_eq!(upload(&[403]).await.unwrap_err().status(), Some(403));
    }

    fn account() -> ResponseTemplate {
        ResponseTemplate::new(200).set_body_json(json!({
            "userId": "me", "email": "ada@example.com", "credits": 10, "prices": [], "autoPixels": 1,
            "limits": {"maxImagesPerBatch": 2, "maxFileBytes": 1, "maxPixels": 1, "maxFilesPerPresign": 1, "maxOpenImages": 1000,
                       "maxPromptChars": 1, "maxImagePromptChars": 1},
        }))
    }

    async fn cognito_renews(server: &MockServer, expected: u64) {
        Mock::given(method("POST"))
            .and(path("/"))
            .and(header(
                "x-amz-target",
                "AWSCognitoIdentityProviderService.InitiateAuth",
            ))
            .and(body_partial_json(json!({
                "AuthFlow": "REFRESH_TOKEN_AUTH", "ClientId": "client",
                "AuthParameters": {"REFRESH_TOKEN": "refresh-token"},
            })))
            .respond_with(ResponseTemplate::new(200).set_body_json(json!({
                "AuthenticationResult": {"IdToken": "new-token", "ExpiresIn": 3600},
            })))
            .expect(expected)
            .mount(server)
            .await;
    }

    #[tokio::test]
    async fn an_expired_token_is_renewed_before_use_and_kept() {
        let (server, dir) = (MockServer::start().await, tempfile::tempdir().unwrap());
        cognito_renews(&server, 1).await;
        Mock::given(path("/api/account"))
            .and(header("authorization", "Bearer new-token"))
            .respond_with(account())
            .expect(2)
            .mount(&server)
            .await;
        let client = client(&server, &dir, 1);
        client.account().await.unwrap();
        client.account().await.unwrap();
        let kept = client.store.load().unwrap().unwrap().tokens;
        assert_eq!(
            (kept.id_token.as_str(), kept.refresh_token.as_str()),
            ("new-token", "refresh-token")
        );
    }

    #[tokio::test]
    async fn a_401_renews_once() {
        let (server, dir) = (MockServer::start().await, tempfile::tempdir().unwrap());
        cognito_renews(&server, 1).await;
        Mock::given(path("/api/account"))
            .and(header("authorization", "Bearer old-token"))
            .respond_with(
                ResponseTemplate::new(401).set_body_json(json!({"message": "Unauthorized"})),
            )
            .mount(&server)
            .await;
        Mock::given(path("/api/account"))
            .and(header("authorization", "Bearer new-token"))
            .respond_with(
                ResponseTemplate::new(401).set_body_json(json!({"message": "Unauthorized"})),
            )
            .expect(1)
            .mount(&server)
            .await;
        let error = client(&server, &dir, u64::MAX).account().await.unwrap_err();
        assert_eq!(
            error.to_string(),
            "asking for your account was answered with 401 Unauthorized: Unauthorized"
        );
    }

    #[tokio::test]
    async fn a_refused_renewal_means_signing_in_again() {
        let (server, dir) = (MockServer::start().await, tempfile::tempdir().unwrap());
        Mock::given(method("POST"))
            .respond_with(
                ResponseTemplate::new(400)
                    .set_body_json(json!({"__type": "NotAuthorizedException", "message": "x"})),
            )
            .mount(&server)
            .await;
        assert!(matches!(
            client(&server, &dir, 1).account().await,
            Err(Error::SignedOut)
        ));
    }

    #[tokio::test]
    async fn a_link_never_shows_up_in_an_error() {
        let dir = tempfile::tempdir().unwrap();
        let server = MockServer::start().await;
        let client = client(&server, &dir, u64::MAX);
        let error = client
            .download("http://127.0.0.1:1/x?X-Amz-Signature=secret")
            .await
            .unwrap_err();
        let text = format!("{:#}", anyhow::Error::new(error));
        assert!(
            text.contains("http://127.0.0.1:1") && !text.contains("secret"),
            "{text}"
        );
    }

    #[test]
    fn cursors_are_escaped() {
        assert_eq!(query_value("a+b/c=&d"), "a%2Bb%2Fc%3D%26d");
    }
}
