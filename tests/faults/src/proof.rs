//! After the faults: does everything come to rest, and was nothing bought that need not have been?

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context, Result, bail, ensure};
use api::{Balance, BatchHistory, BatchStatus, Transactions};
use domain::{BatchId, ImageRef, MAX_UNKNOWN_OUTCOMES, Timestamp, timing::TimeLimits};
use reqwest::Method;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use stack_tests::{Stack, engine::Engine, inside::Inside};
use tokio::time::{Instant, sleep};

use crate::users::Customer;

/// Between two looks at what is still open.
const PAUSE: Duration = Duration::from_millis(500);
/// How long an answer may be on its way: who gives up within this time of it may or may not have had it.
const ON_ITS_WAY: Duration = Duration::from_secs(1);

pub(crate) struct Proof {
    stack: Stack,
    inside: Inside,
    engine: Engine,
}

/// What the provider was asked for and what it would send a bill for.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Bought {
    images: u64,
    calls: u64,
    /// Calls beyond the first one of an image, those included that the provider turned away.
    calls_beyond_one: u64,
    pictures: u64,
    /// Pictures beyond the first one of an image.
    pictures_beyond_one: u64,
    /// Of the pictures that were bought again, those whose first answer was good: somebody died, or could not save it.
    lost: u64,
    /// Pictures whose answer never came, came when nobody may have waited for it any more, or was no picture.
    spoiled: u64,
    /// Calls of which nobody knows what came of them, as the images' records count them.
    unknown_outcomes: u64,
}

impl Proof {
    pub(crate) async fn new(stack: &Stack) -> Self {
        Self {
            stack: stack.clone(),
            inside: Inside::deployed(stack),
            engine: Engine::of(stack).await,
        }
    }

    /// Waits until every batch of these people is over and nothing works at them any more, and checks what each has paid;
    /// all of the batches.
    pub(crate) async fn rest(
        &self,
        customers: &[Customer],
        welcome: u64,
        give_up: Instant,
    ) -> Result<Vec<BatchId>> {
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
        self.executions_end(give_up).await?;
        Ok(all)
    }

    /// Waits until no execution runs. One whose image somebody else has settled, as a cancel does, learns of it with its
    /// next step, for which its retries or its turn may let it wait.
    async fn executions_end(&self, give_up: Instant) -> Result<()> {
        loop {
            let running = self.engine.running().await;
            if running.is_empty() {
                return Ok(());
            }
            ensure!(
                Instant::now() < give_up,
                "all batches are over, and executions still run: {running:?}"
            );
            sleep(PAUSE).await;
        }
    }

    /// Compares the provider's list of calls with the images' records (R5).
    pub(crate) async fn bought(&self, batches: &[BatchId]) -> Result<Bought> {
        let mut known: BTreeMap<String, Vec<Known>> = BTreeMap::new();
        for &batch in batches {
            let full = self.inside.tables.batch_in_full(batch).await?;
            let full = full.with_context(|| format!("batch {batch} is gone"))?;
            for (job, index) in full.jobs.iter().zip(0..) {
                let image = full.images.get(&index);
                // A retried image has its prompt in two batches.
                known
                    .entry(job.prompt.clone().unwrap_or_default())
                    .or_default()
                    .push(Known {
                        image: ImageRef {
                            batch_id: batch,
                            index,
                        },
                        since: full.batch.created_at,
                        calls: image.map_or(0, |image| image.provider_calls),
                        unknown: image.map_or(0, |image| image.unknown_outcomes),
                        seen: Vec::new(),
                    });
            }
        }
        for call in self.stack.provider_calls("sepia").await {
            let call: Call = serde_json::from_value(call)?;
            // A retry begins when all calls for what is retried have ended.
            let asked = known.get_mut(&call.prompt).and_then(|known| {
                let before = known.iter_mut().filter(|known| known.since <= call.at);
                before.max_by_key(|known| known.since)
            });
            let Some(asked) = asked else {
                bail!("the provider was asked for what nobody has submitted: {call:?}");
            };
            ensure!(
                (call.outcome == "accepted") == call.answered_at.is_none(),
                "{call:?}"
            );
            asked.seen.push(call);
        }
        let edit = self.engine.environment("EditImage").await;
        let limits = edit.get("TIME_LIMITS").context("no time limits")?;
        let limits: TimeLimits = limits.parse()?;
        let in_time = limits.provider.saturating_sub(ON_ITS_WAY);
        let mut sum = Bought::default();
        for known in known.values().flatten() {
            sum.add(known, in_time)?;
            if known.lost(in_time).next().is_some() {
                let failures = self.engine.failures(known.image).await;
                let mut lost = known.lost(in_time);
                ensure!(
                    lost.all(|(from, to)| failures.iter().any(|at| (from..=to).contains(at))),
                    "a good picture was bought again, and no step had failed: {known:?} {failures:?}"
                );
            }
        }
        Ok(sum)
    }

    /// How many entries of all these ledgers give credits back.
    pub(crate) async fn refunds(&self, customers: &[Customer]) -> Result<usize> {
        let mut refunds = 0;
        for customer in customers {
            let mut cursor = String::new();
            loop {
                let path = format!("/api/billing/transactions?limit=100{cursor}");
                let page: Transactions = get(customer, &path).await?;
                let entries = page.transactions.iter();
                refunds += entries.filter(|entry| entry.kind == "refund").count();
                let Some(next) = page.next_cursor else {
                    break;
                };
                cursor = format!("&cursor={next}");
            }
        }
        Ok(refunds)
    }
}

impl Bought {
    /// Adds an image, whose calls must be those that its record counts. What is answered within `in_time` is surely heard.
    fn add(&mut self, image: &Known, in_time: Duration) -> Result<()> {
        let pictures: Vec<_> = image.pictures().collect();
        let (calls, unknown) = (image.seen.len(), image.unknown);
        // Counted before it is made: there are never more calls than that.
        ensure!(calls <= image.calls as usize, "{image:?}");
        ensure!(pictures.len() <= unknown as usize, "{image:?}");
        ensure!(unknown <= MAX_UNKNOWN_OUTCOMES, "{image:?}");
        self.images += 1;
        self.calls += calls as u64;
        self.calls_beyond_one += calls.saturating_sub(1) as u64;
        self.pictures += pictures.len() as u64;
        self.pictures_beyond_one += pictures.len().saturating_sub(1) as u64;
        self.unknown_outcomes += u64::from(unknown);
        let spoiled = pictures
            .iter()
            .filter(|call| !call.is_good(in_time))
            .count();
        self.spoiled += spoiled as u64;
        self.lost += image.lost(in_time).count() as u64;
        Ok(())
    }

    /// How many pictures there may be beyond one per image, if so many good answers can have been lost to faults.
    ///
    /// A good picture is bought again only if something struck between the answer and its save: what the provider did to
    /// other calls is no excuse for that.
    pub(crate) fn explained(&self, losses: u64) -> Result<u64> {
        ensure!(
            self.lost <= losses,
            "{} good pictures were bought again, and faults explain {losses}: {self:?}",
            self.lost
        );
        Ok(self.spoiled + losses)
    }
}

/// One call, as the provider's journal has it.
#[derive(Debug, Deserialize)]
struct Call {
    prompt: String,
    outcome: String,
    bought: bool,
    at: Timestamp,
    #[serde(rename = "answeredAt")]
    answered_at: Option<Timestamp>,
}

impl Call {
    /// Whether the answer was the picture that was asked for, and somebody surely waited for it. A call that nobody waited
    /// for stays `accepted`.
    fn is_good(&self, in_time: Duration) -> bool {
        let answered = self.answered_at.map(|at| at.since(self.at));
        matches!(self.outcome.as_str(), "answered" | "slow")
            && answered.is_some_and(|took| took < in_time)
    }
}

/// What its record says of an image, and what the provider does.
#[derive(Debug)]
struct Known {
    image: ImageRef,
    since: Timestamp,
    calls: u32,
    unknown: u32,
    seen: Vec<Call>,
}

impl Known {
    fn pictures(&self) -> impl Iterator<Item = &Call> {
        self.seen.iter().filter(|call| call.bought)
    }

    /// When each good picture was bought that was bought again, and when that was.
    fn lost(&self, in_time: Duration) -> impl Iterator<Item = (Timestamp, Timestamp)> {
        let pairs = self.pictures().zip(self.pictures().skip(1));
        let lost = pairs.filter(move |(first, _)| first.is_good(in_time));
        lost.map(|(first, again)| (first.at, again.at))
    }
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

#[cfg(test)]
mod tests {
    use stack_tests::engine;

    use super::*;

    /// Adds up an image with these calls, answered after so many seconds if at all. The bought ones of them are all counted
    /// as unknown.
    fn sum(calls: &[(&str, Option<u64>)]) -> Bought {
        let at = Timestamp::from_millis(0);
        let seen: Vec<_> = calls
            .iter()
            .map(|&(outcome, seconds)| Call {
                prompt: String::new(),
                outcome: outcome.to_owned(),
                bought: outcome != "rate_limit",
                at,
                answered_at: seconds.map(|it| at.plus(Duration::from_secs(it))),
            })
            .collect();
        let mut sum = Bought::default();
        let image = Known {
            image: engine::image("9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f", 0),
            since: at,
            calls: 3,
            unknown: 2,
            seen,
        };
        sum.add(&image, Duration::from_secs(5)).unwrap();
        sum
    }

    #[test]
    fn a_good_picture_that_is_bought_again_needs_an_explanation() {
        let (answered, refused) = (("answered", Some(1)), ("rate_limit", Some(0)));
        for (calls, beyond_one, lost, spoiled) in [
            (vec![answered], 0, 0, 0),
            (vec![refused, answered], 0, 0, 0),
            (vec![("cut", Some(1)), answered], 1, 0, 1),
            (vec![answered, refused, answered], 1, 1, 0),
            (vec![("slow", Some(4)), ("accepted", None)], 1, 1, 1),
            (vec![("slow", Some(5)), answered], 1, 0, 1),
            (vec![("garbage", Some(1)), ("garbage", Some(1))], 1, 0, 2),
        ] {
            let sum = sum(&calls);
            let counted = (sum.pictures_beyond_one, sum.lost, sum.spoiled);
            assert_eq!(counted, (beyond_one, lost, spoiled), "{calls:?}");
            assert_eq!(sum.explained(0).is_ok(), lost == 0, "{calls:?}");
            assert_eq!(sum.explained(1).unwrap(), spoiled + 1, "{calls:?}");
        }
    }
}
