//! A function's variables: the template gives what `main.rs` reads, no more and no less.

use std::collections::BTreeSet;

use anyhow::Result;
use tidy::{Faults, Template};

/// How `edge::Env` is asked.
const READS: [&str; 4] = [".required", ".required_as", ".parsed", ".optional"];

#[test]
fn every_function_is_given_what_it_reads() -> Result<()> {
    let template = Template::load()?;
    let mut faults = Faults::new();
    for function in template.functions()? {
        let (id, path) = (
            function.resource.id,
            format!("functions/{}/src/main.rs", function.package),
        );
        let source = tidy::without_tests(&tidy::read(&path)?);
        let mut read = BTreeSet::new();
        for name in READS
            .into_iter()
            .flat_map(|call| tidy::literals(&source, call))
        {
            match name {
                // Lambda sets these itself.
                Some(name) if name.starts_with("AWS_") => {}
                Some(name) => {
                    read.insert(name);
                }
                None => faults.found(format!("{path} reads a variable whose name is no literal")),
            }
        }
        let given = function.variables();
        for name in read.difference(&given) {
            faults.found(format!("{id} is not given {name}, which {path} reads"));
        }
        for name in given.difference(&read) {
            faults.found(format!("{id} is given {name}, which {path} does not read"));
        }
    }
    faults.none_or(
        "Make Environment.Variables in template.yaml and the env.required/parsed/optional(\"..\") of main.rs the same: a \
         missing one stops a cold start or silently means its default, an unused one misleads whoever operates this.",
    )
}
