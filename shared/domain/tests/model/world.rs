//! What DynamoDB and S3 would hold, and the writes of `aws` as far as they decide something.
//!
//! Nothing here says what is allowed: that is asked of `domain` when something is read, and repeated as the condition of
//! the write, as the adapters do it.

use std::collections::{BTreeMap, HashSet};

use domain::{
    Account, Batch, BatchId, Credits, Draft, DraftImage, Failure, IdempotencyKey, Image, ImageRef,
    ImageState, Limits, OrderId, OrderRecord, OrderStep, Outcome, Posting, Purchase, Reason,
    Refunded, Submission, Timestamp, UserId,
    timing::{self, TimeLimits},
};

const WELCOME: Credits = Credits::small(20);
/// What a pack gives: so little that it is often spent when its money is given back.
pub(crate) const PACK: Credits = Credits::small(7);

/// Everything there is.
pub(crate) struct World {
    pub(crate) now: Timestamp,
    pub(crate) ledgers: Vec<Ledger>,
    pub(crate) orders: Vec<Order>,
    pub(crate) tickets: Vec<Ticket>,
    pub(crate) decisions: Vec<Decision>,
    /// The images whose results lie in the bucket.
    pub(crate) results: HashSet<Place>,
    /// What Polar has told of each order, at its largest.
    pub(crate) told: BTreeMap<OrderId, Purchase>,
}

/// One user's part of the credits table.
pub(crate) struct Ledger {
    pub(crate) user: UserId,
    pub(crate) account: Option<Account>,
    pub(crate) entries: Vec<Entry>,
    pub(crate) orders: BTreeMap<OrderId, OrderRecord>,
}

pub(crate) struct Entry {
    pub(crate) reason: Reason,
    pub(crate) posting: Posting,
    /// The change of the balance, and what of it paid a debt or made one.
    pub(crate) worth: i64,
}

/// One batch's part of the batches table.
pub(crate) struct Order {
    pub(crate) owner: usize,
    pub(crate) batch: Batch,
    submission: Submission,
    pub(crate) images: Vec<Image>,
}

/// An image, by its place in the world.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) batch: usize,
    pub(crate) index: usize,
}

/// A claim that was given, and the one call to the provider that it stands for.
pub(crate) struct Ticket {
    pub(crate) image: Place,
    lease_id: String,
    until: Timestamp,
    pub(crate) answer: Option<Answer>,
}

/// How a call ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    /// Nothing was bought, and that is known.
    Refused,
    /// Nobody knows whether it was bought.
    Unknown,
    /// Its picture is in the bucket.
    Saved,
    /// The caller died without a word.
    Died,
}

/// How an image is to end.
#[derive(Clone, Copy, Debug)]
pub(crate) enum End {
    Completed,
    Failed,
    Canceled,
}

/// What was decided by what was read, and is not written yet.
pub(crate) enum Decision {
    Submit {
        owner: usize,
        batch: Box<Batch>,
        submission: Submission,
        before: Account,
        posting: Posting,
    },
    Settle {
        batch: usize,
        last: bool,
        steps: Vec<Step>,
        refunds: Option<Refunds>,
    },
    Order {
        owner: usize,
        order: OrderId,
        record: Option<OrderRecord>,
        before: Account,
        step: OrderStep,
    },
}

/// One image of a settlement.
pub(crate) struct Step {
    index: usize,
    seen_lease: Option<String>,
    outcome: Outcome,
}

/// The money of a settlement.
pub(crate) struct Refunds {
    before: Account,
    postings: Vec<(Reason, Posting)>,
}

impl Ticket {
    /// May its holder still be at work? The limits of `timing` nest so that it never outlives its lease.
    pub(crate) fn is_alive(&self, now: Timestamp) -> bool {
        self.answer.is_none() && now < self.until
    }
}

impl Ledger {
    fn has(&self, reason: &Reason) -> bool {
        self.entries.iter().any(|entry| entry.reason == *reason)
    }

    fn post(&mut self, reason: &Reason, posting: Posting) {
        let owed = self.account.unwrap_or_default().owed.get().cast_signed();
        self.entries.push(Entry {
            reason: reason.clone(),
            posting,
            worth: posting.amount + owed - posting.after.owed.get().cast_signed(),
        });
        self.account = Some(posting.after);
    }

    /// The condition of every write to an account.
    fn is_as_read(&self, before: Account) -> bool {
        self.account
            .is_some_and(|account| account.entries == before.entries)
    }
}

impl Order {
    pub(crate) fn image(&self, index: usize) -> ImageRef {
        ImageRef {
            batch_id: self.batch.batch_id,
            index: u32::try_from(index).unwrap(),
        }
    }
}

impl World {
    pub(crate) fn new(users: usize) -> Self {
        Self {
            now: Timestamp::from_millis(1_800_000_000_000),
            ledgers: (0..users)
                .map(|number| Ledger {
                    user: format!("user-{number}").parse().unwrap(),
                    account: None,
                    entries: Vec::new(),
                    orders: BTreeMap::new(),
                })
                .collect(),
            orders: Vec::new(),
            tickets: Vec::new(),
            decisions: Vec::new(),
            results: HashSet::new(),
            told: BTreeMap::new(),
        }
    }

    /// `Tables::open_account`.
    pub(crate) fn open(&mut self, user: usize) {
        let ledger = &mut self.ledgers[user];
        if ledger.account.is_none() && !ledger.has(&Reason::Welcome) {
            let posting = Account::default().credit(WELCOME).unwrap();
            ledger.post(&Reason::Welcome, posting);
        }
    }

    /// submit-batch up to its transaction.
    pub(crate) fn decide_submit(&mut self, user: usize, key: u32, images: u32, price: u32) {
        let Ledger {
            user: id,
            account: Some(before),
            ..
        } = &self.ledgers[user]
        else {
            return;
        };
        let image = || DraftImage {
            key: format!("uploads/{id}/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.png"),
            ..DraftImage::default()
        };
        let draft = Draft {
            images: (0..images).map(|_| image()).collect(),
            prompt: "make it blue".to_owned(),
            ..Draft::default()
        };
        let submission = draft.check(id, &Limits::default()).unwrap();
        let key: IdempotencyKey = format!("key-{key}").parse().unwrap();
        let batch = Batch::new(
            BatchId::derive(id, &key),
            id.clone(),
            &submission,
            Credits::small(price),
            self.now,
            self.now,
            &TimeLimits::default(),
        );
        let before = *before;
        self.decide_to_accept(user, batch, submission, before);
    }

    /// batch-control's retry up to its transaction.
    pub(crate) fn decide_retry(&mut self, batch: usize, price: u32) {
        let order = &self.orders[batch];
        let earlier = &order.batch;
        if earlier.may_retry().is_err() {
            return;
        }
        let jobs = order.submission.jobs.iter().cloned();
        let images = jobs.zip(order.images.iter().map(|image| image.state));
        let prompt = order.submission.prompt.clone();
        let submission = Submission::retry(images, prompt, earlier.options);
        let new = Batch {
            retry_of: Some(earlier.batch_id),
            ..Batch::new(
                BatchId::derive_retry(&earlier.user, earlier.batch_id),
                earlier.user.clone(),
                &submission,
                Credits::small(price),
                self.now,
                self.now,
                &TimeLimits::default(),
            )
        };
        let before = self.ledgers[order.owner].account.unwrap();
        self.decide_to_accept(order.owner, new, submission, before);
    }

    /// `Tables::submit` up to its transaction.
    fn decide_to_accept(
        &mut self,
        owner: usize,
        batch: Batch,
        submission: Submission,
        before: Account,
    ) {
        if let Ok(posting) = before.debit(batch.credits_spent().unwrap()) {
            self.decisions.push(Decision::Submit {
                owner,
                batch: Box::new(batch),
                submission,
                before,
                posting,
            });
        }
    }

    /// apply-order up to the transaction of one step. Each order has its own user and price, one of which is nothing.
    pub(crate) fn decide_order(&mut self, number: usize, refunded: Refunded) {
        let owner = number % self.ledgers.len();
        let purchase = Purchase {
            id: format!("9b2f6bd0-0000-4000-8000-{number:012}")
                .parse()
                .unwrap(),
            user: self.ledgers[owner].user.clone(),
            product_id: "pack".to_owned(),
            amount: number as u64 % 7 * 100,
            refunded,
        };
        let told = self.told.entry(purchase.id.clone());
        let told = told.or_insert_with(|| purchase.clone());
        if is_more(refunded, told.refunded) {
            told.refunded = refunded;
        }
        let ledger = &self.ledgers[owner];
        let record = ledger.orders.get(&purchase.id).cloned();
        let step = purchase.next(record.as_ref(), Some(PACK)).unwrap();
        // Who has no account yet is told of again.
        if let (Some(step), Some(before)) = (step, ledger.account) {
            self.decisions.push(Decision::Order {
                owner,
                order: purchase.id.clone(),
                record,
                before,
                step,
            });
        }
    }

    /// `Tables::request_cancel`, and the settlement that follows it.
    pub(crate) fn cancel(&mut self, batch: usize) {
        let order = &mut self.orders[batch].batch;
        if order.may_cancel() {
            order.cancel_requested = true;
            let ends: Vec<_> = (0..order.total)
                .map(|index| (index, End::Canceled))
                .collect();
            self.decide_settle(batch, &ends);
        }
    }

    /// edit-image up to its call: the look for the result, and `Tables::claim`.
    pub(crate) fn edit(&mut self, image: Place) {
        let now = self.now;
        if self.results.contains(&image) {
            return;
        }
        let record = &mut self.orders[image.batch].images[image.index];
        if record.may_claim(now).is_err() {
            return;
        }
        let lease_id = format!("lease-{}", self.tickets.len());
        let until = now.plus(timing::LEASE);
        record.state = ImageState::Processing;
        record.lease_id = Some(lease_id.clone());
        record.lease_until = Some(until);
        record.started_at.get_or_insert(now);
        record.provider_calls += 1;
        record.unknown_outcomes += 1;
        self.tickets.push(Ticket {
            image,
            lease_id,
            until,
            answer: None,
        });
    }

    /// edit-image after its call. A call ends in one way; to say so again must be harmless, however late.
    pub(crate) fn end(&mut self, ticket: usize, answer: Answer) {
        let ticket = &mut self.tickets[ticket];
        if ticket.is_alive(self.now) {
            ticket.answer = Some(answer);
        } else if ticket.answer != Some(answer) {
            return;
        }
        let known = match answer {
            Answer::Refused => 1,
            Answer::Unknown => 0,
            Answer::Died => return,
            Answer::Saved => {
                self.results.insert(ticket.image);
                return;
            }
        };
        // `Tables::release`.
        let record = &mut self.orders[ticket.image.batch].images[ticket.image.index];
        if record.lease_id.as_deref() == Some(&ticket.lease_id) && record.lease_until.is_some() {
            record.unknown_outcomes -= known;
            record.lease_until = None;
        }
    }

    /// `Settler::settle` up to its transaction.
    pub(crate) fn decide_settle(&mut self, batch: usize, ends: &[(u32, End)]) {
        let order = &self.orders[batch];
        let mut steps = Vec::new();
        for &(index, end) in ends {
            let index = index as usize;
            let has_result = self.results.contains(&Place { batch, index });
            let completed = Outcome::Completed {
                result_key: format!("result {index}"),
                usage: None,
            };
            let outcome = match end {
                // Nobody says so before the picture is saved.
                End::Completed if !has_result => continue,
                End::Completed => completed.clone(),
                End::Failed => Outcome::Failed(Failure::new("test", "It was a test.")),
                End::Canceled => Outcome::Canceled,
            };
            let seen = &order.images[index];
            if seen.may_settle(&outcome, self.now).is_ok() {
                steps.push(Step {
                    index,
                    seen_lease: seen.lease_id.clone(),
                    outcome: if has_result { completed } else { outcome },
                });
            }
        }
        if steps.is_empty() {
            return;
        }
        let before = self.ledgers[order.owner].account.unwrap();
        let mut after = before;
        let mut postings = Vec::new();
        for step in &steps {
            if step.outcome.state() != ImageState::Completed {
                let posting = after.credit(order.batch.price_per_image).unwrap();
                after = posting.after;
                postings.push((Reason::Refund(order.image(step.index)), posting));
            }
        }
        let refunds = (!postings.is_empty()).then_some(Refunds { before, postings });
        self.decisions.push(Decision::Settle {
            batch,
            last: order.batch.open as usize <= steps.len(),
            steps,
            refunds,
        });
    }

    /// A transaction: all of it, or nothing.
    pub(crate) fn commit(&mut self, decision: usize) {
        match &self.decisions[decision] {
            Decision::Submit {
                owner,
                batch,
                submission,
                before,
                posting,
            } => {
                let ledger = &mut self.ledgers[*owner];
                let reason = Reason::Debit(batch.batch_id);
                let is_new = self
                    .orders
                    .iter()
                    .all(|order| order.batch.batch_id != batch.batch_id);
                let earlier = self
                    .orders
                    .iter_mut()
                    .find(|order| Some(order.batch.batch_id) == batch.retry_of);
                // The condition of `Tables::name_retry`.
                let is_first = earlier.as_ref().is_none_or(|earlier| {
                    earlier.batch.open == 0 && earlier.batch.retried_in.is_none()
                });
                if is_new && is_first && ledger.is_as_read(*before) && !ledger.has(&reason) {
                    ledger.post(&reason, *posting);
                    if let Some(earlier) = earlier {
                        earlier.batch.retried_in = Some(batch.batch_id);
                    }
                    self.orders.push(Order {
                        owner: *owner,
                        submission: submission.clone(),
                        images: vec![Image::default(); batch.total as usize],
                        batch: (**batch).clone(),
                    });
                }
            }
            Decision::Settle {
                batch,
                last,
                steps,
                refunds,
            } => {
                let order = &mut self.orders[*batch];
                let ledger = &mut self.ledgers[order.owner];
                let open = order.batch.open as usize;
                let counts_fit = if *last {
                    open == steps.len()
                } else {
                    open > steps.len()
                };
                let images_fit = steps
                    .iter()
                    .all(|step| step.fits(&order.images[step.index]));
                let money_fits = refunds.as_ref().is_none_or(|refunds| {
                    ledger.is_as_read(refunds.before)
                        && refunds
                            .postings
                            .iter()
                            .all(|(reason, _)| !ledger.has(reason))
                });
                if !(counts_fit && images_fit && money_fits) {
                    return;
                }
                for step in steps {
                    step.write(order, self.now);
                }
                if *last {
                    order.batch.finished_at = Some(self.now);
                }
                for (reason, posting) in refunds.iter().flat_map(|refunds| &refunds.postings) {
                    ledger.post(reason, *posting);
                }
            }
            Decision::Order {
                owner,
                order,
                record,
                before,
                step,
            } => {
                let ledger = &mut self.ledgers[*owner];
                // The condition of `Tables::move_order`.
                let taken_back = |record: &OrderRecord| record.taken_back;
                let is_as_read =
                    ledger.orders.get(order).map(taken_back) == record.as_ref().map(taken_back);
                if is_as_read && ledger.is_as_read(*before) && !ledger.has(&step.reason) {
                    ledger.post(&step.reason, step.post(*before).unwrap());
                    ledger.orders.insert(order.clone(), step.after.clone());
                }
            }
        }
    }
}

impl Step {
    /// The condition of `Tables::finish`.
    fn fits(&self, record: &Image) -> bool {
        !record.state.is_final()
            && (self.outcome.state() == ImageState::Completed || record.lease_id == self.seen_lease)
    }

    fn write(&self, order: &mut Order, now: Timestamp) {
        order.batch.open -= 1;
        let record = &mut order.images[self.index];
        record.state = self.outcome.state();
        record.finished_at = Some(now);
        record.lease_until = None;
        match &self.outcome {
            Outcome::Completed { result_key, .. } => {
                order.batch.completed += 1;
                record.result_key = Some(result_key.clone());
            }
            Outcome::Failed(failure) => {
                order.batch.failed += 1;
                record.failure = Some(failure.clone());
            }
            Outcome::Canceled => order.batch.canceled += 1,
        }
    }
}

/// Was more given back?
fn is_more(refunded: Refunded, than: Refunded) -> bool {
    match (refunded, than) {
        (Refunded::Part(part), Refunded::Part(than)) => part > than,
        (Refunded::Whole, Refunded::Part(_)) => true,
        (_, Refunded::Whole) => false,
    }
}
