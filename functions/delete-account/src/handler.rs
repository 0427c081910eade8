//! Users who want to be forgotten in, nothing of them left: no photo, no word that they wrote, no way to sign in. The
//! ledger and the batches' numbers stay, under an id that leads to nobody.
//!
//! Every step may be done again, so whatever ends one of them early, the message comes again and goes through all of them.

use aws::{AwsError, Photos, Settled, Settler, Tables, UserPool};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::{Batch, BatchId, Deletion, Outcome, Timestamp, UserId, photo_folders};
use edge::{queue, task::TaskError};
use futures::{StreamExt, TryStreamExt, stream};
use tracing::info;

/// How many batches are looked at at a time: users of long standing have thousands.
const AT_A_TIME: usize = 8;

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) photos: Photos,
    pub(crate) settler: Settler,
    pub(crate) users: UserPool,
}

impl Handler {
    pub(crate) async fn handle(&self, event: SqsEvent) -> Result<SqsBatchResponse, TaskError> {
        queue::each(event, |deletion| self.delete(deletion)).await
    }

    /// The user comes last: whoever may still sign in is told that the account is deleted, and not to sign up anew.
    async fn delete(&self, Deletion { user, username }: Deletion) -> Result<(), TaskError> {
        let about = || TaskError::aws(format!("user {user}"));
        let open = self.erase_records(&user).await.map_err(about())?;
        if open > 0 {
            // The message comes again after the claims have run out.
            let detail = format!("{open} batches of user {user} have images at the provider");
            return Err(TaskError::new("images_claimed", detail));
        }
        for folder in photo_folders(&user) {
            self.photos.delete_all(&folder).await.map_err(about())?;
        }
        let deleting = self.users.delete(&user, &username);
        deleting.await.map_err(about())?;
        info!(user.id = %user, "forgot user {user}");
        Ok(())
    }

    /// Erases every batch that is over or can be ended; how many cannot be yet.
    async fn erase_records(&self, user: &UserId) -> Result<usize, AwsError> {
        let now = Timestamp::now();
        // From here on, no batch comes to those that are there.
        self.tables.close_account(user, now).await?;
        // First, so that nobody is told of the end of what is ended here.
        self.tables.delete_profile(user).await?;
        let batches = self.tables.batches_paid_by(user).await?;
        let erased: Vec<bool> = stream::iter(batches)
            .map(|batch| self.erase(batch, now))
            .buffer_unordered(AT_A_TIME)
            .try_collect()
            .await?;
        Ok(erased.into_iter().filter(|erased| !erased).count())
    }

    /// Erases a batch, unless an image of it is at the provider.
    async fn erase(&self, batch_id: BatchId, now: Timestamp) -> Result<bool, AwsError> {
        let batch = self.tables.batch(batch_id).await?;
        let batch = batch.ok_or_else(|| AwsError::Missing(format!("batch {batch_id}")))?;
        if batch.erased_at.is_some() {
            return Ok(true);
        }
        if !self.end(&batch).await? {
            return Ok(false);
        }
        self.tables.erase_batch(batch_id, now).await?;
        Ok(true)
    }

    /// Calls a batch off, as its user could; is it over?
    async fn end(&self, batch: &Batch) -> Result<bool, AwsError> {
        if batch.open == 0 || !self.tables.request_cancel(batch.batch_id).await? {
            return Ok(true);
        }
        let outcomes = (0..batch.total).map(|index| (index, Outcome::Canceled));
        let settling = self.settler.settle(batch.batch_id, outcomes.collect());
        let settled = settling.await?;
        Ok(settled
            .iter()
            .all(|(_, settled)| matches!(settled, Settled::Final { .. })))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    #[tokio::test]
    async fn the_event_names_who_wants_to_be_forgotten() {
        let json = include_str!("../../../events/delete-account/two-users.json");
        let event = serde_json::from_str(json).unwrap();
        let seen = RefCell::new(Vec::new());
        let response = queue::each(event, async |deletion: Deletion| {
            seen.borrow_mut().push(deletion.username);
            Ok(())
        });
        assert!(response.await.unwrap().batch_item_failures.is_empty());
        let [own, google] = seen.into_inner().try_into().unwrap();
        assert_eq!(own, "7b9f6f5e-3c55-4d0a-9a2e-7f6c0d1e2a3b");
        assert_eq!(google, "google_104857600000000000001");
    }
}
