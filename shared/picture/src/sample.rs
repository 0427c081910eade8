//! What has been read of a file: all of it, or its beginning and its end.

use crate::PictureRefused;

/// A file's first and last bytes. Nothing of a file is ever copied to look at it.
#[derive(Clone, Copy, Debug)]
pub struct Sample<'a> {
    head: &'a [u8],
    tail: &'a [u8],
    total: usize,
}

/// Why the look at a file ended early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    /// For good.
    Refused(PictureRefused),
    /// What decides lies between the bytes that were read.
    NotSeen,
}

impl From<PictureRefused> for Stop {
    fn from(refused: PictureRefused) -> Self {
        Self::Refused(refused)
    }
}

impl<'a> Sample<'a> {
    /// The first and the last bytes of a file that has `total`. They may overlap, and the first may be all there are.
    #[must_use]
    pub fn new(head: &'a [u8], tail: &'a [u8], total: u64) -> Self {
        // No such file fits memory; all that counts is that it is refused for its length.
        let total = usize::try_from(total).unwrap_or(usize::MAX);
        Self { head, tail, total }
    }

    /// All of a file.
    #[must_use]
    pub const fn whole(file: &'a [u8]) -> Self {
        Self {
            head: file,
            tail: &[],
            total: file.len(),
        }
    }

    /// Has all of the file been read?
    pub(crate) const fn is_whole(&self) -> bool {
        self.head.len() >= self.total
    }

    /// The file's length.
    pub(crate) const fn total(&self) -> usize {
        self.total
    }

    /// Its first bytes.
    pub(crate) const fn head(&self) -> &'a [u8] {
        self.head
    }

    /// Its last bytes.
    pub(crate) const fn tail(&self) -> &'a [u8] {
        if self.is_whole() {
            self.head
        } else {
            self.tail
        }
    }

    /// `length` bytes from `at`.
    pub(crate) fn get(&self, at: usize, length: usize) -> Result<&'a [u8], Stop> {
        let end = at.checked_add(length).filter(|end| *end <= self.total);
        let end = end.ok_or(PictureRefused::Truncated)?;
        let in_tail = || {
            let tail_starts = self.total.checked_sub(self.tail.len())?;
            self.tail
                .get(at.checked_sub(tail_starts)?..end.checked_sub(tail_starts)?)
        };
        self.head.get(at..end).or_else(in_tail).ok_or(Stop::NotSeen)
    }

    /// The `N` bytes at `at`.
    pub(crate) fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], Stop> {
        let bytes = self.get(at, N)?;
        bytes.first_chunk().copied().ok_or(Stop::NotSeen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_read_is_told_from_what_is_not_there() {
        let sample = Sample::new(b"abc", b"hij", 10);
        assert_eq!(sample.get(1, 2), Ok(&b"bc"[..]));
        assert_eq!(sample.get(7, 3), Ok(&b"hij"[..]));
        assert_eq!(sample.get(2, 2), Err(Stop::NotSeen));
        assert_eq!(sample.get(6, 2), Err(Stop::NotSeen));
        let truncated = Err(PictureRefused::Truncated.into());
        assert_eq!(sample.get(8, 3), truncated);
        assert_eq!(sample.get(usize::MAX, 2), truncated);
        // Ends that say more than the file's length are not trusted with it.
        assert_eq!(Sample::new(b"", b"abc", 2).get(0, 2), Err(Stop::NotSeen));
    }
}
