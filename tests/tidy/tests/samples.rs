//! The sample photographs: nobody else's pictures without their terms.

use std::collections::BTreeSet;

use anyhow::Result;
use tidy::Faults;

const TABLE: &str = "samples/PROVENANCE.md";

#[test]
fn every_picture_has_its_terms() -> Result<()> {
    let table = tidy::read(TABLE)?;
    let rows = table
        .lines()
        .filter_map(|line| line.strip_prefix("| ")?.split(" |").next());
    let named: BTreeSet<_> = rows.filter(|name| *name != "file").collect();
    let files = tidy::files("samples")?;
    let files = files.iter().filter(|path| *path != TABLE);
    let there: BTreeSet<_> = files
        .filter_map(|path| path.strip_prefix("samples/"))
        .collect();
    let mut faults = Faults::new();
    for name in there.difference(&named) {
        faults.found(format!("{name} is not named in {TABLE}"));
    }
    for name in named.difference(&there) {
        faults.found(format!("{TABLE} names {name}, which is not there"));
    }
    faults.none_or("Give each picture a row: what it shows, whose it is, on what terms. Without terms it cannot stay.")
}
