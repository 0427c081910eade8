//! A submit, checked: everything wrong with it is said at once, each fault with its place.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::{EditOptions, ImageState, Limits, UploadKey, UserId};

/// The longest name of a photo, in characters: what file systems take.
pub const MAX_NAME_CHARS: u32 = 255;

/// A submit as it came in, unchecked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    /// The photos.
    pub images: Vec<DraftImage>,
    /// The wish that they share.
    pub prompt: String,
    /// `low`, `medium`, `high`, `auto`.
    pub quality: Option<String>,
    /// `auto` or `WIDTHxHEIGHT`.
    pub size: Option<String>,
    /// `png`, `jpeg`, `webp`.
    pub format: Option<String>,
}

/// One photo of a [`Draft`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DraftImage {
    /// Where it was uploaded to.
    pub key: String,
    /// What its owner calls it.
    pub name: Option<String>,
    /// A wish of its own.
    pub prompt: Option<String>,
}

/// A submit that can be accepted if it is paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Submission {
    /// The images, in the order of their indices.
    pub jobs: Vec<Job>,
    /// The wish that those without their own share; may be empty if all have one.
    pub prompt: String,
    /// How the results should be.
    pub options: EditOptions,
}

/// One image of a [`Submission`]: which photo, and its own wish if it has one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Job {
    /// The photo.
    pub key: UploadKey,
    /// What its owner calls it, to be shown to them again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// In place of the shared wish.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prompt: Option<String>,
}

/// One thing that is wrong, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// JSON pointer (RFC 6901) into the request.
    pub pointer: String,
    /// What is wrong there and what would be right.
    pub detail: String,
}

/// Why a submit cannot be accepted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// It breaks a rule.
    #[error("{} faults in the request", .0.len())]
    Invalid(Vec<Fault>),
    /// It names photos that are not this user's: they are treated like photos that do not exist (R6).
    #[error("{} photos that this user has not", .0.len())]
    UnknownPhotos(Vec<Fault>),
}

impl Draft {
    /// Checks everything that can be known without asking anybody.
    pub fn check(self, user: &UserId, limits: &Limits) -> Result<Submission, Rejected> {
        let mut faults = Vec::new();
        let mut fault = |pointer: &str, detail: String| {
            faults.push(Fault {
                pointer: pointer.to_owned(),
                detail,
            });
        };

        let most = limits.max_images_per_batch;
        if self.images.is_empty() {
            fault("/images", "name at least one image".to_owned());
        } else if self.images.len() > most as usize {
            fault(
                "/images",
                format!(
                    "{} images are too many: a batch takes {most}",
                    self.images.len()
                ),
            );
            // Their own faults would bury this one.
            return Err(Rejected::Invalid(faults));
        }

        let prompt = self.prompt.trim();
        if prompt.is_empty() && self.images.iter().any(|image| image.prompt.is_none()) {
            fault(
                "/prompt",
                "say what should be done to the photos".to_owned(),
            );
        }
        if let Some(detail) = too_long(prompt, limits.max_prompt_chars) {
            fault("/prompt", detail);
        }
        let quality = parse_or_default(self.quality.as_deref(), "/options/quality", &mut fault);
        let size = parse_or_default(self.size.as_deref(), "/options/size", &mut fault);
        let format = parse_or_default(self.format.as_deref(), "/options/format", &mut fault);

        let mut jobs = Vec::with_capacity(self.images.len());
        let mut unknown = Vec::new();
        for (index, image) in self.images.into_iter().enumerate() {
            let own = image.prompt.as_deref().map(str::trim);
            if own == Some("") {
                fault(
                    &format!("/images/{index}/prompt"),
                    "leave it out to use the shared prompt".to_owned(),
                );
            }
            if let Some(detail) = own.and_then(|own| too_long(own, limits.max_image_prompt_chars)) {
                fault(&format!("/images/{index}/prompt"), detail);
            }
            if let Some(detail) = image.name.as_deref().and_then(no_name) {
                fault(&format!("/images/{index}/name"), detail);
            }
            match image.key.parse::<UploadKey>() {
                Ok(key) if key.user() == user => {
                    jobs.push(Job {
                        key,
                        name: image.name,
                        prompt: own.map(str::to_owned),
                    });
                }
                _ => unknown.push(Fault {
                    pointer: format!("/images/{index}/key"),
                    detail: "there is no such photo; upload it and use the key you were given"
                        .to_owned(),
                }),
            }
        }

        if !faults.is_empty() {
            return Err(Rejected::Invalid(faults));
        }
        if !unknown.is_empty() {
            return Err(Rejected::UnknownPhotos(unknown));
        }
        Ok(Submission {
            jobs,
            prompt: prompt.to_owned(),
            options: EditOptions {
                quality,
                size,
                format,
            },
        })
    }
}

fn too_long(text: &str, most: u32) -> Option<String> {
    let chars = text.chars().count();
    (chars > most as usize).then(|| format!("{chars} characters are too many: {most} fit"))
}

/// What is wrong with a name. It is shown in one line and leads to no file of ours, so that little can be.
fn no_name(name: &str) -> Option<String> {
    if name.trim().is_empty() {
        return Some("leave it out if the photo has none".to_owned());
    }
    if name.contains(char::is_control) {
        return Some("must not hold control characters".to_owned());
    }
    too_long(name, MAX_NAME_CHARS)
}

fn parse_or_default<T>(text: Option<&str>, pointer: &str, fault: &mut impl FnMut(&str, String)) -> T
where
    T: std::str::FromStr<Err = String> + Default,
{
    text.map_or_else(|| Ok(T::default()), str::parse)
        .unwrap_or_else(|detail| {
            fault(pointer, detail);
            T::default()
        })
}

impl Submission {
    /// The images of a finished batch that have no result, as a submission of their own: the same photos, wishes and options.
    #[must_use]
    pub fn retry(
        images: impl IntoIterator<Item = (Job, ImageState)>,
        prompt: String,
        options: EditOptions,
    ) -> Self {
        let without_result = |(job, state): (Job, ImageState)| state.is_refunded().then_some(job);
        Self {
            jobs: images.into_iter().filter_map(without_result).collect(),
            prompt,
            options,
        }
    }

    /// How many images it has; at most [`Limits::max_images_per_batch`].
    #[must_use]
    pub fn image_count(&self) -> u32 {
        u32::try_from(self.jobs.len()).unwrap_or(u32::MAX)
    }

    /// Equal for requests that mean the same (defaults filled in), different for all others. What photos are called
    /// changes nothing: whoever has renamed one and repeats a lost submit still means the same batch.
    #[must_use]
    pub fn hash(&self) -> String {
        let mut unnamed = self.clone();
        unnamed.jobs.iter_mut().for_each(|job| job.name = None);
        // These types always serialise; were it to fail, equal requests would still hash alike.
        let canonical = serde_json::to_vec(&unnamed).unwrap_or_default();
        hex::encode(Sha256::digest(canonical))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "uploads/anna/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg";

    fn draft() -> Draft {
        Draft {
            images: vec![DraftImage {
                key: KEY.into(),
                ..DraftImage::default()
            }],
            prompt: " make it blue ".into(),
            ..Draft::default()
        }
    }

    fn check(draft: Draft) -> Result<Submission, Rejected> {
        draft.check(&"anna".parse().unwrap(), &Limits::default())
    }

    fn pointers(draft: Draft) -> Vec<String> {
        match check(draft) {
            Err(Rejected::Invalid(faults) | Rejected::UnknownPhotos(faults)) => {
                faults.into_iter().map(|fault| fault.pointer).collect()
            }
            Ok(_) => vec![],
        }
    }

    #[test]
    fn a_plain_submit_takes_the_defaults() {
        let submission = check(draft()).unwrap();
        assert_eq!(submission.prompt, "make it blue");
        assert_eq!(submission.options, EditOptions::default());
        assert_eq!(submission.image_count(), 1);
    }

    #[test]
    fn every_fault_is_named_with_its_place() {
        let image = |key: &str, prompt: Option<&str>| DraftImage {
            key: key.into(),
            prompt: prompt.map(Into::into),
            ..DraftImage::default()
        };
        assert_eq!(pointers(Draft::default()), ["/images"]);
        assert_eq!(
            pointers(Draft {
                prompt: "  ".into(),
                ..draft()
            }),
            ["/prompt"]
        );
        assert_eq!(
            pointers(Draft {
                quality: Some("best".into()),
                size: Some("1x1".into()),
                format: Some("gif".into()),
                prompt: "x".repeat(32_001),
                images: vec![image(KEY, Some(" ")), image(KEY, Some(&"ü".repeat(2_001)))],
            }),
            [
                "/prompt",
                "/options/quality",
                "/options/size",
                "/options/format",
                "/images/0/prompt",
                "/images/1/prompt"
            ]
        );
        let many = Draft {
            images: vec![image(KEY, None); 501],
            ..draft()
        };
        assert_eq!(pointers(many), ["/images"]);
    }

    #[test]
    fn limits_count_characters_not_bytes() {
        let draft = Draft {
            prompt: "ü".repeat(32_000),
            ..draft()
        };
        assert!(check(draft).is_ok());
    }

    #[test]
    fn a_shared_prompt_is_not_needed_when_every_image_has_its_own() {
        let mut draft = Draft {
            prompt: String::new(),
            ..draft()
        };
        draft.images[0].prompt = Some("own".into());
        assert_eq!(check(draft).unwrap().jobs[0].prompt.as_deref(), Some("own"));
    }

    #[test]
    fn a_name_is_one_line_of_some_length() {
        let named = |name: &str| {
            let mut draft = draft();
            draft.images[0].name = Some(name.into());
            draft
        };
        for good in [
            "photo-7.jpg",
            "Straße am Meer.png",
            "../../etc/passwd",
            &"ü".repeat(255),
        ] {
            let submission = check(named(good)).unwrap();
            assert_eq!(submission.jobs[0].name.as_deref(), Some(good));
        }
        for bad in ["", " ", "a\nb.jpg", "\u{7f}", &"x".repeat(256)] {
            assert_eq!(pointers(named(bad)), ["/images/0/name"], "{bad:?}");
        }
    }

    #[test]
    fn what_is_another_users_does_not_exist() {
        for key in [&KEY.replace("anna", "bert"), "nonsense", ""] {
            let draft = Draft {
                images: vec![DraftImage {
                    key: key.into(),
                    ..DraftImage::default()
                }],
                ..draft()
            };
            assert!(
                matches!(check(draft), Err(Rejected::UnknownPhotos(_))),
                "{key}"
            );
        }
    }

    #[test]
    fn a_retry_is_of_what_was_refunded_and_keeps_each_wish() {
        use ImageState::{Canceled, Completed, Failed};
        let image = |prompt: &str| DraftImage {
            key: KEY.into(),
            name: Some(format!("{prompt}.jpg")),
            prompt: Some(prompt.into()),
        };
        let draft = Draft {
            images: vec![image("a"), image("b"), image("c")],
            format: Some("webp".into()),
            ..draft()
        };
        let first = check(draft).unwrap();
        let images = first.jobs.clone().into_iter();
        let states = [Failed, Completed, Canceled];
        let retry = Submission::retry(images.zip(states), first.prompt.clone(), first.options);
        let wishes: Vec<_> = retry
            .jobs
            .iter()
            .map(|job| job.prompt.as_deref().unwrap())
            .collect();
        assert_eq!(wishes, ["a", "c"]);
        assert_eq!(retry.jobs[1].name.as_deref(), Some("c.jpg"));
        assert_eq!(
            (&retry.prompt, retry.options),
            (&first.prompt, first.options)
        );
    }

    #[test]
    fn the_hash_tells_meanings_apart_and_nothing_else() {
        let hash = |draft| check(draft).unwrap().hash();
        let spelled_out = Draft {
            quality: Some("medium".into()),
            size: Some("auto".into()),
            format: Some("png".into()),
            prompt: "make it blue".into(),
            ..draft()
        };
        assert_eq!(hash(draft()), hash(spelled_out));
        let mut named = draft();
        named.images[0].name = Some("photo-7.jpg".into());
        assert_eq!(hash(draft()), hash(named));
        assert_ne!(
            hash(draft()),
            hash(Draft {
                prompt: "make it red".into(),
                ..draft()
            })
        );
        assert_ne!(
            hash(draft()),
            hash(Draft {
                format: Some("webp".into()),
                ..draft()
            })
        );
    }
}
