//! Photos that are made here or lie in `fixtures`, and ways to look at them.

use domain::{Format, Limits, Picture};
use image::{
    DynamicImage, ImageEncoder, ImageReader, Rgb, RgbImage,
    codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder},
};
use picture::{Fitted, HEAD_BYTES, Judgement, PictureRefused, Sample, TAIL_BYTES, judge, make_fit};

macro_rules! fixture {
    ($name:literal) => {
        (
            $name,
            include_bytes!(concat!("../fixtures/", $name)).as_slice(),
        )
    };
}

pub(crate) const FIXTURES: [(&str, &[u8]); 13] = [
    fixture!("progressive.jpg"),
    fixture!("grey.jpg"),
    fixture!("cmyk.jpg"),
    fixture!("phone.jpg"),
    fixture!("interlaced.png"),
    fixture!("palette-alpha.png"),
    fixture!("lossy.webp"),
    fixture!("lossy-alpha.webp"),
    fixture!("lossless-alpha.webp"),
    fixture!("animated.webp"),
    fixture!("animated.png"),
    fixture!("picture.avif"),
    ("", b""),
];

pub(crate) fn file(name: &str) -> &'static [u8] {
    let known = FIXTURES.iter().find(|(known, _)| *known == name);
    known.expect(name).1
}

/// The fixtures' six tiles, as they are seen upright.
pub(crate) const TILES: [[u8; 3]; 6] = [
    [230, 30, 30],
    [30, 200, 40],
    [40, 60, 220],
    [240, 220, 40],
    [20, 20, 20],
    [240, 240, 240],
];

pub(crate) fn tiles() -> RgbImage {
    RgbImage::from_fn(48, 32, |x, y| {
        Rgb(TILES[usize::try_from(x / 16 + y / 16 * 3).unwrap()])
    })
}

/// EXIF with an orientation and a place, as a camera writes it: an orientation, and a GPS directory with a latitude.
pub(crate) fn exif(orientation: u8) -> Vec<u8> {
    let mut tiff = b"MM\0*\0\0\0\x08".to_vec();
    tiff.extend(b"\0\x02");
    tiff.extend([1, 0x12, 0, 3, 0, 0, 0, 1, 0, orientation, 0, 0]);
    tiff.extend(b"\x88\x25\0\x04\0\0\0\x01\0\0\0\x26\0\0\0\0");
    tiff.extend(b"\0\x01\0\x01\0\x02\0\0\0\x02N\0\0\0\0\0\0\0");
    tiff.extend(b"GPS 48 51 30");
    tiff
}

/// As much of an ICC profile as anybody here looks at.
pub(crate) fn profile(space: [u8; 4]) -> Vec<u8> {
    let mut profile = vec![7; 128];
    profile[16..20].copy_from_slice(&space);
    profile
}

pub(crate) fn encode(
    image: &DynamicImage,
    format: Format,
    exif: Option<Vec<u8>>,
    icc: Option<Vec<u8>>,
) -> Vec<u8> {
    fn write(
        mut encoder: impl ImageEncoder,
        image: &DynamicImage,
        exif: Option<Vec<u8>>,
        icc: Option<Vec<u8>>,
    ) {
        if let Some(exif) = exif {
            encoder.set_exif_metadata(exif).unwrap();
        }
        if let Some(icc) = icc {
            encoder.set_icc_profile(icc).unwrap();
        }
        image.write_with_encoder(encoder).unwrap();
    }
    let mut bytes = Vec::new();
    match format {
        Format::Png => write(PngEncoder::new(&mut bytes), image, exif, icc),
        Format::Jpeg => write(
            JpegEncoder::new_with_quality(&mut bytes, 98),
            image,
            exif,
            icc,
        ),
        Format::Webp => write(WebPEncoder::new_lossless(&mut bytes), image, exif, icc),
    }
    bytes
}

pub(crate) fn decode(bytes: &[u8]) -> DynamicImage {
    let reader = ImageReader::new(std::io::Cursor::new(bytes));
    reader.with_guessed_format().unwrap().decode().unwrap()
}

/// What a function does with it: the ends first, then all of it if they ask for it.
pub(crate) fn verify(file: &[u8]) -> Result<Fitted, PictureRefused> {
    verify_within(file, &Limits::default())
}

pub(crate) fn verify_within(file: &[u8], limits: &Limits) -> Result<Fitted, PictureRefused> {
    match judge(&ends(file, HEAD_BYTES, TAIL_BYTES), limits)? {
        Judgement::Fit(picture) => Ok(Fitted::AsItIs(picture)),
        Judgement::ReadWhole => make_fit(file, limits),
    }
}

pub(crate) fn ends(file: &[u8], head: usize, tail: usize) -> Sample<'_> {
    Sample::new(
        &file[..head.min(file.len())],
        &file[file.len().saturating_sub(tail)..],
        file.len() as u64,
    )
}

pub(crate) fn rewritten(file: &[u8]) -> (Picture, Vec<u8>) {
    match verify(file).unwrap() {
        Fitted::Rewritten(picture, bytes) => {
            assert_eq!(verify(&bytes), Ok(Fitted::AsItIs(picture)), "fit for good");
            (picture, bytes)
        }
        Fitted::AsItIs(picture) => panic!("nothing was done: {picture:?}"),
    }
}

pub(crate) fn contains(file: &[u8], needle: &[u8]) -> bool {
    file.windows(needle.len()).any(|at| at == needle)
}

/// The middle of each tile has its colour, give or take what lossy formats and printers' colours take.
pub(crate) fn assert_tiles(image: &DynamicImage, most_off: u8, about: &str) {
    assert_eq!((image.width(), image.height()), (48, 32), "{about}");
    let image = image.to_rgb8();
    for (tile, at) in (0..).zip(TILES) {
        let seen = image.get_pixel(tile % 3 * 16 + 8, tile / 3 * 16 + 8).0;
        let off = seen.iter().zip(at).map(|(a, b)| a.abs_diff(b)).max();
        assert!(
            off <= Some(most_off),
            "{about}: tile {tile} is {seen:?}, not {at:?}"
        );
    }
}

/// Where the pixels of a PNG begin.
fn pixels_of(png: &[u8]) -> usize {
    png.windows(4).position(|at| at == b"IDAT").unwrap() - 4
}

/// A PNG's chunk. Nobody here looks at checksums of what is cut or cut anew.
pub(crate) fn chunk(kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let length = u32::try_from(data.len()).unwrap().to_be_bytes();
    [&length, &kind, data, &[0; 4]].concat()
}

/// Puts a chunk before the pixels of a PNG.
pub(crate) fn with_chunk(png: &[u8], kind: [u8; 4], data: &[u8]) -> Vec<u8> {
    let at = pixels_of(png);
    [&png[..at], &chunk(kind, data), &png[at..]].concat()
}

/// Cuts the pixels of a PNG, which are in one chunk, into chunks of this many bytes.
pub(crate) fn rechunked(png: &[u8], bytes: usize) -> Vec<u8> {
    let at = pixels_of(png);
    let pixels = png[at + 8..png.len() - 16].chunks(bytes);
    let chunks: Vec<u8> = pixels.flat_map(|data| chunk(*b"IDAT", data)).collect();
    [&png[..at], &chunks, &png[png.len() - 12..]].concat()
}

/// Puts a segment after the start of a JPEG.
pub(crate) fn with_segment(jpeg: &[u8], marker: u8, body: &[u8]) -> Vec<u8> {
    let mut file = vec![0xff, 0xd8, 0xff, marker];
    file.extend(u16::try_from(body.len() + 2).unwrap().to_be_bytes());
    file.extend(body);
    file.extend(&jpeg[2..]);
    file
}
