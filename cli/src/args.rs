//! The command line. Knows names, defaults and help texts; decides nothing.

use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};

/// Edits photos in batches: upload many, wish once.
#[derive(Debug, Parser)]
#[command(
    name = "bie",
    version,
    about,
    after_help = "Exit codes: 0 all well, 1 wrong usage or no connection, 2 some images failed (and were refunded)."
)]
pub(crate) struct Args {
    /// The connection file [default: target/local/stack.json if there is one, else what `bie login` saved]
    #[arg(long, global = true, env = "BIE_STACK", value_name = "FILE")]
    pub(crate) stack: Option<PathBuf>,
    /// Where the sign-in is kept [default: the user's configuration directory]
    #[arg(long, global = true, env = "BIE_CONFIG_DIR", value_name = "DIR")]
    pub(crate) config_dir: Option<PathBuf>,
    /// How often a request is repeated when the network or the service fails
    #[arg(long, global = true, default_value_t = 5, value_name = "N")]
    pub(crate) retries: u32,
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Make an account, confirm its e-mail address, and sign in
    Signup(SignupArgs),
    /// Sign in; later commands use and renew this sign-in
    Login(LoginArgs),
    /// Forget the sign-in on this machine
    Logout,
    /// Show who you are, your balance, the limits and the prices
    Account(AccountArgs),
    /// Delete the account with all photos, results and settings, for good; credits that are left are lost
    DeleteAccount(DeleteAccountArgs),
    /// Edit photos: upload, submit, follow, download. Run it again to resume; nothing is bought twice
    Edit(EditArgs),
    /// Show how far a batch is
    Status(StatusArgs),
    /// List your batches, newest first
    History(HistoryArgs),
    /// Fetch the results of a batch
    Download(DownloadArgs),
    /// Stop a batch: what is not being edited yet is refunded
    Cancel(CancelArgs),
    /// Buy the failed and canceled images of a batch once more, follow them, and fetch the results
    Retry(RetryArgs),
    /// Show how many credits you have
    Balance(BalanceArgs),
    /// Buy credits: shows where to pay, and waits until they have arrived; without a pack, lists what is sold
    Buy(BuyArgs),
    /// List what became of your credits, newest first: time, change, balance after it, and why
    Transactions(TransactionsArgs),
}

impl Command {
    /// Whether stdout belongs to a program.
    pub(crate) const fn json(&self) -> bool {
        match self {
            Self::Account(args) => args.json,
            Self::Edit(args) => args.json,
            Self::Status(args) => args.json,
            Self::History(args) => args.json,
            Self::Download(args) => args.json,
            Self::Cancel(args) => args.json,
            Self::Retry(args) => args.json,
            Self::Balance(args) => args.json,
            Self::Buy(args) => args.json,
            Self::Transactions(args) => args.json,
            Self::Signup(_) | Self::Login(_) | Self::Logout | Self::DeleteAccount(_) => false,
        }
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct SignupArgs {
    /// The e-mail address; it gets the confirmation code
    #[arg(long)]
    pub(crate) email: String,
    /// Asked for when not given
    #[arg(long, env = "BIE_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
    /// The confirmation code; asked for when not given (the local stack's is always 123456)
    #[arg(long)]
    pub(crate) code: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct LoginArgs {
    /// The account's e-mail address
    #[arg(long)]
    pub(crate) email: String,
    /// Asked for when not given
    #[arg(long, env = "BIE_PASSWORD", hide_env_values = true)]
    pub(crate) password: Option<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct AccountArgs {
    /// The service's answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct DeleteAccountArgs {
    /// Do not ask
    #[arg(long, short)]
    pub(crate) yes: bool,
}

/// When to ask before buying.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Consent {
    /// Do not ask, whatever the price
    #[arg(long, short)]
    pub(crate) yes: bool,
    /// Ask before spending more credits than this
    #[arg(long, default_value_t = 20, value_name = "CREDITS")]
    pub(crate) ask_above: u64,
}

#[derive(Debug, clap::Args)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is a switch of the command line"
)]
pub(crate) struct EditArgs {
    /// PNG, JPEG and WebP photos, or folders of them
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The wish, for all photos
    #[arg(long, short)]
    pub(crate) prompt: String,
    /// How much work goes into each
    #[arg(long, value_enum, default_value_t = Quality::Medium)]
    pub(crate) quality: Quality,
    /// `auto`, or `WIDTHxHEIGHT` in pixels
    #[arg(long, default_value = "auto", value_parser = size)]
    pub(crate) size: String,
    /// The results' file format
    #[arg(long, value_enum, default_value_t = Format::Png)]
    pub(crate) format: Format,
    /// Where the results go
    #[arg(long, short, default_value = "edited", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// When to ask before buying.
    #[command(flatten)]
    pub(crate) consent: Consent,
    /// Leave out pictures that cannot be edited (wrong kind, too large) instead of stopping
    #[arg(long)]
    pub(crate) skip_unfit: bool,
    /// Buy images that failed (and were refunded) in an earlier run once more
    #[arg(long)]
    pub(crate) retry_failed: bool,
    /// Also make a contact sheet, before and after side by side: contact-sheet.png, if that name is free
    #[arg(long)]
    pub(crate) contact_sheet: bool,
    /// One JSON object on stdout and nothing else
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct StatusArgs {
    /// The batch's id
    pub(crate) batch: String,
    /// The service's answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct HistoryArgs {
    /// How many batches at most
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) limit: usize,
    /// One JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct DownloadArgs {
    /// The batch's id
    pub(crate) batch: String,
    /// Where the results go
    #[arg(long, short, default_value = "edited", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// One JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct CancelArgs {
    /// The batch's id
    pub(crate) batch: String,
    /// The service's answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct RetryArgs {
    /// The id of the batch that is over
    pub(crate) batch: String,
    /// When to ask before buying.
    #[command(flatten)]
    pub(crate) consent: Consent,
    /// Where the results go
    #[arg(long, short, default_value = "edited", value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// One JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BalanceArgs {
    /// The service's answer as JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct BuyArgs {
    /// The pack: its name, its number of credits, or its id
    pub(crate) pack: Option<String>,
    /// Do not open the page in a browser
    #[arg(long)]
    pub(crate) no_open: bool,
    /// How long to wait for the credits; 0 does not wait
    #[arg(long, default_value_t = 900, value_name = "SECONDS")]
    pub(crate) wait: u64,
    /// One JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, clap::Args)]
pub(crate) struct TransactionsArgs {
    /// How many at most
    #[arg(long, default_value_t = 20, value_name = "N")]
    pub(crate) limit: usize,
    /// One JSON object on stdout
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Quality {
    Low,
    Medium,
    High,
    Auto,
}

impl Quality {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Auto => "auto",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Png,
    #[value(alias = "jpg")]
    Jpeg,
    Webp,
}

impl Format {
    /// As the API spells it.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Png => "png",
            Self::Jpeg => "jpeg",
            Self::Webp => "webp",
        }
    }

    /// At the end of a file's name.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            other => other.name(),
        }
    }
}

/// Checks the form only; which sizes the provider makes is the service's to say.
fn size(text: &str) -> Result<String, String> {
    let text = text.to_ascii_lowercase();
    if text == "auto" || crate::price::pixels(&text).is_some() {
        Ok(text)
    } else {
        Err("give `auto` or WIDTHxHEIGHT in pixels, such as 1024x1024".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn sizes_have_a_form() {
        assert_eq!(size("1024X1536").unwrap(), "1024x1536");
        assert_eq!(size("auto").unwrap(), "auto");
        for bad in ["", "big", "1024", "0x16", "x", "-1x5"] {
            assert!(size(bad).is_err(), "{bad}");
        }
    }
}
