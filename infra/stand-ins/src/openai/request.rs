//! The parameters of an edit, judged as the real API judges them. Pure: no bytes, no network.

use std::{collections::BTreeMap, fmt};

use serde_json::Value;

use super::{
    form::{Form, missing, unknown_parameter, wrong_type},
    refusal::Refusal,
};

/// Characters in a prompt.
const MAX_PROMPT: usize = 32_000;
/// Parameters of both forms, besides the pictures.
const PARAMETERS: [&str; 11] = [
    "background",
    "input_fidelity",
    "mask",
    "model",
    "n",
    "output_compression",
    "output_format",
    "prompt",
    "quality",
    "size",
    "user",
];

/// A request that the real API would work on.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct EditRequest {
    pub(crate) prompt: String,
    pub(crate) model: String,
    pub(crate) pictures: u32,
    /// None is `auto`.
    pub(crate) size: Option<Size>,
    pub(crate) quality: Quality,
    pub(crate) format: Format,
    /// 0 to 100; PNG ignores it.
    pub(crate) compression: u8,
}

/// How much work goes into a picture. `auto` is medium.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Quality {
    Low,
    Medium,
    High,
    Xhigh,
    Max,
}

impl Quality {
    /// The word of the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Xhigh => "xhigh",
            Self::Max => "max",
        }
    }
}

/// The format of the result.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Format {
    Png,
    Jpeg,
    Webp,
}

impl Format {
    /// The word of the API.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }
}

/// The size of a picture, in pixels.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Size {
    pub(crate) width: u32,
    pub(crate) height: u32,
}

impl Size {
    const SQUARE: Self = Self {
        width: 1024,
        height: 1024,
    };
    const LANDSCAPE: Self = Self {
        width: 1536,
        height: 1024,
    };
    const PORTRAIT: Self = Self {
        width: 1024,
        height: 1536,
    };
    const CLASSIC: [Self; 3] = [Self::SQUARE, Self::LANDSCAPE, Self::PORTRAIT];

    /// The classic size whose ratio is nearest: 3:2 and 1:1 meet at the square root of 1.5.
    pub(crate) fn nearest_classic(width: u32, height: u32) -> Self {
        let (w2, h2) = (u64::from(width).pow(2), u64::from(height).pow(2));
        if w2.saturating_mul(2) > h2.saturating_mul(3) {
            Self::LANDSCAPE
        } else if h2.saturating_mul(2) > w2.saturating_mul(3) {
            Self::PORTRAIT
        } else {
            Self::SQUARE
        }
    }

    /// `WxH`, digits only.
    fn parse(text: &str) -> Option<Self> {
        let (width, height) = text.split_once('x')?;
        let side = |text: &str| {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            if digits { text.parse().ok() } else { None }
        };
        Some(Self {
            width: side(width)?,
            height: side(height)?,
        })
    }

    /// The rules for free sizes, or what is broken.
    fn check_free(self) -> Result<(), &'static str> {
        let (width, height) = (u64::from(self.width), u64::from(self.height));
        let (short, long) = (width.min(height), width.max(height));
        if !width.is_multiple_of(16) || !height.is_multiple_of(16) {
            Err("width and height must both be divisible by 16")
        } else if long > 3_840 {
            Err("the longest side must be at most 3840 pixels")
        } else if long > short.saturating_mul(3) {
            Err("the aspect ratio must be between 1:3 and 3:1")
        } else if !(655_360..=8_294_400).contains(&width.saturating_mul(height)) {
            Err("the total number of pixels must be between 655360 and 8294400")
        } else {
            Ok(())
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}x{}", self.width, self.height)
    }
}

/// Judges everything but the pictures.
pub(crate) fn validate(
    fields: &BTreeMap<String, Value>,
    form: Form,
    models: &[String],
) -> Result<EditRequest, Refusal> {
    let parameters = Parameters { fields, form };
    parameters.check_names()?;
    let model = parameters.model(models)?;
    let prompt = parameters.prompt()?;
    let format = parameters.format()?;
    parameters.check_background(&model)?;
    parameters.check_input_fidelity(&model)?;
    parameters.choice("moderation", "auto", &["low", "auto"])?;
    if fields.contains_key("mask") {
        return Err(
            Refusal::invalid("unsupported_value", "This stand-in does not do masks.").about("mask"),
        );
    }
    parameters.text("user")?;
    Ok(EditRequest {
        pictures: parameters.number("n", 1, 1, 10)?,
        size: parameters.size(&model)?,
        quality: parameters.quality(&model)?,
        compression: parameters.compression(format)?,
        prompt,
        model,
        format,
    })
}

/// What came before 2.0 has fewer sizes.
fn is_first_generation(model: &str) -> bool {
    model.starts_with("gpt-image-1") || model.starts_with("dall-e")
}

/// 2.5 and 2.6 have two more qualities.
fn has_extra_qualities(model: &str) -> bool {
    model.starts_with("gpt-image-2.5") || model.starts_with("gpt-image-2.6")
}

/// The parameters as they came, with typed readers.
#[derive(Clone, Copy)]
struct Parameters<'a> {
    fields: &'a BTreeMap<String, Value>,
    form: Form,
}

impl<'a> Parameters<'a> {
    fn check_names(self) -> Result<(), Refusal> {
        let known = |name: &str| {
            PARAMETERS.contains(&name) || (self.form == Form::Json && name == "moderation")
        };
        match self.fields.keys().find(|name| !known(name)) {
            Some(name) => Err(unknown_parameter(name)),
            None => Ok(()),
        }
    }

    fn text(self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
        match self.fields.get(name) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(wrong_type(name, "a string")),
        }
    }

    fn choice(
        self,
        name: &'static str,
        default: &'static str,
        choices: &[&str],
    ) -> Result<&'a str, Refusal> {
        let value = self.text(name)?.unwrap_or(default);
        if choices.contains(&value) {
            return Ok(value);
        }
        let list = choices
            .iter()
            .map(|choice| format!("'{choice}'"))
            .collect::<Vec<_>>()
            .join(", ");
        Err(invalid_value(
            name,
            value,
            &format!("Supported values are: {list}."),
        ))
    }

    /// A whole number: digits in multipart, a JSON number in JSON.
    fn number<N: TryFrom<i64>>(
        self,
        name: &'static str,
        default: N,
        least: i64,
        most: i64,
    ) -> Result<N, Refusal> {
        let value = match (self.fields.get(name), self.form) {
            (None | Some(Value::Null), _) => return Ok(default),
            (Some(Value::String(text)), Form::Multipart) => text.parse::<i64>().ok(),
            (Some(value), _) => value.as_i64(),
        };
        let value = value.ok_or_else(|| wrong_type(name, "an integer"))?;
        if value < least {
            return Err(out_of_range(
                "integer_below_min_value",
                name,
                value,
                &format!(">= {least}"),
            ));
        }
        if value > most {
            return Err(out_of_range(
                "integer_above_max_value",
                name,
                value,
                &format!("<= {most}"),
            ));
        }
        N::try_from(value).map_err(|_| wrong_type(name, "an integer"))
    }

    fn model(self, models: &[String]) -> Result<String, Refusal> {
        let model = self.text("model")?.ok_or_else(|| missing("model"))?;
        if models.iter().any(|allowed| allowed == model) {
            return Ok(model.to_owned());
        }
        let list = models
            .iter()
            .map(|model| format!("'{model}'"))
            .collect::<Vec<_>>()
            .join(", ");
        Err(invalid_value(
            "model",
            model,
            &format!("Supported values are: {list}."),
        ))
    }

    fn prompt(self) -> Result<String, Refusal> {
        let prompt = self.text("prompt")?.ok_or_else(|| missing("prompt"))?;
        if prompt.trim().is_empty() {
            return Err(Refusal::invalid(
                "empty_string",
                "Invalid 'prompt': it must not be empty.",
            )
            .about("prompt"));
        }
        let length = prompt.chars().count();
        if length > MAX_PROMPT {
            return Err(Refusal::invalid(
                "string_above_max_length",
                format!(
                    "Invalid 'prompt': string too long. Expected a string with maximum length {MAX_PROMPT}, but got a \
                     string with length {length} instead."
                ),
            )
            .about("prompt"));
        }
        Ok(prompt.to_owned())
    }

    fn quality(self, model: &str) -> Result<Quality, Refusal> {
        let most = if has_extra_qualities(model) { 6 } else { 4 };
        let choices: Vec<_> = ["low", "medium", "high", "auto", "xhigh", "max"]
            .into_iter()
            .take(most)
            .collect();
        Ok(match self.choice("quality", "auto", &choices)? {
            "low" => Quality::Low,
            "high" => Quality::High,
            "xhigh" => Quality::Xhigh,
            "max" => Quality::Max,
            _ => Quality::Medium,
        })
    }

    fn size(self, model: &str) -> Result<Option<Size>, Refusal> {
        let text = self.text("size")?.unwrap_or("auto");
        if text == "auto" {
            return Ok(None);
        }
        let refuse = |reason: &str| invalid_value("size", text, reason);
        let size = Size::parse(text).ok_or_else(|| refuse("Expected 'auto' or WIDTHxHEIGHT."))?;
        if Size::CLASSIC.contains(&size) {
            return Ok(Some(size));
        }
        if is_first_generation(model) {
            return Err(refuse(
                "Supported values are: '1024x1024', '1536x1024', '1024x1536', and 'auto'.",
            ));
        }
        size.check_free()
            .map_err(|reason| refuse(&format!("Invalid size: {reason}.")))?;
        Ok(Some(size))
    }

    fn format(self) -> Result<Format, Refusal> {
        Ok(
            match self.choice("output_format", "png", &["png", "jpeg", "webp"])? {
                "jpeg" => Format::Jpeg,
                "webp" => Format::Webp,
                _ => Format::Png,
            },
        )
    }

    fn compression(self, format: Format) -> Result<u8, Refusal> {
        let compression = self.number("output_compression", 100, 0, 100)?;
        if format == Format::Png
            && self
                .fields
                .get("output_compression")
                .is_some_and(|value| !value.is_null())
        {
            return Err(Refusal::invalid(
                "invalid_value",
                "'output_compression' is only supported with the 'jpeg' and 'webp' output formats.",
            )
            .about("output_compression"));
        }
        Ok(compression)
    }

    /// The sources conflict on transparency, and this stand-in has no alpha channel: the whole second generation refuses.
    fn check_background(self, model: &str) -> Result<(), Refusal> {
        match self.choice("background", "auto", &["transparent", "opaque", "auto"])? {
            "transparent" => Err(invalid_value(
                "background",
                "transparent",
                &format!("Transparent background is not supported for the model '{model}'."),
            )),
            _ => Ok(()),
        }
    }

    fn check_input_fidelity(self, model: &str) -> Result<(), Refusal> {
        if model == "gpt-image-2" && self.fields.contains_key("input_fidelity") {
            return Err(Refusal::invalid(
                "invalid_input_fidelity_model",
                format!("The model '{model}' does not support the 'input_fidelity' parameter."),
            )
            .about("input_fidelity"));
        }
        self.choice("input_fidelity", "low", &["high", "low"])
            .map(|_| ())
    }
}

fn invalid_value(name: &'static str, value: &str, hint: &str) -> Refusal {
    // A value of unknown length does not belong into a message whole.
    let shown: String = value.chars().take(64).collect();
    Refusal::invalid("invalid_value", format!("Invalid value: '{shown}'. {hint}")).about(name)
}

fn out_of_range(code: &'static str, name: &'static str, value: i64, expected: &str) -> Refusal {
    Refusal::invalid(
        code,
        format!("Invalid '{name}': expected a value {expected}, but got {value} instead."),
    )
    .about(name)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judge(form: Form, changes: &Value) -> Result<EditRequest, Refusal> {
        let mut fields = BTreeMap::from([
            ("prompt".to_owned(), json!("make it blue")),
            ("model".to_owned(), json!("gpt-image-2")),
        ]);
        for (name, value) in changes.as_object().unwrap() {
            fields.insert(name.clone(), value.clone());
        }
        validate(
            &fields,
            form,
            &super::super::DEFAULT_MODELS.map(str::to_owned),
        )
    }

    #[test]
    fn refusals_name_the_parameter() {
        let long = "x".repeat(32_001);
        for (changes, param, code) in [
            (
                json!({"prompt": null}),
                "prompt",
                "missing_required_parameter",
            ),
            (json!({"prompt": "  "}), "prompt", "empty_string"),
            (json!({"prompt": 7}), "prompt", "invalid_type"),
            (json!({"prompt": long}), "prompt", "string_above_max_length"),
            (
                json!({"model": null}),
                "model",
                "missing_required_parameter",
            ),
            (
                json!({"model": "gpt-image-1-mini"}),
                "model",
                "invalid_value",
            ),
            (json!({"image": "x"}), "image", "unknown_parameter"),
            (
                json!({"response_format": "b64_json"}),
                "response_format",
                "unknown_parameter",
            ),
            (json!({"stream": true}), "stream", "unknown_parameter"),
            (json!({"quality": "standard"}), "quality", "invalid_value"),
            (json!({"quality": "xhigh"}), "quality", "invalid_value"),
            (json!({"size": "1000x1000"}), "size", "invalid_value"),
            (json!({"size": "512x512"}), "size", "invalid_value"),
            (json!({"size": "3856x1024"}), "size", "invalid_value"),
            (json!({"size": "2560x800"}), "size", "invalid_value"),
            (json!({"size": "3840x3840"}), "size", "invalid_value"),
            (json!({"size": "+1024x1024"}), "size", "invalid_value"),
            (json!({"size": "big"}), "size", "invalid_value"),
            (
                json!({"output_format": "gif"}),
                "output_format",
                "invalid_value",
            ),
            (
                json!({"output_compression": 50}),
                "output_compression",
                "invalid_value",
            ),
            (
                json!({"output_format": "jpeg", "output_compression": 101}),
                "output_compression",
                "integer_above_max_value",
            ),
            (json!({"n": 0}), "n", "integer_below_min_value"),
            (json!({"n": 11}), "n", "integer_above_max_value"),
            (json!({"n": "1"}), "n", "invalid_type"),
            (json!({"n": 1.5}), "n", "invalid_type"),
            (
                json!({"input_fidelity": "high"}),
                "input_fidelity",
                "invalid_input_fidelity_model",
            ),
            (
                json!({"background": "transparent"}),
                "background",
                "invalid_value",
            ),
            (json!({"moderation": "none"}), "moderation", "invalid_value"),
            (json!({"mask": {}}), "mask", "unsupported_value"),
        ] {
            let refusal = judge(Form::Json, &changes).expect_err(param);
            assert_eq!(
                (refusal.param.as_deref(), refusal.code),
                (Some(param), Some(code)),
                "{changes}"
            );
            assert_eq!(refusal.status, 400);
        }
    }

    #[test]
    fn the_forms_differ_in_moderation_and_in_numbers() {
        assert!(judge(Form::Json, &json!({"moderation": "low", "n": 2})).is_ok());
        assert_eq!(
            judge(Form::Multipart, &json!({"moderation": "low"}))
                .unwrap_err()
                .code,
            Some("unknown_parameter")
        );
        assert_eq!(
            judge(Form::Multipart, &json!({"n": "2"})).unwrap().pictures,
            2
        );
        assert_eq!(
            judge(Form::Multipart, &json!({"n": "two"}))
                .unwrap_err()
                .code,
            Some("invalid_type")
        );
    }

    #[test]
    fn what_is_taken() {
        for changes in [
            json!({}),
            json!({"size": "auto", "quality": "auto", "background": "opaque", "user": "u-1"}),
            json!({"size": "1536x1024", "quality": "high", "n": 10}),
            json!({"size": "3840x2160"}),
            json!({"size": "640x1024"}),
            json!({"output_format": "webp", "output_compression": 0}),
            json!({"model": "gpt-image-2.5-flare", "quality": "max"}),
            json!({"model": "gpt-image-2.6-sunburst", "input_fidelity": "high"}),
            json!({"prompt": "é".repeat(32_000)}),
        ] {
            judge(Form::Json, &changes)
                .unwrap_or_else(|refusal| panic!("{changes}: {}", refusal.message));
        }
    }

    #[test]
    fn auto_takes_the_nearest_classic_size() {
        for (width, height, size) in [
            (512, 512, Size::SQUARE),
            (1200, 1000, Size::SQUARE),
            (640, 427, Size::LANDSCAPE),
            (1300, 1000, Size::LANDSCAPE),
            (427, 640, Size::PORTRAIT),
            (1, 50_000, Size::PORTRAIT),
        ] {
            assert_eq!(
                Size::nearest_classic(width, height),
                size,
                "{width}x{height}"
            );
        }
    }
}
