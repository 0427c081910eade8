//! Carries the schedule out: tells the proxy, kills processes, delivers again.

use std::{
    collections::{BTreeMap, HashMap},
    mem,
    sync::{Arc, Mutex},
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use aws::{Queue, Settings};
use domain::Work;
use nix::{
    sys::signal::{Signal, kill},
    unistd::Pid,
};
use serde::Deserialize;
use serde_json::{Value, json};
use stack_tests::{
    Stack,
    engine::{Engine, stream_event},
};
use tokio::{
    process::Command,
    task::JoinSet,
    time::{Instant, sleep, sleep_until},
};

use crate::{
    schedule::{Delivery, Event, What},
    tally::{Tally, locked},
};

/// A kind of fault that was ordered so often must have struck.
const OFTEN: u64 = 20;
/// The function that asks the provider and saves its pictures.
const EDITOR: &str = "EditImage";
/// How long a save is held up for its process to be found and killed.
const HELD_UP: Duration = Duration::from_secs(3);
/// How long to wait for a save to hold up.
const SAVE_WITHIN: Duration = Duration::from_secs(15);
/// Between two looks at whether something has happened.
const PAUSE: Duration = Duration::from_millis(50);

pub(crate) struct Injector {
    http: reqwest::Client,
    proxy: String,
    edits: Queue,
    rescues: Queue,
    engine: Engine,
    engine_pid: u32,
    /// Functions by the folder that they run in.
    folders: HashMap<String, String>,
    stack: Stack,
    tally: Arc<Tally>,
    /// What the proxy was told, by the numbers that it gave.
    rules: Mutex<BTreeMap<u64, Told>>,
    held: Mutex<Vec<(Delivery, Work)>>,
}

/// A rule that the proxy was told.
struct Told {
    operation: String,
    kind: &'static str,
}

/// A rule as the proxy lists it.
#[derive(Deserialize)]
struct Rule {
    id: u64,
    fired_count: u64,
}

/// What the proxy has done.
#[derive(Deserialize)]
struct Stats {
    by_rule: Vec<Struck>,
}

/// What has come of a rule.
#[derive(Deserialize)]
struct Struck {
    id: u64,
    fired: u64,
}

/// A process of the engine.
struct Function<'a> {
    pid: i32,
    folder: &'a str,
}

impl Injector {
    /// Works on a stack whose functions call AWS through this proxy.
    pub(crate) async fn new(stack: &Stack, proxy: &str, tally: Arc<Tally>) -> Result<Self> {
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
        let engine = Engine::of(stack).await;
        Ok(Self {
            http: reqwest::Client::builder().no_proxy().build()?,
            proxy: format!("{proxy}/_microburst"),
            edits: queue("EditQueueUrl")?,
            rescues: queue("RescueQueueUrl")?,
            folders: engine.folders().await,
            engine,
            engine_pid: stack.engine_pid().context("the stack names no engine")?,
            stack: stack.clone(),
            tally,
            rules: Mutex::default(),
            held: Mutex::default(),
        })
    }

    /// Does what is due when it is due, however long something else takes.
    pub(crate) async fn run(self: &Arc<Self>, events: Vec<Event>) -> Result<()> {
        let started = Instant::now();
        let mut tasks = JoinSet::new();
        for event in events {
            sleep_until(started + event.at).await;
            let injector = Arc::clone(self);
            tasks.spawn(async move { injector.inject(event.what).await });
            while let Some(done) = tasks.try_join_next() {
                done??;
            }
        }
        while let Some(done) = tasks.join_next().await {
            done??;
        }
        Ok(())
    }

    async fn inject(&self, what: What) -> Result<()> {
        match what {
            What::Calls {
                operation,
                kind,
                rule,
            } => {
                self.tell(operation, kind, &rule).await?;
            }
            What::Kill(number) => self.kill(number).await?,
            What::KillSaving => self.kill_saving().await?,
            What::Again(delivery, number) => {
                if let Some(work) = self.tally.pick(number) {
                    self.deliver(delivery, work).await?;
                    self.tally.count(&format!("again {delivery:?}"));
                }
            }
            What::Hold(delivery, number) => {
                let work = self.tally.pick(number);
                locked(&self.held).extend(work.map(|work| (delivery, work)));
            }
            What::Release(seed) => self.release(seed).await?,
        }
        Ok(())
    }

    /// No rule strikes any more; an error if those that were there have not struck.
    pub(crate) async fn stop(&self) -> Result<()> {
        let none = self.http.post(format!("{}/rules", self.proxy));
        let answer = none.json(&json!([])).send().await?;
        ensure!(answer.status().is_success(), "{answer:?}");
        let stats = self.http.get(format!("{}/stats", self.proxy)).send().await;
        let stats: Stats = stats?.error_for_status()?.json().await?;
        let fired = stats.by_rule.iter().map(|rule| (rule.id, rule.fired));
        let fired: BTreeMap<u64, u64> = fired.collect();
        let (mut told, mut struck) = (BTreeMap::new(), BTreeMap::new());
        for (id, Told { operation, kind }) in &*locked(&self.rules) {
            let times = fired.get(id).copied().unwrap_or_default();
            *told.entry(*kind).or_default() += 1;
            *struck.entry(*kind).or_default() += times;
            if times > 0 {
                self.tally.add(&format!("struck {operation} {kind}"), times);
            }
        }
        told.insert("kill", self.tally.sum("kills ordered"));
        struck.insert("kill", self.tally.sum("kill "));
        judge(&told, &struck)
    }

    /// Delivers what is still held, to those who are at rest, and waits until it has arrived.
    pub(crate) async fn deliver_late(&self, seed: u64, give_up: Instant) -> Result<()> {
        self.release(seed).await?;
        for output in ["EditQueueUrl", "RescueQueueUrl"] {
            while self.engine.undelivered(&self.stack, output).await > 0 {
                ensure!(Instant::now() < give_up, "{output} does not get empty");
                sleep(PAUSE).await;
            }
        }
        Ok(())
    }

    /// Tells the proxy a rule; the number that it has there.
    async fn tell(&self, operation: String, kind: &'static str, rule: &Value) -> Result<u64> {
        let request = self.http.patch(format!("{}/rules", self.proxy));
        let answer = request.json(&json!([rule])).send().await?;
        ensure!(answer.status().is_success(), "{rule}: {answer:?}");
        let rules: Vec<Rule> = answer.json().await?;
        let [rule] = rules.as_slice() else {
            bail!("one rule has become {}", rules.len());
        };
        locked(&self.rules).insert(rule.id, Told { operation, kind });
        Ok(rule.id)
    }

    /// Kills one of the engine's function processes, whatever it is at.
    async fn kill(&self, number: usize) -> Result<()> {
        self.tally.count("kills ordered");
        let listed = processes().await?;
        let functions = self.functions(&listed);
        let place = number.checked_rem(functions.len());
        if let Some(function) = place.and_then(|place| functions.get(place)) {
            self.kill_function(function);
        }
        Ok(())
    }

    /// Holds a save up, kills whoever edits meanwhile, and loses the picture.
    async fn kill_saving(&self) -> Result<()> {
        let rule = json!({
            "service": "s3",
            "operation": "PutObject",
            "times": 1,
            "ttl_s": SAVE_WITHIN.as_secs(),
            "latency": HELD_UP.as_millis(),
            "reset": true,
        });
        let id = self
            .tell("s3:PutObject".to_owned(), "killed", &rule)
            .await?;
        let give_up = Instant::now() + SAVE_WITHIN;
        while !self.has_struck(id).await? {
            if Instant::now() > give_up {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
        let listed = processes().await?;
        for function in self.functions(&listed) {
            if self.name(&function) == EDITOR {
                self.kill_function(&function);
            }
        }
        self.tally.count("killed between answer and save");
        Ok(())
    }

    async fn has_struck(&self, id: u64) -> Result<bool> {
        let listed = self.http.get(format!("{}/rules", self.proxy)).send().await;
        let rules: Vec<Rule> = listed?.error_for_status()?.json().await?;
        let rule = rules.iter().find(|rule| rule.id == id);
        Ok(rule.is_some_and(|rule| rule.fired_count > 0))
    }

    fn kill_function(&self, function: &Function<'_>) {
        // It may have ended meanwhile.
        if kill(Pid::from_raw(function.pid), Signal::SIGKILL).is_ok() {
            self.tally.count(&format!("kill {}", self.name(function)));
        }
    }

    fn name(&self, function: &Function<'_>) -> &str {
        self.folders
            .get(function.folder)
            .map_or("?", String::as_str)
    }

    fn functions<'a>(&self, listed: &'a str) -> Vec<Function<'a>> {
        let lines = listed.lines();
        lines
            .filter_map(|line| function_of(line, self.engine_pid))
            .collect()
    }

    /// How many good pictures faults may have lost between the provider's answer and the end of the save.
    pub(crate) fn losses(&self) -> u64 {
        self.tally.sum(&format!("kill {EDITOR}")) + self.tally.sum("struck s3:PutObject")
    }

    /// Delivers what is held, in the order that the seed says.
    async fn release(&self, seed: u64) -> Result<()> {
        let mut held = mem::take(&mut *locked(&self.held));
        fastrand::Rng::with_seed(seed).shuffle(&mut held);
        for (delivery, work) in held {
            self.deliver(delivery, work).await?;
            self.tally.count(&format!("late {delivery:?}"));
        }
        Ok(())
    }

    /// Delivers something that has been delivered already, or will be.
    async fn deliver(&self, delivery: Delivery, work: Work) -> Result<()> {
        match delivery {
            Delivery::Record => {
                let event = stream_event(&[&work.image.batch_id.to_string()]);
                self.engine.poke("FanOut", &event).await;
            }
            Delivery::Message => self.edits.send_all(&[work]).await?,
            Delivery::Letter => self.rescues.send_all(&[work]).await?,
        }
        Ok(())
    }
}

/// Refuses a run in which nothing has struck, or nothing of a kind that was ordered often.
fn judge(told: &BTreeMap<&str, u64>, struck: &BTreeMap<&str, u64>) -> Result<()> {
    let times = |kind| struck.get(kind).copied().unwrap_or_default();
    let rules: u64 = told
        .iter()
        .filter(|it| *it.0 != "kill")
        .map(|it| it.1)
        .sum();
    let all: u64 = struck
        .iter()
        .filter(|it| *it.0 != "kill")
        .map(|it| it.1)
        .sum();
    ensure!(
        rules == 0 || all > 0,
        "of {rules} rules none has struck: do the functions call AWS past the proxy?"
    );
    for (&kind, &told) in told {
        ensure!(
            told < OFTEN || times(kind) > 0,
            "{told} faults of the kind {kind:?} were ordered, and none has struck"
        );
    }
    Ok(())
}

/// All processes, one a line.
async fn processes() -> Result<String> {
    let listed = Command::new("ps")
        .args(["-A", "-o", "pid=,ppid=,args="])
        .output()
        .await
        .context("cannot run ps")?;
    Ok(String::from_utf8_lossy(&listed.stdout).into_owned())
}

/// The function in a line of `ps`, if it is one of this engine.
fn function_of(line: &str, engine: u32) -> Option<Function<'_>> {
    let mut words = line.split_whitespace();
    let (pid, parent) = (words.next()?, words.next()?);
    let folder = words.next()?.strip_suffix("/bootstrap")?;
    let (_, folder) = folder.rsplit_once('/')?;
    let pid = pid.parse().ok()?;
    (parent == engine.to_string()).then_some(Function { pid, folder })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_engines_own_functions_are_killed() {
        let function = |line, engine| function_of(line, engine).map(|it| (it.pid, it.folder));
        assert_eq!(function("  77  5 /tmp/x/bootstrap", 5), Some((77, "x")));
        assert_eq!(function("  77  6 /tmp/x/bootstrap", 5), None);
        assert_eq!(function("  77  5 /usr/bin/python", 5), None);
        assert_eq!(function("", 5), None);
    }

    #[test]
    fn a_run_in_which_nothing_strikes_proves_nothing() {
        let judge = |told: &[(&'static str, u64)], struck: &[(&'static str, u64)]| {
            let map = |them: &[(&'static str, u64)]| them.iter().copied().collect();
            judge(&map(told), &map(struck)).is_ok()
        };
        assert!(judge(&[], &[]));
        assert!(judge(&[("reset", 1)], &[("reset", 4)]));
        assert!(!judge(&[("reset", 1), ("kill", 1)], &[("kill", 1)]));
        assert!(judge(&[("reset", 1), ("slow", 1)], &[("slow", 1)]));
        assert!(!judge(&[("reset", OFTEN), ("slow", 1)], &[("slow", 1)]));
        assert!(!judge(&[("slow", 1), ("kill", OFTEN)], &[("slow", 1)]));
    }
}
