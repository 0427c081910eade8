//! `bie`, the command-line client: photos in, one wish, edited photos out.
//!
//! A plain HTTP client of the service (crate `api`) and of Cognito's public sign-in calls. Knows neither how images are
//! edited nor what AWS is. This module composes: arguments, connection, session, one command, an exit code.

mod accounts;
mod args;
mod ask;
mod batches;
mod billing;
mod client;
mod cognito;
mod control;
mod edit;
mod files;
mod follow;
mod http;
mod job;
mod naming;
mod photos;
mod price;
mod render;
mod report;
mod session;
mod sheet;
mod upload;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Context as _;
use clap::Parser as _;

use crate::{
    args::{Args, Command},
    client::Client,
    cognito::Cognito,
    http::Retry,
    session::{Connection, Store},
};

/// How a command that did not err ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// All of it worked.
    Fine,
    /// It worked, and some images have no result; the reasons were printed.
    SomeFailed,
}

/// What every command starts from.
pub(crate) struct App {
    http: reqwest::Client,
    retry: Retry,
    store: Store,
    stack: Option<PathBuf>,
}

impl App {
    fn new(args: &Args) -> anyhow::Result<Self> {
        Ok(Self {
            http: http::client()?,
            retry: Retry::times(args.retries),
            store: Store::new(args.config_dir.clone())?,
            stack: args.stack.clone(),
        })
    }

    /// Where the service is: the named file, the local stack's, or what `bie login` saved.
    fn connection(&self) -> anyhow::Result<Connection> {
        match Connection::find(self.stack.as_deref())? {
            Some(connection) => Ok(connection),
            None => Ok(self
                .store
                .load()?
                .context(session::Missing::Connection)?
                .connection),
        }
    }

    fn cognito(&self, connection: &Connection) -> Cognito {
        Cognito::new(self.http.clone(), self.retry, connection)
    }

    /// The service, as whoever is signed in.
    fn client(&self) -> anyhow::Result<Client> {
        let found = Connection::find(self.stack.as_deref())?;
        let session = self.store.load()?.context(match found {
            Some(_) => session::Missing::Session,
            None => session::Missing::Connection,
        })?;
        if let Some(connection) = found {
            anyhow::ensure!(
                session.connection.same_service(&connection),
                "you are signed in at {}, not at {}: run `bie login` (or `bie signup`) there first",
                session.connection.described(),
                connection.described(),
            );
        }
        let cognito = self.cognito(&session.connection);
        Ok(Client::new(
            self.http.clone(),
            self.retry,
            cognito,
            session,
            self.store.clone(),
        ))
    }
}

async fn run(args: &Args) -> anyhow::Result<Outcome> {
    let app = App::new(args)?;
    match &args.command {
        Command::Signup(args) => accounts::sign_up(&app, args).await,
        Command::Login(args) => accounts::log_in(&app, args).await,
        Command::Logout => accounts::log_out(&app),
        Command::Account(args) => accounts::show(&app, args).await,
        Command::DeleteAccount(args) => accounts::delete(&app, *args).await,
        Command::Edit(args) => edit::run(&app, args).await,
        Command::Status(args) => batches::status(&app, args).await,
        Command::History(args) => batches::history(&app, args).await,
        Command::Download(args) => batches::download(&app, args).await,
        Command::Cancel(args) => control::cancel(&app, args).await,
        Command::Retry(args) => control::retry(&app, args).await,
        Command::Balance(args) => billing::balance(&app, args).await,
        Command::Buy(args) => billing::buy(&app, args).await,
        Command::Transactions(args) => billing::transactions(&app, args).await,
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(usage) => {
            // clap's own exit code for a wrong command line is 2, which here means "some images failed".
            let code = if usage.use_stderr() {
                ExitCode::FAILURE
            } else {
                ExitCode::SUCCESS
            };
            return if usage.print().is_ok() {
                code
            } else {
                ExitCode::FAILURE
            };
        }
    };
    match run(&args).await {
        Ok(Outcome::Fine) => ExitCode::SUCCESS,
        Ok(Outcome::SomeFailed) => ExitCode::from(2),
        Err(error) => {
            render::error(&error, args.command.json());
            ExitCode::FAILURE
        }
    }
}
