//! What fails when: made of a seed before anything starts, so that the same seed fails the same way at the same times.

use std::time::Duration;

use serde_json::{Value, json};

/// One thing that goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Event {
    /// Since the start.
    pub(crate) at: Duration,
    pub(crate) what: What,
}

/// What goes wrong.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum What {
    /// Calls of the functions to AWS: which, how they fail, and a rule for the proxy.
    Calls {
        operation: String,
        kind: &'static str,
        rule: Value,
    },
    /// A function's process is killed: the one with this number, counted round.
    Kill(usize),
    /// A process that edits is killed while it saves the picture: the provider has answered, and the picture is lost.
    KillSaving,
    /// Something that was delivered is delivered again: for the image with this number, counted round.
    Again(Delivery, usize),
    /// The same, much later and in another order: it is held until a release.
    Hold(Delivery, usize),
    /// All that is held is delivered, in an order that this decides.
    Release(u64),
}

/// What may be delivered again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Delivery {
    /// The stream's record of the batch.
    Record,
    /// A message of the edit queue.
    Message,
    /// A dead letter.
    Letter,
}

/// Which calls may fail.
const CALLS: [(&str, &str); 13] = [
    ("dynamodb", "TransactWriteItems"),
    ("dynamodb", "TransactWriteItems"),
    ("dynamodb", "UpdateItem"),
    ("dynamodb", "UpdateItem"),
    ("dynamodb", "GetItem"),
    ("dynamodb", "BatchGetItem"),
    ("dynamodb", "Query"),
    ("s3", "PutObject"),
    ("s3", "HeadObject"),
    ("s3", "GetObject"),
    ("sqs", "SendMessageBatch"),
    ("states", "StartExecution"),
    ("states", "DescribeExecution"),
];
/// How many calls a rule strikes: one is forgiven by the SDK's own tries, six are not.
const TIMES: [u32; 6] = [1, 1, 2, 3, 6, 12];
/// Rules that found nothing to strike go away.
const TTL_SECONDS: u32 = 15;

/// The schedule of a seed.
pub(crate) fn schedule(seed: u64, length: Duration) -> Vec<Event> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut events = Vec::new();
    let mut at = Duration::ZERO;
    loop {
        at += Duration::from_millis(rng.u64(20..350));
        if at >= length {
            return events;
        }
        let what = match rng.u32(0..100) {
            0..60 => calls(&mut rng),
            60..71 => What::Kill(rng.usize(..)),
            71..75 => What::KillSaving,
            75..90 => What::Again(delivery(&mut rng), rng.usize(..)),
            90..99 => What::Hold(delivery(&mut rng), rng.usize(..)),
            _ => What::Release(rng.u64(..)),
        };
        events.push(Event { at, what });
    }
}

fn delivery(rng: &mut fastrand::Rng) -> Delivery {
    *pick(
        rng,
        &[Delivery::Record, Delivery::Message, Delivery::Letter],
    )
}

fn calls(rng: &mut fastrand::Rng) -> What {
    let &(service, operation) = pick(rng, &CALLS);
    let times = *pick(rng, &TIMES);
    let (kind, effect) = match rng.u32(0..7) {
        0 if operation == "TransactWriteItems" => ("conflict", canceled()),
        0 if operation == "UpdateItem" => ("conflict", conflict()),
        // The picture is paid for and not yet saved: kills should fall into this time, too.
        0 if operation == "PutObject" => ("slow", json!({ "latency": 2_000 })),
        0 | 1 => ("throttled", throttled(service)),
        2 => ("failed", failed(service)),
        3 => ("reset", json!({ "reset": true })),
        4 => ("timed out", json!({ "timeout_ms": rng.u32(200..2_000) })),
        5 => ("slow", json!({ "latency": rng.u32(100..1_500) })),
        // It took effect, and nobody is told.
        _ => ("lost answer", json!({ "response": { "abort_bytes": 0 } })),
    };
    let mut rule = json!({
        "service": service,
        "operation": operation,
        "times": times,
        "ttl_s": TTL_SECONDS,
    });
    if let (Value::Object(rule), Value::Object(effect)) = (&mut rule, effect) {
        rule.extend(effect);
    }
    What::Calls {
        operation: format!("{service}:{operation}"),
        kind,
        rule,
    }
}

/// What a write beside a transaction is told.
fn conflict() -> Value {
    json!({ "error": {
        "code": "TransactionConflictException",
        "status": 400,
        "message": "Transaction is ongoing for the item",
    } })
}

/// What a transaction beside another one is told.
fn canceled() -> Value {
    json!({ "error": {
        "code": "TransactionCanceledException",
        "status": 400,
        "message": "Transaction cancelled, please refer cancellation reasons for specific reasons [TransactionConflict]",
        "fields": { "CancellationReasons": [
            { "Code": "TransactionConflict", "Message": "Transaction is ongoing for the item" },
        ] },
    } })
}

fn throttled(service: &str) -> Value {
    let code = match service {
        "s3" => "SlowDown",
        "sqs" => "RequestThrottled",
        _ => "ThrottlingException",
    };
    json!({ "error": { "code": code } })
}

fn failed(service: &str) -> Value {
    let code = match service {
        "dynamodb" => "InternalServerError",
        "s3" => "InternalError",
        _ => "InternalFailure",
    };
    json!({ "error": { "code": code, "status": 500 } })
}

/// One of a list that is not empty.
fn pick<'a, T>(rng: &mut fastrand::Rng, list: &'a [T]) -> &'a T {
    #[expect(clippy::indexing_slicing, reason = "the index is below the length")]
    &list[rng.usize(..list.len())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_is_a_schedule() {
        let minute = Duration::from_mins(1);
        let events = schedule(7, minute);
        assert_eq!(events, schedule(7, minute));
        assert_ne!(events, schedule(8, minute));
        assert!(events.is_sorted_by_key(|event| event.at));
        assert!(events.iter().all(|event| event.at < minute));
        // A shorter run is the beginning of a longer one.
        let short = schedule(7, minute / 2);
        assert_eq!(short, events[..short.len()]);
        let long = schedule(7, 10 * minute);
        let has = |wanted: &dyn Fn(&What) -> bool| long.iter().any(|event| wanted(&event.what));
        for kind in [
            "conflict",
            "throttled",
            "failed",
            "reset",
            "timed out",
            "slow",
            "lost answer",
        ] {
            let is_kind = |what: &What| matches!(what, What::Calls { kind: it, .. } if *it == kind);
            assert!(has(&is_kind), "{kind}");
        }
        assert!(has(&|what| matches!(what, What::Kill(_))));
        assert!(has(&|what| matches!(what, What::KillSaving)));
        assert!(has(&|what| matches!(what, What::Again(..))));
        assert!(has(&|what| matches!(what, What::Hold(..))));
        assert!(has(&|what| matches!(what, What::Release(_))));
    }
}
