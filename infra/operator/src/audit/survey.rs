//! The first reading: everything once. Its findings are suspects, not violations.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use anyhow::Result;
use domain::{Batch, BatchId, ImageRef};
use sha2::{Digest as _, Sha256};

use super::{
    Auditor,
    account::{self, BatchEntry, Fingerprints, Ledger},
    batch::{self, Contents, Everything},
    calls::{Ask, Counted},
    suspect::Suspect,
    violation::{Code, Ids, Violation},
};
use crate::record::Record;

/// What the first reading has found.
#[derive(Default)]
pub(crate) struct Survey {
    pub(crate) accounts: u64,
    pub(crate) batches: u64,
    /// What no other reading could change.
    pub(crate) violations: Vec<Violation>,
    pub(crate) suspects: HashSet<Suspect>,
    /// Calls to the provider as we have counted them.
    pub(crate) counted: BTreeMap<Ask, Counted>,
    /// The entries whose batches have not turned up yet.
    entries: HashMap<BatchId, Vec<BatchEntry>>,
    welcomed: BTreeSet<String>,
    fingerprints: Fingerprints,
}

impl Auditor<'_> {
    /// Reads both tables. Entries come before batches, so that each batch finds the entries about it.
    pub(crate) async fn survey(&self) -> Result<Survey> {
        let mut survey = Survey::default();
        let (credits, batches) = (
            &self.stack.names.credits_table,
            &self.stack.names.batches_table,
        );
        self.stack
            .scan(credits, "", async |pk, records| {
                survey.take_from_credits(pk, records);
                Ok(())
            })
            .await?;
        self.stack
            .scan(batches, batch::BATCH, async |pk, records| {
                survey.batches += 1;
                self.take_batch(&mut survey, pk, records).await
            })
            .await?;
        survey.suspect_the_rest();
        if self.options.at_rest && self.options.executions {
            survey.suspects.insert(Suspect::Executions);
        }
        Ok(survey)
    }

    async fn take_batch(&self, survey: &mut Survey, pk: &str, records: &[Record]) -> Result<()> {
        let id = pk.trim_start_matches(batch::BATCH);
        let Ok(batch_id) = id.parse() else {
            let detail = format!("{pk} is no batch");
            let ids = Ids::batch(id);
            let violation = Violation::new(Code::BatchUnreadable, ids, detail, records);
            survey.violations.push(violation);
            return Ok(());
        };
        let entries = survey.entries.remove(&batch_id).unwrap_or_default();
        let found = self.judge_batch(batch_id, records, &entries).await?;
        if !found.is_empty() {
            survey.suspect_batch(batch_id, &entries);
        }
        if self.options.seen.is_some() {
            self.count_calls(batch_id, records, &mut survey.counted)
                .await?;
        }
        Ok(())
    }

    /// Judges a batch by these records, and by its results if they are wanted.
    pub(crate) async fn judge_batch(
        &self,
        id: BatchId,
        records: &[Record],
        entries: &[BatchEntry],
    ) -> Result<Vec<Violation>> {
        let results = match meta(records) {
            Some(batch) if self.options.photos => {
                let prefix = format!("results/{}/{id}/", batch.user);
                Some(self.stack.objects(&prefix).await?)
            }
            _ => None,
        };
        let everything = Everything {
            id,
            records,
            entries,
            results: results.as_ref(),
        };
        Ok(batch::judge(everything, &self.expected))
    }

    /// Adds what we have counted for each picture and prompt of a batch.
    async fn count_calls(
        &self,
        batch_id: BatchId,
        records: &[Record],
        counted: &mut BTreeMap<Ask, Counted>,
    ) -> Result<()> {
        // Those that cannot be read are violations already.
        let Ok(contents) = Contents::read(batch_id, records) else {
            return Ok(());
        };
        let Some((batch, _)) = &contents.meta else {
            return Ok(());
        };
        let work = format!("work/{}/{batch_id}/", batch.user);
        let prepared = self.stack.objects(&work).await?;
        for (index, job) in (0..).zip(&contents.jobs) {
            // What was made of a photo goes to the provider in its place.
            let name = format!("{work}{index:05}.");
            let made = prepared.iter().find(|key| key.starts_with(&name));
            let key = made.cloned().unwrap_or_else(|| job.key.to_string());
            let Some(bytes) = self.stack.object(&key).await? else {
                continue;
            };
            let prompt = job.prompt.as_ref().or(contents.prompt.as_ref());
            let ask = (sha256(&bytes), prompt.cloned().unwrap_or_default());
            let calls = contents.images.get(&index);
            let calls = calls.map_or(0, |(image, _)| image.provider_calls);
            let counted = counted.entry(ask).or_default();
            counted.calls += u64::from(calls);
            counted.images.push(ImageRef { batch_id, index });
        }
        Ok(())
    }
}

impl Survey {
    fn take_from_credits(&mut self, pk: &str, records: &[Record]) {
        if let Some(user) = pk.strip_prefix(account::USER) {
            self.take_account(user, records);
        } else if pk.starts_with(account::EMAIL) {
            for record in records {
                account::note_fingerprint(&mut self.fingerprints, record);
            }
        }
    }

    fn take_account(&mut self, user: &str, records: &[Record]) {
        self.accounts += 1;
        let ledger = Ledger::judge(user, records);
        if !ledger.violations.is_empty() {
            self.suspects.insert(Suspect::Account(user.to_owned()));
        }
        if ledger.welcomed {
            self.welcomed.insert(user.to_owned());
        }
        for (batch, mut entry) in ledger.of_batches {
            // What is reported is read again; until then its name is enough.
            entry.record.fields.clear();
            self.entries.entry(batch).or_default().push(entry);
        }
    }

    /// What can be judged when all of both tables has been seen.
    fn suspect_the_rest(&mut self) {
        for (batch, entries) in std::mem::take(&mut self.entries) {
            self.suspect_batch(batch, &entries);
        }
        for violation in account::judge_welcomes(&self.welcomed, &self.fingerprints) {
            self.suspects
                .extend(violation.ids.user.map(Suspect::Welcome));
        }
    }

    fn suspect_batch(&mut self, batch: BatchId, entries: &[BatchEntry]) {
        let users = entries.iter().map(|entry| entry.user.clone()).collect();
        self.suspects.insert(Suspect::Batch(batch, users));
    }
}

/// A batch's own record, if it is there and can be read.
pub(crate) fn meta(records: &[Record]) -> Option<Batch> {
    let meta = records.iter().find(|record| record.sk == "META")?;
    meta.read().ok()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
