//! Images per minute: a bucket that refills evenly. Pure: the caller brings the time.

use std::{
    num::NonZeroU32,
    time::{Duration, Instant},
};

use axum::http::{HeaderMap, HeaderValue};

/// One image in the bucket's units, chosen so that a bucket of N a minute gains N units a millisecond.
const IMAGE: u64 = 60_000;

/// The organisation's bucket.
#[derive(Debug)]
pub(crate) struct Limiter {
    images_per_minute: Option<NonZeroU32>,
    level: u64,
    at: Instant,
}

/// The state of the bucket after a request, for the headers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Standing {
    limit: u32,
    remaining: u64,
    full_in: Duration,
}

/// The answer to a request for some images.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Turn {
    /// There is no limit.
    Unlimited,
    /// The images are taken out of the bucket.
    Taken(Standing),
    /// The bucket does not hold that many before `wait` is over.
    Wait { wait: Duration, standing: Standing },
}

impl Limiter {
    /// A full bucket.
    pub(crate) fn new(images_per_minute: Option<NonZeroU32>, now: Instant) -> Self {
        let mut limiter = Self {
            images_per_minute,
            level: 0,
            at: now,
        };
        limiter.level = limiter.capacity();
        limiter
    }

    /// The limit as it is now.
    pub(crate) fn images_per_minute(&self) -> Option<NonZeroU32> {
        self.images_per_minute
    }

    /// Takes `images` out, if they are in.
    pub(crate) fn take(&mut self, images: u32, now: Instant) -> Turn {
        let Some(limit) = self.images_per_minute else {
            return Turn::Unlimited;
        };
        let per_milli = u64::from(limit.get());
        // Whole milliseconds only; the rest of one stays in `at` for the next time.
        let elapsed =
            u64::try_from(now.saturating_duration_since(self.at).as_millis()).unwrap_or(u64::MAX);
        self.at = self
            .at
            .checked_add(Duration::from_millis(elapsed))
            .unwrap_or(now);
        self.level = self
            .level
            .saturating_add(elapsed.saturating_mul(per_milli))
            .min(self.capacity());

        let asked = u64::from(images).saturating_mul(IMAGE);
        match self.level.checked_sub(asked) {
            Some(rest) => {
                self.level = rest;
                Turn::Taken(self.standing(limit))
            }
            None => Turn::Wait {
                wait: Duration::from_millis(asked.saturating_sub(self.level).div_ceil(per_milli)),
                standing: self.standing(limit),
            },
        }
    }

    fn capacity(&self) -> u64 {
        self.images_per_minute
            .map_or(0, |limit| u64::from(limit.get()).saturating_mul(IMAGE))
    }

    fn standing(&self, limit: NonZeroU32) -> Standing {
        let missing = self.capacity().saturating_sub(self.level);
        Standing {
            limit: limit.get(),
            remaining: self.level / IMAGE,
            full_in: Duration::from_millis(missing.div_ceil(u64::from(limit.get()))),
        }
    }
}

impl Standing {
    /// `x-ratelimit-{limit,remaining,reset}-images`.
    pub(crate) fn write(self, headers: &mut HeaderMap) {
        for (name, value) in [
            ("x-ratelimit-limit-images", self.limit.to_string()),
            ("x-ratelimit-remaining-images", self.remaining.to_string()),
            ("x-ratelimit-reset-images", in_words(self.full_in)),
        ] {
            if let Ok(value) = HeaderValue::try_from(value) {
                headers.insert(name, value);
            }
        }
    }
}

/// A duration as OpenAI writes it: `120ms`, `58.891s`, `1m0s`.
fn in_words(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    match (seconds / 60, seconds % 60, millis) {
        (0, 0, millis) => format!("{millis}ms"),
        (0, seconds, 0) => format!("{seconds}s"),
        (0, seconds, millis) => format!("{seconds}.{millis:03}s"),
        (minutes, seconds, 0) => format!("{minutes}m{seconds}s"),
        (minutes, seconds, millis) => format!("{minutes}m{seconds}.{millis:03}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_in_openais_words() {
        for (millis, words) in [
            (0, "0ms"),
            (120, "120ms"),
            (1_000, "1s"),
            (58_891, "58.891s"),
            (60_000, "1m0s"),
            (61_005, "1m1.005s"),
        ] {
            assert_eq!(in_words(Duration::from_millis(millis)), words);
        }
    }

    #[test]
    fn an_empty_bucket_says_when_to_come_back() {
        let start = Instant::now();
        let mut limiter = Limiter::new(NonZeroU32::new(2), start);
        assert_eq!(
            limiter.take(2, start),
            Turn::Taken(Standing {
                limit: 2,
                remaining: 0,
                full_in: Duration::from_mins(1)
            })
        );
        let Turn::Wait { wait, .. } = limiter.take(1, start) else {
            panic!("the bucket is empty")
        };
        assert_eq!(wait, Duration::from_secs(30));
        assert!(matches!(
            limiter.take(1, start + Duration::from_millis(29_999)),
            Turn::Wait { .. }
        ));
        assert!(matches!(limiter.take(1, start + wait), Turn::Taken(_)));
    }

    #[test]
    fn without_a_limit_nothing_waits() {
        let start = Instant::now();
        assert_eq!(Limiter::new(None, start).take(10, start), Turn::Unlimited);
    }
}
