//! The two forms of a body, multipart and JSON, read into one [`Draft`].
//!
//! Knows where each form keeps pictures and text, and what makes a picture part acceptable before its bytes are looked
//! at. Judges no parameter: that is `request`'s work.

use std::collections::BTreeMap;

use axum::{
    body::Body,
    extract::{FromRequest, Multipart, Request, multipart::Field},
    http::{HeaderMap, StatusCode, header},
};
use bytes::Bytes;
use serde_json::Value;

use super::refusal::Refusal;

/// Pictures in one request.
pub(crate) const MAX_IMAGES: usize = 16;
/// One picture stays below this.
pub(crate) const MAX_IMAGE_BYTES: usize = 50_000_000;
/// All of a body: as many pictures as may come, and the text.
pub(crate) const MAX_BODY: usize = MAX_IMAGES * MAX_IMAGE_BYTES + 1_000_000;
/// The types a picture may declare.
const IMAGE_TYPES: [&str; 3] = ["image/png", "image/jpeg", "image/webp"];

/// Which form a body has: some names and types differ.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Form {
    Multipart,
    Json,
}

/// Where a picture is.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Source {
    /// In the body.
    Bytes(Bytes),
    /// Behind an http, https or data URL.
    Url(String),
}

/// A body that could be read; its parameters are not judged yet.
#[derive(Debug)]
pub(crate) struct Draft {
    pub(crate) form: Form,
    pub(crate) fields: BTreeMap<String, Value>,
    pub(crate) images: Vec<Source>,
}

impl Draft {
    /// A text parameter as it came, for the journal.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.fields
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// Reads a body in the form that its content type declares.
pub(crate) async fn read(headers: &HeaderMap, body: Bytes) -> Result<Draft, Refusal> {
    let declared = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    match essence(declared).as_str() {
        "application/json" => read_json(&body),
        "multipart/form-data" => read_multipart(declared, body).await,
        other => Err(Refusal::invalid(
            "unsupported_content_type",
            format!(
                "Unsupported content type: '{other}'. This API method only accepts 'multipart/form-data' or \
                 'application/json' requests."
            ),
        )),
    }
}

/// A media type without its parameters, in lower case.
pub(crate) fn essence(content_type: &str) -> String {
    content_type
        .split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .to_ascii_lowercase()
}

/// Refuses a picture of a type that is not taken, whatever its bytes are.
pub(crate) fn check_mimetype(declared: &str, param: String) -> Result<(), Refusal> {
    if IMAGE_TYPES.contains(&declared) {
        return Ok(());
    }
    let shown = if declared.is_empty() {
        "application/octet-stream"
    } else {
        declared
    };
    Err(Refusal::invalid(
        "unsupported_file_mimetype",
        format!(
            "Invalid file '{param}': unsupported mimetype ('{shown}'). Supported file formats are 'image/jpeg', \
             'image/png', and 'image/webp'."
        ),
    )
    .about(param))
}

/// Refuses a picture that is too big.
pub(crate) fn check_length(length: usize, param: String) -> Result<(), Refusal> {
    if length < MAX_IMAGE_BYTES {
        return Ok(());
    }
    Err(Refusal::invalid(
        "image_too_large",
        format!("Invalid image '{param}': must be less than 50MB."),
    )
    .about(param))
}

fn read_json(body: &[u8]) -> Result<Draft, Refusal> {
    let unreadable = || {
        Refusal::invalid(
            "invalid_json",
            "We could not parse the JSON body of your request.",
        )
    };
    let Value::Object(object) = serde_json::from_slice(body).map_err(|_| unreadable())? else {
        return Err(unreadable());
    };
    let mut fields: BTreeMap<String, Value> = object.into_iter().collect();
    let images = match fields.remove("images") {
        None => Vec::new(),
        Some(Value::Array(images)) => {
            check_count(images.len())?;
            images
                .into_iter()
                .enumerate()
                .map(|(index, image)| json_image(index, image))
                .collect::<Result<_, _>>()?
        }
        Some(_) => return Err(wrong_type("images", "an array of objects")),
    };
    Ok(Draft {
        form: Form::Json,
        fields,
        images,
    })
}

fn json_image(index: usize, image: Value) -> Result<Source, Refusal> {
    let Value::Object(mut image) = image else {
        return Err(wrong_type(format!("images[{index}]"), "an object"));
    };
    let url = image.remove("image_url");
    if image.contains_key("file_id") {
        return Err(Refusal::invalid(
            "unsupported_value",
            "This stand-in has no Files API: give 'image_url' instead of 'file_id'.",
        )
        .about(format!("images[{index}].file_id")));
    }
    if let Some(name) = image.keys().next() {
        return Err(unknown_parameter(&format!("images[{index}].{name}")));
    }
    let param = format!("images[{index}].image_url");
    match url {
        Some(Value::String(url)) => Ok(Source::Url(url)),
        Some(_) => Err(wrong_type(param, "a string")),
        None => Err(missing(param)),
    }
}

async fn read_multipart(content_type: &str, body: Bytes) -> Result<Draft, Refusal> {
    let unreadable = |error: &dyn std::fmt::Display| {
        Refusal::invalid(
            "invalid_multipart",
            format!("We could not parse the multipart body: {error}."),
        )
    };
    // The body is here already; a request around it is what the extractor takes.
    let request = Request::builder()
        .header(header::CONTENT_TYPE, content_type)
        .body(Body::from(body))
        .map_err(|error| unreadable(&error))?;
    let mut parts = Multipart::from_request(request, &())
        .await
        .map_err(|error| unreadable(&error))?;

    let mut draft = Draft {
        form: Form::Multipart,
        fields: BTreeMap::new(),
        images: Vec::new(),
    };
    while let Some(part) = parts
        .next_field()
        .await
        .map_err(|error| unreadable(&error.body_text()))?
    {
        let name = part.name().unwrap_or_default().to_owned();
        if name == "image" || name == "image[]" {
            let bytes = multipart_image(part, &name).await?;
            draft.images.push(Source::Bytes(bytes));
            check_count(draft.images.len())?;
        } else {
            let text = part
                .text()
                .await
                .map_err(|error| unreadable(&error.body_text()))?;
            if draft
                .fields
                .insert(name.clone(), Value::String(text))
                .is_some()
            {
                return Err(Refusal::invalid(
                    "duplicate_parameter",
                    format!("Duplicate parameter: '{name}'."),
                )
                .about(name));
            }
        }
    }
    Ok(draft)
}

async fn multipart_image(part: Field<'_>, name: &str) -> Result<Bytes, Refusal> {
    if part.file_name().is_none_or(str::is_empty) {
        return Err(wrong_type(name.to_owned(), "a file, with a filename"));
    }
    check_mimetype(
        &essence(part.content_type().unwrap_or_default()),
        name.to_owned(),
    )?;
    let bytes = part.bytes().await.map_err(|error| {
        Refusal::invalid(
            "invalid_multipart",
            format!(
                "We could not parse the multipart body: {}.",
                error.body_text()
            ),
        )
    })?;
    check_length(bytes.len(), name.to_owned())?;
    Ok(bytes)
}

fn check_count(images: usize) -> Result<(), Refusal> {
    if images <= MAX_IMAGES {
        return Ok(());
    }
    Err(Refusal::invalid(
        "too_many_images",
        format!("At most {MAX_IMAGES} images may be given."),
    )
    .about("image"))
}

/// A parameter of a wrong JSON type.
pub(crate) fn wrong_type(param: impl Into<String>, expected: &str) -> Refusal {
    let param = param.into();
    Refusal::invalid(
        "invalid_type",
        format!("Invalid type for '{param}': expected {expected}."),
    )
    .about(param)
}

/// A parameter that nobody knows.
pub(crate) fn unknown_parameter(name: &str) -> Refusal {
    Refusal::invalid("unknown_parameter", format!("Unknown parameter: '{name}'."))
        .about(name.to_owned())
}

/// A parameter that has to be there.
pub(crate) fn missing(param: impl Into<String>) -> Refusal {
    let param = param.into();
    Refusal::invalid(
        "missing_required_parameter",
        format!("Missing required parameter: '{param}'."),
    )
    .about(param)
}

/// A body that is beyond the limit or broke off.
pub(crate) fn unread_body() -> Refusal {
    Refusal::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "invalid_request_error",
        Some("request_too_large"),
        "The body of your request is too large, or it ended early.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_images_are_objects_with_a_url() {
        let code = |body: &str| {
            read_json(body.as_bytes()).map_err(|refusal| refusal.code.unwrap_or_default())
        };
        for (body, expected) in [
            ("no json", "invalid_json"),
            ("[]", "invalid_json"),
            (r#"{"images": "x"}"#, "invalid_type"),
            (r#"{"images": ["x"]}"#, "invalid_type"),
            (r#"{"images": [{"image_url": 1}]}"#, "invalid_type"),
            (r#"{"images": [{}]}"#, "missing_required_parameter"),
            (
                r#"{"images": [{"file_id": "file-1"}]}"#,
                "unsupported_value",
            ),
            (
                r#"{"images": [{"image_url": "http://x", "detail": "high"}]}"#,
                "unknown_parameter",
            ),
        ] {
            assert_eq!(code(body).err(), Some(expected), "{body}");
        }
        let draft = code(r#"{"images": [{"image_url": "http://x"}], "prompt": "p"}"#).unwrap();
        assert_eq!(draft.images, [Source::Url("http://x".to_owned())]);
        assert_eq!(draft.text("prompt"), "p");
    }

    #[test]
    fn at_most_sixteen_images() {
        let body = |n: usize| {
            let images: Vec<_> = (0..n)
                .map(|_| serde_json::json!({"image_url": "http://x"}))
                .collect();
            serde_json::json!({ "images": images }).to_string()
        };
        assert!(read_json(body(16).as_bytes()).is_ok());
        assert_eq!(
            read_json(body(17).as_bytes()).unwrap_err().code,
            Some("too_many_images")
        );
    }

    #[test]
    fn only_three_types_of_pictures() {
        for (declared, fine) in [
            ("image/png", true),
            ("image/jpeg", true),
            ("image/webp", true),
            ("image/gif", false),
            ("", false),
        ] {
            assert_eq!(
                check_mimetype(declared, "image".to_owned()).is_ok(),
                fine,
                "{declared}"
            );
        }
    }
}
