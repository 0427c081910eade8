//! Somebody with an account and a plain HTTP client.

use api::{BatchStatus, PresignResponse, Problem, SubmitResponse, Upload};
use reqwest::{
    Method, RequestBuilder, Response, StatusCode,
    header::{HeaderMap, HeaderValue},
};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::{Stack, inside::Inside, unique, wait_for};

/// What every user signs in with.
pub const PASSWORD: &str = "correct horse battery staple 1";
/// The code that the engine sends to everybody.
const CODE: &str = "123456";

/// Somebody who is signed in.
#[derive(Clone, Debug)]
pub struct User {
    stack: Stack,
    http: reqwest::Client,
    token: String,
    id: String,
}

/// An answer of the API.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Vec<u8>,
}

impl Answer {
    async fn of(response: Response) -> Self {
        Self {
            status: response.status().as_u16(),
            headers: response.headers().clone(),
            body: response.bytes().await.unwrap().to_vec(),
        }
    }

    /// The body, if the status is the expected one.
    #[expect(
        clippy::must_use_candidate,
        reason = "a test may only want to see the status"
    )]
    pub fn expect<T: DeserializeOwned>(&self, status: u16) -> T {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.status, status, "{text}");
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    /// Has the function not answered in time? Those are the API's own words, which name no problem.
    #[must_use]
    pub fn is_late(&self) -> bool {
        let is_problem = |it: &HeaderValue| it == "application/problem+json";
        self.status == 503 && !self.headers.get("content-type").is_some_and(is_problem)
    }

    /// The problem, if it is one with this status and code and in the right media type.
    #[expect(
        clippy::must_use_candidate,
        reason = "a test may only want to see the code"
    )]
    pub fn problem(&self, status: u16, code: &str) -> Problem {
        let problem: Problem = self.expect(status);
        assert_eq!(problem.code, code, "{problem:?}");
        assert_eq!(problem.status, status);
        assert_eq!(self.headers["content-type"], api::PROBLEM_CONTENT_TYPE);
        problem
    }
}

/// What Cognito answers, if it does not refuse.
async fn cognito(stack: &Stack, operation: &str, body: &Value) -> Result<Value, String> {
    let target = format!("AWSCognitoIdentityProviderService.{operation}");
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = http
        .post(&stack.aws_endpoint)
        .header("content-type", "application/x-amz-json-1.1")
        .header("x-amz-target", target)
        .body(body.to_string());
    let answer = request.send().await.unwrap();
    let status = answer.status();
    let text = answer.text().await.unwrap();
    if status != StatusCode::OK {
        return Err(format!("{operation}: {text}"));
    }
    Ok(serde_json::from_str(&text).unwrap())
}

/// The tokens of whoever this is, with the password that all users have.
async fn sign_in(stack: &Stack, username: &str) -> Result<Value, String> {
    let wanted = json!({
        "ClientId": stack.client_id,
        "AuthFlow": "USER_PASSWORD_AUTH",
        "AuthParameters": { "USERNAME": username, "PASSWORD": PASSWORD },
    });
    let mut answer = cognito(stack, "InitiateAuth", &wanted).await?;
    Ok(answer["AuthenticationResult"].take())
}

impl User {
    /// Somebody new.
    pub async fn new(stack: &Stack) -> Self {
        Self::with_email(stack, &format!("{}@example.com", unique("user"))).await
    }

    /// Somebody new with this address: signed up, confirmed, signed in.
    pub async fn with_email(stack: &Stack, email: &str) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let client = &stack.client_id;
        let attributes = json!([{ "Name": "email", "Value": email }]);
        let sign_up = json!({ "ClientId": client, "Username": email, "Password": PASSWORD, "UserAttributes": attributes });
        let signed_up = cognito(stack, "SignUp", &sign_up).await.unwrap();
        let confirm = json!({ "ClientId": client, "Username": email, "ConfirmationCode": CODE });
        cognito(stack, "ConfirmSignUp", &confirm).await.unwrap();
        let tokens = sign_in(stack, email).await.unwrap();
        Self {
            stack: stack.clone(),
            http,
            token: tokens["IdToken"].as_str().unwrap().to_owned(),
            id: signed_up["UserSub"].as_str().unwrap().to_owned(),
        }
    }

    /// The same person once they have given another address, which they have not confirmed.
    pub async fn moved_to(&self, email: &str) -> Self {
        let stack = &self.stack;
        let tokens = sign_in(stack, &self.id).await.unwrap();
        let attributes = json!([
            { "Name": "email", "Value": email },
            { "Name": "email_verified", "Value": "false" },
        ]);
        let change = json!({ "AccessToken": tokens["AccessToken"], "UserAttributes": attributes });
        cognito(stack, "UpdateUserAttributes", &change)
            .await
            .unwrap();
        let tokens = sign_in(stack, &self.id).await.unwrap();
        Self {
            token: tokens["IdToken"].as_str().unwrap().to_owned(),
            ..self.clone()
        }
    }

    /// Does this address sign in, with the password that all users have?
    pub async fn signs_in(stack: &Stack, email: &str) -> bool {
        sign_in(stack, email).await.is_ok()
    }

    /// Somebody new with so many credits, however few others are welcomed with.
    pub async fn with_credits(stack: &Stack, credits: u32) -> Self {
        let user = Self::new(stack).await;
        let id = user.id.parse().unwrap();
        Inside::deployed(stack).open_account(&id, credits).await;
        assert_eq!(user.account().await.credits, u64::from(credits));
        user
    }

    /// The Cognito `sub`.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    /// A request to the API, signed in.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path).bearer_auth(&self.token)
    }

    /// A request to the API, not signed in.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("{}{path}", self.stack.url))
    }

    /// Sends a request.
    pub async fn send(&self, request: RequestBuilder) -> Answer {
        Answer::of(request.send().await.unwrap()).await
    }

    /// `GET` of a path.
    pub async fn get(&self, path: &str) -> Answer {
        self.send(self.request(Method::GET, path)).await
    }

    /// Who I am.
    pub async fn account(&self) -> api::Account {
        self.get("/api/account").await.expect(200)
    }

    /// `POST` to a path.
    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(self.request(Method::POST, path).json(body)).await
    }

    /// What I have and owe.
    pub async fn balance(&self) -> api::Balance {
        self.get("/api/billing/balance").await.expect(200)
    }

    /// What became of my credits, newest first.
    pub async fn transactions(&self) -> Vec<api::Transaction> {
        let page = self.get("/api/billing/transactions").await;
        page.expect::<api::Transactions>(200).transactions
    }

    /// Waits until I have so many credits.
    pub async fn has(&self, credits: u64) {
        wait_for(&format!("{credits} credits"), async || {
            (self.balance().await.credits == credits).then_some(())
        })
        .await;
    }

    /// Wants to be forgotten.
    pub async fn delete_account(&self, confirm: &str) -> Answer {
        let request = self.request(Method::DELETE, "/api/account");
        let body = json!({ "confirm": confirm });
        self.send(request.json(&body)).await
    }

    /// Asks for one upload link.
    pub async fn link(&self, content_type: &str, size: usize) -> Upload {
        let files =
            json!({ "files": [{ "name": "a photo", "contentType": content_type, "size": size }] });
        let request = self
            .request(Method::POST, "/api/files/presign")
            .json(&files);
        let answer: PresignResponse = self.send(request).await.expect(200);
        answer.uploads.into_iter().next().unwrap()
    }

    /// Sends bytes to an upload link; the status.
    pub async fn put(&self, upload: &Upload, bytes: Vec<u8>) -> u16 {
        assert_eq!(upload.method, "PUT");
        let mut request = self.http.put(&upload.url).body(bytes);
        for (name, value) in &upload.headers {
            request = request.header(name, value);
        }
        request.send().await.unwrap().status().as_u16()
    }

    /// Uploads a file; its key.
    pub async fn upload(&self, content_type: &str, bytes: Vec<u8>) -> String {
        let link = self.link(content_type, bytes.len()).await;
        assert_eq!(self.put(&link, bytes).await, 200);
        link.key
    }

    /// Uploads a small photo; its key.
    pub async fn photo(&self) -> String {
        self.upload("image/png", crate::photo(96, 64)).await
    }

    /// Submits a body under an idempotency key.
    pub async fn submit(&self, key: &str, body: &Value) -> Answer {
        let request = self
            .request(Method::POST, "/api/images/generate")
            .header("idempotency-key", key)
            .json(body);
        self.send(request).await
    }

    /// Submits photos with one prompt and sees them accepted.
    pub async fn accepted(&self, keys: &[String], prompt: &str) -> SubmitResponse {
        let images: Vec<_> = keys.iter().map(|key| json!({ "key": key })).collect();
        let body = json!({ "images": images, "prompt": prompt });
        self.submit(&unique("key"), &body).await.expect(202)
    }

    /// Asks for something about a batch: `cancel` or `retry`.
    pub async fn control(&self, batch: &str, verb: &str) -> Answer {
        let path = format!("/api/batch/{batch}/{verb}");
        self.send(self.request(Method::POST, &path)).await
    }

    /// How far a batch is.
    pub async fn status(&self, batch: &str) -> BatchStatus {
        self.get(&format!("/api/batch/{batch}/status"))
            .await
            .expect(200)
    }

    /// Waits until every image of a batch is settled.
    pub async fn finished(&self, batch: &str) -> BatchStatus {
        wait_for(&format!("batch {batch}"), async || {
            let status = self.status(batch).await;
            status.finished_at.is_some().then_some(status)
        })
        .await
    }

    /// Fetches a result by its link, as anybody could who has it.
    pub async fn download(&self, url: &str) -> Vec<u8> {
        let response = self.http.get(url).send().await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{url}");
        response.bytes().await.unwrap().to_vec()
    }
}
