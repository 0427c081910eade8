//! The checker: do all records keep the rules? It only reads.
//!
//! Both tables are read once from end to end. That is no snapshot: what goes on meanwhile may look wrong. So whatever
//! looks wrong is a suspect, which is read again, alone and as a whole, until two reads in a row say the same. What is
//! wrong then is reported.

pub mod account;
pub mod batch;
pub mod calls;
mod order;
mod survey;
mod suspect;
#[cfg(test)]
mod tests;
mod violation;
#[cfg(test)]
mod world;

use std::{fmt, time::Duration};

use anyhow::Result;
use domain::Timestamp;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use serde::Serialize;

pub use self::violation::{Code, Ids, Rule, Violation};
use self::{batch::Expected, calls::Seen, survey::Survey, suspect::Verdict};
use crate::stack::Stack;

/// Suspects that are looked into at the same time.
const AT_ONCE: usize = 8;

/// What to look at, and what to expect.
#[derive(Clone, Debug)]
pub struct Options {
    /// For how long after its deadline an image may be open.
    pub grace: Duration,
    /// Is nothing going on, so that no image may be open and no execution running?
    pub at_rest: bool,
    /// Are the results looked for, too? One request a batch.
    pub photos: bool,
    /// Are the executions looked for, too?
    pub executions: bool,
    /// What the provider had seen before the audit began, if it tells.
    pub seen: Option<Vec<Seen>>,
}

/// What an audit has found.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// When it began.
    pub at: Timestamp,
    /// Was nothing to be going on?
    pub at_rest: bool,
    /// Accounts judged.
    pub accounts: u64,
    /// Batches judged.
    pub batches: u64,
    /// What is wrong.
    pub violations: Vec<Violation>,
    /// What looked wrong and kept changing: not judged.
    pub unsettled: Vec<String>,
}

/// Judges everything.
pub async fn audit(stack: &Stack, options: &Options) -> Result<Report> {
    let now = Timestamp::now();
    let auditor = Auditor {
        stack,
        options,
        expected: Expected {
            now,
            grace: options.grace,
            at_rest: options.at_rest,
        },
    };
    let Survey {
        accounts,
        batches,
        mut violations,
        suspects,
        counted,
        ..
    } = auditor.survey().await?;
    let verdicts: Vec<Verdict> = stream::iter(suspects)
        .map(|suspect| auditor.look_into(suspect))
        .buffered(AT_ONCE)
        .try_collect()
        .await?;
    let mut unsettled = Vec::new();
    for verdict in verdicts {
        match verdict {
            Verdict::Judged(found) => violations.extend(found),
            Verdict::Unsettled(suspect) => unsettled.push(suspect.to_string()),
        }
    }
    let seen = options.seen.iter();
    violations.extend(seen.flat_map(|seen| calls::judge(seen, &counted)));
    violations.sort_by(|a, b| (a.code, &a.ids).cmp(&(b.code, &b.ids)));
    Ok(Report {
        at: now,
        at_rest: options.at_rest,
        accounts,
        batches,
        violations,
        unsettled,
    })
}

/// An audit that goes on.
pub(crate) struct Auditor<'a> {
    pub(crate) stack: &'a Stack,
    pub(crate) options: &'a Options,
    pub(crate) expected: Expected,
}

impl Default for Options {
    /// Beside traffic, and nothing but the tables.
    fn default() -> Self {
        Self {
            // Longer than a claim may keep the rescue of an image waiting, and the schedules of whoever looks after it.
            grace: Duration::from_hours(1),
            at_rest: false,
            photos: false,
            executions: false,
            seen: None,
        }
    }
}

impl Report {
    /// Is nothing wrong? At rest, nothing may change either.
    #[must_use]
    pub const fn is_sound(&self) -> bool {
        self.violations.is_empty() && (self.unsettled.is_empty() || !self.at_rest)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for violation in &self.violations {
            writeln!(f, "{violation}")?;
        }
        for suspect in &self.unsettled {
            writeln!(f, "not judged, because it kept changing: {suspect}")?;
        }
        write!(
            f,
            "{} accounts and {} batches: {} violations",
            self.accounts,
            self.batches,
            self.violations.len()
        )
    }
}
