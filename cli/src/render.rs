//! What people see: words, sums, bars. Progress and notes go to stderr; stdout is for the result.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    io::{self, IsTerminal as _, Write as _},
    time::Duration,
};

use api::{Counts, Problem};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::{client, edit, follow};

/// The result, for people.
pub(crate) fn out(text: &str) -> io::Result<()> {
    match writeln!(io::stdout().lock(), "{text}") {
        // `bie history | head` is no error.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        written => written,
    }
}

/// The result, for programs.
pub(crate) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(out(&serde_json::to_string_pretty(value)?)?)
}

/// What is worth knowing on the way.
pub(crate) fn note(text: &str) {
    eprintln!("{text}");
}

/// The last words of a command that could not do its work.
pub(crate) fn error(error: &anyhow::Error, as_json: bool) {
    eprintln!("error: {error:#}");
    if as_json {
        let code = error
            .chain()
            .find_map(|cause| {
                let service = cause
                    .downcast_ref::<client::Error>()
                    .map(client::Error::code);
                service.or_else(|| cause.downcast_ref::<edit::Stop>().map(edit::Stop::code))
            })
            .unwrap_or("error");
        let object = serde_json::json!({"error": {"code": code, "message": format!("{error:#}")}});
        if let Err(error) = out(&object.to_string()) {
            eprintln!("error: cannot write to stdout: {error}");
        }
    }
}

/// A problem document in words: what happened, each fault, and what a 402 misses.
pub(crate) fn problem(problem: &Problem) -> String {
    let said = if problem.detail.is_empty() {
        &problem.title
    } else {
        &problem.detail
    };
    let mut text = vec![format!("{said} ({})", problem.code)];
    if let (Some(needed), Some(credits)) = (problem.credits_needed, problem.credits) {
        text.push(format!(": {}", too_few(needed, credits)));
    }
    for fault in problem.errors.iter().flatten() {
        text.push(format!("\n  {}: {}", fault.pointer, fault.detail));
    }
    text.concat()
}

/// What is missing.
pub(crate) fn too_few(needed: u64, credits: u64) -> String {
    let missing = needed.saturating_sub(credits);
    format!(
        "it costs {}, you have {credits}: {missing} missing",
        count(needed, "credit")
    )
}

/// "1 image", "2 images".
pub(crate) fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}

/// [`count`] for what is counted in memory.
pub(crate) fn count_of(number: usize, noun: &str) -> String {
    count(u64::try_from(number).unwrap_or(u64::MAX), noun)
}

/// With one digit after the point, cut.
fn tenths(number: u64, unit: u64) -> String {
    let (whole, tenth) = (number / unit, number % unit / (unit / 10));
    if tenth == 0 {
        whole.to_string()
    } else {
        format!("{whole}.{tenth}")
    }
}

pub(crate) fn bytes(number: u64) -> String {
    match number {
        0..1_000 => count(number, "byte"),
        1_000..1_000_000 => format!("{} KB", tenths(number, 1_000)),
        _ => format!("{} MB", tenths(number, 1_000_000)),
    }
}

pub(crate) fn megapixels(number: u64) -> String {
    format!("{} megapixels", tenths(number, 1_000_000))
}

/// Currencies whose smallest unit is the whole one.
const WITHOUT_CENTS: [&str; 16] = [
    "bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "ugx", "vnd", "vuv",
    "xaf", "xof", "xpf",
];

/// "5.00 USD", of so many of the smallest unit.
pub(crate) fn money(amount: u64, currency: &str) -> String {
    let name = currency.to_uppercase();
    if WITHOUT_CENTS.contains(&currency) {
        return format!("{amount} {name}");
    }
    format!("{}.{:02} {name}", amount / 100, amount % 100)
}

/// On one line, and not longer than this.
pub(crate) fn shorten(text: &str, characters: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= characters {
        return line;
    }
    line.chars()
        .take(characters.saturating_sub(1))
        .chain(['…'])
        .collect()
}

/// "3 of 5 done: 2 completed, 1 failed; 1 processing, 1 pending".
pub(crate) fn counts(counts: &Counts) -> String {
    let settled = counts.completed + counts.failed + counts.canceled;
    let mut text = vec![format!(
        "{settled} of {} done: {} completed, {} failed",
        counts.total, counts.completed, counts.failed
    )];
    if counts.canceled > 0 {
        text.push(format!(", {} canceled", counts.canceled));
    }
    if follow::open(counts) {
        text.push(format!(
            "; {} processing, {} pending",
            counts.processing, counts.pending
        ));
    }
    text.concat()
}

/// A bar where there is a terminal; where there is none it draws nothing and its owner prints lines.
fn bar(total: u64, what: &str) -> (ProgressBar, bool) {
    let plain = !io::stderr().is_terminal();
    if plain || total == 0 {
        return (ProgressBar::hidden(), plain);
    }
    let template = "{prefix:>9} {bar:30.cyan/blue} {pos}/{len}  {msg}  {elapsed}";
    let style =
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(total)
        .with_style(style)
        .with_prefix(what.to_owned());
    bar.enable_steady_tick(Duration::from_millis(250));
    (bar, plain)
}

/// How many photos are in the bucket.
pub(crate) struct UploadMeter {
    bar: ProgressBar,
    plain: bool,
    total: u64,
    done: RefCell<(u64, u64)>,
}

impl UploadMeter {
    pub(crate) fn new(total: u64) -> Self {
        let (bar, plain) = bar(total, "uploading");
        Self {
            bar,
            plain,
            total,
            done: RefCell::new((0, 0)),
        }
    }

    /// One more.
    pub(crate) fn uploaded(&self, size: u64) {
        let mut done = self.done.borrow_mut();
        *done = (done.0 + 1, done.1.saturating_add(size));
        self.bar.set_position(done.0);
        self.bar.set_message(bytes(done.1));
        // About ten lines, however many files.
        if self.plain
            && (done.0 == self.total || done.0.is_multiple_of(self.total.div_ceil(10).max(1)))
        {
            note(&format!(
                "uploaded {} of {} ({})",
                done.0,
                self.total,
                bytes(done.1)
            ));
        }
    }
}

impl Drop for UploadMeter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// How far the batches are, all together.
pub(crate) struct BatchMeter {
    bar: ProgressBar,
    plain: bool,
    batches: RefCell<BTreeMap<usize, Counts>>,
}

impl BatchMeter {
    /// The batches to come and how many images each has.
    pub(crate) fn new(batches: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let pending = |images: usize| {
            let images = u32::try_from(images).unwrap_or(u32::MAX);
            Counts {
                total: images,
                pending: images,
                ..Counts::default()
            }
        };
        let batches: BTreeMap<_, _> = batches
            .into_iter()
            .map(|(batch, images)| (batch, pending(images)))
            .collect();
        let (bar, plain) = bar(sum(&batches).total.into(), "editing");
        Self {
            bar,
            plain,
            batches: RefCell::new(batches),
        }
    }

    /// What a status said.
    pub(crate) fn show(&self, batch: usize, news: Counts) {
        let mut batches = self.batches.borrow_mut();
        if batches.insert(batch, news) == Some(news) {
            return;
        }
        let all = sum(&batches);
        self.bar
            .set_position((all.completed + all.failed + all.canceled).into());
        self.bar.set_message(format!(
            "{} completed, {} failed, {} processing",
            all.completed,
            all.failed + all.canceled,
            all.processing
        ));
        if self.plain {
            note(&counts(&all));
        }
    }
}

impl Drop for BatchMeter {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn sum(batches: &BTreeMap<usize, Counts>) -> Counts {
    batches.values().fold(Counts::default(), |all, one| Counts {
        total: all.total + one.total,
        pending: all.pending + one.pending,
        processing: all.processing + one.processing,
        completed: all.completed + one.completed,
        failed: all.failed + one.failed,
        canceled: all.canceled + one.canceled,
    })
}

#[cfg(test)]
mod tests {
    use api::InputFault;

    use super::*;

    #[test]
    fn money_has_as_many_digits_as_its_currency() {
        assert_eq!(money(1_805, "usd"), "18.05 USD");
        assert_eq!(money(0, "eur"), "0.00 EUR");
        assert_eq!(money(500, "jpy"), "500 JPY");
    }

    #[test]
    fn numbers_read_well() {
        assert_eq!(count(1, "image"), "1 image");
        assert_eq!(count(0, "image"), "0 images");
        let cases = [
            (5, "5 bytes"),
            (1_250, "1.2 KB"),
            (50_000_000, "50 MB"),
            (1_990_000, "1.9 MB"),
        ];
        for (number, expected) in cases {
            assert_eq!(bytes(number), expected);
        }
        assert_eq!(megapixels(50_000_000), "50 megapixels");
        assert_eq!(shorten("a\n b   cdef", 5), "a b …");
        assert_eq!(shorten("äöü", 3), "äöü");
    }

    #[test]
    fn a_problem_says_what_is_missing_and_where() {
        let mut document = Problem {
            kind: "x".to_owned(),
            title: "Too few credits".to_owned(),
            status: 402,
            code: "insufficient_credits".to_owned(),
            detail: String::new(),
            errors: None,
            credits_needed: Some(12),
            credits: Some(10),
        };
        assert_eq!(
            problem(&document),
            "Too few credits (insufficient_credits): it costs 12 credits, you have 10: 2 missing"
        );
        document.detail = "The request is invalid".to_owned();
        document.credits = None;
        document.errors = Some(vec![InputFault {
            pointer: "/prompt".to_owned(),
            detail: "too long".to_owned(),
        }]);
        assert_eq!(
            problem(&document),
            "The request is invalid (insufficient_credits)\n  /prompt: too long"
        );
    }

    #[test]
    fn counts_say_what_is_open_while_something_is() {
        let mut some = Counts {
            total: 5,
            pending: 1,
            processing: 1,
            completed: 2,
            failed: 1,
            canceled: 0,
        };
        assert_eq!(
            counts(&some),
            "3 of 5 done: 2 completed, 1 failed; 1 processing, 1 pending"
        );
        some = Counts {
            pending: 0,
            processing: 0,
            completed: 2,
            failed: 1,
            canceled: 2,
            ..some
        };
        assert_eq!(
            counts(&some),
            "5 of 5 done: 2 completed, 1 failed, 2 canceled"
        );
    }
}
