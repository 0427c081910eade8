//! A deployed stack: the names of what it is made of, and clients for it.

use std::{collections::HashMap, path::Path};

use anyhow::{Context as _, Result};
use aws::{Settings, Tables};
use serde::{Deserialize, de::value::MapDeserializer};

/// What the tools need of a stack's outputs.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub struct Names {
    /// Accounts and the ledger.
    pub credits_table: String,
    /// Batches, images, the gate.
    pub batches_table: String,
    /// Uploads and results.
    pub photos_bucket: String,
    /// The workflow that edits one image.
    pub edit_workflow_arn: String,
    /// Where images go that fell off the road.
    pub rescue_queue_url: String,
    /// Where they end when even the rescue has failed.
    pub lost_queue_url: String,
    /// Where stream records end that fan-out could not handle.
    pub fan_out_failure_queue_url: String,
    /// What Polar tells of orders.
    pub credit_queue_url: String,
    /// Where that ends if it cannot be applied.
    pub credit_failure_queue_url: String,
    /// What users are to be told.
    pub notice_queue_url: String,
    /// What users' programs are told.
    pub webhook_queue_url: String,
    /// Where that ends if nobody takes it, and stream records that notify could not handle.
    pub notice_failure_queue_url: String,
    /// Where users go who want to be forgotten.
    pub deletion_queue_url: String,
    /// Where they end when something of them cannot be deleted.
    pub deletion_failure_queue_url: String,
}

/// A file that describes a stack.
#[derive(Deserialize)]
#[serde(untagged)]
enum Description {
    /// `stack.json` of `cargo xtask up`.
    #[serde(rename_all = "camelCase")]
    AtHome {
        region: String,
        aws_endpoint: String,
        outputs: HashMap<String, String>,
    },
    /// The answer of `aws cloudformation describe-stacks --stack-name ..`.
    InAws {
        #[serde(rename = "Stacks")]
        stacks: [InAws; 1],
    },
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct InAws {
    stack_id: String,
    outputs: Vec<Output>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    output_key: String,
    output_value: String,
}

/// Who asks AWS.
#[derive(Clone, Debug)]
pub struct Keys {
    /// `AWS_ACCESS_KEY_ID`.
    pub access_key_id: String,
    /// `AWS_SECRET_ACCESS_KEY`.
    pub secret_access_key: String,
    /// `AWS_SESSION_TOKEN`.
    pub session_token: Option<String>,
}

/// A stack, connected.
#[derive(Clone, Debug)]
pub struct Stack {
    /// What it is made of.
    pub names: Names,
    pub(crate) dynamodb: aws_sdk_dynamodb::Client,
    pub(crate) s3: aws_sdk_s3::Client,
    pub(crate) sfn: aws_sdk_sfn::Client,
    pub(crate) sqs: aws_sdk_sqs::Client,
    settings: Settings,
}

impl Stack {
    /// The stack that a file describes. `keys` is only asked for a stack in AWS: the engine at home knows one user, and
    /// nobody's real keys are sent to it.
    pub fn described(file: &Path, keys: impl FnOnce() -> Result<Keys>) -> Result<Self> {
        let about = || file.display().to_string();
        let json = std::fs::read(file).with_context(about)?;
        let description = serde_json::from_slice(&json).with_context(about)?;
        let (region, endpoint, outputs, keys) = match description {
            Description::AtHome {
                region,
                aws_endpoint,
                outputs,
            } => (region, Some(aws_endpoint), outputs, Keys::at_home()),
            Description::InAws { stacks: [stack] } => {
                let region = stack.stack_id.split(':').nth(3);
                let region = region.context("the StackId names no region")?.to_owned();
                let outputs = stack.outputs.into_iter();
                let outputs = outputs.map(|it| (it.output_key, it.output_value)).collect();
                (region, None, outputs, keys()?)
            }
        };
        let outputs = MapDeserializer::<_, serde::de::value::Error>::new(outputs.into_iter());
        let names = Names::deserialize(outputs).with_context(about)?;
        Self::connect(names, region, endpoint, keys)
    }

    /// A stack of these names.
    pub fn connect(
        names: Names,
        region: String,
        endpoint: Option<String>,
        keys: Keys,
    ) -> Result<Self> {
        let settings = Settings::new(
            region,
            endpoint,
            keys.access_key_id,
            keys.secret_access_key,
            keys.session_token,
        )?;
        let sdk = settings.sdk_config();
        Ok(Self {
            dynamodb: aws_sdk_dynamodb::Client::new(&sdk),
            s3: aws_sdk_s3::Client::new(&sdk),
            sfn: aws_sdk_sfn::Client::new(&sdk),
            sqs: aws_sdk_sqs::Client::new(&sdk),
            settings,
            names,
        })
    }

    /// The functions' own way to the tables, for whatever is to be written.
    pub(crate) fn tables(&self) -> Tables {
        let (credits, batches) = (&self.names.credits_table, &self.names.batches_table);
        Tables::new(&self.settings, credits.clone(), batches.clone())
    }
}

impl Keys {
    /// The one user whom the engine at home knows.
    #[must_use]
    pub fn at_home() -> Self {
        Self {
            access_key_id: "test".to_owned(),
            secret_access_key: "test".to_owned(),
            session_token: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_descriptions_are_understood() {
        let outputs = json!({"A": "b"});
        let home = json!({"region": "r", "awsEndpoint": "e", "outputs": outputs, "url": "u"});
        let aws = json!({"Stacks": [{
            "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/photos/1",
            "Outputs": [{"OutputKey": "A", "OutputValue": "b", "Description": "c"}],
        }]});
        assert!(matches!(
            serde_json::from_value(home).unwrap(),
            Description::AtHome { .. }
        ));
        assert!(matches!(
            serde_json::from_value(aws).unwrap(),
            Description::InAws { .. }
        ));
    }
}
