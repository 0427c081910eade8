//! Secrets Manager: one secret, read when it is first needed and again when what is known of it has grown old.

use std::{sync::Arc, time::Duration};

use domain::Timestamp;
use tokio::sync::Mutex;
use tracing::warn;

use crate::{AwsError, Settings, settings::client};

/// For how long a text is used without asking again: a function that runs for hours notices a replaced secret this soon.
const FRESH: Duration = Duration::from_mins(5);

/// A secret text.
#[derive(Debug)]
pub struct Secret {
    client: aws_sdk_secretsmanager::Client,
    arn: String,
    known: Mutex<Option<Known>>,
}

/// What was read, and when.
struct Known {
    text: Arc<str>,
    read_at: Timestamp,
}

impl Known {
    fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.read_at) < FRESH
    }
}

/// Never the text.
impl std::fmt::Debug for Known {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Known")
            .field("read_at", &self.read_at)
            .finish_non_exhaustive()
    }
}

impl Secret {
    /// The secret of this ARN; nothing is read yet.
    #[must_use]
    pub fn new(settings: &Settings, arn: String) -> Self {
        Self {
            client: client!(settings, aws_sdk_secretsmanager),
            arn,
            known: Mutex::const_new(None),
        }
    }

    /// Its text. While it cannot be read again, the one that is known goes on being used.
    pub async fn read(&self) -> Result<Arc<str>, AwsError> {
        // Held while asking, so that several who need it at once ask once.
        let mut known = self.known.lock().await;
        let now = Timestamp::now();
        if let Some(known) = known.as_ref().filter(|known| known.is_fresh(now)) {
            return Ok(Arc::clone(&known.text));
        }
        match (self.fetch().await, known.as_ref()) {
            (Ok(text), _) => {
                *known = Some(Known {
                    text: Arc::clone(&text),
                    read_at: now,
                });
                Ok(text)
            }
            (Err(error), Some(known)) => {
                warn!(%error, "using a secret as it was read at {}", known.read_at);
                Ok(Arc::clone(&known.text))
            }
            (Err(error), None) => Err(error),
        }
    }

    async fn fetch(&self) -> Result<Arc<str>, AwsError> {
        self.client
            .get_secret_value()
            .secret_id(&self.arn)
            .send()
            .await
            .map_err(AwsError::call("secretsmanager:GetSecretValue"))?
            .secret_string
            .map(Arc::from)
            .ok_or_else(|| AwsError::Missing(format!("the text of secret {}", self.arn)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_fresh_for_five_minutes() {
        let read_at = Timestamp::from_millis(1_795_467_600_000);
        let known = Known {
            text: "s3cret".into(),
            read_at,
        };
        for (seconds, fresh) in [(0, true), (299, true), (300, false), (86_400, false)] {
            let now = read_at.plus(Duration::from_secs(seconds));
            assert_eq!(known.is_fresh(now), fresh, "{seconds}");
        }
        assert!(!format!("{known:?}").contains("s3cret"));
    }
}
