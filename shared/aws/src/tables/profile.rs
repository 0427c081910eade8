//! Profiles: how to reach a user, and what they want to be told.

use std::time::Duration;

use aws_sdk_dynamodb::types::{ConditionCheck, Put, TransactWriteItem, Update};
use domain::{Profile, UserId};

use super::{
    Tables,
    records::{account_key, profile_key},
    s, to_item,
};
use crate::{AccountError, AwsError, backoff::Backoff};

/// How long a write goes on against the settlements of the same user.
const BUDGET: Duration = Duration::from_secs(5);

impl Tables {
    /// A user's profile, if there is one: accounts that are older than profiles get theirs when they are asked for next.
    pub async fn profile(&self, user: &UserId) -> Result<Option<Profile>, AwsError> {
        self.get(&self.credits, profile_key(user)).await
    }

    /// Notes what a user has chosen.
    pub async fn save_profile(&self, user: &UserId, profile: &Profile) -> Result<(), AccountError> {
        let mut item = to_item(profile)?;
        item.extend(profile_key(user));
        let put = Put::builder()
            .table_name(&self.credits)
            .set_item(Some(item))
            .build()
            .map_err(AwsError::call("dynamodb:TransactWriteItems"))?;
        let put = TransactWriteItem::builder().put(put).build();
        self.write_profile(user, put).await
    }

    /// Notes a user's address, and leaves what they have chosen as it is.
    pub async fn note_email(&self, user: &UserId, email: &str) -> Result<(), AccountError> {
        self.write_profile(user, self.with_email(user, email)?)
            .await
    }

    /// Writes a profile, unless its user wants to be forgotten: one that is deleted must not come back.
    async fn write_profile(
        &self,
        user: &UserId,
        write: TransactWriteItem,
    ) -> Result<(), AccountError> {
        const ACCOUNT: usize = 0;
        let mut backoff = Backoff::within(BUDGET);
        loop {
            let items = vec![self.is_not_deleted(user)?, write.clone()];
            match self.transact(items).await? {
                Ok(()) => return Ok(()),
                Err(refused) if refused.failed(ACCOUNT) => return Err(AccountError::Deleted),
                Err(_) if backoff.wait().await => {}
                Err(_) => return Err(AwsError::Contended("writing a profile").into()),
            }
        }
    }

    fn is_not_deleted(&self, user: &UserId) -> Result<TransactWriteItem, AwsError> {
        let check = ConditionCheck::builder()
            .table_name(&self.credits)
            .set_key(Some(account_key(user)))
            .condition_expression("attribute_not_exists(deleted_at)")
            .build()
            .map_err(AwsError::call("dynamodb:TransactWriteItems"))?;
        Ok(TransactWriteItem::builder().condition_check(check).build())
    }

    /// [`Tables::note_email`] as part of a transaction.
    pub(super) fn with_email(
        &self,
        user: &UserId,
        email: &str,
    ) -> Result<TransactWriteItem, AwsError> {
        let update = Update::builder()
            .table_name(&self.credits)
            .set_key(Some(profile_key(user)))
            .update_expression(NOTE_EMAIL)
            .expression_attribute_values(":email", s(email))
            .build()
            .map_err(AwsError::call("dynamodb:TransactWriteItems"))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}

const NOTE_EMAIL: &str = "SET email = :email";
