//! Processes: running one to its end, telling whether one is still ours, stopping one with all its children.
//!
//! Each leads a process group, so that the functions which the engine starts can be stopped with it, and so
//! that a Ctrl-C in the terminal reaches xtask alone. A process id may be used again by a stranger: whoever wants to
//! signal one compares its start time first.

mod table;

#[cfg(test)]
pub(crate) use table::group_size;

use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use nix::errno::Errno;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::Pid;
use serde::{Deserialize, Serialize};

use crate::interrupt;
use crate::wait::wait_to_stop;

/// How long a process may take to stop by itself.
const GRACE: Duration = Duration::from_secs(8);
const POLL: Duration = Duration::from_millis(20);

/// A process that can be recognised later, by another run of xtask.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Known {
    /// What it is: `engine`, `front-door`.
    pub(crate) name: String,
    /// Its process id, and that of its group.
    pub(crate) pid: u32,
    /// When it was started, in the words of the operating system.
    pub(crate) start_time: Option<String>,
}

impl Known {
    /// Remembers a process that runs now.
    pub(crate) fn new(name: &str, pid: u32) -> Self {
        Self {
            name: name.to_owned(),
            pid,
            start_time: table::start_time(pid),
        }
    }

    /// Whether it still runs, and is not another one with its number.
    pub(crate) fn is_alive(&self) -> bool {
        self.start_time.is_some() && table::start_time(self.pid) == self.start_time
    }

    /// Asks it alone to stop, and gives it time for that.
    pub(crate) fn ask_to_stop(&self, within: Duration) {
        if self.is_alive() {
            signal(Signal::SIGTERM, self.pid, kill);
        }
        wait_to_stop(within, || !self.is_alive());
    }

    /// Stops it and everything in its group: asks first, then insists.
    ///
    /// If it is gone already, what it left behind is recognised by a command line that mentions `dir`.
    pub(crate) fn stop(&self, dir: &Path) {
        if self.is_alive() {
            signal(Signal::SIGTERM, self.pid, killpg);
            wait_to_stop(GRACE, || !self.is_alive());
            signal(Signal::SIGKILL, self.pid, killpg);
            wait_to_stop(GRACE, || !self.is_alive());
        }
        for orphan in table::orphans(self.pid, dir) {
            signal(Signal::SIGKILL, orphan, kill);
        }
    }
}

/// Sends a signal. That nobody is left to receive it is what we want to reach, so it is no error.
fn signal(signal: Signal, pid: u32, send: fn(Pid, Option<Signal>) -> nix::Result<()>) {
    let Ok(pid) = i32::try_from(pid) else { return };
    match send(Pid::from_raw(pid), Some(signal)) {
        Ok(()) | Err(Errno::ESRCH) => {}
        Err(error) => eprintln!("cannot send {signal} to process {pid}: {error}"),
    }
}

/// The last lines of a log.
pub(crate) fn tail(log: &Path) -> String {
    const LINES: usize = 25;
    let bytes = std::fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let last = lines
        .get(lines.len().saturating_sub(LINES)..)
        .unwrap_or_default();
    last.iter().flat_map(|line| ["  | ", line, "\n"]).collect()
}

/// A child that works for us. If it is dropped before its end, it is stopped with its own children (cargo's tests).
pub(crate) struct Task {
    child: Child,
    over: bool,
}

impl Task {
    /// Starts it.
    pub(crate) fn start(command: &mut Command) -> Result<Self> {
        let child = command
            .stdin(Stdio::null())
            .process_group(0)
            .spawn()
            .with_context(|| format!("cannot start {}", command.get_program().display()))?;
        Ok(Self { child, over: false })
    }

    /// How it ended, if it has.
    pub(crate) fn poll(&mut self) -> Result<Option<ExitStatus>> {
        let status = self.child.try_wait()?;
        self.over = status.is_some();
        Ok(status)
    }

    /// Waits for its end.
    pub(crate) fn wait(mut self) -> Result<ExitStatus> {
        loop {
            if let Some(status) = self.poll()? {
                return Ok(status);
            }
            interrupt::pause(POLL)?;
        }
    }
}

impl Drop for Task {
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let pid = self.child.id();
        signal(Signal::SIGTERM, pid, killpg);
        wait_to_stop(GRACE, || table::group_size(pid) == 0);
        signal(Signal::SIGKILL, pid, killpg);
    }
}

/// Runs a command to its end, in the terminal. Returns whether it succeeded.
pub(crate) fn run(command: &mut Command) -> Result<bool> {
    Ok(Task::start(command)?.wait()?.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_alone_is_not_enough_to_be_known() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let known = Known::new("sleeper", child.id());
        let stranger = Known {
            start_time: Some("long ago".to_owned()),
            ..known.clone()
        };
        assert!(known.is_alive());
        assert!(!stranger.is_alive());
        stranger.stop(Path::new("/nowhere"));
        assert!(known.is_alive(), "a stranger must not be stopped");
        child.kill().unwrap();
        assert!(
            wait_to_stop(GRACE, || !known.is_alive()),
            "a zombie does not live"
        );
        child.wait().unwrap();
    }
}
