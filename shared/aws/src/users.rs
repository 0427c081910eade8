//! Cognito: who can sign in.

use aws_sdk_cognitoidentityprovider::error::SdkError;
use domain::UserId;

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
    ///
    /// Whom another service signs in has the same name after signing up again, and is somebody else by then: not deleted.
    pub async fn delete(&self, user: &UserId, username: &str) -> Result<(), AwsError> {
        if !self.is(user, username).await? {
            return Ok(());
        }
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

    /// Is this user the one of that name?
    async fn is(&self, user: &UserId, username: &str) -> Result<bool, AwsError> {
        let got = self
            .client
            .admin_get_user()
            .user_pool_id(&self.id)
            .username(username)
            .send()
            .await;
        match got {
            Ok(got) => Ok(got
                .user_attributes()
                .iter()
                .any(|it| it.name() == "sub" && it.value() == Some(user.as_str()))),
            Err(SdkError::ServiceError(e)) if e.err().is_user_not_found_exception() => Ok(false),
            Err(error) => Err(AwsError::call("cognito-idp:AdminGetUser")(error)),
        }
    }
}
