//! Requests per second, counted in seconds that begin with a request. Pure: the caller brings the time.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

/// The team's count.
#[derive(Debug)]
pub(super) struct Limiter {
    per_second: NonZeroU32,
    /// When the second began, and how many requests it has had.
    window: Option<(Instant, u32)>,
}

impl Limiter {
    /// Nobody has asked yet.
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        Self {
            per_second,
            window: None,
        }
    }

    /// The limit.
    pub(super) fn per_second(&self) -> NonZeroU32 {
        self.per_second
    }

    /// How many more may follow in this second, or none if this one is too many.
    pub(super) fn take(&mut self, now: Instant) -> Option<u32> {
        let (began, count) = match self.window {
            Some((began, count)) if now < began + Duration::from_secs(1) => (began, count),
            _ => (now, 0),
        };
        let count = count.saturating_add(1);
        self.window = Some((began, count));
        self.per_second.get().checked_sub(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_requests() {
        let mut limiter = Limiter::new(NonZeroU32::MIN.saturating_add(1));
        let now = Instant::now();
        let taken = [now, now, now, now + Duration::from_secs(1)].map(|now| limiter.take(now));
        assert_eq!(taken, [Some(1), Some(0), None, Some(1)]);
    }
}
