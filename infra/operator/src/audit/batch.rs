//! R2, R3 and R5: a batch, its images, and what was paid and given back for them. Records in, violations out.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use domain::{Batch, BatchId, Image, ImageRef, ImageState, Job, MAX_UNKNOWN_OUTCOMES, Timestamp};
use serde::Deserialize;

use super::{
    account::{About, BatchEntry},
    violation::{Code, Ids, Violation},
};
use crate::record::Record;

/// `pk` of a batch's records, before the id.
pub const BATCH: &str = "BATCH#";
/// For how long results are kept: the lifecycle rule of the bucket in template.yaml, less a day.
const RESULTS_KEPT: Duration = Duration::from_hours(89 * 24);

/// What is expected of batches at the time of the audit.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The time of the audit.
    pub now: Timestamp,
    /// For how long after its deadline an image may be open.
    pub grace: Duration,
    /// Is nothing going on, so that no image may be open at all?
    pub at_rest: bool,
}

/// Everything that there is of a batch.
#[derive(Clone, Copy, Debug)]
pub struct Everything<'a> {
    /// What its key names.
    pub id: BatchId,
    /// Its records.
    pub records: &'a [Record],
    /// The entries about it, of any ledger.
    pub entries: &'a [BatchEntry],
    /// The keys of the results that there are, if they were looked for.
    pub results: Option<&'a BTreeSet<String>>,
}

/// `MANIFEST#0000`.
#[derive(Deserialize)]
struct ManifestHead {
    prompt: String,
}

/// `MANIFEST#0001` and on.
#[derive(Deserialize)]
struct ManifestPart {
    jobs: Vec<Job>,
}

/// The records of a batch as the domain knows them.
pub(crate) struct Contents<'a> {
    pub(crate) meta: Option<(Batch, &'a Record)>,
    pub(crate) prompt: Option<String>,
    pub(crate) jobs: Vec<Job>,
    pub(crate) images: BTreeMap<u32, (Image, &'a Record)>,
}

impl<'a> Contents<'a> {
    /// Reads them; those that cannot be read are violations.
    pub(crate) fn read(id: BatchId, records: &'a [Record]) -> Result<Self, Vec<Violation>> {
        let mut contents = Self {
            meta: None,
            prompt: None,
            jobs: Vec::new(),
            images: BTreeMap::new(),
        };
        let unreadable: Vec<_> = records
            .iter()
            .filter_map(|record| Some((record, contents.take(record).err()?)))
            .map(|(record, error)| {
                let detail = format!("{} cannot be read: {error}", record.sk);
                Violation::new(Code::BatchUnreadable, Ids::batch(&id), detail, [record])
            })
            .collect();
        if unreadable.is_empty() {
            Ok(contents)
        } else {
            Err(unreadable)
        }
    }

    fn take(&mut self, record: &'a Record) -> serde_json::Result<()> {
        match record.sk.split_once('#') {
            None if record.sk == "META" => self.meta = Some((record.read()?, record)),
            Some(("MANIFEST", "0000")) => {
                self.prompt = Some(record.read::<ManifestHead>()?.prompt);
            }
            Some(("MANIFEST", _)) => self.jobs.extend(record.read::<ManifestPart>()?.jobs),
            Some(("IMAGE", index)) => {
                let index = index.parse().map_err(serde::de::Error::custom)?;
                self.images.insert(index, (record.read()?, record));
            }
            _ => {}
        }
        Ok(())
    }
}

/// Judges all of a batch.
#[must_use]
pub fn judge(everything: Everything, expected: &Expected) -> Vec<Violation> {
    let Everything {
        id,
        records,
        entries,
        results,
    } = everything;
    let contents = match Contents::read(id, records) {
        Ok(contents) => contents,
        Err(unreadable) => return unreadable,
    };
    let Some((batch, meta)) = &contents.meta else {
        return orphans(id, records, entries);
    };
    let judge = Judge {
        id,
        batch,
        meta,
        contents: &contents,
        expected,
    };
    let mut violations: Vec<_> = judge.manifest().into_iter().collect();
    violations.extend(judge.counts());
    violations.extend(judge.open_images());
    violations.extend(judge.images());
    violations.extend(judge.debit(entries));
    violations.extend(judge.refunds(entries));
    violations.extend(results.into_iter().flat_map(|found| judge.results(found)));
    violations
}

/// What is there of a batch that is not.
fn orphans(id: BatchId, records: &[Record], entries: &[BatchEntry]) -> Vec<Violation> {
    let ids = || Ids::batch(&id);
    let mut violations = Vec::new();
    if !records.is_empty() {
        let detail = format!("{} records, but none of the batch itself", records.len());
        violations.push(Violation::new(Code::MetaMissing, ids(), detail, records));
    }
    violations.extend(entries.iter().map(|entry| {
        let detail = format!("{} names it, and it does not exist", entry.record.sk);
        Violation::new(Code::EntryOfNoBatch, ids(), detail, [&entry.record])
    }));
    violations
}

/// A batch that is there, and the way to judge it.
struct Judge<'a> {
    id: BatchId,
    batch: &'a Batch,
    meta: &'a Record,
    contents: &'a Contents<'a>,
    expected: &'a Expected,
}

impl Judge<'_> {
    fn violation(&self, code: Code, detail: String, more: Option<&Record>) -> Violation {
        let records = [self.meta].into_iter().chain(more);
        Violation::new(code, Ids::batch(&self.id), detail, records)
    }

    fn of_image(&self, index: u32, code: Code, detail: String) -> Violation {
        let record = self.contents.images.get(&index).map(|(_, record)| *record);
        let ids = Ids::batch(&self.id).image(index);
        Violation::new(code, ids, detail, record)
    }

    /// An image without a record is pending.
    fn state(&self, index: u32) -> ImageState {
        let image = self.contents.images.get(&index);
        image.map_or(ImageState::Pending, |(image, _)| image.state)
    }

    fn manifest(&self) -> Option<Violation> {
        // Its user wanted to be forgotten: what they wrote is gone, and so are the photos.
        if self.batch.erased_at.is_some() {
            return None;
        }
        let (found, total) = (self.contents.jobs.len(), self.batch.total);
        let is_complete = found == total as usize && self.contents.prompt.is_some();
        let prompt = if self.contents.prompt.is_some() {
            "a"
        } else {
            "no"
        };
        let detail = || format!("{found} of {total} images and {prompt} prompt");
        (!is_complete).then(|| self.violation(Code::ManifestIncomplete, detail(), None))
    }

    /// The batch's own numbers. When one is wrong, those that are made from it are not judged.
    fn counts(&self) -> Option<Violation> {
        let batch = self.batch;
        let count = |state| {
            let images = self.contents.images.range(..batch.total);
            images
                .filter(|(_, (image, _))| image.state == state)
                .count()
        };
        let by_images = [
            ImageState::Completed,
            ImageState::Failed,
            ImageState::Canceled,
        ]
        .map(count);
        let by_batch = [batch.completed, batch.failed, batch.canceled].map(|it| it as usize);
        if by_images != by_batch {
            let detail = format!(
                "completed, failed, canceled: {by_batch:?} counted, {by_images:?} by the images"
            );
            return Some(self.violation(Code::CountsDiffer, detail, None));
        }
        let settled: usize = by_batch.iter().sum();
        let rest = (batch.total as usize).checked_sub(settled);
        if rest != Some(batch.open as usize) {
            let detail = format!("{} open, {settled} of {} settled", batch.open, batch.total);
            return Some(self.violation(Code::OpenWrong, detail, None));
        }
        let is_over = batch.open == 0;
        if batch.finished_at.is_some() != is_over {
            let end = if is_over { "no end" } else { "an end" };
            let detail = format!("{end}, and {} open", batch.open);
            return Some(self.violation(Code::FinishWrong, detail, None));
        }
        let indexed = ["open_shard", "check_at"].map(|name| self.meta.fields.contains_key(name));
        let detail = || format!("open_shard, check_at: {indexed:?}, and {} open", batch.open);
        (indexed != [!is_over; 2]).then(|| self.violation(Code::OpenIndexWrong, detail(), None))
    }

    /// Images that are open when they should not be, in one violation.
    fn open_images(&self) -> Option<Violation> {
        let overdue = self.batch.deadline.plus(self.expected.grace) < self.expected.now;
        let code = if overdue {
            Code::Overdue
        } else if self.expected.at_rest {
            Code::OpenAtRest
        } else {
            return None;
        };
        let open: Vec<_> = (0..self.batch.total)
            .filter(|index| !self.state(*index).is_final())
            .collect();
        let detail = || format!("deadline {}, open: {open:?}", self.batch.deadline);
        (!open.is_empty()).then(|| self.violation(code, detail(), None))
    }

    fn images(&self) -> Vec<Violation> {
        let images = self.contents.images.iter();
        images
            .flat_map(|(index, (image, _))| self.image(*index, image))
            .collect()
    }

    fn image(&self, index: u32, image: &Image) -> Vec<Violation> {
        use ImageState::Completed;
        let is_completed = image.state == Completed;
        let state = image.state.name();
        let checks = [
            (
                index >= self.batch.total,
                Code::ImageBeyondTotal,
                format!("the batch has {} images", self.batch.total),
            ),
            (
                image.finished_at.is_some() != image.state.is_final(),
                Code::ImageFinishWrong,
                format!(
                    "{state}, finished at {:?}",
                    image.finished_at.map(|at| at.to_string())
                ),
            ),
            (
                image.unknown_outcomes > MAX_UNKNOWN_OUTCOMES,
                Code::TooManyUnknownOutcomes,
                format!("{} calls of unknown outcome", image.unknown_outcomes),
            ),
            (
                is_completed && image.result_key.is_none(),
                Code::CompletedWithoutResult,
                "completed, but where is the result?".to_owned(),
            ),
            (
                is_completed && image.failure.is_some(),
                Code::CompletedWithFailure,
                "completed, with a failure".to_owned(),
            ),
            (
                !is_completed && image.result_key.is_some(),
                Code::ResultWithoutCompletion,
                format!("{state}, with a result"),
            ),
        ];
        checks
            .into_iter()
            .filter(|(is_wrong, ..)| *is_wrong)
            .map(|(_, code, detail)| self.of_image(index, code, detail))
            .collect()
    }

    fn debit(&self, entries: &[BatchEntry]) -> Vec<Violation> {
        let mut violations = Vec::new();
        let price = i128::from(self.batch.price_per_image.get()) * i128::from(self.batch.total);
        let debits: Vec<_> = entries
            .iter()
            .filter(|it| it.about == About::Debit)
            .collect();
        if debits.is_empty() {
            let detail = format!("{price} credits were never debited");
            violations.push(self.violation(Code::DebitMissing, detail, None));
        }
        for debit in debits {
            violations.extend(self.of_another(debit));
            if i128::from(debit.worth) != -price {
                let detail = format!("{} instead of {}", debit.worth, -price);
                violations.push(self.violation(Code::DebitWrong, detail, Some(&debit.record)));
            }
        }
        violations
    }

    /// Each image that has no result for good is refunded, and no other: with the debit, that is all of R2.
    fn refunds(&self, entries: &[BatchEntry]) -> Vec<Violation> {
        let price = self.batch.price_per_image.get();
        let mut refunded = BTreeSet::new();
        let mut violations = Vec::new();
        for entry in entries {
            let About::Refund(index) = entry.about else {
                continue;
            };
            refunded.insert(index);
            violations.extend(self.of_another(entry));
            let state = self.state(index);
            let (code, detail) = if index >= self.batch.total {
                let detail = format!("the batch has {} images", self.batch.total);
                (Code::RefundOfNoImage, detail)
            } else if state == ImageState::Completed {
                (
                    Code::RefundOfCompleted,
                    "refunded, and completed".to_owned(),
                )
            } else if !state.is_final() {
                let detail = format!("refunded, and {}", state.name());
                (Code::RefundOfOpen, detail)
            } else if u64::try_from(entry.worth) != Ok(price) {
                let detail = format!("{} refunded of {price}", entry.worth);
                (Code::RefundWrong, detail)
            } else {
                continue;
            };
            let image = self.contents.images.get(&index).map(|(_, record)| *record);
            let records = [&entry.record].into_iter().chain(image);
            let ids = Ids::batch(&self.id).image(index);
            violations.push(Violation::new(code, ids, detail, records));
        }
        let missing = (0..self.batch.total).filter(|index| {
            let state = self.state(*index);
            state.is_final() && state != ImageState::Completed && !refunded.contains(index)
        });
        violations.extend(missing.map(|index| {
            let detail = format!("{price} credits were not given back");
            self.of_image(index, Code::RefundMissing, detail)
        }));
        violations
    }

    fn of_another(&self, entry: &BatchEntry) -> Option<Violation> {
        let owner = self.batch.user.as_str();
        let detail = || {
            format!(
                "in the ledger of {}, and the batch is {owner}'s",
                entry.user
            )
        };
        (entry.user != owner)
            .then(|| self.violation(Code::EntryOfAnotherUser, detail(), Some(&entry.record)))
    }

    /// A picture for each completed image, as long as pictures are kept, and for no other that is over.
    fn results(&self, found: &BTreeSet<String>) -> Vec<Violation> {
        let mut violations = Vec::new();
        if self.batch.erased_at.is_some() {
            return violations;
        }
        for (&index, (image, _)) in &self.contents.images {
            let kept = |at: Timestamp| at.plus(RESULTS_KEPT) > self.expected.now;
            let image_ref = ImageRef {
                batch_id: self.id,
                index,
            };
            let key = domain::result_key(&self.batch.user, image_ref, self.batch.options.format);
            match (image.state, &image.result_key) {
                (ImageState::Completed, Some(key))
                    if !found.contains(key) && image.finished_at.is_none_or(kept) =>
                {
                    let detail = format!("there is no {key}");
                    violations.push(self.of_image(index, Code::ResultMissing, detail));
                }
                (ImageState::Failed | ImageState::Canceled, _) if found.contains(&key) => {
                    let detail = format!("{}, and there is {key}", image.state.name());
                    violations.push(self.of_image(index, Code::ResultNotDelivered, detail));
                }
                _ => {}
            }
        }
        violations
    }
}
