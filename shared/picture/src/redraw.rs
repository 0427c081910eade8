//! The last resort, which costs time and memory: decode, shrink, turn, encode.

use std::io::Cursor;

use domain::{Format, Picture};
use fast_image_resize::{FilterType, MulDiv, ResizeAlg, ResizeOptions, Resizer};
use image::{
    DynamicImage, ImageDecoder, ImageEncoder, ImageError, ImageFormat, ImageReader, Limits,
    codecs::{
        jpeg::JpegEncoder,
        png::{self, PngEncoder},
    },
};

use crate::{Kind, PictureRefused, size, survey::Survey};

/// Good enough that a model cannot tell the difference, at a quarter of the bytes of 100.
const JPEG_QUALITY: u8 = 92;

/// Up to here a PNG stays one: drawings and screenshots, whose edges JPEG blurs. Above, its bytes would cost more than that.
const MAX_PNG_PIXELS: u64 = 2_000_000;

/// The most that a decoder needs for one pixel: four channels of sixteen bits.
const BYTES_PER_PIXEL: u64 = 8;
/// For everything that does not grow with the picture.
const SPARE_BYTES: u64 = 16 * 1024 * 1024;

/// Real profiles have kilobytes; those for printing, which do not fit the pixels that we write, have megabytes.
const MAX_PROFILE_BYTES: usize = 1024 * 1024;

/// Another picture of the same: upright, of a size that the model takes, in a format that suits it.
///
/// `file` has been surveyed and stripped, and the decoder is held to what the survey saw.
pub(crate) fn redraw(
    file: Vec<u8>,
    format: Format,
    survey: &Survey,
) -> Result<(Picture, Vec<u8>), PictureRefused> {
    let (image, profile) = decode(file, format, survey)?;
    let image = to_eight_bits(shrink(image)?);
    let mut image = without_idle_alpha(image);
    image.apply_orientation(survey.orientation);
    let pixels = u64::from(image.width()) * u64::from(image.height());
    let format = if image.color().has_alpha() || format == Format::Png && pixels <= MAX_PNG_PIXELS {
        Format::Png
    } else {
        Format::Jpeg
    };
    let profile = profile.filter(|profile| suits(profile, &image));
    let picture = Picture {
        format,
        width: image.width(),
        height: image.height(),
    };
    Ok((picture, encode(&image, format, profile)?))
}

fn decode(
    file: Vec<u8>,
    format: Format,
    survey: &Survey,
) -> Result<(DynamicImage, Option<Vec<u8>>), PictureRefused> {
    let pixels = u64::from(survey.width) * u64::from(survey.height);
    let mut limits = Limits::no_limits();
    limits.max_image_width = Some(survey.width);
    limits.max_image_height = Some(survey.height);
    limits.max_alloc = Some(pixels * BYTES_PER_PIXEL + SPARE_BYTES);
    let mut reader = ImageReader::with_format(Cursor::new(file), image_format(format));
    reader.limits(limits.clone());
    let mut decoder = reader.into_decoder().map_err(unreadable)?;
    if decoder.dimensions() != (survey.width, survey.height) {
        return Err(PictureRefused::Damaged);
    }
    limits.reserve(decoder.total_bytes()).map_err(unreadable)?;
    // A profile that cannot be read is as good as none.
    let profile = decoder.icc_profile().ok().flatten();
    let image = DynamicImage::from_decoder(decoder).map_err(unreadable)?;
    Ok((image, profile))
}

/// The decoder's reason in our words. Limits that are exceeded here were kept in the file's headers, so these lied.
fn unreadable(error: ImageError) -> PictureRefused {
    match error {
        ImageError::IoError(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            PictureRefused::Truncated
        }
        ImageError::Unsupported(_) => PictureRefused::WrongType(Kind::RareJpeg),
        _ => PictureRefused::Damaged,
    }
}

/// To the size that the model takes, in the pixels' own depth.
fn shrink(mut image: DynamicImage) -> Result<DynamicImage, PictureRefused> {
    let (width, height) = size::fit(image.width(), image.height());
    if (width, height) == (image.width(), image.height()) {
        return Ok(image);
    }
    let mut small = DynamicImage::new(width, height, image.color());
    // In place: the resizer would make a copy of the large picture for it.
    let alpha = MulDiv::new();
    let has_alpha = image.color().has_alpha();
    if has_alpha {
        alpha.multiply_alpha_inplace(&mut image).map_err(damaged)?;
    }
    let options = ResizeOptions::new()
        .resize_alg(ResizeAlg::Convolution(FilterType::Lanczos3))
        .use_alpha(false);
    Resizer::new()
        .resize(&image, &mut small, &options)
        .map_err(damaged)?;
    drop(image);
    if has_alpha {
        alpha.divide_alpha_inplace(&mut small).map_err(damaged)?;
    }
    Ok(small)
}

/// Sixteen bits are more than a model sees.
fn to_eight_bits(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageLuma16(_) => image.into_luma8().into(),
        DynamicImage::ImageLumaA16(_) => image.into_luma_alpha8().into(),
        DynamicImage::ImageRgb16(_) => image.into_rgb8().into(),
        DynamicImage::ImageRgba16(_) => image.into_rgba8().into(),
        other => other,
    }
}

/// A picture without a transparent pixel needs no alpha.
fn without_idle_alpha(image: DynamicImage) -> DynamicImage {
    match image {
        DynamicImage::ImageLumaA8(pixels)
            if pixels.pixels().all(|pixel| pixel.0.ends_with(&[255])) =>
        {
            DynamicImage::from(pixels).into_luma8().into()
        }
        DynamicImage::ImageRgba8(pixels)
            if pixels.pixels().all(|pixel| pixel.0.ends_with(&[255])) =>
        {
            DynamicImage::from(pixels).into_rgb8().into()
        }
        other => other,
    }
}

/// A profile describes pixels of one colour space, which its header names: those of a CMYK file are another's by now.
fn suits(profile: &[u8], image: &DynamicImage) -> bool {
    let space: &[u8] = if image.color().has_color() {
        b"RGB "
    } else {
        b"GRAY"
    };
    profile.len() <= MAX_PROFILE_BYTES && profile.get(16..20) == Some(space)
}

fn encode(
    image: &DynamicImage,
    format: Format,
    profile: Option<Vec<u8>>,
) -> Result<Vec<u8>, PictureRefused> {
    let mut bytes = Vec::new();
    match format {
        Format::Jpeg => write(
            JpegEncoder::new_with_quality(&mut bytes, JPEG_QUALITY),
            image,
            profile,
        ),
        Format::Png | Format::Webp => write(
            PngEncoder::new_with_quality(
                &mut bytes,
                png::CompressionType::Default,
                png::FilterType::Adaptive,
            ),
            image,
            profile,
        ),
    }?;
    Ok(bytes)
}

fn write(
    mut encoder: impl ImageEncoder,
    image: &DynamicImage,
    profile: Option<Vec<u8>>,
) -> Result<(), PictureRefused> {
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile).map_err(damaged)?;
    }
    image.write_with_encoder(encoder).map_err(damaged)
}

/// For what cannot fail with a picture that has been decoded.
fn damaged<E: std::error::Error>(_: E) -> PictureRefused {
    PictureRefused::Damaged
}

const fn image_format(format: Format) -> ImageFormat {
    match format {
        Format::Png => ImageFormat::Png,
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Webp => ImageFormat::WebP,
    }
}
