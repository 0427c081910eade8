//! Turns and the breaker as DynamoDB decides them, many at once.

use std::time::Duration;

use aws::Booking;
use domain::{
    Timestamp,
    pace::{HORIZON, Rules, Turn},
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
    let bookings = (0..times).map(|_| inside.tables.book_turn(rules, now));
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
    for booking in bookings {
        if let Booking::Later { until } = booking {
            assert!(until > now && until < now.plus(HORIZON), "{until}");
        }
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
