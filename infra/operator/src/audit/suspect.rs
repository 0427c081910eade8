//! The second reading: what looked wrong, alone and as a whole, until two reads in a row agree.

use std::{collections::BTreeSet, fmt, time::Duration};

use anyhow::Result;
use domain::BatchId;

use super::{
    Auditor,
    account::{self, BatchEntry, Fingerprints, Ledger},
    batch,
    survey::meta,
    violation::{Code, Ids, Violation},
};

/// The waits before each read but the first. Whatever writes several records writes them in one transaction, so a read that
/// came between two of them is over with the next.
const WAITS: [Duration; 5] = [
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// What looked wrong.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Suspect {
    /// All records of a user.
    Account(String),
    /// All records of a batch, and all entries about it: of its user and of those who are known to have one.
    Batch(BatchId, BTreeSet<String>),
    /// The welcome of a user.
    Welcome(String),
    /// Executions that run at rest: most end a moment after their image is settled, but one whose image somebody else
    /// settled learns of it only with its next step, which its retries may put off by minutes and its turn by more.
    Executions,
}

/// What came of looking into it.
pub(crate) enum Verdict {
    /// Two reads in a row have said this, which may be nothing.
    Judged(Vec<Violation>),
    /// No two reads in a row have said the same.
    Unsettled(Suspect),
}

impl Auditor<'_> {
    /// Reads a suspect until two reads in a row agree.
    pub(crate) async fn look_into(&self, suspect: Suspect) -> Result<Verdict> {
        let mut before = self.judge(&suspect).await?;
        for wait in WAITS {
            if before.is_empty() {
                return Ok(Verdict::Judged(before));
            }
            tokio::time::sleep(wait).await;
            let now = self.judge(&suspect).await?;
            // An execution's name says nothing of how far it is: that it is gone is what is waited for.
            if now == before && suspect != Suspect::Executions {
                return Ok(Verdict::Judged(now));
            }
            before = now;
        }
        if before.is_empty() || suspect == Suspect::Executions {
            return Ok(Verdict::Judged(before));
        }
        Ok(Verdict::Unsettled(suspect))
    }

    async fn judge(&self, suspect: &Suspect) -> Result<Vec<Violation>> {
        match suspect {
            Suspect::Account(user) => Ok(self.ledger(user).await?.violations),
            Suspect::Batch(batch, users) => self.judge_whole_batch(*batch, users).await,
            Suspect::Welcome(user) => self.judge_welcome(user).await,
            Suspect::Executions => self.judge_executions().await,
        }
    }

    async fn ledger(&self, user: &str) -> Result<Ledger> {
        let pk = format!("{}{user}", account::USER);
        let table = &self.stack.names.credits_table;
        Ok(Ledger::judge(user, &self.stack.records(table, &pk).await?))
    }

    async fn judge_whole_batch(
        &self,
        id: BatchId,
        users: &BTreeSet<String>,
    ) -> Result<Vec<Violation>> {
        let pk = format!("{}{id}", batch::BATCH);
        let table = &self.stack.names.batches_table;
        let records = self.stack.records(table, &pk).await?;
        let mut users = users.clone();
        users.extend(meta(&records).map(|batch| batch.user.to_string()));
        let mut entries: Vec<BatchEntry> = Vec::new();
        for user in &users {
            let ledger = self.ledger(user).await?;
            let of_batches = ledger.of_batches.into_iter();
            entries.extend(of_batches.filter(|(of, _)| *of == id).map(|(_, it)| it));
        }
        self.judge_batch(id, &records, &entries).await
    }

    /// Addresses before the welcome: both are written at once, so whoever has the first by now has the second.
    async fn judge_welcome(&self, user: &str) -> Result<Vec<Violation>> {
        let mut fingerprints = Fingerprints::new();
        let table = &self.stack.names.credits_table;
        self.stack
            .scan(table, account::EMAIL, async |_, records| {
                for record in records {
                    account::note_fingerprint(&mut fingerprints, record);
                }
                Ok(())
            })
            .await?;
        fingerprints.retain(|_, of| of == user);
        let welcomed = self.ledger(user).await?.welcomed;
        let welcomed = welcomed.then(|| user.to_owned()).into_iter().collect();
        Ok(account::judge_welcomes(&welcomed, &fingerprints))
    }

    async fn judge_executions(&self) -> Result<Vec<Violation>> {
        let running = self.stack.running().await?;
        let violation = |name: String| {
            // An execution is named after its image: `<batch>-<index>`.
            let ids = match name.rsplit_once('-') {
                Some((batch, index)) => Ids {
                    image: index.parse().ok(),
                    ..Ids::batch(batch)
                },
                None => Ids::default(),
            };
            let detail = format!("the execution {name} runs");
            Violation::new(Code::RunningAtRest, ids, detail, [])
        };
        Ok(running.into_iter().map(violation).collect())
    }
}

impl fmt::Display for Suspect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Account(user) => write!(f, "the account of {user}"),
            Self::Batch(batch, _) => write!(f, "batch {batch}"),
            Self::Welcome(user) => write!(f, "the welcome of {user}"),
            Self::Executions => f.write_str("the executions that run"),
        }
    }
}
