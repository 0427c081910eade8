//! Ctrl-C and SIGTERM, as a flag that every wait looks at.
//!
//! Knows that somebody wants us to stop, not what that means: whoever waits gets [`Interrupted`] and unwinds through
//! the guards that stop what was started.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};

/// The error of a wait that Ctrl-C or SIGTERM ended.
#[derive(Debug)]
pub(crate) struct Interrupted;

impl std::fmt::Display for Interrupted {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("interrupted")
    }
}

impl std::error::Error for Interrupted {}

struct Flag {
    asked: Mutex<bool>,
    changed: Condvar,
}

static FLAG: Flag = Flag {
    asked: Mutex::new(false),
    changed: Condvar::new(),
};

/// Listens for SIGINT, SIGTERM and SIGHUP from now on.
pub(crate) fn install() -> Result<()> {
    ctrlc::set_handler(|| {
        *FLAG.asked.lock().unwrap_or_else(PoisonError::into_inner) = true;
        FLAG.changed.notify_all();
    })
    .context("cannot listen for Ctrl-C")
}

/// Waits this long, or fails as soon as somebody wants us to stop.
pub(crate) fn pause(duration: Duration) -> Result<(), Interrupted> {
    let asked = FLAG.asked.lock().unwrap_or_else(PoisonError::into_inner);
    let (asked, _) = FLAG
        .changed
        .wait_timeout_while(asked, duration, |asked| !*asked)
        .unwrap_or_else(PoisonError::into_inner);
    if *asked { Err(Interrupted) } else { Ok(()) }
}

/// Waits this long, whatever anybody wants: for the waits of stopping itself.
pub(crate) fn pause_regardless(duration: Duration) {
    let never = Mutex::new(());
    let guard = never.lock().unwrap_or_else(PoisonError::into_inner);
    // Nobody notifies it, so it is the time that ends the wait.
    drop(Condvar::new().wait_timeout_while(guard, duration, |()| true));
}
