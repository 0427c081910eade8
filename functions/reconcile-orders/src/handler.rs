//! A tick of the clock in, what was missed out: Polar gives up on a webhook after half an hour, and knows every order for ever.
//!
//! It writes nothing itself. What the ledger lacks goes the way of every event, so that it may run at any moment and any
//! number of times.

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use aws::{AwsError, Queue, Secret, Tables};
use domain::{OrderId, Packs, Purchase, Refunded, Timestamp};
use edge::task::TaskError;
use polar::{ClientError, Event, Order, OrderStatus, OrdersPage};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use tracing::{info, warn};

/// How far back it looks: longer than Polar gives money back by itself (60 days), and than any outage is overlooked.
const PERIOD: Duration = Duration::from_hours(90 * 24);
/// For how long it asks again, from its beginning, while Polar is away. Leaves a fifth of its time to what comes after all.
const PATIENCE: Duration = Duration::from_mins(12);
/// Between two tries, unless Polar asks for more: from the first to the longest, each twice the one before.
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_mins(1);
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
    /// Those that belong to none of our users, packs or forms, and whose money was not given back: somebody waits for
    /// something. They are not sent: they would come to the dead letters again with every run, for 90 days.
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
        let give_up_at = Instant::now() + PATIENCE;
        for number in 1.. {
            let page = self.page(&token, &since, number, give_up_at).await;
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

    /// A page of the orders, once Polar gives it.
    async fn page(
        &self,
        token: &str,
        since: &str,
        number: u32,
        give_up_at: Instant,
    ) -> Result<OrdersPage, ClientError> {
        let mut tries = 0;
        loop {
            let error = match self.polar.orders(token, since, number).await {
                Ok(page) => return Ok(page),
                Err(error) => error,
            };
            let again_at = pause(&error, tries).map(|pause| Instant::now() + pause);
            let Some(again_at) = again_at.filter(|it| *it <= give_up_at) else {
                return Err(error);
            };
            tries += 1;
            tokio::time::sleep_until(again_at).await;
        }
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
        let waits = |it: &&Purchase| strays.contains(&it.id) && it.refunded != Refunded::Whole;
        report.unassigned += lacking.iter().filter(waits).count();
        let ours = lacking.iter().filter(|it| !strays.contains(&it.id));
        let events: Vec<_> = ours
            .filter_map(|it| raw.remove(&it.id))
            .map(reconciled)
            .collect();
        self.credits.send_all(&events).await?;
        report.found_missing += events.len();
        Ok(())
    }

    /// Those of which apply-order could make nothing: nobody knows how many credits they are good for, or to whom. What was
    /// granted while somebody knew can still be taken back, so that only those are meant that would lack something even if
    /// nothing had been refunded.
    async fn strays(&self, lacking: &[Purchase]) -> Result<HashSet<OrderId>, AwsError> {
        let as_paid = |it: &Purchase| Purchase {
            refunded: Refunded::Part(0),
            ..it.clone()
        };
        let as_paid: Vec<_> = lacking.iter().map(as_paid).collect();
        let never_granted = self.tables.orders_lacking(&as_paid).await?;
        let mut accounts = HashMap::new();
        let mut strays = HashSet::new();
        for Purchase {
            id,
            user,
            product_id,
            ..
        } in as_paid.iter().filter(|it| never_granted.contains(&it.id))
        {
            if !accounts.contains_key(user) {
                accounts.insert(user, self.tables.account(user).await?);
            }
            let account = accounts.get(user).and_then(Option::as_ref);
            let why = match account {
                _ if self.packs.of_product(product_id).is_none() => "a product that is in no pack",
                None => "somebody without an account",
                Some(account) if account.deleted_at.is_some() => "somebody who has left",
                Some(_) => continue,
            };
            warn!(order.id = %id, user.id = %user, "order {id} is of {why}");
            strays.insert(id.clone());
        }
        Ok(strays)
    }
}

impl Listed {
    /// Reads each order by itself: one that cannot be read hides no other.
    fn read(orders: Vec<Value>) -> Self {
        let mut listed = Self::default();
        for raw in orders {
            match purchase(&raw) {
                Ok(Some(purchase)) => {
                    listed.raw.insert(purchase.id.clone(), raw);
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
    match order.purchase() {
        // Its money was given back, which is all that can be done for whoever paid.
        Err(_) if order.status == OrderStatus::Refunded => Ok(None),
        purchase => purchase.map_err(|error| error.to_string()),
    }
}

/// How long to wait before Polar is asked again; `None` if that would help nothing.
fn pause(error: &ClientError, tries: u32) -> Option<Duration> {
    let ClientError::Unavailable { retry_after, .. } = error else {
        return None;
    };
    let usual = FIRST_PAUSE.saturating_mul(1 << tries.min(10));
    Some(
        usual
            .min(LONGEST_PAUSE)
            .max(retry_after.unwrap_or_default()),
    )
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
            order("no#id"),
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
    fn an_order_that_was_given_back_waits_for_nobody() {
        let nobodys = |status: &str| {
            let mut order = order("9b2f6bd0-0000-4000-8000-000000000001");
            order["metadata"] = json!({});
            order["customer"] = json!({});
            order["status"] = json!(status);
            Listed::read(vec![order]).unassigned
        };
        for (status, unassigned) in [("paid", 1), ("partially_refunded", 1), ("refunded", 0)] {
            assert_eq!(nobodys(status), unassigned, "{status}");
        }
    }

    #[test]
    fn polar_is_asked_again_when_that_may_help() {
        let away = |seconds: Option<u64>| ClientError::Unavailable {
            status: Some(429),
            retry_after: seconds.map(Duration::from_secs),
            source: None,
        };
        let wait = |error: &ClientError, tries| pause(error, tries).map(|it| it.as_secs());
        let pauses: Vec<_> = (0..8).filter_map(|it| wait(&away(None), it)).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60]);
        assert_eq!(wait(&away(None), u32::MAX), Some(60));
        assert_eq!(wait(&away(Some(17)), 0), Some(17));
        assert_eq!(wait(&away(Some(17)), 5), Some(32));
        assert_eq!(wait(&away(Some(300)), 9), Some(300));
        for error in [
            ClientError::Unauthorised,
            ClientError::Refused { status: 422 },
        ] {
            assert_eq!(wait(&error, 0), None, "{error}");
        }
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
