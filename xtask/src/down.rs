//! `cargo xtask down`: stops what `up` has started in a folder, and nothing else.

use std::time::Duration;

use anyhow::{Result, bail};
use lexopt::{Arg, Parser};

use crate::args::StackOptions;
use crate::process::Known;
use crate::report::Report;
use crate::stack::Folder;

const OWNER_GRACE: Duration = Duration::from_secs(30);

/// `down`'s command line.
pub(crate) struct Options {
    stack: StackOptions,
}

impl Options {
    /// Reads it.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self> {
        let mut options = Self {
            stack: StackOptions::default(),
        };
        while let Some(arg) = parser.next()? {
            let Arg::Long(name) = arg else {
                return Err(arg.unexpected().into());
            };
            let name = name.to_owned();
            // Other options of a stack are accepted, so that scripts can give both verbs the same ones.
            if !options.stack.take(&name, &mut parser)? {
                bail!("down has no option --{name}");
            }
        }
        Ok(options)
    }
}

/// Stops the stack of a folder.
pub(crate) fn run(options: &Options) -> Result<()> {
    let report = Report::start();
    let folder = options.stack.folder();
    if stop(&folder, report)? {
        report.say("everything has stopped");
    } else {
        report.say(format_args!(
            "nothing runs from {}",
            folder.path().display()
        ));
    }
    Ok(())
}

/// Stops what the folder's ledger names, as far as it is still ours. Says whether there was anything.
pub(crate) fn stop(folder: &Folder, report: Report) -> Result<bool> {
    let Some(ledger) = folder.ledger() else {
        folder.forget();
        return Ok(false);
    };
    let mut found = false;
    // An `up` in the foreground would take our stopping for a crash: it is asked to do it itself.
    if let Some(owner) = ledger.owner.filter(Known::is_alive) {
        report.say("asking the `cargo xtask up` that guards the stack to stop it");
        owner.ask_to_stop(OWNER_GRACE);
        found = true;
    }
    for process in ledger.processes.iter().rev() {
        if process.is_alive() {
            report.say(format_args!("stopping {}", process.name));
            found = true;
        }
        process.stop(folder.path());
        if process.is_alive() {
            bail!("{} (process {}) does not stop", process.name, process.pid);
        }
    }
    folder.forget();
    Ok(found)
}
