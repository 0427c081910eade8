//! The one way into the house: a submission that was checked becomes a batch that is paid for, whatever it came of.

use domain::{
    Account, Batch, BatchId, NoRoom, PriceTable, Room, Submission, Timestamp, UserId,
    timing::TimeLimits,
};
use futures::future::try_join;
use tracing::warn;

use crate::{Accepted, AwsError, SubmitError, Tables};

/// Accepts batches: is there room, what does it cost, debit and record.
#[derive(Debug)]
pub struct Intake {
    tables: Tables,
    room: Room,
    prices: PriceTable,
    times: TimeLimits,
}

/// A batch that its user wants.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its name, derived from what it came of: a repeat has the same.
    pub batch_id: BatchId,
    /// Whose it is.
    pub user: UserId,
    /// Its images.
    pub submission: Submission,
    /// The batch whose images are tried again, if this is a retry.
    pub retry_of: Option<BatchId>,
}

impl Intake {
    /// Accepts batches into these tables, as far as there is room, at these prices and for so long.
    #[must_use]
    pub const fn new(tables: Tables, room: Room, prices: PriceTable, times: TimeLimits) -> Self {
        Self {
            tables,
            room,
            prices,
            times,
        }
    }

    /// Accepts a batch at today's price. `account` is what the caller has just read.
    pub async fn accept(&self, wanted: Wanted, account: Account) -> Result<Accepted, SubmitError> {
        let Wanted {
            batch_id,
            user,
            submission,
            retry_of,
        } = wanted;
        let now = Timestamp::now();
        let images = submission.image_count();
        let last_turn = match self.last_turn(&user, images, now).await? {
            Ok(last_turn) => last_turn,
            // What was accepted while there was room stays accepted: a repeat gets its first answer again.
            Err(full) if self.tables.batch(batch_id).await?.is_none() => return Err(full.into()),
            Err(_) => now,
        };
        let price = self.prices.price(submission.options);
        let batch = Batch {
            retry_of,
            ..Batch::new(
                batch_id,
                user,
                &submission,
                price,
                now,
                last_turn,
                &self.times,
            )
        };
        let accepted = self.tables.submit(batch, &submission, account).await?;
        if !accepted.repeated {
            // The batch is accepted whether or not the estimate for the next one knows of it.
            let extended = self.tables.extend_backlog(self.room.pace(), images, now);
            if let Err(error) = extended.await {
                warn!(%error, "the backlog's estimate misses {images} images");
            }
        }
        Ok(accepted)
    }

    async fn last_turn(
        &self,
        user: &UserId,
        images: u32,
        now: Timestamp,
    ) -> Result<Result<Timestamp, NoRoom>, AwsError> {
        let (gate, open) = try_join(self.tables.gate(), self.tables.open_images(user, now)).await?;
        Ok(self.room.last_turn(images, open, &gate, now))
    }
}
