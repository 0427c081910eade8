//! From the body of a success to a picture.
//!
//! Strict where the picture is concerned, lenient beside it: a bought picture is not thrown away for an odd `usage`.

use std::{borrow::Cow, fmt};

use base64::{
    Engine as _,
    alphabet::STANDARD,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use bytes::Bytes;
use serde::{Deserialize, Deserializer, de::DeserializeOwned};
use serde_json::Value;

use crate::{Doubt, PictureFormat, picture};

/// An edited picture, whole and in the format that was asked for.
#[derive(Clone, PartialEq, Eq)]
pub struct Edited {
    /// The file.
    pub picture: Bytes,
    /// What the edit cost in tokens, where the provider says.
    pub usage: Option<Usage>,
    /// The size that was made, as `WxH` in pixels, where the provider says.
    pub size: Option<String>,
    /// The quality that was made, where the provider says.
    pub quality: Option<String>,
    /// The provider's `x-request-id`.
    pub request_id: Option<String>,
}

impl fmt::Debug for Edited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Edited")
            .field("picture_bytes", &self.picture.len())
            .field("usage", &self.usage)
            .field("size", &self.size)
            .field("quality", &self.quality)
            .field("request_id", &self.request_id)
            .finish()
    }
}

/// Tokens, as billed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Usage {
    /// Photo and prompt.
    #[serde(default)]
    pub input_tokens: u64,
    /// The edited picture.
    #[serde(default)]
    pub output_tokens: u64,
    /// Both.
    #[serde(default)]
    pub total_tokens: u64,
    /// The input by kind: the kinds have different prices.
    #[serde(default, deserialize_with = "lenient")]
    pub input_tokens_details: Option<InputTokens>,
}

/// Input tokens by kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct InputTokens {
    /// Of the prompt.
    #[serde(default)]
    pub text_tokens: u64,
    /// Of the photo.
    #[serde(default)]
    pub image_tokens: u64,
}

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    data: Option<Vec<Datum<'a>>>,
    #[serde(default, deserialize_with = "lenient")]
    usage: Option<Usage>,
    #[serde(default, deserialize_with = "lenient")]
    size: Option<String>,
    #[serde(default, deserialize_with = "lenient")]
    quality: Option<String>,
}

#[derive(Deserialize)]
struct Datum<'a> {
    #[serde(borrow, default)]
    b64_json: Option<Text<'a>>,
}

/// A string that stays in the body it was read from: megabytes, mostly without a single escape.
#[derive(Deserialize)]
#[serde(transparent)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

/// A value of the expected type, or none.
fn lenient<'de, D: Deserializer<'de>, T: DeserializeOwned>(
    value: D,
) -> Result<Option<T>, D::Error> {
    let value = Value::deserialize(value)?;
    Ok(serde_json::from_value(value).ok())
}

/// Padding is not what a bought picture should be lost for; its wholeness is checked anyway.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The picture in `body`, whole and of `format`.
pub(crate) fn parse(
    body: &[u8],
    format: PictureFormat,
    request_id: Option<String>,
) -> Result<Edited, Doubt> {
    // The JSON error is not kept: it may quote what it stumbled over.
    let answer: Body<'_> = serde_json::from_slice(body).map_err(|_quoting| Doubt::Malformed)?;
    let Text(encoded) = answer
        .data
        .into_iter()
        .flatten()
        .find_map(|datum| datum.b64_json)
        .filter(|Text(encoded)| !encoded.is_empty())
        .ok_or(Doubt::NoPicture)?;
    let picture = BASE64
        .decode(encoded.as_bytes())
        .map_err(Doubt::NotBase64)?;
    picture::check_whole(&picture, format).map_err(Doubt::NotWhole)?;
    Ok(Edited {
        picture: picture.into(),
        usage: answer.usage,
        size: answer.size,
        quality: answer.quality,
        request_id,
    })
}

#[cfg(test)]
mod tests {
    use base64::prelude::{BASE64_STANDARD, BASE64_STANDARD_NO_PAD};

    use super::*;

    /// The container of a PNG with nothing in it, which is all that is looked at.
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\0IHDR....\0\0\0\x01IDATx....\0\0\0\0IEND....";

    fn parse_json(body: &str) -> Result<Edited, Doubt> {
        parse(body.as_bytes(), PictureFormat::Png, None)
    }

    #[test]
    fn what_stands_beside_the_picture_may_be_odd() {
        let picture = BASE64_STANDARD.encode(PNG);
        for beside in [
            r#""created": 1"#,
            r#""usage": null, "size": null, "quality": null"#,
            r#""usage": {"input_tokens": "many"}, "size": 1024, "quality": {}"#,
            r#""usage": 7, "unheard_of": [[]]"#,
        ] {
            let body = format!(r#"{{"data": [{{"b64_json": "{picture}"}}], {beside}}}"#);
            let edited = parse_json(&body).unwrap();
            assert_eq!(edited.picture, PNG, "{beside}");
            assert_eq!(
                (edited.usage, edited.size, edited.quality),
                (None, None, None)
            );
        }
        let body = format!(
            r#"{{"data": [{{"b64_json": "{picture}"}}],
                "usage": {{"input_tokens": 5, "input_tokens_details": 1}}}}"#
        );
        let expected = Usage {
            input_tokens: 5,
            ..Usage::default()
        };
        assert_eq!(parse_json(&body).unwrap().usage, Some(expected));
    }

    #[test]
    fn base64_is_read_with_escapes_and_without_padding() {
        let escaped = BASE64_STANDARD.encode(PNG).replace('/', "\\/");
        for text in [escaped, BASE64_STANDARD_NO_PAD.encode(PNG)] {
            let body = format!(r#"{{"data": [{{"b64_json": "{text}"}}]}}"#);
            assert_eq!(parse_json(&body).unwrap().picture, PNG);
        }
    }

    #[test]
    fn a_picture_is_not_printed() {
        let body = format!(
            r#"{{"data": [{{"b64_json": "{}"}}]}}"#,
            BASE64_STANDARD.encode(PNG)
        );
        let printed = format!("{:?}", parse_json(&body).unwrap());
        assert!(printed.contains(&format!("picture_bytes: {}", PNG.len())));
        assert!(!printed.contains("IHDR"));
    }
}
