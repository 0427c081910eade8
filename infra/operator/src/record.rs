//! A record as it lies in a table, read without the adapters: what the functions' own reading gets wrong, an audit that
//! shares it would not see.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use aws_sdk_dynamodb::types::AttributeValue;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// What people wrote: never a part of a report.
const PRIVATE: [&str; 3] = ["prompt", "prompt_excerpt", "jobs"];

/// One record: its keys, and everything in it as JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is: `USER#..`, `EMAIL#..`, `BATCH#..`.
    pub pk: String,
    /// What it is: `ACCOUNT`, `TXN#..`, `META`, `MANIFEST#..`, `IMAGE#..`.
    pub sk: String,
    /// All of it, the keys included.
    pub fields: Map<String, Value>,
}

impl Record {
    /// The record of an item.
    pub fn of(item: HashMap<String, AttributeValue>) -> Result<Self> {
        let fields: Map<String, Value> =
            serde_dynamo::from_item(item).context("a record is no JSON")?;
        Self::from_json(fields).context("a record has no keys")
    }

    /// The record of these fields, if both keys are among them.
    #[must_use]
    pub fn from_json(fields: Map<String, Value>) -> Option<Self> {
        let key = |name| Some(fields.get(name)?.as_str()?.to_owned());
        Some(Self {
            pk: key("pk")?,
            sk: key("sk")?,
            fields,
        })
    }

    /// The record as one of the domain's types.
    pub fn read<T: DeserializeOwned>(&self) -> serde_json::Result<T> {
        T::deserialize(&self.fields)
    }

    /// What a report shows of it: all but what people wrote.
    #[must_use]
    pub fn evidence(&self) -> Value {
        let mut fields = self.fields.clone();
        fields.retain(|name, _| !PRIVATE.contains(&name.as_str()));
        Value::Object(fields)
    }
}
