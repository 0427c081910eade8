//! R1, R2, R4 and R5 against everything at once: thousands of random commands on a small world, and a look at all sums
//! after each of them.
//!
//! The world applies the rules of `domain` the way the transactions of `aws` do: it reads, decides by what it read, and
//! writes later on the condition that this still holds. Any command may come again, and any decision may be written late.
//!
//! A failure prints its seed; `MODEL_SEED=<seed> cargo test -p domain --test model` runs that one again.

#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test that cannot go on should stop right there"
)]

mod checks;
mod world;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    time::Duration,
};

use domain::{Refunded, timing};
use fastrand::Rng;

use world::{Answer, End, Place, World};

/// Worlds in one run, each of a seed that nobody has seen before.
const WORLDS: u32 = 12;
/// Commands in the life of one world.
const COMMANDS: u32 = 1_500;
const USERS: usize = 4;
const ORDERS: usize = 40;

/// Something that somebody asks for. A repeat is the same value again.
#[derive(Clone, Debug)]
enum Command {
    Open {
        user: usize,
    },
    /// Reads the account and decides; nothing is written before a `Commit`.
    Submit {
        user: usize,
        key: u32,
        images: u32,
        price: u32,
    },
    /// Looks for the result and claims the image.
    Edit(Place),
    /// How the call of a claim ended.
    End {
        ticket: usize,
        answer: Answer,
    },
    /// Reads images and decides; nothing is written before a `Commit`.
    Settle {
        batch: usize,
        ends: Vec<(u32, End)>,
    },
    /// Flags the batch, reads its images and decides.
    Cancel {
        batch: usize,
    },
    /// Reads a batch that is over and decides; nothing is written before a `Commit`.
    Retry {
        batch: usize,
        price: u32,
    },
    /// Polar tells of an order; reads and decides, and nothing is written before a `Commit`.
    Tell {
        order: usize,
        refunded: Refunded,
    },
    /// The same, with all its steps written before anything else happens.
    Apply {
        order: usize,
        refunded: Refunded,
    },
    /// Writes an earlier decision, if what it rests on still holds.
    Commit {
        decision: usize,
    },
    Wait(Duration),
}

fn run(world: &mut World, command: &Command) {
    match command {
        Command::Open { user } => world.open(*user),
        Command::Submit {
            user,
            key,
            images,
            price,
        } => world.decide_submit(*user, *key, *images, *price),
        Command::Edit(image) => world.edit(*image),
        Command::End { ticket, answer } => world.end(*ticket, *answer),
        Command::Settle { batch, ends } => world.decide_settle(*batch, ends),
        Command::Cancel { batch } => world.cancel(*batch),
        Command::Retry { batch, price } => world.decide_retry(*batch, *price),
        Command::Tell { order, refunded } => world.decide_order(*order, *refunded),
        Command::Apply { order, refunded } => apply(world, *order, *refunded),
        Command::Commit { decision } => world.commit(*decision),
        Command::Wait(duration) => world.now = world.now.plus(*duration),
    }
}

/// What apply-order does when nobody is in its way.
fn apply(world: &mut World, order: usize, refunded: Refunded) {
    loop {
        let next = world.decisions.len();
        world.decide_order(order, refunded);
        if world.decisions.len() == next {
            return;
        }
        world.commit(next);
    }
}

/// One of `count` things, mostly one of the newest; `None` where there is none.
fn pick(rng: &mut Rng, count: usize) -> Option<usize> {
    let newest = count.min(6);
    match count {
        0 => None,
        _ if rng.u8(..4) > 0 => Some(count - 1 - rng.usize(..newest)),
        _ => Some(rng.usize(..count)),
    }
}

/// The next command; `None` where what was drawn has nothing to act on yet.
fn draw(rng: &mut Rng, world: &World, earlier: &[Command]) -> Option<Command> {
    let user = rng.usize(..USERS);
    Some(match rng.u8(..100) {
        0..3 => Command::Open { user },
        3..15 => Command::Submit {
            user,
            // Few keys, so that some are used again: for the same request and for others.
            key: rng.u32(..40),
            images: rng.u32(1..=4),
            price: rng.u32(1..=4),
        },
        15..33 => {
            let batch = pick(rng, world.orders.len())?;
            let index = rng.usize(..world.orders[batch].images.len());
            Command::Edit(Place { batch, index })
        }
        33..51 => Command::End {
            ticket: pick(rng, world.tickets.len())?,
            answer: rng.choice([
                Answer::Refused,
                Answer::Unknown,
                Answer::Saved,
                Answer::Saved,
                Answer::Died,
            ])?,
        },
        51..66 => {
            let batch = pick(rng, world.orders.len())?;
            let mut ends = Vec::new();
            for index in 0..world.orders[batch].batch.total {
                if rng.bool() {
                    ends.push((
                        index,
                        rng.choice([End::Completed, End::Completed, End::Failed, End::Canceled])?,
                    ));
                }
            }
            Command::Settle { batch, ends }
        }
        66..69 => Command::Cancel {
            batch: pick(rng, world.orders.len())?,
        },
        69..74 => Command::Retry {
            batch: pick(rng, world.orders.len())?,
            price: rng.u32(1..=2),
        },
        74..80 => {
            let order = rng.usize(..ORDERS);
            let refunded = match rng.u8(..5) {
                0 | 1 => Refunded::Whole,
                2 => Refunded::Part(rng.u64(..700)),
                _ => Refunded::Part(0),
            };
            if rng.bool() {
                Command::Tell { order, refunded }
            } else {
                Command::Apply { order, refunded }
            }
        }
        80..90 => Command::Commit {
            decision: pick(rng, world.decisions.len())?,
        },
        90..93 => Command::Wait(timing::LEASE * rng.u32(..12) / 10),
        93..96 => Command::Wait(Duration::from_millis(rng.u64(..20_000))),
        _ => earlier[pick(rng, earlier.len())?].clone(),
    })
}

/// The life of one world.
fn live(seed: u64, debts: &mut checks::DebtsPaid) {
    let mut rng = Rng::with_seed(seed);
    let mut world = World::new(USERS);
    let mut earlier = Vec::new();
    let mut finals = checks::Finals::default();
    for number in 0..COMMANDS {
        let Some(command) = draw(&mut rng, &world, &earlier) else {
            continue;
        };
        run(&mut world, &command);
        checks::all(
            &world,
            &mut finals,
            &format!("command {number}, {command:?}"),
        );
        earlier.push(command);
    }

    // What reconcile does at the very end: when every claim has run out, nothing stays open.
    world.now = world.now.plus(timing::LEASE);
    for batch in 0..world.orders.len() {
        let ends: Vec<_> = (0..world.orders[batch].batch.total)
            .map(|index| (index, End::Failed))
            .collect();
        let next = world.decisions.len();
        world.decide_settle(batch, &ends);
        if world.decisions.len() > next {
            world.commit(next);
        }
        checks::all(&world, &mut finals, &format!("the end of batch {batch}"));
        assert!(world.orders[batch].batch.finished_at.is_some());
    }
    checks::something_happened(&world);

    // By now everybody can try again what has failed them, if they can pay for it: twice, to get one new batch.
    for batch in 0..world.orders.len() {
        for _ in 0..2 {
            let next = world.decisions.len();
            world.decide_retry(batch, 1);
            if world.decisions.len() > next {
                world.commit(next);
            }
        }
        checks::all(&world, &mut finals, &format!("the retry of batch {batch}"));
    }
    checks::something_was_retried(&world);

    // Whatever was not applied comes again, until it is.
    for user in 0..USERS {
        world.open(user);
    }
    for purchase in world.told.clone().into_values() {
        let number = purchase.id.to_string();
        let number = number.rsplit('-').next().unwrap().parse().unwrap();
        apply(&mut world, number, purchase.refunded);
        checks::all(&world, &mut finals, &format!("the end of order {number}"));
        checks::told_and_done(&world, &purchase);
    }
    debts.count(&world);
}

#[test]
#[expect(
    clippy::disallowed_methods,
    reason = "a seed to run again is told by the environment"
)]
fn the_sums_hold_after_every_command() {
    let seeds = match std::env::var("MODEL_SEED") {
        Ok(seed) => vec![seed.parse().unwrap()],
        Err(_) => (0..WORLDS).map(|_| fastrand::u64(..)).collect(),
    };
    let worlds = seeds.len();
    let mut debts = checks::DebtsPaid::default();
    for seed in seeds {
        // The message of the failure itself is on the screen already.
        assert!(
            catch_unwind(AssertUnwindSafe(|| live(seed, &mut debts))).is_ok(),
            "the world of MODEL_SEED={seed} broke a rule, see above"
        );
    }
    assert!(
        worlds == 1 || (debts.by_grants > 0 && debts.by_refunds > 0),
        "nobody has ever paid a debt: the commands are too tame"
    );
}
