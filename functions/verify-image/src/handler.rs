//! A photo's first and last bytes in, a verdict out. Nothing is decoded here, so nothing can explode.

use aws::Photos;
use domain::{Limits, Picture, PictureRefused, TAIL_BYTES, Verdict, Work, probe};
use edge::task::TaskError;
use futures::future::try_join;
use tracing::info;

/// How much of a file's beginning is read, one try after the other: nearly always enough, and surely enough for the
/// metadata that a JPEG may carry before its dimensions.
const HEAD_BYTES: [usize; 2] = [64 * 1024, 8 * 1024 * 1024];

pub(crate) struct Handler {
    pub(crate) photos: Photos,
    pub(crate) limits: Limits,
}

impl Handler {
    pub(crate) async fn handle(&self, work: Work) -> Result<Verdict, TaskError> {
        let Work { image, key, .. } = work;
        let judged = self
            .judge(&key.to_string())
            .await
            .map_err(TaskError::aws(image))?;
        let verdict = match judged {
            Ok(picture) => {
                info!(batch.id = %image.batch_id, image.index = image.index, "{image} is fit");
                Verdict::Fit(picture)
            }
            Err(refused) => {
                let code = refused.code();
                info!(batch.id = %image.batch_id, image.index = image.index, code, "refused {image}: {code}");
                Verdict::Refused(refused.into())
            }
        };
        Ok(verdict)
    }

    async fn judge(&self, key: &str) -> Result<Result<Picture, PictureRefused>, aws::AwsError> {
        for head_bytes in HEAD_BYTES {
            let (head, tail) = try_join(
                self.photos.head(key, head_bytes),
                self.photos.tail(key, TAIL_BYTES),
            )
            .await?;
            let (Some(head), Some(tail)) = (head, tail) else {
                return Ok(Err(PictureRefused::Missing));
            };
            if let Some(judged) =
                probe(&head.bytes, &tail.bytes, head.total, &self.limits).transpose()
            {
                return Ok(judged);
            }
        }
        Ok(Err(PictureRefused::Damaged))
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
