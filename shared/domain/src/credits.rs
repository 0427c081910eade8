//! What users pay with. Whole numbers only: there is no half credit, and no float comes near one.

use std::fmt;

use serde::{Deserialize, Serialize};

/// An amount of credits, never negative. Arithmetic is checked; there is no `+`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Credits(u64);

/// A sum that no real account reaches: larger than DynamoDB's and JSON's exact integers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an amount of credits is larger than {}", Credits::MAX)]
pub struct CreditsOverflow;

impl Credits {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The most that an amount can be: 2^53 - 1, the largest integer that every JSON reader keeps exact.
    pub const MAX: Self = Self((1 << 53) - 1);

    /// So many credits.
    pub const fn new(amount: u64) -> Result<Self, CreditsOverflow> {
        if amount > Self::MAX.0 {
            return Err(CreditsOverflow);
        }
        Ok(Self(amount))
    }

    /// A small amount that is known to fit, such as a constant.
    #[must_use]
    pub const fn small(amount: u32) -> Self {
        Self(amount as u64)
    }

    /// The plain number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Is it nothing?
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The sum.
    pub const fn plus(self, other: Self) -> Result<Self, CreditsOverflow> {
        // Both are below 2^53, so this cannot wrap.
        Self::new(self.0 + other.0)
    }

    /// The difference, or `None` if there is less than `other`.
    #[must_use]
    pub const fn minus(self, other: Self) -> Option<Self> {
        match self.0.checked_sub(other.0) {
            Some(rest) => Some(Self(rest)),
            None => None,
        }
    }

    /// So many times this.
    pub const fn times(self, count: u64) -> Result<Self, CreditsOverflow> {
        match self.0.checked_mul(count) {
            Some(product) => Self::new(product),
            None => Err(CreditsOverflow),
        }
    }
}

impl fmt::Display for Credits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arithmetic_is_checked() {
        let ten = Credits::small(10);
        assert_eq!(ten.plus(Credits::small(5)), Ok(Credits::small(15)));
        assert_eq!(ten.minus(Credits::small(11)), None);
        assert_eq!(ten.minus(ten), Some(Credits::ZERO));
        assert_eq!(ten.times(50), Ok(Credits::small(500)));
        assert_eq!(Credits::MAX.plus(Credits::small(1)), Err(CreditsOverflow));
        assert_eq!(Credits::MAX.times(u64::MAX), Err(CreditsOverflow));
        assert_eq!(Credits::new(1 << 53), Err(CreditsOverflow));
    }
}
