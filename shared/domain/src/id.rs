//! Names of things, checked once when they come in, so that a value of these types is always safe to put into a key.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use uuid::Uuid;

use crate::Format;

/// A text that cannot be the name of that kind of thing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {0}")]
pub struct InvalidId(pub &'static str);

/// Implements the conversions that `#[serde(try_from = "String", into = "String")]` asks for.
macro_rules! text_id {
    ($name:ident) => {
        impl TryFrom<String> for $name {
            type Error = InvalidId;

            fn try_from(text: String) -> Result<Self, Self::Error> {
                text.parse()
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> Self {
                id.to_string()
            }
        }
    };
}

/// Who somebody is: the `sub` of their Cognito ID token.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UserId(String);

text_id!(UserId);

impl UserId {
    /// The plain text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for UserId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // Cognito's are UUIDs; other issuers' may not be, but `/` and `#` separate keys here and must stay out.
        let fits = (1..=128).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_:|".contains(&b));
        fits.then(|| Self(text.to_owned()))
            .ok_or(InvalidId("user id"))
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The caller's own name for a submit; the same name means the same batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey(String);

impl FromStr for IdempotencyKey {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let fits = (1..=255).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic());
        fits.then(|| Self(text.to_owned()))
            .ok_or(InvalidId("idempotency key"))
    }
}

/// A batch. Derived from its user and what it came of, their idempotency key or an earlier batch, so a repeat cannot become
/// a second batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct BatchId(Uuid);

text_id!(BatchId);

impl BatchId {
    /// The batch that this user means by this key.
    #[must_use]
    pub fn derive(user: &UserId, key: &IdempotencyKey) -> Self {
        Self::digest(user, 0, &key.0)
    }

    /// The one batch that retries what this user's earlier batch left undone.
    #[must_use]
    pub fn derive_retry(user: &UserId, earlier: Self) -> Self {
        Self::digest(user, 1, &earlier.to_string())
    }

    /// `origin` is a byte that neither text can hold, so that no two pairs run together; one for each kind of origin, so
    /// that no idempotency key can be chosen to take a retry's place.
    fn digest(user: &UserId, origin: u8, text: &str) -> Self {
        let digest = Sha256::new()
            .chain_update(user.as_str())
            .chain_update([origin])
            .chain_update(text)
            .finalize();
        let mut bytes = [0; 16];
        bytes
            .iter_mut()
            .zip(digest)
            .for_each(|(to, from)| *to = from);
        Self(Uuid::new_v8(bytes))
    }
}

impl FromStr for BatchId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // One spelling per batch: `Uuid` alone would also take braces, capitals and no hyphens.
        Uuid::try_parse(text)
            .ok()
            .map(Self)
            .filter(|id| id.to_string() == text)
            .ok_or(InvalidId("batch id"))
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.hyphenated().fmt(f)
    }
}

/// An order, by the seller's name for it: a UUID, as far as anybody has seen, which has one spelling here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct OrderId(String);

text_id!(OrderId);

impl FromStr for OrderId {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        // `#` separates keys here and must stay out.
        let fits = (1..=64).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_".contains(&b));
        // What is bought under two names would be given twice.
        let one_spelling = || {
            let uuid = Uuid::try_parse(text);
            uuid.map_or_else(|_| text.to_owned(), |uuid| uuid.to_string())
        };
        fits.then(|| Self(one_spelling()))
            .ok_or(InvalidId("order id"))
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One image of one batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageRef {
    /// The batch.
    pub batch_id: BatchId,
    /// Its place in the batch, from 0.
    pub index: u32,
}

impl ImageRef {
    /// The name of its workflow execution: the same image never gets two. At most 47 of the 80 characters allowed.
    #[must_use]
    pub fn execution_name(self) -> String {
        format!("{}-{}", self.batch_id, self.index)
    }
}

impl fmt::Display for ImageRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "image {} of batch {}", self.index, self.batch_id)
    }
}

/// Where an upload lies: `uploads/<user>/<uuid>.<ext>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UploadKey {
    user: UserId,
    id: Uuid,
    format: Format,
}

text_id!(UploadKey);

impl UploadKey {
    /// A place for a new upload of this user.
    #[must_use]
    pub const fn new(user: UserId, id: Uuid, format: Format) -> Self {
        Self { user, id, format }
    }

    /// Whose it is.
    #[must_use]
    pub const fn user(&self) -> &UserId {
        &self.user
    }
}

impl FromStr for UploadKey {
    type Err = InvalidId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parse = || {
            let (user, file) = text.strip_prefix("uploads/")?.split_once('/')?;
            let (id, extension) = file.split_once('.')?;
            let key = Self {
                user: user.parse().ok()?,
                id: Uuid::try_parse(id).ok()?,
                format: Format::from_extension(extension)?,
            };
            (key.to_string() == text).then_some(key)
        };
        parse().ok_or(InvalidId("upload key"))
    }
}

impl fmt::Display for UploadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, id, format } = self;
        write!(f, "uploads/{user}/{id}.{}", format.extension())
    }
}

/// Where an image's result lies, or will lie. One image has one such key: that is how its result is found again.
#[must_use]
pub fn result_key(user: &UserId, image: ImageRef, format: Format) -> String {
    image_key("results", user, image, format)
}

/// Where a photo lies that had to be made fit for the provider. The same photo is made into the same bytes, so doing it
/// again does no harm.
#[must_use]
pub fn work_key(user: &UserId, image: ImageRef, format: Format) -> String {
    image_key("work", user, image, format)
}

/// Where all photos of a user lie, whatever they are. Each ends in a slash: one user's id may begin like another's.
#[must_use]
pub fn photo_folders(user: &UserId) -> [String; 3] {
    ["uploads", "work", "results"].map(|folder| format!("{folder}/{user}/"))
}

fn image_key(folder: &str, user: &UserId, image: ImageRef, format: Format) -> String {
    let ImageRef { batch_id, index } = image;
    format!(
        "{folder}/{user}/{batch_id}/{index:05}.{}",
        format.extension()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(text: &str) -> UserId {
        text.parse().unwrap()
    }

    #[test]
    fn user_ids_cannot_escape_their_prefix() {
        for bad in ["", "a/b", "a#b", "..", "ü", &"x".repeat(129)] {
            assert!(bad.parse::<UserId>().is_err(), "{bad:?}");
        }
        assert_eq!(user("us-east-1:0b-1").as_str(), "us-east-1:0b-1");
    }

    #[test]
    fn batch_id_depends_on_user_and_key_only() {
        let key = |text: &str| text.parse::<IdempotencyKey>().unwrap();
        let id = BatchId::derive(&user("anna"), &key("k1"));
        assert_eq!(id, BatchId::derive(&user("anna"), &key("k1")));
        assert_ne!(id, BatchId::derive(&user("bert"), &key("k1")));
        assert_ne!(id, BatchId::derive(&user("anna"), &key("k2")));
        assert_ne!(
            BatchId::derive(&user("a"), &key("bc")),
            BatchId::derive(&user("ab"), &key("c"))
        );
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!(id.to_string().to_uppercase().parse::<BatchId>().is_err());
    }

    #[test]
    fn a_retry_has_one_id_that_no_key_leads_to() {
        let anna = user("anna");
        let earlier = BatchId::derive(&anna, &"k1".parse().unwrap());
        let retry = BatchId::derive_retry(&anna, earlier);
        assert_eq!(retry, BatchId::derive_retry(&anna, earlier));
        assert_ne!(retry, BatchId::derive_retry(&anna, retry));
        assert_ne!(retry, BatchId::derive_retry(&user("bert"), earlier));
        let same_text = earlier.to_string().parse().unwrap();
        assert_ne!(retry, BatchId::derive(&anna, &same_text));
    }

    #[test]
    fn an_image_has_one_place_in_each_folder() {
        let user = user("anna");
        let key = "k1".parse().unwrap();
        let batch_id = BatchId::derive(&user, &key);
        let image = ImageRef { batch_id, index: 7 };
        assert_eq!(
            result_key(&user, image, Format::Png),
            format!("results/anna/{batch_id}/00007.png")
        );
        assert_eq!(
            work_key(&user, image, Format::Jpeg),
            format!("work/anna/{batch_id}/00007.jpg")
        );
    }

    #[test]
    fn every_photo_lies_in_a_folder_of_its_user() {
        let anna = user("anna");
        let image = ImageRef {
            batch_id: BatchId::derive(&anna, &"k1".parse().unwrap()),
            index: 7,
        };
        let keys = [
            UploadKey::new(anna.clone(), Uuid::nil(), Format::Png).to_string(),
            work_key(&anna, image, Format::Png),
            result_key(&anna, image, Format::Png),
        ];
        for (key, folder) in keys.iter().zip(photo_folders(&anna)) {
            assert!(key.starts_with(&folder), "{key}");
        }
        for (key, folder) in keys.iter().zip(photo_folders(&user("ann"))) {
            assert!(!key.starts_with(&folder), "{key}");
        }
    }

    #[test]
    fn idempotency_keys_are_visible_ascii() {
        for bad in ["", "a b", "ä", "a\n", &"x".repeat(256)] {
            assert!(bad.parse::<IdempotencyKey>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn orders_have_one_spelling() {
        let text = "9b2f6bd0-0000-4000-8000-00000000000a";
        for same in [text, &text.to_uppercase(), &text.replace('-', "")] {
            let id: OrderId = same.parse().unwrap();
            assert_eq!(id.to_string(), text);
        }
        for other in ["ord_1", "ORD_1", "7", &"x".repeat(64)] {
            let id: OrderId = other.parse().unwrap();
            assert_eq!(id.to_string(), other);
        }
        for bad in ["", "a#b", "a/b", "a b", "ü", "{}", &"x".repeat(65)] {
            assert!(bad.parse::<OrderId>().is_err(), "{bad:?}");
        }
    }

    #[test]
    fn upload_keys_have_one_spelling() {
        let text = "uploads/anna/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg";
        let key: UploadKey = text.parse().unwrap();
        assert_eq!(key.to_string(), text);
        assert_eq!(key.user(), &user("anna"));
        for bad in [
            "uploads/anna/../bert/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg",
            "uploads/anna/0B0E8A52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg",
            "uploads/anna/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.gif",
            "results/anna/0b0e8a52-6b7b-4d53-9a3c-0a5bb3f3a001.jpg",
            "uploads/anna/photo.jpg",
            "",
        ] {
            assert!(bad.parse::<UploadKey>().is_err(), "{bad:?}");
        }
    }
}
