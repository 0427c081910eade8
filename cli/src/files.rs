//! Writing files whole. Knows nothing of what is in them.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Readers {
    /// Its owner only (where the system knows such a thing).
    Owner,
    /// Whoever the user's umask lets.
    Anybody,
}

/// Writes a file so that a reader, or a machine that loses power, finds the old content or the new one, never half of it.
pub(crate) fn write_whole(path: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir)?;
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let part = path.with_file_name(format!(".{name}.{}.part", std::process::id()));
    let written = write_part(&part, content, readers)
        .and_then(|()| fs::rename(&part, path))
        .and_then(|()| keep_name(path));
    if written.is_err() && part.exists() {
        fs::remove_file(&part)?;
    }
    written
}

/// A rename is on the disk only when its folder is.
#[cfg(unix)]
fn keep_name(path: &Path) -> io::Result<()> {
    let dir = match path.parent() {
        Some(dir) if dir != Path::new("") => dir,
        _ => Path::new("."),
    };
    match fs::File::open(dir)?.sync_all() {
        // Some file systems of other machines know no such thing.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

#[cfg(not(unix))]
fn keep_name(_: &Path) -> io::Result<()> {
    Ok(())
}

fn write_part(part: &Path, content: &[u8], readers: Readers) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    if readers == Readers::Owner {
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    }
    let mut file = options.open(part)?;
    file.write_all(content)?;
    file.sync_all()
}
