//! Everything about one batch, in the order in which it happened: for whoever is asked "what became of my photos?"

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use anyhow::{Context as _, Result, bail};
use aws_sdk_sfn::operation::describe_execution::DescribeExecutionOutput;
use domain::{Batch, BatchId, Image, ImageState, Job, Timestamp};
use serde::Serialize;
use serde_json::Value;

use crate::{
    audit::{
        account::{ENTRY, USER},
        batch::{BATCH, Contents},
    },
    record::Record,
    stack::Stack,
};

/// What there is of a batch.
#[derive(Clone, Debug, Serialize)]
pub struct Story {
    /// Its name.
    pub batch_id: BatchId,
    /// Where it stands.
    pub summary: String,
    /// What happened, the oldest first.
    pub events: Vec<Event>,
    /// Where each image stands.
    pub images: Vec<Standing>,
    /// All records that this was read from, without what people wrote.
    pub records: Vec<Value>,
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Event {
    /// When.
    pub at: Timestamp,
    /// To which image, if to one.
    pub image: Option<u32>,
    /// What.
    pub what: String,
}

/// Where an image stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Standing {
    /// Its place in the batch.
    pub image: u32,
    /// Its state.
    pub state: ImageState,
    /// Calls to the provider.
    pub provider_calls: u32,
    /// Until when a claim keeps others away, or did.
    pub lease_until: Option<Timestamp>,
    /// How its execution stands; nothing if there is none, or none any more.
    pub execution: Option<String>,
    /// Its objects that are there: upload, prepared photo, result.
    pub objects: Vec<String>,
}

/// An execution, as far as a story tells it.
#[derive(Clone, Debug)]
struct Execution {
    status: String,
    started_at: Option<Timestamp>,
    ended_at: Option<Timestamp>,
}

/// Tells a batch's story.
pub async fn tell(stack: &Stack, batch_id: BatchId) -> Result<Story> {
    let table = &stack.names.batches_table;
    let records = stack.records(table, &format!("{BATCH}{batch_id}")).await?;
    let (batch, contents) = read(batch_id, &records)?;
    let entries = stack.entries(&batch).await?;
    let executions = stack.executions(batch_id, batch.total).await?;
    let executions = executions.into_iter().map(|(index, it)| (index, it.into()));
    let sources = Sources {
        batch: &batch,
        contents: &contents,
        entries: &entries,
        executions: executions.collect(),
        objects: stack.objects_of(&batch).await?,
    };
    Ok(Story {
        batch_id,
        summary: summary(&batch),
        events: sources.events()?,
        images: sources.standings(),
        records: records
            .iter()
            .chain(&entries)
            .map(Record::evidence)
            .collect(),
    })
}

/// The records of a batch, if there is one and it can be read.
fn read(batch_id: BatchId, records: &[Record]) -> Result<(Batch, Contents<'_>)> {
    let contents = Contents::read(batch_id, records);
    let contents = contents.map_err(|violations| {
        let violations: Vec<_> = violations.iter().map(ToString::to_string).collect();
        anyhow::Error::msg(violations.join("\n"))
    })?;
    let Some((batch, _)) = &contents.meta else {
        bail!("there is no batch {batch_id}");
    };
    Ok((batch.clone(), contents))
}

fn summary(batch: &Batch) -> String {
    let Batch {
        batch_id,
        user,
        total,
        open,
        completed,
        failed,
        canceled,
        ..
    } = batch;
    let look = batch.check_at.map(|at| format!(", next look {at}"));
    let cancel = if batch.cancel_requested {
        ", cancellation requested"
    } else {
        ""
    };
    format!(
        "batch {batch_id} of {user}: {total} images at {} credits: {open} open, {completed} completed, {failed} failed, \
         {canceled} canceled; deadline {}{}{cancel}",
        batch.price_per_image,
        batch.deadline,
        look.unwrap_or_default()
    )
}

/// What a story is made of.
struct Sources<'a> {
    batch: &'a Batch,
    contents: &'a Contents<'a>,
    entries: &'a [Record],
    executions: BTreeMap<u32, Execution>,
    objects: BTreeSet<String>,
}

impl Sources<'_> {
    /// Of the same moment, cause comes before effect.
    fn events(&self) -> Result<Vec<Event>> {
        let mut events = vec![submitted(self.batch)];
        for (index, execution) in &self.executions {
            events.extend(execution.events(*index));
        }
        for (index, (image, _)) in &self.contents.images {
            events.extend(of_image(*index, image));
        }
        for entry in self.entries {
            events.push(of_entry(entry).with_context(|| format!("{} cannot be read", entry.sk))?);
        }
        events.extend(finished(self.batch));
        events.sort_by_key(|event| event.at);
        Ok(events)
    }

    fn standings(&self) -> Vec<Standing> {
        let standing = |index| self.standing(index);
        (0..self.batch.total).map(standing).collect()
    }

    /// An image without a record is pending.
    fn standing(&self, index: u32) -> Standing {
        let image = self.contents.images.get(&index);
        let image = image.map(|(image, _)| image.clone()).unwrap_or_default();
        let execution = self.executions.get(&index);
        Standing {
            image: index,
            state: image.state,
            provider_calls: image.provider_calls,
            lease_until: image.lease_until,
            execution: execution.map(|it| it.status.clone()),
            objects: self.objects_of(index),
        }
    }

    fn objects_of(&self, index: u32) -> Vec<String> {
        let Batch { user, batch_id, .. } = self.batch;
        let job = usize::try_from(index).ok();
        let job = job.and_then(|place| self.contents.jobs.get(place));
        let upload = job.map(|Job { key, .. }| key.to_string());
        // Of any format.
        let made =
            ["work", "results"].map(|folder| format!("{folder}/{user}/{batch_id}/{index:05}."));
        let is_its = |key: &&String| {
            upload.as_ref() == Some(key) || made.iter().any(|begin| key.starts_with(begin))
        };
        self.objects.iter().filter(is_its).cloned().collect()
    }
}

impl Stack {
    /// The entries about a batch in its user's ledger.
    async fn entries(&self, batch: &Batch) -> Result<Vec<Record>> {
        let Batch { user, batch_id, .. } = batch;
        let debit = format!("{ENTRY}debit#{batch_id}");
        let refunds = format!("{ENTRY}refund#{batch_id}#");
        let pk = format!("{USER}{user}");
        let mut records = self.records(&self.names.credits_table, &pk).await?;
        records.retain(|record| record.sk == debit || record.sk.starts_with(&refunds));
        Ok(records)
    }

    /// The objects that may be a batch's: all uploads of its user, and what was made for it.
    async fn objects_of(&self, batch: &Batch) -> Result<BTreeSet<String>> {
        let Batch { user, batch_id, .. } = batch;
        let mut objects = self.objects(&format!("uploads/{user}/")).await?;
        for folder in ["work", "results"] {
            let prefix = format!("{folder}/{user}/{batch_id}/");
            objects.append(&mut self.objects(&prefix).await?);
        }
        Ok(objects)
    }
}

fn submitted(batch: &Batch) -> Event {
    let what = match batch.retry_of {
        None => "submitted".to_owned(),
        Some(earlier) => format!("submitted as the retry of batch {earlier}"),
    };
    Event::of_all(batch.created_at, what)
}

fn finished(batch: &Batch) -> Option<Event> {
    let what = match batch.retried_in {
        None => "finished".to_owned(),
        Some(retry) => format!("finished, and later retried in batch {retry}"),
    };
    Some(Event::of_all(batch.finished_at?, what))
}

/// What an entry tells; nothing if it is none.
fn of_entry(entry: &Record) -> Option<Event> {
    let number = |name| entry.fields.get(name)?.as_i64();
    let (amount, balance) = (number("amount")?, number("balance_after")?);
    let name = entry.sk.strip_prefix(ENTRY)?;
    // debit#<batch>, refund#<batch>#<image>
    let mut parts = name.split('#');
    let kind = parts.next()?;
    Some(Event {
        at: entry.fields.get("created_at")?.as_str()?.parse().ok()?,
        image: parts.nth(1).and_then(|index| index.parse().ok()),
        what: format!("{kind} {amount:+}, balance {balance}"),
    })
}

fn of_image(index: u32, image: &Image) -> Vec<Event> {
    let event = |at, what| Event {
        at,
        image: Some(index),
        what,
    };
    let claimed = image
        .started_at
        .map(|at| event(at, "first claimed".to_owned()));
    let settled = image.finished_at.map(|at| {
        let calls = image.provider_calls;
        let failure = image.failure.as_ref();
        let failure = failure.map(|it| format!(": {}: {}", it.code, it.message));
        let (state, failure) = (image.state.name(), failure.unwrap_or_default());
        event(at, format!("{state} after {calls} provider calls{failure}"))
    });
    claimed.into_iter().chain(settled).collect()
}

impl Event {
    const fn of_all(at: Timestamp, what: String) -> Self {
        Self {
            at,
            image: None,
            what,
        }
    }
}

impl Execution {
    fn events(&self, index: u32) -> impl Iterator<Item = Event> {
        let event = |at, what| Event {
            at,
            image: Some(index),
            what,
        };
        let started = self
            .started_at
            .map(|at| event(at, "execution started".to_owned()));
        let ended = self
            .ended_at
            .map(|at| event(at, format!("execution {}", self.status)));
        started.into_iter().chain(ended)
    }
}

impl From<DescribeExecutionOutput> for Execution {
    fn from(described: DescribeExecutionOutput) -> Self {
        let time = |at: aws_sdk_sfn::primitives::DateTime| at.to_millis().ok();
        Self {
            status: described.status.as_str().to_lowercase(),
            started_at: time(described.start_date).map(Timestamp::from_millis),
            ended_at: described
                .stop_date
                .and_then(time)
                .map(Timestamp::from_millis),
        }
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}\n", self.summary)?;
        for event in &self.events {
            writeln!(f, "{event}")?;
        }
        for standing in &self.images {
            write!(f, "\n{standing}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let image = self.image.map(|index| format!("image {index}"));
        let whom = image.as_deref().unwrap_or("batch");
        write!(f, "{}  {whom:<9}  {}", self.at, self.what)
    }
}

impl fmt::Display for Standing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            image,
            provider_calls,
            ..
        } = self;
        let state = self.state.name();
        let execution = self.execution.as_deref().unwrap_or("none");
        write!(
            f,
            "image {image}: {state}, {provider_calls} provider calls, execution: {execution}"
        )?;
        if let (false, Some(until)) = (self.state.is_final(), self.lease_until) {
            write!(f, ", claimed until {until}")?;
        }
        for key in &self.objects {
            write!(f, "\n  {key}")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use domain::Failure;
    use serde_json::json;

    use super::*;

    const AT: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    #[test]
    fn entries_say_what_they_did_to_whom() {
        let entry = |sk: &str, amount: i64| {
            let fields = json!({
                "pk": "USER#anna", "sk": sk, "amount": amount, "balance_after": 7, "created_at": AT,
            });
            of_entry(&Record::from_json(fields.as_object().unwrap().clone()).unwrap()).unwrap()
        };
        let refund = entry("TXN#refund#b#00003", 1);
        assert_eq!((refund.at, refund.image), (AT, Some(3)));
        assert_eq!(refund.what, "refund +1, balance 7");
        let debit = entry("TXN#debit#b", -4);
        assert_eq!(
            (debit.image, debit.what.as_str()),
            (None, "debit -4, balance 7")
        );
    }

    #[test]
    fn an_image_that_failed_says_why() {
        let image = Image {
            state: ImageState::Failed,
            provider_calls: 2,
            failure: Some(Failure::new("moderation", "The provider refused it.")),
            finished_at: Some(AT),
            ..Image::default()
        };
        let told: Vec<_> = of_image(1, &image).into_iter().map(|it| it.what).collect();
        let expected = "failed after 2 provider calls: moderation: The provider refused it.";
        assert_eq!(told, [expected]);
        assert_eq!(of_image(1, &Image::default()), []);
    }
}
