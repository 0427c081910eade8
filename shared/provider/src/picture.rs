//! Picture formats, and whether bytes are a *whole* picture of one.
//!
//! An answer can be cut anywhere and still be good base64, and a result key is written once, so a picture is looked at
//! before it becomes a result. This knows containers only: no pixel is decoded, no checksum computed. Bytes after a proper
//! end do no harm to any decoder and are let through.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// A format that the provider reads and writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PictureFormat {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
}

impl PictureFormat {
    /// The provider's word for it (`output_format`).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }

    /// The media type, for a `content-type`.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }
}

impl fmt::Display for PictureFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for PictureFormat {
    type Err = UnknownFormat;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "png" => Ok(Self::Png),
            "jpeg" => Ok(Self::Jpeg),
            "webp" => Ok(Self::Webp),
            other => Err(UnknownFormat(other.to_owned())),
        }
    }
}

/// A word that names no [`PictureFormat`].
#[derive(Debug, Error)]
#[error("a picture format is \"png\", \"jpeg\" or \"webp\", not {0:?}")]
pub struct UnknownFormat(String);

/// Why bytes are not a whole picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum PictureFault {
    /// The first bytes are not those of the format.
    #[error("the picture is not {expected}")]
    OtherFormat {
        /// What it should have been.
        expected: PictureFormat,
    },
    /// It starts well and ends too early, or its structure cannot be followed to an end.
    #[error("the {format} picture has no proper end")]
    Cut {
        /// What it starts as.
        format: PictureFormat,
    },
}

/// Checks that `bytes` are a picture of `format` from its first byte to its proper end.
pub fn check_whole(bytes: &[u8], format: PictureFormat) -> Result<(), PictureFault> {
    let (starts, whole) = match format {
        PictureFormat::Png => (bytes.starts_with(&PNG_SIGNATURE), png_ends(bytes)),
        PictureFormat::Jpeg => (bytes.starts_with(&JPEG_START), jpeg_ends(bytes)),
        PictureFormat::Webp => (webp_starts(bytes), webp_ends(bytes)),
    };
    if !starts {
        return Err(PictureFault::OtherFormat { expected: format });
    }
    whole.ok_or(PictureFault::Cut { format })
}

/// PNG specification, 5.2.
const PNG_SIGNATURE: [u8; 8] = [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1A, b'\n'];

/// ITU T.81, table B.1: start of image, and the first byte of the marker that must follow.
const JPEG_START: [u8; 3] = [0xFF, 0xD8, 0xFF];

/// Walks the chunks (length, type, data, checksum) from IHDR over at least one IDAT to a complete IEND.
fn png_ends(bytes: &[u8]) -> Option<()> {
    let mut rest = bytes.strip_prefix(&PNG_SIGNATURE)?;
    let mut first = true;
    let mut has_data = false;
    loop {
        let (length, tail) = rest.split_first_chunk::<4>()?;
        let (kind, tail) = tail.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
        let (_data, tail) = tail.split_at_checked(length)?;
        let (_checksum, tail) = tail.split_first_chunk::<4>()?;
        if first != (kind == b"IHDR") {
            return None;
        }
        first = false;
        match kind {
            b"IDAT" => has_data = true,
            b"IEND" => return has_data.then_some(()),
            _ => {}
        }
        rest = tail;
    }
}

/// Walks the segments to the start of scan, then asks for the end-of-image marker at the end (before padding, if any).
///
/// The walk is what makes the end trustworthy: an embedded thumbnail has an end marker of its own.
fn jpeg_ends(bytes: &[u8]) -> Option<()> {
    const START_OF_SCAN: u8 = 0xDA;
    const END_OF_IMAGE: [u8; 2] = [0xFF, 0xD9];

    let mut rest = bytes.strip_prefix(JPEG_START.first_chunk::<2>()?)?;
    loop {
        let (marker, tail) = rest.split_first_chunk::<2>()?;
        let kind = match *marker {
            // Any marker may be preceded by fill bytes (T.81, B.1.1.2).
            [0xFF, 0xFF] => {
                rest = rest.get(1..)?;
                continue;
            }
            [0xFF, kind] => kind,
            _ => return None,
        };
        // The length counts its own two bytes.
        let length = usize::from(u16::from_be_bytes(*tail.first_chunk::<2>()?));
        let (_segment, tail) = tail.split_at_checked(length.max(2))?;
        rest = tail;
        if kind == START_OF_SCAN {
            break;
        }
    }
    let padding = rest.iter().rev().take_while(|byte| **byte == 0).count();
    let scans = rest.get(..rest.len().checked_sub(padding)?)?;
    scans.ends_with(&END_OF_IMAGE).then_some(())
}

/// The WebP container: "RIFF", length, "WEBP", and a first chunk of a known kind.
fn webp_starts(bytes: &[u8]) -> bool {
    bytes.starts_with(b"RIFF")
        && bytes.get(8..15) == Some(b"WEBPVP8")
        && matches!(bytes.get(15), Some(b' ' | b'L' | b'X'))
}

/// The RIFF length (little endian, of what follows it) must be there in full.
fn webp_ends(bytes: &[u8]) -> Option<()> {
    /// "WEBP" and the head of one chunk.
    const SHORTEST: usize = 4 + 8;

    let length = u32::from_le_bytes(*bytes.get(4..)?.first_chunk::<4>()?);
    let length = usize::try_from(length).ok()?;
    let there = bytes.len().checked_sub(8)?;
    (length > SHORTEST && there >= length).then_some(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use image::{DynamicImage, ImageFormat, Rgb, RgbImage};

    use super::{PictureFormat::*, *};

    fn picture(format: PictureFormat) -> Vec<u8> {
        let pixels = RgbImage::from_fn(24, 16, |x, y| {
            Rgb([
                u8::try_from(x * 10).unwrap(),
                u8::try_from(y * 15).unwrap(),
                99,
            ])
        });
        let mut bytes = Cursor::new(Vec::new());
        let format = match format {
            Png => ImageFormat::Png,
            Jpeg => ImageFormat::Jpeg,
            Webp => ImageFormat::WebP,
        };
        DynamicImage::from(pixels)
            .write_to(&mut bytes, format)
            .unwrap();
        bytes.into_inner()
    }

    const FORMATS: [PictureFormat; 3] = [Png, Jpeg, Webp];

    #[test]
    fn a_whole_picture_passes_as_itself_and_as_nothing_else() {
        for format in FORMATS {
            let bytes = picture(format);
            for asked in FORMATS {
                let expected = if asked == format {
                    Ok(())
                } else {
                    Err(PictureFault::OtherFormat { expected: asked })
                };
                assert_eq!(
                    check_whole(&bytes, asked),
                    expected,
                    "{format} asked as {asked}"
                );
            }
        }
    }

    #[test]
    fn no_beginning_of_a_picture_passes() {
        for format in FORMATS {
            let bytes = picture(format);
            for length in 0..bytes.len() {
                let verdict = check_whole(&bytes[..length], format);
                assert!(
                    verdict.is_err(),
                    "{format}: {length} of {} bytes",
                    bytes.len()
                );
            }
        }
    }

    #[test]
    fn bytes_after_the_end_do_no_harm() {
        for format in FORMATS {
            let mut bytes = picture(format);
            bytes.extend([0; 5]);
            assert_eq!(check_whole(&bytes, format), Ok(()), "{format}");
        }
    }

    #[test]
    fn the_end_of_a_thumbnail_is_not_the_end_of_the_picture() {
        let inner = picture(Jpeg);
        let mut outer = vec![0xFF, 0xD8, 0xFF, 0xE1];
        outer.extend(u16::try_from(inner.len() + 2).unwrap().to_be_bytes());
        outer.extend(&inner);
        assert!(outer.ends_with(&[0xFF, 0xD9]));
        assert_eq!(
            check_whole(&outer, Jpeg),
            Err(PictureFault::Cut { format: Jpeg })
        );
        outer.extend(&inner[2..]);
        assert_eq!(check_whole(&outer, Jpeg), Ok(()));
    }

    #[test]
    fn structures_that_lead_nowhere_are_not_whole() {
        let png = |chunks: &[(&[u8; 4], &[u8])]| {
            let mut bytes = PNG_SIGNATURE.to_vec();
            for (kind, data) in chunks {
                bytes.extend(u32::try_from(data.len()).unwrap().to_be_bytes());
                bytes.extend_from_slice(*kind);
                bytes.extend_from_slice(data);
                bytes.extend([0; 4]);
            }
            bytes
        };
        let head: &[u8] = &[0; 13];
        let whole = png(&[(b"IHDR", head), (b"IDAT", b"x"), (b"IEND", b"")]);
        assert_eq!(check_whole(&whole, Png), Ok(()));

        let mut endless = whole.clone();
        endless[8..12].copy_from_slice(&u32::MAX.to_be_bytes());
        let mut empty_riff = picture(Webp);
        empty_riff[4..8].copy_from_slice(&[0; 4]);
        for (case, bytes, format) in [
            ("no pixels", png(&[(b"IHDR", head), (b"IEND", b"")]), Png),
            ("no header", png(&[(b"IDAT", b"x"), (b"IEND", b"")]), Png),
            (
                "two headers",
                png(&[
                    (b"IHDR", head),
                    (b"IHDR", head),
                    (b"IDAT", b"x"),
                    (b"IEND", b""),
                ]),
                Png,
            ),
            ("a chunk longer than the file", endless, Png),
            ("an end without a scan", vec![0xFF, 0xD8, 0xFF, 0xD9], Jpeg),
            (
                "no marker where one must be",
                vec![0xFF, 0xD8, 0xFF, 0xE0, 0, 2, 7, 7, 0xFF, 0xD9],
                Jpeg,
            ),
            ("a RIFF of no length", empty_riff, Webp),
        ] {
            assert_eq!(
                check_whole(&bytes, format),
                Err(PictureFault::Cut { format }),
                "{case}"
            );
        }
    }

    #[test]
    fn formats_keep_their_names() {
        for format in FORMATS {
            assert_eq!(format.as_str().parse::<PictureFormat>().unwrap(), format);
            assert_eq!(format.media_type(), format!("image/{format}"));
        }
        assert!("jpg".parse::<PictureFormat>().is_err());
    }
}
