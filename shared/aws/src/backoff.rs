//! Waiting between tries: exponential with full jitter, within a budget of time.

use std::time::Duration;

use tokio::time::Instant;

/// One series of tries.
pub(crate) struct Backoff {
    give_up_at: Instant,
    tries: u32,
}

impl Backoff {
    const FIRST: Duration = Duration::from_millis(20);
    const LONGEST: Duration = Duration::from_secs(1);

    /// Tries for at most this long.
    pub(crate) fn within(budget: Duration) -> Self {
        Self {
            give_up_at: Instant::now() + budget,
            tries: 0,
        }
    }

    /// Waits before the next try. `false`: the budget does not allow another.
    pub(crate) async fn wait(&mut self) -> bool {
        let ceiling = ceiling(self.tries);
        self.tries += 1;
        let millis = u64::try_from(ceiling.as_millis()).unwrap_or(u64::MAX);
        let until = Instant::now() + Duration::from_millis(fastrand::u64(0..=millis));
        if until > self.give_up_at {
            return false;
        }
        tokio::time::sleep_until(until).await;
        true
    }
}

/// The longest that the wait after so many tries may be.
fn ceiling(tries: u32) -> Duration {
    Backoff::FIRST
        .saturating_mul(1 << tries.min(10))
        .min(Backoff::LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_limit() {
        let ceilings: Vec<_> = (0..40).map(ceiling).collect();
        assert!(ceilings.is_sorted());
        assert_eq!(ceilings.first(), Some(&Backoff::FIRST));
        assert_eq!(ceilings.last(), Some(&Backoff::LONGEST));
    }
}
