//! WebP files: a RIFF container whose chunks have a type, a length and data, padded to even lengths.

use crate::{
    PictureRefused, Sample,
    sample::Stop,
    survey::{Survey, orientation},
};

/// "RIFF", length, "WEBP".
const HEADER: usize = 12;

/// Flags, reserved bytes, and the canvas.
const EXTENDED_HEADER: usize = 10;

// The flags.
const ANIMATION: u8 = 0x02;
const XMP: u8 = 0x04;
const EXIF: u8 = 0x08;

/// A chunk by its place. Its data may not have been read.
struct Chunk {
    kind: [u8; 4],
    starts: usize,
    data: usize,
    length: usize,
}

impl Chunk {
    /// Is it needed to show the picture?
    const fn belongs(&self) -> bool {
        matches!(&self.kind, b"VP8X" | b"ICCP" | b"ALPH" | b"VP8 " | b"VP8L")
    }

    /// The first `N` bytes of its data, and not of what comes behind it.
    fn start<const N: usize>(&self, sample: &Sample<'_>) -> Result<[u8; N], Stop> {
        if self.length < N {
            return Err(PictureRefused::Damaged.into());
        }
        sample.array(self.data)
    }

    /// Where the next one starts.
    const fn end(&self) -> usize {
        self.data + self.length + self.length % 2
    }
}

/// Where the container says that it ends.
fn container_end(sample: &Sample<'_>) -> Result<usize, Stop> {
    let length = u32::from_le_bytes(sample.array(4)?);
    usize::try_from(length)
        .ok()
        .and_then(|length| length.checked_add(8))
        .filter(|end| *end <= sample.total())
        .ok_or_else(|| PictureRefused::Truncated.into())
}

/// The chunk at `at`, all of which must lie within the container; only the last may lack its padding.
fn next(sample: &Sample<'_>, at: usize, end: usize) -> Result<Chunk, Stop> {
    let chunk = Chunk {
        kind: sample.array(at)?,
        starts: at,
        data: at + 8,
        length: usize::try_from(u32::from_le_bytes(sample.array(at + 4)?))
            .map_err(|_| PictureRefused::Damaged)?,
    };
    let fits = chunk.data.checked_add(chunk.length);
    if fits.is_none_or(|data_end| data_end > end) {
        return Err(PictureRefused::Damaged.into());
    }
    Ok(chunk)
}

/// Three bytes, and the sizes are stored less one.
fn side(bytes: [u8; 3]) -> u32 {
    let [a, b, c] = bytes;
    u32::from_le_bytes([a, b, c, 0]) + 1
}

/// The sizes in the header of a lossy picture: a key frame's tag, a start code, 14 bits each and a scale.
fn lossy(sample: &Sample<'_>, chunk: &Chunk) -> Result<Survey, Stop> {
    let [tag, _, _, 0x9d, 0x01, 0x2a, w1, w2, h1, h2] = chunk.start(sample)? else {
        return Err(PictureRefused::Damaged.into());
    };
    if tag & 1 != 0 {
        return Err(PictureRefused::Damaged.into());
    }
    let side = |low, high| u32::from(u16::from_le_bytes([low, high]) & 0x3fff);
    Ok(Survey::new(side(w1, w2), side(h1, h2))?)
}

/// The sizes in the header of a lossless picture: a signature, 14 bits each, less one.
fn lossless(sample: &Sample<'_>, chunk: &Chunk) -> Result<Survey, Stop> {
    let [0x2f, bits @ ..] = chunk.start::<5>(sample)? else {
        return Err(PictureRefused::Damaged.into());
    };
    let bits = u32::from_le_bytes(bits);
    Ok(Survey::new((bits & 0x3fff) + 1, (bits >> 14 & 0x3fff) + 1)?)
}

/// Walks the chunks. The pixels are one of them, so that the two ends of a file usually show all the others.
pub(crate) fn survey(sample: &Sample<'_>) -> Result<Survey, Stop> {
    let end = container_end(sample)?;
    let mut picture: Option<Survey> = None;
    let mut canvas = None;
    let mut turned = None;
    let mut baggage = sample.total() > end;
    let mut at = HEADER;
    while at + 8 <= end {
        let chunk = next(sample, at, end)?;
        let found = match &chunk.kind {
            b"VP8X" if at == HEADER => {
                let [flags, _, _, _, w1, w2, w3, h1, h2, h3]: [u8; EXTENDED_HEADER] =
                    chunk.start(sample)?;
                if flags & ANIMATION != 0 {
                    return Err(PictureRefused::Animated.into());
                }
                baggage |= flags & (EXIF | XMP) != 0;
                canvas = Some((side([w1, w2, w3]), side([h1, h2, h3])));
                None
            }
            b"VP8X" => return Err(PictureRefused::Damaged.into()),
            b"VP8 " => Some(lossy(sample, &chunk)?),
            b"VP8L" => Some(lossless(sample, &chunk)?),
            // Readers look for it in extended files only.
            b"EXIF" if canvas.is_some() => {
                turned = turned.or(orientation(sample.get(chunk.data, chunk.length)?));
                None
            }
            _ => None,
        };
        baggage |= !chunk.belongs();
        if found.is_some() && std::mem::replace(&mut picture, found).is_some() {
            return Err(PictureRefused::Damaged.into());
        }
        at = chunk.end();
    }
    let mut picture = picture.ok_or(PictureRefused::Damaged)?;
    // A small picture on a canvas that says it is larger, or the other way round, is made to deceive.
    if canvas.is_some_and(|canvas| canvas != (picture.width, picture.height)) {
        return Err(PictureRefused::Damaged.into());
    }
    picture.baggage = baggage || at < end;
    picture.orientation = turned.unwrap_or(picture.orientation);
    Ok(picture)
}

/// The chunks that belong to the picture, under headers that say so.
pub(crate) fn strip(file: &[u8]) -> Result<Vec<u8>, Stop> {
    let sample = Sample::whole(file);
    let end = container_end(&sample)?;
    let mut stripped = Vec::with_capacity(file.len() + 1);
    stripped.extend(b"RIFF\0\0\0\0WEBP");
    let mut at = HEADER;
    while at + 8 <= end {
        let chunk = next(&sample, at, end)?;
        at = chunk.end();
        if &chunk.kind == b"VP8X" {
            let [flags, others @ ..] = chunk.start::<EXTENDED_HEADER>(&sample)?;
            stripped.extend(b"VP8X\x0a\0\0\0");
            stripped.push(flags & !(EXIF | XMP));
            stripped.extend(others);
        } else if chunk.belongs() {
            let data_end = chunk.data + chunk.length;
            stripped.extend(sample.get(chunk.starts, data_end - chunk.starts)?);
            stripped.resize(stripped.len().next_multiple_of(2), 0);
        }
    }
    let length = u32::try_from(stripped.len() - 8).map_err(|_| PictureRefused::Damaged)?;
    if let Some(field) = stripped.get_mut(4..8) {
        field.copy_from_slice(&length.to_le_bytes());
    }
    Ok(stripped)
}
