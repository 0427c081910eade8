//! `bie balance`, `buy`, `transactions`: credits. It handles no money: that is paid on the seller's page.

use std::{
    collections::HashSet,
    process::{Command, Stdio},
    time::Duration,
};

use anyhow::Context as _;
use api::{Balance, Checkout, Pack, Packs, Transaction, Transactions};
use serde::Serialize;
use tokio::time::{Instant, sleep_until};

use crate::{
    App, Outcome,
    args::{BalanceArgs, BuyArgs, TransactionsArgs},
    ask,
    client::Client,
    render::{self, count, money, note},
};

/// Transactions in one answer.
const PAGE: usize = 50;
/// How many of the newest transactions are searched for a purchase.
const NEWEST: usize = 20;
/// How often they are.
const POLL: Duration = Duration::from_secs(2);

pub(crate) async fn balance(app: &App, args: &BalanceArgs) -> anyhow::Result<Outcome> {
    let balance = app.client()?.balance().await?;
    if args.json {
        render::json(&balance)?;
    } else {
        render::out(&words(balance))?;
    }
    Ok(Outcome::Fine)
}

fn words(balance: Balance) -> String {
    let credits = count(balance.credits, "credit");
    if balance.owed == 0 {
        return credits;
    }
    format!(
        "{credits}; {} owed, which the next ones pay first",
        balance.owed
    )
}

pub(crate) async fn transactions(app: &App, args: &TransactionsArgs) -> anyhow::Result<Outcome> {
    let client = app.client()?;
    let (mut transactions, mut next_cursor) = (Vec::new(), None::<String>);
    while transactions.len() < args.limit {
        let wanted = (args.limit - transactions.len()).min(PAGE);
        let page = client.transactions(wanted, next_cursor.as_deref()).await?;
        transactions.extend(page.transactions);
        next_cursor = page.next_cursor;
        if next_cursor.is_none() {
            break;
        }
    }
    if args.json {
        render::json(&Transactions {
            transactions,
            next_cursor,
        })?;
    } else if transactions.is_empty() {
        render::out("no transactions yet")?;
    } else {
        let lines: Vec<_> = transactions.iter().map(line).collect();
        render::out(&lines.join("\n"))?;
    }
    Ok(Outcome::Fine)
}

fn line(transaction: &Transaction) -> String {
    format!(
        "{}  {:>+6}  {:>6}  {}",
        transaction.created_at,
        transaction.amount,
        transaction.balance_after,
        transaction.description
    )
}

/// What `bie buy --json` prints of a purchase.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Purchase {
    #[serde(flatten)]
    checkout: Checkout,
    /// Have the credits arrived?
    arrived: bool,
    #[serde(flatten)]
    balance: Balance,
}

pub(crate) async fn buy(app: &App, args: &BuyArgs) -> anyhow::Result<Outcome> {
    let client = app.client()?;
    let packs = client.packs().await?;
    let Some(wanted) = &args.pack else {
        list(&packs, args.json)?;
        return Ok(Outcome::Fine);
    };
    let pack = find(&packs, wanted)?;
    // Before there is a page to pay on, so that whatever comes afterwards is new.
    let before = orders(&client).await?;
    let checkout = client.checkout(&pack.product_id).await?;
    note(&format!(
        "{} for {}: pay here\n{}",
        count(pack.credits, "credit"),
        money(pack.price, &pack.currency),
        checkout.url
    ));
    if !args.no_open && ask::somebody_is_there() {
        open(&checkout.url);
    }
    let wait = Duration::from_secs(args.wait);
    let arrived = !wait.is_zero() && arrival(&client, &before, wait).await?;
    anyhow::ensure!(
        arrived || wait.is_zero(),
        "no credits have arrived within {} seconds; what is paid later is not lost: see `bie balance`",
        args.wait
    );
    let balance = client.balance().await?;
    if args.json {
        render::json(&Purchase {
            checkout,
            arrived,
            balance,
        })?;
    } else if arrived {
        render::out(&format!("the credits are here: {}", words(balance)))?;
    }
    Ok(Outcome::Fine)
}

fn list(packs: &Packs, as_json: bool) -> anyhow::Result<()> {
    if as_json {
        return render::json(packs);
    }
    if packs.packs.is_empty() {
        return Ok(render::out("nothing is sold here")?);
    }
    let line = |pack: &Pack| {
        let price = money(pack.price, &pack.currency);
        format!("{:<16} {price:>14}  {}", pack.name, pack.product_id)
    };
    let mut lines: Vec<_> = packs.packs.iter().map(line).collect();
    lines.push("buy one by its name, its number of credits, or its id: `bie buy PACK`".to_owned());
    Ok(render::out(&lines.join("\n"))?)
}

/// The pack that somebody means by its id, its name, or how many credits it has.
fn find<'a>(packs: &'a Packs, wanted: &str) -> anyhow::Result<&'a Pack> {
    let is_meant = |pack: &&Pack| {
        pack.product_id == wanted
            || pack.name.eq_ignore_ascii_case(wanted)
            || pack.credits.to_string() == wanted
    };
    let mut meant = packs.packs.iter().filter(is_meant);
    let found = meant
        .next()
        .with_context(|| format!("there is no pack {wanted:?}: `bie buy` lists them"))?;
    anyhow::ensure!(
        meant.next().is_none(),
        "{wanted:?} is more than one pack: name it by its id, which `bie buy` shows"
    );
    Ok(found)
}

/// Waits until there is an order that was not there before. An interruption costs nothing: whatever is paid arrives.
async fn arrival(
    client: &Client,
    before: &HashSet<String>,
    wait: Duration,
) -> anyhow::Result<bool> {
    note("waiting for the payment; Ctrl-C ends the waiting, not the purchase");
    let deadline = Instant::now() + wait;
    loop {
        if !orders(client).await?.is_subset(before) {
            return Ok(true);
        }
        let next = Instant::now() + POLL;
        if next > deadline {
            return Ok(false);
        }
        sleep_until(next).await;
    }
}

/// The orders among the newest transactions.
async fn orders(client: &Client) -> anyhow::Result<HashSet<String>> {
    let newest = client.transactions(NEWEST, None).await?.transactions;
    let orders = newest.into_iter().filter(|it| it.kind == "order");
    Ok(orders.map(|it| it.id).collect())
}

/// Shows a page in the browser, where there is one; its address was printed anyway.
fn open(url: &str) {
    let (program, arguments): (_, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else {
        ("xdg-open", &[])
    };
    let opened = Command::new(program)
        .args(arguments)
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    if opened.is_err() {
        note("(no browser could be opened)");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_goes_by_three_names() {
        let pack = |id: &str, name: &str, credits| Pack {
            product_id: id.to_owned(),
            name: name.to_owned(),
            credits,
            price: 500,
            currency: "usd".to_owned(),
        };
        let packs = Packs {
            packs: vec![
                pack("p1", "Small", 50),
                pack("p2", "Large", 200),
                pack("p3", "Charity", 200),
            ],
        };
        for (wanted, id) in [("p3", "p3"), ("large", "p2"), ("50", "p1")] {
            assert_eq!(find(&packs, wanted).unwrap().product_id, id, "{wanted}");
        }
        for wanted in ["", "200", "5", "p4"] {
            assert!(find(&packs, wanted).is_err(), "{wanted}");
        }
    }
}
