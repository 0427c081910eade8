//! How long a provider asks us to wait, out of the headers of its answer.
//!
//! Three sources, best first: `retry-after-ms` (milliseconds), `retry-after` (seconds, possibly fractional, or a date), and
//! the `x-ratelimit-reset-*` family, whose values look like `58.891s`, `120ms` or `1m3s`.

use std::time::Duration;

use reqwest::header::{HeaderMap, RETRY_AFTER};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};

/// No wait is longer than this. Asking again costs nothing, and one odd header must not stop everybody's work for a day.
pub const MAX_RETRY_AFTER: Duration = Duration::from_mins(15);

/// The wait that `headers` ask for at the time `now`, at most [`MAX_RETRY_AFTER`]; `None` when they ask for none that can be
/// read.
pub(crate) fn retry_after(headers: &HeaderMap, now: OffsetDateTime) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    text("retry-after-ms")
        .and_then(milliseconds)
        .or_else(|| text(RETRY_AFTER.as_str()).and_then(|value| seconds_or_date(value, now)))
        .or_else(|| longest_reset(headers))
        .map(|wait| wait.min(MAX_RETRY_AFTER))
}

fn seconds(value: &str) -> Option<Duration> {
    // Not a number, infinite, negative: all of them end as `None` here.
    Duration::try_from_secs_f64(value.parse().ok()?).ok()
}

fn milliseconds(value: &str) -> Option<Duration> {
    seconds(value).map(|wait| wait / 1000)
}

fn seconds_or_date(value: &str, now: OffsetDateTime) -> Option<Duration> {
    seconds(value).or_else(|| {
        // The HTTP date of RFC 9110 is a narrow case of RFC 2822's. One that is past means "now".
        let then = OffsetDateTime::parse(value, &Rfc2822).ok()?;
        Some((then - now).try_into().unwrap_or(Duration::ZERO))
    })
}

/// The longest reset among the limits that are used up, or among all of them where none admits to be.
fn longest_reset(headers: &HeaderMap) -> Option<Duration> {
    let mut of_used_up = None;
    let mut of_any = None;
    for (name, value) in headers {
        let Some(limit) = name.as_str().strip_prefix("x-ratelimit-reset-") else {
            continue;
        };
        let Some(wait) = value.to_str().ok().and_then(compound) else {
            continue;
        };
        of_any = of_any.max(Some(wait));
        let remaining = headers.get(format!("x-ratelimit-remaining-{limit}"));
        if remaining.is_some_and(|left| left.as_bytes() == b"0") {
            of_used_up = of_used_up.max(Some(wait));
        }
    }
    of_used_up.or(of_any)
}

/// A duration of numbers that each carry their unit, such as `1m3s` or `58.891s`.
fn compound(value: &str) -> Option<Duration> {
    let is_numeric = |c: char| c.is_ascii_digit() || c == '.';
    let mut rest = value.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = Duration::ZERO;
    while !rest.is_empty() {
        let (number, tail) = rest.split_at_checked(rest.find(|c| !is_numeric(c))?)?;
        let (unit, tail) = tail.split_at_checked(tail.find(is_numeric).unwrap_or(tail.len()))?;
        let number = seconds(number)?;
        let part = match unit {
            "d" => number.checked_mul(24 * 60 * 60),
            "h" => number.checked_mul(60 * 60),
            "m" => number.checked_mul(60),
            "s" => Some(number),
            "ms" => Some(number / 1000),
            "us" | "µs" => Some(number / 1_000_000),
            "ns" => Some(number / 1_000_000_000),
            _ => None,
        };
        total = total.checked_add(part?)?;
        rest = tail;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use reqwest::header::{HeaderName, HeaderValue};

    use super::*;

    /// `Wed, 21 Oct 2015 07:28:00 GMT`
    const NOW: i64 = 1_445_412_480;

    fn check(headers: &[(&'static str, &'static str)], expected_ms: Option<u64>) {
        let expected = expected_ms.map(Duration::from_millis);
        let map = headers
            .iter()
            .map(|(name, value)| {
                (
                    HeaderName::from_static(name),
                    HeaderValue::from_static(value),
                )
            })
            .collect();
        let now = OffsetDateTime::from_unix_timestamp(NOW).unwrap();
        assert_eq!(retry_after(&map, now), expected, "{headers:?}");
    }

    #[test]
    fn milliseconds_win_over_seconds_over_resets() {
        let reset = ("x-ratelimit-reset-images", "3s");
        check(
            &[("retry-after-ms", "250"), ("retry-after", "2"), reset],
            Some(250),
        );
        check(&[("retry-after", "2"), reset], Some(2000));
        check(&[reset], Some(3000));
        check(&[], None);
    }

    #[test]
    fn values_in_every_notation() {
        for (value, expected) in [
            ("0", Some(0)),
            ("12", Some(12_000)),
            ("1.5", Some(1500)),
            ("Wed, 21 Oct 2015 07:28:07 GMT", Some(7000)),
            ("Wed, 21 Oct 2015 07:27:00 GMT", Some(0)),
        ] {
            check(&[("retry-after", value)], expected);
        }
        for (value, expected) in [
            ("58.891s", Some(58_891)),
            ("120ms", Some(120)),
            ("1m3s", Some(63_000)),
            ("0s", Some(0)),
            ("1m30.5s", Some(90_500)),
        ] {
            check(&[("x-ratelimit-reset-tokens", value)], expected);
        }
        check(&[("retry-after-ms", "1500.0")], Some(1500));
    }

    #[test]
    fn what_cannot_be_read_gives_way_to_the_next_source() {
        for nonsense in ["", "soon", "-1", "NaN", "inf", "1e400"] {
            check(
                &[("retry-after-ms", nonsense), ("retry-after", "2")],
                Some(2000),
            );
            check(
                &[
                    ("retry-after", nonsense),
                    ("x-ratelimit-reset-images", "3s"),
                ],
                Some(3000),
            );
        }
        for nonsense in ["", "12", "s", "1.2.3s", "1fortnight", "-3s", "1m3"] {
            check(&[("x-ratelimit-reset-images", nonsense)], None);
        }
    }

    #[test]
    fn the_limit_that_is_used_up_decides() {
        check(
            &[
                ("x-ratelimit-remaining-images", "0"),
                ("x-ratelimit-reset-images", "12s"),
                ("x-ratelimit-remaining-tokens", "9000"),
                ("x-ratelimit-reset-tokens", "40s"),
            ],
            Some(12_000),
        );
        check(
            &[
                ("x-ratelimit-reset-images", "12s"),
                ("x-ratelimit-reset-tokens", "40s"),
            ],
            Some(40_000),
        );
    }

    #[test]
    fn no_wait_is_longer_than_the_cap() {
        for header in [
            ("retry-after", "86400"),
            ("retry-after-ms", "1e12"),
            ("x-ratelimit-reset-images", "30d"),
            ("retry-after", "Wed, 21 Oct 2099 07:28:00 GMT"),
        ] {
            check(&[header], Some(15 * 60 * 1000));
        }
    }
}
