//! Turns at the provider: when may the next image go, and may any go at all?
//!
//! All images of all users share one record, the [`Gate`]. A turn is booked on it by one conditional write (GCRA, the
//! generic cell rate algorithm: the record holds when the next turn is free, and booking moves that on by one interval).
//! Turns are booked at most [`HORIZON`] ahead and never handed back; beyond that an image is told when to ask again, with
//! nothing booked, so that a batch that is canceled leaves no long shadow. Those who wait so are spread over the time that
//! their turns will take: each question costs transitions, and an execution has only so many.
//!
//! The same record is the breaker. When the provider says that its operator has to act (no money, a bad key), the gate
//! opens the circuit: nobody passes but one image now and then (a minute, in production), the probe. Its success closes the circuit and begins a new
//! epoch, in which turns that were booked before are booked anew.

use std::{num::NonZeroU32, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How far ahead turns are booked.
pub const HORIZON: Duration = Duration::from_mins(15);
/// The longest that a submit may have to wait for its last turn.
pub const LONGEST_BACKLOG: Duration = Duration::from_hours(24);
/// The longest that an image is told to wait beyond where turns become free: if those before it are gone by then, turns are
/// left unused no longer than this.
const LONGEST_PATIENCE: Duration = Duration::from_hours(1);
/// Images that wait for the circuit are spread over as long again as they have to wait, and at most over this.
const PROBE_SPREAD: Duration = Duration::from_secs(30);

/// How the gate is kept; configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rules {
    /// How fast the provider may be asked.
    pub pace: Pace,
    /// How often an image is let through while the circuit is open.
    pub probe_every: Duration,
}

/// How fast the provider may be asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace(NonZeroU32);

impl Pace {
    /// So many images a minute.
    #[must_use]
    pub const fn per_minute(images: NonZeroU32) -> Self {
        Self(images)
    }

    /// The time from one turn to the next, at least a millisecond.
    #[must_use]
    pub fn interval(self) -> Duration {
        Duration::from_millis((60_000 / u64::from(self.0.get())).max(1))
    }

    /// When the last of so many more images will have had its turn.
    #[must_use]
    pub fn end_of_backlog(self, gate: &Gate, images: u32, now: Timestamp) -> Timestamp {
        gate.backlog_until()
            .max(now)
            .plus(self.interval().saturating_mul(images))
    }
}

impl FromStr for Pace {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse()
            .map(Self)
            .map_err(|_| "must be a number of images a minute, at least 1".to_owned())
    }
}

/// The record that all images share. Times are milliseconds since the epoch, because DynamoDB adds only numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Gate {
    /// When the next turn is free; in the past if nobody is waiting.
    pub next_turn: i64,
    /// When the last of all submitted images will have had its turn.
    pub backlog_until: i64,
    /// Goes up when the circuit closes.
    pub epoch: u64,
    /// Since when the circuit is open; absent if it is closed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_since: Option<i64>,
    /// When the next probe may go.
    pub probe_at: i64,
}

/// A booked turn. Travels with the image through the workflow's wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Turn {
    /// When it is.
    pub at: Timestamp,
    /// The gate's epoch when it was booked.
    pub epoch: u64,
}

/// What the gate's record says about booking a turn now. The store turns each into the write that it stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Nobody waits: the turn is now.
    Idle,
    /// Others wait: the turn is behind theirs.
    Queue,
    /// The circuit is open and it is time to try: this image is the probe.
    Probe,
    /// Not now, and nothing is booked.
    Later(Window),
}

/// When asking again is worth it. Each image picks a time of its own in it, so that they do not all come at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Not before this.
    pub from: Timestamp,
    /// And not after this.
    pub to: Timestamp,
}

impl Window {
    /// The time in it that a random number stands for; never after the image's deadline, at which it learns of its end.
    #[must_use]
    pub fn pick(self, deadline: Timestamp, random: u64) -> Timestamp {
        let (from, to) = (self.from.min(deadline), self.to.min(deadline));
        let millis = u64::try_from(to.since(from).as_millis()).unwrap_or(u64::MAX);
        from.plus(Duration::from_millis(random % millis.saturating_add(1)))
    }
}

impl Gate {
    /// How to pass at `now`.
    #[must_use]
    pub fn entry(&self, now: Timestamp) -> Entry {
        let probe_at = Timestamp::from_millis(self.probe_at);
        let next_turn = Timestamp::from_millis(self.next_turn);
        if self.open_since.is_some() {
            if probe_at <= now {
                Entry::Probe
            } else {
                let spread = probe_at.since(now);
                let spread = spread.clamp(Duration::from_secs(1), PROBE_SPREAD);
                Entry::Later(Window {
                    from: probe_at,
                    to: probe_at.plus(spread),
                })
            }
        } else if next_turn < now {
            Entry::Idle
        } else if next_turn <= now.plus(HORIZON) {
            Entry::Queue
        } else {
            Entry::Later(self.beyond_the_horizon(now))
        }
    }

    /// All turns up to the horizon are booked, so nobody is needed before they run out; and of those who are told so, the
    /// last need not come before the last of all turns is near. What the backlog says is an estimate: it may be short,
    /// so the window is at least until [`Self::next_turn`], and those it counts may be gone.
    fn beyond_the_horizon(&self, now: Timestamp) -> Window {
        let next_turn = Timestamp::from_millis(self.next_turn);
        let from = now.plus(next_turn.since(now.plus(HORIZON)));
        let drained = now.plus(self.backlog_until().since(now.plus(HORIZON)));
        Window {
            from,
            to: drained.min(from.plus(LONGEST_PATIENCE)).max(next_turn),
        }
    }

    /// When the last of all submitted images will have had its turn.
    #[must_use]
    pub const fn backlog_until(&self) -> Timestamp {
        Timestamp::from_millis(self.backlog_until)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn pace(images: u32) -> Pace {
        Pace::per_minute(images.try_into().unwrap())
    }

    #[test]
    fn the_gate_says_how_to_pass() {
        let at = |offset: i64| NOW.as_millis() + offset;
        let free = |next_turn| Gate {
            next_turn,
            ..Gate::default()
        };
        let open = |probe_at| Gate {
            open_since: Some(at(-5)),
            probe_at,
            ..Gate::default()
        };
        let horizon = i64::try_from(HORIZON.as_millis()).unwrap();
        let later = |from, to| {
            Entry::Later(Window {
                from: Timestamp::from_millis(at(from)),
                to: Timestamp::from_millis(at(to)),
            })
        };
        let behind = |backlog_until| Gate {
            backlog_until,
            ..free(at(horizon + 7))
        };
        let hour = 3_600_000;
        for (gate, expected) in [
            (Gate::default(), Entry::Idle),
            (free(at(-1)), Entry::Idle),
            (free(at(0)), Entry::Queue),
            (free(at(horizon)), Entry::Queue),
            // By when the last booked turn comes, whatever is known of the backlog: none is left unused.
            (free(at(horizon + 7)), later(7, horizon + 7)),
            (behind(at(-1)), later(7, horizon + 7)),
            (behind(at(2 * horizon)), later(7, horizon + 7)),
            // Spread over what the backlog needs, but not for ever: those in front may be gone.
            (behind(at(3 * horizon)), later(7, 2 * horizon)),
            (behind(at(24 * hour)), later(7, hour + 7)),
            (open(at(0)), Entry::Probe),
            (open(at(7)), later(7, 1_007)),
            (open(at(20_000)), later(20_000, 40_000)),
            (open(at(hour)), later(hour, hour + 30_000)),
        ] {
            assert_eq!(gate.entry(NOW), expected, "{gate:?}");
        }
    }

    #[test]
    fn an_image_asks_again_within_the_window_and_its_time() {
        let at = |offset| Timestamp::from_millis(NOW.as_millis() + offset);
        let window = Window {
            from: at(10),
            to: at(20),
        };
        for (deadline, random, picked) in [
            (99, 0, 10),
            (99, 10, 20),
            (99, 11, 10),
            (15, 5, 15),
            (15, 6, 10),
            (10, 7, 10),
            (7, u64::MAX, 7),
        ] {
            assert_eq!(window.pick(at(deadline), random), at(picked), "{random}");
        }
    }

    #[test]
    fn paces_are_positive() {
        assert_eq!(
            "5".parse::<Pace>().unwrap().interval(),
            Duration::from_secs(12)
        );
        assert_eq!(pace(u32::MAX).interval(), Duration::from_millis(1));
        for bad in ["0", "-1", "fast", ""] {
            assert!(bad.parse::<Pace>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_backlog_begins_now_or_where_the_last_one_ends() {
        let minutes = |end: Timestamp| end.since(NOW).as_secs() / 60;
        let gate = |minutes: i64| Gate {
            backlog_until: NOW.as_millis() + minutes * 60_000,
            ..Gate::default()
        };
        assert_eq!(minutes(pace(5).end_of_backlog(&gate(-60), 50, NOW)), 10);
        assert_eq!(minutes(pace(5).end_of_backlog(&gate(60), 50, NOW)), 70);
    }

    proptest! {
        /// Whatever the order of arrival, turns are at least an interval apart.
        #[test]
        fn turns_keep_their_distance(arrivals in prop::collection::vec(0i64..2_000, 1..200), images in 1u32..600) {
            let interval = i64::try_from(pace(images).interval().as_millis()).unwrap();
            let (mut gate, mut now, mut turns) = (Gate::default(), NOW, Vec::new());
            for pause in arrivals {
                now = Timestamp::from_millis(now.as_millis() + pause);
                // As the store writes it.
                match gate.entry(now) {
                    Entry::Idle => {
                        turns.push(now.as_millis());
                        gate.next_turn = now.as_millis() + interval;
                    }
                    Entry::Queue => {
                        turns.push(gate.next_turn);
                        gate.next_turn += interval;
                    }
                    Entry::Later(window) => prop_assert!(now < window.from && window.from < window.to),
                    Entry::Probe => prop_assert!(false, "the circuit is closed"),
                }
            }
            prop_assert!(turns.windows(2).all(|pair| pair[1] - pair[0] >= interval));
            prop_assert!(turns.iter().all(|turn| *turn <= now.plus(HORIZON).as_millis()));
        }
    }
}
