//! What is sold, what somebody has, what became of it, and the way to the seller. It moves no credits: orders come from the
//! seller, by the credit queue.

use std::{collections::HashMap, time::Duration};

use api::{Balance, Checkout, CheckoutRequest, Portal, Transaction, Transactions};
use aws::{AccountError, AwsError, LedgerEntry, Secret, Tables, Welcome};
use domain::{Account, Batch, BatchId, Credits, Job, Occasion, Packs};
use edge::http::{Call, Caller, Failure, ProblemKind, Reply};
use futures::future::try_join_all;
use polar::{ClientError, NewCheckout};

/// The routes, as the template names them.
const PACKS: &str = "GET /api/billing/packs";
const BALANCE: &str = "GET /api/billing/balance";
const TRANSACTIONS: &str = "GET /api/billing/transactions";
const CHECKOUT: &str = "POST /api/billing/checkout";
const PORTAL: &str = "POST /api/billing/portal";

/// When to try again if the seller does not say.
const AFTER_NO_ANSWER: Duration = Duration::from_secs(30);

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) welcome: Welcome,
    pub(crate) packs: Packs,
    pub(crate) polar: polar::Client,
    pub(crate) token: Secret,
    /// The web app's page about credits, where people come back to.
    pub(crate) credits_page: String,
}

/// A batch that transactions speak of, with its images where one of them is named.
struct Mentioned {
    batch: Batch,
    jobs: Vec<Job>,
}

impl Handler {
    pub(crate) async fn handle(&self, call: Call) -> Result<Reply, Failure> {
        let caller = call.caller()?;
        match call.route() {
            PACKS => Ok(Reply::ok(&packs(&self.packs))),
            BALANCE => self.balance(&caller).await,
            TRANSACTIONS => self.transactions(&caller, &call).await,
            CHECKOUT => self.checkout(&caller, &call.json()?).await,
            PORTAL => self.portal(&caller).await,
            other => Err(AwsError::Missing(format!("an answer to {other:?}")).into()),
        }
    }

    async fn account(&self, caller: &Caller) -> Result<Option<Account>, AccountError> {
        self.welcome
            .account(&caller.user, &caller.email, caller.email_verified)
            .await
    }

    async fn balance(&self, caller: &Caller) -> Result<Reply, Failure> {
        let account = self.account(caller).await?.unwrap_or_default();
        Ok(Reply::ok(&Balance {
            credits: account.balance.get(),
            owed: account.owed.get(),
        }))
    }

    async fn transactions(&self, caller: &Caller, call: &Call) -> Result<Reply, Failure> {
        let limit = call.limit(Transactions::PAGE, Transactions::LONGEST_PAGE)?;
        let cursor = call.query("cursor");
        // Whoever asks for this first is welcomed by it, too: the page asks for it and for the balance at once.
        if cursor.is_none() {
            self.account(caller).await?;
        }
        let page = self.tables.ledger(&caller.user, cursor, limit).await?;
        let batches = self.mentioned(&page.entries).await?;
        let transaction = |entry: &LedgerEntry| {
            let mentioned = entry.batch_id.and_then(|id| batches.get(&id));
            transaction(entry, mentioned)
        };
        Ok(Reply::ok(&Transactions {
            transactions: page.entries.iter().map(transaction).collect(),
            next_cursor: page.next,
        }))
    }

    /// The batches of these entries. Manifests are read only where an image is to be named: they may be large.
    async fn mentioned(
        &self,
        entries: &[LedgerEntry],
    ) -> Result<HashMap<BatchId, Mentioned>, AwsError> {
        let mut with_images: HashMap<BatchId, bool> = HashMap::new();
        for entry in entries {
            if let Some(id) = entry.batch_id {
                *with_images.entry(id).or_default() |= entry.image.is_some();
            }
        }
        let reads = with_images.into_iter().map(async |(id, with_images)| {
            let found = if with_images {
                self.tables.manifest(id).await?
            } else {
                self.tables
                    .batch(id)
                    .await?
                    .map(|batch| (batch, Vec::new()))
            };
            Ok::<_, AwsError>(found.map(|(batch, jobs)| (id, Mentioned { batch, jobs })))
        });
        Ok(try_join_all(reads).await?.into_iter().flatten().collect())
    }

    /// The account is opened first: an order of somebody without one could be given to nobody.
    async fn checkout(&self, caller: &Caller, request: &CheckoutRequest) -> Result<Reply, Failure> {
        let pack = self.packs.of_product(&request.product_id).ok_or_else(|| {
            let detail = "choose one of the packs that GET /api/billing/packs lists";
            Failure::new(ProblemKind::PackNotFound, detail)
        })?;
        let account = self.account(caller).await?;
        // Nor does Polar hear of an address that may be anybody's.
        account
            .filter(|_| caller.email_verified)
            .ok_or_else(Failure::email_not_verified)?;
        let checkout = NewCheckout {
            product_id: &pack.product_id,
            user_id: caller.user.as_str(),
            email: &caller.email,
            success_url: &format!("{}?checkout_id={{CHECKOUT_ID}}", self.credits_page),
            return_url: &self.credits_page,
        };
        let token = self.token.read().await?;
        let made = self.polar.create_checkout(&token, &checkout).await;
        let made = made.map_err(unavailable)?;
        Ok(Reply::created(&Checkout {
            checkout_id: made.id,
            url: made.url,
        }))
    }

    async fn portal(&self, caller: &Caller) -> Result<Reply, Failure> {
        let token = self.token.read().await?;
        let user = caller.user.as_str();
        let session = self
            .polar
            .create_portal_session(&token, user, &self.credits_page);
        let session = session.await.map_err(|error| match error {
            ClientError::Refused { .. } => Failure::new(
                ProblemKind::NothingBought,
                "invoices and payment methods are there once you have bought credits",
            ),
            other => unavailable(other),
        })?;
        Ok(Reply::created(&Portal {
            url: session.customer_portal_url,
        }))
    }
}

/// Whatever is wrong between us and the seller, the buyer can do nothing about it; the log says what it is.
fn unavailable(error: ClientError) -> Failure {
    let wait = match &error {
        ClientError::Unavailable { retry_after, .. } => *retry_after,
        ClientError::Refused { .. } | ClientError::Unauthorised | ClientError::Unreadable(_) => {
            None
        }
    };
    Failure::new(
        ProblemKind::BillingUnavailable,
        "nothing was bought and nothing was paid; try again in a moment",
    )
    .with_retry_after(wait.unwrap_or(AFTER_NO_ANSWER))
    .with_cause(error)
}

fn packs(packs: &Packs) -> api::Packs {
    let pack = |pack: &domain::Pack| api::Pack {
        product_id: pack.product_id.clone(),
        name: pack.name.clone(),
        credits: pack.credits.get(),
        price: pack.price,
        currency: pack.currency.clone(),
    };
    api::Packs {
        packs: packs.all().iter().map(pack).collect(),
    }
}

fn transaction(entry: &LedgerEntry, mentioned: Option<&Mentioned>) -> Transaction {
    Transaction {
        id: entry.id.clone(),
        kind: entry.kind.clone(),
        description: occasion(entry, mentioned).to_string(),
        amount: entry.amount,
        balance_after: entry.balance_after.get(),
        owed_after: entry.owed_after.get(),
        created_at: entry.created_at.to_string(),
        batch_id: entry.batch_id.map(|id| id.to_string()),
    }
}

fn occasion<'a>(entry: &'a LedgerEntry, mentioned: Option<&'a Mentioned>) -> Occasion<'a> {
    match (entry.kind.as_str(), mentioned, entry.image) {
        ("welcome", ..) => Occasion::Welcome,
        ("debit", Some(Mentioned { batch, .. }), _) => Occasion::Debit(batch),
        ("refund", Some(Mentioned { batch, jobs }), Some(index)) => {
            let job = usize::try_from(index).ok().and_then(|at| jobs.get(at));
            let name = job.and_then(|job| job.name.as_deref());
            Occasion::Refund { batch, index, name }
        }
        ("order", ..) => {
            let (credits, repaid) = in_full(entry);
            Occasion::Order { credits, repaid }
        }
        ("order_refund", ..) => {
            let (credits, owed) = in_full(entry);
            Occasion::OrderRefund { credits, owed }
        }
        ("adjust", ..) => Occasion::Adjust {
            reason: entry.reason.as_deref().unwrap_or_default(),
        },
        (other, ..) => Occasion::Other(other),
    }
}

/// What an order gave or lost, and what of that did not reach or leave the balance.
fn in_full(entry: &LedgerEntry) -> (Credits, Credits) {
    let moved = Credits::new(entry.amount.unsigned_abs()).unwrap_or_default();
    let credits = entry.credits.unwrap_or(moved);
    (credits, credits.minus(moved).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use domain::{EditOptions, Submission, Timestamp, UserId, timing::TimeLimits};

    use super::*;

    const CHECKOUT_EVENT: &str = include_str!("../../../events/billing/checkout.json");
    const TRANSACTIONS_EVENT: &str = include_str!("../../../events/billing/transactions.json");

    #[test]
    fn the_events_name_their_routes() {
        for (event, route) in [
            (include_str!("../../../events/billing/packs.json"), PACKS),
            (
                include_str!("../../../events/billing/balance.json"),
                BALANCE,
            ),
            (TRANSACTIONS_EVENT, TRANSACTIONS),
            (CHECKOUT_EVENT, CHECKOUT),
            (include_str!("../../../events/billing/portal.json"), PORTAL),
        ] {
            let call = Call::from_event(event).unwrap();
            assert_eq!(call.route(), route);
            assert!(call.caller().is_ok());
        }
        let call = Call::from_event(CHECKOUT_EVENT).unwrap();
        let request: CheckoutRequest = call.json().unwrap();
        assert_eq!(request.product_id, "0a5c8e21-7b64-4f0d-9c3a-2b1d4e6f8a50");
        let call = Call::from_event(TRANSACTIONS_EVENT).unwrap();
        assert_eq!(call.limit(20, 100).unwrap(), 5);
        assert_eq!(call.query("cursor"), Some("12"));
    }

    fn entry(kind: &str, amount: i64) -> LedgerEntry {
        LedgerEntry {
            id: "welcome".to_owned(),
            kind: kind.to_owned(),
            amount,
            balance_after: Credits::small(10),
            owed_after: Credits::default(),
            created_at: Timestamp::from_millis(0),
            batch_id: None,
            image: None,
            order_id: None,
            credits: None,
            reason: None,
        }
    }

    fn mentioned(names: &[Option<&str>]) -> Mentioned {
        let user: UserId = "anna".parse().unwrap();
        let job = |name: Option<&str>| Job {
            key: "uploads/anna/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg"
                .parse()
                .unwrap(),
            name: name.map(str::to_owned),
            prompt: None,
        };
        let submission = Submission {
            jobs: names.iter().copied().map(job).collect(),
            prompt: "make it blue".to_owned(),
            options: EditOptions::default(),
        };
        let now = Timestamp::from_millis(0);
        let id = BatchId::derive(&user, &"k".parse().unwrap());
        let price = Credits::small(1);
        Mentioned {
            batch: Batch::new(
                id,
                user,
                &submission,
                price,
                now,
                now,
                &TimeLimits::default(),
            ),
            jobs: submission.jobs,
        }
    }

    #[test]
    fn every_kind_of_entry_is_told_in_words() {
        let batch = mentioned(&[Some("photo-1.jpg"), None]);
        let refund = |image| LedgerEntry {
            image: Some(image),
            ..entry("refund", 1)
        };
        let order = |kind, amount, credits| LedgerEntry {
            credits: Some(Credits::small(credits)),
            ..entry(kind, amount)
        };
        let adjusted = LedgerEntry {
            reason: Some("paid twice".to_owned()),
            ..entry("adjust", 5)
        };
        for (entry, words) in [
            (entry("welcome", 10), "Welcome credits"),
            (entry("debit", -2), "Batch “make it blue” (2 photos)"),
            (refund(0), "Refund for photo-1.jpg in batch “make it blue”"),
            (refund(1), "Refund for photo 2 in batch “make it blue”"),
            (order("order", 50, 50), "Bought 50 credits"),
            (
                order("order", 42, 50),
                "Bought 50 credits, of which 8 paid what was owed",
            ),
            (
                order("order_refund", -20, 20),
                "Refund of an order: 20 credits taken back",
            ),
            (
                order("order_refund", -15, 20),
                "Refund of an order: 20 credits taken back, of which 5 had been spent and are owed",
            ),
            (adjusted, "Adjusted by support: paid twice"),
            (entry("gift", 1), "gift"),
        ] {
            assert_eq!(transaction(&entry, Some(&batch)).description, words);
        }
    }

    #[test]
    fn a_seller_who_is_away_is_named_with_a_time() {
        let failure = unavailable(ClientError::Unauthorised);
        assert_eq!(
            (failure.status(), failure.code()),
            (503, "billing_unavailable")
        );
    }
}
