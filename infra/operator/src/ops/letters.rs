//! Dead letters: what even the rescue, fan-out, apply-order, notify, send-notice or delete-account could not handle.
//! Listing them, sending them on their way again, and deleting one that nobody needs any more.

use std::{collections::BTreeMap, fmt};

use anyhow::{Context as _, Result, bail};
use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use domain::{BatchId, Deletion, ImageRef, Notice, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use crate::{audit::batch::BATCH, stack::Stack};

/// For how many seconds a letter that is looked at is hidden from others. One that is not deleted by then is back.
const HELD: i32 = 60;
/// For how many seconds to wait for letters: without any, SQS asks only some of its servers.
const PATIENCE: i32 = 1;

/// Where dead letters lie.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Pile {
    /// Images that the rescue has given up.
    Lost,
    /// Parts of the stream that fan-out has given up.
    FanOut,
    /// Orders that apply-order has given up.
    Credit,
    /// Notices that send-notice has given up, and parts of the streams that notify has.
    Notice,
    /// Users whom delete-account could not forget.
    Deletion,
}

/// A dead letter.
#[derive(Clone, Debug, Serialize)]
pub struct Letter {
    /// Where it lies.
    pub pile: Pile,
    /// Its name there.
    pub message_id: String,
    /// When it came there.
    pub sent_at: Option<Timestamp>,
    /// What it is about.
    pub about: About,
    #[serde(skip)]
    body: String,
    /// What SQS knows it by while it is held.
    #[serde(skip)]
    receipt: String,
}

/// All dead letters.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Letters(pub Vec<Letter>);

/// The letter that was deleted.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub struct Deleted(pub Letter);

/// What a letter is about. Its text is not shown: a prompt may be in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// One image.
    Image(ImageRef),
    /// Records of the stream, which have left it or will: no batch is named.
    Shard(String),
    /// An order, by Polar's id: its user may be waiting for credits.
    Order(String),
    /// Something that a user was to be told, by its name.
    Notice(String),
    /// Somebody who wants to be forgotten.
    User(UserId),
    /// Nothing that we write.
    Unknown,
}

/// What a redrive has done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Redriven {
    /// Letters that went back to the rescue queue.
    pub rescued: usize,
    /// Letters of fan-out.
    pub fan_out: usize,
    /// Open batches that reconcile looks at next because of those.
    pub batches_due: usize,
    /// Letters that went back to the credit queue.
    pub orders: usize,
    /// Letters that went back to the notice queue or the webhook queue.
    pub notices: usize,
    /// Letters of notify. What those records said was news when they were in the stream.
    pub forgotten: usize,
    /// Letters that went back to the deletion queue.
    pub deletions: usize,
}

/// The bodies that we know.
#[derive(Deserialize)]
#[serde(untagged)]
enum Body {
    /// A dead letter of the edit queue: its `Work`, of which the image is enough.
    Work(ImageRef),
    /// What EventBridge says of an execution that ended badly.
    Execution { detail: Detail },
    /// What Lambda says of stream records that a function could not handle.
    Stream {
        #[serde(rename = "DDBStreamBatchInfo")]
        records: StreamRecords,
    },
    /// An event of Polar's.
    Event { data: Order },
    /// What a user was to be told.
    Notice(Notice),
    /// A dead letter of the deletion queue.
    Deletion(Deletion),
}

#[derive(Deserialize)]
struct Order {
    id: String,
}

#[derive(Deserialize)]
struct Detail {
    /// A `Work`, as JSON in a string.
    input: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct StreamRecords {
    shard_id: String,
}

/// All dead letters. They stay where they are; for a moment, nobody else sees them.
pub async fn list(stack: &Stack) -> Result<Letters> {
    let letters = stack.receive_all().await?;
    for letter in &letters {
        stack.put_back(letter).await?;
    }
    Ok(Letters(letters))
}

/// Deletes the letter of this id, of which nothing is to come any more: that of an order, say, which no pack was ever sold for
/// and which is refunded in Polar. Fails if there is none.
pub async fn delete(stack: &Stack, message_id: &str) -> Result<Deleted> {
    let mut deleted = None;
    for letter in stack.receive_all().await? {
        if letter.message_id == message_id {
            stack.delete(&letter).await?;
            deleted = Some(Deleted(letter));
        } else {
            stack.put_back(&letter).await?;
        }
    }
    match deleted {
        Some(deleted) => Ok(deleted),
        None => bail!("there is no letter {message_id}: `ops letters` lists those that there are"),
    }
}

/// Sends all dead letters on their way again. Each is deleted after that, so one may go twice, and none is lost; whoever gets
/// it asks first what became of the image or order.
pub async fn redrive(stack: &Stack) -> Result<Redriven> {
    let rescued = stack.send_back(Pile::Lost, &stack.names.rescue_queue_url);
    let rescued = rescued.await?;
    let orders = stack.send_back(Pile::Credit, &stack.names.credit_queue_url);
    let orders = orders.await?;
    let (notices, forgotten) = stack.send_notices_back().await?;
    let deletions = stack.send_back(Pile::Deletion, &stack.names.deletion_queue_url);
    let deletions = deletions.await?;
    let fan_out = stack.receive(Pile::FanOut).await?;
    // These name no batch, so every batch is looked at that images may be missing of.
    let batches_due = if fan_out.is_empty() {
        0
    } else {
        stack.look_at_open_batches().await?
    };
    for letter in &fan_out {
        stack.delete(letter).await?;
    }
    Ok(Redriven {
        rescued,
        fan_out: fan_out.len(),
        batches_due,
        orders,
        notices,
        forgotten,
        deletions,
    })
}

impl Stack {
    fn pile(&self, pile: Pile) -> &str {
        match pile {
            Pile::Lost => &self.names.lost_queue_url,
            Pile::FanOut => &self.names.fan_out_failure_queue_url,
            Pile::Credit => &self.names.credit_failure_queue_url,
            Pile::Notice => &self.names.notice_failure_queue_url,
            Pile::Deletion => &self.names.deletion_failure_queue_url,
        }
    }

    async fn receive_all(&self) -> Result<Vec<Letter>> {
        let mut letters = Vec::new();
        for pile in [
            Pile::Lost,
            Pile::FanOut,
            Pile::Credit,
            Pile::Notice,
            Pile::Deletion,
        ] {
            letters.extend(self.receive(pile).await?);
        }
        Ok(letters)
    }

    /// Takes letters until no more of them are new.
    async fn receive(&self, pile: Pile) -> Result<Vec<Letter>> {
        let mut letters = BTreeMap::new();
        loop {
            let received = self
                .sqs
                .receive_message()
                .queue_url(self.pile(pile))
                .max_number_of_messages(10)
                .visibility_timeout(HELD)
                .wait_time_seconds(PATIENCE)
                .message_system_attribute_names(MessageSystemAttributeName::SentTimestamp)
                .send()
                .await
                .with_context(|| format!("receiving from {}", self.pile(pile)))?;
            let known = letters.len();
            let messages = received.messages.unwrap_or_default().into_iter();
            letters.extend(messages.filter_map(|message| {
                let letter = Letter::of(pile, message)?;
                Some((letter.message_id.clone(), letter))
            }));
            if letters.len() == known {
                return Ok(letters.into_values().collect());
            }
        }
    }

    async fn put_back(&self, letter: &Letter) -> Result<()> {
        self.sqs
            .change_message_visibility()
            .queue_url(self.pile(letter.pile))
            .receipt_handle(&letter.receipt)
            .visibility_timeout(0)
            .send()
            .await
            .with_context(|| format!("putting back letter {}", letter.message_id))?;
        Ok(())
    }

    /// Sends all letters of a pile to a queue; how many they were.
    async fn send_back(&self, pile: Pile, queue: &str) -> Result<usize> {
        let letters = self.receive(pile).await?;
        for letter in &letters {
            self.send(queue, letter).await?;
            self.delete(letter).await?;
        }
        Ok(letters.len())
    }

    /// Sends notices to their queue, and forgets what notify could not read; how many these and those were.
    async fn send_notices_back(&self) -> Result<(usize, usize)> {
        let (mut notices, mut forgotten) = (0, 0);
        for letter in self.receive(Pile::Notice).await? {
            if let Ok(Body::Notice(notice)) = serde_json::from_str(&letter.body) {
                let queue = if notice.is_mail() {
                    &self.names.notice_queue_url
                } else {
                    &self.names.webhook_queue_url
                };
                self.send(queue, &letter).await?;
                notices += 1;
            } else {
                forgotten += 1;
            }
            self.delete(&letter).await?;
        }
        Ok((notices, forgotten))
    }

    async fn send(&self, queue: &str, letter: &Letter) -> Result<()> {
        self.sqs
            .send_message()
            .queue_url(queue)
            .message_body(&letter.body)
            .send()
            .await
            .with_context(|| format!("sending letter {} again", letter.message_id))?;
        Ok(())
    }

    async fn delete(&self, letter: &Letter) -> Result<()> {
        self.sqs
            .delete_message()
            .queue_url(self.pile(letter.pile))
            .receipt_handle(&letter.receipt)
            .send()
            .await
            .with_context(|| format!("deleting letter {}", letter.message_id))?;
        Ok(())
    }

    /// Makes every open batch due for a look by reconcile, which sends what nobody has started; how many they are.
    async fn look_at_open_batches(&self) -> Result<usize> {
        let (tables, now) = (self.tables(), Timestamp::now());
        let open = self.open_batches().await?;
        for pk in &open {
            let id: BatchId = pk
                .trim_start_matches(BATCH)
                .parse()
                .with_context(|| format!("{pk} is no batch"))?;
            tables.look_again(id, now).await?;
        }
        Ok(open.len())
    }
}

impl Letter {
    /// The letter of a message, if it has all that SQS promises.
    fn of(pile: Pile, message: Message) -> Option<Self> {
        let sent_at = message.attributes.as_ref().and_then(|attributes| {
            let millis = attributes.get(&MessageSystemAttributeName::SentTimestamp)?;
            Some(Timestamp::from_millis(millis.parse().ok()?))
        });
        let body = message.body?;
        Some(Self {
            pile,
            message_id: message.message_id?,
            sent_at,
            about: About::of(&body),
            body,
            receipt: message.receipt_handle?,
        })
    }
}

impl About {
    fn of(body: &str) -> Self {
        match serde_json::from_str(body) {
            Ok(Body::Work(image)) => Self::Image(image),
            Ok(Body::Execution { detail }) => {
                serde_json::from_str(&detail.input).map_or(Self::Unknown, Self::Image)
            }
            Ok(Body::Stream { records }) => Self::Shard(records.shard_id),
            Ok(Body::Event { data }) => Self::Order(data.id),
            Ok(Body::Notice(notice)) => Self::Notice(notice.id()),
            Ok(Body::Deletion(deletion)) => Self::User(deletion.user),
            Err(_) => Self::Unknown,
        }
    }
}

impl fmt::Display for Letters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in &self.0 {
            writeln!(f, "{letter}")?;
        }
        write!(f, "{} letters", self.0.len())
    }
}

impl fmt::Display for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let pile = match self.pile {
            Pile::Lost => "lost",
            Pile::FanOut => "fan-out",
            Pile::Credit => "credit",
            Pile::Notice => "notice",
            Pile::Deletion => "deletion",
        };
        write!(f, "{pile:<8} {}  ", self.message_id)?;
        match self.sent_at {
            Some(at) => write!(f, "{at}  ")?,
            None => write!(f, "{:<24}  ", "?")?,
        }
        match &self.about {
            About::Image(image) => write!(f, "{image}"),
            About::Shard(shard) => write!(f, "records of shard {shard}"),
            About::Order(order) => write!(f, "order {order}"),
            About::Notice(id) => write!(f, "notice {id}"),
            About::User(user) => write!(f, "user {user}"),
            About::Unknown => write!(f, "nothing that we write"),
        }
    }
}

impl fmt::Display for Deleted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "deleted: {}", self.0)
    }
}

impl fmt::Display for Redriven {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            rescued,
            fan_out,
            batches_due,
            orders,
            notices,
            forgotten,
            deletions,
        } = self;
        write!(
            f,
            "{rescued} letters went back to the rescue queue, {orders} to the credit queue, {notices} to the queues of notices, \
             {deletions} to the deletion queue; for {fan_out} letters of fan-out, {batches_due} open batches are looked at \
             by the next run of reconcile; {forgotten} letters of notify are forgotten"
        )
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[test]
    fn letters_say_what_they_are_about() {
        let event: Value = serde_json::from_str(include_str!(
            "../../../../events/rescue-image/letter-and-execution.json"
        ))
        .unwrap();
        let about = |index: usize| About::of(event["Records"][index]["body"].as_str().unwrap());
        let batch_id = "9b1c1f0e-6f0a-8c55-9d8e-1a4b5c6d7e8f".parse().unwrap();
        let image = |index| About::Image(ImageRef { batch_id, index });
        assert_eq!([about(0), about(1)], [image(3), image(4)]);
        let stream = json!({ "DDBStreamBatchInfo": { "shardId": "shard-1", "batchSize": 1 } });
        let shard = About::of(&stream.to_string());
        assert_eq!(shard, About::Shard("shard-1".to_owned()));
        let event = include_str!("../../../../events/apply-order/paid-refunded-reconciled.json");
        let event: Value = serde_json::from_str(event).unwrap();
        let order = About::of(event["Records"][0]["body"].as_str().unwrap());
        let id = "3f1c7a52-9d4e-4b60-8a11-5c2e7d9f0001".to_owned();
        assert_eq!(order, About::Order(id));
        let event: Value =
            serde_json::from_str(include_str!("../../../../events/send-notice/mail.json")).unwrap();
        let notice = About::of(event["Records"][0]["body"].as_str().unwrap());
        assert_eq!(notice, About::Notice(format!("batch-done/{batch_id}")));
        assert_eq!(About::of("{}"), About::Unknown);
        let event: Value = serde_json::from_str(include_str!(
            "../../../../events/delete-account/two-users.json"
        ))
        .unwrap();
        let deletion = About::of(event["Records"][0]["body"].as_str().unwrap());
        let user = "7b9f6f5e-3c55-4d0a-9a2e-7f6c0d1e2a3b".parse().unwrap();
        assert_eq!(deletion, About::User(user));
    }
}
