//! A request as a handler sees it: who calls, and with what.

use domain::UserId;
use lambda_http::{Request, RequestExt, request::RequestContext};
use serde::de::DeserializeOwned;

use super::{Failure, ProblemKind};

/// Bytes of a request's body; more is refused with 413.
pub const MAX_BODY: usize = 1_000_000;

/// One request.
#[derive(Debug)]
pub struct Call(Request);

/// Who calls, by the claims of their ID token, which the API has verified.
#[derive(Clone, Debug)]
pub struct Caller {
    /// `sub`
    pub user: UserId,
    /// `email`
    pub email: String,
    /// `email_verified`
    pub email_verified: bool,
    /// `cognito:username`: the `sub`, too, unless another service signs them in.
    pub username: String,
}

impl Call {
    pub(super) const fn new(request: Request) -> Self {
        Self(request)
    }

    /// The request that an event of the HTTP API (payload format 2.0) carries; for tests over the files in `events/`.
    pub fn from_event(json: &str) -> Result<Self, serde_json::Error> {
        lambda_http::request::from_str(json).map(Self)
    }

    /// The route as the template names it, such as `GET /api/batches`: a path would put ids into the log's keys.
    #[must_use]
    pub fn route(&self) -> &str {
        match self.0.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => {
                context.route_key.as_deref().unwrap_or_default()
            }
            _ => "",
        }
    }

    /// Who calls.
    pub fn caller(&self) -> Result<Caller, Failure> {
        let claims = match self.0.request_context_ref() {
            Some(RequestContext::ApiGatewayV2(context)) => context
                .authorizer
                .as_ref()
                .and_then(|authorizer| authorizer.jwt.as_ref())
                .map(|jwt| &jwt.claims),
            _ => None,
        };
        let claim = |name: &str| claims.and_then(|claims| claims.get(name));
        let user = claim("sub").and_then(|sub| sub.parse::<UserId>().ok());
        // Access tokens pass the same authorizer in some set-ups, and carry no e-mail.
        let (Some(user), Some(email)) = (user, claim("email")) else {
            return Err(Failure::new(
                ProblemKind::Unauthenticated,
                "send the ID token that signing in gave you, as a bearer token",
            ));
        };
        Ok(Caller {
            username: claim("cognito:username")
                .cloned()
                .unwrap_or_else(|| user.to_string()),
            user,
            email: email.clone(),
            email_verified: claim("email_verified").is_some_and(|verified| verified == "true"),
        })
    }

    /// A header's value, if it is there and plain text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.0.headers().get(name)?.to_str().ok()
    }

    /// A parameter of the route's path.
    #[must_use]
    pub fn path(&self, name: &str) -> Option<&str> {
        self.0.path_parameters_ref()?.first(name)
    }

    /// A parameter of the query.
    #[must_use]
    pub fn query(&self, name: &str) -> Option<&str> {
        self.0.query_string_parameters_ref()?.first(name)
    }

    /// How many items a page is to have (`?limit=`): `default`, unless the caller wants another number up to `most`.
    pub fn limit(&self, default: u32, most: u32) -> Result<u32, Failure> {
        let Some(text) = self.query("limit") else {
            return Ok(default);
        };
        text.parse()
            .ok()
            .filter(|limit| (1..=most).contains(limit))
            .ok_or_else(|| {
                let detail = format!("limit must be a number from 1 to {most}");
                Failure::new(ProblemKind::InvalidRequest, detail)
            })
    }

    /// The body, byte for byte as it was sent: what a signature is over.
    pub fn bytes(&self) -> Result<&[u8], Failure> {
        let body: &[u8] = self.0.body();
        if body.len() > MAX_BODY {
            return Err(Failure::new(
                ProblemKind::BodyTooLarge,
                format!(
                    "the body has {} bytes; at most {MAX_BODY} are taken",
                    body.len()
                ),
            ));
        }
        Ok(body)
    }

    /// The body as JSON.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Failure> {
        let mut json = serde_json::Deserializer::from_slice(self.bytes()?);
        let parsed = serde_path_to_error::deserialize(&mut json).map_err(|error| {
            let pointer = pointer(error.path());
            Failure::new(
                ProblemKind::InvalidJson,
                "the body is not the JSON that this takes",
            )
            .with_fault(pointer, error.inner().to_string())
        })?;
        json.end().map_err(|error| {
            Failure::new(ProblemKind::InvalidJson, "the body goes on after its JSON")
                .with_fault(String::new(), error.to_string())
        })?;
        Ok(parsed)
    }
}

/// A path as a JSON pointer (RFC 6901).
fn pointer(path: &serde_path_to_error::Path) -> String {
    use serde_path_to_error::Segment;
    let mut pointer = String::new();
    for segment in path {
        match segment {
            Segment::Seq { index } => {
                pointer += "/";
                pointer += &index.to_string();
            }
            Segment::Map { key } | Segment::Enum { variant: key } => {
                pointer += "/";
                pointer += &key.replace('~', "~0").replace('/', "~1");
            }
            Segment::Unknown => {}
        }
    }
    pointer
}

#[cfg(test)]
mod tests {
    use super::*;

    fn call(body: &str) -> Call {
        Call::new(Request::new(body.into()))
    }

    #[test]
    fn faults_have_a_place() {
        for (body, pointer) in [
            ("", ""),
            ("{", ""),
            (r#"{"files": 7}"#, "/files"),
            (
                r#"{"files": [{"name": "a", "contentType": "b", "size": -1}]}"#,
                "/files/0/size",
            ),
            (r#"{"files": []} x"#, ""),
        ] {
            let failure = call(body).json::<api::PresignRequest>().unwrap_err();
            assert_eq!(failure.code(), "invalid_json");
            assert_eq!(
                failure.problem().errors.unwrap()[0].pointer,
                pointer,
                "{body}"
            );
        }
    }

    #[test]
    fn a_large_body_is_not_even_read() {
        let failure = call(&"[".repeat(MAX_BODY + 1))
            .json::<api::PresignRequest>()
            .unwrap_err();
        assert_eq!(failure.status(), 413);
    }

    #[test]
    fn nobody_is_not_somebody() {
        assert_eq!(call("").caller().unwrap_err().status(), 401);
    }
}
