//! Captions: text in an 8x8 bitmap font on a dark band. Knows letters and pixels only.

use font8x8::{BASIC_FONTS, GREEK_FONTS, LATIN_FONTS, MISC_FONTS, UnicodeFonts};
use image::{Rgb, RgbImage};

use super::picture::blend;

const INK: Rgb<u8> = Rgb([255; 3]);
/// Pixels of a letter's side in the font.
const CELL: u32 = 8;
/// Longest text that is drawn; more would be too small to read.
const MAX_LETTERS: usize = 60;

/// Writes `text` in one line, centred on a band at the bottom.
pub(crate) fn write_caption(picture: &mut RgbImage, text: &str) {
    let letters: Vec<[u8; 8]> = text.chars().take(MAX_LETTERS).map(glyph).collect();
    let count = u32::try_from(letters.len()).unwrap_or(u32::MAX).max(1);
    let (width, height) = picture.dimensions();
    // As wide as fits beside a margin, but no higher than a caption should be.
    let scale = (width * 9 / 10 / (CELL * count))
        .min(height / (CELL * 10))
        .max(1);
    let (letter, text_width) = (CELL * scale, CELL * scale * count);
    let band_top = height.saturating_sub(letter * 5 / 2);
    let (left, top) = (width.saturating_sub(text_width) / 2, band_top + letter / 2);

    for (_, y, pixel) in picture.enumerate_pixels_mut() {
        if y >= band_top {
            *pixel = Rgb(pixel.0.map(|c| blend(c, 0, 170)));
        }
    }
    for (glyph, x) in letters
        .iter()
        .zip((left..).step_by(usize::try_from(letter).unwrap_or(1)))
    {
        draw(picture, *glyph, x, top, scale);
    }
}

/// The rows of a letter, least significant bit left; a question mark for one that the font lacks.
fn glyph(letter: char) -> [u8; 8] {
    BASIC_FONTS
        .get(letter)
        .or_else(|| LATIN_FONTS.get(letter))
        .or_else(|| GREEK_FONTS.get(letter))
        .or_else(|| MISC_FONTS.get(letter))
        .or_else(|| BASIC_FONTS.get('?'))
        .unwrap_or_default()
}

fn draw(picture: &mut RgbImage, glyph: [u8; 8], left: u32, top: u32, scale: u32) {
    for (row, y) in glyph.iter().zip((0..CELL).map(|row| top + row * scale)) {
        for x in (0..CELL)
            .filter(|bit| (row >> bit) & 1 == 1)
            .map(|bit| left + bit * scale)
        {
            for (x, y) in (0..scale).flat_map(|dy| (0..scale).map(move |dx| (x + dx, y + dy))) {
                if let Some(pixel) = picture.get_pixel_mut_checked(x, y) {
                    *pixel = INK;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_caption_is_on_the_lower_edge() {
        let mut picture = RgbImage::from_pixel(200, 200, Rgb([90; 3]));
        write_caption(&mut picture, "Héllo Ω 漢");
        assert!(
            picture
                .enumerate_pixels()
                .all(|(_, y, pixel)| *pixel != INK || y > 100)
        );
        assert!(picture.pixels().any(|pixel| *pixel == INK));
    }
}
