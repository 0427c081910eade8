//! PNG files: a signature, then chunks of length, type, data and checksum.

use crate::{
    PictureRefused, Sample,
    sample::Stop,
    survey::{Survey, orientation},
};

const SIGNATURE: usize = 8;
/// Length and type before the data, the checksum behind it.
const FRAME: usize = 12;
/// The empty last chunk with its checksum.
const END: &[u8] = b"\0\0\0\0IEND\xaeB`\x82";

/// A chunk without its frame.
struct Chunk<'a> {
    kind: [u8; 4],
    /// Empty for pixels that were not read.
    data: &'a [u8],
}

impl Chunk<'_> {
    /// Is it needed to show the picture? Besides the critical chunks these are the ones about colours, transparency and
    /// the shape of pixels. A list of what stays: anybody may invent a chunk and write a place into it.
    const fn belongs(&self) -> bool {
        matches!(
            &self.kind,
            b"IHDR"
                | b"PLTE"
                | b"IDAT"
                | b"IEND"
                | b"tRNS"
                | b"gAMA"
                | b"cHRM"
                | b"sRGB"
                | b"iCCP"
                | b"cICP"
                | b"mDCV"
                | b"cLLI"
                | b"sBIT"
                | b"bKGD"
                | b"pHYs"
        )
    }
}

/// The chunk at `at`, and moves `at` behind it.
fn next<'a>(sample: &Sample<'a>, at: &mut usize) -> Result<Chunk<'a>, Stop> {
    let length = u32::from_be_bytes(sample.array(*at)?);
    let kind = sample.array(*at + 4)?;
    let length = usize::try_from(length).map_err(|_| PictureRefused::Damaged)?;
    let data = sample.get(*at + 8, length)?;
    // Also the checksum has to be there.
    sample.get(*at + 8 + length, 4)?;
    *at += FRAME + length;
    Ok(Chunk { kind, data })
}

/// The header's sizes, if it describes a picture that exists in PNG.
fn header(chunk: &Chunk<'_>) -> Result<Survey, PictureRefused> {
    let &[w1, w2, w3, w4, h1, h2, h3, h4, depth, colour, 0, 0, 0 | 1] = chunk.data else {
        return Err(PictureRefused::Damaged);
    };
    let exists = match colour {
        0 => matches!(depth, 1 | 2 | 4 | 8 | 16),
        3 => matches!(depth, 1 | 2 | 4 | 8),
        2 | 4 | 6 => matches!(depth, 8 | 16),
        _ => false,
    };
    if !exists || &chunk.kind != b"IHDR" {
        return Err(PictureRefused::Damaged);
    }
    Survey::new(
        u32::from_be_bytes([w1, w2, w3, w4]),
        u32::from_be_bytes([h1, h2, h3, h4]),
    )
}

/// Walks the chunks: up to the pixels, or to the end if all of the file is there.
pub(crate) fn survey(sample: &Sample<'_>) -> Result<Survey, Stop> {
    let mut at = SIGNATURE;
    let mut picture = header(&next(sample, &mut at)?)?;
    let mut has_pixels = false;
    loop {
        if !sample.is_whole() && &sample.array::<4>(at + 4)? == b"IDAT" {
            // Anything may stand between two chunks of pixels, though it must not; nothing does in one that reaches up to
            // the last chunk.
            let length = u32::from_be_bytes(sample.array(at)?);
            let end = usize::try_from(length)
                .ok()
                .and_then(|length| length.checked_add(at + FRAME + END.len()));
            return if end == Some(sample.total()) && sample.tail().ends_with(END) {
                Ok(picture)
            } else {
                Err(Stop::NotSeen)
            };
        }
        let chunk = next(sample, &mut at)?;
        match &chunk.kind {
            // Frames beyond the picture that every reader shows. One alone is no animation; its chunks are baggage.
            b"acTL" if !matches!(chunk.data, [0, 0, 0, 0 | 1, ..]) => {
                return Err(PictureRefused::Animated.into());
            }
            b"IDAT" => has_pixels = true,
            b"IEND" if has_pixels => break,
            b"IHDR" | b"IEND" => return Err(PictureRefused::Damaged.into()),
            b"eXIf" => {
                picture.orientation = orientation(chunk.data).unwrap_or(picture.orientation);
            }
            _ => {}
        }
        picture.baggage |= !chunk.belongs();
    }
    picture.baggage |= at < sample.total();
    Ok(picture)
}

/// The chunks that belong to the picture as they are, checksums included, and nothing behind its end.
pub(crate) fn strip(file: &[u8]) -> Result<Vec<u8>, Stop> {
    let sample = Sample::whole(file);
    let mut stripped = Vec::with_capacity(file.len());
    stripped.extend(sample.get(0, SIGNATURE)?);
    let mut at = SIGNATURE;
    loop {
        let starts = at;
        let chunk = next(&sample, &mut at)?;
        if chunk.belongs() {
            stripped.extend(sample.get(starts, at - starts)?);
        }
        if &chunk.kind == b"IEND" {
            return Ok(stripped);
        }
    }
}
