//! What the rules in `tests/` read: the project's own files, as they lie in the tree. Nothing here judges; a loader only
//! refuses to find nothing, because a rule about nothing always holds.

mod source;
mod template;
mod tree;
mod workflow;

use std::fmt::Display;

use anyhow::{Result, bail};

pub use source::{literals, names_after, production, without_tests};
pub use template::{Event, Function, Reference, Resource, Statement, Template, at, each};
pub use tree::{digits_of_accounts, files, folders, read, sources};
pub use workflow::Workflow;

/// What a rule has found wrong.
#[derive(Debug, Default)]
pub struct Faults(Vec<String>);

impl Faults {
    /// Nothing, so far.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// This is wrong.
    pub fn found(&mut self, fault: impl Display) {
        self.0.push(fault.to_string());
    }

    /// This is wrong, unless it `holds`.
    pub fn unless(&mut self, holds: bool, fault: impl Display) {
        if !holds {
            self.found(fault);
        }
    }

    /// Fails with everything that is wrong at once, and with what to do about it.
    pub fn none_or(self, advice: &str) -> Result<()> {
        if self.0.is_empty() {
            return Ok(());
        }
        bail!("\n  - {}\n{advice}\n", self.0.join("\n  - "))
    }
}
