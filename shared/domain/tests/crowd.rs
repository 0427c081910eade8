//! More images than the gate books turns for: how often does each have to ask, and are turns left unused meanwhile? Both
//! cost: a question is three transitions of its workflow, of which an execution has not even 2,800, and an unused turn is time.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::unreachable,
    reason = "a test that cannot go on should stop right there"
)]

use std::{cmp::Reverse, collections::BinaryHeap, time::Duration};

use domain::{
    Timestamp,
    pace::{Entry, Gate, HORIZON, Pace},
};

const START: Timestamp = Timestamp::from_millis(1_790_000_000_000);

/// Images that all arrive within a minute, and what becomes of them.
#[derive(Clone, Copy, Debug)]
struct Crowd {
    images: u32,
    a_minute: u32,
    /// Whether the gate's record knows how many they are.
    counted: bool,
    /// When every second of them is canceled.
    vanish: Option<Duration>,
}

/// What was seen.
#[derive(Debug)]
struct Seen {
    /// Questions of each image that had its turn.
    asks: Vec<u32>,
    /// How long no turn was booked although some image waited.
    unused: Duration,
    /// From the first turn to the last.
    took: Duration,
}

impl Seen {
    fn mean(&self) -> u32 {
        let sum: u32 = self.asks.iter().sum();
        sum.div_ceil(u32::try_from(self.asks.len()).unwrap_or(u32::MAX))
    }

    fn most(&self) -> u32 {
        self.asks.iter().copied().max().unwrap_or_default()
    }
}

impl Crowd {
    /// Lets them ask, as the workflow does, until all have had their turn.
    fn ask(self, seed: u64) -> Seen {
        let mut chance = fastrand::Rng::with_seed(seed);
        let pace: Pace = self.a_minute.to_string().parse().unwrap();
        let interval = i64::try_from(pace.interval().as_millis()).unwrap();
        let mut gate = Gate::default();
        if self.counted {
            gate.backlog_until = pace.end_of_backlog(&gate, self.images, START).as_millis();
        }
        let deadline = START.plus(Duration::from_hours(30));
        let mut vanish = self.vanish.map(|after| START.plus(after));
        let mut gone = false;

        let mut asks = vec![0; self.images as usize];
        let mut questions: BinaryHeap<_> = (0..self.images)
            .map(|image| {
                let arrives = START.plus(Duration::from_millis(chance.u64(..60_000)));
                Reverse((arrives, image))
            })
            .collect();
        let mut turns = Vec::new();
        while let Some(Reverse((now, image))) = questions.pop() {
            if let Some(at) = vanish.take_if(|at| *at <= now) {
                gone = true;
                // As their settlement does.
                let called = turns.iter().filter(|(turn, _)| *turn <= at.as_millis());
                let called = called.filter(|(_, image)| image % 2 == 1).count();
                let fewer = i64::from(self.images / 2) - i64::try_from(called).unwrap();
                gate.backlog_until = (gate.backlog_until - fewer * interval).max(now.as_millis());
            }
            if gone && image % 2 == 1 {
                continue;
            }
            asks[image as usize] += 1;
            // As the store writes it.
            match gate.entry(now) {
                Entry::Idle => {
                    turns.push((now.as_millis(), image));
                    gate.next_turn = now.as_millis() + interval;
                }
                Entry::Queue => {
                    turns.push((gate.next_turn, image));
                    gate.next_turn += interval;
                }
                Entry::Later(window) => {
                    questions.push(Reverse((window.pick(deadline, chance.u64(..)), image)));
                }
                Entry::Probe => unreachable!("the circuit is closed"),
            }
        }
        let took = turns[turns.len() - 1].0 - turns[0].0;
        let used = interval * i64::try_from(turns.len() - 1).unwrap();
        let millis = |millis| Duration::from_millis(u64::try_from(millis).unwrap());
        Seen {
            asks: turns
                .iter()
                .map(|(_, image)| asks[*image as usize])
                .collect(),
            unused: millis(took - used),
            took: millis(took),
        }
    }
}

/// Crowds of these sizes at the paces that OpenAI gives its customers.
fn crowds() -> impl Iterator<Item = Crowd> {
    [500, 1_000].into_iter().flat_map(|images| {
        [5, 60, 250].into_iter().map(move |a_minute| Crowd {
            images,
            a_minute,
            counted: true,
            vanish: None,
        })
    })
}

/// Lets a crowd ask some times, and looks at how often its images did, and at what turns went unused.
fn assert_asks(crowd: Crowd, mean: u32, most: u32) {
    let first = fastrand::u64(..);
    for seed in (0..20).map(|more| first.wrapping_add(more)) {
        let seen = crowd.ask(seed);
        let asks = (seen.mean(), seen.most());
        let about = format_args!("seed {seed}, {crowd:?}");
        assert!(asks.0 <= mean && asks.1 < most, "{about}: {asks:?}");
        let Seen { unused, took, .. } = seen;
        assert!(unused <= HORIZON + took / 20, "{about}: {unused:?}");
        if crowd.vanish.is_none() {
            assert_eq!(seen.asks.len(), crowd.images as usize, "{about}");
        }
    }
}

#[test]
fn images_that_wait_ask_a_few_times_and_use_every_turn() {
    for crowd in crowds() {
        assert_asks(crowd, 5, 20);
    }
}

#[test]
fn they_do_so_when_half_of_them_are_canceled() {
    for minutes in [0, 5, 20, 60] {
        for crowd in crowds() {
            let vanish = Some(Duration::from_mins(minutes));
            assert_asks(Crowd { vanish, ..crowd }, 5, 20);
        }
    }
}

#[test]
fn without_an_estimate_they_ask_more_often_and_still_use_every_turn() {
    for crowd in crowds() {
        let counted = false;
        assert_asks(Crowd { counted, ..crowd }, 20, 50);
    }
}

#[test]
fn the_longest_backlog_stays_far_from_what_an_execution_can_do() {
    let day = Crowd {
        images: 24 * 60 * 5,
        a_minute: 5,
        counted: true,
        vanish: None,
    };
    for counted in [true, false] {
        let seed = fastrand::u64(..);
        let most = Crowd { counted, ..day }.ask(seed).most();
        assert!(most < 250, "seed {seed}: {most}");
    }
}
