//! Where the service is and who is signed in; both on disk. Knows files, not how tokens are made.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use crate::files::{self, Readers};

/// Where `cargo xtask up` says where it is.
const LOCAL_STACK: &str = "target/local/stack.json";
/// Tokens that end within this many seconds are renewed before use.
const EARLY: u64 = 60;

/// What is needed and not there, in words.
#[derive(Clone, Copy, Debug, thiserror::Error)]
pub(crate) enum Missing {
    /// No connection file and nothing saved.
    #[error(
        "where is the service? Start the local one (`cargo xtask up`) and run this next to its {LOCAL_STACK}, or name a connection file: `bie login --stack FILE --email YOU`"
    )]
    Connection,
    /// A connection, but nobody signed in.
    #[error("nobody is signed in: run `bie login --email YOU` (or `bie signup --email YOU`)")]
    Session,
}

/// The connection file: where the service is and where one signs in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Connection {
    /// The service's origin, without a slash at its end.
    pub(crate) url: String,
    /// AWS region of the user pool.
    pub(crate) region: String,
    /// Cognito's endpoint, when it is not AWS's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) aws_endpoint: Option<String>,
    /// The user pool.
    pub(crate) user_pool_id: String,
    /// The public client of that pool.
    pub(crate) client_id: String,
}

impl Connection {
    /// From the file that was named, else from the local stack's if there is one.
    pub(crate) fn find(named: Option<&Path>) -> anyhow::Result<Option<Self>> {
        match named {
            Some(path) => Self::read(path).map(Some),
            None if Path::new(LOCAL_STACK).is_file() => {
                Self::read(Path::new(LOCAL_STACK)).map(Some)
            }
            None => Ok(None),
        }
    }

    fn read(path: &Path) -> anyhow::Result<Self> {
        let text = fs::read(path)
            .with_context(|| format!("cannot read the connection file {}", path.display()))?;
        let mut connection: Self = serde_json::from_slice(&text)
            .with_context(|| format!("{} is not a connection file", path.display()))?;
        connection
            .url
            .truncate(connection.url.trim_end_matches('/').len());
        Ok(connection)
    }

    pub(crate) fn cognito_endpoint(&self) -> String {
        match &self.aws_endpoint {
            Some(endpoint) => endpoint.clone(),
            None => format!("https://cognito-idp.{}.amazonaws.com", self.region),
        }
    }

    /// Whether tokens of one may be sent to the other. A connection file is found in the current folder, which may be
    /// somebody else's: its endpoint would get the refresh token.
    pub(crate) fn same_service(&self, other: &Self) -> bool {
        self.url == other.url
            && self.user_pool_id == other.user_pool_id
            && self.client_id == other.client_id
            && self.cognito_endpoint() == other.cognito_endpoint()
    }

    /// For people who have to tell two apart.
    pub(crate) fn described(&self) -> String {
        format!(
            "{} (user pool {} at {})",
            self.url,
            self.user_pool_id,
            self.cognito_endpoint()
        )
    }
}

/// What Cognito gave at sign-in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Tokens {
    /// What the API takes.
    pub(crate) id_token: String,
    /// What gets the next ID token.
    pub(crate) refresh_token: String,
    /// When the ID token ends, in seconds since 1970.
    pub(crate) expires_at: u64,
}

impl Tokens {
    pub(crate) const fn expired(&self, now: u64) -> bool {
        self.expires_at <= now.saturating_add(EARLY)
    }
}

/// A sign-in and where it is good.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Session {
    pub(crate) email: String,
    pub(crate) connection: Connection,
    pub(crate) tokens: Tokens,
}

/// The one file in the user's configuration directory.
#[derive(Clone, Debug)]
pub(crate) struct Store {
    path: PathBuf,
}

impl Store {
    pub(crate) fn new(dir: Option<PathBuf>) -> anyhow::Result<Self> {
        let dir = match dir {
            Some(dir) => dir,
            None => directories::ProjectDirs::from("", "", "batch-image-edit")
                .context("this user has no home directory: give --config-dir")?
                .config_dir()
                .to_owned(),
        };
        Ok(Self {
            path: dir.join("session.json"),
        })
    }

    pub(crate) fn load(&self) -> anyhow::Result<Option<Session>> {
        match fs::read(&self.path) {
            Ok(text) => serde_json::from_slice(&text).map(Some).with_context(|| {
                format!(
                    "{} is damaged: run `bie logout`, then `bie login`",
                    self.path.display()
                )
            }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => {
                Err(error).with_context(|| format!("cannot read {}", self.path.display()))
            }
        }
    }

    /// Readable by its owner only.
    pub(crate) fn save(&self, session: &Session) -> io::Result<()> {
        let text = serde_json::to_vec_pretty(session)?;
        files::write_whole(&self.path, &text, Readers::Owner)
    }

    /// Whether there was one.
    pub(crate) fn remove(&self) -> io::Result<bool> {
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn session(url: &str) -> Session {
        Session {
            email: "ada@example.com".to_owned(),
            connection: Connection {
                url: url.to_owned(),
                region: "us-east-1".to_owned(),
                aws_endpoint: Some(url.to_owned()),
                user_pool_id: "pool".to_owned(),
                client_id: "client".to_owned(),
            },
            tokens: Tokens {
                id_token: "old-token".to_owned(),
                refresh_token: "refresh-token".to_owned(),
                expires_at: u64::MAX,
            },
        }
    }

    #[test]
    fn a_session_is_saved_for_its_owner_only() {
        let dir = tempfile::tempdir().unwrap();
        let store = Store::new(Some(dir.path().join("deep"))).unwrap();
        assert!(store.load().unwrap().is_none());
        store.save(&session("http://x")).unwrap();
        assert_eq!(store.load().unwrap().unwrap().email, "ada@example.com");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = fs::metadata(&store.path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert!(store.remove().unwrap());
        assert!(!store.remove().unwrap());
    }

    #[test]
    fn a_stack_file_may_hold_more_and_end_in_a_slash() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("stack.json");
        let text = r#"{"url":"http://127.0.0.1:8080/","region":"eu-west-1","userPoolId":"p","clientId":"c","pid":7}"#;
        fs::write(&path, text).unwrap();
        let found = Connection::find(Some(&path)).unwrap().unwrap();
        assert_eq!(found.url, "http://127.0.0.1:8080");
        assert_eq!(
            found.cognito_endpoint(),
            "https://cognito-idp.eu-west-1.amazonaws.com"
        );
        assert!(Connection::find(Some(&dir.path().join("none.json"))).is_err());
    }

    #[test]
    fn tokens_go_to_nobody_who_only_looks_like_the_service() {
        let own = session("http://x").connection;
        for change in [
            |it: &mut Connection| it.url.push('y'),
            |it: &mut Connection| it.user_pool_id.push('y'),
            |it: &mut Connection| it.client_id.push('y'),
            |it: &mut Connection| it.aws_endpoint = Some("https://evil.example".to_owned()),
            |it: &mut Connection| it.aws_endpoint = None,
        ] {
            let mut other = own.clone();
            assert!(own.same_service(&other));
            change(&mut other);
            assert!(!own.same_service(&other), "{other:?}");
        }
    }

    #[test]
    fn tokens_are_renewed_a_little_early() {
        let mut tokens = session("http://x").tokens;
        tokens.expires_at = 1_000;
        assert!(!tokens.expired(900));
        assert!(tokens.expired(940));
        assert!(tokens.expired(2_000));
    }
}
