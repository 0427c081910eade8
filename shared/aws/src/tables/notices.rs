//! Which notices have been given that are given once.
//!
//! The warning of a low balance comes once until the next purchase. One record per user says which entry of their ledger
//! had the last word: a warning (`armed: false`) or a purchase (`armed: true`). So records of the stream may come again and
//! in any order: what is older than the last word has nothing to say.

use aws_sdk_dynamodb::{error::SdkError, types::AttributeValue};
use domain::UserId;

use super::{Tables, n, records::low_balance_key};
use crate::AwsError;

impl Tables {
    /// Notes that a user is warned because of this entry of their ledger. `false`: they were warned before, and have not
    /// bought anything since. The same entry may ask again: perhaps its warning got lost.
    pub async fn warn_of_low_balance(&self, user: &UserId, entry: u64) -> Result<bool, AwsError> {
        let may = "attribute_not_exists(pk) OR (armed = :armed AND entry < :entry) \
                   OR (armed = :warned AND entry = :entry)";
        self.last_word(user, entry, false, may).await
    }

    /// Notes a purchase, by its entry in the ledger: the next low balance is worth another warning.
    pub async fn rearm_low_balance(&self, user: &UserId, entry: u64) -> Result<(), AwsError> {
        let may = "attribute_not_exists(pk) OR entry < :entry";
        self.last_word(user, entry, true, may).await?;
        Ok(())
    }

    async fn last_word(
        &self,
        user: &UserId,
        entry: u64,
        armed: bool,
        condition: &str,
    ) -> Result<bool, AwsError> {
        let mut item = low_balance_key(user);
        item.insert("entry".to_owned(), n(entry));
        item.insert("armed".to_owned(), AttributeValue::Bool(armed));
        let mut put = self
            .client
            .put_item()
            .table_name(&self.credits)
            .set_item(Some(item))
            .condition_expression(condition)
            .expression_attribute_values(":entry", n(entry));
        if !armed {
            put = put
                .expression_attribute_values(":armed", AttributeValue::Bool(true))
                .expression_attribute_values(":warned", AttributeValue::Bool(false));
        }
        match put.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(e)) if e.err().is_conditional_check_failed_exception() => {
                Ok(false)
            }
            Err(error) => Err(AwsError::call("dynamodb:PutItem")(error)),
        }
    }
}
