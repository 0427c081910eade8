//! The payloads in `events/`: real in shape, used by the tests, and of nobody's account.

use anyhow::Result;
use serde_json::Value;
use tidy::Faults;

/// The account of AWS's own examples.
const EXAMPLE: &str = "123456789012";

#[test]
fn every_event_is_read_by_a_test_of_its_function() -> Result<()> {
    let mut faults = Faults::new();
    for path in tidy::files("events")? {
        let function = path.split('/').nth(1).unwrap_or_default();
        // A folder that is no function's has no sources.
        let sources = tidy::files(&format!("functions/{function}/src")).unwrap_or_default();
        let mut used = false;
        for source in sources {
            let names = tidy::literals(&tidy::read(&source)?, "include_str!");
            used |= names.contains(&Some(format!("../../../{path}")));
        }
        faults.unless(used, path);
    }
    faults.none_or(
        "Read it with include_str! in a test of functions/<function>/src/handler.rs, or delete it: an event that nothing \
         decodes drifts away from what the function takes.",
    )
}

#[test]
fn every_function_has_an_event() -> Result<()> {
    let events = tidy::files("events")?;
    let mut faults = Faults::new();
    for function in tidy::folders("functions")? {
        let folder = format!("events/{function}/");
        faults.unless(events.iter().any(|path| path.starts_with(&folder)), folder);
    }
    faults.none_or("Put a real payload there, as events/<function>/<case>.json.")
}

#[test]
fn every_event_is_json() -> Result<()> {
    let mut faults = Faults::new();
    for path in tidy::files("events")? {
        if let Err(error) = serde_json::from_str::<Value>(&tidy::read(&path)?) {
            faults.found(format!("{path}: {error}"));
        }
    }
    faults.none_or("Make it valid JSON: `sam local invoke` and `cargo lambda invoke` read it too.")
}

#[test]
fn no_event_names_a_real_account() -> Result<()> {
    let mut faults = Faults::new();
    for path in tidy::files("events")? {
        for account in tidy::digits_of_accounts(&tidy::read(&path)?).filter(|it| *it != EXAMPLE) {
            faults.found(format!("{path}: {account}"));
        }
    }
    faults.none_or("Write 123456789012, the account of AWS's own examples.")
}
