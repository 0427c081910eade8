//! Photos as bytes: can the provider take this one, and if not as it is, what makes it fit?
//!
//! Bytes in, decisions and bytes out. [`judge`] looks at a file's two ends and decodes nothing; that is all that a photo
//! needs that is small or of one piece. [`make_fit`] takes the whole file: it cuts what does not belong to the picture (where it was taken, by
//! whom, thumbnails) and leaves the pixels' bytes alone, and only a picture that lies on its side, is too large for the
//! model or has a printer's colours is decoded and drawn anew. What is in a file is read from its structure before any
//! decoder sees it, and the decoder is held to that: no bytes may make either of them panic, spin, or take more memory
//! than the limit in pixels allows.
//!
//! Knows nothing of S3, batches or the provider's API.

mod fit;
mod jpeg;
mod kind;
mod png;
mod redraw;
mod refused;
mod sample;
mod size;
mod survey;
mod webp;

pub use fit::{Fitted, Judgement, judge, make_fit};
pub use kind::Kind;
pub use refused::PictureRefused;
pub use sample::Sample;

/// How many of a file's first bytes [`judge`] wants: many photos for the web have no more, and hardly any has more before
/// its pixels.
pub const HEAD_BYTES: usize = 256 * 1024;
/// How many of its last bytes: what is commonly written behind a picture's pixels.
pub const TAIL_BYTES: usize = 64 * 1024;
