//! What a verb says while it works: one line a phase, with the seconds since the start.

use std::io::Write as _;
use std::time::Instant;

/// The clock of one run.
#[derive(Clone, Copy)]
pub(crate) struct Report {
    start: Instant,
}

impl Report {
    /// Starts the clock.
    pub(crate) fn start() -> Self {
        Self {
            start: Instant::now(),
        }
    }

    /// Says that something has happened, or begins.
    pub(crate) fn say(&self, what: impl std::fmt::Display) {
        line(format_args!("{} {what}", seconds(self.start)));
    }
}

/// Prints a line. That nobody reads it (`cargo xtask up | head`) is no reason to stop.
pub(crate) fn line(what: impl std::fmt::Display) {
    if writeln!(std::io::stdout(), "{what}").is_err() {}
}

/// The time since then, as every line of ours shows it.
pub(crate) fn seconds(since: Instant) -> String {
    let tenths = since.elapsed().as_millis() / 100;
    format!("{:>4}.{} s ", tenths / 10, tenths % 10)
}
