//! Cognito's public sign-in calls, as plain JSON over HTTP. Knows no secrets of ours: the client id is public.

use serde_json::{Value, json};

use crate::{
    http::{CALL_TIMEOUT, Retry},
    session::{Connection, Tokens, now},
};

/// What sign-in refuses, as far as anybody can do something about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// `SignUp` for an address that has an account.
    #[error("an account for this e-mail address already exists")]
    AlreadyExists,
    /// Wrong address, wrong password, or a refresh token that has ended.
    #[error("the e-mail address or the password is wrong")]
    NotAuthorized,
    /// The address was never confirmed.
    #[error(
        "this e-mail address is not confirmed yet: run `bie signup` with the same address and password, and --code"
    )]
    NotConfirmed,
    /// The confirmation code is wrong or too old.
    #[error("the confirmation code is wrong or has expired")]
    WrongCode,
    /// Signing in needs a step that only the website has.
    #[error("this account needs another sign-in step ({0}), which only the website can do")]
    Challenge(String),
    /// Anything else, in Cognito's words.
    #[error("sign-in was refused: {message} ({code})")]
    Refused {
        /// Cognito's exception.
        code: String,
        /// Cognito's words.
        message: String,
    },
    /// No answer.
    #[error("cannot reach the sign-in service at {endpoint}")]
    Unreachable {
        /// Who did not answer.
        endpoint: String,
        /// Why.
        #[source]
        source: reqwest::Error,
    },
    /// An answer without what it must hold.
    #[error("the sign-in service answered without {0}")]
    Incomplete(&'static str),
}

/// One user pool client.
pub(crate) struct Cognito {
    http: reqwest::Client,
    retry: Retry,
    endpoint: String,
    client_id: String,
}

impl Cognito {
    pub(crate) fn new(http: reqwest::Client, retry: Retry, connection: &Connection) -> Self {
        Self {
            http,
            retry,
            endpoint: connection.cognito_endpoint(),
            client_id: connection.client_id.clone(),
        }
    }

    pub(crate) async fn sign_up(&self, email: &str, password: &str) -> Result<(), Error> {
        self.call(
            "SignUp",
            &json!({
                "ClientId": self.client_id,
                "Username": email,
                "Password": password,
                "UserAttributes": [{"Name": "email", "Value": email}],
            }),
        )
        .await
        .map(drop)
    }

    pub(crate) async fn resend_code(&self, email: &str) -> Result<(), Error> {
        let body = json!({"ClientId": self.client_id, "Username": email});
        self.call("ResendConfirmationCode", &body).await.map(drop)
    }

    pub(crate) async fn confirm(&self, email: &str, code: &str) -> Result<(), Error> {
        let body = json!({"ClientId": self.client_id, "Username": email, "ConfirmationCode": code});
        self.call("ConfirmSignUp", &body).await.map(drop)
    }

    pub(crate) async fn sign_in(&self, email: &str, password: &str) -> Result<Tokens, Error> {
        let body = json!({
            "ClientId": self.client_id,
            "AuthFlow": "USER_PASSWORD_AUTH",
            "AuthParameters": {"USERNAME": email, "PASSWORD": password},
        });
        tokens(&self.call("InitiateAuth", &body).await?, None)
    }

    /// New tokens for a refresh token; Cognito keeps the refresh token unless rotation is on.
    pub(crate) async fn refresh(&self, refresh_token: &str) -> Result<Tokens, Error> {
        let body = json!({
            "ClientId": self.client_id,
            "AuthFlow": "REFRESH_TOKEN_AUTH",
            "AuthParameters": {"REFRESH_TOKEN": refresh_token},
        });
        tokens(
            &self.call("InitiateAuth", &body).await?,
            Some(refresh_token),
        )
    }

    async fn call(&self, operation: &str, body: &Value) -> Result<Value, Error> {
        let body = body.to_string();
        let answer = self
            .retry
            .send(|| {
                self.http
                    .post(&self.endpoint)
                    .header(
                        "x-amz-target",
                        format!("AWSCognitoIdentityProviderService.{operation}"),
                    )
                    .header("content-type", "application/x-amz-json-1.1")
                    .body(body.clone())
                    .timeout(CALL_TIMEOUT)
            })
            .await
            .map_err(|source| Error::Unreachable {
                endpoint: self.endpoint.clone(),
                source,
            })?;
        let parsed: Value = serde_json::from_slice(&answer.body).unwrap_or(Value::Null);
        if answer.status.is_success() {
            Ok(parsed)
        } else {
            Err(refusal(answer.status.as_u16(), &parsed))
        }
    }
}

fn text<'a>(value: &'a Value, names: &[&str]) -> Option<&'a str> {
    names
        .iter()
        .find_map(|name| value.get(name).and_then(Value::as_str))
}

fn refusal(status: u16, body: &Value) -> Error {
    // "com.amazonaws.cognito#UsernameExistsException" or only its last part.
    let full = text(body, &["__type"]).unwrap_or_default();
    let code = full.rsplit('#').next().unwrap_or(full);
    match code {
        "UsernameExistsException" | "AliasExistsException" => Error::AlreadyExists,
        "NotAuthorizedException" | "UserNotFoundException" => Error::NotAuthorized,
        "UserNotConfirmedException" => Error::NotConfirmed,
        "CodeMismatchException" | "ExpiredCodeException" => Error::WrongCode,
        _ => Error::Refused {
            code: if code.is_empty() {
                format!("HTTP {status}")
            } else {
                code.to_owned()
            },
            message: text(body, &["message", "Message"])
                .unwrap_or("no reason was given")
                .to_owned(),
        },
    }
}

fn tokens(answer: &Value, refresh_token: Option<&str>) -> Result<Tokens, Error> {
    if let Some(challenge) = text(answer, &["ChallengeName"]) {
        return Err(Error::Challenge(challenge.to_owned()));
    }
    let result = answer
        .get("AuthenticationResult")
        .ok_or(Error::Incomplete("tokens"))?;
    let lifetime = result
        .get("ExpiresIn")
        .and_then(Value::as_u64)
        .unwrap_or(3600);
    Ok(Tokens {
        id_token: text(result, &["IdToken"])
            .ok_or(Error::Incomplete("an ID token"))?
            .to_owned(),
        refresh_token: text(result, &["RefreshToken"])
            .or(refresh_token)
            .ok_or(Error::Incomplete("a refresh token"))?
            .to_owned(),
        expires_at: now().saturating_add(lifetime),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_told_apart_with_and_without_a_namespace() {
        for name in [
            "UsernameExistsException",
            "com.amazonaws#UsernameExistsException",
        ] {
            assert!(
                matches!(refusal(400, &json!({"__type": name})), Error::AlreadyExists),
                "{name}"
            );
        }
        let other = refusal(
            400,
            &json!({"__type": "InvalidPasswordException", "message": "too short"}),
        );
        assert_eq!(
            other.to_string(),
            "sign-in was refused: too short (InvalidPasswordException)"
        );
        assert!(refusal(502, &Value::Null).to_string().contains("HTTP 502"));
    }

    #[test]
    fn a_refresh_keeps_its_refresh_token() {
        let answer = json!({"AuthenticationResult": {"IdToken": "new", "ExpiresIn": 60}});
        let renewed = tokens(&answer, Some("long")).unwrap();
        assert_eq!(
            (renewed.id_token.as_str(), renewed.refresh_token.as_str()),
            ("new", "long")
        );
        assert!(tokens(&answer, None).is_err());
        assert!(matches!(
            tokens(&json!({"ChallengeName": "SMS_MFA"}), None),
            Err(Error::Challenge(_))
        ));
    }
}
