//! The ways in which a file is no photo for us, each with a sentence that says what to do instead.

use domain::Failure;

use crate::Kind;

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
    /// Over the limit on one side, likewise.
    #[error(
        "The photo is {side} pixels long; at most {most} are taken. Cut or scale it and try again."
    )]
    TooLong {
        /// The longer side.
        side: u32,
        /// The limit.
        most: u32,
    },
    /// A known type that is not taken.
    #[error("This is {}, which cannot be edited. {}", .0.what(), .0.instead())]
    WrongType(Kind),
    /// No known type.
    #[error("This is not a photo that can be edited. Upload a JPEG, PNG or WebP file.")]
    UnknownType,
    /// More than one frame. Editing only the first would take credits for something else than what was asked for.
    #[error("This picture is animated. Save one frame of it as JPEG, PNG or WebP and try again.")]
    Animated,
    /// Begins well and stops.
    #[error("The file is cut off before its end. Upload it again.")]
    Truncated,
    /// Makes no sense somewhere.
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
            Self::TooLong { .. } => "photo_too_long",
            Self::WrongType(_) => "photo_type_not_supported",
            Self::UnknownType => "photo_type_unknown",
            Self::Animated => "photo_animated",
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
