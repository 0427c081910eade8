//! `bie cancel`, `bie retry`: second thoughts about a batch. Both may be run again; nothing is bought twice.

use anyhow::Context as _;
use api::{BatchStatus, CancelResponse};

use crate::{
    App, Outcome,
    args::{CancelArgs, RetryArgs},
    batches,
    client::Client,
    edit, follow,
    render::{self, count, note},
};

pub(crate) async fn cancel(app: &App, args: &CancelArgs) -> anyhow::Result<Outcome> {
    batches::check_id(&args.batch)?;
    let canceled = app.client()?.cancel(&args.batch).await?;
    if args.json {
        render::json(&canceled)?;
    } else {
        render::out(&words(&canceled))?;
    }
    Ok(Outcome::Fine)
}

fn words(canceled: &CancelResponse) -> String {
    let counts = &canceled.counts;
    let mut text = vec![format!(
        "canceled batch {}: {}; {} refunded",
        canceled.batch_id,
        render::counts(counts),
        count(canceled.credits_refunded, "credit")
    )];
    let open = counts.pending + counts.processing;
    if open > 0 {
        text.push(format!(
            "\n{} on the way still; see `bie status {}`",
            count(open.into(), "image"),
            canceled.batch_id
        ));
    }
    text.concat()
}

pub(crate) async fn retry(app: &App, args: &RetryArgs) -> anyhow::Result<Outcome> {
    let client = app.client()?;
    let earlier = batches::ask(&client, &args.batch).await?;
    agree(&client, &earlier, args).await?;
    let new = client.retry_batch(&args.batch).await?;
    note(&format!(
        "batch {}; after an interruption, run the same command again",
        new.batch_id
    ));
    let status = follow::to_the_end(&client, &new.batch_id, new.image_count)
        .await
        .context("not finished; run the same command again to go on: nothing is bought twice")?;
    batches::fetch(&client, &status, &args.out)
        .await?
        .tell(args.json)
}

/// Shows the price and asks, if there is anything to buy. If not, the service has the first answer, or says why not.
async fn agree(client: &Client, earlier: &BatchStatus, args: &RetryArgs) -> anyhow::Result<()> {
    let images = earlier.counts.failed + earlier.counts.canceled;
    if let Some(retry) = &earlier.retried_in {
        note(&format!(
            "retried before, in batch {retry}: nothing is bought"
        ));
    } else if images > 0 && !follow::open(&earlier.counts) {
        let account = client.account().await?;
        let images = usize::try_from(images)?;
        edit::agree(
            &account,
            &earlier.options,
            images,
            account.credits,
            args.consent,
        )?;
    }
    Ok(())
}
