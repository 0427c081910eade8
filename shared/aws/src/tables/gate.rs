//! The gate: turns at the provider, the breaker and the backlog, on one record. Never read on an image's way: a write
//! whose condition fails brings the record along.

use std::time::Duration;

use aws_sdk_dynamodb::{
    operation::update_item::builders::UpdateItemFluentBuilder,
    types::{ReturnValue, ReturnValuesOnConditionCheckFailure},
};
use domain::Timestamp;
use domain::pace::{Entry, Gate, HORIZON, Pace, Rules, Turn, Window};

use super::{Item, Tables, from_item, n, records::gate_key, s, update};
use crate::AwsError;

/// Writes that may lose against others before an image is told to come later.
const TRIES: u32 = 8;
/// How much later.
const LOST: Duration = Duration::from_secs(1);

/// Whether an image may go to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Booking {
    /// At this time, by a turn of its own.
    Turn(Turn),
    /// Now, as the one that finds out whether the provider works again.
    Probe,
    /// Not yet; nothing is booked.
    Later {
        /// When to ask again.
        until: Timestamp,
    },
}

impl Tables {
    /// Books a turn, in one conditional write if others are waiting and in two if not. Nobody is told to ask again after
    /// their deadline.
    pub async fn book_turn(
        &self,
        rules: Rules,
        now: Timestamp,
        deadline: Timestamp,
    ) -> Result<Booking, AwsError> {
        let later = |window: Window| Booking::Later {
            until: window.pick(deadline, fastrand::u64(..)),
        };
        let interval = millis(rules.pace.interval());
        // Most turns are booked while others wait.
        let mut entry = Entry::Queue;
        for _ in 0..TRIES {
            let write = self.gate_update();
            let write = match entry {
                Entry::Queue => write
                    .update_expression("SET next_turn = next_turn + :interval")
                    .condition_expression(
                        "attribute_not_exists(open_since) AND next_turn BETWEEN :now AND :horizon",
                    )
                    .expression_attribute_values(":interval", n(interval))
                    .expression_attribute_values(":now", n(now.as_millis()))
                    .expression_attribute_values(":horizon", n(now.plus(HORIZON).as_millis())),
                Entry::Idle => write
                    .update_expression("SET next_turn = :next, epoch = if_not_exists(epoch, :zero)")
                    .condition_expression(
                        "attribute_not_exists(open_since) \
                         AND (attribute_not_exists(next_turn) OR next_turn < :now)",
                    )
                    .expression_attribute_values(
                        ":next",
                        n(now.plus(rules.pace.interval()).as_millis()),
                    )
                    .expression_attribute_values(":now", n(now.as_millis()))
                    .expression_attribute_values(":zero", n(0)),
                Entry::Probe => write
                    .update_expression("SET probe_at = :next")
                    .condition_expression("attribute_exists(open_since) AND probe_at <= :now")
                    .expression_attribute_values(
                        ":next",
                        n(now.plus(rules.probe_every).as_millis()),
                    )
                    .expression_attribute_values(":now", n(now.as_millis())),
                Entry::Later(window) => return Ok(later(window)),
            };
            match try_write(write.return_values(ReturnValue::AllNew)).await? {
                Ok(_) if entry == Entry::Probe => return Ok(Booking::Probe),
                Ok(gate) => {
                    let at = Timestamp::from_millis(gate.next_turn - interval);
                    return Ok(Booking::Turn(Turn {
                        at,
                        epoch: gate.epoch,
                    }));
                }
                Err(gate) => entry = gate.entry(now),
            }
        }
        Ok(later(Window {
            from: now,
            to: now.plus(LOST),
        }))
    }

    /// Whether a turn that was booked earlier still holds: not if the circuit has opened since.
    pub async fn confirm_turn(&self, turn: Turn, now: Timestamp) -> Result<bool, AwsError> {
        let write = self
            .gate_update()
            .update_expression("SET last_turn = :now")
            .condition_expression("attribute_not_exists(open_since) AND epoch = :epoch")
            .expression_attribute_values(":now", n(now.as_millis()))
            .expression_attribute_values(":epoch", n(turn.epoch));
        Ok(try_write(write).await?.is_ok())
    }

    /// The provider was asked too often: no turn is free before `until`.
    pub async fn hold_turns(&self, until: Timestamp) -> Result<(), AwsError> {
        let write = self
            .gate_update()
            .update_expression("SET next_turn = :until, epoch = if_not_exists(epoch, :zero)")
            .expression_attribute_values(":zero", n(0))
            .condition_expression("attribute_not_exists(next_turn) OR next_turn < :until")
            .expression_attribute_values(":until", n(until.as_millis()));
        try_write(write).await.map(drop)
    }

    /// The provider's operator has to act: nobody passes but a probe a minute.
    pub async fn open_circuit(
        &self,
        rules: Rules,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        let write = self
            .gate_update()
            .update_expression(
                "SET open_since = if_not_exists(open_since, :now), probe_at = :next, \
                 reason = :reason, epoch = if_not_exists(epoch, :zero)",
            )
            .expression_attribute_values(":zero", n(0))
            .expression_attribute_values(":now", n(now.as_millis()))
            .expression_attribute_values(":next", n(now.plus(rules.probe_every).as_millis()))
            .expression_attribute_values(":reason", s(reason));
        try_write(write).await.map(drop)
    }

    /// The probe came through: turns are booked anew.
    pub async fn close_circuit(&self, now: Timestamp) -> Result<(), AwsError> {
        let write = self
            .gate_update()
            .update_expression(
                "SET epoch = if_not_exists(epoch, :zero) + :one, next_turn = :now \
                 REMOVE open_since, probe_at, reason",
            )
            .condition_expression("attribute_exists(open_since)")
            .expression_attribute_values(":zero", n(0))
            .expression_attribute_values(":one", n(1))
            .expression_attribute_values(":now", n(now.as_millis()));
        try_write(write).await.map(drop)
    }

    /// The gate as it was a moment ago: good enough to tell a submit how long it will take.
    pub async fn gate(&self) -> Result<Gate, AwsError> {
        self.client
            .get_item()
            .table_name(&self.batches)
            .set_key(Some(gate_key()))
            .send()
            .await
            .map_err(AwsError::call("dynamodb:GetItem"))?
            .item
            .map_or_else(|| Ok(Gate::default()), from_item)
    }

    /// Adds the images of an accepted batch to the backlog. Losing this makes an estimate a little short, nothing else.
    pub async fn extend_backlog(
        &self,
        pace: Pace,
        images: u32,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        let more = millis(pace.interval().saturating_mul(images));
        let behind = self
            .gate_update()
            .update_expression("SET backlog_until = backlog_until + :more")
            .condition_expression("backlog_until >= :now")
            .expression_attribute_values(":more", n(more))
            .expression_attribute_values(":now", n(now.as_millis()));
        if try_write(behind).await?.is_ok() {
            return Ok(());
        }
        let anew = self
            .gate_update()
            .update_expression("SET backlog_until = :end")
            .condition_expression("attribute_not_exists(backlog_until) OR backlog_until < :now")
            .expression_attribute_values(":end", n(now.as_millis() + more))
            .expression_attribute_values(":now", n(now.as_millis()));
        try_write(anew).await.map(drop)
    }

    /// Takes images that will not have their turns out of the backlog again. Losing this, or counting one image that has
    /// a turn after all, makes an estimate a little wrong until the backlog is over, nothing else.
    pub(crate) async fn shorten_backlog(
        &self,
        pace: Pace,
        images: u32,
        now: Timestamp,
    ) -> Result<(), AwsError> {
        let less = millis(pace.interval().saturating_mul(images));
        let least = now.as_millis().saturating_add(less);
        let shorter = self
            .gate_update()
            .update_expression("SET backlog_until = backlog_until - :less")
            .condition_expression("backlog_until >= :least")
            .expression_attribute_values(":less", n(less))
            .expression_attribute_values(":least", n(least));
        if try_write(shorter).await?.is_ok() {
            return Ok(());
        }
        let over = self
            .gate_update()
            .update_expression("SET backlog_until = :now")
            .condition_expression("backlog_until BETWEEN :now AND :least")
            .expression_attribute_values(":now", n(now.as_millis()))
            .expression_attribute_values(":least", n(least));
        try_write(over).await.map(drop)
    }

    fn gate_update(&self) -> UpdateItemFluentBuilder {
        self.client
            .update_item()
            .table_name(&self.batches)
            .set_key(Some(gate_key()))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
    }
}

/// The gate after the write, or as it was if the condition failed.
async fn try_write(write: UpdateItemFluentBuilder) -> Result<Result<Gate, Gate>, AwsError> {
    let gate = |item: Option<Item>| item.map_or_else(|| Ok(Gate::default()), from_item);
    match update(write).await? {
        Ok(written) => gate(written).map(Ok),
        Err(before) => gate(before).map(Err),
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
