//! Reading the environment: the only place that does.

use std::{fmt::Display, str::FromStr};

use aws::Settings;

/// The environment that a function is started in. Each `main` turns it into its own `Config` once.
#[derive(Clone, Copy, Debug, Default)]
pub struct Env(());

/// A variable that keeps a function from starting; the text names it.
#[derive(Debug, thiserror::Error)]
pub enum InvalidEnvironment {
    /// Not set, or not UTF-8.
    #[error("the environment variable {0} must be set")]
    Missing(&'static str),
    /// Set to something that cannot be read.
    #[error("the environment variable {name} is not valid: {reason}")]
    Invalid {
        /// Which.
        name: &'static str,
        /// Why.
        reason: String,
    },
}

impl Env {
    /// This process's environment.
    #[must_use]
    pub const fn new() -> Self {
        Self(())
    }

    /// A variable that may be missing; set but empty counts as missing.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "this is the one place")]
    pub fn optional(&self, name: &'static str) -> Option<String> {
        std::env::var(name).ok().filter(|value| !value.is_empty())
    }

    /// A variable that must be there.
    pub fn required(&self, name: &'static str) -> Result<String, InvalidEnvironment> {
        self.optional(name).ok_or(InvalidEnvironment::Missing(name))
    }

    /// A variable of some type, which has a default.
    pub fn parsed<T>(&self, name: &'static str) -> Result<Option<T>, InvalidEnvironment>
    where
        T: FromStr<Err: Display>,
    {
        self.optional(name)
            .map(|value| value.parse())
            .transpose()
            .map_err(|error: T::Err| InvalidEnvironment::Invalid {
                name,
                reason: error.to_string(),
            })
    }

    /// A variable of some type that must be there.
    pub fn required_as<T>(&self, name: &'static str) -> Result<T, InvalidEnvironment>
    where
        T: FromStr<Err: Display>,
    {
        self.parsed(name)?.ok_or(InvalidEnvironment::Missing(name))
    }

    /// What Lambda sets for every function (and the SDKs' standard variable for another endpoint).
    pub fn aws(&self) -> Result<Settings, InvalidEnvironment> {
        Settings::new(
            self.required("AWS_REGION")?,
            self.optional("AWS_ENDPOINT_URL"),
            self.required("AWS_ACCESS_KEY_ID")?,
            self.required("AWS_SECRET_ACCESS_KEY")?,
            self.optional("AWS_SESSION_TOKEN"),
        )
        .map_err(|error| InvalidEnvironment::Invalid {
            name: "AWS_ENDPOINT_URL",
            reason: error.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let env = Env::new();
        let missing = env.required("NO_SUCH_VARIABLE").unwrap_err();
        assert_eq!(
            missing.to_string(),
            "the environment variable NO_SUCH_VARIABLE must be set"
        );
        // Cargo sets this one for tests.
        let wrong = env.parsed::<u8>("CARGO_PKG_NAME").unwrap_err();
        assert!(
            wrong
                .to_string()
                .starts_with("the environment variable CARGO_PKG_NAME is not valid")
        );
    }
}
