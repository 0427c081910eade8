//! Photos to send, and a look at what came back.

use std::io::Cursor;

use image::{ImageFormat, Rgb, RgbImage};

/// A colourful PNG of this size, in bytes.
#[must_use]
pub fn photo(width: u32, height: u32) -> Vec<u8> {
    let picture = RgbImage::from_fn(width, height, |x, y| {
        let part = |at: u32, of: u32| u8::try_from(at * 255 / of.max(1)).unwrap();
        Rgb([part(x, width), part(y, height), 90])
    });
    let mut file = Cursor::new(Vec::new());
    picture.write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

/// The pixels of a file, whatever its format.
#[must_use]
pub fn pixels(file: &[u8]) -> RgbImage {
    image::load_from_memory(file).expect("a picture").to_rgb8()
}
