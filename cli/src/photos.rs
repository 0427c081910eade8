//! The files that somebody wants edited: found, told apart by their first bytes, measured and hashed. Knows no network.

use std::{
    collections::HashSet,
    fs::{self, File},
    io::{self, BufReader, Read as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use api::Limits;
use sha2::{Digest as _, Sha256};

use crate::render;

/// What the service takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Png,
    Jpeg,
    Webp,
}

impl Kind {
    pub(crate) const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
        }
    }

    const fn format(self) -> image::ImageFormat {
        match self {
            Self::Png => image::ImageFormat::Png,
            Self::Jpeg => image::ImageFormat::Jpeg,
            Self::Webp => image::ImageFormat::WebP,
        }
    }
}

/// What the first bytes of a file say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sniffed {
    /// It can be edited.
    Photo(Kind),
    /// A picture that cannot, and what to do about it.
    Unfit(&'static str),
    /// No picture.
    Other,
}

/// Never by name: names lie.
pub(crate) fn sniff(head: &[u8]) -> Sniffed {
    const HEIC: &str = "is a HEIC photo: export it as JPEG (iPhone: Settings > Camera > Formats > Most Compatible)";
    const TIFF: &str = "is a TIFF or a camera's raw file: export it as JPEG or PNG";
    let at = |offset: usize, magic: &[u8]| {
        head.get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    if at(0, b"\x89PNG\r\n\x1a\n") {
        Sniffed::Photo(Kind::Png)
    } else if at(0, b"\xff\xd8\xff") {
        Sniffed::Photo(Kind::Jpeg)
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        Sniffed::Photo(Kind::Webp)
    } else if at(4, b"ftypavif") || at(4, b"ftypavis") {
        Sniffed::Unfit("is an AVIF picture: export it as JPEG, PNG or WebP")
    } else if at(4, b"ftyphei") || at(4, b"ftyphev") || at(4, b"ftypmif1") || at(4, b"ftypmsf1") {
        Sniffed::Unfit(HEIC)
    } else if at(0, b"GIF8") {
        Sniffed::Unfit("is a GIF: export the frame that you want as PNG")
    } else if at(0, b"II*\0") || at(0, b"MM\0*") {
        Sniffed::Unfit(TIFF)
    } else if at(0, b"BM") && at(6, b"\0\0\0\0") {
        Sniffed::Unfit("is a BMP picture: export it as PNG")
    } else if at(0, b"8BPS") {
        Sniffed::Unfit("is a Photoshop document: export it as PNG or JPEG")
    } else if at(0, b"%PDF") {
        Sniffed::Unfit("is a PDF: export the page as PNG or JPEG")
    } else if at(0, b"\xff\x0a") || at(4, b"JXL ") {
        Sniffed::Unfit("is a JPEG XL picture: export it as JPEG or PNG")
    } else {
        Sniffed::Other
    }
}

/// A file that can be edited.
#[derive(Clone, Debug)]
pub(crate) struct Photo {
    pub(crate) path: PathBuf,
    pub(crate) kind: Kind,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

/// A file that cannot, and why.
#[derive(Clone, Debug)]
pub(crate) struct Unfit {
    pub(crate) path: PathBuf,
    pub(crate) reason: String,
}

/// What the arguments came to.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// In the order of the arguments, folders by name.
    pub(crate) photos: Vec<(PathBuf, Kind)>,
    /// To be mended, or left out on purpose.
    pub(crate) unfit: Vec<Unfit>,
    /// In folders, and no pictures.
    pub(crate) passed_over: Vec<PathBuf>,
}

/// Opens folders, drops what was named twice, and looks at the first bytes. `out` is where results will go.
pub(crate) fn find(arguments: &[PathBuf], out: &Path) -> anyhow::Result<Found> {
    let out = fs::canonicalize(out).ok();
    let (mut found, mut seen) = (Found::default(), HashSet::new());
    for argument in arguments {
        let mut files = Vec::new();
        let metadata = fs::metadata(argument)
            .with_context(|| format!("cannot read {}", argument.display()))?;
        if metadata.is_dir() {
            anyhow::ensure!(
                out.is_none() || fs::canonicalize(argument).ok() != out,
                "{} is both what to edit and where results go: give another --out",
                argument.display()
            );
            walk(argument, out.as_deref(), &mut files)
                .with_context(|| format!("cannot read the folder {}", argument.display()))?;
        } else {
            files.push(argument.clone());
        }
        for path in files {
            let canonical = fs::canonicalize(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            if !seen.insert(canonical) {
                continue;
            }
            match sniff(&head(&path).with_context(|| format!("cannot read {}", path.display()))?) {
                Sniffed::Photo(kind) => found.photos.push((path, kind)),
                Sniffed::Unfit(reason) => found.unfit.push(Unfit {
                    path,
                    reason: reason.to_owned(),
                }),
                Sniffed::Other if metadata.is_dir() => found.passed_over.push(path),
                Sniffed::Other => {
                    let reason =
                        "is not a picture that can be edited: give PNG, JPEG or WebP".to_owned();
                    found.unfit.push(Unfit { path, reason });
                }
            }
        }
    }
    Ok(found)
}

/// By name, folders included; what is hidden, and the results, stay out. Links to folders are not followed.
fn walk(dir: &Path, out: Option<&Path>, files: &mut Vec<PathBuf>) -> io::Result<()> {
    let mut entries = fs::read_dir(dir)?.collect::<io::Result<Vec<_>>>()?;
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        if entry.file_type()?.is_dir() {
            if out.is_none() || fs::canonicalize(&path).ok().as_deref() != out {
                walk(&path, out, files)?;
            }
        } else if path.is_file() {
            files.push(path);
        }
    }
    Ok(())
}

fn head(path: &Path) -> io::Result<Vec<u8>> {
    let mut head = Vec::new();
    File::open(path)?.take(32).read_to_end(&mut head)?;
    Ok(head)
}

/// Measures a photo against the limits, then hashes it.
pub(crate) fn measure(path: &Path, kind: Kind, limits: &Limits) -> Result<Photo, Unfit> {
    let unfit = |reason: String| Unfit {
        path: path.to_owned(),
        reason,
    };
    let unreadable = |error: io::Error| unfit(format!("cannot be read: {error}"));
    let file = File::open(path).map_err(unreadable)?;
    let size = file.metadata().map_err(unreadable)?.len();
    if size > limits.max_file_bytes {
        let (is, may) = (render::bytes(size), render::bytes(limits.max_file_bytes));
        return Err(unfit(format!(
            "has {is}, and {may} is the most: make it smaller"
        )));
    }
    let (width, height) = image::ImageReader::with_format(BufReader::new(file), kind.format())
        .into_dimensions()
        .map_err(|error| unfit(format!("looks damaged ({error}): export it anew")))?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels > limits.max_pixels {
        let (is, may) = (
            render::megapixels(pixels),
            render::megapixels(limits.max_pixels),
        );
        return Err(unfit(format!(
            "is {width}x{height} ({is}), and {may} is the most: make it smaller"
        )));
    }
    let sha256 = hash(path).map_err(unreadable)?;
    Ok(Photo {
        path: path.to_owned(),
        kind,
        size,
        sha256,
    })
}

fn hash(path: &Path) -> io::Result<String> {
    let (mut file, mut hasher, mut buffer) = (File::open(path)?, Sha256::new(), vec![0; 1 << 16]);
    loop {
        let read = file.read(&mut buffer)?;
        match buffer.get(..read) {
            Some(bytes) if !bytes.is_empty() => hasher.update(bytes),
            _ => return Ok(hex(&hasher.finalize())),
        }
    }
}

/// As `sha256sum` prints it.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from_digit(nibble.into(), 16).unwrap_or_default();
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_apart_by_their_first_bytes() {
        let photo = Sniffed::Photo;
        let cases: [(&[u8], Sniffed); 6] = [
            (b"\x89PNG\r\n\x1a\n....", photo(Kind::Png)),
            (b"\xff\xd8\xff\xe1....", photo(Kind::Jpeg)),
            (b"RIFF\x10\0\0\0WEBPVP8 ", photo(Kind::Webp)),
            (b"RIFF\x10\0\0\0WAVEfmt ", Sniffed::Other),
            (b"hello", Sniffed::Other),
            (b"", Sniffed::Other),
        ];
        for (head, expected) in cases {
            assert_eq!(sniff(head), expected, "{head:?}");
        }
        let unfit: [(&[u8], &str); 7] = [
            (b"\0\0\0\x18ftypheic....", "HEIC"),
            (b"\0\0\0\x18ftypmif1....", "HEIC"),
            (b"\0\0\0\x18ftypavif....", "AVIF"),
            (b"GIF89a", "GIF"),
            (b"II*\0....", "TIFF"),
            (b"BM....\0\0\0\0", "BMP"),
            (b"%PDF-1.7", "PDF"),
        ];
        for (head, word) in unfit {
            assert!(
                matches!(sniff(head), Sniffed::Unfit(text) if text.contains(word)),
                "{word}"
            );
        }
    }

    fn limits() -> Limits {
        Limits {
            max_images_per_batch: 10,
            max_open_images: 1_000,
            max_file_bytes: 10_000,
            max_pixels: 100,
            max_files_per_presign: 10,
            max_prompt_chars: 10,
            max_image_prompt_chars: 10,
        }
    }

    #[test]
    fn folders_are_opened_and_results_stay_out() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path();
        for sub in ["b", ".hidden", "edited"] {
            fs::create_dir(root.join(sub)).unwrap();
        }
        for file in ["c.png", "b/a.png", "edited/c.png", ".hidden/x.png"] {
            fs::write(root.join(file), b"\x89PNG\r\n\x1a\n").unwrap();
        }
        fs::write(root.join("notes.txt"), "hello").unwrap();
        fs::write(root.join("old.gif"), "GIF89a").unwrap();
        let out = root.join("edited");
        let found = find(&[root.join("c.png"), root.to_owned()], &out).unwrap();
        let photos: Vec<_> = found
            .photos
            .iter()
            .map(|(path, _)| path.strip_prefix(root).unwrap().to_owned())
            .collect();
        assert_eq!(photos, [Path::new("c.png"), Path::new("b/a.png")]);
        assert_eq!(found.passed_over, [root.join("notes.txt")]);
        assert_eq!(found.unfit.len(), 1);
        let named = find(&[root.join("notes.txt")], &out).unwrap();
        assert!(named.unfit[0].reason.contains("PNG, JPEG or WebP"));
        let error = find(std::slice::from_ref(&out), &out).unwrap_err();
        assert!(error.to_string().contains("--out"), "{error}");
        assert!(find(&[root.join("gone.png")], &out).is_err());
    }

    #[test]
    fn photos_are_held_against_the_limits() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.png");
        image::RgbImage::new(10, 10).save(&path).unwrap();
        let photo = measure(&path, Kind::Png, &limits()).unwrap();
        assert_eq!(photo.sha256.len(), 64);
        let reason = |limits: &Limits, kind| measure(&path, kind, limits).unwrap_err().reason;
        assert!(
            reason(
                &Limits {
                    max_pixels: 99,
                    ..limits()
                },
                Kind::Png
            )
            .contains("10x10")
        );
        assert!(
            reason(
                &Limits {
                    max_file_bytes: 5,
                    ..limits()
                },
                Kind::Png
            )
            .contains("5 bytes")
        );
        assert!(reason(&limits(), Kind::Webp).contains("damaged"));
    }

    #[test]
    fn hashes_are_sha_256() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        fs::write(&path, "abc").unwrap();
        assert_eq!(
            hash(&path).unwrap(),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
        );
    }
}
