//! What a prompt does to pixels: words choose edits, edits are pure functions of a picture.
//!
//! Knows English words and pixels, nothing of requests. It understands no meaning: it is here so that a result visibly
//! differs from its photo, in the way that was asked for. Integers only: quick, and the same on every machine.

use image::{DynamicImage, Rgb, RgbImage, imageops::FilterType};

use super::{
    faults, lettering,
    picture::{blend, scale},
};

/// One change, as a prompt asked for it.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Wish {
    FlipSideways,
    FlipUpsideDown,
    Grayscale,
    Sepia,
    Tint(Rgb<u8>),
    Invert,
    Brighten,
    Darken,
    Watercolour,
    Blur,
    Pixelate,
    Vignette,
    Caption(String),
    Frame(Rgb<u8>),
}

/// Stems that begin a word, and what they ask for, in the order in which the wishes are applied.
const STEMS: [(&[&str], Wish); 10] = [
    (&["grayscale", "greyscale", "monochrom"], Wish::Grayscale),
    (&["sepia"], Wish::Sepia),
    (&["invert", "inverse", "negative"], Wish::Invert),
    (&["bright", "lighten"], Wish::Brighten),
    (&["dark"], Wish::Darken),
    (&["watercolo"], Wish::Watercolour),
    (&["blur"], Wish::Blur),
    (&["pixelat", "mosaic"], Wish::Pixelate),
    (&["vignet"], Wish::Vignette),
    (&["border", "frame"], Wish::Frame(PAPER)),
];

const COLOURS: [(&str, Rgb<u8>); 14] = [
    ("red", Rgb([225, 30, 35])),
    ("orange", Rgb([245, 130, 25])),
    ("yellow", Rgb([250, 215, 40])),
    ("gold", Rgb([220, 170, 50])),
    ("golden", Rgb([220, 170, 50])),
    ("green", Rgb([40, 170, 70])),
    ("cyan", Rgb([30, 200, 215])),
    ("turquoise", Rgb([50, 205, 190])),
    ("teal", Rgb([20, 135, 135])),
    ("blue", Rgb([45, 95, 230])),
    ("purple", Rgb([145, 60, 205])),
    ("violet", Rgb([130, 70, 220])),
    ("magenta", Rgb([215, 45, 180])),
    ("pink", Rgb([250, 130, 180])),
];
/// Colours of frames only: a picture is not tinted black.
const FRAME_COLOURS: [(&str, Rgb<u8>); 3] = [
    ("black", Rgb([16, 16, 16])),
    ("white", Rgb([255; 3])),
    ("brown", Rgb([115, 75, 45])),
];
/// A frame without a colour.
const PAPER: Rgb<u8> = Rgb([250, 247, 240]);
/// What a prompt without a word that we know gets, with a frame.
const WARMTH: Rgb<u8> = Rgb([250, 165, 80]);

/// Applies what the prompt asks for, or something visible when it asks for nothing that we know.
pub(crate) fn apply(prompt: &str, picture: RgbImage) -> RgbImage {
    wishes(prompt)
        .into_iter()
        .fold(picture, |picture, wish| wish.grant(picture))
}

/// The wishes in a prompt, in the order in which they are applied: geometry, colour, texture, and what lies on top.
fn wishes(prompt: &str) -> Vec<Wish> {
    let prompt = faults::without_markers(prompt);
    let (prompt, caption) = take_caption(&prompt);
    let words: Vec<String> = prompt
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect();
    let has = |stem: &str| words.iter().any(|word| word.starts_with(stem));

    let mut wishes = Vec::new();
    if has("flip") || has("mirror") {
        let upside_down = has("upside") || has("vertical");
        wishes.push(if upside_down {
            Wish::FlipUpsideDown
        } else {
            Wish::FlipSideways
        });
    }
    if words
        .windows(3)
        .any(|three| three == ["black", "and", "white"])
    {
        wishes.push(Wish::Grayscale);
    }
    let frame = words.windows(2).find_map(frame_colour);
    wishes.extend(tints(&words));
    for (stems, wish) in STEMS {
        if wishes.contains(&wish) || !stems.iter().any(|stem| has(stem)) {
            continue;
        }
        if let Wish::Frame(default) = wish {
            wishes.extend(caption.clone().map(Wish::Caption));
            wishes.push(Wish::Frame(frame.unwrap_or(default)));
        } else {
            wishes.push(wish);
        }
    }
    if let Some(caption) = caption
        && !wishes.iter().any(|wish| matches!(wish, Wish::Caption(_)))
    {
        wishes.push(Wish::Caption(caption));
    }
    // A tint of a picture that turns grey must come after the grey, or nobody sees it.
    wishes.sort_by_key(|wish| match wish {
        Wish::FlipSideways | Wish::FlipUpsideDown => 0,
        Wish::Grayscale | Wish::Sepia => 1,
        Wish::Tint(_) => 2,
        _ => 3,
    });
    if wishes.is_empty() {
        wishes.extend([Wish::Tint(WARMTH), Wish::Frame(PAPER)]);
    }
    wishes
}

/// Colour words, without those that colour a frame.
fn tints(words: &[String]) -> impl Iterator<Item = Wish> {
    words.iter().enumerate().filter_map(|(index, word)| {
        let colours_a_frame = words
            .get(index..index.saturating_add(2))
            .is_some_and(|two| frame_colour(two).is_some());
        if colours_a_frame {
            None
        } else {
            colour(&COLOURS, word).map(Wish::Tint)
        }
    })
}

/// The colour in two words like "red border".
fn frame_colour(two: &[String]) -> Option<Rgb<u8>> {
    let [first, second] = two else { return None };
    if second.starts_with("border") || second.starts_with("frame") {
        colour(&COLOURS, first).or_else(|| colour(&FRAME_COLOURS, first))
    } else {
        None
    }
}

fn colour(table: &[(&str, Rgb<u8>)], word: &str) -> Option<Rgb<u8>> {
    table
        .iter()
        .find(|(name, _)| *name == word)
        .map(|(_, colour)| *colour)
}

/// Cuts `caption "text"` out of a prompt, so that the text is drawn and not obeyed.
fn take_caption(prompt: &str) -> (String, Option<String>) {
    let untouched = || (prompt.to_owned(), None);
    // ASCII case folding keeps the byte positions.
    let Some(start) = prompt.to_ascii_lowercase().find("caption") else {
        return untouched();
    };
    let (before, rest) = prompt.split_at(start);
    let Some(open) = rest.find(['"', '“', '”', '«']) else {
        return untouched();
    };
    let (_, quoted) = rest.split_at(open);
    let mut quoted = quoted.chars();
    let close = match quoted.next() {
        Some('«') => '»',
        Some('"') => '"',
        _ => '”',
    };
    let Some((text, after)) = quoted.as_str().split_once(close) else {
        return untouched();
    };
    (
        format!("{before} {after}"),
        Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
    )
}

impl Wish {
    fn grant(self, mut picture: RgbImage) -> RgbImage {
        match self {
            Self::FlipSideways => return DynamicImage::ImageRgb8(picture).fliph().into_rgb8(),
            Self::FlipUpsideDown => return DynamicImage::ImageRgb8(picture).flipv().into_rgb8(),
            Self::Grayscale => each_pixel(&mut picture, |pixel| Rgb([luma(pixel); 3])),
            Self::Sepia => each_pixel(&mut picture, sepia),
            Self::Tint(colour) => each_pixel(&mut picture, |pixel| tint(pixel, colour)),
            Self::Invert => {
                each_pixel(&mut picture, |Rgb(channels)| Rgb(channels.map(|c| 255 - c)));
            }
            Self::Brighten => each_pixel(&mut picture, |Rgb(channels)| {
                Rgb(channels.map(|c| blend(c, 255, 90)))
            }),
            Self::Darken => each_pixel(&mut picture, |Rgb(channels)| {
                Rgb(channels.map(|c| blend(c, 0, 110)))
            }),
            Self::Watercolour => return watercolour(picture),
            Self::Blur => return blur(picture),
            Self::Pixelate => return pixelate(picture),
            Self::Vignette => vignette(&mut picture),
            Self::Caption(text) => lettering::write_caption(&mut picture, &text),
            Self::Frame(colour) => frame(&mut picture, colour),
        }
        picture
    }
}

fn each_pixel(picture: &mut RgbImage, change: impl Fn(Rgb<u8>) -> Rgb<u8>) {
    for pixel in picture.pixels_mut() {
        *pixel = change(*pixel);
    }
}

fn luma(Rgb([r, g, b]): Rgb<u8>) -> u8 {
    u8::try_from((u32::from(r) * 54 + u32::from(g) * 183 + u32::from(b) * 19) >> 8)
        .unwrap_or(u8::MAX)
}

fn sepia(Rgb([r, g, b]): Rgb<u8>) -> Rgb<u8> {
    let (r, g, b) = (u32::from(r), u32::from(g), u32::from(b));
    let mix = |by_r: u32, by_g: u32, by_b: u32| {
        u8::try_from((r * by_r + g * by_g + b * by_b) / 1000).unwrap_or(u8::MAX)
    };
    Rgb([mix(393, 769, 189), mix(325, 640, 155), mix(235, 460, 115)])
}

/// The colour in the pixel's brightness, over the pixel.
fn tint(pixel: Rgb<u8>, Rgb([r, g, b]): Rgb<u8>) -> Rgb<u8> {
    let light = luma(pixel);
    let Rgb([pr, pg, pb]) = pixel;
    let one = |own: u8, colour: u8| blend(own, blend(0, colour, blend(light, 255, 60)), 140);
    Rgb([one(pr, r), one(pg, g), one(pb, b)])
}

/// Grows with the picture, so that a preview and a poster look alike.
fn blur(picture: RgbImage) -> RgbImage {
    let short = picture.width().min(picture.height());
    let sigma = f32::from(u8::try_from((short / 200).max(1)).unwrap_or(u8::MAX));
    at_half_size(picture, |small| {
        DynamicImage::ImageRgb8(small).fast_blur(sigma).into_rgb8()
    })
}

/// For changes that lose detail anyhow: four times quicker, and twice as strong.
fn at_half_size(picture: RgbImage, change: impl FnOnce(RgbImage) -> RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let small = DynamicImage::ImageRgb8(picture)
        .thumbnail_exact((width / 2).max(1), (height / 2).max(1))
        .into_rgb8();
    scale(&change(small), width, height)
}

fn pixelate(picture: RgbImage) -> RgbImage {
    let (width, height) = picture.dimensions();
    let block = (width.min(height) / 40).max(2);
    DynamicImage::ImageRgb8(picture)
        .thumbnail_exact((width / block).max(1), (height / block).max(1))
        .resize_exact(width, height, FilterType::Nearest)
        .into_rgb8()
}

/// Flat washes of light colour with kept edges.
fn watercolour(picture: RgbImage) -> RgbImage {
    at_half_size(picture, |small| {
        let mut washes = smooth_within_edges(&smooth_within_edges(&small));
        each_pixel(&mut washes, |pixel| {
            let light = luma(pixel);
            let step = posterise(light);
            // Only the brightness is stepped: channels stepped one by one would turn greys pink and green.
            Rgb(pixel.0.map(|c| {
                blend(
                    c.saturating_add(step.saturating_sub(light))
                        .saturating_sub(light.saturating_sub(step)),
                    255,
                    40,
                )
            }))
        });
        washes
    })
}

/// Ten levels from black to white, each with a slight slope.
fn posterise(light: u8) -> u8 {
    (light / 26)
        .saturating_mul(28)
        .saturating_add(light % 26 / 6)
}

/// A symmetric nearest neighbour filter: of each opposite pair of neighbours, the one that is more like the centre counts.
fn smooth_within_edges(picture: &RgbImage) -> RgbImage {
    /// One of each pair; the other one is opposite.
    const PAIRS: [(i32, i32); 8] = [
        (1, 0),
        (2, 0),
        (-1, 1),
        (0, 1),
        (1, 1),
        (-2, 2),
        (0, 2),
        (2, 2),
    ];
    let (right, bottom) = (
        picture.width().saturating_sub(1),
        picture.height().saturating_sub(1),
    );
    RgbImage::from_fn(picture.width(), picture.height(), |x, y| {
        let at = |dx: i32, dy: i32| {
            let Rgb(channels) = *picture.get_pixel(
                x.saturating_add_signed(dx).min(right),
                y.saturating_add_signed(dy).min(bottom),
            );
            channels
        };
        let centre = at(0, 0);
        let mut sum = centre.map(u16::from);
        for (dx, dy) in PAIRS {
            let (one, other) = (at(dx, dy), at(-dx, -dy));
            let nearer = if distance(one, centre) <= distance(other, centre) {
                one
            } else {
                other
            };
            for (total, channel) in sum.iter_mut().zip(nearer) {
                *total += u16::from(channel);
            }
        }
        Rgb(sum.map(|total| u8::try_from(total / 9).unwrap_or(u8::MAX)))
    })
}

fn distance([r, g, b]: [u8; 3], [r2, g2, b2]: [u8; 3]) -> u16 {
    u16::from(r.abs_diff(r2)) + u16::from(g.abs_diff(g2)) + u16::from(b.abs_diff(b2))
}

/// Darker with the square of the distance from the centre.
fn vignette(picture: &mut RgbImage) {
    let (width, height) = (u64::from(picture.width()), u64::from(picture.height()));
    let furthest = (width.pow(2) + height.pow(2)).max(1);
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        // Twice the distance, so that the centre may lie between two pixels.
        let from_centre =
            (2 * u64::from(x)).abs_diff(width).pow(2) + (2 * u64::from(y)).abs_diff(height).pow(2);
        let shade = u8::try_from(from_centre * 225 / furthest).unwrap_or(u8::MAX);
        *pixel = Rgb(pixel.0.map(|c| blend(c, 0, shade)));
    }
}

/// A frame with a thin dark line inside, which also shows on a bright picture.
fn frame(picture: &mut RgbImage, colour: Rgb<u8>) {
    let (width, height) = picture.dimensions();
    let thickness = (width.min(height) / 24).max(1);
    let line = thickness / 8;
    for (x, y, pixel) in picture.enumerate_pixels_mut() {
        let from_edge = x.min(y).min(width - 1 - x).min(height - 1 - y);
        if from_edge < thickness {
            *pixel = colour;
        } else if from_edge < thickness + line {
            *pixel = Rgb(pixel.0.map(|c| blend(c, 0, 170)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RED: Rgb<u8> = Rgb([225, 30, 35]);
    const BLUE: Rgb<u8> = Rgb([45, 95, 230]);

    #[test]
    fn words_choose_edits() {
        for (prompt, expected) in [
            ("Make it BLACK and WHITE", vec![Wish::Grayscale]),
            ("greyscale, monochrome", vec![Wish::Grayscale]),
            ("a sepia photo", vec![Wish::Sepia]),
            ("blurred and inverted", vec![Wish::Invert, Wish::Blur]),
            ("like a film negative", vec![Wish::Invert]),
            ("brighter!", vec![Wish::Brighten]),
            ("much darker", vec![Wish::Darken]),
            ("make it look like a watercolour", vec![Wish::Watercolour]),
            (
                "watercolor with a vignette",
                vec![Wish::Watercolour, Wish::Vignette],
            ),
            ("pixelate", vec![Wish::Pixelate]),
            ("a mosaic", vec![Wish::Pixelate]),
            ("mirrored", vec![Wish::FlipSideways]),
            ("flip it upside down", vec![Wish::FlipUpsideDown]),
            (
                "blue and grayscale",
                vec![Wish::Grayscale, Wish::Tint(BLUE)],
            ),
            (
                "red frame, blue tint",
                vec![Wish::Tint(BLUE), Wish::Frame(RED)],
            ),
            (
                "black and white with a black border",
                vec![Wish::Grayscale, Wish::Frame(Rgb([16, 16, 16]))],
            ),
            (
                r#"Caption "red blur" please, sepia"#,
                vec![Wish::Sepia, Wish::Caption("red blur".to_owned())],
            ),
            (
                "caption “Hi” framed",
                vec![Wish::Caption("Hi".to_owned()), Wish::Frame(PAPER)],
            ),
            (
                "remove the background",
                vec![Wish::Tint(WARMTH), Wish::Frame(PAPER)],
            ),
            ("caption it", vec![Wish::Tint(WARMTH), Wish::Frame(PAPER)]),
            (
                "hundred credits",
                vec![Wish::Tint(WARMTH), Wish::Frame(PAPER)],
            ),
            (
                "sepia [[fault:slow:2]] [[fault:rate_limit]]",
                vec![Wish::Sepia],
            ),
        ] {
            assert_eq!(wishes(prompt), expected, "{prompt}");
        }
    }

    #[test]
    fn every_edit_keeps_the_size_and_changes_the_picture() {
        let photo = RgbImage::from_fn(64, 48, |x, y| {
            Rgb([
                u8::try_from(x * 3).unwrap(),
                u8::try_from(y * 5).unwrap(),
                u8::try_from((x ^ y) * 2).unwrap(),
            ])
        });
        for prompt in [
            "grayscale",
            "sepia",
            "blur",
            "invert",
            "brighter",
            "darker",
            "frame",
            "vignette",
            "watercolor",
            "mosaic",
            "flip",
            "flip vertically",
            "red",
            r#"caption "ok""#,
            "anything else",
        ] {
            let edited = apply(prompt, photo.clone());
            assert_eq!(edited.dimensions(), photo.dimensions(), "{prompt}");
            assert_ne!(edited, photo, "{prompt}");
        }
    }

    #[test]
    fn tiny_pictures_do_not_break_anything() {
        let prompt = r#"flip sepia blur invert watercolor pixelate vignette frame blue caption "a long caption""#;
        for (width, height) in [(1, 1), (1, 7), (9, 2)] {
            assert_eq!(
                apply(prompt, RgbImage::new(width, height)).dimensions(),
                (width, height)
            );
        }
    }

    #[test]
    fn colours_come_out_as_named() {
        let grey = RgbImage::from_pixel(8, 8, Rgb([128; 3]));
        let Rgb([r, g, b]) = *apply("red", grey.clone()).get_pixel(4, 4);
        assert!(r > g && r > b);
        let Rgb([r, g, b]) = *apply("make it blue", grey.clone()).get_pixel(4, 4);
        assert!(b > r && b > g);
        let Rgb([r, g, b]) =
            *apply("black and white", RgbImage::from_pixel(8, 8, RED)).get_pixel(4, 4);
        assert!(r == g && g == b);
    }
}
