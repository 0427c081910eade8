//! Secrets Manager: one secret, read when it is first needed and kept for the life of the process.

use tokio::sync::OnceCell;

use crate::{AwsError, Settings, settings::client};

/// A secret text.
#[derive(Debug)]
pub struct Secret {
    client: aws_sdk_secretsmanager::Client,
    arn: String,
    value: OnceCell<String>,
}

impl Secret {
    /// The secret of this ARN; nothing is read yet.
    #[must_use]
    pub fn new(settings: &Settings, arn: String) -> Self {
        Self {
            client: client!(settings, aws_sdk_secretsmanager),
            arn,
            value: OnceCell::new(),
        }
    }

    /// Its text. A failed read is not remembered.
    pub async fn read(&self) -> Result<&str, AwsError> {
        self.value
            .get_or_try_init(|| async {
                self.client
                    .get_secret_value()
                    .secret_id(&self.arn)
                    .send()
                    .await
                    .map_err(AwsError::call("secretsmanager:GetSecretValue"))?
                    .secret_string
                    .ok_or_else(|| AwsError::Missing(format!("the text of secret {}", self.arn)))
            })
            .await
            .map(String::as_str)
    }
}
