//! The circuit at the provider: the gate's record, in words, and closing it by hand.

use std::fmt;

use anyhow::{Context as _, Result};
use domain::{Timestamp, pace::Gate};
use serde::Serialize;

use crate::{record::Record, stack::Stack};

/// How the gate stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Circuit {
    /// Nothing if the circuit is closed, as it should be.
    pub open: Option<Open>,
    /// When the next turn is free.
    pub next_turn: Timestamp,
    /// When the last of all submitted images will have had its turn.
    pub backlog_until: Timestamp,
    /// How often the circuit was closed.
    pub epoch: u64,
}

/// A circuit that is open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Open {
    /// Since when.
    pub since: Timestamp,
    /// What the provider said.
    pub reason: Option<String>,
    /// When the next image finds out whether that is still so.
    pub probe_at: Timestamp,
}

/// What closing the circuit by hand came to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Reset {
    /// How the gate stood before.
    pub before: Circuit,
    /// How it stands now.
    pub now: Circuit,
}

/// Reads the gate.
pub async fn look(stack: &Stack) -> Result<Circuit> {
    let records = stack.records(&stack.names.batches_table, "GATE").await?;
    let record = records.iter().find(|record| record.sk == "PROVIDER");
    record.map_or_else(|| Ok(Circuit::of(&Gate::default(), None)), Circuit::read)
}

/// Closes the circuit without waiting for a probe, as after a bill was paid; one that is closed stays as it is.
pub async fn reset(stack: &Stack) -> Result<Reset> {
    let before = look(stack).await?;
    stack.tables().close_circuit(Timestamp::now()).await?;
    let now = look(stack).await?;
    Ok(Reset { before, now })
}

impl Circuit {
    fn read(record: &Record) -> Result<Self> {
        let gate = record.read().context("the gate cannot be read")?;
        let reason = record.fields.get("reason").and_then(|it| it.as_str());
        Ok(Self::of(&gate, reason))
    }

    fn of(gate: &Gate, reason: Option<&str>) -> Self {
        let open = gate.open_since.map(|since| Open {
            since: Timestamp::from_millis(since),
            reason: reason.map(str::to_owned),
            probe_at: Timestamp::from_millis(gate.probe_at),
        });
        Self {
            open,
            next_turn: Timestamp::from_millis(gate.next_turn),
            backlog_until: gate.backlog_until(),
            epoch: gate.epoch,
        }
    }
}

impl fmt::Display for Circuit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.open {
            None => writeln!(f, "the circuit is closed: images go to the provider")?,
            Some(open) => {
                let reason = open.reason.as_deref().unwrap_or("no reason was noted");
                writeln!(f, "the circuit is open since {}: {reason}", open.since)?;
                writeln!(f, "next probe     {}", open.probe_at)?;
            }
        }
        writeln!(f, "next free turn {}", self.next_turn)?;
        writeln!(f, "backlog until  {}", self.backlog_until)?;
        write!(f, "epoch          {}", self.epoch)
    }
}

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let was = match &self.before.open {
            Some(open) => format!("was open since {}", open.since),
            None => "was not open".to_owned(),
        };
        write!(f, "the circuit {was}\n{}", self.now)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_open_circuit_says_why_and_since_when() {
        let fields = json!({
            "pk": "GATE", "sk": "PROVIDER", "next_turn": 1_000, "backlog_until": 2_000, "epoch": 3,
            "open_since": 4_000, "probe_at": 64_000, "reason": "insufficient_quota",
        });
        let record = Record::from_json(fields.as_object().unwrap().clone()).unwrap();
        let circuit = Circuit::read(&record).unwrap();
        assert_eq!(circuit.epoch, 3);
        let text = circuit.to_string();
        let first = "the circuit is open since 1970-01-01T00:00:04.000Z: insufficient_quota\n";
        assert!(text.starts_with(first), "{text}");
        let never = Circuit::of(&Gate::default(), None);
        assert!(never.to_string().starts_with("the circuit is closed"));
    }
}
