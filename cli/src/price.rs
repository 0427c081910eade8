//! What images will cost, by the service's price list. The list and the rule are the service's; this only reads them.

use api::{Options, Price};

/// Pixels of a size `WIDTHxHEIGHT`.
pub(crate) fn pixels(size: &str) -> Option<u64> {
    let (width, height) = size.split_once('x')?;
    let pixels = |digits: &str| {
        let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
        digits
            .parse::<u32>()
            .ok()
            .filter(|number| plain && *number > 0)
            .map(u64::from)
    };
    Some(pixels(width)? * pixels(height)?)
}

/// Credits for one image, or nothing if the list has no line for it.
pub(crate) fn per_image(prices: &[Price], auto_pixels: u64, options: &Options) -> Option<u64> {
    let pixels = match options.size.as_deref() {
        None | Some("auto") => auto_pixels,
        Some(size) => pixels(size)?,
    };
    match options.quality.as_deref().unwrap_or("medium") {
        // Priced as the dearest that it may become.
        "auto" => prices
            .iter()
            .filter_map(|price| covering(prices, &price.quality, pixels))
            .max(),
        quality => covering(prices, quality, pixels),
    }
}

/// The smallest line that still covers so many pixels.
fn covering(prices: &[Price], quality: &str, pixels: u64) -> Option<u64> {
    prices
        .iter()
        .filter(|price| price.quality == quality && price.up_to_pixels >= pixels)
        .min_by_key(|price| price.up_to_pixels)
        .map(|price| price.credits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_the_smallest_line_that_covers() {
        let line = |quality: &str, up_to_pixels, credits| Price {
            quality: quality.to_owned(),
            up_to_pixels,
            credits,
        };
        let prices = [
            line("medium", 8_294_400, 4),
            line("low", 1_572_864, 1),
            line("medium", 1_572_864, 1),
            line("high", 1_572_864, 5),
            line("high", 8_294_400, 20),
        ];
        let cases = [
            ("medium", "auto", Some(1)),
            ("medium", "1536x1024", Some(1)),
            ("medium", "2048x2048", Some(4)),
            ("high", "1024x1024", Some(5)),
            ("auto", "1024x1024", Some(5)),
            ("auto", "2048x2048", Some(20)),
            ("low", "2048x2048", None),
            ("medium", "9000x9000", None),
        ];
        for (quality, size, expected) in cases {
            let options = Options {
                quality: Some(quality.to_owned()),
                size: Some(size.to_owned()),
                format: None,
            };
            let price = per_image(&prices, 1_572_864, &options);
            assert_eq!(price, expected, "{quality} {size}");
        }
        let default = |prices, auto_pixels| per_image(prices, auto_pixels, &Options::default());
        assert_eq!(default(&prices, 1_572_864), Some(1));
        assert_eq!(default(&prices, 1_572_865), Some(4));
        assert_eq!(default(&[], 1_572_864), None);
    }
}
