//! S3: uploads and results.

use std::{collections::BTreeMap, time::Duration};

use aws_sdk_s3::{
    config::{RequestChecksumCalculation, ResponseChecksumValidation},
    error::SdkError,
    presigning::PresigningConfig,
    primitives::ByteStream,
    types::{Delete, Object, ObjectIdentifier},
};
use bytes::Bytes;
use domain::Format;

use crate::{AwsError, Settings, settings::client};

/// The bucket of photos.
#[derive(Clone, Debug)]
pub struct Photos {
    client: aws_sdk_s3::Client,
    bucket: String,
}

/// A presigned PUT.
#[derive(Clone, Debug)]
pub struct UploadLink {
    /// Where to send the bytes.
    pub url: String,
    /// What the signature covers and the client has to send; its `Content-Length` is covered too and sent by itself.
    pub headers: BTreeMap<String, String>,
}

/// Some bytes of an object.
#[derive(Clone, Debug)]
pub struct PartOfPhoto {
    /// The bytes asked for, or fewer at its end.
    pub bytes: Bytes,
    /// Length of the whole object.
    pub total: u64,
}

impl Photos {
    /// The photos in this bucket.
    #[must_use]
    pub fn new(settings: &Settings, bucket: String) -> Self {
        // The SDK's default checksums would become part of a presigned URL that no browser can fulfil.
        let client = client!(settings, aws_sdk_s3, |builder| builder
            .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
            .response_checksum_validation(ResponseChecksumValidation::WhenRequired));
        Self { client, bucket }
    }

    /// A link to upload exactly this many bytes of this type to a place where nothing is yet.
    pub async fn upload_link(
        &self,
        key: &str,
        format: Format,
        bytes: u64,
        valid_for: Duration,
    ) -> Result<UploadLink, AwsError> {
        let operation = "presigning s3:PutObject";
        let presigned = self
            .client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(format.media_type())
            .content_length(i64::try_from(bytes).map_err(AwsError::call(operation))?)
            .if_none_match("*")
            .presigned(presigning(valid_for)?)
            .await
            .map_err(AwsError::call(operation))?;
        let headers = presigned
            .headers()
            .filter(|(name, _)| !["host", "content-length"].contains(name))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        Ok(UploadLink {
            url: presigned.uri().to_owned(),
            headers,
        })
    }

    /// A link to fetch an object.
    pub async fn download_link(&self, key: &str, valid_for: Duration) -> Result<String, AwsError> {
        self.client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .presigned(presigning(valid_for)?)
            .await
            .map(|presigned| presigned.uri().to_owned())
            .map_err(AwsError::call("presigning s3:GetObject"))
    }

    /// A link to fetch a photo as what it is: an upload is served as whatever its user declared it to be otherwise.
    pub async fn photo_link(
        &self,
        key: &str,
        format: Format,
        valid_for: Duration,
    ) -> Result<String, AwsError> {
        self.client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .response_content_type(format.media_type())
            .presigned(presigning(valid_for)?)
            .await
            .map(|presigned| presigned.uri().to_owned())
            .map_err(AwsError::call("presigning s3:GetObject"))
    }

    /// The first `bytes` bytes of an object; `None` if there is no such object.
    pub async fn head(&self, key: &str, bytes: usize) -> Result<Option<PartOfPhoto>, AwsError> {
        self.part(key, format!("bytes=0-{}", bytes.saturating_sub(1)))
            .await
    }

    /// The last `bytes` bytes of an object; `None` if there is no such object.
    pub async fn tail(&self, key: &str, bytes: usize) -> Result<Option<PartOfPhoto>, AwsError> {
        self.part(key, format!("bytes=-{bytes}")).await
    }

    async fn part(&self, key: &str, range: String) -> Result<Option<PartOfPhoto>, AwsError> {
        let operation = "s3:GetObject";
        let got = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .range(range)
            .send()
            .await;
        let object = match got {
            Ok(object) => object,
            Err(SdkError::ServiceError(e)) if e.err().is_no_such_key() => return Ok(None),
            // An empty object has no range that could be satisfied.
            Err(SdkError::ServiceError(e)) if e.raw().status().as_u16() == 416 => {
                return Ok(Some(PartOfPhoto {
                    bytes: Bytes::new(),
                    total: 0,
                }));
            }
            Err(error) => return Err(AwsError::call(operation)(error)),
        };
        let total = object
            .content_range()
            .and_then(|range| range.rsplit_once('/')?.1.parse().ok());
        let bytes = object
            .body
            .collect()
            .await
            .map_err(AwsError::call(operation))?
            .into_bytes();
        Ok(Some(PartOfPhoto {
            // Without a Content-Range the server has sent all there is.
            total: total.unwrap_or(bytes.len() as u64),
            bytes,
        }))
    }

    /// All of an object.
    pub async fn get(&self, key: &str) -> Result<Bytes, AwsError> {
        let operation = "s3:GetObject";
        let object = self
            .client
            .get_object()
            .bucket(&self.bucket)
            .key(key)
            .send()
            .await
            .map_err(AwsError::call(operation))?;
        let body = object.body.collect().await;
        Ok(body.map_err(AwsError::call(operation))?.into_bytes())
    }

    /// Is there such an object? Anything but a clear yes or no is an error: who asks is about to refund (R5).
    pub async fn exists(&self, key: &str) -> Result<bool, AwsError> {
        let head = self.client.head_object().bucket(&self.bucket).key(key);
        match head.send().await {
            Ok(_) => Ok(true),
            Err(SdkError::ServiceError(e)) if e.err().is_not_found() => Ok(false),
            Err(error) => Err(AwsError::call("s3:HeadObject")(error)),
        }
    }

    /// Saves an object as a whole: it is there completely or not at all.
    pub async fn put(&self, key: &str, bytes: Bytes, format: Format) -> Result<(), AwsError> {
        self.client
            .put_object()
            .bucket(&self.bucket)
            .key(key)
            .content_type(format.media_type())
            .body(ByteStream::from(bytes))
            .send()
            .await
            .map(drop)
            .map_err(AwsError::call("s3:PutObject"))
    }

    /// Deletes everything in a folder, page by page: what an error leaves, the next try finds.
    pub async fn delete_all(&self, folder: &str) -> Result<(), AwsError> {
        let mut pages = self
            .client
            .list_objects_v2()
            .bucket(&self.bucket)
            .prefix(folder)
            .into_paginator()
            .send();
        while let Some(page) = pages.next().await {
            let page = page.map_err(AwsError::call("s3:ListObjectsV2"))?;
            let keys: Vec<_> = page.contents().iter().filter_map(Object::key).collect();
            if !keys.is_empty() {
                self.delete(&keys).await?;
            }
        }
        Ok(())
    }

    /// Deletes at most 1,000 objects. A 200 answer may still list some that were not.
    async fn delete(&self, keys: &[&str]) -> Result<(), AwsError> {
        let operation = "s3:DeleteObjects";
        let objects = keys
            .iter()
            .map(|key| ObjectIdentifier::builder().key(*key).build())
            .collect::<Result<_, _>>()
            .map_err(AwsError::call(operation))?;
        let delete = Delete::builder()
            .set_objects(Some(objects))
            .quiet(true)
            .build()
            .map_err(AwsError::call(operation))?;
        let answer = self
            .client
            .delete_objects()
            .bucket(&self.bucket)
            .delete(delete)
            .send()
            .await
            .map_err(AwsError::call(operation))?;
        match answer.errors() {
            [] => Ok(()),
            [first, ..] => Err(AwsError::Call {
                operation,
                context: format!(
                    "{} of {} objects are still there: {}",
                    answer.errors().len(),
                    keys.len(),
                    first.code().unwrap_or("no code")
                ),
            }),
        }
    }
}

/// How long until a link of now ends.
fn presigning(valid_for: Duration) -> Result<PresigningConfig, AwsError> {
    PresigningConfig::expires_in(valid_for).map_err(AwsError::call("presigning"))
}
