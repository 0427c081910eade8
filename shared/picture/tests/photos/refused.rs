//! What cannot be edited, and what its owner is told.

use domain::{Failure, Format, Limits};
use image::DynamicImage;
use picture::{Kind, PictureRefused, Sample, judge};

use crate::support::{encode, file, rewritten, tiles, verify, verify_within, with_segment};

#[test]
fn the_end_of_a_thumbnail_is_not_the_end_of_the_photo() {
    let tiles = DynamicImage::from(tiles());
    let thumbnail = encode(&tiles.thumbnail(12, 8), Format::Jpeg, None, None);
    let photo = encode(&tiles, Format::Jpeg, None, None);
    let file = with_segment(&photo, 0xe1, &[b"Exif\0\0", thumbnail.as_slice()].concat());
    assert_eq!(rewritten(&file).1, photo);
    let scan = file.windows(2).rposition(|at| at == b"\xff\xda").unwrap();
    for length in [scan + 20, file.len() - 2, file.len() - 1] {
        assert_eq!(
            verify(&file[..length]),
            Err(PictureRefused::Truncated),
            "{length}"
        );
    }
}

/// Refused for this, in a sentence for the person who uploaded it.
fn assert_refused(name: &str, file: &[u8], expected: &PictureRefused) {
    let refused = verify(file).expect_err(name);
    assert_eq!(refused, *expected, "{name}");
    let failure = Failure::from(refused);
    assert!(failure.code.starts_with("photo_"), "{name}: {failure:?}");
    assert!(failure.message.ends_with('.'), "{name}: {failure:?}");
}

#[test]
fn other_kinds_of_files_are_refused_by_their_names() {
    for (file, expected) in [
        (file("picture.avif"), Kind::Avif),
        (b"\0\0\0\x18ftypheic\0\0\0\0mif1heic", Kind::Heic),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1heicMiHB", Kind::Heic),
        (b"\0\0\0\x1cftypmif1\0\0\0\0mif1avifmiaf", Kind::Avif),
        (b"\0\0\0\x18ftypcrx \0\0\0\x01crx isom", Kind::Raw),
        (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", Kind::Video),
        (b"RIFF\0\0\0\0AVI LIST", Kind::Video),
        (b"GIF89a\x01\0\x01\0", Kind::Gif),
        (b"BM\x3a\0\0\0\0\0\0\0", Kind::Bmp),
        (b"II*\0\x08\0\0\0", Kind::Tiff),
        (b"%PDF-1.7", Kind::Pdf),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", Kind::Svg),
        (
            b"\xef\xbb\xbf\n<?xml version='1.0'?><!-- a --><svg/>",
            Kind::Svg,
        ),
        (b"\xff\x0a\xfa\x1f", Kind::JpegXl),
        (b"PK\x03\x04", Kind::Zip),
    ] {
        let name = format!("{expected:?}");
        assert_refused(&name, file, &PictureRefused::WrongType(expected));
    }
    assert_eq!(
        PictureRefused::WrongType(Kind::Heic).to_string(),
        "This is a HEIC photo, which cannot be edited. Save it as JPEG and try again; an iPhone takes JPEGs with \
         Settings > Camera > Formats > Most Compatible."
    );
}

#[test]
fn what_is_no_picture_or_more_than_one_is_refused() {
    use PictureRefused::{Animated, Empty, Truncated, UnknownType};

    for (name, file, expected) in [
        ("empty", &b""[..], Empty),
        ("text", b"Dear Sir or Madam", UnknownType),
        ("HTML", b"<!DOCTYPE html><html>", UnknownType),
        ("zeros", &[0; 5000], UnknownType),
        ("a signature alone", b"\x89PNG\r\n\x1a\n", Truncated),
        ("animated WebP", file("animated.webp"), Animated),
        ("animated PNG", file("animated.png"), Animated),
    ] {
        assert_refused(name, file, &expected);
    }
}

#[test]
fn broken_files_are_refused() {
    use PictureRefused::{Damaged, Truncated, WrongType};

    let tiles = DynamicImage::from(tiles());
    let png = encode(&tiles, Format::Png, None, None);
    let jpeg = encode(&tiles, Format::Jpeg, None, None);
    let webp = encode(&tiles, Format::Webp, None, None);
    let frame = jpeg.windows(2).position(|at| at == b"\xff\xc0").unwrap();
    let pixels = png.windows(4).position(|at| at == b"IDAT").unwrap();
    for (name, file, at, to, expected) in [
        (
            "arithmetic JPEG",
            &jpeg,
            frame,
            &b"\xff\xc9"[..],
            WrongType(Kind::RareJpeg),
        ),
        (
            "12-bit JPEG",
            &jpeg,
            frame + 4,
            b"\x0c",
            WrongType(Kind::RareJpeg),
        ),
        ("JPEG of no height", &jpeg, frame + 5, b"\0\0", Damaged),
        ("JPEG without a frame", &jpeg, frame, b"\xff\xfe", Damaged),
        ("PNG of no width", &png, 16, b"\0\0\0\0", Damaged),
        ("PNG of three bits", &png, 24, b"\x03", Damaged),
        ("PNG whose header comes late", &png, 12, b"late", Damaged),
        ("PNG without pixels", &png, pixels, b"teXt", Damaged),
        ("WebP of endless pixels", &webp, 16, b"\xff\xff", Damaged),
        ("WebP of a cut header", &webp, 16, b"\x04\0", Damaged),
    ] {
        let mut file = file.clone();
        file[at..at + to.len()].copy_from_slice(to);
        assert_refused(name, &file, &expected);
    }
    for file in [&png, &jpeg, &webp] {
        for length in [file.len() / 2, file.len() - 1] {
            assert_refused("cut off", &file[..length], &Truncated);
        }
    }
}

#[test]
fn limits_hold_before_anything_is_decoded() {
    let limits = Limits {
        max_pixels: 1535,
        max_file_bytes: 1_000_000,
        ..Limits::default()
    };
    for format in Format::ALL {
        let file = encode(&tiles().into(), format, None, None);
        let expected = PictureRefused::TooManyPixels {
            pixels: 1536,
            most: 1535,
        };
        assert_eq!(verify_within(&file, &limits), Err(expected));
    }
    let refused = judge(&Sample::new(b"", b"", 1_000_001), &limits);
    assert_eq!(refused.unwrap_err().code(), "photo_too_large");
    let refused = judge(&Sample::new(b"", b"", u64::MAX), &Limits::default());
    assert_eq!(refused.unwrap_err().code(), "photo_too_large");
}
