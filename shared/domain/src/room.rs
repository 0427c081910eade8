//! Room for more images: no user keeps all others waiting, and nobody is promised what would take more than a day.

use std::time::Duration;

use crate::{
    Limits, Timestamp,
    pace::{Gate, LONGEST_BACKLOG, Pace},
};

/// How much may be open; configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Room {
    pace: Pace,
    max_open_images: u32,
}

/// Why there is no room for more images now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoRoom {
    /// This user has as many open as one may have.
    #[error("{open} images are open, and at most {most} may be")]
    TooManyOpen {
        /// How many are open.
        open: u64,
        /// How many may be.
        most: u32,
    },
    /// So many are waiting for their turn that the last of these would wait too long.
    #[error("the last image would have its turn at {last_turn}")]
    Backlog {
        /// When the last of these would have its turn.
        last_turn: Timestamp,
        /// When there will be room for it.
        room_at: Timestamp,
        /// From now until then.
        wait: Duration,
    },
}

impl Room {
    /// Room at a provider that may be asked this fast, within these limits.
    #[must_use]
    pub const fn new(pace: Pace, limits: &Limits) -> Self {
        Self {
            pace,
            max_open_images: limits.max_open_images,
        }
    }

    /// How fast the provider may be asked.
    #[must_use]
    pub const fn pace(self) -> Pace {
        self.pace
    }

    /// When the last of so many more images of a user would have its turn, if there is room for them.
    pub fn last_turn(
        self,
        images: u32,
        open: u64,
        gate: &Gate,
        now: Timestamp,
    ) -> Result<Timestamp, NoRoom> {
        let most = self.max_open_images;
        if open + u64::from(images) > u64::from(most) {
            return Err(NoRoom::TooManyOpen { open, most });
        }
        let last_turn = self.pace.end_of_backlog(gate, images, now);
        let wait = last_turn.since(now.plus(LONGEST_BACKLOG));
        if wait.is_zero() {
            return Ok(last_turn);
        }
        Err(NoRoom::Backlog {
            last_turn,
            room_at: now.plus(wait),
            wait,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_room_up_to_the_limit_of_one_user_and_up_to_a_day() {
        let limits = Limits {
            max_open_images: 2_000,
            ..Limits::default()
        };
        let room = Room::new("1".parse().unwrap(), &limits);
        let now = Timestamp::from_millis(1_800_000_000_000);
        let minutes = |minutes: u64| now.plus(Duration::from_mins(minutes));
        for (images, open, expected) in [
            (1, 0, Ok(minutes(1))),
            (1_000, 1_000, Ok(minutes(1_000))),
            (
                1_000,
                1_001,
                Err(NoRoom::TooManyOpen {
                    open: 1_001,
                    most: 2_000,
                }),
            ),
            (1_440, 0, Ok(minutes(1_440))),
            (
                1_441,
                0,
                Err(NoRoom::Backlog {
                    last_turn: minutes(1_441),
                    room_at: minutes(1),
                    wait: Duration::from_mins(1),
                }),
            ),
        ] {
            let found = room.last_turn(images, open, &Gate::default(), now);
            assert_eq!(found, expected, "{images} more than {open}");
        }
    }
}
