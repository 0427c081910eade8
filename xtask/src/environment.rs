//! What xtask reads from its environment, and the clean one it gives to others.

use std::ffi::OsString;
use std::process::Command;

/// The variables that mean something to us.
#[derive(Default)]
pub(crate) struct Environment {
    /// `OPENAI_API_KEY`: images go to the real service, with this key.
    pub(crate) openai_api_key: Option<String>,
    /// `OPENAI_BASE_URL`: the OpenAI-compatible service to use instead.
    pub(crate) openai_base_url: Option<String>,
    /// `POLAR_ACCESS_TOKEN`: credits are sold by the real Polar, with this token.
    pub(crate) polar_access_token: Option<String>,
    /// `POLAR_WEBHOOK_SECRET`: what the real Polar signs with.
    pub(crate) polar_webhook_secret: Option<String>,
    /// `POLAR_BASE_URL`: the real Polar, or its sandbox.
    pub(crate) polar_base_url: Option<String>,
    /// `PACKS`: what is sold, as JSON.
    pub(crate) packs: Option<String>,
    /// `RESEND_API_KEY`: mail is sent by the real Resend, with this key.
    pub(crate) resend_api_key: Option<String>,
    /// `MAIL_FROM`: from whom.
    pub(crate) mail_from: Option<String>,
    /// `CARGO`: the cargo that runs us.
    pub(crate) cargo: Option<String>,
    /// `PYTHON`: the interpreter to make the virtual environment with.
    pub(crate) python: Option<String>,
    /// `CHROMIUM`: the browser that the web app is tested in.
    pub(crate) chromium: Option<String>,
}

impl Environment {
    /// Reads it.
    pub(crate) fn read() -> Self {
        Self {
            openai_api_key: variable("OPENAI_API_KEY"),
            openai_base_url: variable("OPENAI_BASE_URL"),
            polar_access_token: variable("POLAR_ACCESS_TOKEN"),
            polar_webhook_secret: variable("POLAR_WEBHOOK_SECRET"),
            polar_base_url: variable("POLAR_BASE_URL"),
            packs: variable("PACKS"),
            resend_api_key: variable("RESEND_API_KEY"),
            mail_from: variable("MAIL_FROM"),
            cargo: variable("CARGO"),
            python: variable("PYTHON"),
            chromium: variable("CHROMIUM"),
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place of xtask that reads the environment"
)]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Leaves of the environment only what a program needs to run at all: nothing of the developer's AWS settings, and no key.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place of xtask that reads the environment"
)]
pub(crate) fn only_essentials(command: &mut Command) {
    let kept: Vec<(OsString, OsString)> = std::env::vars_os()
        .filter(|(name, _)| is_essential(name))
        .collect();
    command.env_clear().envs(kept);
}

fn is_essential(name: &OsString) -> bool {
    const NAMES: [&str; 13] = [
        "HTTPS_PROXY",
        "LANG",
        "LC_ALL",
        "LD_LIBRARY_PATH",
        "NO_PROXY",
        "PATH",
        "RUST_BACKTRACE",
        "SSL_CERT_DIR",
        "SSL_CERT_FILE",
        "TZ",
        "USER",
        "https_proxy",
        "no_proxy",
    ];
    NAMES.iter().any(|known| name == known)
}

/// Removes what `cargo run` tells us about xtask: some build scripts (ring's) would run again in its cargo for that.
#[expect(
    clippy::disallowed_methods,
    reason = "this is the one place of xtask that reads the environment"
)]
pub(crate) fn forget_our_cargo(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if [
            "CARGO_PKG_",
            "CARGO_MANIFEST_",
            "CARGO_BIN_",
            "CARGO_CRATE_",
            "CARGO_PRIMARY_",
        ]
        .iter()
        .any(|prefix| text.starts_with(prefix))
        {
            command.env_remove(&name);
        }
    }
}
