//! The rules, as sums over everything that the world holds.

use std::collections::{BTreeSet, HashMap, HashSet};

use domain::{ImageRef, ImageState, MAX_UNKNOWN_OUTCOMES, OrderId, OrderRecord, Purchase, Reason};

use crate::world::{Answer, Ledger, Order, PACK, Place, Ticket, World};

/// Final states as they were first seen.
pub(crate) type Finals = HashMap<Place, ImageState>;

/// What the checks of one image need of everything, sorted by image.
struct Sorted<'a> {
    calls: HashMap<Place, Vec<&'a Ticket>>,
    refunds: HashSet<ImageRef>,
}

/// Checks every rule; `after` says what was done last.
pub(crate) fn all(world: &World, finals: &mut Finals, after: &str) {
    let mut sorted = Sorted {
        calls: HashMap::new(),
        refunds: HashSet::new(),
    };
    for ticket in &world.tickets {
        sorted.calls.entry(ticket.image).or_default().push(ticket);
    }
    for ledger in &world.ledgers {
        r1(ledger, after);
        for (id, order) in &ledger.orders {
            order_r4(ledger, id, order, after);
        }
        let refunds = ledger
            .entries
            .iter()
            .filter_map(|entry| match entry.reason {
                Reason::Refund(image) => Some(image),
                _ => None,
            });
        sorted.refunds.extend(refunds);
    }
    for (batch, order) in world.orders.iter().enumerate() {
        r2(&world.ledgers[order.owner], order, after);
        retried_once(world, order, after);
        for (index, record) in order.images.iter().enumerate() {
            let place = Place { batch, index };
            r5(world, &sorted, place, after);
            if record.state.is_final() {
                let first = *finals.entry(place).or_insert(record.state);
                assert_eq!(first, record.state, "a final state changed after {after}");
            }
        }
    }
}

/// A balance is the sum of its entries, which are numbered without gaps and named once each.
fn r1(ledger: &Ledger, after: &str) {
    let mut balance = 0;
    for (before, entry) in ledger.entries.iter().enumerate() {
        balance += entry.posting.amount;
        assert_eq!(
            entry.posting.after.entries,
            before as u64 + 1,
            "R1: a gap in the ledger after {after}"
        );
        assert_eq!(
            entry.posting.after.balance.get(),
            u64::try_from(balance).unwrap(),
            "R1: an entry does not follow from the one before, after {after}"
        );
    }
    if let Some(account) = ledger.account {
        let worth: i64 = ledger.entries.iter().map(|entry| entry.worth).sum();
        let owed = account.owed.get().cast_signed();
        assert_eq!(
            worth,
            balance - owed,
            "R1: a debt from nowhere after {after}"
        );
        assert!(
            balance == 0 || owed == 0,
            "R1: a debt beside a balance after {after}"
        );
    }
    if let Some((newest, others)) = ledger.entries.split_last() {
        let again = others.iter().any(|entry| entry.reason == newest.reason);
        assert!(!again, "R1: an entry twice after {after}");
    }
    assert_eq!(
        ledger.account,
        ledger.entries.last().map(|entry| entry.posting.after),
        "R1: the account is not what its entries say after {after}"
    );
}

/// Debited = price of the completed images + refunds + price of the open ones; and the counts are those of the images.
fn r2(ledger: &Ledger, order: &Order, after: &str) {
    let batch = &order.batch;
    let price = i64::try_from(batch.price_per_image.get()).unwrap();
    let count = |state: ImageState| {
        let images = order.images.iter().filter(|image| image.state == state);
        u32::try_from(images.count()).unwrap()
    };
    let open = count(ImageState::Pending) + count(ImageState::Processing);
    assert_eq!(
        (batch.open, batch.completed, batch.failed, batch.canceled),
        (
            open,
            count(ImageState::Completed),
            count(ImageState::Failed),
            count(ImageState::Canceled)
        ),
        "R2: counts after {after}"
    );
    assert_eq!(
        batch.finished_at.is_some(),
        open == 0,
        "R2: the batch's end after {after}"
    );
    let (mut debited, mut refunded) = (0, 0);
    for entry in &ledger.entries {
        match entry.reason {
            Reason::Debit(id) if id == batch.batch_id => debited -= entry.posting.amount,
            // All of it, also what of it paid a debt.
            Reason::Refund(image) if image.batch_id == batch.batch_id => refunded += entry.worth,
            _ => {}
        }
    }
    assert_eq!(
        debited,
        price * i64::from(batch.completed + batch.open) + refunded,
        "R2: credits after {after}"
    );
}

/// What an order has given and taken back is in the ledger, each once and in full, and is never more than it was worth.
fn order_r4(ledger: &Ledger, id: &OrderId, order: &OrderRecord, after: &str) {
    let (mut granted, mut taken_back) = (0, 0);
    for entry in &ledger.entries {
        match &entry.reason {
            Reason::Order(order) if order == id => granted += entry.worth,
            Reason::OrderRefund { order, .. } if order == id => taken_back -= entry.worth,
            _ => {}
        }
    }
    let record = [order.granted, order.taken_back].map(|it| it.get().cast_signed());
    assert_eq!(
        record,
        [granted, taken_back],
        "R4: order {id} after {after}"
    );
    assert_eq!(order.granted, PACK, "R4: order {id} after {after}");
    assert!(
        order.taken_back <= order.granted,
        "R4: order {id} after {after}"
    );
}

/// What was told of an order is done, in whatever order it was told.
pub(crate) fn told_and_done(world: &World, purchase: &Purchase) {
    let ledger = world.ledgers.iter().find(|it| it.user == purchase.user);
    let record = ledger.unwrap().orders.get(&purchase.id).unwrap();
    let taken_back = match purchase.refunded {
        domain::Refunded::Whole => PACK.get(),
        domain::Refunded::Part(part) => (PACK.get() * part)
            .checked_div(purchase.amount)
            .unwrap_or(0)
            .min(PACK.get()),
    };
    assert_eq!(record.taken_back.get(), taken_back, "R4: {purchase:?}");
}

/// How debts were paid in some world.
#[derive(Default)]
pub(crate) struct DebtsPaid {
    pub(crate) by_grants: usize,
    pub(crate) by_refunds: usize,
}

impl DebtsPaid {
    pub(crate) fn count(&mut self, world: &World) {
        for entry in world.ledgers.iter().flat_map(|ledger| &ledger.entries) {
            match entry.reason {
                _ if entry.worth <= entry.posting.amount => {}
                Reason::Order(_) => self.by_grants += 1,
                Reason::Refund(_) => self.by_refunds += 1,
                _ => {}
            }
        }
    }
}

/// A batch is retried at most once, in full, by its own user, and both batches know it.
fn retried_once(world: &World, order: &Order, after: &str) {
    let batch = &order.batch;
    let retries: Vec<_> = world
        .orders
        .iter()
        .filter(|other| other.batch.retry_of == Some(batch.batch_id))
        .collect();
    let ids: Vec<_> = retries.iter().map(|retry| retry.batch.batch_id).collect();
    assert_eq!(
        batch.retried_in.as_slice(),
        ids,
        "R4: retries of one batch after {after}"
    );
    for retry in retries {
        assert_eq!(
            (retry.owner, retry.batch.total),
            (order.owner, batch.failed + batch.canceled),
            "R2: what was retried after {after}"
        );
    }
}

/// What has a result is completed or still open, and paid for; calls are counted, and few of them are in doubt.
fn r5(world: &World, sorted: &Sorted<'_>, place: Place, after: &str) {
    let order = &world.orders[place.batch];
    let record = &order.images[place.index];
    let has_result = world.results.contains(&place);
    if record.state.is_final() {
        assert_eq!(
            has_result,
            record.state == ImageState::Completed,
            "R5: {:?} after {after}",
            record.state
        );
    }
    let refunded = sorted.refunds.contains(&order.image(place.index));
    assert_eq!(
        refunded,
        matches!(record.state, ImageState::Failed | ImageState::Canceled),
        "R5: refund of an image that is {:?} after {after}",
        record.state
    );

    let calls = || sorted.calls.get(&place).into_iter().flatten();
    assert_eq!(
        record.provider_calls as usize,
        calls().count(),
        "R5: calls after {after}"
    );
    let in_doubt = calls().filter(|call| call.answer != Some(Answer::Refused));
    assert!(
        in_doubt.count() <= MAX_UNKNOWN_OUTCOMES as usize,
        "R5: too many calls that may have bought something after {after}"
    );
    let bought = calls().filter(|call| call.answer == Some(Answer::Saved));
    assert!(bought.count() <= 1, "R5: bought twice after {after}");
    let alive = calls().filter(|call| call.is_alive(world.now)).count();
    let most = usize::from(!record.state.is_final());
    assert!(
        alive <= most,
        "R5: {alive} at work on an image that is {:?} after {after}",
        record.state
    );
}

/// A world in which nothing comes to pass proves nothing.
pub(crate) fn something_happened(world: &World) {
    let states = world.orders.iter().flat_map(|order| &order.images);
    let states: BTreeSet<_> = states.map(|image| image.state.name()).collect();
    assert_eq!(
        states,
        BTreeSet::from(["canceled", "completed", "failed"]),
        "the commands are too tame"
    );
}

pub(crate) fn something_was_retried(world: &World) {
    let mut batches = world.orders.iter().map(|order| &order.batch);
    assert!(
        batches.any(|batch| batch.retried_in.is_some()),
        "the commands are too tame"
    );
}
