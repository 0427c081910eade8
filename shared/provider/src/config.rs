//! What the client must be told, and the checks that can be made before the first call.
//!
//! Knows no environment variable: the `main` of a function reads those and fills the struct.

use std::{fmt, str::FromStr, time::Duration};

use reqwest::{Url, header::HeaderValue};
use thiserror::Error;

/// How long a connection, TLS included, may take to open. Giving up here is free: nothing was sent yet.
pub const DEFAULT_CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest answer that is read, in bytes: a PNG of the largest size on offer (8,294,400 pixels) in base64 stays below.
pub const DEFAULT_MAX_ANSWER_BYTES: usize = 100 * 1024 * 1024;

/// Where the provider is and how to talk to it.
#[derive(Clone, Debug)]
pub struct Config {
    /// The API's root, usually ending in `/v1`; `http://` works as well as `https://`.
    pub base_url: String,
    /// Sent with every call: the API's own default model goes away from time to time.
    pub model: String,
    /// For the whole call, from the first packet to the last byte of the answer. High quality takes over two minutes, and
    /// a client that hangs up may be billed and loses the picture (facts/openai-images.md).
    pub timeout: Duration,
    /// For the connection alone; shorter than `timeout`, so that the cheaper failure wins.
    pub connect_timeout: Duration,
    /// An answer longer than this is not read to its end.
    pub max_answer_bytes: usize,
}

impl Config {
    /// A configuration with the default limits.
    #[must_use]
    pub fn new(base_url: impl Into<String>, model: impl Into<String>, timeout: Duration) -> Self {
        Self {
            base_url: base_url.into(),
            model: model.into(),
            timeout,
            connect_timeout: DEFAULT_CONNECT_TIMEOUT.min(timeout / 2),
            max_answer_bytes: DEFAULT_MAX_ANSWER_BYTES,
        }
    }

    /// The one address that edits go to.
    pub(crate) fn endpoint(&self) -> Result<Url, ConfigError> {
        let base = Url::parse(&self.base_url)
            .map_err(|source| ConfigError::BaseUrl(source.to_string()))?;
        let fault = if !matches!(base.scheme(), "http" | "https") {
            "neither http nor https"
        } else if base.query().is_some() || base.fragment().is_some() {
            "it has a query or a fragment"
        } else if !base.username().is_empty() || base.password().is_some() {
            "it carries credentials"
        } else {
            let path = format!("{}/images/edits", base.path().trim_end_matches('/'));
            let mut endpoint = base;
            endpoint.set_path(&path);
            return Ok(endpoint);
        };
        Err(ConfigError::BaseUrl(fault.to_owned()))
    }

    /// Checks what the types leave open.
    pub(crate) fn validate(&self) -> Result<(), ConfigError> {
        if self.model.trim().is_empty() {
            return Err(ConfigError::Model);
        }
        if self.connect_timeout.is_zero() || self.connect_timeout >= self.timeout {
            return Err(ConfigError::Timeouts {
                timeout: self.timeout,
                connect_timeout: self.connect_timeout,
            });
        }
        if self.max_answer_bytes == 0 {
            return Err(ConfigError::MaxAnswerBytes);
        }
        Ok(())
    }
}

/// The provider's key, as it is sent. Comes with each call, because whoever runs the service replaces it now and then. Its
/// `Debug` shows that there is one, never which.
#[derive(Clone, Debug)]
pub struct ApiKey(HeaderValue);

/// Empty, or not fit for a header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the provider's API key is empty or has characters that no header can carry")]
pub struct InvalidApiKey;

impl ApiKey {
    /// The value of the `authorization` header, marked as sensitive.
    pub(crate) fn bearer(&self) -> HeaderValue {
        self.0.clone()
    }
}

impl FromStr for ApiKey {
    type Err = InvalidApiKey;

    /// Takes the key as the vendor shows it; surrounding white space (a trailing newline of a secret) is dropped.
    fn from_str(key: &str) -> Result<Self, Self::Err> {
        let key = key.trim();
        if key.is_empty() {
            return Err(InvalidApiKey);
        }
        let mut value =
            HeaderValue::from_str(&format!("Bearer {key}")).map_err(|_source| InvalidApiKey)?;
        value.set_sensitive(true);
        Ok(Self(value))
    }
}

/// How photos reach the provider; the caller builds the matching [`Input`](crate::Input).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputForm {
    /// The provider fetches a presigned URL.
    Url,
    /// We send the bytes: a provider on the internet cannot fetch from a laptop.
    Multipart,
}

impl InputForm {
    /// The word in configuration.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Url => "url",
            Self::Multipart => "multipart",
        }
    }
}

impl fmt::Display for InputForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for InputForm {
    type Err = UnknownInputForm;

    fn from_str(word: &str) -> Result<Self, Self::Err> {
        match word {
            "url" => Ok(Self::Url),
            "multipart" => Ok(Self::Multipart),
            other => Err(UnknownInputForm(other.to_owned())),
        }
    }
}

/// A word that names no [`InputForm`].
#[derive(Debug, Error)]
#[error("the input form is \"url\" or \"multipart\", not {0:?}")]
pub struct UnknownInputForm(String);

/// Why no client can be made of a [`Config`].
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The address cannot be called.
    #[error("the provider's base URL cannot be used: {0}")]
    BaseUrl(String),
    /// Empty.
    #[error("the provider's model is empty")]
    Model,
    /// Connecting must be given less time than the whole call.
    #[error(
        "the connect timeout ({connect_timeout:?}) must be above zero and below the timeout of the whole call ({timeout:?})"
    )]
    Timeouts {
        /// As configured.
        timeout: Duration,
        /// As configured.
        connect_timeout: Duration,
    },
    /// No answer fits.
    #[error("an answer may be no longer than zero bytes")]
    MaxAnswerBytes,
    /// The TLS library did not accept the settings compiled into us.
    #[error("TLS could not be set up")]
    Tls(#[source] rustls::Error),
    /// The HTTP library did not accept the settings compiled into us.
    #[error("the HTTP client could not be set up")]
    Http(#[source] reqwest::Error),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(base_url: &str) -> Config {
        Config::new(base_url, "gpt-image-2", Duration::from_mins(5))
    }

    #[test]
    fn the_endpoint_hangs_below_the_base_url() {
        for (base, endpoint) in [
            (
                "https://api.openai.com/v1",
                "https://api.openai.com/v1/images/edits",
            ),
            (
                "https://api.openai.com/v1/",
                "https://api.openai.com/v1/images/edits",
            ),
            (
                "http://127.0.0.1:4010/v1",
                "http://127.0.0.1:4010/v1/images/edits",
            ),
            ("http://localhost", "http://localhost/images/edits"),
        ] {
            assert_eq!(
                config(base).endpoint().unwrap().as_str(),
                endpoint,
                "{base}"
            );
        }
    }

    #[test]
    fn an_address_that_cannot_work_is_refused_before_the_first_call() {
        for base in [
            "",
            "api.openai.com/v1",
            "ftp://example.com/v1",
            "https://example.com/v1?key=1",
            "https://example.com/v1#here",
            "https://me:word@example.com/v1",
        ] {
            let fault = config(base).endpoint().unwrap_err();
            assert!(matches!(fault, ConfigError::BaseUrl(_)), "{base}: {fault}");
        }
    }

    #[test]
    fn settings_that_cannot_work_are_refused() {
        let good = config("https://example.com/v1");
        good.validate().unwrap();
        let cases = [
            Config {
                model: " ".to_owned(),
                ..good.clone()
            },
            Config {
                connect_timeout: good.timeout,
                ..good.clone()
            },
            Config {
                connect_timeout: Duration::ZERO,
                ..good.clone()
            },
            Config {
                max_answer_bytes: 0,
                ..good
            },
        ];
        for case in cases {
            assert!(case.validate().is_err(), "{case:?}");
        }
        for key in ["", " \n", "sk\n-1"] {
            assert_eq!(key.parse::<ApiKey>().unwrap_err(), InvalidApiKey, "{key:?}");
        }
    }

    #[test]
    fn the_key_is_never_printed() {
        let key: ApiKey = "sk-secret\n".parse().unwrap();
        assert!(!format!("{key:?}").contains("secret"));
        let header = key.bearer();
        assert_eq!(header, "Bearer sk-secret");
        assert!(!format!("{header:?}").contains("secret"));
    }

    #[test]
    fn an_input_form_is_one_of_two_words() {
        for form in [InputForm::Url, InputForm::Multipart] {
            assert_eq!(form.as_str().parse::<InputForm>().unwrap(), form);
        }
        let fault = "URL".parse::<InputForm>().unwrap_err();
        assert_eq!(
            fault.to_string(),
            "the input form is \"url\" or \"multipart\", not \"URL\""
        );
    }
}
