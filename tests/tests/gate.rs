//! Turns and the breaker as DynamoDB decides them, many at once.

use std::time::Duration;

use aws::Booking;
use domain::{
    ImageRef, Outcome, Timestamp,
    pace::{HORIZON, Rules, Turn},
    timing::BATCH_DEADLINE,
};
use futures::future::join_all;
use stack_tests::{inside::Inside, stack};

#[expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on should stop right there"
)]
fn rules(images_per_minute: &str) -> Rules {
    Rules {
        pace: images_per_minute.parse().unwrap(),
        probe_every: Duration::from_mins(1),
    }
}

/// Books so many turns at once.
async fn book(inside: &Inside, rules: Rules, now: Timestamp, times: usize) -> Vec<Booking> {
    let deadline = now.plus(BATCH_DEADLINE);
    let bookings = (0..times).map(|_| inside.tables.book_turn(rules, now, deadline));
    join_all(bookings)
        .await
        .into_iter()
        .map(Result::unwrap)
        .collect()
}

fn turns(bookings: &[Booking]) -> Vec<Turn> {
    let turn = |booking: &Booking| match booking {
        Booking::Turn(turn) => Some(*turn),
        _ => None,
    };
    bookings.iter().filter_map(turn).collect()
}

fn later(bookings: &[Booking]) -> impl Iterator<Item = Timestamp> {
    bookings.iter().filter_map(|booking| match booking {
        Booking::Later { until } => Some(*until),
        _ => None,
    })
}

#[tokio::test]
async fn turns_are_an_interval_apart_up_to_the_horizon_and_then_nothing_is_booked() {
    let inside = Inside::of(&stack!()).await;
    // One every fifteen seconds: sixty-one fit the horizon, this very moment included.
    let (rules, now) = (rules("4"), Timestamp::now());
    let bookings = book(&inside, rules, now, 80).await;
    let mut booked: Vec<_> = turns(&bookings)
        .iter()
        .map(|turn| turn.at.since(now).as_secs())
        .collect();
    booked.sort_unstable();
    assert_eq!(booked, (0..=60).map(|turn| turn * 15).collect::<Vec<_>>());
    let until: Vec<_> = later(&bookings).collect();
    assert_eq!(until.len(), 80 - 61);
    // The next free turn is an interval beyond the horizon, and nobody knows of more.
    let beyond = Duration::from_secs(15);
    for until in until {
        let wait = until.since(now);
        assert!(wait >= beyond && wait <= HORIZON + beyond, "{until}");
    }
}

#[tokio::test]
async fn who_is_told_to_ask_again_is_spread_over_the_backlog_and_asks_before_the_deadline() {
    let inside = Inside::of(&stack!()).await;
    let (rules, now) = (rules("4"), Timestamp::now());
    // An hour and a half of turns.
    let backlog = inside.tables.extend_backlog(rules.pace, 360, now);
    backlog.await.unwrap();
    let bookings = book(&inside, rules, now, 141).await;
    let waits: Vec<_> = later(&bookings).map(|until| until.since(now)).collect();
    assert_eq!(waits.len(), 80);
    let most = Duration::from_mins(61);
    assert!(waits.iter().all(|wait| *wait <= most), "{waits:?}");
    // As likely as that of forty tosses all show heads.
    assert!(waits.iter().any(|wait| *wait > most / 2), "{waits:?}");

    let deadline = now.plus(Duration::from_mins(5));
    for _ in 0..20 {
        let booking = inside.tables.book_turn(rules, now, deadline).await.unwrap();
        assert!(matches!(booking, Booking::Later { until } if until <= deadline));
    }
}

#[tokio::test]
async fn a_held_gate_books_nothing_earlier() {
    let inside = Inside::of(&stack!()).await;
    let (rules, now) = (rules("60"), Timestamp::now());
    let until = now.plus(Duration::from_secs(30));
    inside.tables.hold_turns(until).await.unwrap();
    // An earlier hold, arriving late, changes nothing.
    inside.tables.hold_turns(now).await.unwrap();
    assert_eq!(turns(&book(&inside, rules, now, 1).await)[0].at, until);
}

#[tokio::test]
async fn an_open_circuit_lets_one_probe_through_and_closing_it_voids_old_turns() {
    let inside = Inside::of(&stack!()).await;
    let (rules, now) = (rules("60"), Timestamp::now());
    let old = turns(&book(&inside, rules, now, 1).await)[0];
    assert!(inside.tables.confirm_turn(old, now).await.unwrap());

    inside
        .tables
        .open_circuit(rules, "provider_out_of_money", now)
        .await
        .unwrap();
    assert!(!inside.tables.confirm_turn(old, now).await.unwrap());
    assert!(
        book(&inside, rules, now, 5)
            .await
            .iter()
            .all(|booking| matches!(booking, Booking::Later { .. }))
    );

    let minute = now.plus(rules.probe_every);
    let bookings = book(&inside, rules, minute, 20).await;
    assert_eq!(
        bookings
            .iter()
            .filter(|booking| **booking == Booking::Probe)
            .count(),
        1
    );
    assert!(turns(&bookings).is_empty());

    inside.tables.close_circuit(minute).await.unwrap();
    assert!(!inside.tables.confirm_turn(old, minute).await.unwrap());
    let new = turns(&book(&inside, rules, minute, 1).await)[0];
    assert!(inside.tables.confirm_turn(new, minute).await.unwrap());
}

#[tokio::test]
async fn the_backlog_grows_with_what_is_accepted_and_starts_anew_when_it_is_over() {
    let inside = Inside::of(&stack!()).await;
    let (pace, now) = (rules("60").pace, Timestamp::now());
    let backlog = async |images: u32, now: Timestamp| {
        inside
            .tables
            .extend_backlog(pace, images, now)
            .await
            .unwrap();
        inside.tables.gate().await.unwrap().backlog_until()
    };
    assert_eq!(backlog(60, now).await, now.plus(Duration::from_mins(1)));
    assert_eq!(backlog(60, now).await, now.plus(Duration::from_mins(2)));
    let later = now.plus(Duration::from_hours(1));
    assert_eq!(backlog(60, later).await, later.plus(Duration::from_mins(1)));
    assert_eq!(
        pace.end_of_backlog(&inside.tables.gate().await.unwrap(), 60, later),
        later.plus(Duration::from_mins(2))
    );
}

#[tokio::test]
async fn what_never_got_to_the_provider_leaves_the_backlog_when_it_is_settled() {
    let inside = Inside::of(&stack!()).await;
    let (pace, now) = (rules("60").pace, Timestamp::now());
    let backlog = async || inside.tables.gate().await.unwrap().backlog_until();
    let user = inside.user(100).await;
    let batch_id = inside.batch(&user, 100).await.batch_id;
    let cancel = async |images: std::ops::Range<u32>| {
        let outcomes = images.map(|index| (index, Outcome::Canceled)).collect();
        inside.settler.settle(batch_id, outcomes).await.unwrap();
    };
    // Others wait behind them.
    inside.tables.extend_backlog(pace, 400, now).await.unwrap();

    cancel(0..98).await;
    let left = Duration::from_secs(400 - 98);
    assert_eq!(backlog().await, now.plus(left));
    // Once: whoever says it again finds it done.
    cancel(0..98).await;
    assert_eq!(backlog().await, now.plus(left));

    // This one has had its turn.
    let image = ImageRef {
        batch_id,
        index: 98,
    };
    let claim = inside.tables.claim(image, now, now).await.unwrap();
    inside.tables.release(&claim, true).await.unwrap();
    cancel(98..99).await;
    assert_eq!(backlog().await, now.plus(left));
    cancel(99..100).await;
    assert_eq!(backlog().await, now.plus(Duration::from_secs(400 - 99)));
}

#[tokio::test]
async fn a_backlog_that_is_over_is_not_made_to_end_before_now() {
    let inside = Inside::of(&stack!()).await;
    let user = inside.user(49).await;
    let batch_id = inside.batch(&user, 49).await.batch_id;
    let before = Timestamp::now();
    let extended = inside.tables.extend_backlog(rules("60").pace, 20, before);
    extended.await.unwrap();
    let outcomes = (0..49).map(|index| (index, Outcome::Canceled)).collect();
    inside.settler.settle(batch_id, outcomes).await.unwrap();
    let after = inside.tables.gate().await.unwrap().backlog_until();
    assert!(before <= after && after <= Timestamp::now(), "{after}");
}
