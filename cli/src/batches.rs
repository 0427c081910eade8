//! `bie status`, `history`, `download`: what became of batches, however they were submitted.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use api::{BatchHistory, BatchStatus, BatchSummary};
use serde::Serialize;

use crate::{
    App, Outcome,
    args::{DownloadArgs, HistoryArgs, StatusArgs},
    client::{Client, Polled},
    follow::{self, Fetch},
    job::{self, Folder, ImageOutcome},
    render::{self, count, shorten},
};

/// Batches in one answer.
const PAGE: usize = 50;

pub(crate) async fn status(app: &App, args: &StatusArgs) -> anyhow::Result<Outcome> {
    let status = ask(&app.client()?, &args.batch).await?;
    if args.json {
        render::json(&status)?;
    } else {
        render::out(&words(&status))?;
    }
    Ok(Outcome::Fine)
}

/// The status of a batch that somebody has named.
pub(crate) async fn ask(client: &Client, batch: &str) -> anyhow::Result<BatchStatus> {
    check_id(batch)?;
    match client.status(batch, None).await? {
        Polled::Changed(status, _) => Ok(*status),
        Polled::Unchanged => {
            anyhow::bail!("the service answered \"unchanged\" before it told anything")
        }
    }
}

/// It becomes part of a path.
pub(crate) fn check_id(batch: &str) -> anyhow::Result<()> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    anyhow::ensure!(
        !batch.is_empty() && batch.bytes().all(plain),
        "{batch:?} is not the id of a batch"
    );
    Ok(())
}

fn words(status: &BatchStatus) -> String {
    let option = |value: &Option<String>| value.clone().unwrap_or_else(|| "default".to_owned());
    let options = &status.options;
    let mut text = vec![format!(
        "batch    {}\nstatus   {} ({})\nprompt   {}\noptions  {} quality, {} size, {}\ncredits  {} spent, {} refunded\ncreated  {}",
        status.batch_id,
        status.status,
        render::counts(&status.counts),
        shorten(&status.prompt, 100),
        option(&options.quality),
        option(&options.size),
        option(&options.format),
        status.credits_spent,
        status.credits_refunded,
        status.created_at,
    )];
    if let Some(finished_at) = &status.finished_at {
        text.push(format!("\nfinished {finished_at}"));
    }
    if let Some(earlier) = &status.retry_of {
        text.push(format!("\nretry of {earlier}"));
    }
    if let Some(retry) = &status.retried_in {
        text.push(format!("\nretried in {retry}"));
    }
    for (index, _, message) in failures(status) {
        text.push(format!(
            "\nfailed: image {}: {message} (refunded)",
            index + 1
        ));
    }
    text.concat()
}

fn failures(status: &BatchStatus) -> Vec<(u32, String, String)> {
    let failure = |image: &api::ImageStatus| {
        let outcome = ImageOutcome::of(image)?;
        let (code, message) = outcome.failure()?;
        Some((image.index, code.to_owned(), message.to_owned()))
    };
    status.images.iter().filter_map(failure).collect()
}

pub(crate) async fn history(app: &App, args: &HistoryArgs) -> anyhow::Result<Outcome> {
    let client = app.client()?;
    let (mut batches, mut cursor) = (Vec::new(), None::<String>);
    while batches.len() < args.limit {
        let wanted = (args.limit - batches.len()).min(PAGE);
        let page = client.batches(wanted, cursor.as_deref()).await?;
        batches.extend(page.batches);
        cursor = page.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    batches.truncate(args.limit);
    if args.json {
        render::json(&BatchHistory {
            batches,
            next_cursor: cursor,
        })?;
    } else if batches.is_empty() {
        render::out("no batches yet")?;
    } else {
        render::out(&batches.iter().map(line).collect::<Vec<_>>().join("\n"))?;
    }
    Ok(Outcome::Fine)
}

fn line(batch: &BatchSummary) -> String {
    let counts = &batch.counts;
    format!(
        "{}  {}  {:<10}  {}/{} completed  {}  {}",
        batch.created_at,
        batch.batch_id,
        batch.status,
        counts.completed,
        counts.total,
        count(
            batch.credits_spent.saturating_sub(batch.credits_refunded),
            "credit"
        ),
        shorten(&batch.prompt, 60),
    )
}

/// What `bie download --json` prints, and `bie retry --json` of the new batch.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Report {
    batch_id: String,
    out: PathBuf,
    results: Vec<PathBuf>,
    failed: Vec<FailedImage>,
    /// Images without an end yet.
    open: u32,
}

#[derive(Serialize)]
struct FailedImage {
    index: u32,
    code: String,
    message: String,
}

pub(crate) async fn download(app: &App, args: &DownloadArgs) -> anyhow::Result<Outcome> {
    let client = app.client()?;
    let status = ask(&client, &args.batch).await?;
    fetch(&client, &status, &args.out).await?.tell(args.json)
}

/// Fetches the results of a batch that are not in the folder yet.
pub(crate) async fn fetch(
    client: &Client,
    status: &BatchStatus,
    out: &Path,
) -> anyhow::Result<Report> {
    let folder = Folder::open(out)?;
    let names = job::names_of_batch(out, &status.batch_id)?;
    let (mut results, mut wanted) = (Vec::new(), Vec::new());
    for image in &status.images {
        if let Some(url) = &image.result_url {
            let to = out.join(name(status, image.index, names.as_deref()));
            if !to.is_file() {
                wanted.push(Fetch {
                    url: url.clone(),
                    to: to.clone(),
                });
            }
            results.push(to);
        }
    }
    if let Some(error) = follow::fetch(client, wanted).await {
        return Err(error)
            .context("some results are not here; run the same command again to fetch the rest");
    }
    drop(folder);
    let failed = failures(status)
        .into_iter()
        .map(|(index, code, message)| FailedImage {
            index,
            code,
            message,
        });
    Ok(Report {
        batch_id: status.batch_id.clone(),
        out: out.to_owned(),
        results,
        failed: failed.collect(),
        open: status.counts.pending + status.counts.processing,
    })
}

impl Report {
    /// Prints it, as the command's last word.
    pub(crate) fn tell(&self, as_json: bool) -> anyhow::Result<Outcome> {
        if as_json {
            render::json(self)?;
        } else {
            render::out(&self.words())?;
        }
        Ok(if self.failed.is_empty() {
            Outcome::Fine
        } else {
            Outcome::SomeFailed
        })
    }

    fn words(&self) -> String {
        let mut text = Vec::new();
        for failed in &self.failed {
            text.push(format!(
                "failed: image {}: {} (refunded)\n",
                failed.index + 1,
                failed.message
            ));
        }
        let here = u64::try_from(self.results.len()).unwrap_or(u64::MAX);
        text.push(format!(
            "{} in {}",
            count(here, "result"),
            self.out.display()
        ));
        if self.open > 0 {
            text.push(format!(
                "; {} not finished yet",
                count(self.open.into(), "image")
            ));
        }
        text.concat()
    }
}

/// The name that `bie edit` promised in this folder, else one made of the batch and the index.
fn name(status: &BatchStatus, index: u32, promised: Option<&[String]>) -> String {
    let own = usize::try_from(index)
        .ok()
        .and_then(|index| promised?.get(index));
    own.cloned().unwrap_or_else(|| {
        let extension = match status.options.format.as_deref() {
            Some("jpeg") => "jpg",
            Some("webp") => "webp",
            _ => "png",
        };
        let short: String = status.batch_id.chars().take(12).collect();
        format!("{short}-{:04}.{extension}", index.saturating_add(1))
    })
}
