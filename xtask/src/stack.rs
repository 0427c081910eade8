//! What a stack leaves in its folder: `stack.json` for its clients, `ledger.json` for the next run of xtask.
//!
//! `stack.json` is written when everything is ready and removed when it stops, so that its presence means something.
//! The ledger is written with each process that starts, so that nothing is ever lost of, even after a crash.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::http;
use crate::ports::Ports;
use crate::process::Known;

/// The name of the CloudFormation stack.
pub(crate) const NAME: &str = "batch-image-edit";
/// The region that the engine plays.
pub(crate) const REGION: &str = "us-east-1";

/// `stack.json`: what a client needs to know.
#[expect(
    clippy::struct_field_names,
    reason = "stackName is CloudFormation's word"
)]
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Stack {
    /// The web page and the API.
    pub(crate) url: String,
    /// The region of user pool and tables.
    pub(crate) region: String,
    /// Where the AWS services answer.
    pub(crate) aws_endpoint: String,
    /// Cognito's user pool.
    pub(crate) user_pool_id: String,
    /// The user pool's client without a secret.
    pub(crate) client_id: String,
    /// The name of the CloudFormation stack.
    pub(crate) stack_name: String,
    /// Stand-in -> its base URL; empty with the real services.
    pub(crate) stand_ins: BTreeMap<String, String>,
    /// What the stand-in for Polar signs its webhooks with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) polar_webhook_secret: Option<String>,
    /// Every output of the template.
    pub(crate) outputs: BTreeMap<String, String>,
    /// What runs for it.
    pub(crate) processes: Vec<Known>,
}

impl Stack {
    /// Puts it together from the template's outputs.
    pub(crate) fn new(
        ports: Ports,
        outputs: BTreeMap<String, String>,
        stand_ins: BTreeMap<String, String>,
        polar_webhook_secret: Option<String>,
        processes: Vec<Known>,
    ) -> Result<Self> {
        let output = |name: &str| {
            outputs
                .get(name)
                .cloned()
                .with_context(|| format!("the template has no output {name}"))
        };
        Ok(Self {
            url: url(ports.web),
            region: REGION.to_owned(),
            aws_endpoint: url(ports.engine),
            user_pool_id: output("UserPoolId")?,
            client_id: output("UserPoolClientId")?,
            stack_name: NAME.to_owned(),
            stand_ins,
            polar_webhook_secret,
            processes,
            outputs,
        })
    }
}

/// The address of a port on this machine.
pub(crate) fn url(port: u16) -> String {
    format!("http://127.0.0.1:{port}")
}

/// `ledger.json`: how the stack was asked for, and what was started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Ledger {
    /// What was asked for.
    pub(crate) wanted: Wanted,
    /// The run of xtask that guards it in the foreground.
    pub(crate) owner: Option<Known>,
    /// What was started, in this order.
    pub(crate) processes: Vec<Known>,
}

/// What makes two stacks the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wanted {
    /// Its ports.
    pub(crate) ports: Ports,
    /// Its template's parameters, those that were given after those that follow from its vendors.
    pub(crate) parameters: Vec<String>,
    /// Service outside of AWS -> its base URL. A file of an older xtask has none.
    #[serde(default)]
    pub(crate) vendors: BTreeMap<String, String>,
}

/// The folder of a stack.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// A folder, which may not exist yet.
    pub(crate) fn new(path: PathBuf) -> Self {
        Self { path }
    }

    /// Makes it.
    pub(crate) fn create(&self) -> Result<()> {
        fs::create_dir_all(&self.path)
            .with_context(|| format!("cannot make {}", self.path.display()))
    }

    /// Where it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Something in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// `stack.json`.
    pub(crate) fn stack_file(&self) -> PathBuf {
        self.join("stack.json")
    }

    fn ledger_file(&self) -> PathBuf {
        self.join("ledger.json")
    }

    /// Tells the clients that the stack is ready.
    pub(crate) fn publish(&self, stack: &Stack) -> Result<()> {
        write_whole(&self.stack_file(), stack)
    }

    /// Keeps for the next run what has been started.
    pub(crate) fn record(&self, ledger: &Ledger) -> Result<()> {
        write_whole(&self.ledger_file(), ledger)
    }

    /// What the last run has started, if anything.
    pub(crate) fn ledger(&self) -> Option<Ledger> {
        read(&self.ledger_file())
    }

    /// The stack of this folder, if all of it lives and answers.
    pub(crate) fn healthy(&self) -> Option<(Stack, Wanted)> {
        let (stack, ledger): (Stack, Ledger) = (read(&self.stack_file())?, self.ledger()?);
        let ports = ledger.wanted.ports;
        let lives = !ledger.processes.is_empty() && ledger.processes.iter().all(Known::is_alive);
        let answers = || {
            http::status(ports.engine, "/_ministack/ready") == Some(200)
                && http::status(ports.web, "/").is_some()
        };
        (lives && answers()).then_some((stack, ledger.wanted))
    }

    /// Tells the clients that the stack is no longer there.
    pub(crate) fn withdraw(&self) {
        remove(&self.stack_file());
    }

    /// Forgets that there ever was a stack.
    pub(crate) fn forget(&self) {
        self.withdraw();
        remove(&self.ledger_file());
    }
}

/// Called while things stop, where an error can only be told.
fn remove(path: &Path) {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != std::io::ErrorKind::NotFound
    {
        eprintln!("cannot remove {}: {error}", path.display());
    }
}

/// Nobody ever reads half a file.
fn write_whole(path: &Path, value: &impl Serialize) -> Result<()> {
    let part = path.with_extension("part");
    fs::write(&part, serde_json::to_string_pretty(value)?)
        .with_context(|| format!("cannot write {}", part.display()))?;
    fs::rename(&part, path).with_context(|| format!("cannot write {}", path.display()))
}

fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    serde_json::from_slice(&fs::read(path).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outputs(names: &[&str]) -> BTreeMap<String, String> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), format!("the {name}")))
            .collect()
    }

    #[test]
    fn clients_read_the_promised_names() {
        let known = Known {
            name: "engine".to_owned(),
            pid: 7,
            start_time: Some("then".to_owned()),
        };
        let stand_ins =
            BTreeMap::from([("openai".to_owned(), "http://127.0.0.1:8090/v1".to_owned())]);
        let stack = Stack::new(
            Ports::default(),
            outputs(&["UserPoolId", "UserPoolClientId", "HttpApiId"]),
            stand_ins,
            Some("polar_whs_1".to_owned()),
            vec![known],
        )
        .unwrap();
        assert_eq!(
            serde_json::to_value(&stack).unwrap(),
            serde_json::json!({
                "url": "http://127.0.0.1:8080",
                "region": "us-east-1",
                "awsEndpoint": "http://127.0.0.1:4566",
                "userPoolId": "the UserPoolId",
                "clientId": "the UserPoolClientId",
                "stackName": "batch-image-edit",
                "standIns": {"openai": "http://127.0.0.1:8090/v1"},
                "polarWebhookSecret": "polar_whs_1",
                "outputs": {"HttpApiId": "the HttpApiId", "UserPoolClientId": "the UserPoolClientId", "UserPoolId": "the UserPoolId"},
                "processes": [{"name": "engine", "pid": 7, "startTime": "then"}],
            })
        );
    }

    #[test]
    fn a_missing_output_is_named() {
        let error = Stack::new(
            Ports::default(),
            outputs(&["UserPoolId"]),
            BTreeMap::new(),
            None,
            Vec::new(),
        )
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the template has no output UserPoolClientId"
        );
    }

    #[test]
    fn a_folder_whose_processes_died_is_not_healthy() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::new(dir.path().to_path_buf());
        let gone = Known {
            name: "engine".to_owned(),
            pid: 1,
            start_time: Some("never".to_owned()),
        };
        let wanted = Wanted {
            ports: Ports::default(),
            parameters: Vec::new(),
            vendors: BTreeMap::new(),
        };
        folder
            .record(&Ledger {
                wanted,
                owner: None,
                processes: vec![gone.clone()],
            })
            .unwrap();
        let stack = Stack::new(
            Ports::default(),
            outputs(&["UserPoolId", "UserPoolClientId"]),
            BTreeMap::new(),
            None,
            vec![gone],
        )
        .unwrap();
        folder.publish(&stack).unwrap();
        assert!(folder.healthy().is_none());
        folder.forget();
        folder.forget();
        assert!(folder.ledger().is_none() && !folder.stack_file().exists());
    }
}
