//! Notices in, mail and calls out. What to say and whether it is wanted is read when it is sent.
//!
//! What nobody takes is tried again for a day, by the message itself: it stays in the queue, and comes back later and later.

use std::time::Duration;

use aws::{BatchInFull, Queue, Secret, Tables};
use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use domain::{BatchId, Matter, Notice, Profile, Timestamp, Webhook};
use edge::{
    queue::{self, Delivery, Handled},
    task::TaskError,
};
use outbound::{Target, Targets};
use resend::{Mail, NotSent};
use tracing::{info, warn};

use crate::{mail, webhook};

/// What a webhook answers that is never to be called again.
const GONE: u16 = 410;

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    /// Where mail comes from, to put it off.
    pub(crate) mail_queue: Queue,
    /// And where calls of webhooks do.
    pub(crate) webhook_queue: Queue,
    pub(crate) resend: resend::Client,
    pub(crate) resend_key: Secret,
    /// Who sends the mail; nobody does without.
    pub(crate) from: Option<String>,
    /// Of the web app, for links.
    pub(crate) origin: String,
    pub(crate) webhooks: outbound::Client,
    pub(crate) targets: Targets,
}

/// What came of a try.
enum Tried {
    /// There is nothing left to do.
    Over,
    /// Nobody took it.
    InVain {
        /// Why, for the log.
        why: String,
        /// For how long they asked to be left alone.
        wait: Option<Duration>,
    },
}

impl Handler {
    pub(crate) async fn handle(&self, event: SqsEvent) -> Result<SqsBatchResponse, TaskError> {
        queue::each_delivery(event, |delivery| self.deliver(delivery)).await
    }

    async fn deliver(&self, delivery: Delivery<Notice>) -> Result<Handled, TaskError> {
        let notice = &delivery.message;
        let id = notice.id();
        let profile = self.tables.profile(&notice.user).await;
        let Some(profile) = profile.map_err(TaskError::aws(&id))? else {
            info!(notice.id = %id, "nobody knows where to send notice {id}");
            return Ok(Handled::Done);
        };
        let tried = match notice.matter {
            Matter::BatchWebhook { batch_id } => self.call(&id, batch_id, profile.webhook).await,
            _ => self.mail(notice, &profile).await,
        };
        let Tried::InVain { why, wait } = tried? else {
            return Ok(Handled::Done);
        };
        if self.put_off(&delivery, wait).await? {
            info!(notice.id = %id, tries = delivery.tries, why, "notice {id} is tried again later");
            return Ok(Handled::Later);
        }
        if notice.is_mail() {
            return Err(TaskError::new("mail_not_sent", format_args!("{id}: {why}")));
        }
        // A program that is not there is its owner's to notice, and nobody's alarm.
        warn!(notice.id = %id, tries = delivery.tries, why, "gave up notice {id}");
        Ok(Handled::Done)
    }

    /// Has the message come again later; `false` when it is too late for that.
    async fn put_off(
        &self,
        delivery: &Delivery<Notice>,
        asked: Option<Duration>,
    ) -> Result<bool, TaskError> {
        let age = Timestamp::now().since(delivery.sent_at);
        let Some(wait) = Notice::next_try(delivery.tries, age) else {
            return Ok(false);
        };
        let wait = wait.max(asked.unwrap_or_default());
        let notice = &delivery.message;
        let queue = if notice.is_mail() {
            &self.mail_queue
        } else {
            &self.webhook_queue
        };
        let put_off = queue.put_off(&delivery.receipt, wait).await;
        put_off.map_err(TaskError::aws(notice.id()))?;
        Ok(true)
    }

    async fn mail(&self, notice: &Notice, profile: &Profile) -> Result<Tried, TaskError> {
        let id = notice.id();
        let Some(from) = self.from.as_deref().filter(|_| profile.emails) else {
            info!(notice.id = %id, "notice {id} is not wanted");
            return Ok(Tried::Over);
        };
        let letter = match &notice.matter {
            Matter::BatchMail { batch_id } | Matter::BatchWebhook { batch_id } => {
                mail::batch_is_over(&self.batch(*batch_id).await?, &self.origin)
            }
            Matter::Receipt {
                order_id,
                credits,
                repaid,
                balance_after,
            } => mail::receipt(order_id, *credits, *repaid, *balance_after, &self.origin),
            Matter::LowBalance { balance, .. } => mail::low_balance(*balance, &self.origin),
        };
        let key = self.resend_key.read().await.map_err(TaskError::aws(&id))?;
        let mail = Mail {
            from,
            to: &profile.email,
            subject: &letter.subject,
            text: &letter.text(),
            html: &letter.html(),
        };
        match self.resend.send(&key, &id, &mail).await {
            Ok(()) => info!(notice.id = %id, "mailed notice {id}"),
            Err(NotSent::KeyUsed) => info!(notice.id = %id, "notice {id} was mailed before"),
            Err(refused @ NotSent::Refused { .. }) => {
                return Err(TaskError::because("mail_refused", &id)(refused));
            }
            Err(later @ (NotSent::Later { .. } | NotSent::NoAnswer(_))) => {
                return Ok(Tried::InVain {
                    wait: later.retry_after(),
                    why: later.to_string(),
                });
            }
        }
        Ok(Tried::Over)
    }

    async fn call(
        &self,
        id: &str,
        batch_id: BatchId,
        webhook: Option<Webhook>,
    ) -> Result<Tried, TaskError> {
        let Some(webhook) = webhook else {
            return Ok(Tried::Over);
        };
        // It was judged when it was given; what is allowed may have changed since.
        let target = match Target::parse(&webhook.url, self.targets) {
            Ok(target) => target,
            Err(refused) => {
                warn!(notice.id = %id, %refused, "the webhook of notice {id} may not be called");
                return Ok(Tried::Over);
            }
        };
        let found = self.batch(batch_id).await?;
        let (body, signed) = webhook::signed(id, &found.batch, &webhook.secret, Timestamp::now())
            .map_err(TaskError::because("webhook_unwritten", id))?;
        let headers = signed.each_ref().map(|(name, value)| (*name, &**value));
        let in_vain = |why| Ok(Tried::InVain { why, wait: None });
        match self.webhooks.post(&target, &headers, body).await {
            Ok(status @ 200..=299) => {
                info!(notice.id = %id, http.status = status, "called the webhook of {id}");
                Ok(Tried::Over)
            }
            Ok(GONE) => {
                info!(notice.id = %id, http.status = GONE, "the webhook of {id} is gone");
                Ok(Tried::Over)
            }
            Ok(status) => in_vain(format!("status {status}")),
            Err(failed) => in_vain(failed.to_string()),
        }
    }

    async fn batch(&self, batch_id: BatchId) -> Result<BatchInFull, TaskError> {
        let about = format!("batch {batch_id}");
        let found = self.tables.batch_in_full(batch_id).await;
        found
            .map_err(TaskError::aws(&about))?
            .ok_or_else(|| TaskError::new("batch_missing", about))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    async fn seen(json: &str) -> Vec<(String, u32, bool)> {
        let event = serde_json::from_str(json).unwrap();
        let seen = RefCell::new(Vec::new());
        let response = queue::each_delivery(event, async |delivery: Delivery<Notice>| {
            let notice = delivery.message;
            seen.borrow_mut()
                .push((notice.id(), delivery.tries, notice.is_mail()));
            Ok(Handled::Done)
        });
        assert!(response.await.unwrap().batch_item_failures.is_empty());
        seen.into_inner()
    }

    #[tokio::test]
    async fn the_events_carry_one_notice_of_each_kind() {
        let mail = [
            "batch-done/9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f",
            "receipt/4f2d8c1a-7b3e-4a5f-9c6d-0e1f2a3b4c5d",
            "low-balance/7b9f6f5e-3c55-4d0a-9a2e-7f6c0d1e2a3b/8",
        ]
        .map(|id| (id.to_owned(), 1, true));
        let event = include_str!("../../../events/send-notice/mail.json");
        assert_eq!(seen(event).await, mail);
        let call = "batch_9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f".to_owned();
        let event = include_str!("../../../events/send-notice/webhook.json");
        assert_eq!(seen(event).await, [(call, 3, false)]);
    }
}
