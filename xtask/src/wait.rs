//! Waiting for something to become true, with a deadline.

use std::time::{Duration, Instant};

use anyhow::Result;

use crate::interrupt;

const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// Looks again and again until `look` finds something, the deadline passes (`None`), or somebody wants us to stop.
pub(crate) fn wait_until<T>(
    within: Duration,
    mut look: impl FnMut() -> Result<Option<T>>,
) -> Result<Option<T>> {
    let deadline = Instant::now() + within;
    let mut pause = FIRST_PAUSE;
    loop {
        if let Some(found) = look()? {
            return Ok(Some(found));
        }
        if Instant::now() >= deadline {
            return Ok(None);
        }
        interrupt::pause(pause)?;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

/// The same for stopping: nothing but the deadline ends it. Returns whether it became true.
pub(crate) fn wait_to_stop(within: Duration, mut is_over: impl FnMut() -> bool) -> bool {
    let deadline = Instant::now() + within;
    loop {
        if is_over() {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        interrupt::pause_regardless(Duration::from_millis(20));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_appears_later() {
        let mut looks = 0;
        let found = wait_until(Duration::from_secs(5), || {
            looks += 1;
            Ok((looks == 3).then_some("there"))
        });
        assert_eq!(found.unwrap(), Some("there"));
        assert_eq!(looks, 3);
    }

    #[test]
    fn gives_up_at_the_deadline() {
        let found: Option<()> = wait_until(Duration::from_millis(20), || Ok(None)).unwrap();
        assert_eq!(found, None);
    }
}
