//! `cargo xtask demo`: one batch, from sign-up to a contact sheet, with the command-line client.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use lexopt::{Arg, Parser};

use crate::args::{StackOptions, absolute, text};
use crate::cargo::Workspace;
use crate::process;
use crate::project;
use crate::report::Report;
use crate::stack::Folder;
use crate::up;

const PROMPT: &str = "make it a black and white photograph with a white border";
/// The engine's user pool mails this code to everybody.
const CODE: &str = "123456";

/// `demo`'s command line.
pub(crate) struct Options {
    stack: StackOptions,
    files: Vec<PathBuf>,
    prompt: String,
    out: PathBuf,
}

impl Options {
    /// Reads it.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self> {
        let mut options = Self {
            stack: StackOptions::default(),
            files: Vec::new(),
            prompt: PROMPT.to_owned(),
            out: project::root().join("edited"),
        };
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("prompt") => options.prompt = text(parser.value()?)?,
                Arg::Long("out") => options.out = absolute(parser.value()?)?,
                Arg::Long(name) => {
                    let name = name.to_owned();
                    if !options.stack.take(&name, &mut parser)? {
                        bail!("demo has no option --{name}");
                    }
                }
                Arg::Value(file) => options.files.push(absolute(file)?),
                other @ Arg::Short(_) => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }
}

/// Edits the files on a stack, which is stopped again if it was not there before.
pub(crate) fn run(options: Options) -> Result<()> {
    let report = Report::start();
    let files = if options.files.is_empty() {
        project::samples()?
    } else {
        options.files
    };
    if files.is_empty() {
        bail!("there are no photographs in samples/: name some files");
    }
    if let Some(missing) = files.iter().find(|file| !file.is_file()) {
        bail!("there is no file {}", missing.display());
    }
    let up = up::bring_up(&options.stack, report)?;
    let workspace = Workspace::read()?;
    if up.supervisor.is_none() && !workspace.build()?.wait()?.success() {
        bail!("the build failed (see above)");
    }
    let client = Client::new(&workspace, &options.stack.folder())?;
    client.sign_up()?;
    report.say(format_args!(
        "editing {} photographs: {}",
        files.len(),
        options.prompt
    ));
    client.edit(&files, &options.prompt, &options.out)?;
    report.say(format_args!(
        "the results and a contact sheet are in {}",
        options.out.display()
    ));
    if up.supervisor.is_some() {
        drop(up);
        report.say("everything has stopped");
    }
    Ok(())
}

/// The command-line client with a user of its own. Its arguments are here and nowhere else.
struct Client {
    program: PathBuf,
    stack_file: PathBuf,
    config: PathBuf,
    email: String,
    password: String,
}

impl Client {
    fn new(workspace: &Workspace, folder: &Folder) -> Result<Self> {
        let name = random_hex()?;
        Ok(Self {
            program: workspace.binaries().join("bie"),
            stack_file: folder.stack_file(),
            config: folder.join("demo"),
            email: format!("demo-{name}@example.com"),
            password: format!("Demo-{}!", random_hex()?),
        })
    }

    fn sign_up(&self) -> Result<()> {
        let mut command = self.command("signup");
        command.args([
            "--email",
            &self.email,
            "--password",
            &self.password,
            "--code",
            CODE,
        ]);
        finish(&mut command, "sign-up")
    }

    fn edit(&self, files: &[PathBuf], prompt: &str, out: &Path) -> Result<()> {
        let mut command = self.command("edit");
        command
            .args(files)
            .args(["--prompt", prompt, "--yes", "--contact-sheet", "--out"])
            .arg(out);
        finish(&mut command, "editing")
    }

    fn command(&self, verb: &str) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg(verb)
            .arg("--stack")
            .arg(&self.stack_file)
            .arg("--config-dir")
            .arg(&self.config);
        command
    }
}

fn finish(command: &mut Command, what: &str) -> Result<()> {
    if !process::run(command)? {
        bail!("{what} failed (see above)");
    }
    Ok(())
}

fn random_hex() -> Result<String> {
    let mut bytes = [0; 8];
    std::fs::File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut bytes))
        .context("/dev/urandom")?;
    Ok(format!("{:016x}", u64::from_ne_bytes(bytes)))
}
