//! Accepting a batch: the debit and the promise to do the work are one write.

use std::time::Duration;

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::{
    Account, Batch, BatchId, Credits, Insufficient, Job, NoRoom, Reason, Submission, UserId,
};

use super::{
    Tables, from_item, n,
    records::{LedgerLine, ManifestHead, ManifestPart, entry_key, meta_key},
    s,
};
use crate::{AwsError, backoff::Backoff};

/// How long a submit goes on against other submits of its user.
const BUDGET: Duration = Duration::from_secs(15);
/// A manifest record stays well below DynamoDB's 400 KB; bytes of JSON, which is a little more than what is stored.
const MANIFEST_BYTES: usize = 200_000;

/// A batch that has been paid for.
#[derive(Clone, Debug)]
pub struct Accepted {
    /// Its record as of its acceptance or, for a repeat, as of now.
    pub batch: Batch,
    /// The balance right after its debit: the same for every repeat.
    pub balance_after: Credits,
    /// Was it accepted before?
    pub repeated: bool,
}

/// Why a submit was not accepted. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum SubmitError {
    /// There is no room for it now.
    #[error(transparent)]
    NoRoom(#[from] NoRoom),
    /// The balance does not cover it.
    #[error(transparent)]
    Insufficient(#[from] Insufficient),
    /// Its user wants to be forgotten.
    #[error("the account is deleted")]
    AccountDeleted,
    /// Its idempotency key was used for another request.
    #[error("the idempotency key belongs to another request")]
    KeyReused,
    /// The price of the whole batch is out of range.
    #[error("the price of the batch is out of range")]
    Price(#[from] domain::CreditsOverflow),
    /// The tables did not take it.
    #[error(transparent)]
    Store(#[from] AwsError),
}

impl Tables {
    /// Debits the price and records the batch in one transaction, or says why not.
    ///
    /// `account` is what the caller has just read. The same `batch_id` (and so the same user and idempotency key) is
    /// accepted once; a repeat gets the first answer again. A retry also names itself in the batch that it is of.
    pub async fn submit(
        &self,
        batch: Batch,
        submission: &Submission,
        mut account: Account,
    ) -> Result<Accepted, SubmitError> {
        const META: usize = 0;
        const ACCOUNT: usize = 1;
        let price = batch.credits_spent()?;
        let reason = Reason::Debit(batch.batch_id);
        let mut backoff = Backoff::within(BUDGET);
        loop {
            if account.deleted_at.is_some() {
                return Err(SubmitError::AccountDeleted);
            }
            let posting = match account.debit(price) {
                Ok(posting) => posting,
                // A repeat after a lost answer finds the balance that its own first try has spent: META's reason wins.
                Err(insufficient) => {
                    return match self.batch(batch.batch_id).await? {
                        Some(first) => self.repeat(first, &batch).await,
                        None => Err(insufficient.into()),
                    };
                }
            };
            let line = LedgerLine::new(&posting, &reason, batch.created_at);
            let mut items = vec![
                self.put_batch(&batch)?,
                self.move_open_account(&batch.user, account, posting.after)?,
                self.put_entry(&batch.user, &reason, &line)?,
                self.put_manifest(
                    batch.batch_id,
                    0,
                    &ManifestHead {
                        prompt: submission.prompt.clone(),
                    },
                )?,
            ];
            for (number, jobs) in manifest_parts(&submission.jobs)?.into_iter().enumerate() {
                let part = ManifestPart {
                    jobs: jobs.to_vec(),
                };
                items.push(self.put_manifest(batch.batch_id, number + 1, &part)?);
            }
            if let Some(earlier) = batch.retry_of {
                items.push(self.name_retry(earlier, batch.batch_id)?);
            }

            let canceled = match self.transact(items).await {
                Ok(Ok(())) => {
                    return Ok(Accepted {
                        batch,
                        balance_after: posting.after.balance,
                        repeated: false,
                    });
                }
                Ok(Err(canceled)) => canceled,
                // Perhaps it was written and only the answer is lost: the batch's own record knows.
                Err(error) => {
                    return match self.batch(batch.batch_id).await? {
                        Some(first) => self.repeat(first, &batch).await,
                        None => Err(error.into()),
                    };
                }
            };
            if let Some(first) = canceled.record(META) {
                return self.repeat(from_item(first.clone())?, &batch).await;
            }
            // Another submit of this user was faster; its account is in the answer and needs no wait.
            account = match canceled.record(ACCOUNT) {
                Some(newer) => from_item(newer.clone())?,
                None if !backoff.wait().await => {
                    return Err(AwsError::Contended("submitting a batch").into());
                }
                None => self.known_account(&batch.user).await?,
            };
        }
    }

    /// The answer to a submit whose batch exists already.
    async fn repeat(&self, first: Batch, again: &Batch) -> Result<Accepted, SubmitError> {
        if first.request_hash != again.request_hash || first.user != again.user {
            return Err(SubmitError::KeyReused);
        }
        let reason = Reason::Debit(first.batch_id);
        let line: LedgerLine = self
            .get(&self.credits, entry_key(&first.user, &reason))
            .await?
            .ok_or_else(|| AwsError::Missing(format!("the debit of batch {}", first.batch_id)))?;
        let first_created_at = first.created_at;
        Ok(Accepted {
            batch: first,
            balance_after: line.balance_after,
            // It may be this very submit, whose answer was lost.
            repeated: first_created_at != again.created_at,
        })
    }

    /// Notes in a batch where its failed and canceled images are tried again: only if it is over, and only once.
    fn name_retry(&self, earlier: BatchId, retry: BatchId) -> Result<TransactWriteItem, AwsError> {
        let update = Update::builder()
            .table_name(&self.batches)
            .set_key(Some(meta_key(earlier)))
            .update_expression("SET retried_in = :retry")
            .condition_expression("#open = :zero AND attribute_not_exists(retried_in)")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":zero", n(0))
            .expression_attribute_values(":retry", s(retry))
            .build()
            .map_err(AwsError::call("dynamodb:TransactWriteItems"))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }

    /// The account of a user who has one.
    pub async fn known_account(&self, user: &UserId) -> Result<Account, AwsError> {
        self.account(user)
            .await?
            .ok_or_else(|| AwsError::Missing(format!("the account of user {user}")))
    }

    /// A batch's own record, as of now.
    pub async fn batch(&self, batch: BatchId) -> Result<Option<Batch>, AwsError> {
        self.get(&self.batches, meta_key(batch)).await
    }
}

/// Cuts the images into records of at most [`MANIFEST_BYTES`].
fn manifest_parts(jobs: &[Job]) -> Result<Vec<&[Job]>, AwsError> {
    let mut parts = Vec::new();
    let (mut start, mut bytes) = (0, 0);
    for (index, job) in jobs.iter().enumerate() {
        let size = serde_json::to_vec(job)
            .map_err(AwsError::unreadable("an image to submit"))?
            .len();
        if bytes + size > MANIFEST_BYTES && index > start {
            parts.extend(jobs.get(start..index));
            (start, bytes) = (index, 0);
        }
        bytes += size;
    }
    parts.extend(jobs.get(start..));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn manifests_are_cut_between_images_and_lose_none() {
        let job = |prompt: usize| Job {
            key: "uploads/anna/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg"
                .parse()
                .unwrap(),
            name: None,
            prompt: (prompt > 0).then(|| "x".repeat(prompt)),
        };
        for (jobs, parts) in [
            (vec![job(0); 500], 1),
            (vec![job(2_000); 500], 6),
            (vec![job(250_000); 3], 3),
        ] {
            let cut = manifest_parts(&jobs).unwrap();
            assert_eq!(cut.len(), parts);
            assert_eq!(cut.concat(), jobs);
        }
    }
}
