//! One welcome per e-mail address, without keeping the address.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// An HMAC of a normalised e-mail address: equal for the spellings that reach one mailbox, useless without the key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EmailFingerprint(String);

impl EmailFingerprint {
    /// The fingerprint of this address under this secret key.
    #[must_use]
    pub fn new(key: &[u8], email: &str) -> Self {
        // HMAC takes keys of any length, so there is no error to pass on.
        let mac = Hmac::<Sha256>::new_from_slice(key)
            .map(|mac| mac.chain_update(normalise(email)).finalize().into_bytes())
            .unwrap_or_default();
        Self(hex::encode(mac))
    }

    /// In hexadecimal.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Folds the spellings of one mailbox: case, `+tag` sub-addresses (RFC 5233), and the dots that Gmail ignores.
fn normalise(email: &str) -> String {
    let email = email.trim().to_lowercase();
    let Some((local, host)) = email.rsplit_once('@') else {
        return email;
    };
    let local = local.split_once('+').map_or(local, |(before, _)| before);
    if matches!(host, "gmail.com" | "googlemail.com") {
        return format!("{}@gmail.com", local.replace('.', ""));
    }
    format!("{local}@{host}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_of_one_mailbox_share_a_fingerprint() {
        let print = |email| EmailFingerprint::new(b"key", email);
        for (a, b) in [
            ("Anna@Example.com", " anna@example.com"),
            ("anna+photos@example.com", "anna@example.com"),
            ("a.n.n.a@gmail.com", "anna+x@googlemail.com"),
        ] {
            assert_eq!(print(a), print(b), "{a} {b}");
        }
        for (a, b) in [
            ("anna@example.com", "anna@example.org"),
            ("an.na@example.com", "anna@example.com"),
            ("no address", "another"),
        ] {
            assert_ne!(print(a), print(b), "{a} {b}");
        }
        assert_ne!(print("a@b.c"), EmailFingerprint::new(b"other", "a@b.c"));
        assert_eq!(print("a@b.c").as_str().len(), 64);
    }
}
