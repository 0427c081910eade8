//! What results are called: as their photo, with the result's extension, and never like another file.

use std::{collections::HashSet, path::Path};

/// Ours, in the output folder, unless somebody else has the name.
pub(crate) const CONTACT_SHEET: &str = "contact-sheet.png";

/// The names that a folder still has. Compares without case, as macOS and Windows do.
#[derive(Debug, Default)]
pub(crate) struct Names {
    taken: HashSet<String>,
}

impl Names {
    /// With these taken, and the contact sheet's.
    pub(crate) fn new(taken: impl IntoIterator<Item = String>) -> Self {
        let mut names = Self::default();
        names.take(CONTACT_SHEET);
        for name in taken {
            names.take(&name);
        }
        names
    }

    /// Whether it was still free.
    pub(crate) fn take(&mut self, name: &str) -> bool {
        self.taken.insert(name.to_lowercase())
    }

    /// `photo.jpg` becomes `photo.png`, or `photo-2.png` if there is one.
    pub(crate) fn allocate(&mut self, source: &Path, extension: &str) -> String {
        let stem = source
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        let stem = if stem.is_empty() { "image" } else { &stem };
        let mut name = format!("{stem}.{extension}");
        let mut number = 2_u32;
        while !self.take(&name) {
            name = format!("{stem}-{number}.{extension}");
            number = number.saturating_add(1);
        }
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_keep_their_photos_names_apart() {
        let mut names = Names::new(["Old.png".to_owned()]);
        let allocated: Vec<_> = [
            "a/x.jpg",
            "b/x.png",
            "c/X.webp",
            "old.png",
            "x-2.png",
            "contact-sheet.jpg",
            "no.dots.jpg",
        ]
        .iter()
        .map(|source| names.allocate(Path::new(source), "png"))
        .collect();
        assert_eq!(
            allocated,
            [
                "x.png",
                "x-2.png",
                "X-3.png",
                "old-2.png",
                "x-2-2.png",
                "contact-sheet-2.png",
                "no.dots.png"
            ]
        );
        assert_eq!(names.allocate(Path::new("a/x.jpg"), "webp"), "x.webp");
    }
}
