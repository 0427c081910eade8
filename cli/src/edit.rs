//! `bie edit`: from files and a wish to edited files. Puts the steps in order; each step lives in its own module.

use std::{
    cell::RefCell,
    collections::{BTreeSet, HashSet},
    fs,
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use api::{Account, Limits, Options};

use crate::{
    App, Outcome,
    args::{Consent, EditArgs},
    ask,
    client::{Client, Error},
    files::{self, Readers},
    follow,
    job::{Folder, JobFile, Place, Refused, Wish},
    naming::CONTACT_SHEET,
    photos::{self, Found, Photo},
    price,
    render::{self, BatchMeter, UploadMeter, count, count_of, note},
    report::{BatchReport, Edited, Failed, Report},
    session::now,
    sheet, upload,
};

/// Why nothing was bought.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Stop {
    /// Some pictures cannot be edited.
    #[error("{0}\nnothing was uploaded or spent; mend these, or leave them out with --skip-unfit")]
    Unfit(String),
    /// No photo is left.
    #[error("there is no photo to edit")]
    Nothing,
    /// An empty wish.
    #[error("the prompt is empty: say what should be done with the photos")]
    NoPrompt,
    /// Too long a wish.
    #[error("the prompt has {is} characters, and {may} is the most")]
    LongPrompt {
        /// Characters.
        is: usize,
        /// Characters.
        may: u32,
    },
    /// The price list has no line for it.
    #[error(
        "the service has no price for this quality and size: choose a smaller --size (`bie account` lists the prices)"
    )]
    NoPrice,
    /// The balance does not cover it.
    #[error("too few credits: {}", render::too_few(*.needed, *.credits))]
    TooFewCredits {
        /// The price.
        needed: u64,
        /// The balance.
        credits: u64,
    },
    /// Somebody must say yes, and nobody is there.
    #[error("the price, {}, is above {above}, and there is no terminal to ask: add --yes, or raise --ask-above", count(*.price, "credit"))]
    NobodyToAsk {
        /// The price.
        price: u64,
        /// `--ask-above`
        above: u64,
    },
    /// Somebody said no.
    #[error("nothing was bought")]
    Declined,
}

impl Stop {
    /// For programs.
    pub(crate) const fn code(&self) -> &'static str {
        match self {
            Self::Unfit(_) => "unfit_files",
            Self::Nothing => "no_files",
            Self::NoPrompt | Self::LongPrompt { .. } => "bad_prompt",
            Self::NoPrice => "no_price",
            Self::TooFewCredits { .. } => "insufficient_credits",
            Self::NobodyToAsk { .. } => "confirmation_needed",
            Self::Declined => "declined",
        }
    }
}

pub(crate) async fn run(app: &App, args: &EditArgs) -> anyhow::Result<Outcome> {
    let prompt = args.prompt.trim();
    anyhow::ensure!(!prompt.is_empty(), Stop::NoPrompt);
    let found = photos::find(&args.files, &args.out)?;
    let client = app.client()?;
    let account = client.account().await?;
    let (is, may) = (prompt.chars().count(), account.limits.max_prompt_chars);
    anyhow::ensure!(
        u32::try_from(is).is_ok_and(|is| is <= may),
        Stop::LongPrompt { is, may }
    );
    let photos = fit(found, &account.limits, args)?;

    let folder = Folder::open(&args.out)?;
    let options = Options {
        quality: Some(args.quality.name().to_owned()),
        size: Some(args.size.clone()),
        format: Some(args.format.name().to_owned()),
    };
    let wish = Wish {
        url: client.origin().to_owned(),
        user_id: account.user_id.clone(),
        prompt: prompt.to_owned(),
        options,
    };
    let job = folder.job(wish.clone())?;
    let sheet = folder.contact_sheet()?;
    let photos = without_results(photos, &job, sheet.as_deref());
    anyhow::ensure!(!photos.is_empty(), Stop::Nothing);

    let run = Run {
        client: &client,
        account: &account,
        args,
        options: &wish.options,
        folder: &folder,
        sheet,
        job: RefCell::new(job),
    };
    let (places, credits_spent) = run.buy(&photos).await?;
    run.follow(&places).await.context(RESUME)?;
    let credits = client.account().await?.credits;
    run.report(&places, credits_spent, credits)
}

/// How to go on after an error.
const RESUME: &str =
    "not finished; run the same command again to go on where this stopped: nothing is bought twice";

/// Holds every file against the limits. One that does not fit stops everything, unless it is to be left out.
fn fit(found: Found, limits: &Limits, args: &EditArgs) -> Result<Vec<Photo>, Stop> {
    for path in &found.passed_over {
        note(&format!("passing over {}: not a picture", path.display()));
    }
    let (mut photos, mut unfit) = (Vec::new(), found.unfit);
    for (path, kind) in found.photos {
        match photos::measure(&path, kind, limits) {
            Ok(photo) => photos.push(photo),
            Err(reason) => unfit.push(reason),
        }
    }
    let lines: Vec<_> = unfit
        .iter()
        .map(|file| format!("{} {}", file.path.display(), file.reason))
        .collect();
    if args.skip_unfit {
        for line in lines {
            note(&format!("leaving out: {line}"));
        }
    } else if !lines.is_empty() {
        return Err(Stop::Unfit(lines.join("\n")));
    }
    Ok(photos)
}

/// A second run with `*.png --out .` must not buy edits of its own results.
fn without_results(photos: Vec<Photo>, job: &JobFile, sheet: Option<&str>) -> Vec<Photo> {
    let outputs = job.job.entries().map(|(_, entry)| entry.output.as_str());
    let results: HashSet<_> = outputs
        .chain(sheet)
        .filter_map(|name| fs::canonicalize(job.output(name)).ok())
        .collect();
    let is_result =
        |photo: &Photo| fs::canonicalize(&photo.path).is_ok_and(|path| results.contains(&path));
    let (results, photos): (Vec<_>, Vec<_>) = photos.into_iter().partition(is_result);
    for photo in results {
        note(&format!(
            "passing over {}: it is a result of this very command",
            photo.path.display()
        ));
    }
    photos
}

/// Whether an earlier run may have bought the batch already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Attempt {
    First,
    Repeat,
}

/// One run of the command.
struct Run<'a> {
    client: &'a Client,
    account: &'a Account,
    args: &'a EditArgs,
    options: &'a Options,
    folder: &'a Folder,
    /// The contact sheet that an earlier run has made.
    sheet: Option<String>,
    job: RefCell<JobFile>,
}

impl Run<'_> {
    /// Makes sure that every photo is in an accepted batch, and buys only what is in none. Answers where each photo is,
    /// and what was debited.
    async fn buy(&self, photos: &[Photo]) -> anyhow::Result<(Vec<Place>, u64)> {
        let (drafts, mut places, fresh) = {
            let job = &mut self.job.borrow_mut().job;
            let drafts = job.take_drafts(now());
            if self.args.retry_failed {
                job.give_up_failed();
            }
            let (places, fresh) = job.recognise(photos);
            (drafts, places, fresh)
        };
        let again: Vec<usize> = batches(&places)
            .into_iter()
            .filter(|batch| self.job.borrow().job.accepted_as(*batch).is_none())
            .collect();
        let is_agreed = self.agree_to_the_rest(&again, &places, fresh.len())?;
        let mut spent = 0;
        for batch in &again {
            note(
                "an earlier submit got no clear answer: asking again under the same key, so it cannot be paid twice",
            );
            spent += self.submit(*batch, Attempt::Repeat).await?;
        }
        let credits = if again.is_empty() {
            self.account.credits
        } else {
            self.client.account().await?.credits
        };
        if !places.is_empty() {
            note(&format!(
                "{} of {} known from an earlier run",
                places.len(),
                count_of(photos.len(), "photo")
            ));
        }
        if !fresh.is_empty() {
            let price = say_price(self.account, self.options, fresh.len(), credits)?;
            if !is_agreed {
                spend(price, self.args.consent)?;
            }
            let limit = usize::try_from(self.account.limits.max_images_per_batch)?;
            let mut names = self.folder.names()?;
            let extension = self.args.format.extension();
            let new = self
                .job
                .borrow_mut()
                .job
                .plan(&fresh, limit, extension, &mut names, drafts);
            self.job.borrow().save()?;
            spent += self.send(&batches(&new)).await?;
            places.extend(new);
        }
        Ok((places, spent))
    }

    /// A batch is bought whole. Whoever names only some of its photos has not asked for the others in this run: they are
    /// asked now, for all that this run may buy. Answers whether they were.
    fn agree_to_the_rest(
        &self,
        again: &[usize],
        places: &[Place],
        fresh: usize,
    ) -> anyhow::Result<bool> {
        let job = self.job.borrow();
        let images: usize = again.iter().map(|batch| job.job.images(*batch)).sum();
        let named = places.iter().filter(|place| again.contains(&place.batch));
        let named = named.count();
        if images == named {
            return Ok(false);
        }
        let price = price_of(self.account, self.options, images)?;
        note(&format!(
            "an earlier submit has {} than this run; price of all of it: {}, unless it is bought already",
            count_of(images - named, "more photo"),
            count(price, "credit")
        ));
        let fresh = price_of(self.account, self.options, fresh)?;
        spend(price.saturating_add(fresh), self.args.consent)?;
        Ok(true)
    }

    /// Uploads and submits planned batches.
    async fn send(&self, batches: &BTreeSet<usize>) -> anyhow::Result<u64> {
        let links_at_once = usize::try_from(self.account.limits.max_files_per_presign)?;
        let missing: usize = batches
            .iter()
            .map(|batch| self.job.borrow().job.to_upload(*batch).len())
            .sum();
        let meter = UploadMeter::new(u64::try_from(missing)?);
        let mut spent = 0;
        for batch in batches {
            upload::batch(self.client, &self.job, *batch, links_at_once, &meter)
                .await
                .context(RESUME)?;
            spent += self.submit(*batch, Attempt::First).await?;
        }
        Ok(spent)
    }

    /// Saves, then sends. Answers what was debited.
    async fn submit(&self, batch: usize, attempt: Attempt) -> anyhow::Result<u64> {
        let (key, request) = self
            .job
            .borrow_mut()
            .job
            .attempt(batch)
            .context("some photos of the batch are not uploaded")?;
        self.job.borrow().save()?;
        match self.client.submit(&key, &request).await {
            Ok(response) => {
                self.job.borrow_mut().job.accepted(batch, &response);
                self.job.borrow().save()?;
                Ok(response.credits_spent)
            }
            Err(error) => {
                if let Some(refused) = refused_for_certain(&error, attempt) {
                    self.job.borrow_mut().job.refused(batch, refused);
                    self.job.borrow().save()?;
                    return Err(error)
                        .context("the batch was not accepted, and nothing was spent on it");
                }
                match (attempt, error.status()) {
                    (Attempt::Repeat, Some(400..500)) => Err(error).with_context(|| {
                        format!(
                            "an earlier submit got no answer, and its repeat is refused: see in `bie history` whether it was bought; if not, delete {} and run the same command again",
                            self.job.borrow().path().display()
                        )
                    }),
                    _ => Err(error).context(RESUME),
                }
            }
        }
    }

    /// All batches at once; one that errs does not stop the others.
    async fn follow(&self, places: &[Place]) -> anyhow::Result<()> {
        let open: Vec<_> = batches(places)
            .into_iter()
            .filter(|batch| self.job.borrow().needs_following(*batch))
            .collect();
        if open.is_empty() {
            return Ok(());
        }
        for batch in &open {
            if let Some(accepted) = self.job.borrow().job.accepted_as(*batch) {
                note(&format!(
                    "batch {}; after an interruption, run the same command again",
                    accepted.batch_id
                ));
            }
        }
        let meter = BatchMeter::new(
            open.iter()
                .map(|batch| (*batch, self.job.borrow().job.images(*batch))),
        );
        let all = open
            .iter()
            .map(|batch| follow::batch(self.client, &self.job, *batch, &meter));
        futures::future::join_all(all).await.into_iter().collect()
    }

    fn report(
        &self,
        places: &[Place],
        credits_spent: u64,
        credits: u64,
    ) -> anyhow::Result<Outcome> {
        let job = self.job.borrow();
        let (mut edited, mut failed) = (Vec::new(), Vec::new());
        for entry in places.iter().filter_map(|place| job.job.entry(*place)) {
            let file = entry.source.clone();
            match entry.outcome.as_ref().and_then(|outcome| outcome.failure()) {
                Some((code, message)) => failed.push(Failed {
                    file,
                    code: code.to_owned(),
                    message: message.to_owned(),
                    refunded: true,
                }),
                None => edited.push(Edited {
                    file,
                    result: job.output(&entry.output),
                }),
            }
        }
        drop(job);
        let contact_sheet = if self.args.contact_sheet {
            self.sheet(&edited)?
        } else {
            None
        };
        let job = self.job.borrow();
        let accepted = batches(places)
            .into_iter()
            .filter_map(|batch| job.job.accepted_as(batch));
        let report = Report {
            out: self.args.out.clone(),
            batches: accepted
                .map(|batch| BatchReport {
                    batch_id: batch.batch_id.clone(),
                    credits_spent: batch.credits_spent,
                    credits_refunded: batch.credits_refunded,
                })
                .collect(),
            edited,
            failed,
            credits_spent,
            credits,
            contact_sheet,
        };
        if self.args.json {
            render::json(&report)?;
        } else {
            render::out(&report.words())?;
        }
        Ok(if report.failed.is_empty() {
            Outcome::Fine
        } else {
            Outcome::SomeFailed
        })
    }

    /// Draws the sheet over an earlier one, or beside whatever else has its name.
    fn sheet(&self, edited: &[Edited]) -> anyhow::Result<Option<PathBuf>> {
        let name = match &self.sheet {
            Some(name) => name.clone(),
            None if self.args.out.join(CONTACT_SHEET).exists() => self
                .folder
                .names()?
                .allocate(Path::new(CONTACT_SHEET), "png"),
            None => CONTACT_SHEET.to_owned(),
        };
        let pairs: Vec<_> = edited
            .iter()
            .map(|pair| (pair.file.as_path(), pair.result.as_path()))
            .collect();
        let sheet = sheet::make(&pairs).context("cannot make the contact sheet")?;
        for left_out in sheet.left_out {
            note(&format!("not on the contact sheet: {left_out}"));
        }
        let Some(png) = sheet.png else {
            return Ok(None);
        };
        // Saved first: what is not known to be ours is not written over.
        self.job.borrow_mut().job.contact_sheet = Some(name.clone());
        self.job.borrow().save()?;
        let path = self.job.borrow().output(&name);
        files::write_whole(&path, &png, Readers::Anybody)
            .with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Some(path))
    }
}

/// Shows the price of so many images; asks when it is high.
pub(crate) fn agree(
    account: &Account,
    options: &Options,
    images: usize,
    credits: u64,
    consent: Consent,
) -> anyhow::Result<()> {
    spend(say_price(account, options, images, credits)?, consent)
}

/// Shows the price of so many images, which the balance has to cover.
fn say_price(
    account: &Account,
    options: &Options,
    images: usize,
    credits: u64,
) -> anyhow::Result<u64> {
    let each = price_of(account, options, 1)?;
    let price = price_of(account, options, images)?;
    note(&format!(
        "price: {} ({} at {each}); balance: {credits}",
        count(price, "credit"),
        count_of(images, "image")
    ));
    anyhow::ensure!(
        price <= credits,
        Stop::TooFewCredits {
            needed: price,
            credits
        }
    );
    Ok(price)
}

fn price_of(account: &Account, options: &Options, images: usize) -> anyhow::Result<u64> {
    let each = price::per_image(&account.prices, account.auto_pixels, options);
    let each = each.ok_or(Stop::NoPrice)?;
    Ok(each.saturating_mul(u64::try_from(images)?))
}

/// Asks when the price is high.
fn spend(price: u64, consent: Consent) -> anyhow::Result<()> {
    let above = consent.ask_above;
    if price > above && !consent.yes {
        anyhow::ensure!(ask::somebody_is_there(), Stop::NobodyToAsk { price, above });
        anyhow::ensure!(
            ask::yes(&format!("Spend {}?", count(price, "credit")))?,
            Stop::Declined
        );
    }
    Ok(())
}

fn batches(places: &[Place]) -> BTreeSet<usize> {
    places.iter().map(|place| place.batch).collect()
}

/// Codes of a 429 that is about this submit, and no throttle: it was read, and there is no room for it. A batch of an earlier
/// try may be what takes the room.
const FULL: [&str; 2] = ["backlog", "too_many_open_images"];

/// Whether the service refused a submit in a way that leaves no doubt that nothing was bought under its key. Where there is
/// doubt the key stays, because sending it again is always safe.
fn refused_for_certain(error: &Error, attempt: Attempt) -> Option<Refused> {
    if let Error::Problem {
        problem,
        maybe_done_before: false,
    } = error
        && attempt == Attempt::First
        && FULL.contains(&problem.code.as_str())
    {
        return Some(Refused::KeepUploads);
    }
    match (error.status()?, attempt) {
        // A batch that was bought under the key would have been the answer.
        (402 | 413, _) => Some(Refused::KeepUploads),
        // Expired or throttled: no word on the request itself. A reused key means that something was bought under it.
        (401 | 403 | 408 | 409 | 425 | 429, _) => None,
        (400..500, Attempt::First) if !error.code().contains("idempotency") => {
            Some(Refused::DropUploads)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use api::Problem;

    use super::*;

    #[test]
    fn only_a_certain_refusal_frees_the_key() {
        let refused_after = |maybe_done_before, attempt, status, code: &str| {
            let problem = Problem {
                kind: String::new(),
                title: String::new(),
                status,
                code: code.to_owned(),
                detail: String::new(),
                errors: None,
                credits_needed: None,
                credits: None,
            };
            let error = Error::Problem {
                problem: Box::new(problem),
                maybe_done_before,
            };
            refused_for_certain(&error, attempt)
        };
        let refused_in = |attempt, status, code: &str| refused_after(false, attempt, status, code);
        let refused = |status, code: &str| refused_in(Attempt::First, status, code);
        for full in FULL {
            assert_eq!(refused(429, full), Some(Refused::KeepUploads));
            assert_eq!(refused_after(true, Attempt::First, 429, full), None);
            assert_eq!(refused_in(Attempt::Repeat, 429, full), None);
        }
        assert_eq!(
            refused(402, "insufficient_credits"),
            Some(Refused::KeepUploads)
        );
        assert_eq!(refused(400, "invalid_input"), Some(Refused::DropUploads));
        assert_eq!(refused(422, "invalid_input"), Some(Refused::DropUploads));
        assert_eq!(refused(422, "idempotency_key_reused"), None);
        for status in [401, 403, 409, 429, 500, 503] {
            assert_eq!(refused(status, "x"), None, "{status}");
        }
        assert_eq!(refused_for_certain(&Error::SignedOut, Attempt::First), None);
        let repeated = |status| refused_in(Attempt::Repeat, status, "x");
        assert_eq!(repeated(402), Some(Refused::KeepUploads));
        for status in [400, 404, 422] {
            assert_eq!(
                repeated(status),
                None,
                "{status}: the first may have been accepted"
            );
        }
    }
}
