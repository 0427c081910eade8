//! Reading batches: one in full, its order, its manifest, its user's history.

use std::collections::BTreeMap;

use aws_sdk_dynamodb::types::KeysAndAttributes;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use domain::{Batch, BatchId, Image, ImageRef, ImageState, Job, Submission, Timestamp, UserId};
use serde::{Deserialize, Serialize};

use super::{
    Item, Tables, from_item, n,
    records::{
        ManifestHead, ManifestPart, batch_pk, image_index, image_key, manifest_head_key, meta_key,
    },
    s,
};
use crate::{AwsError, backoff::Backoff};

#[expect(
    clippy::cast_possible_truncation,
    reason = "30 hours are not many milliseconds"
)]
const EXECUTION_MILLIS: i64 = domain::timing::EXECUTION.as_millis() as i64;

/// Everything about a batch.
#[derive(Clone, Debug)]
pub struct BatchInFull {
    /// Its own record.
    pub batch: Batch,
    /// The shared prompt in full.
    pub prompt: String,
    /// The images as submitted, by index.
    pub jobs: Vec<Job>,
    /// The images that have a record; the others are pending.
    pub images: BTreeMap<u32, Image>,
}

impl BatchInFull {
    /// The images that have no result, if the batch is over, as a submission of their own.
    #[must_use]
    pub fn retry(self) -> Submission {
        let states = self.images;
        let state = |index| {
            states
                .get(&index)
                .map_or(ImageState::Pending, |image: &Image| image.state)
        };
        let images = (0..).zip(self.jobs).map(|(index, job)| (job, state(index)));
        Submission::retry(images, self.prompt, self.batch.options)
    }
}

/// What there is to do, and whether it still is.
#[derive(Clone, Debug)]
pub struct Order {
    /// The batch's own record, as of now.
    pub batch: Batch,
    /// The shared prompt in full.
    pub prompt: String,
}

/// Some batches of a user, newest first.
#[derive(Clone, Debug)]
pub struct Page {
    /// At most as many as were asked for.
    pub batches: Vec<Batch>,
    /// Where the next page begins, for [`Tables::history`]; `None` on the last.
    pub next: Option<String>,
}

/// Where a page of history ended. Holds no user: a cursor leads nowhere but into the history of who presents it.
#[derive(Serialize, Deserialize)]
struct Cursor {
    created_at: Timestamp,
    batch_id: BatchId,
}

/// What [`Tables::open_images`] reads of a batch.
#[derive(Deserialize)]
struct OpenImages {
    open: u64,
}

impl Tables {
    /// A batch with its manifest and all its images, in one query.
    pub async fn batch_in_full(&self, batch_id: BatchId) -> Result<Option<BatchInFull>, AwsError> {
        let (mut batch, mut prompt) = (None, None);
        let (mut jobs, mut images) = (Vec::new(), BTreeMap::new());
        for item in self.query_batch(batch_id, "sk >= :sk", "IMAGE#").await? {
            let sk = item.get("sk").and_then(|sk| sk.as_s().ok()).cloned();
            match sk.as_deref() {
                Some("META") => batch = Some(from_item(item)?),
                Some("MANIFEST#0000") => prompt = Some(from_item::<ManifestHead>(item)?.prompt),
                Some(sk) if sk.starts_with("MANIFEST#") => {
                    jobs.extend(from_item::<ManifestPart>(item)?.jobs);
                }
                Some(sk) => {
                    if let Some(index) = image_index(sk) {
                        images.insert(index, from_item(item)?);
                    }
                }
                None => {}
            }
        }
        let Some(batch) = batch else { return Ok(None) };
        let prompt =
            prompt.ok_or_else(|| AwsError::Missing(format!("the manifest of batch {batch_id}")))?;
        Ok(Some(BatchInFull {
            batch,
            prompt,
            jobs,
            images,
        }))
    }

    /// A batch's own record and its images as submitted, without reading what has become of them.
    pub async fn manifest(&self, batch_id: BatchId) -> Result<Option<(Batch, Vec<Job>)>, AwsError> {
        let (mut batch, mut jobs) = (None, Vec::new());
        // "META" sorts right behind "MANIFEST#", and the images before both.
        for item in self
            .query_batch(batch_id, "sk >= :sk", "MANIFEST#0001")
            .await?
        {
            if item.get("sk") == Some(&s("META")) {
                batch = Some(from_item(item)?);
            } else {
                jobs.extend(from_item::<ManifestPart>(item)?.jobs);
            }
        }
        Ok(batch.map(|batch| (batch, jobs)))
    }

    /// The states of a batch's images that have a record.
    pub async fn image_states(&self, batch_id: BatchId) -> Result<Vec<ImageState>, AwsError> {
        let images = self
            .query_batch(batch_id, "begins_with(sk, :sk)", "IMAGE#")
            .await?;
        images
            .into_iter()
            .map(|item| from_item::<Image>(item).map(|image| image.state))
            .collect()
    }

    /// What there is to do for the images of a batch.
    pub async fn order(&self, batch_id: BatchId) -> Result<Option<Order>, AwsError> {
        let [batch, head] = self
            .batch_get(
                &self.batches,
                [meta_key(batch_id), manifest_head_key(batch_id)],
            )
            .await?;
        let (Some(batch), Some(head)) = (batch, head) else {
            return Ok(None);
        };
        Ok(Some(Order {
            batch: from_item(batch)?,
            prompt: from_item::<ManifestHead>(head)?.prompt,
        }))
    }

    /// What is needed to settle images of one batch: the batch, and the images in the order asked.
    pub(crate) async fn for_settling(
        &self,
        batch_id: BatchId,
        indices: &[u32],
    ) -> Result<(Batch, Vec<Image>), AwsError> {
        let keys = std::iter::once(meta_key(batch_id))
            .chain(
                indices
                    .iter()
                    .map(|&index| image_key(ImageRef { batch_id, index })),
            )
            .collect();
        let mut found = self.batch_get_all(&self.batches, keys).await?.into_iter();
        let batch = found
            .next()
            .flatten()
            .ok_or_else(|| AwsError::Missing(format!("batch {batch_id}")))?;
        let images = found
            .map(|image| image.map_or_else(|| Ok(Image::default()), from_item))
            .collect::<Result<_, _>>()?;
        Ok((from_item(batch)?, images))
    }

    /// A user's batches, newest first. A cursor that was not made here starts from the newest.
    pub async fn history(
        &self,
        user: &UserId,
        cursor: Option<&str>,
        limit: u32,
    ) -> Result<Page, AwsError> {
        let start = cursor.and_then(decode).map(|cursor| {
            let mut key = meta_key(cursor.batch_id);
            key.insert("user".to_owned(), s(user));
            key.insert("created_at".to_owned(), s(cursor.created_at));
            key
        });
        let answer = self
            .client
            .query()
            .table_name(&self.batches)
            .index_name("by-user")
            .key_condition_expression("#user = :user")
            .expression_attribute_names("#user", "user")
            .expression_attribute_values(":user", s(user))
            .scan_index_forward(false)
            .limit(i32::try_from(limit).unwrap_or(i32::MAX))
            .set_exclusive_start_key(start)
            .send()
            .await
            .map_err(AwsError::call("dynamodb:Query"))?;
        let more = answer.last_evaluated_key().is_some();
        let batches = answer
            .items
            .unwrap_or_default()
            .into_iter()
            .map(from_item)
            .collect::<Result<Vec<Batch>, _>>()?;
        let next = batches.last().filter(|_| more).map(encode).transpose()?;
        Ok(Page { batches, next })
    }

    /// How many images of a user are open, as of a moment ago: enough for a limit that guards fairness, not money.
    pub async fn open_images(&self, user: &UserId, now: Timestamp) -> Result<u64, AwsError> {
        // Whatever is older has passed its deadline.
        let since = Timestamp::from_millis(now.as_millis() - EXECUTION_MILLIS);
        let mut pages = self
            .client
            .query()
            .table_name(&self.batches)
            .index_name("by-user")
            .key_condition_expression("#user = :user AND created_at > :since")
            .filter_expression("#open > :zero")
            .projection_expression("#open")
            .expression_attribute_names("#user", "user")
            .expression_attribute_names("#open", "open")
            .expression_attribute_values(":user", s(user))
            .expression_attribute_values(":since", s(since))
            .expression_attribute_values(":zero", n(0))
            .into_paginator()
            .items()
            .send();
        let mut open = 0;
        while let Some(item) = pages.next().await {
            let item = item.map_err(AwsError::call("dynamodb:Query"))?;
            open += from_item::<OpenImages>(item)?.open;
        }
        Ok(open)
    }

    /// The records of a batch whose sort key fulfils a condition on `:sk`, in their order, as of now.
    pub(super) async fn query_batch(
        &self,
        batch_id: BatchId,
        condition: &str,
        sk: &str,
    ) -> Result<Vec<Item>, AwsError> {
        let mut pages = self
            .client
            .query()
            .table_name(&self.batches)
            .consistent_read(true)
            .key_condition_expression(format!("pk = :pk AND {condition}"))
            .expression_attribute_values(":pk", s(batch_pk(batch_id)))
            .expression_attribute_values(":sk", s(sk))
            .into_paginator()
            .items()
            .send();
        let mut items = Vec::new();
        while let Some(item) = pages.next().await {
            items.push(item.map_err(AwsError::call("dynamodb:Query"))?);
        }
        Ok(items)
    }

    async fn batch_get<const N: usize>(
        &self,
        table: &str,
        keys: [Item; N],
    ) -> Result<[Option<Item>; N], AwsError> {
        let mut found = self.batch_get_all(table, keys.into()).await?.into_iter();
        Ok(std::array::from_fn(|_| found.next().flatten()))
    }

    /// The records of at most 100 keys, in the order of the keys, as of now.
    pub(super) async fn batch_get_all(
        &self,
        table: &str,
        keys: Vec<Item>,
    ) -> Result<Vec<Option<Item>>, AwsError> {
        let operation = "dynamodb:BatchGetItem";
        let mut found = Vec::with_capacity(keys.len());
        let mut left = keys.clone();
        let mut backoff = Backoff::within(std::time::Duration::from_secs(10));
        while !left.is_empty() {
            let request = KeysAndAttributes::builder()
                .set_keys(Some(std::mem::take(&mut left)))
                .consistent_read(true)
                .build()
                .map_err(AwsError::call(operation))?;
            let answer = self
                .client
                .batch_get_item()
                .request_items(table, request)
                .send()
                .await
                .map_err(AwsError::call(operation))?;
            found.extend(
                answer
                    .responses
                    .unwrap_or_default()
                    .remove(table)
                    .unwrap_or_default(),
            );
            left = answer
                .unprocessed_keys
                .and_then(|mut keys| keys.remove(table))
                .map(|keys| keys.keys)
                .unwrap_or_default();
            if !left.is_empty() && !backoff.wait().await {
                return Err(AwsError::Contended(operation));
            }
        }
        let is_at =
            |item: &Item, key: &Item| key.iter().all(|(name, at)| item.get(name) == Some(at));
        Ok(keys
            .iter()
            .map(|key| {
                let place = found.iter().position(|item| is_at(item, key))?;
                Some(found.swap_remove(place))
            })
            .collect())
    }
}

fn encode(last: &Batch) -> Result<String, AwsError> {
    let cursor = Cursor {
        created_at: last.created_at,
        batch_id: last.batch_id,
    };
    serde_json::to_vec(&cursor)
        .map(|json| URL_SAFE_NO_PAD.encode(json))
        .map_err(AwsError::unreadable("a cursor"))
}

fn decode(cursor: &str) -> Option<Cursor> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(cursor).ok()?).ok()
}
