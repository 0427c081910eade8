//! What is known of a photo that may go to the provider. How that is found out is `picture`'s business.

use serde::{Deserialize, Serialize};

use crate::Format;

/// A photo that the provider can take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Picture {
    /// What its bytes say.
    pub format: Format,
    /// Pixels across.
    pub width: u32,
    /// Pixels down.
    pub height: u32,
}
