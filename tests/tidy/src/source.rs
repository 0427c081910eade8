//! Rust source as text. It leans on rustfmt, which this project runs, instead of parsing.

use std::collections::BTreeSet;

use anyhow::Result;

use crate::tree;

/// What runs: the path and the text of all Rust in `functions/` and `shared/`, without tests.
pub fn production() -> Result<Vec<(String, String)>> {
    let mut paths = tree::sources("functions")?;
    paths.extend(tree::sources("shared")?);
    paths.retain(|path| !path.contains("/tests/"));
    let read = |path: String| {
        let text = without_tests(&tree::read(&path)?);
        Ok((path, text))
    };
    paths.into_iter().map(read).collect()
}

/// The source without its `#[cfg(test)]` items. The lines stay, so that line numbers do.
#[must_use]
pub fn without_tests(source: &str) -> String {
    let mut kept = String::with_capacity(source.len());
    let mut closing = None;
    for line in source.lines() {
        let indent = line.len() - line.trim_start().len();
        match closing {
            None if line.trim_start().starts_with("#[cfg(test)]") => closing = Some(indent),
            None => kept.push_str(line),
            // rustfmt puts the end of an item under its beginning.
            Some(begun) if indent == begun && line.ends_with(['}', ';', ',']) => {
                closing = None;
            }
            Some(_) => {}
        }
        kept.push('\n');
    }
    kept
}

/// The first argument of every call that reads `{call}(..)` or `{call}::<..>(..)`: `None` if it is no plain literal.
#[must_use]
pub fn literals(source: &str, call: &str) -> Vec<Option<String>> {
    let source: String = source.split_whitespace().collect();
    let argument = |rest: &str| {
        let arguments = if rest.starts_with("::<") {
            rest.split_once('(')?.1
        } else {
            rest.strip_prefix('(')?
        };
        let literal = arguments
            .strip_prefix('"')
            .and_then(|it| it.split_once('"'));
        Some(literal.map(|(literal, _)| literal.to_owned()))
    };
    source.split(call).skip(1).filter_map(argument).collect()
}

/// The names that follow a path such as `aws::`, alone or in braces.
#[must_use]
pub fn names_after(source: &str, path: &str) -> BTreeSet<String> {
    let names = |rest: &str| -> Vec<String> {
        let list = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next(),
            None => rest.split(|c: char| !is_of_a_name(c)).next(),
        };
        let names = list.unwrap_or_default().split(',').map(str::trim);
        names
            .filter(|name| !name.is_empty())
            .map(str::to_owned)
            .collect()
    };
    source.split(path).skip(1).flat_map(names).collect()
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_are_no_production() {
        let source =
            "a\n#[cfg(test)]\nmod tests {\n    b;\n    {\n    }\n}\nc\n#[cfg(test)]\nd,\ne\n";
        assert_eq!(without_tests(source), "a\n\n\n\n\n\n\nc\n\n\ne\n");
    }

    #[test]
    fn literals_are_found_over_lines() {
        let source = "env.parsed(\n    \"A\",\n) env\n  .parsed::<T>(\"B\") env.parsed(NAME) env.parsed_twice(\"C\")";
        let found = literals(source, ".parsed");
        assert_eq!(found, [Some("A".to_owned()), Some("B".to_owned()), None]);
    }

    #[test]
    fn names_stand_alone_or_in_braces() {
        let found = names_after(
            "use aws::{\n    Photos, Tables,\n};\nx(aws::AwsError)",
            "aws::",
        );
        let found: Vec<_> = found.iter().map(String::as_str).collect();
        assert_eq!(found, ["AwsError", "Photos", "Tables"]);
    }
}
