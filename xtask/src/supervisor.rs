//! Everything that one run of xtask has started for a stack, and its end.
//!
//! Dropping a [`Supervisor`] stops its processes, the youngest first, and clears their folder, however the run ends;
//! unless they were let go.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::process::{Known, tail};
use crate::stack::{Folder, Ledger, Wanted};

/// The processes of a stack, and the folder that tells of them.
pub(crate) struct Supervisor {
    folder: Folder,
    wanted: Wanted,
    children: Vec<Running>,
    keeps: bool,
}

struct Running {
    known: Known,
    child: Child,
    log: PathBuf,
}

impl Supervisor {
    /// Nothing runs yet.
    pub(crate) fn new(folder: Folder, wanted: Wanted) -> Self {
        Self {
            folder,
            wanted,
            children: Vec::new(),
            keeps: false,
        }
    }

    /// Starts a process in a group of its own; what it says goes to `<folder>/<name>.log`.
    pub(crate) fn start(&mut self, name: &str, command: &mut Command) -> Result<()> {
        let log = self.log(name);
        let file = File::create(&log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file)
            .process_group(0)
            .spawn()
            .with_context(|| {
                format!("cannot start {name} ({})", command.get_program().display())
            })?;
        self.children.push(Running {
            known: Known::new(name, child.id()),
            child,
            log,
        });
        self.record(None)
    }

    /// Where a process writes to.
    pub(crate) fn log(&self, name: &str) -> PathBuf {
        self.folder.join(&format!("{name}.log"))
    }

    /// All of them, in the order of their start.
    pub(crate) fn known(&self) -> Vec<Known> {
        self.children
            .iter()
            .map(|running| running.known.clone())
            .collect()
    }

    /// Fails, with the end of its log, if one of them has ended.
    pub(crate) fn check(&mut self) -> Result<()> {
        for running in &mut self.children {
            if let Some(status) = running.child.try_wait()? {
                let (name, log) = (&running.known.name, &running.log);
                bail!(
                    "{name} has ended ({status}). The end of {}:\n{}",
                    log.display(),
                    tail(log)
                );
            }
        }
        Ok(())
    }

    /// The services outside of AWS that the stack was started with, and where they are.
    pub(crate) fn vendors(&self) -> &BTreeMap<String, String> {
        &self.wanted.vendors
    }

    /// Tells `down` that this run of xtask stays to guard them.
    pub(crate) fn stay(&self) -> Result<()> {
        self.record(Some(Known::new("xtask", std::process::id())))
    }

    /// Lets them live on when we end.
    pub(crate) fn let_go(mut self) {
        self.keeps = true;
    }

    fn record(&self, owner: Option<Known>) -> Result<()> {
        self.folder.record(&Ledger {
            wanted: self.wanted.clone(),
            owner,
            processes: self.known(),
        })
    }
}

impl Drop for Supervisor {
    fn drop(&mut self) {
        if self.keeps {
            return;
        }
        // First, so that no client reads of what is about to go.
        self.folder.withdraw();
        for running in self.children.drain(..).rev() {
            running.known.stop(self.folder.path());
        }
        self.folder.forget();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::ports::Ports;
    use crate::process::group_size;
    use crate::wait::wait_to_stop;

    const PATIENCE: Duration = Duration::from_secs(5);

    fn supervisor(dir: &tempfile::TempDir) -> Supervisor {
        let wanted = Wanted {
            ports: Ports::default(),
            parameters: Vec::new(),
            vendors: BTreeMap::new(),
        };
        Supervisor::new(Folder::new(dir.path().to_path_buf()), wanted)
    }

    #[test]
    fn dropping_it_stops_grandchildren_too() {
        let dir = tempfile::tempdir().unwrap();
        let mut supervisor = supervisor(&dir);
        supervisor
            .start(
                "sleeper",
                Command::new("sh").args(["-c", "sleep 60 & sleep 60"]),
            )
            .unwrap();
        let leader = supervisor.known().remove(0);
        assert!(wait_to_stop(PATIENCE, || group_size(leader.pid) >= 2));
        assert_eq!(
            supervisor.folder.ledger().unwrap().processes,
            std::slice::from_ref(&leader)
        );
        let folder = supervisor.folder.clone();
        drop(supervisor);
        assert!(wait_to_stop(PATIENCE, || group_size(leader.pid) == 0));
        assert!(folder.ledger().is_none());
    }

    #[test]
    fn what_was_let_go_lives_on() {
        let dir = tempfile::tempdir().unwrap();
        let mut supervisor = supervisor(&dir);
        supervisor
            .start("sleeper", Command::new("sleep").arg("60"))
            .unwrap();
        let known = supervisor.known().remove(0);
        supervisor.let_go();
        assert!(known.is_alive());
        known.stop(dir.path());
        assert!(!known.is_alive());
    }

    #[test]
    fn an_end_is_reported_with_the_log() {
        let dir = tempfile::tempdir().unwrap();
        let mut supervisor = supervisor(&dir);
        supervisor
            .start(
                "doomed",
                Command::new("sh").args(["-c", "echo out of luck; exit 3"]),
            )
            .unwrap();
        let mut message = String::new();
        assert!(wait_to_stop(PATIENCE, || {
            message = supervisor
                .check()
                .err()
                .map_or_else(String::new, |error| error.to_string());
            !message.is_empty()
        }));
        assert!(
            message.contains("doomed")
                && message.contains("exit status: 3")
                && message.contains("out of luck")
        );
    }
}
