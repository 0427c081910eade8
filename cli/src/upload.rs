//! Gets a batch's photos into the bucket: links in chunks, a few files at a time, each success saved.

use std::{cell::RefCell, fs, path::Path};

use anyhow::Context as _;
use api::{FileToUpload, PresignRequest, Upload};
use bytes::Bytes;
use futures::{StreamExt as _, stream};

use crate::{
    client::{Client, Error},
    job::{JobFile, Place},
    render::UploadMeter,
    session::now,
};

/// Files on their way at once.
const PARALLEL: usize = 5;

/// Uploads what is missing of a batch. What got through before an error stays noted.
pub(crate) async fn batch(
    client: &Client,
    job: &RefCell<JobFile>,
    batch: usize,
    links_at_once: usize,
    meter: &UploadMeter,
) -> anyhow::Result<()> {
    let missing = job.borrow().job.to_upload(batch);
    for chunk in missing.chunks(links_at_once.max(1)) {
        let files = chunk.iter().map(|(_, _, file)| file.clone()).collect();
        let links = links(client, files).await?;
        let mut running = stream::iter(chunk.iter().zip(links))
            .map(async |((entry, path, file), link)| {
                one(client, path, file, link)
                    .await
                    .map(|key| (*entry, key, file.size))
            })
            .buffer_unordered(PARALLEL);
        while let Some(done) = running.next().await {
            let (entry, key, size) = done?;
            let mut job = job.borrow_mut();
            job.job.uploaded(Place { batch, entry }, key, now());
            job.save()?;
            meter.uploaded(size);
        }
    }
    Ok(())
}

async fn links(client: &Client, files: Vec<FileToUpload>) -> anyhow::Result<Vec<Upload>> {
    let asked = files.len();
    let uploads = client.presign(&PresignRequest { files }).await?.uploads;
    anyhow::ensure!(
        uploads.len() == asked,
        "asked for {asked} upload links, got {}",
        uploads.len()
    );
    Ok(uploads)
}

/// The key under which the file is in the bucket now.
async fn one(
    client: &Client,
    path: &Path,
    file: &FileToUpload,
    link: Upload,
) -> anyhow::Result<String> {
    let failed = || format!("cannot upload {}", path.display());
    let bytes = Bytes::from(fs::read(path).with_context(failed)?);
    anyhow::ensure!(
        u64::try_from(bytes.len()).ok() == Some(file.size),
        "{} changed while it was being uploaded: run the same command again",
        path.display()
    );
    match client.upload(&link, &bytes).await {
        Ok(()) => Ok(link.key),
        // A slow line can outlive its links; 403 is how the bucket says so.
        Err(Error::Unexpected { status, .. }) if status.as_u16() == 403 => {
            let fresh = links(client, vec![file.clone()])
                .await
                .with_context(failed)?;
            let fresh = fresh.into_iter().next().with_context(failed)?;
            client.upload(&fresh, &bytes).await.with_context(failed)?;
            Ok(fresh.key)
        }
        Err(error) => Err(error).with_context(failed),
    }
}
