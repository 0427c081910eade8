//! Files in, upload links out. Signing needs no call to AWS: this answers from its own CPU.

use api::{FileToUpload, PresignRequest, PresignResponse, Upload};
use aws::Photos;
use domain::{Fault, Format, Limits, Timestamp, UploadKey, UserId, timing::UPLOAD_LINK};
use edge::http::{Call, Failure, ProblemKind, Reply};
use futures::future::try_join_all;
use uuid::Uuid;

pub(crate) struct Handler {
    pub(crate) photos: Photos,
    pub(crate) limits: Limits,
}

impl Handler {
    pub(crate) async fn handle(&self, call: Call) -> Result<Reply, Failure> {
        let user = call.caller()?.user;
        let PresignRequest { files } = call.json()?;
        let formats = check(&files, &self.limits).map_err(|faults| {
            Failure::new(
                ProblemKind::InvalidRequest,
                "some of these files cannot be uploaded",
            )
            .with_faults(faults)
        })?;
        let expires_at = Timestamp::now().plus(UPLOAD_LINK);
        let uploads = try_join_all(
            files
                .iter()
                .zip(formats)
                .map(|(file, format)| self.link(&user, file.size, format, expires_at)),
        )
        .await?;
        Ok(Reply::ok(&PresignResponse { uploads }))
    }

    async fn link(
        &self,
        user: &UserId,
        bytes: u64,
        format: Format,
        expires_at: Timestamp,
    ) -> Result<Upload, Failure> {
        let key = UploadKey::new(user.clone(), Uuid::new_v4(), format).to_string();
        let link = self
            .photos
            .upload_link(&key, format, bytes, UPLOAD_LINK)
            .await?;
        Ok(Upload {
            key,
            url: link.url,
            method: "PUT".to_owned(),
            headers: link.headers,
            expires_at: expires_at.to_string(),
        })
    }
}

/// The format of each file, or everything that is wrong with them.
fn check(files: &[FileToUpload], limits: &Limits) -> Result<Vec<Format>, Vec<Fault>> {
    let most = limits.max_files_per_presign;
    let fault = |pointer: String, detail: String| Fault { pointer, detail };
    if files.is_empty() {
        return Err(vec![fault(
            "/files".into(),
            "name at least one file".into(),
        )]);
    }
    if files.len() > most as usize {
        let detail = format!(
            "{} files are too many: ask for {most} at a time",
            files.len()
        );
        return Err(vec![fault("/files".into(), detail)]);
    }
    let mut faults = Vec::new();
    let mut formats = Vec::with_capacity(files.len());
    for (index, file) in files.iter().enumerate() {
        match Format::from_media_type(&file.content_type) {
            Some(format) => formats.push(format),
            None => faults.push(fault(
                format!("/files/{index}/contentType"),
                "must be \"image/png\", \"image/jpeg\" or \"image/webp\"; save the photo as one of these".into(),
            )),
        }
        if file.size == 0 {
            faults.push(fault(
                format!("/files/{index}/size"),
                "the file is empty".into(),
            ));
        } else if file.size > limits.max_file_bytes {
            faults.push(fault(
                format!("/files/{index}/size"),
                format!(
                    "at most {} bytes are taken; save the photo smaller",
                    limits.max_file_bytes
                ),
            ));
        }
    }
    if faults.is_empty() {
        Ok(formats)
    } else {
        Err(faults)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TWO_FILES: &str = include_str!("../../../events/presign-upload/two-files.json");

    fn handler() -> Handler {
        let settings = aws::Settings::new(
            "eu-central-1".into(),
            None,
            "AKIAEXAMPLE".into(),
            "secret".into(),
            None,
        );
        Handler {
            photos: Photos::new(&settings.unwrap(), "photos".into()),
            limits: Limits::default(),
        }
    }

    #[tokio::test]
    async fn links_are_for_the_caller_and_sign_type_length_and_no_overwrite() {
        let call = Call::from_event(TWO_FILES).unwrap();
        let user = call.caller().unwrap().user;
        let reply = handler().handle(call).await.unwrap();
        let PresignResponse { uploads } = serde_json::from_slice(reply.body()).unwrap();
        assert_eq!(uploads.len(), 2);
        for (upload, media_type) in uploads.iter().zip(["image/jpeg", "image/png"]) {
            let key: UploadKey = upload.key.parse().unwrap();
            assert_eq!(key.user(), &user);
            assert_eq!(upload.headers["content-type"], media_type);
            assert_eq!(upload.headers["if-none-match"], "*");
            let signed = "X-Amz-SignedHeaders=content-length%3Bcontent-type%3Bhost%3Bif-none-match";
            assert!(upload.url.contains(signed), "{}", upload.url);
            assert!(upload.url.contains("X-Amz-Expires=900"), "{}", upload.url);
            assert!(
                !upload.url.to_lowercase().contains("checksum"),
                "{}",
                upload.url
            );
        }
    }

    #[test]
    fn every_file_that_cannot_be_uploaded_is_named() {
        let file = |content_type: &str, size| FileToUpload {
            name: "a".into(),
            content_type: content_type.into(),
            size,
        };
        let pointers = |files: &[FileToUpload]| match check(files, &Limits::default()) {
            Ok(_) => vec![],
            Err(faults) => faults.into_iter().map(|fault| fault.pointer).collect(),
        };
        assert_eq!(pointers(&[]), ["/files"]);
        assert_eq!(pointers(&vec![file("image/png", 1); 101]), ["/files"]);
        assert_eq!(
            pointers(&[
                file("image/heic", 1),
                file("image/png", 0),
                file("image/webp", 50_000_001)
            ]),
            ["/files/0/contentType", "/files/1/size", "/files/2/size"]
        );
        assert_eq!(pointers(&vec![file("image/png", 50_000_000); 100]), [""; 0]);
    }
}
