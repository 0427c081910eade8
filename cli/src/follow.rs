//! Follows accepted batches to their end and fetches results as they come. Buys nothing.

use std::{cell::RefCell, path::PathBuf, time::Duration};

use anyhow::Context as _;
use api::{BatchStatus, Counts};
use futures::{StreamExt as _, stream};

use crate::{
    client::{Client, Polled},
    files::{self, Readers},
    job::JobFile,
    photos::{Sniffed, sniff},
    render::BatchMeter,
};

/// Results on their way at once.
const PARALLEL: usize = 4;
/// Rounds of fresh links for results that would not come.
const ROUNDS: u32 = 3;
/// When the service gives no time to ask again although images are open.
const POLL_DEFAULT: u64 = 1_000;
/// Nobody wants to look at a still bar for longer.
const POLL_MAX: u64 = 60_000;

/// A result and where it goes.
#[derive(Clone, Debug)]
pub(crate) struct Fetch {
    pub(crate) url: String,
    pub(crate) to: PathBuf,
}

/// Whether any image may still change.
pub(crate) const fn open(counts: &Counts) -> bool {
    counts.pending + counts.processing > 0
}

/// Asks until every image of the batch is settled and every result is in the folder.
pub(crate) async fn batch(
    client: &Client,
    job: &RefCell<JobFile>,
    batch: usize,
    meter: &BatchMeter,
) -> anyhow::Result<()> {
    let accepted = job.borrow().job.accepted_as(batch).cloned();
    let id = accepted.context("the batch was not submitted")?.batch_id;
    let (mut etag, mut last, mut failed_rounds) = (None::<String>, None::<Box<BatchStatus>>, 0);
    loop {
        let polled = client.status(&id, etag.as_deref()).await.with_context(|| {
            format!(
                "lost sight of batch {id} (remembered in {})",
                job.borrow().path().display()
            )
        })?;
        if let Polled::Changed(status, tag) = polled {
            meter.show(batch, status.counts);
            let wanted = note(job, batch, &status)?;
            etag = tag;
            match fetch(client, wanted).await {
                None => failed_rounds = 0,
                Some(error) if failed_rounds + 1 >= ROUNDS => return Err(error),
                Some(_) => {
                    failed_rounds += 1;
                    // Without the tag the next answer has fresh links.
                    etag = None;
                }
            }
            last = Some(status);
        }
        let wait = match &last {
            Some(status) if open(&status.counts) => poll_after(status.poll_after_ms),
            Some(_) if !job.borrow().needs_following(batch) => return Ok(()),
            // Settled, and a result would not come.
            Some(_) if etag.is_none() && failed_rounds > 0 => client.retry().backoff(failed_rounds),
            Some(_) => anyhow::bail!(
                "batch {id} is finished, but the service gives no link to some results"
            ),
            None => anyhow::bail!("the service answered \"unchanged\" before it told anything"),
        };
        tokio::time::sleep(wait).await;
    }
}

/// Asks until every image of a batch that no job knows is settled.
pub(crate) async fn to_the_end(
    client: &Client,
    id: &str,
    images: u32,
) -> anyhow::Result<BatchStatus> {
    let meter = BatchMeter::new([(0, usize::try_from(images)?)]);
    let (mut etag, mut after) = (None::<String>, POLL_DEFAULT);
    loop {
        let polled = client.status(id, etag.as_deref()).await;
        if let Polled::Changed(status, tag) =
            polled.with_context(|| format!("lost sight of batch {id}"))?
        {
            meter.show(0, status.counts);
            if !open(&status.counts) {
                return Ok(*status);
            }
            (etag, after) = (tag, status.poll_after_ms);
        }
        tokio::time::sleep(poll_after(after)).await;
    }
}

/// When to ask again, if the service says so.
fn poll_after(millis: u64) -> Duration {
    match millis {
        0 => Duration::from_millis(POLL_DEFAULT),
        after => Duration::from_millis(after.min(POLL_MAX)),
    }
}

/// Saves what is known now; answers which results are not here yet.
fn note(job: &RefCell<JobFile>, batch: usize, status: &BatchStatus) -> anyhow::Result<Vec<Fetch>> {
    let mut job = job.borrow_mut();
    let completed = job.job.apply(batch, status);
    job.save()?;
    let missing = completed.into_iter().filter_map(|(_, name, url)| {
        let to = job.output(&name);
        if to.is_file() {
            None
        } else {
            Some(Fetch { url: url?, to })
        }
    });
    Ok(missing.collect())
}

/// Fetches a few at a time; answers the last error, after all have had their chance.
pub(crate) async fn fetch(client: &Client, wanted: Vec<Fetch>) -> Option<anyhow::Error> {
    let mut running = stream::iter(wanted)
        .map(|result| one(client, result))
        .buffer_unordered(PARALLEL);
    let mut error = None;
    while let Some(done) = running.next().await {
        error = done.err().or(error);
    }
    error
}

async fn one(client: &Client, result: Fetch) -> anyhow::Result<()> {
    let name = result.to.display();
    let bytes = client
        .download(&result.url)
        .await
        .with_context(|| format!("cannot fetch {name}"))?;
    anyhow::ensure!(
        matches!(sniff(&bytes), Sniffed::Photo(_)),
        "what was fetched for {name} is not a picture"
    );
    files::write_whole(&result.to, &bytes, Readers::Anybody)
        .with_context(|| format!("cannot write {name}"))?;
    Ok(())
}
