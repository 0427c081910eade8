//! A batch's records in, what its user wants to know out.

use std::time::Duration;

use api::{BatchStatus, ImageError, ImageStatus, Options};
use aws::{AwsError, BatchInFull, Photos, Tables};
use domain::{
    Counts, Image, Timestamp,
    timing::{LINK_BUCKET, RESULT_LIFETIME, RESULT_LINK, UPLOAD_LIFETIME},
};
use edge::http::{Call, Failure, ProblemKind, Reply};
use futures::future::try_join_all;
use sha2::{Digest, Sha256};

pub(crate) struct Handler {
    pub(crate) tables: Tables,
    pub(crate) photos: Photos,
}

impl Handler {
    pub(crate) async fn handle(&self, call: Call) -> Result<Reply, Failure> {
        let user = call.caller()?.user;
        let found = match call.path("id").and_then(|id| id.parse().ok()) {
            Some(id) => self.tables.batch_in_full(id).await?,
            None => None,
        };
        let found = found
            .filter(|found| found.batch.user == user)
            .ok_or_else(|| Failure::new(ProblemKind::BatchNotFound, "check the batch's id"))?;
        if found.batch.erased_at.is_some() {
            return Err(Failure::account_deleted());
        }

        let now = Timestamp::now();
        let mut status = status(&found, now)?;
        let etag = etag(&status, now);
        if call
            .header("if-none-match")
            .is_some_and(|known| matches(known, &etag))
        {
            return Ok(Reply::not_modified(etag));
        }
        let links = kept(&found, now).map(|(index, result, source)| async move {
            let result = self.photos.download_link(result, RESULT_LINK).await?;
            let source = match source {
                Some(key) => Some(self.photos.download_link(&key, RESULT_LINK).await?),
                None => None,
            };
            Ok::<_, AwsError>((index, result, source))
        });
        for (index, result, source) in try_join_all(links).await? {
            if let Some(image) = status.images.get_mut(index as usize) {
                image.result_url = Some(result);
                image.source_url = source;
            }
        }
        Ok(Reply::ok(&status).with_etag(etag))
    }
}

/// The results that are still in the bucket, each with the key of its upload if that is, too. By age, for looking would
/// cost a call each; a photo was uploaded before its batch was accepted.
fn kept(found: &BatchInFull, now: Timestamp) -> impl Iterator<Item = (u32, &str, Option<String>)> {
    let has_uploads = now.since(found.batch.created_at) < UPLOAD_LIFETIME;
    found.images.iter().filter_map(move |(&index, image)| {
        let result = image.result_key.as_deref()?;
        let source = found.jobs.get(index as usize)?.key.to_string();
        let is_kept = now.since(image.finished_at?) < RESULT_LIFETIME;
        is_kept.then_some((index, result, has_uploads.then_some(source)))
    })
}

/// Everything but the result links, which differ from call to call.
fn status(found: &BatchInFull, now: Timestamp) -> Result<BatchStatus, Failure> {
    let batch = &found.batch;
    let counts = Counts::of(batch.total, found.images.values().map(|image| image.state));
    let out_of_range = |_| Failure::from(AwsError::Missing("a price in range".to_owned()));
    let default = Image::default();
    let images = found.jobs.iter().zip(0..).map(|(job, index)| {
        let image = found.images.get(&index).unwrap_or(&default);
        ImageStatus {
            index,
            key: job.key.to_string(),
            name: job.name.clone(),
            status: image.state.name().to_owned(),
            result_url: None,
            source_url: None,
            error: image.failure.as_ref().map(|failure| ImageError {
                code: failure.code.clone(),
                message: failure.message.clone(),
            }),
            provider_calls: image.provider_calls,
        }
    });
    Ok(BatchStatus {
        batch_id: batch.batch_id.to_string(),
        status: counts.state(batch.cancel_requested).name().to_owned(),
        prompt: found.prompt.clone(),
        options: Options {
            quality: Some(batch.options.quality.name().to_owned()),
            size: Some(batch.options.size.to_string()),
            format: Some(batch.options.format.name().to_owned()),
        },
        credits_spent: batch.credits_spent().map_err(out_of_range)?.get(),
        // By the images and not by the batch's own counts, so that one answer never contradicts itself.
        credits_refunded: batch.refunded_for(&counts).map_err(out_of_range)?.get(),
        created_at: batch.created_at.to_string(),
        finished_at: batch.finished_at.map(|at| at.to_string()),
        retry_of: batch.retry_of.map(|id| id.to_string()),
        retried_in: batch.retried_in.map(|id| id.to_string()),
        counts: api::Counts {
            total: counts.total,
            pending: counts.pending,
            processing: counts.processing,
            completed: counts.completed,
            failed: counts.failed,
            canceled: counts.canceled,
        },
        poll_after_ms: poll_after(counts, now.since(batch.created_at)),
        images: images.collect(),
    })
}

/// Milliseconds until asking again is worth it: often at first, when people watch; 0 when nothing will change.
const fn poll_after(counts: Counts, age: Duration) -> u64 {
    match (counts.open(), age.as_secs()) {
        (0, _) => 0,
        (_, 0..=29) => 1_000,
        (_, 30..=299) => 2_000,
        _ => 5_000,
    }
}

/// Changes with the content and with every half hour, so that a 304 never leaves anybody with dead links.
fn etag(status: &BatchStatus, now: Timestamp) -> String {
    let bucket = now.since(Timestamp::from_millis(0)).as_secs() / LINK_BUCKET.as_secs();
    let content = serde_json::to_vec(status).unwrap_or_default();
    let digest = Sha256::new()
        .chain_update(content)
        .chain_update(bucket.to_le_bytes())
        .finalize();
    format!("\"{}\"", hex::encode(digest.get(..16).unwrap_or_default()))
}

/// Does an `If-None-Match` name this tag? A proxy that compressed the answer has made it a weak one.
fn matches(known: &str, etag: &str) -> bool {
    known
        .split(',')
        .map(|tag| tag.trim().trim_start_matches("W/"))
        .any(|tag| tag == etag || tag == "*")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::{Batch, Credits, Draft, DraftImage, ImageState, Limits, timing::TimeLimits};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_790_000_000_000);

    fn found(states: &[ImageState]) -> BatchInFull {
        let user: domain::UserId = "anna".parse().unwrap();
        let image = || DraftImage {
            key: "uploads/anna/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg".into(),
            ..DraftImage::default()
        };
        let draft = Draft {
            images: states.iter().map(|_| image()).collect(),
            prompt: "blue".into(),
            ..Draft::default()
        };
        let submission = draft.check(&user, &Limits::default()).unwrap();
        let id = "5f2b6e0c-8f7b-8d53-9a3c-0a5bb3f3a001".parse().unwrap();
        let image = |state| Image {
            state,
            ..Image::default()
        };
        BatchInFull {
            batch: Batch::new(
                id,
                user,
                &submission,
                Credits::small(2),
                NOW,
                NOW,
                &TimeLimits::default(),
            ),
            prompt: submission.prompt,
            jobs: submission.jobs,
            images: (0..)
                .zip(states.iter().copied().map(image))
                .collect::<BTreeMap<_, _>>(),
        }
    }

    #[test]
    fn the_event_asks_for_a_batch() {
        let call =
            Call::from_event(include_str!("../../../events/batch-status/one-batch.json")).unwrap();
        assert!(call.path("id").unwrap().parse::<domain::BatchId>().is_ok());
        assert!(matches(call.header("if-none-match").unwrap(), "\"0123\""));
    }

    #[test]
    fn a_status_adds_up() {
        use ImageState::{Canceled, Completed, Failed, Pending, Processing};
        let status = status(
            &found(&[Pending, Processing, Completed, Failed, Canceled]),
            NOW,
        )
        .unwrap();
        assert_eq!(status.status, "processing");
        assert_eq!((status.credits_spent, status.credits_refunded), (10, 4));
        assert_eq!(status.counts.total, 5);
        assert_eq!(status.poll_after_ms, 1_000);
        assert_eq!(status.images.len(), 5);
    }

    #[test]
    fn what_the_bucket_has_thrown_away_has_no_link() {
        let mut found = found(&[ImageState::Completed, ImageState::Failed]);
        let image = found.images.get_mut(&0).unwrap();
        image.result_key = Some("results/anna/b/0.png".into());
        image.finished_at = Some(NOW.plus(Duration::from_hours(1)));
        let links = |days: u64| {
            let kept = kept(&found, NOW.plus(Duration::from_hours(24 * days)));
            kept.map(|(index, result, source)| (index, result, source.is_some()))
                .collect::<Vec<_>>()
        };
        assert_eq!(links(29), [(0, "results/anna/b/0.png", true)]);
        assert_eq!(links(30), [(0, "results/anna/b/0.png", false)]);
        assert_eq!(links(90), [(0, "results/anna/b/0.png", false)]);
        assert_eq!(links(91), []);
    }

    #[test]
    fn the_tag_changes_with_content_and_time_but_not_from_call_to_call() {
        let tag = |states: &[ImageState], now| etag(&status(&found(states), NOW).unwrap(), now);
        let first = tag(&[ImageState::Pending], NOW);
        assert_eq!(
            first,
            tag(&[ImageState::Pending], NOW.plus(Duration::from_secs(1)))
        );
        assert_ne!(first, tag(&[ImageState::Completed], NOW));
        assert_ne!(first, tag(&[ImageState::Pending], NOW.plus(LINK_BUCKET)));
        assert!(matches(&format!("\"x\", W/{first}"), &first));
        assert!(!matches("\"x\"", &first));
    }
}
