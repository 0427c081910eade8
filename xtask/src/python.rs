//! The project's own Python environment, where the local engine, the template's linter, OpenAI's client and the
//! fault proxy live.
//!
//! Made once in `target/venv` from the pins in [`requirements`]; a stamp with those pins lets later runs skip it.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::environment::Environment;
use crate::interrupt;
use crate::lock::locked;
use crate::process::Task;
use crate::project;
use crate::report::Report;

const OLDEST: (u32, u32) = (3, 11);
const NEWS_EVERY: Duration = Duration::from_secs(10);
/// cfn-lint's networkx refuses Python 3.14.1 for a bug of that one version.
const PROBE: &str = "import ensurepip, sys, venv; v = sys.version_info; print(*v[:2]) if v[:3] != (3, 14, 1) else sys.exit(1)";

/// The environment, while it is made.
pub(crate) struct Setup {
    report: Report,
    state: State,
}

// Two runs must not make the same environment: the lock is held until it is ready.
enum State {
    Making {
        venv: Task,
        python: PathBuf,
        lock: File,
    },
    Installing {
        pip: Task,
        _lock: File,
        last_news: Instant,
        started: Instant,
    },
    Ready,
}

impl Setup {
    /// Begins to make the environment, if it is not there.
    pub(crate) fn start(report: Report) -> Result<Self> {
        fs::create_dir_all(project::target())?;
        let lock = locked(&project::target().join("venv.lock"), report)?;
        if is_current()? {
            return Ok(Self {
                report,
                state: State::Ready,
            });
        }
        let python = find()?;
        let count = pins()?.lines().filter(|line| line.contains("==")).count();
        report.say(format_args!("Python packages: installing {count} (once)"));
        let log = File::create(log_file())?;
        let mut command = Command::new(&python);
        command.args(["-m", "venv", "--clear"]).arg(folder());
        let venv = Task::start(command.stdout(log.try_clone()?).stderr(log))?;
        Ok(Self {
            report,
            state: State::Making { venv, python, lock },
        })
    }

    /// Goes on; says whether the environment is ready.
    pub(crate) fn poll(&mut self) -> Result<bool> {
        match &mut self.state {
            State::Ready => Ok(true),
            State::Making { venv, python, lock } => {
                if let Some(status) = venv.poll()? {
                    if !status.success() {
                        bail!(
                            "{} cannot make a virtual environment:\n{}",
                            python.display(),
                            full_log()
                        );
                    }
                    let now = Instant::now();
                    let lock = lock.try_clone()?;
                    self.state = State::Installing {
                        pip: install()?,
                        last_news: now,
                        started: now,
                        _lock: lock,
                    };
                }
                Ok(false)
            }
            State::Installing {
                pip,
                last_news,
                started,
                ..
            } => {
                if let Some(status) = pip.poll()? {
                    if !status.success() {
                        bail!("pip cannot install the Python packages:\n{}", full_log());
                    }
                    fs::write(stamp(), pins()?)?;
                    let seconds = started.elapsed().as_secs();
                    self.report
                        .say(format_args!("Python packages: installed in {seconds} s"));
                    self.state = State::Ready;
                    return Ok(true);
                }
                if last_news.elapsed() >= NEWS_EVERY {
                    *last_news = Instant::now();
                    self.report
                        .say(format_args!("Python packages: {}", progress(&full_log())));
                }
                Ok(false)
            }
        }
    }

    /// Waits until it is ready.
    pub(crate) fn wait(mut self) -> Result<()> {
        while !self.poll()? {
            interrupt::pause(Duration::from_millis(20))?;
        }
        Ok(())
    }
}

/// A program of the environment.
pub(crate) fn program(name: &str) -> PathBuf {
    folder().join("bin").join(name)
}

fn folder() -> PathBuf {
    project::target().join("venv")
}

fn log_file() -> PathBuf {
    project::target().join("venv.log")
}

fn stamp() -> PathBuf {
    folder().join("installed-requirements.txt")
}

/// What the local engine needs, what `tests/python` needs, and the fault proxy. One environment, because each costs time.
fn requirements() -> [PathBuf; 3] {
    [
        project::engine(),
        project::python_tests(),
        project::faults(),
    ]
    .map(|folder| folder.join("requirements.txt"))
}

fn pins() -> Result<String> {
    let read = |path: PathBuf| {
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))
    };
    requirements().into_iter().map(read).collect()
}

fn full_log() -> String {
    String::from_utf8_lossy(&fs::read(log_file()).unwrap_or_default()).into_owned()
}

/// Whether the environment holds exactly the pins and its interpreter still runs.
fn is_current() -> Result<bool> {
    let installed = fs::read_to_string(stamp()).unwrap_or_default();
    Ok(installed == pins()? && probe(&program("python")).is_some())
}

fn install() -> Result<Task> {
    let log = File::options().append(true).open(log_file())?;
    Task::start(
        Command::new(program("python"))
            // The pins are complete, so there is nothing to resolve; modules compile when they are first used.
            .args([
                "-m",
                "pip",
                "install",
                "--no-deps",
                "--no-compile",
                "--prefer-binary",
                "--no-input",
            ])
            .args(["--disable-pip-version-check", "--progress-bar", "off"])
            .args(requirements().map(|file| format!("--requirement={}", file.display())))
            .stdout(log.try_clone()?)
            .stderr(log),
    )
}

/// How far pip is, from what it has said.
fn progress(log: &str) -> String {
    let collected = log
        .lines()
        .filter(|line| line.starts_with("Collecting "))
        .count();
    if log
        .lines()
        .any(|line| line.starts_with("Installing collected packages"))
    {
        format!("{collected} downloaded, unpacking")
    } else {
        format!("{collected} downloaded")
    }
}

fn find() -> Result<PathBuf> {
    let chosen = Environment::read().python;
    let candidates = match &chosen {
        Some(python) => vec![python.as_str()],
        None => vec![
            "python3",
            "python3.14",
            "python3.13",
            "python3.12",
            "python3.11",
        ],
    };
    let mut seen = Vec::new();
    for candidate in candidates {
        match probe(Path::new(candidate)) {
            Some(version) if version >= OLDEST => return Ok(PathBuf::from(candidate)),
            Some((major, minor)) => seen.push(format!("{candidate} is {major}.{minor}")),
            None => {}
        }
    }
    let seen = if seen.is_empty() {
        String::new()
    } else {
        format!(" ({})", seen.join(", "))
    };
    bail!(
        "Python {}.{} or newer with its venv module is needed{seen}. Install it (Debian, Ubuntu: `apt install python3 \
         python3-venv`; macOS: `brew install python`) or name one with PYTHON=/path/to/python3",
        OLDEST.0,
        OLDEST.1
    )
}

/// The version of an interpreter that can make environments.
fn probe(python: &Path) -> Option<(u32, u32)> {
    let output = Command::new(python)
        .args(["-c", PROBE])
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    parse_version(&String::from_utf8_lossy(&output.stdout))
}

fn parse_version(text: &str) -> Option<(u32, u32)> {
    let (major, minor) = text.trim().split_once(' ')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_versions() {
        assert_eq!(parse_version("3 11\n"), Some((3, 11)));
        assert_eq!(parse_version("3 9\n"), Some((3, 9)));
        assert!(parse_version("3 9\n").is_some_and(|version| version < OLDEST));
        assert_eq!(parse_version("Python?"), None);
    }

    #[test]
    fn tells_how_far_pip_is() {
        assert_eq!(
            progress("Collecting a==1\n  Downloading a\nCollecting b==2\n"),
            "2 downloaded"
        );
        assert_eq!(
            progress("Collecting a==1\nInstalling collected packages: a\n"),
            "1 downloaded, unpacking"
        );
    }
}
