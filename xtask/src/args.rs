//! The command line, as far as verbs share it.

use std::ffi::OsString;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser, ValueExt as _};

use crate::ports::Ports;
use crate::project;
use crate::stack::Folder;

/// The verb; nothing if only help is wanted.
pub(crate) fn verb(parser: &mut Parser) -> Result<Option<String>> {
    match parser.next()? {
        None | Some(Arg::Short('h') | Arg::Long("help")) => Ok(None),
        Some(Arg::Value(verb)) => Ok(Some(text(verb)?)),
        Some(other) => Err(other.unexpected().into()),
    }
}

/// A value as text.
pub(crate) fn text(value: OsString) -> Result<String> {
    value.string().context("an argument is not UTF-8")
}

/// Which stack a verb is about.
pub(crate) struct StackOptions {
    /// Its ports.
    pub(crate) ports: Ports,
    /// Its folder.
    pub(crate) dir: PathBuf,
    /// Parameters of the template, as `Name=Value`.
    pub(crate) parameters: Vec<String>,
    /// Whether the binaries are there already.
    pub(crate) is_built: bool,
    /// The port of a proxy between the functions and the engine, which fails calls when it is told to.
    pub(crate) fault_proxy: Option<u16>,
}

impl Default for StackOptions {
    fn default() -> Self {
        Self {
            ports: Ports::default(),
            dir: project::target().join("local"),
            parameters: Vec::new(),
            is_built: false,
            fault_proxy: None,
        }
    }
}

impl StackOptions {
    /// Takes an option that belongs to the stack; says whether it was one.
    pub(crate) fn take(&mut self, option: &str, parser: &mut Parser) -> Result<bool> {
        match option {
            "port" => self.ports.web = parser.value()?.parse()?,
            "engine-port" => self.ports.engine = parser.value()?.parse()?,
            "stand-ins-port" => self.ports.openai = parser.value()?.parse()?,
            "polar-port" => self.ports.polar = parser.value()?.parse()?,
            "resend-port" => self.ports.resend = parser.value()?.parse()?,
            "dir" => self.dir = absolute(parser.value()?)?,
            "parameter" => {
                let parameter = text(parser.value()?)?;
                if !parameter.contains('=') {
                    bail!("--parameter wants Name=Value, not {parameter:?}");
                }
                self.parameters.push(parameter);
            }
            _ => return Ok(false),
        }
        Ok(true)
    }

    /// Its folder.
    pub(crate) fn folder(&self) -> Folder {
        Folder::new(self.dir.clone())
    }
}

/// A path as seen from where the command was typed.
pub(crate) fn absolute(path: OsString) -> Result<PathBuf> {
    std::path::absolute(PathBuf::from(path)).context("not a path")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<StackOptions> {
        let mut options = StackOptions::default();
        let mut parser = Parser::from_args(args);
        while let Some(arg) = parser.next()? {
            let Arg::Long(name) = arg else {
                bail!("unexpected")
            };
            let name = name.to_owned();
            assert!(options.take(&name, &mut parser)?, "{name}");
        }
        Ok(options)
    }

    #[test]
    fn reads_every_option_of_a_stack() {
        let options = parse(&[
            "--port=1",
            "--engine-port",
            "2",
            "--stand-ins-port",
            "3",
            "--polar-port=4",
            "--resend-port=5",
            "--dir",
            "/x",
            "--parameter",
            "A=b=c",
        ])
        .unwrap();
        assert_eq!(
            options.ports,
            Ports {
                web: 1,
                engine: 2,
                openai: 3,
                polar: 4,
                resend: 5,
            }
        );
        assert_eq!(options.dir, PathBuf::from("/x"));
        assert_eq!(options.parameters, ["A=b=c"]);
    }

    #[test]
    fn refuses_what_is_not_a_port_or_a_parameter() {
        assert!(parse(&["--port", "70000"]).is_err());
        assert!(parse(&["--parameter", "A"]).is_err());
    }
}
