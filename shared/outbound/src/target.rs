//! An address as its text tells it: what can be refused without asking anybody.

use std::{net::IpAddr, str::FromStr};

use url::{Host, Url};

use crate::is_public;

/// The longest address, in characters.
pub const MAX_LENGTH: usize = 2048;

/// Whom users may have called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Targets {
    /// Whoever is on the public internet and speaks https.
    Public,
    /// These and whoever is on this machine, also in the clear: for home, where a user's program is beside us.
    PublicOrLoopback,
}

/// A word that names no [`Targets`].
#[derive(Debug, thiserror::Error)]
#[error("the targets are \"public\" or \"public-or-loopback\", not {0:?}")]
pub struct UnknownTargets(String);

impl FromStr for Targets {
    type Err = UnknownTargets;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "public" => Ok(Self::Public),
            "public-or-loopback" => Ok(Self::PublicOrLoopback),
            other => Err(UnknownTargets(other.to_owned())),
        }
    }
}

impl Targets {
    /// May this be called?
    #[cfg(feature = "client")]
    pub(crate) fn include(self, address: IpAddr) -> bool {
        is_public(address) || (self == Self::PublicOrLoopback && address.is_loopback())
    }

    /// May this be of this machine, where nobody listens on the way? What a single label stands for is judged when it is
    /// called; on the internet it is nobody's.
    fn may_be_here(self, host: &Host<&str>) -> bool {
        let is_of_a_machine = match host {
            Host::Domain(name) => is_single_label(name),
            Host::Ipv4(address) => address.is_loopback(),
            Host::Ipv6(address) => address.is_loopback(),
        };
        self == Self::PublicOrLoopback && is_of_a_machine
    }
}

/// An address that may be called, as far as its text tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target(Url);

/// Why an address is not called, in words for who gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetRefused {
    /// Longer than any address has to be.
    #[error("must have at most {MAX_LENGTH} characters")]
    TooLong,
    /// No address with a host.
    #[error("must be a URL such as https://example.com/batches")]
    NoUrl,
    /// Not encrypted, or not HTTP at all.
    #[error("must begin with https://")]
    NotHttps,
    /// A name or password would end up in logs.
    #[error("must not hold a user name or password")]
    Credentials,
    /// Not of the internet.
    #[error("must name a host on the public internet")]
    NotPublic,
}

impl Target {
    /// Judges an address. A name is judged again when it is called, by what it stands for then.
    pub fn parse(text: &str, targets: Targets) -> Result<Self, TargetRefused> {
        if text.chars().count() > MAX_LENGTH {
            return Err(TargetRefused::TooLong);
        }
        let url = Url::parse(text).map_err(|_| TargetRefused::NoUrl)?;
        let is_here = url.host().is_some_and(|host| targets.may_be_here(&host));
        if !(url.scheme() == "https" || is_here && url.scheme() == "http") {
            return Err(TargetRefused::NotHttps);
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(TargetRefused::Credentials);
        }
        let host = url.host().ok_or(TargetRefused::NoUrl)?;
        if !(is_here || may_be_public(&host)) {
            return Err(TargetRefused::NotPublic);
        }
        Ok(Self(url))
    }

    /// The address.
    #[cfg(feature = "client")]
    pub(crate) const fn url(&self) -> &Url {
        &self.0
    }

    /// An address that nobody has judged.
    #[cfg(all(test, feature = "client"))]
    #[expect(
        clippy::unwrap_used,
        reason = "a test that cannot go on should stop right there"
    )]
    pub(crate) fn unchecked(text: &str) -> Self {
        Self(Url::parse(text).unwrap())
    }
}

fn may_be_public(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => !is_single_label(name),
        Host::Ipv4(address) => is_public(IpAddr::V4(*address)),
        Host::Ipv6(address) => is_public(IpAddr::V6(*address)),
    }
}

fn is_single_label(name: &str) -> bool {
    !name.trim_end_matches('.').contains('.')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_judged_by_its_text() {
        use TargetRefused::{Credentials, NoUrl, NotHttps, NotPublic, TooLong};
        let long = format!("https://example.com/{}", "a".repeat(MAX_LENGTH));
        for (text, expected) in [
            ("https://example.com", None),
            ("https://example.com:8443/batches?x=1", None),
            ("https://bücher.example/", None),
            ("https://1.1.1.1/", None),
            ("https://[2606:4700:4700::1111]/", None),
            (&long, Some(TooLong)),
            ("", Some(NoUrl)),
            ("example.com", Some(NoUrl)),
            ("https://", Some(NoUrl)),
            ("https://exa mple.com/", Some(NoUrl)),
            ("http://example.com/", Some(NotHttps)),
            ("ftp://example.com/", Some(NotHttps)),
            ("file:///etc/passwd", Some(NotHttps)),
            ("javascript:alert(1)", Some(NotHttps)),
            ("https://anna@example.com/", Some(Credentials)),
            ("https://:word@example.com/", Some(Credentials)),
            ("https://localhost/", Some(NotPublic)),
            ("https://localhost./", Some(NotPublic)),
            ("https://metadata/", Some(NotPublic)),
            ("https://127.0.0.1/", Some(NotPublic)),
            // Other spellings of the same.
            ("https://127.1/", Some(NotPublic)),
            ("https://2130706433/", Some(NotPublic)),
            ("https://0x7f.0.0.1/", Some(NotPublic)),
            ("https://0177.0.0.1/", Some(NotPublic)),
            ("https://①②⑦.0.0.1/", Some(NotPublic)),
            ("https://169.254.169.254/latest/meta-data/", Some(NotPublic)),
            ("https://[::1]/", Some(NotPublic)),
            ("https://[::ffff:10.0.0.1]/", Some(NotPublic)),
            ("https://[fd00:ec2::254]/", Some(NotPublic)),
        ] {
            let refused = Target::parse(text, Targets::Public).err();
            assert_eq!(refused, expected, "{text}");
        }
    }

    #[test]
    fn at_home_this_machine_may_be_called_and_no_other_inside() {
        use TargetRefused::{Credentials, NotHttps, NotPublic};
        for (text, expected) in [
            ("https://example.com/", None),
            ("http://127.0.0.1:9000/hook", None),
            ("http://[::1]:9000/hook", None),
            ("http://localhost:9000/", None),
            ("https://localhost./", None),
            // A name that is judged when it is called.
            ("http://metadata/", None),
            ("http://example.com/", Some(NotHttps)),
            ("http://localhost.example.com/", Some(NotHttps)),
            ("http://1.1.1.1/", Some(NotHttps)),
            ("http://10.0.0.1/", Some(NotHttps)),
            ("file:///x", Some(NotHttps)),
            ("file://localhost/x", Some(NotHttps)),
            ("http://a:b@localhost/", Some(Credentials)),
            ("https://169.254.169.254/latest/meta-data/", Some(NotPublic)),
            ("https://10.0.0.1/", Some(NotPublic)),
            ("https://192.168.1.1/", Some(NotPublic)),
            ("https://[::ffff:127.0.0.1]/", Some(NotPublic)),
            ("https://[fd00:ec2::254]/", Some(NotPublic)),
        ] {
            let refused = Target::parse(text, Targets::PublicOrLoopback).err();
            assert_eq!(refused, expected, "{text}");
        }
    }

    #[test]
    fn targets_have_words() {
        for (word, targets) in [
            ("public", Targets::Public),
            ("public-or-loopback", Targets::PublicOrLoopback),
        ] {
            assert_eq!(word.parse::<Targets>().unwrap(), targets);
        }
        assert!("any".parse::<Targets>().is_err());
    }
}
