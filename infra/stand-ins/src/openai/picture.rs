//! Pictures in and out: decoding with limits, fitting to a size, encoding.
//!
//! Like the real API it does not apply the EXIF orientation: a sideways photo stays sideways.

use std::io::Cursor;

use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader,
    ImageResult, Limits, Rgb, RgbImage,
    codecs::{
        jpeg::JpegEncoder,
        png::{CompressionType, FilterType, PngEncoder},
        webp::WebPEncoder,
    },
};

use super::{
    refusal::Refusal,
    request::{Format, Size},
};

/// Longest side of an input.
const MAX_SIDE: u32 = 20_000;
/// Pixels of an input: what a bomb would exceed and no camera does.
const MAX_PIXELS: u64 = 120_000_000;
/// What a decoder may allocate.
const MAX_ALLOCATION: u64 = 1024 * 1024 * 1024;
/// The end of every PNG: an empty IEND chunk and its checksum.
const PNG_END: [u8; 12] = [0, 0, 0, 0, b'I', b'E', b'N', b'D', 0xAE, 0x42, 0x60, 0x82];

/// Decodes the picture with this index of the request, if it is whole.
pub(crate) fn decode(bytes: &[u8], index: usize) -> Result<RgbImage, Refusal> {
    let refuse = || {
        Refusal::invalid(
            "invalid_image_file",
            format!(
                "Invalid image file or mode for image {}, please check your image file.",
                index.saturating_add(1)
            ),
        )
        .about("image")
    };
    let format = image::guess_format(bytes).map_err(|_| refuse())?;
    if !is_whole(bytes, format) {
        return Err(refuse());
    }
    try_decode(bytes, format).ok().flatten().ok_or_else(refuse)
}

/// None when there are too many pixels.
fn try_decode(bytes: &[u8], format: ImageFormat) -> ImageResult<Option<RgbImage>> {
    let mut limits = Limits::default();
    limits.max_image_width = Some(MAX_SIDE);
    limits.max_image_height = Some(MAX_SIDE);
    limits.max_alloc = Some(MAX_ALLOCATION);
    let mut reader = ImageReader::with_format(Cursor::new(bytes), format);
    reader.limits(limits);
    let decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if u64::from(width).saturating_mul(u64::from(height)) > MAX_PIXELS {
        return Ok(None);
    }
    Ok(Some(flatten(DynamicImage::from_decoder(decoder)?)))
}

/// Whether the end is there. Decoders fill up what is missing of a cut JPEG with grey.
fn is_whole(bytes: &[u8], format: ImageFormat) -> bool {
    match format {
        ImageFormat::Png => find_last(bytes, &PNG_END).is_some(),
        // The end marker must follow the last scan: a thumbnail in the EXIF block has an end of its own.
        ImageFormat::Jpeg => match (
            find_last(bytes, &[0xFF, 0xDA]),
            find_last(bytes, &[0xFF, 0xD9]),
        ) {
            (Some(scan), Some(end)) => scan < end,
            _ => false,
        },
        ImageFormat::WebP => match bytes
            .get(4..8)
            .and_then(|length| <[u8; 4]>::try_from(length).ok())
        {
            Some(length) => usize::try_from(u32::from_le_bytes(length))
                .is_ok_and(|length| bytes.len() - 8 >= length),
            None => false,
        },
        _ => false,
    }
}

fn find_last(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    bytes
        .windows(needle.len())
        .rposition(|window| window == needle)
}

/// Three channels; what is transparent becomes white paper.
fn flatten(picture: DynamicImage) -> RgbImage {
    if !picture.color().has_alpha() {
        return picture.into_rgb8();
    }
    let picture = picture.into_rgba8();
    let mut paper = RgbImage::new(picture.width(), picture.height());
    for (to, from) in paper.pixels_mut().zip(picture.pixels()) {
        let [r, g, b, a] = from.0;
        *to = Rgb([r, g, b].map(|c| blend(255, c, a)));
    }
    paper
}

/// From `under` (share 0) to `over` (share 255).
pub(crate) fn blend(under: u8, over: u8, share: u8) -> u8 {
    let (under, over, share) = (u32::from(under), u32::from(over), u32::from(share));
    u8::try_from((under * (255 - share) + over * share + 127) / 255).unwrap_or(u8::MAX)
}

/// Scales to cover `size` and cuts the rest off around the centre.
pub(crate) fn fit(picture: RgbImage, size: Size) -> RgbImage {
    let (width, height) = picture.dimensions();
    if (width, height) == (size.width, size.height) {
        return picture;
    }
    let (crop_width, crop_height) = largest_crop(width, height, size);
    let picture = DynamicImage::ImageRgb8(picture);
    let (left, top) = ((width - crop_width) / 2, (height - crop_height) / 2);
    let cropped = picture.crop_imm(left, top, crop_width, crop_height);
    drop(picture);
    // Averaging is as good as filtering when it shrinks much, and keeps every pixel in sight.
    if crop_width >= size.width.saturating_mul(2) && crop_height >= size.height.saturating_mul(2) {
        cropped.thumbnail_exact(size.width, size.height).into_rgb8()
    } else {
        scale(&cropped.into_rgb8(), size.width, size.height)
    }
}

/// Bilinear scaling in whole numbers: ten times quicker than the general resampler, and enough for enlarging.
pub(crate) fn scale(picture: &RgbImage, width: u32, height: u32) -> RgbImage {
    let columns = Taps::of(picture.width(), width);
    let rows = Taps::of(picture.height(), height);
    let mut scaled = RgbImage::new(width, height);
    for (line, row) in scaled.rows_mut().zip(&rows) {
        for (pixel, column) in line.zip(&columns) {
            let at = |x, y| {
                let Rgb(channels) = *picture.get_pixel(x, y);
                channels.map(u32::from)
            };
            let mix = |[r, g, b]: [u32; 3], [r2, g2, b2]: [u32; 3], share: u32| {
                let one = |from: u32, to: u32| from * (256 - share) + to * share;
                [one(r, r2), one(g, g2), one(b, b2)]
            };
            let upper = mix(
                at(column.first, row.first),
                at(column.second, row.first),
                column.share,
            );
            let lower = mix(
                at(column.first, row.second),
                at(column.second, row.second),
                column.share,
            );
            let mixed = mix(upper, lower, row.share);
            *pixel = Rgb(mixed.map(|sum| u8::try_from((sum + 0x8000) >> 16).unwrap_or(u8::MAX)));
        }
    }
    scaled
}

/// The two pixels of one axis between which a scaled pixel lies.
#[derive(Clone, Copy)]
struct Taps {
    first: u32,
    second: u32,
    /// Of the second one, in 256ths.
    share: u32,
}

impl Taps {
    /// For each of `to` pixels, where it lies among `from` pixels, centre over centre.
    fn of(from: u32, to: u32) -> Vec<Self> {
        let last = from.saturating_sub(1);
        (0..u64::from(to))
            .map(|position| {
                let at = ((2 * position + 1) * u64::from(from) * 128 / u64::from(to.max(1)))
                    .saturating_sub(128);
                let first = u32::try_from(at >> 8).unwrap_or(last).min(last);
                let share = u32::try_from(at & 0xFF).unwrap_or_default();
                Self {
                    first,
                    second: first.saturating_add(1).min(last),
                    share,
                }
            })
            .collect()
    }
}

/// The largest part of `width` x `height` that has the ratio of `size`.
fn largest_crop(width: u32, height: u32, size: Size) -> (u32, u32) {
    let scale = |side: u32, by: u32, of: u32| {
        u32::try_from(u64::from(side) * u64::from(by) / u64::from(of.max(1)))
            .unwrap_or(u32::MAX)
            .max(1)
    };
    let crop_width = scale(height, size.width, size.height);
    if crop_width <= width {
        (crop_width, height)
    } else {
        (width, scale(width, size.height, size.width).min(height))
    }
}

/// Encodes a result. WebP is lossless here, whatever the compression.
pub(crate) fn encode(picture: &RgbImage, format: Format, compression: u8) -> ImageResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let (width, height) = picture.dimensions();
    let pixels = picture.as_raw();
    match format {
        Format::Png => {
            PngEncoder::new_with_quality(&mut bytes, CompressionType::Fast, FilterType::Up)
                .write_image(pixels, width, height, ExtendedColorType::Rgb8)?;
        }
        Format::Jpeg => JpegEncoder::new_with_quality(&mut bytes, compression.clamp(1, 100))
            .write_image(pixels, width, height, ExtendedColorType::Rgb8)?,
        Format::Webp => {
            WebPEncoder::new_lossless(&mut bytes).write_image(
                pixels,
                width,
                height,
                ExtendedColorType::Rgb8,
            )?;
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use image::RgbaImage;

    use super::*;

    fn gradient(width: u32, height: u32) -> RgbImage {
        RgbImage::from_fn(width, height, |x, y| {
            Rgb([
                u8::try_from(x % 256).unwrap(),
                u8::try_from(y % 256).unwrap(),
                u8::try_from((x * y) % 256).unwrap(),
            ])
        })
    }

    #[test]
    fn every_format_survives_whole_and_not_cut() {
        for format in [Format::Png, Format::Jpeg, Format::Webp] {
            let bytes = encode(&gradient(80, 60), format, 90).unwrap();
            assert_eq!(
                decode(&bytes, 0).unwrap().dimensions(),
                (80, 60),
                "{format:?}"
            );
            for keep in [0, 3, 20, bytes.len() / 2, bytes.len() - 2] {
                let refusal = decode(&bytes[..keep], 0).expect_err("a cut picture");
                assert_eq!(
                    refusal.code,
                    Some("invalid_image_file"),
                    "{format:?} {keep}"
                );
            }
        }
        assert!(decode(b"GIF89a, not one of ours", 0).is_err());
    }

    #[test]
    fn trailing_bytes_do_not_hurt() {
        for format in [Format::Png, Format::Jpeg] {
            let mut bytes = encode(&gradient(16, 16), format, 90).unwrap();
            bytes.extend_from_slice(b"what some phones append");
            assert!(decode(&bytes, 0).is_ok(), "{format:?}");
        }
    }

    #[test]
    fn a_result_has_exactly_the_size() {
        for (width, height) in [
            (512, 512),
            (640, 427),
            (1, 900),
            (900, 1),
            (4000, 3000),
            (1024, 1536),
        ] {
            for size in [(1024, 1024), (1536, 1024), (1024, 1536)] {
                let size = Size {
                    width: size.0,
                    height: size.1,
                };
                assert_eq!(
                    fit(gradient(width, height), size).dimensions(),
                    (size.width, size.height)
                );
            }
        }
    }

    #[test]
    fn scaling_keeps_what_is_flat_and_bridges_what_is_not() {
        let flat = RgbImage::from_pixel(3, 5, Rgb([7, 200, 255]));
        assert!(
            scale(&flat, 20, 9)
                .pixels()
                .all(|pixel| *pixel == Rgb([7, 200, 255]))
        );
        let step = RgbImage::from_fn(
            2,
            1,
            |x, _| if x == 0 { Rgb([0; 3]) } else { Rgb([200; 3]) },
        );
        let levels: Vec<u8> = scale(&step, 4, 1)
            .pixels()
            .map(|pixel| pixel.0[0])
            .collect();
        assert_eq!(levels, [0, 50, 150, 200]);
        assert_eq!(scale(&step, 2, 1), step);
    }

    #[test]
    fn the_crop_is_centred() {
        let mut wide = RgbImage::new(300, 100);
        for (x, _, pixel) in wide.enumerate_pixels_mut() {
            *pixel = if (100..200).contains(&x) {
                Rgb([255; 3])
            } else {
                Rgb([0; 3])
            };
        }
        let fitted = fit(
            wide,
            Size {
                width: 50,
                height: 50,
            },
        );
        assert!(fitted.pixels().all(|pixel| *pixel == Rgb([255; 3])));
    }

    #[test]
    fn transparency_becomes_white() {
        let picture = RgbaImage::from_pixel(2, 2, image::Rgba([10, 20, 30, 0]));
        assert_eq!(
            flatten(DynamicImage::ImageRgba8(picture)).get_pixel(0, 0),
            &Rgb([255; 3])
        );
    }
}
