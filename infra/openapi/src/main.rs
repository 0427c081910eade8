//! Prints the OpenAPI document. `cargo xtask openapi` puts it where it belongs.

use std::io::Write as _;

fn main() -> anyhow::Result<()> {
    let json = openapi::document()?.to_pretty_json()?;
    writeln!(std::io::stdout(), "{json}")?;
    Ok(())
}
