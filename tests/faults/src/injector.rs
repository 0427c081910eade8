//! Carries the schedule out: tells the proxy, kills processes, delivers again.

use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use aws::{Queue, Settings};
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde_json::json;
use stack_tests::{
    Stack,
    engine::{Engine, stream_event},
};
use tokio::{process::Command, time::Instant};

use crate::{
    schedule::{Delivery, Event, What},
    tally::Tally,
};

pub(crate) struct Injector {
    http: reqwest::Client,
    rules: String,
    edits: Queue,
    rescues: Queue,
    engine_pid: u32,
    stack: Stack,
    tally: Arc<Tally>,
}

impl Injector {
    /// Works on a stack whose functions call AWS through this proxy.
    pub(crate) fn new(stack: &Stack, proxy: &str, tally: Arc<Tally>) -> Result<Self> {
        // Past the proxy: what is delivered again arrives.
        let settings = Settings::new(
            "us-east-1".to_owned(),
            Some(stack.aws_endpoint.clone()),
            "test".to_owned(),
            "test".to_owned(),
            None,
        )?;
        let queue = |output: &str| {
            let url = stack.outputs.get(output);
            let url = url.with_context(|| format!("the stack has no output {output}"))?;
            Ok::<_, anyhow::Error>(Queue::new(&settings, url.clone()))
        };
        Ok(Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            rules: format!("{proxy}/_microburst/rules"),
            edits: queue("EditQueueUrl")?,
            rescues: queue("RescueQueueUrl")?,
            engine_pid: stack.engine_pid().context("the stack names no engine")?,
            stack: stack.clone(),
            tally,
        })
    }

    /// Does what is due when it is due.
    pub(crate) async fn run(&self, events: Vec<Event>) -> Result<()> {
        let started = Instant::now();
        let engine = Engine::of(&self.stack).await;
        for event in events {
            tokio::time::sleep_until(started + event.at).await;
            match event.what {
                What::Calls { name, rule } => {
                    let request = self.http.patch(&self.rules).json(&json!([rule]));
                    let answer = request.send().await?;
                    ensure!(answer.status().is_success(), "{name}: {answer:?}");
                    self.tally.count(&format!("fault {name}"));
                }
                What::Kill(number) => self.kill(number).await?,
                What::Again(delivery, number) => self.again(&engine, delivery, number).await?,
            }
        }
        Ok(())
    }

    /// No rule strikes any more.
    pub(crate) async fn stop(&self) -> Result<()> {
        let none = self.http.post(&self.rules).json(&json!([]));
        let answer = none.send().await?;
        ensure!(answer.status().is_success(), "{answer:?}");
        Ok(())
    }

    /// Kills one of the engine's function processes, whatever it is at.
    async fn kill(&self, number: usize) -> Result<()> {
        let listed = Command::new("ps")
            .args(["-A", "-o", "pid=,ppid=,args="])
            .output()
            .await
            .context("cannot run ps")?;
        let processes = String::from_utf8_lossy(&listed.stdout);
        let functions: Vec<i32> = processes
            .lines()
            .filter_map(|line| function_of(line, self.engine_pid))
            .collect();
        let place = number.checked_rem(functions.len());
        if let Some(&pid) = place.and_then(|place| functions.get(place)) {
            // It may have ended meanwhile.
            if kill(Pid::from_raw(pid), Signal::SIGKILL).is_ok() {
                self.tally.count("kill");
            }
        }
        Ok(())
    }

    /// Delivers something again that has been delivered, or will be.
    async fn again(&self, engine: &Engine, delivery: Delivery, number: usize) -> Result<()> {
        let Some(work) = self.tally.pick(number) else {
            return Ok(());
        };
        match delivery {
            Delivery::Record => {
                let event = stream_event(&[&work.image.batch_id.to_string()]);
                engine.poke("FanOut", &event).await;
            }
            Delivery::Message => self.edits.send_all(&[work]).await?,
            Delivery::Letter => self.rescues.send_all(&[work]).await?,
        }
        self.tally.count(&format!("again {delivery:?}"));
        Ok(())
    }
}

/// The process id in a line of `ps`, if it is a function of this engine.
fn function_of(line: &str, engine: u32) -> Option<i32> {
    let mut words = line.split_whitespace();
    let (pid, parent) = (words.next()?, words.next()?);
    let is_function = words.next()?.ends_with("/bootstrap");
    (is_function && parent == engine.to_string()).then(|| pid.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_engines_own_functions_are_killed() {
        assert_eq!(function_of("  77  5 /tmp/x/bootstrap", 5), Some(77));
        assert_eq!(function_of("  77  6 /tmp/x/bootstrap", 5), None);
        assert_eq!(function_of("  77  5 /usr/bin/python", 5), None);
        assert_eq!(function_of("", 5), None);
    }
}
