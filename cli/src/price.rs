//! What images will cost, by the service's price list. The list and the rule are the service's; this only reads them.

use api::{Options, Price};

/// What `auto` becomes at most: 1536x1024.
const AUTO_PIXELS: u64 = 1536 * 1024;

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
pub(crate) fn per_image(prices: &[Price], options: &Options) -> Option<u64> {
    let pixels = match options.size.as_deref() {
        None | Some("auto") => AUTO_PIXELS,
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
            assert_eq!(per_image(&prices, &options), expected, "{quality} {size}");
        }
        assert_eq!(per_image(&prices, &Options::default()), Some(1));
        assert_eq!(per_image(&[], &Options::default()), None);
    }
}
