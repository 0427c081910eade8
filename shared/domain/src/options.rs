//! How a result should be: quality, size, file format.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// How much work the provider puts in. Dearer and slower upwards.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize,
)]
#[serde(rename_all = "lowercase")]
pub enum Quality {
    /// A sketch.
    Low,
    /// What most people want.
    #[default]
    Medium,
    /// Over two minutes at the provider.
    High,
    /// The provider chooses; priced as what it may become.
    Auto,
}

impl Quality {
    /// All of them, as users spell them.
    pub const NAMES: [(&'static str, Self); 4] = [
        ("low", Self::Low),
        ("medium", Self::Medium),
        ("high", Self::High),
        ("auto", Self::Auto),
    ];

    /// As users spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Auto => "auto",
        }
    }
}

impl FromStr for Quality {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::NAMES
            .iter()
            .find_map(|(name, quality)| (*name == text).then_some(*quality))
            .ok_or_else(|| "must be \"low\", \"medium\", \"high\" or \"auto\"".to_owned())
    }
}

/// How large the result is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Size {
    /// The provider chooses by the photo's shape.
    #[default]
    Auto,
    /// In pixels.
    Exact {
        /// Pixels across.
        width: u32,
        /// Pixels down.
        height: u32,
    },
}

impl Size {
    /// The longest side that gpt-image-2 and later take (facts/openai-images.md), pixels.
    pub const MAX_SIDE: u32 = 3840;
    /// The fewest and the most pixels that they make.
    pub const PIXELS: std::ops::RangeInclusive<u64> = 655_360..=8_294_400;
    /// What `auto` becomes at most: 1536x1024.
    pub const AUTO_MAX_PIXELS: u64 = 1536 * 1024;

    /// Pixels of the result; for `auto`, the most that it may become.
    #[must_use]
    pub const fn max_pixels(self) -> u64 {
        match self {
            Self::Auto => Self::AUTO_MAX_PIXELS,
            Self::Exact { width, height } => width as u64 * height as u64,
        }
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Exact { width, height } => write!(f, "{width}x{height}"),
        }
    }
}

impl FromStr for Size {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "auto" {
            return Ok(Self::Auto);
        }
        let number = |digits: &str| {
            digits
                .bytes()
                .all(|b| b.is_ascii_digit())
                .then(|| digits.parse::<u32>().ok())?
        };
        let (width, height) = text
            .split_once('x')
            .and_then(|(width, height)| Some((number(width)?, number(height)?)))
            .ok_or("must be \"auto\" or WIDTHxHEIGHT in pixels, such as \"1024x1024\"")?;
        let size = Self::Exact { width, height };
        let (short, long) = (width.min(height), width.max(height));
        if width % 16 != 0 || height % 16 != 0 {
            Err("both sides must be divisible by 16".to_owned())
        } else if long > Self::MAX_SIDE {
            Err(format!(
                "no side may be longer than {} pixels",
                Self::MAX_SIDE
            ))
        } else if u64::from(long) > 3 * u64::from(short) {
            Err("one side may be at most three times the other".to_owned())
        } else if !Self::PIXELS.contains(&size.max_pixels()) {
            Err(format!(
                "width times height must be between {} and {} pixels",
                Self::PIXELS.start(),
                Self::PIXELS.end()
            ))
        } else {
            Ok(size)
        }
    }
}

impl TryFrom<String> for Size {
    type Error = String;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Size> for String {
    fn from(size: Size) -> Self {
        size.to_string()
    }
}

/// A file format that photos may come in and results may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Lossless.
    #[default]
    Png,
    /// Lossy, for photos.
    Jpeg,
    /// Lossy, smallest.
    Webp,
}

impl Format {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Png, Self::Jpeg, Self::Webp];

    /// As users spell it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }

    /// At the end of a file's name, without the dot.
    #[must_use]
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            other => other.name(),
        }
    }

    /// The media type.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }

    /// The format of files that end in this.
    #[must_use]
    pub fn from_extension(extension: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.extension() == extension)
    }

    /// The format with this media type.
    #[must_use]
    pub fn from_media_type(media_type: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|format| format.media_type() == media_type)
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL
            .into_iter()
            .find(|format| format.name() == text)
            .ok_or_else(|| "must be \"png\", \"jpeg\" or \"webp\"".to_owned())
    }
}

/// How the results of a batch should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EditOptions {
    /// How much work the provider puts in.
    pub quality: Quality,
    /// How large the results are.
    pub size: Size,
    /// Which format they have.
    pub format: Format,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_what_the_provider_takes() {
        for good in [
            "auto",
            "1024x1024",
            "1536x1024",
            "3840x2160",
            "816x816",
            "2432x816",
        ] {
            assert_eq!(good.parse::<Size>().unwrap().to_string(), good);
        }
        for bad in [
            "",
            "x",
            "1024",
            "1024x",
            "1024X1024",
            "1000x1000",
            "+1024x1024",
            "16x16",
            "3856x2160",
            "3840x3840",
            "3840x1024",
            "99999999999x16",
            "1024x1024x1024",
        ] {
            assert!(bad.parse::<Size>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn every_format_is_found_by_each_of_its_names() {
        for format in Format::ALL {
            assert_eq!(Format::from_extension(format.extension()), Some(format));
            assert_eq!(Format::from_media_type(format.media_type()), Some(format));
            assert_eq!(format.name().parse(), Ok(format));
        }
    }
}
