//! One run of xtask at a time, where two would be in each other's way.

use std::fs::{File, TryLockError};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};

use crate::interrupt;
use crate::report::Report;

/// Waits for its turn if another run of xtask is at it.
pub(crate) fn locked(path: &Path, report: Report) -> Result<File> {
    let file = File::options()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("cannot open {}", path.display()))?;
    let mut said = false;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| format!("cannot lock {}", path.display()));
            }
            Err(TryLockError::WouldBlock) => {
                if !said {
                    report.say(format_args!(
                        "waiting for another `cargo xtask` ({})",
                        path.display()
                    ));
                    said = true;
                }
                interrupt::pause(Duration::from_millis(100))?;
            }
        }
    }
}
