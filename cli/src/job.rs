//! What was asked for in an output folder, on disk, so that a run after a crash or a lost answer goes on instead of buying
//! again. A job is one user's prompt and options at one service; its photos are known by their content.
//!
//! The rule that keeps money safe: a batch's idempotency key and everything that its request is made of are saved before
//! the request is sent, and do not change afterwards unless the service has refused it for certain.

use std::{
    collections::{HashMap, VecDeque},
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use api::{BatchStatus, FileToUpload, ImageToEdit, Options, SubmitRequest, SubmitResponse};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use crate::{
    files::{self, Readers},
    naming::Names,
    photos::{Photo, hex},
};

/// Ours, in the output folder.
const DIR: &str = ".bie";
/// The form of the file; another one is not read.
const VERSION: u32 = 1;
/// Uploads that were never submitted are sent anew after this; the bucket throws them away some day.
const UPLOAD_LIFETIME_SECONDS: u64 = 6 * 3600;

/// What makes a job another job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Wish {
    pub(crate) url: String,
    pub(crate) user_id: String,
    pub(crate) prompt: String,
    pub(crate) options: Options,
}

impl Wish {
    fn file_name(&self) -> anyhow::Result<String> {
        let digest = hex(&Sha256::digest(serde_json::to_vec(self)?));
        Ok(format!("{}.json", digest.get(..16).unwrap_or(&digest)))
    }
}

/// A wish and the batches that were bought for it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Job {
    version: u32,
    wish: Wish,
    batches: Vec<Batch>,
    /// The contact sheet's name in the output folder, if one was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) contact_sheet: Option<String>,
}

/// One submit, made or to be made.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Batch {
    idempotency_key: String,
    /// The request may have been sent.
    attempted: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    accepted: Option<Accepted>,
    entries: Vec<Entry>,
}

/// What the service said to a submit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Accepted {
    pub(crate) batch_id: String,
    pub(crate) credits_spent: u64,
    pub(crate) credits_refunded: u64,
}

/// One image of a batch, at its index.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Entry {
    pub(crate) sha256: String,
    /// Where the photo was seen last.
    pub(crate) source: PathBuf,
    pub(crate) content_type: String,
    pub(crate) size: u64,
    /// The result's name in the output folder.
    pub(crate) output: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    upload: Option<StoredUpload>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) outcome: Option<ImageOutcome>,
    /// Was refunded and is not this photo's last word any more.
    #[serde(default)]
    superseded: bool,
}

/// The service takes no name that could not stand in one line.
fn fits(name: &str) -> bool {
    !name.trim().is_empty() && !name.contains(char::is_control) && name.chars().count() <= 255
}

impl Entry {
    /// The photo's file name.
    fn name(&self) -> Option<String> {
        Some(self.source.file_name()?.to_string_lossy().into_owned())
    }

    fn may_have_a_result(&self) -> bool {
        self.outcome
            .as_ref()
            .is_none_or(|outcome| outcome.failure().is_none())
    }
}

/// A photo that is in the bucket.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct StoredUpload {
    key: String,
    /// Seconds since 1970.
    at: u64,
}

/// How an image ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", tag = "state")]
pub(crate) enum ImageOutcome {
    /// It has a result.
    Completed,
    /// It has none and was refunded.
    Failed {
        /// For programs.
        code: String,
        /// For people.
        message: String,
    },
    /// It was called off and refunded.
    Canceled,
}

impl ImageOutcome {
    /// As the status tells it; nothing while the image is open.
    pub(crate) fn of(image: &api::ImageStatus) -> Option<Self> {
        match image.status.as_str() {
            "completed" => Some(Self::Completed),
            "failed" => Some(match &image.error {
                Some(error) => Self::Failed {
                    code: error.code.clone(),
                    message: error.message.clone(),
                },
                None => Self::Failed {
                    code: "failed".to_owned(),
                    message: "no reason was given".to_owned(),
                },
            }),
            "canceled" => Some(Self::Canceled),
            _ => None,
        }
    }

    /// Why there is no result: a code and words.
    pub(crate) fn failure(&self) -> Option<(&str, &str)> {
        match self {
            Self::Completed => None,
            Self::Failed { code, message } => Some((code, message)),
            Self::Canceled => Some(("canceled", "the batch was canceled")),
        }
    }
}

/// An image by its batch and its index there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Place {
    pub(crate) batch: usize,
    pub(crate) entry: usize,
}

/// Uploads without a submit, by content.
pub(crate) type Drafts = HashMap<String, Vec<StoredUpload>>;

/// What a refusal leaves of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refused {
    /// The request was good and may come again.
    KeepUploads,
    /// Something in the request was not.
    DropUploads,
}

impl Job {
    pub(crate) const fn new(wish: Wish) -> Self {
        Self {
            version: VERSION,
            wish,
            batches: Vec::new(),
            contact_sheet: None,
        }
    }

    /// Takes out the batches that were never sent: nothing was paid for them. What they had uploaded is worth keeping.
    pub(crate) fn take_drafts(&mut self, now: u64) -> Drafts {
        let mut drafts = Drafts::new();
        for batch in self.batches.extract_if(.., |batch| !batch.attempted) {
            for entry in batch.entries {
                if let Some(upload) = entry.upload
                    && now.saturating_sub(upload.at) < UPLOAD_LIFETIME_SECONDS
                {
                    drafts.entry(entry.sha256).or_default().push(upload);
                }
            }
        }
        drafts
    }

    /// Images that failed do not answer for their photos any more: `recognise` will call those new.
    pub(crate) fn give_up_failed(&mut self) {
        for entry in self.batches.iter_mut().flat_map(|batch| &mut batch.entries) {
            entry.superseded |= !entry.may_have_a_result();
        }
    }

    /// The photos that this job has, by content, and those that it does not. The same content twice is two images.
    pub(crate) fn recognise<'p>(&mut self, photos: &'p [Photo]) -> (Vec<Place>, Vec<&'p Photo>) {
        let mut known: HashMap<String, VecDeque<Place>> = HashMap::new();
        for (place, entry) in self.entries() {
            if !entry.superseded {
                known
                    .entry(entry.sha256.clone())
                    .or_default()
                    .push_back(place);
            }
        }
        let (mut places, mut fresh) = (Vec::new(), Vec::new());
        for photo in photos {
            match known.get_mut(&photo.sha256).and_then(VecDeque::pop_front) {
                Some(place) => {
                    if let Some(entry) = self.entry_mut(place) {
                        entry.source.clone_from(&photo.path);
                    }
                    places.push(place);
                }
                None => fresh.push(photo),
            }
        }
        (places, fresh)
    }

    /// New batches for new photos, none larger than `limit`.
    pub(crate) fn plan(
        &mut self,
        fresh: &[&Photo],
        limit: usize,
        extension: &str,
        names: &mut Names,
        mut drafts: Drafts,
    ) -> Vec<Place> {
        let mut places = Vec::new();
        for photos in fresh.chunks(limit.max(1)) {
            let mut entries = Vec::new();
            for photo in photos {
                places.push(Place {
                    batch: self.batches.len(),
                    entry: entries.len(),
                });
                entries.push(Entry {
                    sha256: photo.sha256.clone(),
                    source: photo.path.clone(),
                    content_type: photo.kind.media_type().to_owned(),
                    size: photo.size,
                    output: names.allocate(&photo.path, extension),
                    upload: drafts.get_mut(&photo.sha256).and_then(Vec::pop),
                    outcome: None,
                    superseded: false,
                });
            }
            self.batches.push(Batch {
                idempotency_key: new_key(),
                attempted: false,
                accepted: None,
                entries,
            });
        }
        places
    }

    /// What still has to be uploaded of a batch, by index.
    pub(crate) fn to_upload(&self, batch: usize) -> Vec<(usize, PathBuf, FileToUpload)> {
        let missing = |(index, entry): (usize, &Entry)| {
            entry.upload.is_none().then(|| {
                let file = FileToUpload {
                    name: entry.name().unwrap_or_default(),
                    content_type: entry.content_type.clone(),
                    size: entry.size,
                };
                (index, entry.source.clone(), file)
            })
        };
        self.batches
            .get(batch)
            .into_iter()
            .flat_map(|batch| batch.entries.iter().enumerate())
            .filter_map(missing)
            .collect()
    }

    pub(crate) fn uploaded(&mut self, place: Place, key: String, at: u64) {
        if let Some(entry) = self.entry_mut(place) {
            entry.upload = Some(StoredUpload { key, at });
        }
    }

    /// The key and the request of a batch whose photos are all uploaded; from here on it counts as sent.
    pub(crate) fn attempt(&mut self, batch: usize) -> Option<(String, SubmitRequest)> {
        let batch = self.batches.get_mut(batch)?;
        let image = |entry: &Entry| {
            entry.upload.as_ref().map(|upload| ImageToEdit {
                key: upload.key.clone(),
                name: entry.name().filter(|name| fits(name)),
                prompt: None,
            })
        };
        let images = batch
            .entries
            .iter()
            .map(image)
            .collect::<Option<Vec<_>>>()?;
        batch.attempted = true;
        let request = SubmitRequest {
            images,
            prompt: self.wish.prompt.clone(),
            options: self.wish.options.clone(),
        };
        Some((batch.idempotency_key.clone(), request))
    }

    pub(crate) fn accepted(&mut self, batch: usize, response: &SubmitResponse) {
        if let Some(batch) = self.batches.get_mut(batch) {
            batch.accepted = Some(Accepted {
                batch_id: response.batch_id.clone(),
                credits_spent: response.credits_spent,
                credits_refunded: 0,
            });
        }
    }

    /// The service said no for certain: nothing was bought, and the batch is a draft again, under a new key.
    pub(crate) fn refused(&mut self, batch: usize, refused: Refused) {
        if let Some(batch) = self.batches.get_mut(batch) {
            batch.attempted = false;
            batch.idempotency_key = new_key();
            if refused == Refused::DropUploads {
                for entry in &mut batch.entries {
                    entry.upload = None;
                }
            }
        }
    }

    /// Notes what the status says, and answers which images have a result: index, name, link.
    pub(crate) fn apply(
        &mut self,
        batch: usize,
        status: &BatchStatus,
    ) -> Vec<(usize, String, Option<String>)> {
        let Some(batch) = self.batches.get_mut(batch) else {
            return Vec::new();
        };
        if let Some(accepted) = &mut batch.accepted {
            accepted.credits_refunded = status.credits_refunded;
        }
        let mut completed = Vec::new();
        for image in &status.images {
            let index = usize::try_from(image.index).unwrap_or(usize::MAX);
            let Some(entry) = batch.entries.get_mut(index) else {
                continue;
            };
            entry.outcome = ImageOutcome::of(image).or(entry.outcome.take());
            if entry.outcome == Some(ImageOutcome::Completed) {
                completed.push((index, entry.output.clone(), image.result_url.clone()));
            }
        }
        completed
    }

    pub(crate) fn accepted_as(&self, batch: usize) -> Option<&Accepted> {
        self.batches.get(batch)?.accepted.as_ref()
    }

    pub(crate) fn entry(&self, place: Place) -> Option<&Entry> {
        self.batches.get(place.batch)?.entries.get(place.entry)
    }

    fn entry_mut(&mut self, place: Place) -> Option<&mut Entry> {
        self.batches
            .get_mut(place.batch)?
            .entries
            .get_mut(place.entry)
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (Place, &Entry)> {
        self.batches
            .iter()
            .enumerate()
            .flat_map(|(batch, submitted)| {
                submitted
                    .entries
                    .iter()
                    .enumerate()
                    .map(move |(entry, found)| (Place { batch, entry }, found))
            })
    }

    pub(crate) fn images(&self, batch: usize) -> usize {
        self.batches
            .get(batch)
            .map_or(0, |batch| batch.entries.len())
    }
}

fn new_key() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// An output folder, held by one `bie` at a time.
pub(crate) struct Folder {
    out: PathBuf,
    #[expect(dead_code, reason = "the lock ends when the file is closed")]
    lock: File,
}

impl Folder {
    pub(crate) fn open(out: &Path) -> anyhow::Result<Self> {
        let dir = out.join(DIR);
        fs::create_dir_all(&dir)
            .with_context(|| format!("cannot make the folder {}", dir.display()))?;
        let path = dir.join("lock");
        let lock =
            File::create(&path).with_context(|| format!("cannot write {}", path.display()))?;
        match lock.try_lock() {
            // Some file systems have no locks; there, running it twice at once is up to the user.
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Self {
                out: out.to_owned(),
                lock,
            }),
            Err(TryLockError::WouldBlock) => anyhow::bail!(
                "another `bie edit` is working in {}: wait for it, or give another --out",
                out.display()
            ),
        }
    }

    /// The saved job for this wish, or a new one.
    pub(crate) fn job(&self, wish: Wish) -> anyhow::Result<JobFile> {
        let path = self.out.join(DIR).join(wish.file_name()?);
        let job = match read(&path)? {
            Some(job) => {
                anyhow::ensure!(
                    job.wish == wish,
                    "{} belongs to another wish",
                    path.display()
                );
                job
            }
            None => Job::new(wish),
        };
        Ok(JobFile {
            path,
            out: self.out.clone(),
            job,
        })
    }

    /// Every name that is in the folder or promised to a result.
    pub(crate) fn names(&self) -> anyhow::Result<Names> {
        let mut taken = Vec::new();
        for entry in fs::read_dir(&self.out)? {
            taken.push(entry?.file_name().to_string_lossy().into_owned());
        }
        for job in jobs(&self.out)? {
            taken.extend(job.contact_sheet);
            let sent = job.batches.into_iter().filter(|batch| batch.attempted);
            let entries = sent.flat_map(|batch| batch.entries);
            taken.extend(
                entries
                    .filter(Entry::may_have_a_result)
                    .map(|entry| entry.output),
            );
        }
        Ok(Names::new(taken))
    }

    /// The contact sheet that one of the jobs here made: the only one that may be written over.
    pub(crate) fn contact_sheet(&self) -> anyhow::Result<Option<String>> {
        let mut jobs = jobs(&self.out)?.into_iter();
        Ok(jobs.find_map(|job| job.contact_sheet))
    }
}

/// The names that a folder's jobs gave to the results of a batch, if one of them made it.
pub(crate) fn names_of_batch(out: &Path, batch_id: &str) -> anyhow::Result<Option<Vec<String>>> {
    let jobs = jobs(out)?;
    let mut batches = jobs.iter().flat_map(|job| &job.batches);
    let made = batches.find(|batch| {
        batch
            .accepted
            .as_ref()
            .is_some_and(|accepted| accepted.batch_id == batch_id)
    });
    Ok(made.map(|batch| {
        batch
            .entries
            .iter()
            .map(|entry| entry.output.clone())
            .collect()
    }))
}

fn jobs(out: &Path) -> anyhow::Result<Vec<Job>> {
    let dir = out.join(DIR);
    if !dir.is_dir() {
        return Ok(Vec::new());
    }
    let mut jobs = Vec::new();
    for entry in fs::read_dir(&dir).with_context(|| format!("cannot read {}", dir.display()))? {
        let path = entry?.path();
        if path
            .extension()
            .is_some_and(|extension| extension == "json")
        {
            jobs.extend(read(&path)?);
        }
    }
    Ok(jobs)
}

fn read(path: &Path) -> anyhow::Result<Option<Job>> {
    if !path.exists() {
        return Ok(None);
    }
    // Never "start anew": that could buy twice.
    let damaged = || {
        format!(
            "{} cannot be understood; it remembers what you bought: give another --out",
            path.display()
        )
    };
    let text = fs::read(path).with_context(|| format!("cannot read {}", path.display()))?;
    let job: Job = serde_json::from_slice(&text).with_context(damaged)?;
    anyhow::ensure!(job.version == VERSION, damaged());
    Ok(Some(job))
}

/// A job and where it is kept.
pub(crate) struct JobFile {
    path: PathBuf,
    out: PathBuf,
    pub(crate) job: Job,
}

impl JobFile {
    pub(crate) fn save(&self) -> anyhow::Result<()> {
        let text = serde_json::to_vec_pretty(&self.job)?;
        files::write_whole(&self.path, &text, Readers::Owner)
            .with_context(|| format!("cannot write {}", self.path.display()))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Where a result goes.
    pub(crate) fn output(&self, name: &str) -> PathBuf {
        self.out.join(name)
    }

    /// Whether an image of the batch is open, or its result not here.
    pub(crate) fn needs_following(&self, batch: usize) -> bool {
        self.job
            .entries()
            .filter(|(place, _)| place.batch == batch)
            .any(|(_, entry)| match &entry.outcome {
                None => true,
                Some(ImageOutcome::Completed) => !self.output(&entry.output).is_file(),
                Some(_) => false,
            })
    }
}

#[cfg(test)]
mod tests {
    use api::{Counts, ImageError, ImageStatus};

    use super::*;
    use crate::photos::Kind;

    fn wish(prompt: &str) -> Wish {
        Wish {
            url: "http://x".to_owned(),
            user_id: "me".to_owned(),
            prompt: prompt.to_owned(),
            options: Options::default(),
        }
    }

    fn photo(name: &str, content: &str) -> Photo {
        Photo {
            path: PathBuf::from(name),
            kind: Kind::Png,
            size: 1,
            sha256: content.to_owned(),
        }
    }

    fn planned(job: &mut Job, photos: &[Photo], limit: usize) -> Vec<Place> {
        let fresh: Vec<_> = photos.iter().collect();
        job.plan(&fresh, limit, "png", &mut Names::default(), Drafts::new())
    }

    fn sent(job: &mut Job, batch: usize) -> (String, SubmitRequest) {
        for (entry, ..) in job.to_upload(batch) {
            job.uploaded(Place { batch, entry }, format!("key-{batch}-{entry}"), 0);
        }
        job.attempt(batch).unwrap()
    }

    #[test]
    fn photos_are_split_into_batches() {
        let photos: Vec<_> = (0..5)
            .map(|n| photo(&format!("{n}.jpg"), &n.to_string()))
            .collect();
        let mut job = Job::new(wish("w"));
        let places = planned(&mut job, &photos, 2);
        assert_eq!(
            places
                .iter()
                .map(|place| (place.batch, place.entry))
                .collect::<Vec<_>>(),
            [(0, 0), (0, 1), (1, 0), (1, 1), (2, 0)]
        );
        assert_eq!((job.images(0), job.images(2), job.images(3)), (2, 1, 0));
        let keys: std::collections::HashSet<_> = job
            .batches
            .iter()
            .map(|batch| &batch.idempotency_key)
            .collect();
        assert_eq!(keys.len(), 3);
    }

    #[test]
    fn a_sent_batch_is_recognised_by_content_and_a_repeat_is_the_same() {
        let mut job = Job::new(wish("w"));
        planned(&mut job, &[photo("a.png", "A"), photo("b.png", "B")], 9);
        assert!(job.attempt(0).is_none(), "nothing is uploaded yet");
        let first = sent(&mut job, 0);
        assert!(job.take_drafts(0).is_empty());
        let photos = [
            photo("moved/a.png", "A"),
            photo("c.png", "C"),
            photo("a-copy.png", "A"),
        ];
        let (known, fresh) = job.recognise(&photos);
        assert_eq!(known, [Place { batch: 0, entry: 0 }]);
        assert_eq!(
            fresh
                .iter()
                .map(|photo| photo.path.to_str().unwrap())
                .collect::<Vec<_>>(),
            ["c.png", "a-copy.png"]
        );
        assert_eq!(
            job.entry(known[0]).unwrap().source,
            Path::new("moved/a.png")
        );
        assert_eq!(job.attempt(0).unwrap(), first);
    }

    #[test]
    fn drafts_give_back_their_uploads_while_those_last() {
        for (now, expected) in [(100, 1), (UPLOAD_LIFETIME_SECONDS + 1, 0)] {
            let mut job = Job::new(wish("w"));
            let photos = [photo("a.png", "A"), photo("b.png", "B")];
            let places = planned(&mut job, &photos, 9);
            job.uploaded(places[0], "k".to_owned(), 0);
            let drafts = job.take_drafts(now);
            assert_eq!(drafts.len(), expected);
            let (known, fresh) = job.recognise(&photos);
            assert!(known.is_empty());
            job.plan(&fresh, 9, "png", &mut Names::default(), drafts);
            assert_eq!(job.to_upload(0).len(), 2 - expected);
        }
    }

    #[test]
    fn a_refused_batch_gets_a_new_key() {
        for (refused, uploads) in [(Refused::KeepUploads, 0), (Refused::DropUploads, 1)] {
            let mut job = Job::new(wish("w"));
            planned(&mut job, &[photo("a.png", "A")], 9);
            let (key, _) = sent(&mut job, 0);
            job.refused(0, refused);
            assert_eq!(job.to_upload(0).len(), uploads);
            assert_ne!(job.batches[0].idempotency_key, key);
            assert_eq!(job.take_drafts(0).len(), 1 - uploads);
        }
    }

    fn image(index: u32, status: &str, error: Option<ImageError>) -> ImageStatus {
        let result_url = (status == "completed").then(|| format!("http://r/{index}"));
        ImageStatus {
            index,
            key: String::new(),
            name: None,
            status: status.to_owned(),
            result_url,
            source_url: None,
            error,
            provider_calls: 1,
        }
    }

    fn status(images: Vec<ImageStatus>) -> BatchStatus {
        BatchStatus {
            batch_id: "b".to_owned(),
            status: "processing".to_owned(),
            prompt: String::new(),
            options: Options::default(),
            credits_spent: 3,
            credits_refunded: 1,
            created_at: String::new(),
            finished_at: None,
            retry_of: None,
            retried_in: None,
            counts: Counts::default(),
            poll_after_ms: 1,
            images,
        }
    }

    #[test]
    fn a_failed_image_is_bought_again_only_when_asked() {
        let mut job = Job::new(wish("w"));
        let photos = [
            photo("a.png", "A"),
            photo("b.png", "B"),
            photo("c.png", "C"),
        ];
        planned(&mut job, &photos, 9);
        sent(&mut job, 0);
        let error = ImageError {
            code: "moderated".to_owned(),
            message: "refused".to_owned(),
        };
        let news = status(vec![
            image(0, "completed", None),
            image(1, "failed", Some(error)),
            image(2, "processing", None),
            image(7, "completed", None),
        ]);
        assert_eq!(
            job.apply(0, &news),
            [(0, "a.png".to_owned(), Some("http://r/0".to_owned()))]
        );
        assert_eq!(job.recognise(&photos).1.len(), 0);
        job.give_up_failed();
        let (known, fresh) = job.recognise(&photos);
        assert_eq!(
            (known.len(), fresh.len(), fresh[0].sha256.as_str()),
            (2, 1, "B")
        );
    }

    #[test]
    fn a_job_survives_the_disk_and_keeps_its_names() {
        let dir = tempfile::tempdir().unwrap();
        let folder = Folder::open(dir.path()).unwrap();
        let mut file = folder.job(wish("w")).unwrap();
        planned(&mut file.job, &[photo("a.png", "A")], 9);
        let (key, request) = sent(&mut file.job, 0);
        file.save().unwrap();
        fs::write(dir.path().join("b.png"), "").unwrap();
        let mut again = folder.job(wish("w")).unwrap();
        assert_eq!(again.job.attempt(0).unwrap(), (key, request));
        assert_eq!(folder.job(wish("other")).unwrap().job.entries().count(), 0);
        let mut names = folder.names().unwrap();
        assert_eq!(names.allocate(Path::new("a.jpg"), "png"), "a-2.png");
        assert_eq!(names.allocate(Path::new("b.jpg"), "png"), "b-2.png");
        assert!(again.needs_following(0));
        fs::write(&again.path, "{}").unwrap();
        assert!(
            folder.job(wish("w")).is_err(),
            "a damaged file must not start anew"
        );
    }

    #[test]
    fn one_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let first = Folder::open(dir.path()).unwrap();
        assert!(Folder::open(dir.path()).is_err());
        drop(first);
        assert!(Folder::open(dir.path()).is_ok());
    }
}
