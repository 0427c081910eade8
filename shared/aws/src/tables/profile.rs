//! Profiles: how to reach a user, and what they want to be told.

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::{Profile, UserId};

use super::{Tables, records::profile_key, s, to_item};
use crate::AwsError;

impl Tables {
    /// A user's profile, if there is one: accounts that are older than profiles get theirs when they are asked for next.
    pub async fn profile(&self, user: &UserId) -> Result<Option<Profile>, AwsError> {
        self.get(&self.credits, profile_key(user)).await
    }

    /// Notes what a user has chosen.
    pub async fn save_profile(&self, user: &UserId, profile: &Profile) -> Result<(), AwsError> {
        let mut item = to_item(profile)?;
        item.extend(profile_key(user));
        self.client
            .put_item()
            .table_name(&self.credits)
            .set_item(Some(item))
            .send()
            .await
            .map_err(AwsError::call("dynamodb:PutItem"))?;
        Ok(())
    }

    /// Notes a user's address, and leaves what they have chosen as it is.
    pub async fn note_email(&self, user: &UserId, email: &str) -> Result<(), AwsError> {
        self.client
            .update_item()
            .table_name(&self.credits)
            .set_key(Some(profile_key(user)))
            .update_expression(NOTE_EMAIL)
            .expression_attribute_values(":email", s(email))
            .send()
            .await
            .map_err(AwsError::call("dynamodb:UpdateItem"))?;
        Ok(())
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
