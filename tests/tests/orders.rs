//! R1 and R4 for what is bought: an order is granted once, and taken back in proportion and once, whatever is delivered how
//! often, when, in which order and to whom, and whoever dies of it.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop right there"
)]

use std::collections::HashSet;

use aws::{Adjustment, ApplyOrderError};
use domain::{Failure, Outcome, Packs, Timestamp, UserId};
use fastrand::Rng;
use futures::future::{join_all, try_join_all};
use operator::audit::{Options, audit};
use serde_json::json;
use stack_tests::{
    Stack,
    engine::{Engine, queue_event},
    function::OwnFunction,
    inside::Inside,
    orders::{Bought, PRODUCTS},
    proxy::{Gate, Hold, Request},
    stack, storm, unique,
};
use uuid::Uuid;

const USERS: usize = 5;
const ORDERS: usize = 20;
const DELIVERIES: usize = 200;
/// What each user has from the beginning.
const WELCOME: u32 = 10;

/// What the packs of the stack say.
fn packs() -> Packs {
    let pack = |(product, credits, price): (&str, u64, u64)| json!({ "productId": product, "name": "credits", "credits": credits, "price": price, "currency": "usd" });
    let packs: Vec<_> = PRODUCTS.into_iter().map(pack).collect();
    json!(packs).to_string().parse().unwrap()
}

/// An order with everything that was ever given back of it, from the first to the last.
struct History {
    order: Bought,
    credits: u64,
    refunds: Vec<u64>,
}

impl History {
    fn of(rng: &mut Rng, user: &UserId) -> Self {
        let (product, credits, price) = rng.choice(PRODUCTS).unwrap();
        let amount = if rng.u8(..5) == 0 { 0 } else { price };
        let refunds = match rng.u8(..4) {
            0 => Vec::new(),
            1 => vec![amount],
            _ if amount == 0 => Vec::new(),
            2 => vec![amount / 3, amount / 2],
            _ => vec![amount / 7, amount / 2, amount],
        };
        Self {
            order: Bought::new(user, product, amount),
            credits,
            refunds,
        }
    }

    /// What is left of its credits at the end.
    fn left(&self) -> u64 {
        let Some(&refunded) = self.refunds.last() else {
            return self.credits;
        };
        let taken = self.credits * refunded;
        self.credits - taken.checked_div(self.order.amount).unwrap_or(self.credits)
    }

    fn told(&self) -> Vec<String> {
        let refunds = self.refunds.iter().map(|&refunded| Some(refunded));
        [None]
            .into_iter()
            .chain(refunds)
            .map(|refunded| self.order.told(refunded))
            .collect()
    }
}

fn writes(request: &Request) -> bool {
    let target = request.headers.get("x-amz-target");
    target.is_some_and(|target| target.as_bytes().ends_with(b".TransactWriteItems"))
}

/// Has a consumer take these deliveries, and kills it over its first write: before it, or right after.
async fn kill_over(stack: &Stack, engine: &Engine, deliveries: &[String], hold: Hold) {
    let gate = Gate::before(&stack.aws_endpoint, hold, writes).await;
    let change = [("AWS_ENDPOINT_URL", gate.endpoint.clone())];
    let event = queue_event(deliveries);
    let consumer = OwnFunction::start(engine, "ApplyOrder", &change, event).await;
    consumer.kill_when(gate.reached()).await;
}

/// Puts all of them on the credit queue at once.
async fn deliver(stack: &Stack, engine: &Engine, deliveries: &[String]) {
    let sent = deliveries
        .iter()
        .map(|body| engine.put_letter(stack, "CreditQueueUrl", body));
    join_all(sent).await;
}

#[tokio::test]
async fn two_hundred_deliveries_end_in_the_exact_balances() {
    let stack = stack!();
    let (engine, inside) = (Engine::of(&stack).await, Inside::deployed(&stack));
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let mut rng = Rng::with_seed(seed);
    let users = join_all((0..USERS).map(|_| inside.user(WELCOME))).await;
    let histories: Vec<_> = (0..ORDERS)
        .map(|number| History::of(&mut rng, &users[number % USERS]))
        .collect();

    // Everything at least once.
    let told: Vec<_> = histories.iter().flat_map(History::told).collect();
    let again = (told.len()..DELIVERIES).map(|_| rng.choice(&told).unwrap());
    let mut deliveries: Vec<_> = told.iter().chain(again).cloned().collect();
    assert_eq!(deliveries.len(), DELIVERIES);
    rng.shuffle(&mut deliveries);

    // Nothing of one order comes early, so that whoever takes this of it has something to write, however far others are.
    let news = histories[0].told();
    let (mut late, mut early): (Vec<_>, Vec<_>) =
        deliveries.into_iter().partition(|it| news.contains(it));
    late.extend(early.split_off(100));
    rng.shuffle(&mut late);
    let place = late.iter().position(|it| news.contains(it)).unwrap();
    late.swap(place, rng.usize(..10));

    // What a consumer dies of comes again.
    kill_over(&stack, &engine, &early[..10], Hold::Request).await;
    deliver(&stack, &engine, &early).await;
    kill_over(&stack, &engine, &late[..10], Hold::Answer).await;
    deliver(&stack, &engine, &late).await;
    // Whatever is on its way may still move a balance for a moment.
    engine.is_through(&stack, "CreditQueueUrl").await;

    for user in &users {
        let orders = || histories.iter().filter(|it| it.order.user == *user);
        let expected = u64::from(WELCOME) + orders().map(History::left).sum::<u64>();
        let all: Vec<_> = orders()
            .map(|it| it.order.purchase(it.refunds.last().copied()))
            .collect();
        let lacking = inside.tables.orders_lacking(&all).await.unwrap();
        assert_eq!(lacking, HashSet::new(), "seed {seed}");
        assert_eq!(inside.balance(user).await, expected, "seed {seed}");
        the_ledger_tells_it(&inside, user, expected).await;
    }
    let report = audit(&inside.tools(&stack), &Options::default()).await;
    let report = report.unwrap();
    let ours = users
        .iter()
        .map(ToString::to_string)
        .collect::<HashSet<_>>();
    let is_ours = |user: &Option<String>| user.as_ref().is_some_and(|it| ours.contains(it));
    assert!(
        !report.violations.iter().any(|it| is_ours(&it.ids.user)),
        "seed {seed}: {report}"
    );
}

/// The pages of somebody's ledger, newest first, tell every change from nothing to the balance.
async fn the_ledger_tells_it(inside: &Inside, user: &UserId, balance: u64) {
    let (mut cursor, mut entries) = (None::<String>, Vec::new());
    loop {
        let page = inside.tables.ledger(user, cursor.as_deref(), 3).await;
        let page = page.unwrap();
        assert!((1..=3).contains(&page.entries.len()));
        entries.extend(page.entries);
        match page.next {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(entries[0].balance_after.get(), balance);
    assert_eq!(entries.last().unwrap().id, "welcome");
    let sum: i64 = entries.iter().map(|entry| entry.amount).sum();
    assert_eq!(sum, i64::try_from(balance).unwrap());
    for entry in entries.iter().filter(|entry| entry.id != "welcome") {
        // Nobody has spent anything, so all of it has reached the balance or left it.
        let credits = entry.credits.unwrap().get();
        assert_eq!(entry.amount.unsigned_abs(), credits, "{entry:?}");
        let order = entry.order_id.unwrap().to_string();
        assert!(entry.id.contains(&order), "{entry:?}");
        assert!(
            ["order", "order_refund"].contains(&&*entry.kind),
            "{entry:?}"
        );
    }
}

#[tokio::test]
async fn what_is_spent_is_owed_and_the_next_credits_pay_it() {
    let stack = stack!();
    let inside = Inside::of(&stack).await;
    let (tables, now) = (&inside.tables, Timestamp::now());
    let user = inside.user(5).await;
    let (product, credits, price) = PRODUCTS[0];
    let account = async || {
        let account = tables.account(&user).await.unwrap().unwrap();
        (account.balance.get(), account.owed.get())
    };
    let order = Bought::new(&user, product, price);
    let apply = async |order: &Bought, refunded| {
        let purchase = order.purchase(refunded);
        let steps = tables.apply_order(&purchase, &packs(), now).await.unwrap();
        steps.len()
    };

    // A refund whose order nobody has heard of: both at once, and the order is no news then.
    let early = Bought::new(&user, product, price);
    assert_eq!(apply(&early, Some(price)).await, 2);
    assert_eq!(apply(&early, None).await, 0);
    assert_eq!(account().await, (5, 0));

    assert_eq!(apply(&order, None).await, 1);
    let batch = inside.batch(&user, 3).await.batch_id;
    let spend = Adjustment {
        id: Uuid::new_v4(),
        amount: -50,
        reason: "it was a test".to_owned(),
    };
    tables.adjust(&user, &spend, now).await.unwrap();
    assert_eq!(account().await, (2, 0));

    assert_eq!(apply(&order, Some(price / 2)).await, 1);
    assert_eq!(account().await, (0, 23));
    assert_eq!(apply(&order, Some(price)).await, 1);
    assert_eq!(account().await, (0, credits - 2));
    for late in [None, Some(price / 2), Some(price)] {
        assert_eq!(apply(&order, late).await, 0);
    }

    // An image's refund, an operator's gift and the next purchase.
    let failed = Outcome::Failed(Failure::new("test", "It was a test."));
    inside
        .settler
        .settle(batch, vec![(0, failed)])
        .await
        .unwrap();
    assert_eq!(account().await, (0, 47));
    let gift = Adjustment {
        id: Uuid::new_v4(),
        amount: 7,
        ..spend
    };
    tables.adjust(&user, &gift, now).await.unwrap();
    assert_eq!(account().await, (0, 40));
    assert_eq!(apply(&Bought::new(&user, product, price), None).await, 1);
    assert_eq!(account().await, (10, 0));

    let report = audit(&inside.tools(&stack), &Options::default()).await;
    let report = report.unwrap();
    assert!(report.is_sound() && report.accounts == 1, "{report}");
}

#[tokio::test]
async fn conflicts_and_lost_answers_apply_nothing_twice() {
    let stack = stack!();
    let seed = fastrand::u64(..);
    println!("seed {seed}");
    let inside = Inside::through(&stack, storm::endpoint(&stack, seed).await).await;
    let user: UserId = unique("user").parse().unwrap();
    let packs = packs();
    let mut rng = Rng::with_seed(seed);
    let histories: Vec<_> = (0..6).map(|_| History::of(&mut rng, &user)).collect();
    // Opening an account does not go on after a throttled try, so it goes past the storm.
    let calm = inside.past(&stack);
    calm.open_account(&user, WELCOME).await;

    let purchases: Vec<_> = histories
        .iter()
        .flat_map(|it| {
            let refunds = it.refunds.iter().map(|&refunded| Some(refunded));
            let told = [None].into_iter().chain(refunds);
            told.map(|refunded| it.order.purchase(refunded))
        })
        .collect();
    let lacking = calm.tables.orders_lacking(&purchases).await.unwrap();
    assert_eq!(lacking.len(), histories.len());
    let now = Timestamp::now();
    let twice = purchases.iter().chain(&purchases);
    let applied = twice.map(|it| inside.tables.apply_order(it, &packs, now));
    try_join_all(applied).await.unwrap();
    let expected = u64::from(WELCOME) + histories.iter().map(History::left).sum::<u64>();
    assert_eq!(calm.balance(&user).await, expected, "seed {seed}");
    let lacking = calm.tables.orders_lacking(&purchases).await.unwrap();
    assert_eq!(lacking, HashSet::new());
    let report = audit(&calm.tools(&stack), &Options::default()).await;
    let report = report.unwrap();
    assert!(report.is_sound(), "seed {seed}: {report}");
}

#[tokio::test]
async fn what_cannot_be_applied_says_why() {
    let stack = stack!();
    let inside = Inside::of(&stack).await;
    let (user, nobody) = (inside.user(0).await, unique("nobody").parse().unwrap());
    let apply = async |order: &Bought| {
        let purchase = order.purchase(None);
        let now = Timestamp::now();
        inside.tables.apply_order(&purchase, &packs(), now).await
    };
    let (product, _, price) = PRODUCTS[0];
    let unknown = apply(&Bought::new(&user, "a product of nobody", price)).await;
    assert!(
        matches!(unknown, Err(ApplyOrderError::UnknownProduct(_))),
        "{unknown:?}"
    );
    let no_account = apply(&Bought::new(&nobody, product, price)).await;
    assert!(
        matches!(no_account, Err(ApplyOrderError::NoAccount(_))),
        "{no_account:?}"
    );
}
