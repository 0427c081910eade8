//! JPEG files: segments, then scans, then the end marker, then whatever a phone appends.
//!
//! Libraries that cut segments (`img-parts`, `kamadak-exif`) want the whole file and stop at the first scan, so they know
//! neither where the picture ends nor what lies behind it; hence our own walk.

use crate::{
    Kind, PictureRefused, Sample,
    sample::Stop,
    survey::{Survey, orientation},
};

const START_OF_IMAGE: u8 = 0xd8;
const END_OF_IMAGE: u8 = 0xd9;
const START_OF_SCAN: u8 = 0xda;
const COMMENT: u8 = 0xfe;

/// More passes over a picture than any encoder makes; each costs a look at every block, however short it is.
const MAX_SCANS: u32 = 100;

/// A marker with its segment, or one that has none.
struct Segment<'a> {
    marker: u8,
    body: &'a [u8],
    /// Before it lay bytes that belong to no segment, such as what another tool left behind of one.
    skipped: bool,
}

impl Segment<'_> {
    /// A frame header: all of `SOF0` to `SOF15` but the three numbers that mean something else.
    const fn is_frame(&self) -> bool {
        matches!(self.marker, 0xc0..=0xcf) && !matches!(self.marker, 0xc4 | 0xc8 | 0xcc)
    }

    /// Is it needed to show the picture? Of the application segments those are the ones that colours depend on: JFIF
    /// (without a thumbnail), the ICC profile, and Adobe's, which tells CMYK from YCCK.
    fn belongs(&self) -> bool {
        /// Version, density, and a thumbnail of no size.
        const PLAIN_JFIF: usize = 14;

        match self.marker {
            0xe0 => self.body.starts_with(b"JFIF\0") && self.body.len() <= PLAIN_JFIF,
            0xe2 => self.body.starts_with(b"ICC_PROFILE\0"),
            0xee => self.body.starts_with(b"Adobe"),
            // Those from 0x02 to 0xbf are reserved: who uses them means something of their own.
            0x02..=0xbf | 0xe0..=0xef | 0xf0..=0xfd | COMMENT => false,
            _ => true,
        }
    }
}

/// The segment at `at` or after it, and moves `at` behind it. Decoders skip what is no marker, and so does this.
fn next<'a>(sample: &Sample<'a>, at: &mut usize) -> Result<Segment<'a>, Stop> {
    let mut skipped = false;
    loop {
        let [byte] = sample.array(*at)?;
        *at += 1;
        if byte != 0xff {
            skipped = true;
            continue;
        }
        let [marker] = sample.array(*at)?;
        match marker {
            // Any number of 0xff may come before a marker.
            0xff => {}
            // Not a marker, or one that stands alone.
            0x00 | 0x01 | 0xd0..=START_OF_IMAGE => {
                skipped = true;
                *at += 1;
            }
            END_OF_IMAGE => {
                *at += 1;
                return Ok(Segment {
                    marker,
                    body: &[],
                    skipped,
                });
            }
            _ => {
                let length = usize::from(u16::from_be_bytes(sample.array(*at + 1)?));
                // The length counts itself.
                let length = length.checked_sub(2).ok_or(PictureRefused::Damaged)?;
                let body = sample.get(*at + 3, length)?;
                *at += 3 + length;
                return Ok(Segment {
                    marker,
                    body,
                    skipped,
                });
            }
        }
    }
}

/// Where the scan that starts at `at` ends: at the next marker that is not one of a scan's own.
fn scan_end(file: &[u8], at: usize) -> Result<usize, PictureRefused> {
    let scan = file.get(at..).unwrap_or_default();
    scan.windows(2)
        .position(
            |pair| matches!(pair, [0xff, marker] if !matches!(marker, 0x00 | 0xff | 0xd0..=0xd7)),
        )
        .map(|length| at + length)
        .ok_or(PictureRefused::Truncated)
}

/// Width, height and the number of colour components.
fn frame(segment: &Segment<'_>) -> Result<(u16, u16, u8), PictureRefused> {
    let [precision, h1, h2, w1, w2, components, ..] = *segment.body else {
        return Err(PictureRefused::Damaged);
    };
    // Baseline, extended and progressive, all of them Huffman-coded: what every reader takes.
    if !matches!(segment.marker, 0xc0..=0xc2) || precision != 8 {
        return Err(PictureRefused::WrongType(Kind::RareJpeg));
    }
    if !matches!(components, 1 | 3 | 4) {
        return Err(PictureRefused::WrongType(Kind::RareJpeg));
    }
    Ok((
        u16::from_be_bytes([w1, w2]),
        u16::from_be_bytes([h1, h2]),
        components,
    ))
}

/// Walks the segments, and the scans too, for which all of the file has to be there: between two of them, or behind an end
/// marker somewhere in the middle, may lie whatever may lie before the first.
pub(crate) fn survey(sample: &Sample<'_>) -> Result<Survey, Stop> {
    let mut at = 2;
    let mut picture: Option<Survey> = None;
    let mut turned = None;
    let mut baggage = false;
    let mut scans = 0;
    loop {
        let segment = next(sample, &mut at)?;
        baggage |= segment.skipped || !segment.belongs();
        if segment.marker == END_OF_IMAGE {
            break;
        }
        if segment.is_frame() {
            let (width, height, components) = frame(&segment)?;
            let mut found = Survey::new(width.into(), height.into())?;
            found.cmyk = components == 4;
            // A second frame header could make the decoder see something else than we do.
            if picture.replace(found).is_some() {
                return Err(PictureRefused::Damaged.into());
            }
        }
        if segment.marker == START_OF_SCAN {
            scans += 1;
            if picture.is_none() || scans > MAX_SCANS {
                return Err(PictureRefused::Damaged.into());
            }
            if !sample.is_whole() {
                return Err(Stop::NotSeen);
            }
            at = scan_end(sample.head(), at)?;
        }
        if segment.body.starts_with(b"Exif\0") && turned.is_none() {
            turned = segment.body.get(6..).and_then(orientation);
        }
    }
    let mut picture = picture
        .filter(|_| scans > 0)
        .ok_or(PictureRefused::Damaged)?;
    let behind = sample.head().get(at..).unwrap_or_default();
    // Padding is no baggage.
    picture.baggage = baggage || behind.iter().any(|byte| *byte != 0);
    picture.orientation = turned.unwrap_or(picture.orientation);
    Ok(picture)
}

/// The segments that belong to the picture, its scans, and nothing behind its end.
pub(crate) fn strip(file: &[u8]) -> Result<Vec<u8>, Stop> {
    let sample = Sample::whole(file);
    let mut stripped = Vec::with_capacity(file.len());
    stripped.extend([0xff, START_OF_IMAGE]);
    let mut at = 2;
    loop {
        let segment = next(&sample, &mut at)?;
        if segment.marker == END_OF_IMAGE {
            stripped.extend([0xff, END_OF_IMAGE]);
            return Ok(stripped);
        }
        if segment.belongs() {
            let starts = at - segment.body.len() - 4;
            stripped.extend(sample.get(starts, at - starts)?);
        }
        if segment.marker == START_OF_SCAN {
            let end = scan_end(file, at)?;
            stripped.extend(sample.get(at, end - at)?);
            at = end;
        }
    }
}
