//! Habits of the source that neither the compiler nor clippy can see.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result};
use tidy::Faults;

/// The longest that a function's `main.rs` may be: it composes, and does nothing else.
const MAIN_LINES: usize = 30;
/// Those that may be longer, and why.
const LONGER_MAINS: [(&str, usize); 1] = [
    // Composes six things, of which the provider's client takes four settings.
    ("edit-image", 41),
];

/// Those that have more files than `main.rs` and `handler.rs`, and why.
const MORE_FILES: [(&str, &[&str]); 1] = [
    // What mails say, and what a webhook gets: the words of this one function.
    ("send-notice", &["mail.rs", "webhook.rs"]),
];

/// Words of somebody who asks where they run.
const PLACES: [&str; 5] = [
    "localhost",
    "127.0.0.1",
    "ministack",
    "localstack",
    "if local",
];

#[test]
fn no_result_hides_behind_an_underscore() -> Result<()> {
    let mut faults = Faults::new();
    for (path, source) in tidy::production()? {
        for (number, line) in (1..).zip(source.lines()) {
            let name = line.trim_start().strip_prefix("let _").unwrap_or_default();
            let is_name = name.starts_with(|c: char| c.is_alphanumeric() || c == '_');
            faults.unless(!is_name, format!("{path}:{number}: {}", line.trim()));
        }
    }
    faults.none_or(
        "Handle the value (`?`, `match`), or give it a name that is used: `let _name =` drops a Result unseen, where clippy \
         would have stopped `let _ =`. A guard gets a plain name and a `drop` where it ends.",
    )
}

#[test]
fn every_file_says_what_it_knows() -> Result<()> {
    let mut faults = Faults::new();
    for path in tidy::sources("")? {
        faults.unless(tidy::read(&path)?.starts_with("//! "), path);
    }
    faults.none_or("Begin the file with `//!`: what it knows, and what it does not know.")
}

#[test]
fn a_function_is_a_main_and_a_handler() -> Result<()> {
    let mut faults = Faults::new();
    for function in tidy::folders("functions")? {
        let files = tidy::files(&format!("functions/{function}/src"))?;
        let more = MORE_FILES.iter().find(|(name, _)| *name == function);
        let more = more.map_or(&[][..], |(_, files)| files);
        let mut expected: Vec<_> = ["handler.rs", "main.rs"]
            .iter()
            .chain(more)
            .map(|name| format!("functions/{function}/src/{name}"))
            .collect();
        expected.sort();
        faults.unless(
            files == expected,
            format!("functions/{function}/src: {}", files.join(", ")),
        );
    }
    faults.none_or("main.rs composes, handler.rs decodes, calls and encodes; what is more belongs into shared/, or \
         has a reason in MORE_FILES.")
}

#[test]
fn mains_are_short() -> Result<()> {
    let mut faults = Faults::new();
    for function in tidy::folders("functions")? {
        let lines = tidy::read(&format!("functions/{function}/src/main.rs"))?
            .lines()
            .count();
        let longer = LONGER_MAINS.iter().find(|(name, _)| *name == function);
        let most = longer.map_or(MAIN_LINES, |(_, lines)| *lines);
        faults.unless(
            lines <= most,
            format!("functions/{function}/src/main.rs: {lines} lines of {most}"),
        );
        if longer.is_some() {
            faults.unless(
                lines > MAIN_LINES,
                format!("{function} needs no exception any more"),
            );
        }
    }
    faults.none_or("Move what is not composition into handler.rs or shared/; keep LONGER_MAINS to those that need it.")
}

#[test]
fn nothing_asks_where_it_runs() -> Result<()> {
    let mut faults = Faults::new();
    for (path, source) in tidy::production()? {
        for (number, line) in (1..).zip(source.lines()) {
            let lower = line.to_lowercase();
            if PLACES.iter().any(|place| lower.contains(place)) {
                faults.found(format!("{path}:{number}: {}", line.trim()));
            }
        }
    }
    faults.none_or("Make the difference a setting that the template gives (R7): what runs at home is what runs in AWS.")
}

#[test]
fn functions_link_the_services_that_they_call() -> Result<()> {
    let exports = exports(&tidy::read("shared/aws/src/lib.rs")?);
    for feature in ["cognito", "dynamodb", "s3", "secrets", "sfn", "sqs"] {
        let mut needed = exports.values().flatten();
        needed
            .find(|it| *it == feature)
            .with_context(|| format!("shared/aws exports nothing for {feature}"))?;
    }
    let mut faults = Faults::new();
    for function in tidy::folders("functions")? {
        let mut needed = BTreeSet::new();
        for file in ["main.rs", "handler.rs"] {
            let source = tidy::read(&format!("functions/{function}/src/{file}"))?;
            for name in tidy::names_after(&source, "aws::") {
                needed.extend(exports.get(&name).into_iter().flatten().cloned());
            }
        }
        let path = format!("functions/{function}/Cargo.toml");
        let enabled = enabled(&tidy::read(&path)?);
        for feature in enabled.difference(&needed) {
            faults.found(format!(
                "{path} enables aws/{feature}, which nothing there uses"
            ));
        }
        for feature in needed.difference(&enabled) {
            faults.found(format!(
                "{path} does not enable aws/{feature}, which its source uses"
            ));
        }
    }
    faults.none_or(
        "Enable the features of `aws` whose types the function names: each one too many is an SDK in the zip and in the \
         cold start; one that is missing builds only as long as another package of the workspace enables it.",
    )
}

/// What each type that `aws` exports needs: the features that its `pub use` stands under.
fn exports(library: &str) -> BTreeMap<String, BTreeSet<String>> {
    let mut found: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for item in library.split(';') {
        let Some((attributes, names)) = item.rsplit_once("pub use ") else {
            continue;
        };
        let features = attributes.split("feature = \"").skip(1);
        let features: BTreeSet<_> = features
            .filter_map(|it| Some(it.split_once('"')?.0.to_owned()))
            .collect();
        for name in tidy::names_after(names, "::") {
            found.insert(name, features.clone());
        }
    }
    found
}

/// The features of `aws` that a manifest enables.
fn enabled(manifest: &str) -> BTreeSet<String> {
    let entry = manifest.split_once("\naws = {").map(|(_, rest)| rest);
    let entry = entry
        .and_then(|rest| rest.split('}').next())
        .unwrap_or_default();
    let list = entry
        .split_once("features = [")
        .map(|(_, rest)| rest)
        .unwrap_or_default();
    let list = list.split(']').next().unwrap_or_default();
    list.split('"')
        .skip(1)
        .step_by(2)
        .map(str::to_owned)
        .collect()
}
