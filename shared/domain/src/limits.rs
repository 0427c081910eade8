//! What one request may hold. All of it is configuration; these are the defaults of the design.

use serde::{Deserialize, Serialize};

/// Upper bounds; what a configuration leaves out keeps its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub struct Limits {
    /// Images in one batch. At most 500 fit one transaction with room to spare.
    pub max_images_per_batch: u32,
    /// Bytes of one photo; the provider takes less than 50 MB.
    pub max_file_bytes: u64,
    /// Pixels of one photo.
    pub max_pixels: u64,
    /// Images of one user that may be open at a time, so that nobody keeps all others waiting.
    pub max_open_images: u32,
    /// Files in one request for upload links.
    pub max_files_per_presign: u32,
    /// Characters of the shared prompt; the provider takes 32,000.
    pub max_prompt_chars: u32,
    /// Characters of an image's own prompt.
    pub max_image_prompt_chars: u32,
}

/// A configuration of limits that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("the limits are not a JSON object of known limits")]
pub struct InvalidLimits(#[source] serde_json::Error);

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_images_per_batch: 500,
            max_file_bytes: 50_000_000,
            max_pixels: 50_000_000,
            max_open_images: 1_000,
            max_files_per_presign: 100,
            max_prompt_chars: 32_000,
            max_image_prompt_chars: 2_000,
        }
    }
}

impl std::str::FromStr for Limits {
    type Err = InvalidLimits;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(json).map_err(InvalidLimits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_keeps_its_default_and_what_is_unknown_is_refused() {
        let limits: Limits = r#"{"maxPixels": 7}"#.parse().unwrap();
        assert_eq!(
            limits,
            Limits {
                max_pixels: 7,
                ..Limits::default()
            }
        );
        assert!(r#"{"maxPixel": 7}"#.parse::<Limits>().is_err());
        assert!("7".parse::<Limits>().is_err());
    }
}
