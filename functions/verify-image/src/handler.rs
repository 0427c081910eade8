//! A photo's first and last bytes in, a verdict out. Only a photo that is not fit as it is gets read as a whole, and what
//! is made of it is saved beside it.

use aws::{AwsError, Photos};
use bytes::Bytes;
use domain::{Limits, Verdict, Work, work_key};
use edge::task::TaskError;
use picture::{Fitted, HEAD_BYTES, Judgement, PictureRefused, Sample, TAIL_BYTES, judge, make_fit};
use tracing::info;

pub(crate) struct Handler {
    pub(crate) photos: Photos,
    pub(crate) limits: Limits,
}

/// Why there is no picture.
enum Unfit {
    Refused(PictureRefused),
    Ours(AwsError),
}

impl From<PictureRefused> for Unfit {
    fn from(refused: PictureRefused) -> Self {
        Self::Refused(refused)
    }
}

impl From<AwsError> for Unfit {
    fn from(error: AwsError) -> Self {
        Self::Ours(error)
    }
}

impl Handler {
    pub(crate) async fn handle(&self, work: Work) -> Result<Verdict, TaskError> {
        let image = work.image;
        match self.verify(&work).await {
            Ok(verdict) => {
                info!(batch.id = %image.batch_id, image.index = image.index, "{image} is fit");
                Ok(verdict)
            }
            Err(Unfit::Refused(refused)) => {
                let code = refused.code();
                info!(batch.id = %image.batch_id, image.index = image.index, code, "refused {image}: {code}");
                Ok(Verdict::Refused(refused.into()))
            }
            Err(Unfit::Ours(error)) => Err(TaskError::aws(image)(error)),
        }
    }

    /// The upload itself, if it is fit. The tail is asked for after the head, because most files for the web have none.
    async fn verify(&self, work: &Work) -> Result<Verdict, Unfit> {
        let key = work.key.to_string();
        let head = self.photos.head(&key, HEAD_BYTES).await?;
        let head = head.ok_or(PictureRefused::Missing)?;
        let is_whole = head.bytes.len() as u64 >= head.total;
        let tail = if is_whole {
            Bytes::new()
        } else {
            let tail = self.photos.tail(&key, TAIL_BYTES).await?;
            tail.ok_or(PictureRefused::Missing)?.bytes
        };
        let sample = Sample::new(&head.bytes, &tail, head.total);
        match judge(&sample, &self.limits)? {
            Judgement::Fit(picture) => Ok(Verdict::Fit { key, picture }),
            Judgement::ReadWhole if is_whole => self.make_fit(work, key, head.bytes).await,
            Judgement::ReadWhole => {
                let file = self.photos.get(&key).await?;
                self.make_fit(work, key, file).await
            }
        }
    }

    /// Another file for the provider, unless all of it shows that it is fit after all.
    async fn make_fit(&self, work: &Work, key: String, file: Bytes) -> Result<Verdict, Unfit> {
        match make_fit(file, &self.limits)? {
            Fitted::AsItIs(picture) => Ok(Verdict::Fit { key, picture }),
            Fitted::Rewritten(picture, bytes) => {
                let key = work_key(work.key.user(), work.image, picture.format);
                self.photos.put(&key, bytes.into(), picture.format).await?;
                Ok(Verdict::Fit { key, picture })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_event_is_one_images_work() {
        let json = include_str!("../../../events/verify-image/one-photo.json");
        let work: Work = serde_json::from_str(json).unwrap();
        assert_eq!(work.image.index, 3);
    }
}
