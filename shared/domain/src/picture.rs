//! Is this file a photo that the provider can take? Judged by its bytes, never by its name or declared type.

use serde::{Deserialize, Serialize};

use crate::{Failure, Format, Limits};

/// How many bytes of a file's end [`probe`] wants to see: room for what phones append behind a JPEG's last segment.
pub const TAIL_BYTES: usize = 64 * 1024;

/// A photo that the provider can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// What its bytes say.
    pub format: Format,
    /// Pixels across, as stored.
    pub width: u32,
    /// Pixels down, as stored.
    pub height: u32,
}

/// Why a file cannot be edited. The sentences are for the person who uploaded it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureRefused {
    /// Nothing there.
    #[error("The file is empty. Upload the photo again.")]
    Empty,
    /// Over the limit in bytes.
    #[error("The file has {bytes} bytes; at most {most} are taken. Save it smaller and try again.")]
    TooManyBytes {
        /// Its length.
        bytes: u64,
        /// The limit.
        most: u64,
    },
    /// Over the limit in pixels, before anything is decoded.
    #[error(
        "The photo has {pixels} pixels; at most {most} are taken. Scale it down and try again."
    )]
    TooManyPixels {
        /// Width times height.
        pixels: u64,
        /// The limit.
        most: u64,
    },
    /// A known type that is not taken.
    #[error("This is {0}, which cannot be edited. Save it as JPEG, PNG or WebP and try again.")]
    WrongType(&'static str),
    /// No known type.
    #[error("This is not a photo that can be edited. Upload a JPEG, PNG or WebP file.")]
    UnknownType,
    /// Begins well and stops.
    #[error("The file is cut off before its end. Upload it again.")]
    Truncated,
    /// Its header makes no sense.
    #[error(
        "The file is damaged and cannot be read. Save the photo again and upload the new file."
    )]
    Damaged,
    /// The upload never happened, or it has been deleted since.
    #[error("The photo was not there when it was its turn. Upload it and submit it again.")]
    Missing,
}

impl PictureRefused {
    /// Stable, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Empty => "photo_empty",
            Self::TooManyBytes { .. } => "photo_too_large",
            Self::TooManyPixels { .. } => "photo_too_many_pixels",
            Self::WrongType(_) => "photo_type_not_supported",
            Self::UnknownType => "photo_type_unknown",
            Self::Truncated => "photo_truncated",
            Self::Damaged => "photo_damaged",
            Self::Missing => "photo_missing",
        }
    }
}

impl From<PictureRefused> for Failure {
    fn from(refused: PictureRefused) -> Self {
        Self::new(refused.code(), &refused.to_string())
    }
}

/// Judges a file of `bytes` bytes by its first and last bytes.
///
/// `Ok(None)` means that `head` ends before the dimensions: a JPEG may carry megabytes of metadata first. Ask again with
/// more of it.
pub fn probe(
    head: &[u8],
    tail: &[u8],
    bytes: u64,
    limits: &Limits,
) -> Result<Option<Picture>, PictureRefused> {
    if bytes == 0 {
        return Err(PictureRefused::Empty);
    }
    if bytes > limits.max_file_bytes {
        return Err(PictureRefused::TooManyBytes {
            bytes,
            most: limits.max_file_bytes,
        });
    }
    let format = sniff(head)?;
    let size = match imagesize::blob_size(head) {
        Ok(size) => size,
        Err(imagesize::ImageError::IoError(_)) if (head.len() as u64) < bytes => return Ok(None),
        Err(imagesize::ImageError::IoError(_)) => return Err(PictureRefused::Truncated),
        Err(_) => return Err(PictureRefused::Damaged),
    };
    let (Ok(width), Ok(height)) = (u32::try_from(size.width), u32::try_from(size.height)) else {
        return Err(PictureRefused::Damaged);
    };
    let pixels = u64::from(width) * u64::from(height);
    if pixels == 0 {
        return Err(PictureRefused::Damaged);
    }
    if pixels > limits.max_pixels {
        return Err(PictureRefused::TooManyPixels {
            pixels,
            most: limits.max_pixels,
        });
    }
    if !ends_properly(format, head, tail, bytes) {
        return Err(PictureRefused::Truncated);
    }
    Ok(Some(Picture {
        format,
        width,
        height,
    }))
}

fn sniff(head: &[u8]) -> Result<Format, PictureRefused> {
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
    const JPEG: &[u8] = b"\xff\xd8\xff";
    // ISO base media files name their brand after "ftyp".
    let brand = head
        .get(4..12)
        .filter(|at| at.starts_with(b"ftyp"))
        .and_then(|at| at.get(4..));
    let others: [(&[u8], &'static str); 7] = [
        (b"GIF8", "a GIF"),
        (b"BM", "a BMP"),
        (b"II*\0", "a TIFF or a raw photo"),
        (b"MM\0*", "a TIFF or a raw photo"),
        (b"%PDF", "a PDF"),
        (b"<svg", "an SVG drawing"),
        (b"<?xml", "an SVG drawing or another XML file"),
    ];
    if head.starts_with(PNG) {
        Ok(Format::Png)
    } else if head.starts_with(JPEG) {
        Ok(Format::Jpeg)
    } else if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
        Ok(Format::Webp)
    } else if let Some(brand) = brand {
        Err(match brand {
            b"avif" | b"avis" => PictureRefused::WrongType("an AVIF"),
            b"heic" | b"heix" | b"hevc" | b"heim" | b"heis" | b"mif1" | b"msf1" => {
                PictureRefused::WrongType("a HEIC photo")
            }
            _ => PictureRefused::WrongType("a video"),
        })
    } else {
        let known = others.iter().find(|(magic, _)| head.starts_with(magic));
        Err(known.map_or(PictureRefused::UnknownType, |(_, name)| {
            PictureRefused::WrongType(name)
        }))
    }
}

/// Does the file have the end that its format prescribes? A truncated upload would be refused by the provider.
fn ends_properly(format: Format, head: &[u8], tail: &[u8], bytes: u64) -> bool {
    match format {
        // The empty IEND chunk with its checksum.
        Format::Png => tail.ends_with(b"\0\0\0\0IEND\xaeB`\x82"),
        // Phones append their own data behind the end marker.
        Format::Jpeg => tail.windows(2).any(|at| at == b"\xff\xd9"),
        // The RIFF header says how long the rest is.
        Format::Webp => head
            .get(4..8)
            .and_then(|at| <[u8; 4]>::try_from(at).ok())
            .is_some_and(|length| u64::from(u32::from_le_bytes(length)) + 8 <= bytes),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 1x1 PNG.
    const PNG: &[u8] =
        b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\0\0\0\0\x3a\x7e\x9b\x55\
        \0\0\0\nIDATx\x9cc`\0\0\0\x02\0\x01\x48\xaf\xa4\x71\0\0\0\0IEND\xaeB`\x82";

    fn judge(file: &[u8]) -> Result<Option<Picture>, PictureRefused> {
        probe(file, file, file.len() as u64, &Limits::default())
    }

    fn jpeg(before_the_frame: usize) -> Vec<u8> {
        let mut file = b"\xff\xd8".to_vec();
        if before_the_frame > 0 {
            file.extend(b"\xff\xe1");
            file.extend(u16::try_from(before_the_frame + 2).unwrap().to_be_bytes());
            file.resize(file.len() + before_the_frame, 0);
        }
        // A baseline frame of 4x2 pixels with one component.
        file.extend(b"\xff\xc0\0\x0b\x08\0\x02\0\x04\x01\x01\x11\0");
        file.extend(b"\xff\xd9");
        file
    }

    #[test]
    fn photos_are_known_by_their_bytes() {
        let png = Picture {
            format: Format::Png,
            width: 1,
            height: 1,
        };
        assert_eq!(judge(PNG), Ok(Some(png)));
        let expected = Picture {
            format: Format::Jpeg,
            width: 4,
            height: 2,
        };
        assert_eq!(judge(&jpeg(0)), Ok(Some(expected)));
        assert_eq!(judge(&jpeg(60_000)), Ok(Some(expected)));
        let mut phone = jpeg(0);
        phone.extend(b"SEFT appended by a phone");
        assert_eq!(judge(&phone), Ok(Some(expected)));
    }

    #[test]
    fn a_head_that_ends_too_early_asks_for_more() {
        let file = jpeg(60_000);
        let asked = probe(&file[..1000], &file, file.len() as u64, &Limits::default());
        assert_eq!(asked, Ok(None));
    }

    #[test]
    fn what_cannot_be_edited_is_refused_with_a_reason() {
        use PictureRefused::{Damaged, Empty, Truncated, UnknownType, WrongType};
        let cut_jpeg = &jpeg(0)[..jpeg(0).len() - 2];
        let mut no_pixels = PNG.to_vec();
        no_pixels[16..20].fill(0);
        for (file, expected) in [
            (&b""[..], Empty),
            (&PNG[..PNG.len() - 1], Truncated),
            (&PNG[..20], Truncated),
            (cut_jpeg, Truncated),
            (b"RIFF\xff\0\0\0WEBPVP8 \0\0\0\0", Truncated),
            (&no_pixels, Damaged),
            (b"GIF89a", WrongType("a GIF")),
            (b"\0\0\0\x18ftypheic\0\0\0\0", WrongType("a HEIC photo")),
            (b"\0\0\0\x18ftypavif\0\0\0\0", WrongType("an AVIF")),
            (b"<svg xmlns=''/>", WrongType("an SVG drawing")),
            (b"hello", UnknownType),
        ] {
            assert_eq!(judge(file), Err(expected), "{file:?}");
        }
    }

    #[test]
    fn limits_hold_before_anything_is_decoded() {
        let limits = Limits {
            max_pixels: 7,
            max_file_bytes: 1000,
            ..Limits::default()
        };
        let file = jpeg(0);
        assert_eq!(
            probe(&file, &file, file.len() as u64, &limits),
            Err(PictureRefused::TooManyPixels { pixels: 8, most: 7 })
        );
        assert_eq!(
            probe(&file, &file, 1001, &limits),
            Err(PictureRefused::TooManyBytes {
                bytes: 1001,
                most: 1000
            })
        );
    }
}
