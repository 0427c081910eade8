//! The first request of a new user opens their account: that works for every way of signing in, and needs no trigger.

use domain::{Account, Credits, EmailFingerprint, Timestamp, UserId};

use crate::{AccountError, AwsError, Secret, Tables};

/// Finds accounts, and opens those that are new.
#[derive(Debug)]
pub struct Welcome {
    tables: Tables,
    fingerprint_key: Secret,
    credits: Credits,
}

impl Welcome {
    /// `credits` for each new e-mail address; the secret keys the fingerprints that tell which are new.
    #[must_use]
    pub const fn new(tables: Tables, fingerprint_key: Secret, credits: Credits) -> Self {
        Self {
            tables,
            fingerprint_key,
            credits,
        }
    }

    /// A user's account, opened now if it is their first request. `None`: it cannot be opened before the address is
    /// confirmed.
    pub async fn account(
        &self,
        user: &UserId,
        email: &str,
        email_verified: bool,
    ) -> Result<Option<Account>, AccountError> {
        let account = match self.tables.account(user).await? {
            Some(account) => account,
            None if email_verified => self.open(user, email).await?,
            None => return Ok(None),
        };
        match account.deleted_at {
            Some(_) => Err(AccountError::Deleted),
            None => Ok(Some(account)),
        }
    }

    async fn open(&self, user: &UserId, email: &str) -> Result<Account, AwsError> {
        let key = self.fingerprint_key.read().await?;
        let fingerprint = EmailFingerprint::new(key.as_bytes(), email);
        self.tables
            .open_account(user, email, &fingerprint, self.credits, Timestamp::now())
            .await
    }
}
