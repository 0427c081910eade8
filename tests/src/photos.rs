//! Photos to send, and a look at what came back.

use std::io::Cursor;

use domain::Format;
use image::{
    ExtendedColorType, ImageEncoder, ImageFormat, Rgb, RgbImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder},
};

/// What stands in the EXIF of [`photo_with_place`].
pub const PLACE: &str = "GPS 48 51 30";

/// A colourful PNG of this size, in bytes.
#[must_use]
pub fn photo(width: u32, height: u32) -> Vec<u8> {
    photo_as(Format::Png, width, height)
}

/// The same in another format.
#[must_use]
pub fn photo_as(format: Format, width: u32, height: u32) -> Vec<u8> {
    let format = match format {
        Format::Png => ImageFormat::Png,
        Format::Jpeg => ImageFormat::Jpeg,
        Format::Webp => ImageFormat::WebP,
    };
    let mut file = Cursor::new(Vec::new());
    gradient(width, height).write_to(&mut file, format).unwrap();
    file.into_inner()
}

/// The same as a camera writes it: with where it was, and how it was held (an EXIF orientation).
#[must_use]
pub fn photo_with_place(format: Format, width: u32, height: u32, orientation: u8) -> Vec<u8> {
    fn write(mut encoder: impl ImageEncoder, picture: &RgbImage, orientation: u8) {
        encoder.set_exif_metadata(exif(orientation)).unwrap();
        let (width, height) = picture.dimensions();
        let colours = ExtendedColorType::Rgb8;
        let written = encoder.write_image(picture, width, height, colours);
        written.unwrap();
    }
    let picture = gradient(width, height);
    let mut file = Vec::new();
    match format {
        Format::Png => write(PngEncoder::new(&mut file), &picture, orientation),
        Format::Jpeg => write(
            JpegEncoder::new_with_quality(&mut file, 98),
            &picture,
            orientation,
        ),
        Format::Webp => write(WebPEncoder::new_lossless(&mut file), &picture, orientation),
    }
    file
}

/// Red grows to the right, green to the bottom.
fn gradient(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        let part = |at: u32, of: u32| u8::try_from(at * 255 / of.max(1)).unwrap();
        Rgb([part(x, width), part(y, height), 90])
    })
}

/// An orientation, and a GPS directory with a latitude.
fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08".to_vec();
    tiff.extend(b"\0\x02");
    tiff.extend([1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    tiff.extend(b"\x88\x25\0\x04\0\0\0\x01\0\0\0\x26\0\0\0\0");
    tiff.extend(b"\0\x01\0\x01\0\x02\0\0\0\x02N\0\0\0\0\0\0\0");
    tiff.extend(PLACE.as_bytes());
    tiff
}

/// The pixels of a file, whatever its format.
#[must_use]
pub fn pixels(file: &[u8]) -> RgbImage {
    image::load_from_memory(file).expect("a picture").to_rgb8()
}
