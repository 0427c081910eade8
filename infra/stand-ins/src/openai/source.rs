//! Getting the bytes of a picture: from the body, from a data URL, or by fetching a URL exactly as it was given.
//!
//! Knows the network; of the bytes only what type they are.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::{Bytes, BytesMut};
use reqwest::{header::CONTENT_TYPE, redirect::Policy};

use super::{
    form::{Source, check_length, check_mimetype, essence},
    refusal::Refusal,
};
use crate::client::{SetupError, client};

/// Characters of a data URL.
const MAX_DATA_URL: usize = 20_971_520;
/// How long a picture may take to arrive.
const FETCH_TIMEOUT: Duration = Duration::from_secs(20);

/// The client that fetches pictures.
pub(crate) fn fetcher() -> Result<reqwest::Client, SetupError> {
    client(FETCH_TIMEOUT, Policy::limited(3))
}

/// The bytes of every picture, in order.
pub(crate) async fn load(
    sources: Vec<Source>,
    fetcher: &reqwest::Client,
) -> Result<Vec<Bytes>, Refusal> {
    let mut images = Vec::with_capacity(sources.len());
    for (index, source) in sources.into_iter().enumerate() {
        images.push(match source {
            Source::Bytes(bytes) => bytes,
            Source::Url(url) => {
                let param = format!("images[{index}].image_url");
                match url.strip_prefix("data:") {
                    Some(data) => decode_data_url(url.len(), data, param)?,
                    None => fetch(fetcher, &url, param).await?,
                }
            }
        });
    }
    Ok(images)
}

/// `data` is what follows `data:` in a URL of `length` characters.
fn decode_data_url(length: usize, data: &str, param: String) -> Result<Bytes, Refusal> {
    if length > MAX_DATA_URL {
        return Err(Refusal::invalid(
            "string_above_max_length",
            format!("Invalid '{param}': a data URL may have at most {MAX_DATA_URL} characters."),
        )
        .about(param));
    }
    let malformed = |param: String| {
        Refusal::invalid(
            "invalid_image_url",
            format!("Invalid '{param}': expected a base64-encoded data URL."),
        )
        .about(param)
    };
    let Some((head, encoded)) = data.split_once(',') else {
        return Err(malformed(param));
    };
    let Some(media_type) = head.strip_suffix(";base64") else {
        return Err(malformed(param));
    };
    check_mimetype(&essence(media_type), param.clone())?;
    match STANDARD.decode(encoded) {
        Ok(bytes) => Ok(Bytes::from(bytes)),
        Err(_) => Err(malformed(param)),
    }
}

async fn fetch(fetcher: &reqwest::Client, url: &str, param: String) -> Result<Bytes, Refusal> {
    if !(url.starts_with("http://") || url.starts_with("https://")) {
        return Err(Refusal::invalid(
            "invalid_image_url",
            format!("Invalid '{param}': expected an http, https or data URL."),
        )
        .about(param));
    }
    // The reason goes to the caller without the URL: a presigned one is a key.
    let failed = |reason: String| {
        Refusal::invalid(
            "invalid_image_url",
            format!("Error while downloading '{param}': {reason}."),
        )
        .about(param.clone())
    };
    let mut response = fetcher
        .get(url)
        .send()
        .await
        .map_err(|error| failed(reason(&error).to_owned()))?;
    if !response.status().is_success() {
        return Err(failed(format!(
            "upstream status code: {}",
            response.status().as_u16()
        )));
    }
    let declared = response.headers().get(CONTENT_TYPE);
    let declared = essence(declared.and_then(|it| it.to_str().ok()).unwrap_or_default());
    check_mimetype(&declared, param.clone())?;
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| failed(reason(&error).to_owned()))?
    {
        check_length(body.len().saturating_add(chunk.len()), param.clone())?;
        body.extend_from_slice(&chunk);
    }
    check_declared(&declared, &body, param)?;
    Ok(body.freeze())
}

/// Refuses a picture that is served as one of another type. Nobody says that the real API does so, nor that it does not.
fn check_declared(declared: &str, bytes: &[u8], param: String) -> Result<(), Refusal> {
    // What is no picture at all is found when it is decoded.
    let real = image::guess_format(bytes).map(|format| format.to_mime_type());
    match real {
        Ok(real) if real != declared => Err(Refusal::invalid(
            "unsupported_file_mimetype",
            format!("Invalid file '{param}': declared as '{declared}', but it is '{real}'."),
        )
        .about(param)),
        _ => Ok(()),
    }
}

fn reason(error: &reqwest::Error) -> &'static str {
    if error.is_timeout() {
        "timeout"
    } else if error.is_connect() {
        "connection failed"
    } else if error.is_builder() {
        "malformed URL"
    } else {
        "the transfer broke off"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_what_it_is_declared_to_be() {
        let check = |declared: &str, bytes: &[u8]| {
            let checked = check_declared(declared, bytes, "p".to_owned());
            checked.map_err(|refusal| refusal.code.unwrap_or_default())
        };
        let png = b"\x89PNG\r\n\x1a\n";
        assert_eq!(check("image/png", png), Ok(()));
        let refused = Err("unsupported_file_mimetype");
        assert_eq!(check("image/jpeg", png), refused);
        assert_eq!(check("image/jpeg", b"no picture"), Ok(()));
    }

    #[test]
    fn data_urls() {
        let code = |url: &str| {
            decode_data_url(url.len(), url, "p".to_owned())
                .map_err(|refusal| refusal.code.unwrap_or_default())
        };
        for (url, expected) in [
            ("image/png;base64,aGk=", Ok(Bytes::from_static(b"hi"))),
            ("image/png,aGk=", Err("invalid_image_url")),
            ("image/png;base64", Err("invalid_image_url")),
            ("image/png;base64,?", Err("invalid_image_url")),
            ("image/gif;base64,aGk=", Err("unsupported_file_mimetype")),
        ] {
            assert_eq!(code(url), expected, "{url}");
        }
        let long = decode_data_url(MAX_DATA_URL + 1, "", "p".to_owned()).unwrap_err();
        assert_eq!(long.code, Some("string_above_max_length"));
    }
}
