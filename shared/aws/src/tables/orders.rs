//! Applying orders: each step of [`Purchase::next`] is one transaction of the order's record, the account and the entry.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use aws_sdk_dynamodb::types::{TransactWriteItem, Update};
use domain::{
    CreditsOverflow, OrderId, OrderRecord, OrderStep, Packs, Purchase, Timestamp, UnknownProduct,
    UserId,
};

use super::{
    Tables, from_item, n,
    records::{LedgerLine, order_key, put_new},
    to_item,
};
use crate::{AwsError, backoff::Backoff};

/// How long to go on when other writes of the same user are faster. Less than apply-order has for an event.
const BUDGET: Duration = Duration::from_secs(15);
/// How many records one call reads.
const KEYS_PER_READ: usize = 100;

/// Why an order was not applied, or not to its end. The same call may be made again, and goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum ApplyOrderError {
    /// Nobody knows how many credits it is good for.
    #[error(transparent)]
    UnknownProduct(#[from] UnknownProduct),
    /// Whoever never came has no account.
    #[error("user {0} has no account")]
    NoAccount(UserId),
    /// Credits on a closed account are nobody's. What was given before is still taken back.
    #[error("user {0} has deleted their account")]
    AccountDeleted(UserId),
    /// No account holds that much.
    #[error(transparent)]
    Overflow(#[from] CreditsOverflow),
    /// The tables did not take it.
    #[error("the ledger could not be written")]
    Store(#[from] AwsError),
}

impl ApplyOrderError {
    /// Its name, which stays.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::UnknownProduct(_) => "order_product_unknown",
            Self::NoAccount(_) => "order_user_without_account",
            Self::AccountDeleted(_) => "order_user_deleted",
            Self::Overflow(_) => "credits_overflow",
            Self::Store(_) => "aws_call_failed",
        }
    }
}

impl Tables {
    /// Does what of a purchase is not done yet; what that was. May be called any number of times, also in parallel and
    /// with what was told of the order long ago.
    pub async fn apply_order(
        &self,
        purchase: &Purchase,
        packs: &Packs,
        now: Timestamp,
    ) -> Result<Vec<OrderStep>, ApplyOrderError> {
        let pack = packs.of_product(&purchase.product_id);
        let credits = pack.map(|pack| pack.credits);
        let key = order_key(&purchase.user, &purchase.id);
        let mut backoff = Backoff::within(BUDGET);
        let mut taken = Vec::new();
        loop {
            let record = self.get(&self.credits, key.clone()).await?;
            let Some(step) = purchase.next(record.as_ref(), credits)? else {
                return Ok(taken);
            };
            let items = self
                .order_step(purchase, record.as_ref(), &step, now)
                .await?;
            let why = match self.transact(items).await {
                Ok(Ok(())) => {
                    taken.push(step);
                    continue;
                }
                Ok(Err(_)) => AwsError::Contended("applying an order"),
                // Perhaps it was written and only the answer is lost.
                Err(error) => error,
            };
            // Whatever was different from what was read, or has been written since, reading again finds out.
            if !backoff.wait().await {
                return Err(why.into());
            }
        }
    }

    /// Those of these purchases of which something lacks in the ledger.
    pub async fn orders_lacking(
        &self,
        purchases: &[Purchase],
    ) -> Result<HashSet<OrderId>, AwsError> {
        // No call may ask for the same record twice.
        let orders: HashSet<_> = purchases.iter().map(|it| (&it.user, &it.id)).collect();
        let orders: Vec<_> = orders.into_iter().collect();
        let mut records = HashMap::new();
        for orders in orders.chunks(KEYS_PER_READ) {
            let keys = orders.iter().map(|&(user, id)| order_key(user, id));
            let found = self.batch_get_all(&self.credits, keys.collect()).await?;
            for (order, item) in orders.iter().zip(found) {
                if let Some(item) = item {
                    records.insert(*order, from_item::<OrderRecord>(item)?);
                }
            }
        }
        let lacking = purchases
            .iter()
            .filter(|it| it.is_lacking(records.get(&(&it.user, &it.id))));
        Ok(lacking.map(|it| it.id.clone()).collect())
    }

    async fn order_step(
        &self,
        purchase: &Purchase,
        before: Option<&OrderRecord>,
        step: &OrderStep,
        now: Timestamp,
    ) -> Result<Vec<TransactWriteItem>, ApplyOrderError> {
        let user = &purchase.user;
        let account = self.account(user).await?;
        let account = account.ok_or_else(|| ApplyOrderError::NoAccount(user.clone()))?;
        if step.is_grant() && account.deleted_at.is_some() {
            return Err(ApplyOrderError::AccountDeleted(user.clone()));
        }
        let posting = step.post(account)?;
        let line = LedgerLine {
            credits: Some(step.credits),
            ..LedgerLine::new(&posting, &step.reason, now)
        };
        let account = if step.is_grant() {
            self.move_open_account(user, account, posting.after)?
        } else {
            self.move_account(user, account, posting.after)?
        };
        Ok(vec![
            self.move_order(purchase, before, &step.after)?,
            account,
            self.put_entry(user, &step.reason, &line)?,
        ])
    }

    /// Moves an order's record: only if it still is as it was read. Each step takes back more, so that alone tells.
    fn move_order(
        &self,
        purchase: &Purchase,
        before: Option<&OrderRecord>,
        after: &OrderRecord,
    ) -> Result<TransactWriteItem, AwsError> {
        let key = order_key(&purchase.user, &purchase.id);
        let Some(before) = before else {
            let mut item = to_item(after)?;
            item.extend(key);
            return put_new(&self.credits, item);
        };
        let update = Update::builder()
            .table_name(&self.credits)
            .set_key(Some(key))
            .update_expression("SET refunded = :refunded, taken_back = :after")
            .condition_expression("taken_back = :before")
            .expression_attribute_values(":refunded", n(after.refunded))
            .expression_attribute_values(":before", n(before.taken_back))
            .expression_attribute_values(":after", n(after.taken_back))
            .build()
            .map_err(AwsError::call("dynamodb:TransactWriteItems"))?;
        Ok(TransactWriteItem::builder().update(update).build())
    }
}
