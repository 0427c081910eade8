//! DynamoDB: the credits table and the batches table.
//!
//! This module knows the keys, the records and how a transaction is tried; its children each know one use of them.

mod account;
mod adjust;
mod batches;
mod cancel;
mod claim;
mod deletion;
mod gate;
mod ledger;
mod notices;
mod orders;
mod profile;
mod reconcile;
mod records;
mod submit;

pub use adjust::{AdjustError, Adjusted, Adjustment};
pub use batches::{BatchInFull, Order, Page};
pub use claim::{ClaimError, Ticket};
pub use gate::Booking;
pub use ledger::{LedgerEntry, LedgerPage};
pub use orders::ApplyOrderError;
pub use submit::{Accepted, SubmitError};

pub(crate) use records::{LedgerLine, image_key, meta_key};

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    error::SdkError,
    operation::{
        transact_write_items::TransactWriteItemsError,
        update_item::{UpdateItemError, builders::UpdateItemFluentBuilder},
    },
    types::{AttributeValue, TransactWriteItem},
};
use serde::{Serialize, de::DeserializeOwned};

use crate::{AwsError, Settings, backoff::Backoff, settings::client};

/// How long the write of one record is tried against transactions that it is part of.
const UPDATE_BUDGET: Duration = Duration::from_secs(5);

/// A record as DynamoDB has it.
pub(crate) type Item = HashMap<String, AttributeValue>;

/// Both tables: what money and pictures have in common is written to both in one transaction.
#[derive(Clone, Debug)]
pub struct Tables {
    client: Client,
    credits: String,
    batches: String,
}

/// Why a transaction wrote nothing, item by item in the order in which they were given.
#[derive(Debug)]
pub(crate) struct Canceled(Vec<Reason>);

#[derive(Debug, Default)]
struct Reason {
    condition_failed: bool,
    /// The record as it was, if the condition failed and the item asked for it.
    record: Option<Item>,
}

impl Canceled {
    /// Did the condition of the item at this place fail?
    pub(crate) fn failed(&self, place: usize) -> bool {
        self.0
            .get(place)
            .is_some_and(|reason| reason.condition_failed)
    }

    /// The record that made the condition of the item at this place fail.
    pub(crate) fn record(&self, place: usize) -> Option<&Item> {
        self.0.get(place)?.record.as_ref()
    }
}

impl Tables {
    /// The tables of these names.
    #[must_use]
    pub fn new(settings: &Settings, credits: String, batches: String) -> Self {
        Self {
            client: client!(settings, aws_sdk_dynamodb),
            credits,
            batches,
        }
    }

    /// The name of the batches table.
    pub(crate) fn batches_table(&self) -> &str {
        &self.batches
    }

    /// Tries a transaction once. `Ok(Err(_))` says why nothing was written; the caller decides whether to try again.
    pub(crate) async fn transact(
        &self,
        items: Vec<TransactWriteItem>,
    ) -> Result<Result<(), Canceled>, AwsError> {
        let sent = self
            .client
            .transact_write_items()
            .set_transact_items(Some(items))
            .send()
            .await;
        match sent {
            Ok(_) => Ok(Ok(())),
            Err(SdkError::ServiceError(e)) if e.err().is_transaction_canceled_exception() => {
                let TransactWriteItemsError::TransactionCanceledException(canceled) = e.into_err()
                else {
                    return Ok(Err(Canceled(Vec::new())));
                };
                let reasons = canceled.cancellation_reasons.unwrap_or_default();
                Ok(Err(Canceled(
                    reasons
                        .into_iter()
                        .map(|reason| Reason {
                            condition_failed: reason.code() == Some("ConditionalCheckFailed"),
                            record: reason.item,
                        })
                        .collect(),
                )))
            }
            // The same transaction is still being written by a try whose answer was lost.
            Err(SdkError::ServiceError(e)) if e.err().is_transaction_in_progress_exception() => {
                Ok(Err(Canceled(Vec::new())))
            }
            Err(error) => Err(AwsError::call("dynamodb:TransactWriteItems")(error)),
        }
    }

    /// One record, as of now.
    async fn get<T: DeserializeOwned>(
        &self,
        table: &str,
        key: Item,
    ) -> Result<Option<T>, AwsError> {
        self.client
            .get_item()
            .table_name(table)
            .set_key(Some(key))
            .consistent_read(true)
            .send()
            .await
            .map_err(AwsError::call("dynamodb:GetItem"))?
            .item
            .map(from_item)
            .transpose()
    }
}

/// Writes one record: what the write returns, or `Err` with the record as it was (if the write asks for it) when its
/// condition failed.
///
/// A record that a transaction is just about to write is tried again. The SDK takes that conflict for an answer.
async fn update(
    write: UpdateItemFluentBuilder,
) -> Result<Result<Option<Item>, Option<Item>>, AwsError> {
    let mut backoff = Backoff::within(UPDATE_BUDGET);
    loop {
        let error = match write.clone().send().await {
            Ok(written) => return Ok(Ok(written.attributes)),
            Err(SdkError::ServiceError(e)) if e.err().is_transaction_conflict_exception() => {
                SdkError::ServiceError(e)
            }
            Err(SdkError::ServiceError(e)) if e.err().is_conditional_check_failed_exception() => {
                return Ok(Err(match e.into_err() {
                    UpdateItemError::ConditionalCheckFailedException(failed) => failed.item,
                    _ => None,
                }));
            }
            Err(error) => return Err(AwsError::call("dynamodb:UpdateItem")(error)),
        };
        if !backoff.wait().await {
            return Err(AwsError::call("dynamodb:UpdateItem")(error));
        }
    }
}

/// A text attribute.
#[expect(clippy::needless_pass_by_value, reason = "callers pass temporaries")]
pub(crate) fn s(text: impl ToString) -> AttributeValue {
    AttributeValue::S(text.to_string())
}

/// A number attribute.
#[expect(clippy::needless_pass_by_value, reason = "callers pass temporaries")]
pub(crate) fn n(number: impl ToString) -> AttributeValue {
    AttributeValue::N(number.to_string())
}

/// Any value as an attribute.
pub(crate) fn value<T: Serialize>(value: &T) -> Result<AttributeValue, AwsError> {
    serde_dynamo::to_attribute_value(value).map_err(AwsError::unreadable("a value to store"))
}

/// A record to write.
pub(crate) fn to_item<T: Serialize>(record: &T) -> Result<Item, AwsError> {
    serde_dynamo::to_item(record).map_err(AwsError::unreadable("a record to store"))
}

/// A record that was read.
pub(crate) fn from_item<T: DeserializeOwned>(item: Item) -> Result<T, AwsError> {
    let key = |name| {
        item.get(name)
            .and_then(|at| at.as_s().ok())
            .map_or("?", String::as_str)
    };
    let what = format!("record {} {}", key("pk"), key("sk"));
    serde_dynamo::from_item(item).map_err(AwsError::unreadable(what))
}
