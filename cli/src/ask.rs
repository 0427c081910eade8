//! Questions to the person at the terminal. Asks on stderr, so that stdout stays the result's.

use std::io::{self, BufRead as _, IsTerminal as _, Write as _};

use anyhow::Context as _;

/// Whether there is anybody to ask.
pub(crate) fn somebody_is_there() -> bool {
    io::stdin().is_terminal()
}

pub(crate) fn line(question: &str) -> anyhow::Result<String> {
    let mut stderr = io::stderr().lock();
    write!(stderr, "{question} ")?;
    stderr.flush()?;
    let mut answer = String::new();
    let read = io::stdin()
        .lock()
        .read_line(&mut answer)
        .context("cannot read the answer")?;
    anyhow::ensure!(read > 0, "there was no answer");
    Ok(answer.trim().to_owned())
}

/// Anything but a yes is a no.
pub(crate) fn yes(question: &str) -> anyhow::Result<bool> {
    let answer = line(&format!("{question} [y/N]"))?.to_lowercase();
    Ok(matches!(answer.as_str(), "y" | "yes"))
}

/// The given one, or asks without echo.
pub(crate) fn password(given: Option<&str>, twice: bool) -> anyhow::Result<String> {
    if let Some(password) = given {
        return Ok(password.to_owned());
    }
    anyhow::ensure!(
        somebody_is_there(),
        "there is no terminal to ask for the password: give --password, or set BIE_PASSWORD"
    );
    let password = rpassword::prompt_password("Password: ").context("cannot read the password")?;
    if twice {
        let again = rpassword::prompt_password("Again: ").context("cannot read the password")?;
        anyhow::ensure!(password == again, "the two passwords differ");
    }
    Ok(password)
}
