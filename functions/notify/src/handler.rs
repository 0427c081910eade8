//! Records of both tables in, notices out. It decides that there is something to tell; whether somebody wants to hear it,
//! and where, is send-notice's to find out.
//!
//! A record may come again and a notice be sent twice: a notice's name is made of what it is about (R4).

use aws::{Queue, Tables};
use domain::{
    BatchId, Credits, CreditsOverflow, Matter, Notice, OrderId, Timestamp, UserId, makes_low,
};
use edge::task::TaskError;
use serde::{Deserialize, de::DeserializeOwned};
use serde_dynamo::Item;
use tracing::info;

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) mail: Queue,
    /// Mail does not wait behind programs that do not answer.
    pub(crate) webhooks: Queue,
    pub(crate) low_balance: Credits,
}

/// As much as this needs of a stream event.
#[derive(Deserialize)]
pub(crate) struct StreamEvent {
    #[serde(rename = "Records")]
    records: Vec<StreamRecord>,
}

#[derive(Deserialize)]
struct StreamRecord {
    dynamodb: Change,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Change {
    keys: Item,
    #[serde(default)]
    old_image: Option<Item>,
    #[serde(default)]
    new_image: Option<Item>,
}

#[derive(Deserialize)]
struct Keys {
    pk: String,
    sk: String,
}

/// What this reads of a batch's own record.
#[derive(Deserialize)]
#[expect(clippy::struct_field_names, reason = "the record's own names")]
struct Batch {
    batch_id: BatchId,
    user: UserId,
    finished_at: Option<Timestamp>,
}

/// What this reads of an entry of the ledger.
#[derive(Deserialize)]
struct Entry {
    seq: u64,
    kind: String,
    amount: i64,
    balance_after: Credits,
    /// Of an order: all that it gave, of which only `amount` has reached the balance.
    credits: Option<Credits>,
    order_id: Option<OrderId>,
}

/// What a record says.
#[derive(Debug, PartialEq, Eq)]
enum News {
    /// A batch is over.
    Finished { user: UserId, batch_id: BatchId },
    /// A pack was bought, by an entry of this number.
    Bought { entry: u64, receipt: Notice },
    /// A balance has become low, if its user was not warned before.
    Low { entry: u64, warning: Notice },
    /// Nothing that anybody has to be told.
    None,
}

impl Handler {
    pub(crate) async fn handle(&self, event: StreamEvent) -> Result<(), TaskError> {
        let mut notices = Vec::new();
        for record in event.records {
            let news = news(record.dynamodb, self.low_balance)?;
            notices.extend(self.worth_telling(news).await?);
        }
        let (mail, webhooks): (Vec<_>, Vec<_>) = notices.into_iter().partition(Notice::is_mail);
        for (queue, notices) in [(&self.mail, mail), (&self.webhooks, webhooks)] {
            let sent = queue.send_all(&notices).await;
            sent.map_err(TaskError::aws("sending notices"))?;
            for notice in &notices {
                info!(notice.id = %notice.id(), "sent notice {}", notice.id());
            }
        }
        Ok(())
    }

    async fn worth_telling(&self, news: News) -> Result<Vec<Notice>, TaskError> {
        match news {
            News::Finished { user, batch_id } => {
                let matters = [
                    Matter::BatchMail { batch_id },
                    Matter::BatchWebhook { batch_id },
                ];
                let notice = |matter| Notice {
                    user: user.clone(),
                    matter,
                };
                Ok(matters.map(notice).into())
            }
            News::Bought { entry, receipt } => {
                let armed = self.tables.rearm_low_balance(&receipt.user, entry).await;
                armed.map_err(TaskError::aws(receipt.id()))?;
                Ok(vec![receipt])
            }
            News::Low { entry, warning } => {
                let first = self.tables.warn_of_low_balance(&warning.user, entry).await;
                let first = first.map_err(TaskError::aws(warning.id()))?;
                Ok(first.then_some(warning).into_iter().collect())
            }
            News::None => Ok(Vec::new()),
        }
    }
}

/// Reads a record. The filters of the event sources let little else through; what they cannot say is judged here.
fn news(change: Change, threshold: Credits) -> Result<News, TaskError> {
    let Keys { pk, sk } = read(change.keys, "the keys")?;
    let Some(new) = change.new_image else {
        return Ok(News::None);
    };
    if sk == "META" {
        let old = change.old_image.map(|old| read::<Batch>(old, &pk));
        let was_finished = old.transpose()?.is_none_or(|old| old.finished_at.is_some());
        let batch = read::<Batch>(new, &pk)?;
        return Ok(match batch.finished_at {
            Some(_) if !was_finished => News::Finished {
                user: batch.user,
                batch_id: batch.batch_id,
            },
            _ => News::None,
        });
    }
    let user = pk.strip_prefix("USER#").and_then(|id| id.parse().ok());
    match user {
        Some(user) if sk.starts_with("TXN#") => {
            let about = format!("{sk} of {pk}");
            entry_news(user, &read(new, &about)?, threshold)
                .map_err(TaskError::because("record_unreadable", about))
        }
        _ => Ok(News::None),
    }
}

fn entry_news(user: UserId, entry: &Entry, threshold: Credits) -> Result<News, CreditsOverflow> {
    let (number, balance) = (entry.seq, entry.balance_after);
    if let ("order", Some(order_id)) = (&*entry.kind, &entry.order_id) {
        let arrived = Credits::new(entry.amount.unsigned_abs())?;
        let credits = entry.credits.unwrap_or(arrived);
        let matter = Matter::Receipt {
            order_id: order_id.clone(),
            credits,
            repaid: credits.minus(arrived).unwrap_or_default(),
            balance_after: balance,
        };
        let receipt = Notice { user, matter };
        return Ok(News::Bought {
            entry: number,
            receipt,
        });
    }
    if entry.kind == "debit" && makes_low(threshold, entry.amount, balance) {
        let matter = Matter::LowBalance {
            entry: number,
            balance,
        };
        let warning = Notice { user, matter };
        return Ok(News::Low {
            entry: number,
            warning,
        });
    }
    Ok(News::None)
}

fn read<T: DeserializeOwned>(record: Item, about: &str) -> Result<T, TaskError> {
    serde_dynamo::from_item(record).map_err(TaskError::because("record_unreadable", about))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_all(json: &str) -> Vec<News> {
        let event: StreamEvent = serde_json::from_str(json).unwrap();
        let read = |record: StreamRecord| news(record.dynamodb, Credits::small(5)).unwrap();
        event.records.into_iter().map(read).collect()
    }

    const FINISHED: &str = include_str!("../../../events/notify/finished-batch.json");
    const ENTRIES: &str = include_str!("../../../events/notify/entries.json");

    #[test]
    fn a_batch_is_over_once() {
        let finished = News::Finished {
            user: "7b9f6f5e-3c55-4d0a-9a2e-7f6c0d1e2a3b".parse().unwrap(),
            batch_id: "9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f".parse().unwrap(),
        };
        assert_eq!(read_all(FINISHED), [finished]);
        // Later changes of a batch that is over, such as its retry.
        let later = FINISHED.replace("\"check_at\"", "\"finished_at\"");
        assert_eq!(read_all(&later), [News::None]);
        let open = FINISHED.replace("\"finished_at\"", "\"check_at\"");
        assert_eq!(read_all(&open), [News::None]);
    }

    #[test]
    fn a_purchase_has_a_receipt_and_a_low_balance_a_warning() {
        let news = read_all(ENTRIES);
        let user: UserId = "7b9f6f5e-3c55-4d0a-9a2e-7f6c0d1e2a3b".parse().unwrap();
        let receipt = Matter::Receipt {
            order_id: "4f2d8c1a-7b3e-4a5f-9c6d-0e1f2a3b4c5d".parse().unwrap(),
            credits: Credits::small(50),
            repaid: Credits::small(3),
            balance_after: Credits::small(57),
        };
        let warning = Matter::LowBalance {
            entry: 8,
            balance: Credits::small(4),
        };
        let expected = [
            News::Bought {
                entry: 7,
                receipt: Notice {
                    user: user.clone(),
                    matter: receipt,
                },
            },
            News::Low {
                entry: 8,
                warning: Notice {
                    user,
                    matter: warning,
                },
            },
        ];
        assert_eq!(news, expected);
        let less = ENTRIES.replace(r#""N": "-53""#, r#""N": "-1""#);
        assert!(
            matches!(read_all(&less)[1], News::Low { .. }),
            "5 was enough"
        );
        let even_less = less.replace(r#""N": "4""#, r#""N": "3""#);
        assert_eq!(read_all(&even_less)[1], News::None, "it was low before");
    }
}
