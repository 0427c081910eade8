//! Cognito: who can sign in.

use aws_sdk_cognitoidentityprovider::error::SdkError;

use crate::{AwsError, Settings, settings::client};

/// The user pool.
#[derive(Clone, Debug)]
pub struct UserPool {
    client: aws_sdk_cognitoidentityprovider::Client,
    id: String,
}

impl UserPool {
    /// The pool of this id.
    #[must_use]
    pub fn new(settings: &Settings, id: String) -> Self {
        Self {
            client: client!(settings, aws_sdk_cognitoidentityprovider),
            id,
        }
    }

    /// Deletes a user with all that is known of them; nobody of that name is fine. Tokens that they have are good until
    /// they end, an hour at most, and are not renewed.
    pub async fn delete(&self, username: &str) -> Result<(), AwsError> {
        let deleted = self
            .client
            .admin_delete_user()
            .user_pool_id(&self.id)
            .username(username)
            .send()
            .await;
        match deleted {
            Ok(_) => Ok(()),
            Err(SdkError::ServiceError(e)) if e.err().is_user_not_found_exception() => Ok(()),
            Err(error) => Err(AwsError::call("cognito-idp:AdminDeleteUser")(error)),
        }
    }
}
