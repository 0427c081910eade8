//! The two questions: may this file go to the provider as it is, and if not, what may?

use domain::{Format, Limits, Picture};
use image::metadata::Orientation;

use crate::{
    PictureRefused, Sample,
    kind::sniff,
    redraw::redraw,
    sample::Stop,
    size,
    survey::{Survey, strip},
};

/// The longest side, in pixels: JPEG's own limit, and WebP's is less. To shrink a longer one, which only PNG allows, takes
/// memory by its length, however few pixels it has.
const LONGEST_SIDE: u32 = 65_535;

/// What a file's two ends say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// It may go to the provider as it is.
    Fit(Picture),
    /// Something has to be done about it, or what decides lies in between: [`make_fit`] wants all of it.
    ReadWhole,
}

/// What may go to the provider.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fitted {
    /// The file as it is.
    AsItIs(Picture),
    /// Another one.
    Rewritten(Picture, Vec<u8>),
}

/// A file that is a picture within the limits.
struct Examined {
    format: Format,
    survey: Survey,
}

impl Examined {
    /// Does it take new pixels to make it fit? A picture that lies on its side, is larger than what the model takes, or
    /// has a printer's colours.
    fn needs_redraw(&self) -> bool {
        let Survey { width, height, .. } = self.survey;
        self.survey.cmyk
            || self.survey.orientation != Orientation::NoTransforms
            || size::fit(width, height) != (width, height)
    }

    const fn picture(&self) -> Picture {
        Picture {
            format: self.format,
            width: self.survey.width,
            height: self.survey.height,
        }
    }
}

fn examine(sample: &Sample<'_>, limits: &Limits) -> Result<Examined, Stop> {
    let bytes = sample.total() as u64;
    if bytes == 0 {
        return Err(PictureRefused::Empty.into());
    }
    if bytes > limits.max_file_bytes {
        let most = limits.max_file_bytes;
        return Err(PictureRefused::TooManyBytes { bytes, most }.into());
    }
    let format = sniff(sample.head())?;
    let survey = Survey::of(format, sample)?;
    let pixels = u64::from(survey.width) * u64::from(survey.height);
    if pixels > limits.max_pixels {
        let most = limits.max_pixels;
        return Err(PictureRefused::TooManyPixels { pixels, most }.into());
    }
    let side = survey.width.max(survey.height);
    if side > LONGEST_SIDE {
        let most = LONGEST_SIDE;
        return Err(PictureRefused::TooLong { side, most }.into());
    }
    Ok(Examined { format, survey })
}

/// Judges a file by its first and last bytes.
///
/// Metadata that they cannot rule out has all of it read. A hole in the middle of the pixels is not found here, and is
/// refused by the provider.
pub fn judge(sample: &Sample<'_>, limits: &Limits) -> Result<Judgement, PictureRefused> {
    match examine(sample, limits) {
        Ok(examined) if !examined.survey.baggage && !examined.needs_redraw() => {
            Ok(Judgement::Fit(examined.picture()))
        }
        Ok(_) | Err(Stop::NotSeen) => Ok(Judgement::ReadWhole),
        Err(Stop::Refused(refused)) => Err(refused),
    }
}

/// Makes a file fit: cuts what does not belong to the picture, which leaves its pixels as they are, and only if that is
/// not enough decodes it. The file is let go of as early as it can be, because a decoded one is large.
pub fn make_fit(file: impl AsRef<[u8]>, limits: &Limits) -> Result<Fitted, PictureRefused> {
    let examined = examine(&Sample::whole(file.as_ref()), limits).map_err(whole)?;
    if !examined.survey.baggage && !examined.needs_redraw() {
        return Ok(Fitted::AsItIs(examined.picture()));
    }
    // The decoder, too, gets only what belongs to the picture: no text to unpack, no chunk that it may stumble over.
    let stripped = strip(examined.format, file.as_ref()).map_err(whole)?;
    drop(file);
    if examined.needs_redraw() {
        let (picture, bytes) = redraw(stripped, examined.format, &examined.survey)?;
        Ok(Fitted::Rewritten(picture, bytes))
    } else {
        Ok(Fitted::Rewritten(examined.picture(), stripped))
    }
}

/// Of a whole file everything was seen.
fn whole(stop: Stop) -> PictureRefused {
    match stop {
        Stop::Refused(refused) => refused,
        Stop::NotSeen => PictureRefused::Truncated,
    }
}
