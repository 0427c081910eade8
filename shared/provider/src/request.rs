//! What an edit asks for, and its two bodies on the wire.
//!
//! Never sent: `response_format` and `input_fidelity` (400 on current models), `n` (one picture is the default and all that
//! a user pays for).

use bytes::Bytes;
use reqwest::multipart::{Form, Part};
use serde::Serialize;

use crate::{InputForm, PictureFormat};

/// The photo to edit.
///
/// It has no `Debug`: a presigned URL is a key to the photo.
#[derive(Clone)]
pub enum Input<'a> {
    /// An address that the provider fetches: a presigned GET, alive for as long as the call may take.
    Url(&'a str),
    /// The photo itself.
    Bytes {
        /// The whole file.
        bytes: Bytes,
        /// What it is; the provider refuses parts without a real media type.
        format: PictureFormat,
    },
}

impl Input<'_> {
    pub(crate) fn form(&self) -> InputForm {
        match self {
            Self::Url(_) => InputForm::Url,
            Self::Bytes { .. } => InputForm::Multipart,
        }
    }
}

/// One edit of one photo.
///
/// It has no `Debug`: prompts are not logged.
#[derive(Clone)]
pub struct EditRequest<'a> {
    /// The photo.
    pub input: Input<'a>,
    /// The wish, at most 32,000 characters.
    pub prompt: &'a str,
    /// `auto` or `WxH` in pixels.
    pub size: &'a str,
    /// `low`, `medium`, `high`, `auto`, or what else the model knows.
    pub quality: &'a str,
    /// The format of the result.
    pub output_format: PictureFormat,
}

/// The JSON form. The photo's field is `images` here and `image` in [`multipart`].
#[derive(Serialize)]
pub(crate) struct JsonBody<'a> {
    model: &'a str,
    prompt: &'a str,
    images: [ImageUrl<'a>; 1],
    size: &'a str,
    quality: &'a str,
    output_format: &'static str,
}

#[derive(Serialize)]
struct ImageUrl<'a> {
    image_url: &'a str,
}

impl<'a> JsonBody<'a> {
    pub(crate) fn new(model: &'a str, request: &EditRequest<'a>, url: &'a str) -> Self {
        Self {
            model,
            prompt: request.prompt,
            images: [ImageUrl { image_url: url }],
            size: request.size,
            quality: request.quality,
            output_format: request.output_format.as_str(),
        }
    }
}

/// The multipart form. The user's file name stays here; the provider wants one, not that one.
pub(crate) fn multipart(
    model: &str,
    request: &EditRequest<'_>,
    bytes: Bytes,
    format: PictureFormat,
) -> reqwest::Result<Form> {
    let photo = match u64::try_from(bytes.len()) {
        Ok(length) => Part::stream_with_length(bytes, length),
        Err(_) => Part::stream(bytes),
    };
    let photo = photo
        .file_name(format!("photo.{format}"))
        .mime_str(format.media_type())?;
    Ok(Form::new()
        .text("model", model.to_owned())
        .text("prompt", request.prompt.to_owned())
        .text("size", request.size.to_owned())
        .text("quality", request.quality.to_owned())
        .text("output_format", request.output_format.as_str())
        .part("image", photo))
}
