//! A tick of the clock in, what was missed out: Polar gives up on a webhook after half an hour, and knows every order for ever.
//!
//! It writes nothing itself. What the ledger lacks goes the way of every event, so that it may run at any moment and any
//! number of times.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use aws::{AwsError, Queue, Secret, Tables};
use domain::{OrderId, Packs, Purchase, Refunded, Timestamp, UserId};
use edge::task::TaskError;
use polar::{Event, Order};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::{info, warn};

/// How far back it looks: longer than Polar gives money back by itself (60 days), and than any outage is overlooked.
const PERIOD: Duration = Duration::from_hours(90 * 24);
/// What the queue calls an order that came from here; no event of Polar's is called so.
const RECONCILED: &str = "order.reconciled";

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) credits: Queue,
    pub(crate) packs: Packs,
    pub(crate) polar: polar::Client,
    pub(crate) token: Secret,
}

/// EventBridge's scheduled event.
#[derive(Debug, Deserialize)]
pub(crate) struct Tick {}

/// What one run has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Report {
    /// Paid orders that Polar has.
    orders: usize,
    /// Those of which the ledger lacked something, sent to the credit queue.
    found_missing: usize,
    /// Those that belong to none of our users, packs or forms. They are not sent: they would come to the dead letters again
    /// with every run, for 90 days. The webhook has brought them there once, if they are ours; sandboxes that several
    /// stacks share have many that are not.
    unassigned: usize,
}

/// The purchases among some orders of Polar's, with the orders themselves.
#[derive(Default)]
struct Listed {
    purchases: Vec<Purchase>,
    raw: HashMap<OrderId, Value>,
    unassigned: usize,
}

impl Handler {
    pub(crate) async fn handle(&self, _tick: Tick) -> Result<Report, TaskError> {
        let mut report = Report::default();
        if self.packs.all().is_empty() {
            info!("nothing is sold here, so there is no seller to ask");
            return Ok(report);
        }
        let token = self.token.read().await;
        let token = token.map_err(TaskError::aws("the seller's token"))?;
        let now = Timestamp::now().as_millis();
        let period = i64::try_from(PERIOD.as_millis()).unwrap_or(i64::MAX);
        let since = Timestamp::from_millis(now.saturating_sub(period)).to_string();
        for number in 1.. {
            let page = self.polar.orders(&token, &since, number).await;
            let page = page.map_err(TaskError::because("polar_call_failed", "listing orders"))?;
            let reconciled = self.reconcile(page.items, &mut report).await;
            reconciled.map_err(TaskError::aws(format_args!("page {number} of the orders")))?;
            if number >= page.pagination.max_page {
                break;
            }
        }
        let Report {
            orders,
            found_missing,
            unassigned,
        } = report;
        // The template's metrics are made of these fields.
        info!(
            found_missing,
            unassigned, orders, "compared {orders} orders with the ledger"
        );
        Ok(report)
    }

    /// Sends on what the ledger lacks of these orders.
    async fn reconcile(&self, orders: Vec<Value>, report: &mut Report) -> Result<(), AwsError> {
        report.orders += orders.len();
        let Listed {
            purchases,
            mut raw,
            unassigned,
        } = Listed::read(orders);
        report.unassigned += unassigned;
        let lacking = self.tables.orders_lacking(&purchases).await?;
        let lacking = purchases.into_iter().filter(|it| lacking.contains(&it.id));
        let lacking: Vec<_> = lacking.collect();
        let strays = self.strays(&lacking).await?;
        report.unassigned += strays.len();
        let ours = lacking.iter().filter(|it| !strays.contains(&it.id));
        let events: Vec<_> = ours
            .filter_map(|it| raw.remove(&it.id))
            .map(reconciled)
            .collect();
        self.credits.send_all(&events).await?;
        report.found_missing += events.len();
        Ok(())
    }

    /// Those of which apply-order could make nothing.
    async fn strays(&self, lacking: &[Purchase]) -> Result<HashSet<OrderId>, AwsError> {
        let mut strays = self.never_granted(lacking).await?;
        for id in &strays {
            warn!(order.id = %id, "order {id} is of a product that is in no pack");
        }
        let users: HashSet<&UserId> = lacking.iter().map(|it| &it.user).collect();
        for user in users {
            if self.tables.account(user).await?.is_none() {
                for Purchase { id, .. } in lacking.iter().filter(|it| it.user == *user) {
                    warn!(order.id = %id, user.id = %user, "order {id} is of somebody without an account");
                    strays.insert(*id);
                }
            }
        }
        Ok(strays)
    }

    /// Those that no pack says the credits of. What was granted while there was a pack can still be taken back, so that only
    /// those are meant that would lack something even if nothing had been refunded.
    async fn never_granted(&self, lacking: &[Purchase]) -> Result<HashSet<OrderId>, AwsError> {
        let in_no_pack = |it: &&Purchase| self.packs.of_product(&it.product_id).is_none();
        let as_paid = |it: &Purchase| Purchase {
            refunded: Refunded::Part(0),
            ..it.clone()
        };
        let unknown: Vec<_> = lacking.iter().filter(in_no_pack).map(as_paid).collect();
        self.tables.orders_lacking(&unknown).await
    }
}

impl Listed {
    /// Reads each order by itself: one that cannot be read hides no other.
    fn read(orders: Vec<Value>) -> Self {
        let mut listed = Self::default();
        for raw in orders {
            match purchase(&raw) {
                Ok(Some(purchase)) => {
                    listed.raw.insert(purchase.id, raw);
                    listed.purchases.push(purchase);
                }
                Ok(None) => {}
                Err(error) => {
                    let id = raw.get("id").and_then(Value::as_str);
                    let id = id.unwrap_or("without an id");
                    warn!(order.id = id, error, "order {id} cannot be assigned");
                    listed.unassigned += 1;
                }
            }
        }
        listed
    }
}

/// The purchase that an order is, if it is one. The error's text quotes nothing of the order.
fn purchase(raw: &Value) -> Result<Option<Purchase>, String> {
    let order = Order::deserialize(raw).map_err(|error| error.to_string())?;
    order.purchase().map_err(|error| error.to_string())
}

fn reconciled(order: Value) -> Event<Value> {
    Event {
        kind: RECONCILED.to_owned(),
        data: order,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_event_is_a_tick() {
        let json = include_str!("../../../events/reconcile-orders/tick.json");
        assert!(serde_json::from_str::<Tick>(json).is_ok());
    }

    fn order(id: &str) -> Value {
        json!({ "id": id, "status": "paid", "billing_reason": "purchase", "product_id": "p1", "total_amount": 500,
            "net_amount": 500, "refunded_amount": 0, "currency": "usd", "metadata": { "user_id": "anna" },
            "customer": { "external_id": "anna" }, "checkout_id": "kept as it is" })
    }

    #[test]
    fn an_order_that_cannot_be_read_hides_no_other() {
        const ID: &str = "9b2f6bd0-0000-4000-8000-000000000001";
        let renewal = json!({ "id": "9b2f6bd0-0000-4000-8000-000000000002", "status": "paid", "product_id": "p1",
            "billing_reason": "subscription_cycle", "total_amount": 1, "refunded_amount": 0, "currency": "usd" });
        let listed = Listed::read(vec![
            json!({ "id": 7 }),
            order("not an id"),
            renewal,
            order(ID),
            json!("?"),
        ]);
        assert_eq!(listed.unassigned, 3);
        let ids: Vec<_> = listed
            .purchases
            .iter()
            .map(|it| it.id.to_string())
            .collect();
        assert_eq!(ids, [ID]);
        assert_eq!(listed.raw[&listed.purchases[0].id], order(ID));
    }

    #[test]
    fn what_is_sent_on_is_an_event_with_the_whole_order() {
        let event = serde_json::to_value(reconciled(order("o1"))).unwrap();
        assert_eq!(
            event,
            json!({ "type": "order.reconciled", "data": order("o1") })
        );
    }
}
