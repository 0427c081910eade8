//! Polar's events in, entries of the ledger out. Each event carries the whole order as it stood, and that is what is applied:
//! which event it is, and whether it comes again, late or before another one, makes no difference.
//!
//! What cannot be applied is an error, comes again, and ends among the dead letters: money has been paid for it.

use aws::{ApplyOrderError, Tables};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::{Packs, Timestamp};
use edge::{queue, task::TaskError};
use polar::{Event, InvalidOrder, Order};
use tracing::info;

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) packs: Packs,
}

impl Handler {
    pub(crate) async fn handle(&self, event: SqsEvent) -> Result<SqsBatchResponse, TaskError> {
        queue::each(event, |event| self.apply(event)).await
    }

    async fn apply(&self, event: Event<Order>) -> Result<(), TaskError> {
        let Event { kind, data: order } = event;
        let Some(purchase) = order.purchase().map_err(invalid)? else {
            info!(
                order.id,
                event = kind,
                "order {} is no paid purchase: nothing to apply",
                order.id
            );
            return Ok(());
        };
        let steps = self
            .tables
            .apply_order(&purchase, &self.packs, Timestamp::now())
            .await
            .map_err(|error| not_applied(&order.id, error))?;
        let entries: Vec<_> = steps.iter().map(|step| step.reason.entry_id()).collect();
        info!(
            order.id,
            event = kind,
            ?entries,
            "applied order {}",
            order.id
        );
        Ok(())
    }
}

fn invalid(error: InvalidOrder) -> TaskError {
    TaskError::new(error.code(), error)
}

fn not_applied(order: &str, error: ApplyOrderError) -> TaskError {
    let about = format!("order {order}");
    match error {
        ApplyOrderError::Store(error) => TaskError::aws(about)(error),
        error => TaskError::new(error.code(), format_args!("{about}: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use domain::{Purchase, Refunded};

    use super::*;

    /// What the records of an event are, in their order.
    async fn purchases(json: &str) -> Vec<Option<Purchase>> {
        let seen = RefCell::new(Vec::new());
        let response = queue::each(
            serde_json::from_str(json).unwrap(),
            async |event: Event<Order>| {
                seen.borrow_mut().push(event.data.purchase().unwrap());
                Ok(())
            },
        );
        assert!(response.await.unwrap().batch_item_failures.is_empty());
        seen.into_inner()
    }

    #[tokio::test]
    async fn the_event_carries_a_purchase_a_refund_and_one_that_was_missed() {
        let seen = purchases(include_str!(
            "../../../events/apply-order/paid-refunded-reconciled.json"
        ))
        .await;
        let refunded: Vec<_> = seen.iter().flatten().map(|it| it.refunded).collect();
        assert_eq!(
            refunded,
            [Refunded::Part(0), Refunded::Part(250), Refunded::Whole]
        );
        assert!(seen.iter().flatten().all(|it| it.amount == 500));
    }

    #[tokio::test]
    async fn what_cost_nothing_is_a_purchase_and_a_subscription_is_none() {
        let seen = purchases(include_str!(
            "../../../events/apply-order/free-and-no-purchase.json"
        ))
        .await;
        let amounts: Vec<_> = seen
            .iter()
            .map(|it| it.as_ref().map(|it| it.amount))
            .collect();
        assert_eq!(amounts, [Some(0), None]);
    }
}
