//! The contact sheet: before and after, side by side, with file names. Knows pixels, and nothing of batches.

use std::{io::Cursor, path::Path};

use anyhow::Context as _;
use font8x8::UnicodeFonts as _;
use image::{
    DynamicImage, ImageDecoder as _, ImageFormat, ImageReader, Limits, Rgba, RgbaImage,
    imageops::{self, FilterType},
};

/// Neutral, so that neither picture looks warmer or lighter than it is.
const BACKGROUND: Rgba<u8> = Rgba([236, 236, 236, 255]);
const INK: Rgba<u8> = Rgba([70, 70, 70, 255]);
/// Around everything.
const MARGIN: u32 = 24;
/// Between before and after.
const GAP: u32 = 12;
/// Under each pair, with its name in it.
const CAPTION: u32 = 32;
/// A letter's side: the font's eight pixels, doubled.
const LETTER: u32 = 16;
/// More pairs than this fit no screen.
const MOST_PAIRS: usize = 120;
/// Enough for 50 megapixels with 16 bits a channel.
const MEMORY: u64 = 768 * 1024 * 1024;

/// Before, after, and what is written under them.
struct Pair {
    before: DynamicImage,
    after: DynamicImage,
    caption: String,
}

/// A sheet of pairs.
pub(crate) struct Sheet {
    /// The file; none if no pair could be drawn.
    pub(crate) png: Option<Vec<u8>>,
    /// What could not be drawn, and why.
    pub(crate) left_out: Vec<String>,
}

/// Draws pairs of files into a PNG.
pub(crate) fn make(files: &[(&Path, &Path)]) -> anyhow::Result<Sheet> {
    let (columns, height) = grid(files.len().min(MOST_PAIRS));
    let (mut pairs, mut left_out) = (Vec::new(), Vec::new());
    for (before, after) in files.iter().take(MOST_PAIRS) {
        match pair(before, after, height) {
            Ok(pair) => pairs.push(pair),
            Err(error) => left_out.push(format!("{error:#}")),
        }
    }
    if files.len() > MOST_PAIRS {
        left_out.push(format!(
            "{} pairs beyond the first {MOST_PAIRS}",
            files.len() - MOST_PAIRS
        ));
    }
    let png = if pairs.is_empty() {
        None
    } else {
        let mut png = Cursor::new(Vec::new());
        draw(&pairs, columns, height).write_to(&mut png, ImageFormat::Png)?;
        Some(png.into_inner())
    };
    Ok(Sheet { png, left_out })
}

/// How many pairs stand side by side, and how high each is.
const fn grid(pairs: usize) -> (usize, u32) {
    match pairs {
        0..=8 => (1, 320),
        9..=24 => (2, 260),
        25..=60 => (3, 200),
        _ => (4, 160),
    }
}

fn pair(before: &Path, after: &Path, height: u32) -> anyhow::Result<Pair> {
    let name = |path: &Path| {
        path.file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned()
    };
    let caption = if before.file_stem() == after.file_stem() {
        name(before)
    } else {
        format!("{} > {}", name(before), name(after))
    };
    Ok(Pair {
        before: scaled(before, height)?,
        after: scaled(after, height)?,
        caption,
    })
}

/// Upright, and of this height; a panorama is cut to three times that, from the middle.
fn scaled(path: &Path, height: u32) -> anyhow::Result<DynamicImage> {
    let picture = open(path).with_context(|| path.display().to_string())?;
    let width = u64::from(picture.width()) * u64::from(height) / u64::from(picture.height().max(1));
    let width = u32::try_from(width)
        .unwrap_or(u32::MAX)
        .clamp(1, 20 * height);
    let picture = picture.resize_exact(width, height, FilterType::Triangle);
    let most = 3 * height;
    Ok(if width > most {
        picture.crop_imm((width - most) / 2, 0, most, height)
    } else {
        picture
    })
}

fn open(path: &Path) -> anyhow::Result<DynamicImage> {
    let mut decoder = ImageReader::open(path)?
        .with_guessed_format()?
        .into_decoder()?;
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    limits.reserve(decoder.total_bytes())?;
    decoder.set_limits(limits)?;
    let orientation = decoder.orientation()?;
    let mut picture = DynamicImage::from_decoder(decoder)?;
    picture.apply_orientation(orientation);
    Ok(picture)
}

fn draw(pairs: &[Pair], columns: usize, height: u32) -> RgbaImage {
    let widest = |side: fn(&Pair) -> &DynamicImage| {
        pairs
            .iter()
            .map(|pair| side(pair).width())
            .max()
            .unwrap_or(1)
    };
    let (before, after) = (widest(|pair| &pair.before), widest(|pair| &pair.after));
    let (cell_width, cell_height) = (before + GAP + after, height + CAPTION);
    let across = u32::try_from(columns.min(pairs.len())).unwrap_or(1);
    let down = u32::try_from(pairs.len().div_ceil(columns.max(1))).unwrap_or(1);
    let heading = LETTER + GAP;
    let mut sheet = RgbaImage::from_pixel(
        MARGIN + across * (cell_width + MARGIN),
        MARGIN + heading + down * (cell_height + MARGIN),
        BACKGROUND,
    );
    for column in 0..across {
        let left = MARGIN + column * (cell_width + MARGIN);
        let word = (6 * LETTER).min(before);
        write(&mut sheet, "before", left + before - word, MARGIN, word);
        write(&mut sheet, "after", left + before + GAP, MARGIN, after);
    }
    for (index, pair) in (0_u32..).zip(pairs) {
        let left = MARGIN + index % across * (cell_width + MARGIN);
        let top = MARGIN + heading + index / across * (cell_height + MARGIN);
        // Both lean on the gap, so that the eye compares across it.
        let inset = before - pair.before.width().min(before);
        overlay(&mut sheet, &pair.before, left + inset, top);
        overlay(&mut sheet, &pair.after, left + before + GAP, top);
        let under = top + height + (CAPTION - LETTER) / 2;
        write(
            &mut sheet,
            &pair.caption,
            left + inset,
            under,
            cell_width - inset,
        );
    }
    sheet
}

/// Blends, so that what a result made transparent shows the background.
fn overlay(sheet: &mut RgbaImage, picture: &DynamicImage, left: u32, top: u32) {
    imageops::overlay(sheet, &picture.to_rgba8(), left.into(), top.into());
}

/// One line, cut to the width. What the font does not have becomes a question mark.
fn write(sheet: &mut RgbaImage, text: &str, left: u32, top: u32, width: u32) {
    let room = usize::try_from(width / LETTER).unwrap_or(0);
    let line = crate::render::shorten(text, room).replace('…', "~");
    for (position, letter) in (0_u32..).zip(line.chars()) {
        let rows = font8x8::BASIC_FONTS
            .get(letter)
            .or_else(|| font8x8::LATIN_FONTS.get(letter))
            .or_else(|| font8x8::BASIC_FONTS.get('?'))
            .unwrap_or_default();
        for (y, row) in (0_u32..).zip(rows) {
            for x in (0..8).filter(|x| row >> x & 1 == 1) {
                for (dx, dy) in [(0, 0), (1, 0), (0, 1), (1, 1)] {
                    let at = (left + position * LETTER + 2 * x + dx, top + 2 * y + dy);
                    if let Some(pixel) = sheet.get_pixel_mut_checked(at.0, at.1) {
                        *pixel = INK;
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::PathBuf};

    use image::{ExtendedColorType, ImageEncoder as _, codecs::jpeg::JpegEncoder};

    use super::*;

    fn picture(dir: &Path, name: &str, width: u32, height: u32, colour: [u8; 4]) -> PathBuf {
        let path = dir.join(name);
        RgbaImage::from_pixel(width, height, Rgba(colour))
            .save(&path)
            .unwrap();
        path
    }

    #[test]
    fn pairs_stand_side_by_side_at_equal_height() {
        let dir = tempfile::tempdir().unwrap();
        let before = picture(dir.path(), "a.png", 40, 20, [255, 0, 0, 255]);
        let after = picture(dir.path(), "b.png", 10, 10, [0, 255, 0, 255]);
        let clear = picture(dir.path(), "c.png", 10, 10, [0, 255, 0, 0]);
        let broken = dir.path().join("broken.png");
        fs::write(&broken, "no picture").unwrap();
        let pairs: [(&Path, &Path); 3] = [(&before, &after), (&before, &broken), (&before, &clear)];
        let Sheet { png, left_out } = make(&pairs).unwrap();
        assert_eq!(left_out.len(), 1);
        assert!(left_out[0].contains("broken.png"), "{left_out:?}");
        let drawn = image::load_from_memory(&png.unwrap()).unwrap().to_rgba8();
        assert_eq!(drawn.width(), MARGIN + 640 + GAP + 320 + MARGIN);
        let top = MARGIN + LETTER + GAP;
        let row = 320 + CAPTION + MARGIN;
        assert_eq!(
            *drawn.get_pixel(MARGIN + 5, top + 5),
            Rgba([255, 0, 0, 255])
        );
        assert_eq!(
            *drawn.get_pixel(MARGIN + 640 + GAP / 2, top + 5),
            BACKGROUND
        );
        assert_eq!(
            *drawn.get_pixel(MARGIN + 640 + GAP + 5, top + 315),
            Rgba([0, 255, 0, 255])
        );
        assert_eq!(
            *drawn.get_pixel(MARGIN + 640 + GAP + 5, top + row + 5),
            BACKGROUND
        );
        assert!(
            drawn.pixels().any(|pixel| *pixel == INK),
            "there are captions"
        );
    }

    #[test]
    fn a_sideways_photo_stands_upright() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("sideways.jpg");
        let mut encoder = JpegEncoder::new(fs::File::create(&path).unwrap());
        // TIFF header, one entry: orientation (0x0112), short, 1 value, 6 = turn right.
        let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
        encoder
            .write_image(&[128; 3 * 40 * 20], 40, 20, ExtendedColorType::Rgb8)
            .unwrap();
        let upright = open(&path).unwrap();
        assert_eq!((upright.width(), upright.height()), (20, 40));
    }
}
