//! How large a picture may be for the model, and how large one becomes that is larger.

use domain::Size;

/// The size of a picture that the model takes: the same, or the largest one of the same shape.
pub(crate) fn fit(width: u32, height: u32) -> (u32, u32) {
    let pixels = |(width, height): (u32, u32)| u64::from(width) * u64::from(height);
    if width.max(height) <= Size::MAX_SIDE && pixels((width, height)) <= *Size::PIXELS.end() {
        return (width, height);
    }
    // The wider side is made first and the other follows from it, rounded: an error of half a pixel.
    let (long, short) = (width.max(height), width.min(height));
    let by_pixels = (Size::PIXELS.end() * u64::from(long) / u64::from(short.max(1))).isqrt();
    let mut new_long = u32::try_from(by_pixels)
        .unwrap_or(u32::MAX)
        .min(Size::MAX_SIDE)
        .min(long);
    let follow = |new_long: u32| {
        let (new_long, long) = (u64::from(new_long), u64::from(long.max(1)));
        let new_short = (new_long * u64::from(short) + long / 2) / long;
        u32::try_from(new_short).unwrap_or(short).max(1)
    };
    // Rounding up may have been too much.
    while new_long > 1 && pixels((new_long, follow(new_long))) > *Size::PIXELS.end() {
        new_long -= 1;
    }
    let new_short = follow(new_long);
    if width >= height {
        (new_long, new_short)
    } else {
        (new_short, new_long)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn known_sizes() {
        for (size, expected) in [
            ((1, 1), (1, 1)),
            ((3840, 2160), (3840, 2160)),
            ((3841, 2160), (3840, 2159)),
            // A phone's.
            ((4032, 3024), (3325, 2494)),
            ((3024, 4032), (2494, 3325)),
            ((8660, 5773), (3527, 2351)),
            // Square, and thin.
            ((7000, 7000), (2880, 2880)),
            ((50_000_000, 1), (3840, 1)),
            ((1, 50_000_000), (1, 3840)),
        ] {
            assert_eq!(fit(size.0, size.1), expected, "{size:?}");
        }
    }

    proptest! {
        #[test]
        fn every_size_becomes_one_that_fits_and_keeps_its_shape(width in 1..70_000_u32, height in 1..70_000_u32) {
            let (new_width, new_height) = fit(width, height);
            prop_assert!(new_width.max(new_height) <= Size::MAX_SIDE);
            prop_assert!(u64::from(new_width) * u64::from(new_height) <= *Size::PIXELS.end());
            prop_assert!(new_width >= 1 && new_width <= width && new_height >= 1 && new_height <= height);
            // Half a pixel of the shorter side, in units of the longer.
            let skew = (u64::from(new_width) * u64::from(height)).abs_diff(u64::from(new_height) * u64::from(width));
            prop_assert!(skew <= u64::from(width.max(height)) || new_width.min(new_height) == 1);
            prop_assert_eq!(fit(new_width, new_height), (new_width, new_height));
        }
    }
}
