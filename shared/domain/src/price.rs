//! What one image costs.

use serde::{Deserialize, Serialize};

use crate::{Credits, EditOptions, Quality};

/// Prices by quality and size of the result. Every result that the options allow has one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PriceTable(Vec<PriceBand>);

/// Results of this quality with at most this many pixels cost this much.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct PriceBand {
    /// Never `auto`: that is priced as the dearest of the others.
    pub quality: Quality,
    /// Width times height of the largest result in this band.
    pub up_to_pixels: u64,
    /// For one image.
    pub credits: Credits,
}

/// A configuration of prices that would leave some image without one.
#[derive(Debug, thiserror::Error)]
pub enum InvalidPrices {
    /// Not a JSON array of bands.
    #[error("the prices are not a JSON array of {{quality, upToPixels, credits}}")]
    Json(#[source] serde_json::Error),
    /// `auto` is not a price of its own.
    #[error(
        "\"auto\" is priced as the dearest of the other qualities, so it has no line of its own"
    )]
    Auto,
    /// Some allowed result has no price.
    #[error("the prices for quality {0:?} end before the largest allowed result")]
    Gap(Quality),
    /// A free image could not be told from one without a price.
    #[error("every image costs at least 1 credit")]
    Free,
}

impl PriceTable {
    /// Price of one image with these options; `auto` is priced as what it may become.
    #[must_use]
    pub fn price(&self, options: EditOptions) -> Credits {
        let pixels = options.size.max_pixels();
        let of = |quality| {
            self.0
                .iter()
                .filter(|band| band.quality == quality && pixels <= band.up_to_pixels)
                .min_by_key(|band| band.up_to_pixels)
                .map(|band| band.credits)
        };
        let priced = match options.quality {
            Quality::Auto => [Quality::Low, Quality::Medium, Quality::High]
                .into_iter()
                .filter_map(of)
                .max(),
            quality => of(quality),
        };
        // `new` has made sure that there is one; were there none, nobody could pay this.
        priced.unwrap_or(Credits::MAX)
    }

    /// All lines, for showing the price before a submit.
    #[must_use]
    pub fn bands(&self) -> &[PriceBand] {
        &self.0
    }

    fn new(bands: Vec<PriceBand>) -> Result<Self, InvalidPrices> {
        if bands.iter().any(|band| band.quality == Quality::Auto) {
            return Err(InvalidPrices::Auto);
        }
        if bands.iter().any(|band| band.credits.is_zero()) {
            return Err(InvalidPrices::Free);
        }
        for quality in [Quality::Low, Quality::Medium, Quality::High] {
            let covered = bands.iter().any(|band| {
                band.quality == quality && band.up_to_pixels >= *crate::Size::PIXELS.end()
            });
            if !covered {
                return Err(InvalidPrices::Gap(quality));
            }
        }
        Ok(Self(bands))
    }
}

impl std::str::FromStr for PriceTable {
    type Err = InvalidPrices;

    fn from_str(json: &str) -> Result<Self, Self::Err> {
        Self::new(serde_json::from_str(json).map_err(InvalidPrices::Json)?)
    }
}

impl Default for PriceTable {
    /// Medium quality at about one megapixel is 1 credit; the rest follows what the provider bills
    /// (facts/openai-images.md: low, medium, high = 1 : 9 : 35 at 1024x1024), rounded in the user's favour.
    fn default() -> Self {
        let band = |quality, up_to_pixels, credits| PriceBand {
            quality,
            up_to_pixels,
            credits: Credits::small(credits),
        };
        let (one, four, all) = (
            crate::Size::AUTO_MAX_PIXELS,
            4_194_304,
            *crate::Size::PIXELS.end(),
        );
        Self(vec![
            band(Quality::Low, all, 1),
            band(Quality::Medium, one, 1),
            band(Quality::Medium, four, 2),
            band(Quality::Medium, all, 3),
            band(Quality::High, one, 4),
            band(Quality::High, four, 6),
            band(Quality::High, all, 10),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn price(quality: &str, size: &str) -> u64 {
        let options = EditOptions {
            quality: quality.parse().unwrap(),
            size: size.parse().unwrap(),
            ..EditOptions::default()
        };
        PriceTable::default().price(options).get()
    }

    #[test]
    fn the_default_options_cost_one_credit() {
        assert_eq!(
            PriceTable::default().price(EditOptions::default()),
            Credits::small(1)
        );
    }

    #[test]
    fn larger_and_better_is_dearer_and_auto_is_the_dearest() {
        assert_eq!(price("low", "1024x1024"), 1);
        assert_eq!(price("medium", "2048x2048"), 2);
        assert_eq!(price("medium", "3840x2160"), 3);
        assert_eq!(price("high", "auto"), 4);
        assert_eq!(price("auto", "3840x2160"), price("high", "3840x2160"));
    }

    #[test]
    fn a_table_with_gaps_is_refused() {
        let ok = r#"[{"quality":"low","upToPixels":9000000,"credits":1},
                     {"quality":"medium","upToPixels":9000000,"credits":2},
                     {"quality":"high","upToPixels":9000000,"credits":3}]"#;
        assert_eq!(
            ok.parse::<PriceTable>()
                .unwrap()
                .price(EditOptions::default())
                .get(),
            2
        );
        for bad in [
            "[]",
            "{}",
            &ok.replace("\"high\"", "\"auto\""),
            &ok.replace("\"credits\":3", "\"credits\":0"),
            &ok.replace("9000000,\"credits\":3", "1000,\"credits\":3"),
        ] {
            assert!(bad.parse::<PriceTable>().is_err(), "{bad}");
        }
    }

    #[test]
    fn the_default_table_passes_its_own_check() {
        assert!(PriceTable::new(PriceTable::default().0).is_ok());
    }
}
