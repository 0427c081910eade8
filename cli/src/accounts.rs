//! `bie signup`, `login`, `logout`, `account`, `delete-account`: who is at the keyboard.

use anyhow::Context as _;
use api::Account;

use crate::{
    App, Outcome,
    args::{AccountArgs, DeleteAccountArgs, LoginArgs, SignupArgs},
    ask,
    cognito::{Cognito, Error},
    render::{self, bytes, count, megapixels, note},
    session::{Connection, Session},
};

pub(crate) async fn sign_up(app: &App, args: &SignupArgs) -> anyhow::Result<Outcome> {
    let connection = app.connection()?;
    let cognito = app.cognito(&connection);
    let email = args.email.trim();
    note(&format!("signing up at {}", connection.described()));
    let password = ask::password(args.password.as_deref(), true)?;
    match cognito.sign_up(email, &password).await {
        Ok(()) => {}
        Err(Error::AlreadyExists) => go_on(&cognito, args, &password).await?,
        Err(error) => return Err(error.into()),
    }
    let code = if let Some(code) = &args.code {
        code.clone()
    } else {
        anyhow::ensure!(
            ask::somebody_is_there(),
            "a confirmation code was sent to {email}: run the same command again with --code CODE"
        );
        ask::line(&format!("The code that was sent to {email}:"))?
    };
    cognito.confirm(email, code.trim()).await?;
    let session = keep(app, &cognito, connection, email, &password).await?;
    render::out(&format!(
        "account made; signed in at {} as {email}",
        session.connection.url
    ))?;
    Ok(Outcome::Fine)
}

/// An address that signed up before and was never confirmed may go on; one with an account may not sign up again.
async fn go_on(cognito: &Cognito, args: &SignupArgs, password: &str) -> anyhow::Result<()> {
    let email = args.email.trim();
    match cognito.sign_in(email, password).await {
        Err(Error::NotConfirmed) if args.code.is_some() => Ok(()),
        Err(Error::NotConfirmed) => {
            cognito.resend_code(email).await?;
            note("this address had signed up and was not confirmed: a new code was sent");
            Ok(())
        }
        Err(error @ Error::Unreachable { .. }) => Err(error.into()),
        _ => Err(anyhow::Error::new(Error::AlreadyExists)
            .context(format!("sign in instead: `bie login --email {email}`"))),
    }
}

pub(crate) async fn log_in(app: &App, args: &LoginArgs) -> anyhow::Result<Outcome> {
    let connection = app.connection()?;
    let cognito = app.cognito(&connection);
    note(&format!("signing in at {}", connection.described()));
    let password = ask::password(args.password.as_deref(), false)?;
    let session = keep(app, &cognito, connection, args.email.trim(), &password).await?;
    render::out(&format!(
        "signed in at {} as {}",
        session.connection.url, session.email
    ))?;
    Ok(Outcome::Fine)
}

async fn keep(
    app: &App,
    cognito: &Cognito,
    connection: Connection,
    email: &str,
    password: &str,
) -> anyhow::Result<Session> {
    let tokens = cognito.sign_in(email, password).await?;
    let session = Session {
        email: email.to_owned(),
        connection,
        tokens,
    };
    app.store
        .save(&session)
        .context("cannot save the sign-in")?;
    Ok(session)
}

pub(crate) fn log_out(app: &App) -> anyhow::Result<Outcome> {
    let was_there = app.store.remove().context("cannot remove the sign-in")?;
    render::out(if was_there {
        "signed out"
    } else {
        "nobody was signed in"
    })?;
    Ok(Outcome::Fine)
}

pub(crate) async fn show(app: &App, args: &AccountArgs) -> anyhow::Result<Outcome> {
    let account = app.client()?.account().await?;
    if args.json {
        render::json(&account)?;
    } else {
        render::out(&words(&account))?;
    }
    Ok(Outcome::Fine)
}

/// Signs out afterwards: what the sign-in was good for is gone.
pub(crate) async fn delete(app: &App, args: DeleteAccountArgs) -> anyhow::Result<Outcome> {
    let client = app.client()?;
    let account = match client.account().await {
        // An earlier try whose answer was lost.
        Err(error) if error.code() == "account_deleted" => return forgotten(app),
        account => account?,
    };
    if !args.yes {
        anyhow::ensure!(
            ask::somebody_is_there(),
            "nothing was deleted: there is no terminal to ask at; give --yes if you mean it"
        );
        let question = format!(
            "Delete the account of {} with all its photos and results? {} will be lost. This cannot be undone.",
            account.email,
            count(account.credits, "credit")
        );
        if !ask::yes(&question)? {
            render::out("nothing was deleted")?;
            return Ok(Outcome::Fine);
        }
    }
    client.delete_account(&account.email).await?;
    forgotten(app)
}

fn forgotten(app: &App) -> anyhow::Result<Outcome> {
    app.store.remove().context("cannot remove the sign-in")?;
    render::out(
        "the account is closed; its photos and all that is known of you are being deleted",
    )?;
    Ok(Outcome::Fine)
}

fn words(account: &Account) -> String {
    let limits = &account.limits;
    let mut text = vec![format!(
        "e-mail   {}\nbalance  {}\nlimits   {} a batch; {} and {} a photo; {} a prompt\nprices",
        account.email,
        count(account.credits, "credit"),
        count(limits.max_images_per_batch.into(), "image"),
        bytes(limits.max_file_bytes),
        megapixels(limits.max_pixels),
        count(limits.max_prompt_chars.into(), "character"),
    )];
    for price in &account.prices {
        let credits = count(price.credits, "credit");
        text.push(format!(
            "\n  {:<7}up to {:<16} {credits}",
            price.quality,
            megapixels(price.up_to_pixels)
        ));
    }
    text.concat()
}
