//! What is drawn anew shows the same.

use domain::Format;
use image::{DynamicImage, Rgb, RgbImage};

use crate::support::{assert_tiles, contains, decode, encode, exif, profile, rewritten, tiles};

#[test]
fn orientations_are_turned_upright_to_the_pixel() {
    let upright = DynamicImage::from(tiles());
    for orientation in 1..=8 {
        // What a camera would have stored so that this orientation shows it upright.
        let stored = match orientation {
            1 => upright.clone(),
            2 => upright.fliph(),
            3 => upright.rotate180(),
            4 => upright.flipv(),
            5 => upright.rotate90().fliph(),
            6 => upright.rotate270(),
            7 => upright.rotate270().fliph(),
            8 => upright.rotate90(),
            _ => unreachable!(),
        };
        for format in Format::ALL {
            let file = encode(&stored, format, Some(exif(orientation)), None);
            let (picture, bytes) = rewritten(&file);
            assert_eq!(
                (picture.width, picture.height),
                (48, 32),
                "{format:?} {orientation}"
            );
            let seen = decode(&bytes);
            if format == Format::Png {
                assert_eq!(seen, upright, "{orientation}");
            }
            assert_tiles(&seen, 6, &format!("{format:?} {orientation}"));
        }
    }
}

#[test]
fn what_is_too_large_for_the_model_is_shrunk_and_keeps_its_shape() {
    for ((width, height), expected) in [
        ((4032, 3024), (3325, 2494)),
        ((4000, 100), (3840, 96)),
        ((100, 4000), (96, 3840)),
    ] {
        // Left half red, right half blue, with a green top.
        let image = DynamicImage::from(RgbImage::from_fn(width, height, |x, y| {
            Rgb([
                if x < width / 2 { 220 } else { 0 },
                if y < height / 2 { 200 } else { 0 },
                if x < width / 2 { 0 } else { 220 },
            ])
        }));
        for format in Format::ALL {
            let file = encode(&image, format, None, Some(profile(*b"RGB ")));
            let (picture, bytes) = rewritten(&file);
            assert_eq!((picture.width, picture.height), expected, "{format:?}");
            let seen = decode(&bytes).to_rgb8();
            let (w, h) = expected;
            for (x, y, colour) in [
                (w / 4, h / 4, [220, 200, 0]),
                (w / 4 * 3, h / 4, [0, 200, 220]),
                (w / 4, h / 4 * 3, [220, 0, 0]),
                (w / 4 * 3, h / 4 * 3, [0, 0, 220]),
            ] {
                let off = seen
                    .get_pixel(x, y)
                    .0
                    .iter()
                    .zip(colour)
                    .map(|(a, b)| a.abs_diff(b))
                    .max();
                assert!(
                    off <= Some(6),
                    "{format:?} at {x}, {y}: {:?}",
                    seen.get_pixel(x, y)
                );
            }
            let icc = if picture.format == Format::Jpeg {
                &b"ICC_PROFILE\0"[..]
            } else {
                b"iCCP"
            };
            assert!(contains(&bytes, icc), "{format:?}");
        }
    }
    // A large photo that lies on its side is shrunk to what it is when it stands.
    let image = DynamicImage::from(RgbImage::new(4032, 3024));
    let (picture, _) = rewritten(&encode(&image, Format::Jpeg, Some(exif(6)), None));
    assert_eq!((picture.width, picture.height), (2494, 3325));
}

#[test]
fn depth_and_transparency_survive_as_far_as_they_matter() {
    let tiles = DynamicImage::from(tiles());
    let mut clear = tiles.to_rgba8();
    clear.get_pixel_mut(3, 3).0[3] = 0;
    for (name, image, format, source) in [
        (
            "16-bit grey",
            DynamicImage::from(tiles.to_luma16()),
            Format::Png,
            Format::Png,
        ),
        (
            "16-bit with alpha",
            DynamicImage::from(clear.clone()).to_rgba16().into(),
            Format::Png,
            Format::Png,
        ),
        ("alpha", clear.clone().into(), Format::Png, Format::Webp),
        (
            "alpha that hides nothing",
            tiles.to_rgba8().into(),
            Format::Jpeg,
            Format::Webp,
        ),
    ] {
        let file = encode(&image, source, Some(exif(3)), None);
        let (picture, bytes) = rewritten(&file);
        let seen = decode(&bytes);
        assert_eq!(picture.format, format, "{name}");
        assert_eq!(
            seen.color().has_alpha(),
            format == Format::Png && image.color().has_alpha(),
            "{name}"
        );
        assert_eq!(
            seen.color().has_color(),
            image.color().has_color(),
            "{name}"
        );
        if seen.color().has_alpha() {
            assert_eq!(seen.to_rgba8(), image.rotate180().to_rgba8(), "{name}");
        }
    }
    // Profiles of other pixels than ours are dropped.
    let grey = encode(
        &tiles.to_luma8().into(),
        Format::Png,
        Some(exif(3)),
        Some(profile(*b"CMYK")),
    );
    assert!(!contains(&rewritten(&grey).1, b"iCCP"));
    let grey = encode(
        &tiles.to_luma8().into(),
        Format::Png,
        Some(exif(3)),
        Some(profile(*b"GRAY")),
    );
    assert!(contains(&rewritten(&grey).1, b"iCCP"));
}
