//! README's commands: what people paste has to do what it says.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use tidy::Faults;

/// The commands of README that begin like this, each on one line.
fn commands(readme: &str, begin: &str) -> Vec<String> {
    let joined = readme.replace("\\\n", " ");
    let lines = joined.lines().map(str::trim);
    lines
        .filter(|line| line.starts_with(begin))
        .map(str::to_owned)
        .collect()
}

/// What a shell makes of a command's arguments.
fn arguments(command: &str) -> Result<Vec<String>> {
    let print = format!("sam() {{ printf '%s\\n' \"$@\"; }}\n{command}");
    let shell = Command::new("sh").args(["-euc", &print]).output()?;
    ensure!(shell.status.success(), "sh cannot read {command}");
    let printed = String::from_utf8(shell.stdout)?;
    Ok(printed.lines().map(str::to_owned).collect())
}

/// Does the SAM CLI take all of it? It cuts a value that has no quotes of its own at the first space or quote.
fn is_taken_whole(value: &str) -> bool {
    let quoted = value
        .strip_prefix('\'')
        .and_then(|it| it.strip_suffix('\''));
    let separates = |c: char| c.is_whitespace() || c == '"' || c == '\'';
    quoted.map_or_else(|| !value.contains(separates), |it| !it.contains('\''))
}

#[test]
fn sam_takes_the_parameters_whole() -> Result<()> {
    let readme = tidy::read("README.md")?;
    let commands = commands(&readme, "sam deploy --parameter-overrides ");
    ensure!(!commands.is_empty(), "README sets no parameters");
    let mut faults = Faults::new();
    for command in &commands {
        for parameter in arguments(command)?.iter().skip(2) {
            let value = parameter.split_once('=').map(|(_, value)| value);
            let value = value.with_context(|| format!("{parameter} is no parameter"))?;
            faults.unless(is_taken_whole(value), parameter);
        }
    }
    faults.none_or(
        "Write \"Name='value'\": the SAM CLI cuts other values at the first space or quote.",
    )
}

#[test]
fn a_value_that_sam_cuts_is_found() -> Result<()> {
    let command =
        r#"sam deploy --parameter-overrides A=b "B='c <d>'" 'C=[{"e":1}]' "D=e f" "E='g' 'h'""#;
    let values = arguments(command)?;
    let taken = values.iter().skip(2).map(|it| it.split_once('='));
    let taken = taken.map(|it| it.is_some_and(|(_, value)| is_taken_whole(value)));
    assert_eq!(taken.collect::<Vec<_>>(), [true, true, false, false, false]);
    Ok(())
}
