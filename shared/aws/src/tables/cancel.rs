//! Calling a batch off: one flag on its own record, which the steps of its images look at.

use std::time::Duration;

use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use domain::BatchId;

use super::{Tables, n, records::meta_key};
use crate::{AwsError, backoff::Backoff};

/// How long the flag is tried against the settlements of the same batch.
const BUDGET: Duration = Duration::from_secs(5);

impl Tables {
    /// Notes that a batch is to be stopped. `false`: it is over, and was not called off before.
    ///
    /// The condition is [`domain::Batch::may_cancel`]. May be called again.
    pub async fn request_cancel(&self, batch: BatchId) -> Result<bool, AwsError> {
        const META: usize = 0;
        let mut backoff = Backoff::within(BUDGET);
        loop {
            // A transaction of one, because it tells a condition that failed from a settlement that was in the way.
            match self.transact(vec![self.flag_as_canceled(batch)?]).await? {
                Ok(()) => return Ok(true),
                Err(refused) if refused.failed(META) => return Ok(false),
                Err(_) if backoff.wait().await => {}
                Err(_) => return Err(AwsError::Contended("canceling a batch")),
            }
        }
    }

    fn flag_as_canceled(&self, batch: BatchId) -> Result<TransactWriteItem, AwsError> {
        let update = Update::builder()
            .table_name(&self.batches)
            .set_key(Some(meta_key(batch)))
            .update_expression("SET cancel_requested = :true")
            .condition_expression("#open > :zero OR cancel_requested = :true")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":zero", n(0))
            .expression_attribute_values(":true", AttributeValue::Bool(true))
            .build()
            .map_err(AwsError::call("dynamodb:TransactWriteItems"))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
