//! Accounts: reading one, and opening it with the welcome credits.

use std::time::Duration;

use domain::{Account, Credits, EmailFingerprint, Reason, Timestamp, UserId};

use super::{
    Item, Tables,
    records::{LedgerLine, account_key, put_new},
    s, to_item,
};
use crate::{AwsError, backoff::Backoff};

impl Tables {
    /// A user's account, if it has been opened.
    pub async fn account(&self, user: &UserId) -> Result<Option<Account>, AwsError> {
        self.get(&self.credits, account_key(user)).await
    }

    /// Opens an account with the welcome credits, and its user's profile; without credits if this e-mail address had them
    /// before.
    ///
    /// May be called any number of times, also in parallel: the account is opened once.
    pub async fn open_account(
        &self,
        user: &UserId,
        email: &str,
        fingerprint: &EmailFingerprint,
        welcome: Credits,
        now: Timestamp,
    ) -> Result<Account, AwsError> {
        const ACCOUNT: usize = 0;
        const EMAIL: usize = 1;
        let mut backoff = Backoff::within(Duration::from_secs(5));
        let posting = Account::default()
            .credit(welcome)
            .map_err(AwsError::unreadable("the number of welcome credits"))?;
        loop {
            let line = LedgerLine::new(&posting, &Reason::Welcome, now);
            let opened = self
                .transact(vec![
                    put_new(&self.credits, account_item(user, posting.after, now)?)?,
                    put_new(&self.credits, email_item(user, fingerprint))?,
                    self.put_entry(user, &Reason::Welcome, &line)?,
                    self.with_email(user, email)?,
                ])
                .await?;
            match opened {
                Ok(()) => return Ok(posting.after),
                Err(canceled) if canceled.failed(ACCOUNT) => {}
                Err(canceled) if canceled.failed(EMAIL) => {
                    let account = Account::default();
                    let items = vec![
                        put_new(&self.credits, account_item(user, account, now)?)?,
                        self.with_email(user, email)?,
                    ];
                    if self.transact(items).await?.is_ok() {
                        return Ok(account);
                    }
                }
                Err(_) => {}
            }
            if let Some(account) = self.account(user).await? {
                return Ok(account);
            }
            if !backoff.wait().await {
                return Err(AwsError::Contended("opening an account"));
            }
        }
    }
}

fn account_item(user: &UserId, account: Account, now: Timestamp) -> Result<Item, AwsError> {
    let mut item = to_item(&account)?;
    item.extend(account_key(user));
    item.insert("created_at".to_owned(), s(now));
    Ok(item)
}

fn email_item(user: &UserId, email: &EmailFingerprint) -> Item {
    Item::from([
        ("pk".to_owned(), s(format!("EMAIL#{}", email.as_str()))),
        ("sk".to_owned(), s("WELCOME")),
        ("user".to_owned(), s(user)),
    ])
}
