//! What a file is by its first bytes: one of the formats that are taken, or something else that has a name.

use domain::Format;

use crate::PictureRefused;

/// Something that people upload and that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// What iPhones make unless told otherwise.
    Heic,
    /// AV1 stills.
    Avif,
    /// Animated or not.
    Gif,
    /// Windows bitmaps.
    Bmp,
    /// TIFF, and the raw formats of cameras that are built on it.
    Tiff,
    /// Raw formats that are not.
    Raw,
    /// JPEG XL.
    JpegXl,
    /// JPEG 2000.
    Jpeg2000,
    /// Arithmetic, lossless, hierarchical or 12-bit JPEG, which hardly anything reads.
    RareJpeg,
    /// Photoshop documents.
    Psd,
    /// Icons.
    Ico,
    /// SVG.
    Svg,
    /// PDF.
    Pdf,
    /// Moving pictures.
    Video,
    /// An archive of photos, presumably.
    Zip,
}

impl Kind {
    /// With its article, for the middle of a sentence.
    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Heic => "a HEIC photo",
            Self::Avif => "an AVIF picture",
            Self::Gif => "a GIF",
            Self::Bmp => "a BMP picture",
            Self::Tiff => "a TIFF picture or a raw photo",
            Self::Raw => "a raw photo",
            Self::JpegXl => "a JPEG XL picture",
            Self::Jpeg2000 => "a JPEG 2000 picture",
            Self::RareJpeg => "a JPEG of a rare kind",
            Self::Psd => "a Photoshop document",
            Self::Ico => "an icon",
            Self::Svg => "an SVG drawing",
            Self::Pdf => "a PDF",
            Self::Video => "a video",
            Self::Zip => "a ZIP archive",
        }
    }

    /// What to do instead.
    pub(crate) const fn instead(self) -> &'static str {
        match self {
            Self::Heic => {
                "Save it as JPEG and try again; an iPhone takes JPEGs with Settings > Camera > Formats > Most Compatible."
            }
            Self::Gif | Self::Video => "Save one frame of it as JPEG, PNG or WebP and try again.",
            Self::Tiff | Self::Raw | Self::Psd => "Export it as JPEG or PNG and try again.",
            Self::Svg | Self::Pdf => "Export it as PNG and try again.",
            Self::Zip => "Unpack it and upload the photos in it.",
            Self::Avif | Self::Bmp | Self::JpegXl | Self::Jpeg2000 | Self::RareJpeg | Self::Ico => {
                "Save it as JPEG, PNG or WebP and try again."
            }
        }
    }
}

/// First bytes that say what is not taken.
const OTHERS: [(&[u8], Kind); 20] = [
    (b"GIF8", Kind::Gif),
    (b"BM", Kind::Bmp),
    (b"II*\0", Kind::Tiff),
    (b"MM\0*", Kind::Tiff),
    (b"II+\0", Kind::Tiff),
    (b"MM\0+", Kind::Tiff),
    (b"FUJIFILMCCD-RAW", Kind::Raw),
    (b"IIRO", Kind::Raw),
    (b"IIU\0", Kind::Raw),
    (b"FOVb", Kind::Raw),
    (b"\xff\x0a", Kind::JpegXl),
    (b"\0\0\0\x0cJXL ", Kind::JpegXl),
    (b"\0\0\0\x0cjP  ", Kind::Jpeg2000),
    (b"\xff\x4f\xff\x51", Kind::Jpeg2000),
    (b"8BPS", Kind::Psd),
    (b"\0\0\x01\0", Kind::Ico),
    (b"%PDF", Kind::Pdf),
    (b"\x1aE\xdf\xa3", Kind::Video),
    (b"\0\0\x01\xba", Kind::Video),
    (b"PK\x03\x04", Kind::Zip),
];

/// By magic bytes, never by name or declared type.
pub(crate) fn sniff(head: &[u8]) -> Result<Format, PictureRefused> {
    if head.starts_with(b"\x89PNG\r\n\x1a\n") {
        return Ok(Format::Png);
    }
    if head.starts_with(b"\xff\xd8\xff") {
        return Ok(Format::Jpeg);
    }
    if head.starts_with(b"RIFF") {
        return match head.get(8..12) {
            Some(b"WEBP") => Ok(Format::Webp),
            Some(b"AVI ") => Err(PictureRefused::WrongType(Kind::Video)),
            _ => Err(PictureRefused::UnknownType),
        };
    }
    let other = base_media(head)
        .or_else(|| {
            let known = OTHERS.iter().find(|(magic, _)| head.starts_with(magic));
            known.map(|(_, kind)| *kind)
        })
        .or_else(|| is_svg(head).then_some(Kind::Svg));
    Err(other.map_or(PictureRefused::UnknownType, PictureRefused::WrongType))
}

/// ISO base media files begin with a box `ftyp`: its length, a major brand, a version, and the brands it is compatible with.
fn base_media(head: &[u8]) -> Option<Kind> {
    let (length, rest) = head.split_first_chunk::<4>()?;
    let rest = rest.strip_prefix(b"ftyp")?;
    let (major, rest) = rest.split_first_chunk::<4>()?;
    let compatible = usize::try_from(u32::from_be_bytes(*length))
        .ok()
        .and_then(|length| rest.get(4..length.checked_sub(12)?))
        .unwrap_or_default();
    let has = |brand: &[u8; 4]| compatible.chunks_exact(4).any(|other| other == brand);
    Some(match major {
        b"avif" | b"avis" => Kind::Avif,
        b"mif1" | b"msf1" | b"miaf" if has(b"avif") || has(b"avis") => Kind::Avif,
        b"mif1" | b"msf1" | b"miaf" | [b'h', b'e', b'i' | b'v', _] => Kind::Heic,
        b"crx " => Kind::Raw,
        _ => Kind::Video,
    })
}

/// SVG is text: a root element `svg` after a byte order mark, white space, a declaration and comments.
fn is_svg(head: &[u8]) -> bool {
    /// Where an editor's comments and document type have ended.
    const PROLOGUE: usize = 4096;

    let head = head.get(..PROLOGUE).unwrap_or(head);
    let text = head
        .strip_prefix(b"\xef\xbb\xbf")
        .unwrap_or(head)
        .trim_ascii_start();
    text.starts_with(b"<") && text.windows(4).any(|at| at == b"<svg")
}
