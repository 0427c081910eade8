//! What a file's structure says of the picture in it, without decoding anything.

use domain::Format;
use image::metadata::Orientation;

use crate::{PictureRefused, Sample, jpeg, png, sample::Stop, webp};

/// A picture by its file's structure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Survey {
    /// Pixels across, as stored.
    pub(crate) width: u32,
    /// Pixels down, as stored.
    pub(crate) height: u32,
    /// What has to be done to see it upright.
    pub(crate) orientation: Orientation,
    /// There is something in the file that is not needed to show the picture: where it was taken, by whom, a thumbnail.
    pub(crate) baggage: bool,
    /// Its colours are for printers.
    pub(crate) cmyk: bool,
}

impl Survey {
    /// An upright picture of this size with nothing else in its file.
    pub(crate) fn new(width: u32, height: u32) -> Result<Self, PictureRefused> {
        if width == 0 || height == 0 {
            return Err(PictureRefused::Damaged);
        }
        Ok(Self {
            width,
            height,
            orientation: Orientation::NoTransforms,
            baggage: false,
            cmyk: false,
        })
    }

    /// The structure of a file of this format. An error unless what matters has been seen and makes sense.
    pub(crate) fn of(format: Format, sample: &Sample<'_>) -> Result<Self, Stop> {
        match format {
            Format::Jpeg => jpeg::survey(sample),
            Format::Png => png::survey(sample),
            Format::Webp => webp::survey(sample),
        }
    }
}

/// A surveyed file without its baggage: every byte that shows the picture is the same.
pub(crate) fn strip(format: Format, file: &[u8]) -> Result<Vec<u8>, Stop> {
    match format {
        Format::Jpeg => jpeg::strip(file),
        Format::Png => png::strip(file),
        Format::Webp => webp::strip(file),
    }
}

/// The orientation in an EXIF block; some writers keep the name that it has inside a JPEG.
pub(crate) fn orientation(exif: &[u8]) -> Option<Orientation> {
    let tiff = exif.strip_prefix(b"Exif\0\0").unwrap_or(exif);
    Orientation::from_exif_chunk(tiff)
}
