//! Answers.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use api::{PROBLEM_CONTENT_TYPE, Problem};
use flate2::{Compression, write::GzEncoder};
use lambda_http::{
    Body, Response,
    http::{HeaderValue, StatusCode, header},
};
use serde::Serialize;

/// A body below this many bytes fits one packet as it is.
const WORTH_COMPRESSING: usize = 1_400;

/// How the body travels. Nobody between here and the browser compresses it: the status of 500 images is 1.5 MB of links, all
/// of which carry the same session token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    Gzip,
    Identity,
}

impl Encoding {
    /// The best of what an `Accept-Encoding` names.
    pub(super) fn accepted(header: &str) -> Self {
        let takes_gzip = header.split(',').any(|offer| {
            let (name, weight) = offer.split_once(';').unwrap_or((offer, ""));
            let refused = weight
                .trim()
                .strip_prefix("q=")
                .is_some_and(|q| q.parse() == Ok(0.0));
            name.trim().eq_ignore_ascii_case("gzip") && !refused
        });
        if takes_gzip {
            Self::Gzip
        } else {
            Self::Identity
        }
    }
}

fn gzip(body: &[u8]) -> io::Result<Vec<u8>> {
    // A small function's share of a core is a seventh.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body)?;
    encoder.finish()
}

/// An answer with a status, perhaps a JSON body, perhaps an entity tag.
#[derive(Debug)]
pub struct Reply {
    status: u16,
    content_type: &'static str,
    body: Option<Vec<u8>>,
    etag: Option<String>,
    retry_after: Option<Duration>,
}

impl Reply {
    /// 200 with this body.
    pub fn ok<T: Serialize>(body: &T) -> Self {
        Self::json(200, "application/json", body)
    }

    /// 201 with this body.
    pub fn created<T: Serialize>(body: &T) -> Self {
        Self::json(201, "application/json", body)
    }

    /// 202, with nothing to say.
    #[must_use]
    pub const fn noted() -> Self {
        Self {
            status: 202,
            content_type: "application/json",
            body: None,
            etag: None,
            retry_after: None,
        }
    }

    /// 202 with this body.
    pub fn accepted<T: Serialize>(body: &T) -> Self {
        Self::json(202, "application/json", body)
    }

    /// 304: what the client has under this tag is still so.
    #[must_use]
    pub const fn not_modified(etag: String) -> Self {
        Self {
            status: 304,
            content_type: "application/json",
            body: None,
            etag: Some(etag),
            retry_after: None,
        }
    }

    /// Adds the tag of this body.
    #[must_use]
    pub fn with_etag(mut self, etag: String) -> Self {
        self.etag = Some(etag);
        self
    }

    pub(super) const fn with_retry_after(mut self, wait: Option<Duration>) -> Self {
        self.retry_after = wait;
        self
    }

    pub(super) fn problem(problem: &Problem) -> Self {
        Self::json(problem.status, PROBLEM_CONTENT_TYPE, problem)
    }

    /// The body; empty if there is none.
    #[must_use]
    pub fn body(&self) -> &[u8] {
        self.body.as_deref().unwrap_or_default()
    }

    pub(super) const fn status(&self) -> u16 {
        self.status
    }

    fn json<T: Serialize>(status: u16, content_type: &'static str, body: &T) -> Self {
        Self {
            status,
            content_type,
            // The API's own types have no maps with odd keys, the only thing that serde_json refuses.
            body: serde_json::to_vec(body).ok(),
            etag: None,
            retry_after: None,
        }
    }

    pub(super) fn into_response(self, encoding: Encoding) -> Response<Body> {
        let mut response = Response::new(Body::Empty);
        *response.status_mut() =
            StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        // A shared cache must keep nothing of this, and a browser must ask before it shows it again.
        headers.insert(
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-cache"),
        );
        if let Some(etag) = self.etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
            headers.insert(header::ETAG, etag);
        }
        if let Some(wait) = self.retry_after {
            headers.insert(
                header::RETRY_AFTER,
                HeaderValue::from(wait.as_secs().max(1)),
            );
        }
        if let Some(body) = self.body {
            headers.insert(
                header::CONTENT_TYPE,
                HeaderValue::from_static(self.content_type),
            );
            headers.insert(header::VARY, HeaderValue::from_static("accept-encoding"));
            let is_long = body.len() >= WORTH_COMPRESSING;
            *response.body_mut() = if encoding == Encoding::Gzip
                && is_long
                && let Ok(zipped) = gzip(&body)
            {
                let name = HeaderValue::from_static("gzip");
                headers.insert(header::CONTENT_ENCODING, name);
                Body::Binary(zipped)
            } else {
                // JSON is UTF-8, so the API passes it on as text.
                Body::Text(String::from_utf8_lossy(&body).into_owned())
            };
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;

    use super::*;

    #[test]
    fn only_long_answers_to_who_takes_it_are_compressed() {
        let long = vec!["a link with a token"; 1_000];
        for (accepted, compressed) in [
            ("gzip, deflate, br", true),
            ("br;q=1.0, GZIP;q=0.8", true),
            ("gzip;q=0", false),
            ("br", false),
            ("", false),
        ] {
            let response = Reply::ok(&long).into_response(Encoding::accepted(accepted));
            let named = response.headers().get(header::CONTENT_ENCODING);
            assert_eq!(named.is_some(), compressed, "{accepted}");
            let text = match response.into_body() {
                Body::Text(text) => text,
                Body::Binary(zipped) => {
                    assert!(zipped.len() < 1_000, "{}", zipped.len());
                    let mut text = String::new();
                    let mut decoder = GzDecoder::new(zipped.as_slice());
                    decoder.read_to_string(&mut text).unwrap();
                    text
                }
                other => panic!("{other:?}"),
            };
            assert_eq!(serde_json::from_str::<Vec<&str>>(&text).unwrap(), long);
        }
        let short = Reply::ok(&["short"]).into_response(Encoding::Gzip);
        assert!(matches!(short.body(), Body::Text(_)));
    }
}
