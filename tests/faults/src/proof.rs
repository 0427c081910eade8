//! After the faults: does everything come to rest, and was nothing bought that need not have been?

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use api::{Balance, BatchHistory, BatchStatus};
use domain::{BatchId, MAX_UNKNOWN_OUTCOMES};
use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use stack_tests::{Stack, inside::Inside};
use tokio::time::{Instant, sleep};

use crate::users::Customer;

/// Between two looks at what is still open.
const PAUSE: Duration = Duration::from_millis(500);

pub(crate) struct Proof {
    stack: Stack,
    inside: Inside,
}

/// What the provider was asked for and what it would send a bill for.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bought {
    images: u64,
    calls: u64,
    pictures: u64,
    /// Pictures beyond the first one of an image.
    pictures_beyond_one: u64,
    /// Calls of which nobody knows what came of them, as the images' records count them.
    unknown_outcomes: u64,
}

impl Proof {
    pub(crate) fn new(stack: &Stack) -> Self {
        Self {
            stack: stack.clone(),
            inside: Inside::deployed(stack),
        }
    }

    /// Waits until every batch of these people is over, and checks what each has paid; all of the batches.
    pub(crate) async fn rest(
        &self,
        customers: &[Customer],
        welcome: u64,
        most: Duration,
    ) -> Result<Vec<BatchId>> {
        let give_up = Instant::now() + most;
        let mut all = Vec::new();
        for customer in customers {
            let mut spent = 0;
            for batch in batches(customer).await? {
                let status = finished(customer, &batch, give_up).await?;
                spent += status.credits_spent - status.credits_refunded;
                all.push(batch.parse()?);
            }
            let given = welcome + customer.bought();
            let adds_up = |balance: &Balance| spent + balance.credits == given + balance.owed;
            let balance = settled(customer, adds_up, give_up).await?;
            ensure!(
                adds_up(&balance),
                "{} has {balance:?} and spent {spent} of {given}",
                customer.user.id(),
            );
        }
        Ok(all)
    }

    /// Compares the provider's list of calls with the images' records (R5).
    pub(crate) async fn bought(&self, batches: &[BatchId]) -> Result<Bought> {
        let mut known: BTreeMap<String, Known> = BTreeMap::new();
        // A retried image has its prompt in two batches: together they answer for its calls.
        for &batch in batches {
            let full = self.inside.tables.batch_in_full(batch).await?;
            let full = full.with_context(|| format!("batch {batch} is gone"))?;
            for (job, index) in full.jobs.iter().zip(0..) {
                let prompt = job.prompt.clone().unwrap_or_default();
                let known = known.entry(prompt).or_default();
                known.images += 1;
                let Some(image) = full.images.get(&index) else {
                    continue;
                };
                known.calls += u64::from(image.provider_calls);
                known.unknown += u64::from(image.unknown_outcomes);
            }
        }
        let mut seen: BTreeMap<String, (u64, u64)> = BTreeMap::new();
        for call in self.stack.provider_calls("sepia").await {
            let call: Call = serde_json::from_value(call)?;
            let (calls, pictures) = seen.entry(call.prompt).or_default();
            *calls += 1;
            *pictures += u64::from(call.bought);
        }
        let mut sum = Bought {
            images: known.values().map(|known| known.images).sum(),
            unknown_outcomes: known.values().map(|known| known.unknown).sum(),
            ..Bought::default()
        };
        for (prompt, (calls, pictures)) in seen {
            let Some(known) = known.get(&prompt) else {
                bail!("the provider was asked for {prompt:?}, which nobody has submitted");
            };
            // Counted before it is made: there are never more calls than that.
            ensure!(calls <= known.calls, "{prompt:?}: {calls} calls, {known:?}");
            let most = known.images * u64::from(MAX_UNKNOWN_OUTCOMES);
            ensure!(
                pictures <= known.unknown && pictures <= most,
                "{prompt:?}: {pictures} pictures bought, {known:?}"
            );
            sum.calls += calls;
            sum.pictures += pictures;
            sum.pictures_beyond_one += pictures.saturating_sub(known.images);
        }
        Ok(sum)
    }
}

/// One call, as the provider's journal has it.
#[derive(Deserialize)]
struct Call {
    prompt: String,
    bought: bool,
}

/// What the records say of the images with one prompt.
#[derive(Debug, Default)]
struct Known {
    images: u64,
    calls: u64,
    unknown: u64,
}

/// The ids of all batches that somebody has submitted.
async fn batches(customer: &Customer) -> Result<Vec<String>> {
    let mut ids = Vec::new();
    let mut cursor = String::new();
    loop {
        let page: BatchHistory = get(customer, &format!("/api/batches?limit=50{cursor}")).await?;
        ids.extend(page.batches.into_iter().map(|batch| batch.batch_id));
        match page.next_cursor {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return Ok(ids),
        }
    }
}

/// The balance, once the last purchase and the last refund have arrived, or as it is when that takes too long.
async fn settled(
    customer: &Customer,
    adds_up: impl Fn(&Balance) -> bool,
    give_up: Instant,
) -> Result<Balance> {
    loop {
        let balance = get(customer, "/api/billing/balance").await?;
        if adds_up(&balance) || Instant::now() > give_up {
            return Ok(balance);
        }
        sleep(PAUSE).await;
    }
}

async fn finished(customer: &Customer, batch: &str, give_up: Instant) -> Result<BatchStatus> {
    loop {
        let status: BatchStatus = get(customer, &format!("/api/batch/{batch}/status")).await?;
        if status.finished_at.is_some() {
            return Ok(status);
        }
        if Instant::now() > give_up {
            bail!("batch {batch} does not come to rest: {status:?}");
        }
        sleep(PAUSE).await;
    }
}

async fn get<T: DeserializeOwned>(customer: &Customer, path: &str) -> Result<T> {
    let answer = customer.insist("look", Method::GET, path, None).await?;
    ensure!(answer.status == 200, "{path}: {}", answer.status);
    Ok(serde_json::from_slice(&answer.body)?)
}
