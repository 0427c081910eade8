//! `cargo xtask up`: from a checkout to a running stack.
//!
//! Knows the order: environment and build side by side, the engine, the stand-ins, the deployment, the front door,
//! `stack.json`. Whatever fails or is interrupted on the way, what was started is stopped again.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use lexopt::{Arg, Parser};

use crate::args::StackOptions;
use crate::cargo::Workspace;
use crate::down;
use crate::environment::{self, Environment};
use crate::http;
use crate::interrupt::{self, Interrupted};
use crate::lock::locked;
use crate::page;
use crate::process;
use crate::project;
use crate::python;
use crate::report::{Report, line};
use crate::stack::{self, Folder, NAME, REGION, Stack, Wanted};
use crate::supervisor::Supervisor;
use crate::wait::wait_until;

/// The key that the stand-in accepts.
const STAND_IN_KEY: &str = "local-stand-in";
const REAL_PROVIDER: &str = "https://api.openai.com/v1";
const READY_WITHIN: Duration = Duration::from_mins(1);
const WATCH_EVERY: Duration = Duration::from_millis(200);

/// `up`'s command line.
pub(crate) struct Options {
    stack: StackOptions,
    detach: bool,
}

impl Options {
    /// Reads it.
    pub(crate) fn parse(mut parser: Parser) -> Result<Self> {
        let mut options = Self {
            stack: StackOptions::default(),
            detach: false,
        };
        while let Some(arg) = parser.next()? {
            match arg {
                Arg::Long("detach") => options.detach = true,
                Arg::Long(name) => {
                    let name = name.to_owned();
                    if !options.stack.take(&name, &mut parser)? {
                        bail!("up has no option --{name}");
                    }
                }
                other => return Err(other.unexpected().into()),
            }
        }
        Ok(options)
    }
}

/// Brings the stack up; in the foreground it then guards it.
pub(crate) fn run(options: &Options) -> Result<()> {
    let report = Report::start();
    let folder = options.stack.folder();
    let Up { stack, supervisor } = bring_up(&options.stack, report)?;
    let Some(mut supervisor) = supervisor else {
        line("Code that changed since is not in it: `cargo xtask down` first.");
        return Ok(());
    };
    describe(&folder, &stack, supervisor.provider());
    if options.detach {
        supervisor.let_go();
        line("Stop it with `cargo xtask down`.");
        return Ok(());
    }
    supervisor.stay()?;
    line("Stop it with Ctrl-C.");
    let ended = guard(&mut supervisor);
    line("");
    report.say("stopping");
    drop(supervisor);
    report.say("everything has stopped");
    match ended {
        Err(error) if error.is::<Interrupted>() => Ok(()),
        other => other,
    }
}

/// Waits until something dies or somebody wants us to stop.
fn guard(supervisor: &mut Supervisor) -> Result<()> {
    loop {
        interrupt::pause(WATCH_EVERY)?;
        supervisor.check()?;
    }
}

fn describe(folder: &Folder, stack: &Stack, provider: &str) {
    line("");
    line(format_args!("  web and API   {}", stack.url));
    line(format_args!("  AWS engine    {}", stack.aws_endpoint));
    for (name, url) in &stack.stand_ins {
        line(format_args!("  {name:<13} {url} (stand-in)"));
    }
    if stack.stand_ins.is_empty() {
        line(format_args!(
            "  openai        {provider} (not a stand-in: it may cost money)"
        ));
    }
    line(format_args!(
        "  for clients   {}",
        folder.stack_file().display()
    ));
    line(format_args!(
        "  logs          {}",
        folder.join("*.log").display()
    ));
    line(format_args!(
        "  of functions  {}",
        folder.join("functions/*.log").display()
    ));
    line("");
}

/// A stack that is ready.
pub(crate) struct Up {
    /// What clients read.
    pub(crate) stack: Stack,
    /// What was started for it, which stops when this is dropped; nothing if the stack ran before.
    pub(crate) supervisor: Option<Supervisor>,
}

/// Uses the stack of the folder if it is the one that is wanted, else starts it.
pub(crate) fn bring_up(options: &StackOptions, report: Report) -> Result<Up> {
    let folder = options.folder();
    folder.create()?;
    let _lock = locked(&folder.join("lock"), report)?;
    let provider = Provider::choose(&Environment::read(), options.ports.openai);
    let wanted = Wanted {
        ports: options.ports,
        parameters: options.parameters.clone(),
        provider: provider.base_url.clone(),
    };
    match folder.healthy() {
        Some((stack, running)) if running == wanted => {
            report.say(format_args!("already running at {}", stack.url));
            return Ok(Up {
                stack,
                supervisor: None,
            });
        }
        Some((stack, _)) => report.say(format_args!(
            "{} was started with other options: stopping it",
            stack.url
        )),
        None => {}
    }
    down::stop(&folder, report)?;
    let supervisor = Supervisor::new(folder.clone(), wanted);
    let mut start = Start {
        options,
        folder,
        report,
        supervisor,
    };
    let stack = start.everything(&provider)?;
    Ok(Up {
        stack,
        supervisor: Some(start.supervisor),
    })
}

/// The images API that the functions will call.
struct Provider {
    base_url: String,
    key: String,
    input_form: &'static str,
    /// What it takes that a real one does not; a parameter given by hand comes later and wins.
    parameters: &'static [&'static str],
    is_stand_in: bool,
}

/// The stand-in keeps nobody waiting, and its faults end when a test says so.
const STAND_IN_PARAMETERS: &[&str] = &[
    "--parameter",
    "ProviderImagesPerMinute=6000",
    "--parameter",
    "ProviderProbeSeconds=3",
];

impl Provider {
    fn choose(environment: &Environment, stand_in_port: u16) -> Self {
        let key = environment.openai_api_key.clone();
        let is_stand_in = key.is_none() && environment.openai_base_url.is_none();
        let usual = if is_stand_in {
            format!("{}/v1", stack::url(stand_in_port))
        } else {
            REAL_PROVIDER.to_owned()
        };
        Self {
            base_url: environment.openai_base_url.clone().unwrap_or(usual),
            key: key.unwrap_or_else(|| STAND_IN_KEY.to_owned()),
            // A service elsewhere cannot fetch a photo from this machine: it is sent the bytes.
            input_form: if is_stand_in { "url" } else { "multipart" },
            parameters: if is_stand_in {
                STAND_IN_PARAMETERS
            } else {
                &[]
            },
            is_stand_in,
        }
    }
}

/// One attempt to start a stack.
struct Start<'options> {
    options: &'options StackOptions,
    folder: Folder,
    report: Report,
    supervisor: Supervisor,
}

impl Start<'_> {
    fn everything(&mut self, provider: &Provider) -> Result<Stack> {
        self.options.ports.check(provider.is_stand_in)?;
        let template = project::template()?;
        let workspace = Workspace::read()?;
        self.prepare(&workspace)?;
        let stand_ins = if provider.is_stand_in {
            self.start_stand_ins(&workspace)?
        } else {
            BTreeMap::new()
        };
        self.wait_for_engine()?;
        let outputs = self.deploy(&workspace, &template, provider)?;
        self.start_front_door(&workspace, &outputs)?;
        let stack = Stack::new(
            self.options.ports,
            outputs,
            stand_ins,
            self.supervisor.known(),
        )?;
        self.folder.publish(&stack)?;
        self.report.say("ready");
        Ok(stack)
    }

    /// Builds and makes the Python environment, side by side; the engine starts as soon as it can.
    fn prepare(&mut self, workspace: &Workspace) -> Result<()> {
        let mut setup = python::Setup::start(self.report)?;
        let mut build = None;
        if !self.options.is_built {
            let count = workspace.stack_packages().len();
            self.report.say(format_args!("building {count} packages"));
            build = Some(workspace.build()?);
        }
        let mut engine_runs = false;
        while build.is_some() || !engine_runs {
            if !engine_runs && setup.poll()? {
                self.start_engine()?;
                engine_runs = true;
            }
            if let Some(status) = build
                .as_mut()
                .map(process::Task::poll)
                .transpose()?
                .flatten()
            {
                if !status.success() {
                    bail!("the build failed (see above)");
                }
                build = None;
                self.report.say("built");
            }
            self.supervisor.check()?;
            interrupt::pause(Duration::from_millis(20))?;
        }
        Ok(())
    }

    fn start_engine(&mut self) -> Result<()> {
        let port = self.options.ports.engine.to_string();
        // What the functions are told: they do not know whether somebody listens in between.
        let endpoint = stack::url(
            self.options
                .fault_proxy
                .unwrap_or(self.options.ports.engine),
        );
        for scratch in ["tmp", "home", "functions"] {
            let path = self.folder.join(scratch);
            if path.exists() {
                fs::remove_dir_all(&path)
                    .with_context(|| format!("cannot clear {}", path.display()))?;
            }
            fs::create_dir_all(&path)?;
        }
        let mut command = Command::new(python::program("python"));
        environment::only_essentials(&mut command);
        command
            .arg(project::engine().join("launch.py"))
            .current_dir(self.folder.path())
            .env("BIND_HOST", "127.0.0.1")
            .env("GATEWAY_PORT", &port)
            .env("AWS_ENDPOINT_URL", endpoint)
            .env("AWS_ACCESS_KEY_ID", "test")
            .env("AWS_SECRET_ACCESS_KEY", "test")
            .env("AWS_DEFAULT_REGION", REGION)
            .env("MINISTACK_REGION", REGION)
            .env("MINISTACK_ACCOUNT_ID", "000000000000")
            // Each function may do what its role in the template says, and no more. (A proxy changes the host that was
            // signed, so behind one nobody could prove who they are.)
            .env("AUTH", self.options.fault_proxy.is_none().to_string())
            // It listens on its one port and shares no file with another engine.
            .env("SFTP_ENABLED", "0")
            .env("IOT_MTLS_ENABLED", "0")
            .env("HOME", self.folder.join("home"))
            .env("TMPDIR", self.folder.join("tmp"))
            .env("STATE_DIR", self.folder.join("tmp/state"))
            .env("S3_DATA_DIR", self.folder.join("tmp/s3"))
            // It would remove containers that belong to other engines.
            .env(
                "DOCKER_HOST",
                format!("unix://{}", self.folder.join("no-docker").display()),
            )
            .env("FUNCTION_LOGS", self.folder.join("functions"))
            .env("FUNCTION_PREFIX", format!("{NAME}-"));
        self.supervisor.start("engine", &mut command)?;
        if let Some(port) = self.options.fault_proxy {
            let mut command = Command::new(python::program("microburst"));
            environment::only_essentials(&mut command);
            command
                .args(["--upstream", &stack::url(self.options.ports.engine)])
                .args(["--port", &port.to_string()]);
            self.supervisor.start("fault-proxy", &mut command)?;
        }
        Ok(())
    }

    fn start_stand_ins(&mut self, workspace: &Workspace) -> Result<BTreeMap<String, String>> {
        let mut command = Command::new(workspace.binaries().join("stand-ins"));
        environment::only_essentials(&mut command);
        command.args(["--openai-port", &self.options.ports.openai.to_string()]);
        self.supervisor.start("stand-ins", &mut command)?;
        let line = self.wait_for_line("stand-ins", "openai http")?;
        let url = line
            .strip_prefix("openai ")
            .unwrap_or(&line)
            .trim()
            .to_owned();
        self.report.say(format_args!("stand-ins at {url}"));
        Ok(BTreeMap::from([("openai".to_owned(), url)]))
    }

    fn wait_for_engine(&mut self) -> Result<()> {
        let port = self.options.ports.engine;
        let ready = self.wait_for(|_| http::status(port, "/_ministack/ready") == Some(200))?;
        if !ready {
            bail!(
                "the engine is not ready. The end of its log:\n{}",
                process::tail(&self.supervisor.log("engine"))
            );
        }
        self.report
            .say(format_args!("engine at {}", stack::url(port)));
        Ok(())
    }

    fn deploy(
        &mut self,
        workspace: &Workspace,
        template: &std::path::Path,
        provider: &Provider,
    ) -> Result<BTreeMap<String, String>> {
        let result = self.folder.join("outputs.json");
        let mut command = Command::new(python::program("python"));
        environment::only_essentials(&mut command);
        command
            .arg(project::engine().join("deploy.py"))
            .arg("--template")
            .arg(template)
            .args([
                "--endpoint",
                &stack::url(self.options.ports.engine),
                "--region",
                REGION,
                "--stack-name",
                NAME,
            ])
            .arg("--binaries")
            .arg(workspace.binaries())
            .arg("--work-dir")
            .arg(self.folder.join("bundles"))
            .arg("--result")
            .arg(&result)
            .args(["--web-origin", &stack::url(self.options.ports.web)])
            .args([
                "--provider-base-url",
                &provider.base_url,
                "--provider-input-form",
                provider.input_form,
            ])
            .args(provider.parameters)
            .args(
                self.options
                    .parameters
                    .iter()
                    .flat_map(|parameter| ["--parameter", parameter]),
            )
            .env("HOME", self.folder.join("home"))
            .env("PROVIDER_API_KEY", &provider.key);
        self.report.say("deploying template.yaml");
        if !process::run(&mut command)? {
            self.supervisor.check()?;
            bail!(
                "the deployment failed (see above; the engine's log is {})",
                self.supervisor.log("engine").display()
            );
        }
        let outputs = fs::read(&result).context("deploy.py wrote no outputs")?;
        serde_json::from_slice(&outputs).context("deploy.py's outputs")
    }

    fn start_front_door(
        &mut self,
        workspace: &Workspace,
        outputs: &BTreeMap<String, String>,
    ) -> Result<()> {
        let api = outputs
            .get("HttpApiId")
            .context("the template has no output HttpApiId")?;
        let upstream = format!(
            "{}/_aws/execute-api/{api}/$default",
            stack::url(self.options.ports.engine)
        );
        let mut command = Command::new(workspace.binaries().join("front-door"));
        environment::only_essentials(&mut command);
        command.args([
            "--port",
            &self.options.ports.web.to_string(),
            "--api",
            &upstream,
        ]);
        let web = project::root().join("web/dist");
        if web.join("index.html").is_file() {
            let engine = stack::url(self.options.ports.engine);
            let config = self.folder.join("config.json");
            fs::write(&config, page::config(outputs, &engine)?)?;
            command.arg("--web").arg(web);
            command.arg("--config").arg(config);
            command.args(["--policy", &page::policy(outputs, &engine)?]);
        }
        self.supervisor.start("front-door", &mut command)?;
        self.wait_for_line("front-door", "front-door http")?;
        Ok(())
    }

    /// Waits for the line by which a process says that it is ready.
    fn wait_for_line(&mut self, name: &str, beginning: &str) -> Result<String> {
        let log = self.supervisor.log(name);
        let mut found = None;
        self.wait_for(|_| {
            let text = fs::read_to_string(&log).unwrap_or_default();
            found = text
                .lines()
                .find(|line| line.starts_with(beginning))
                .map(str::to_owned);
            found.is_some()
        })?;
        found.ok_or_else(|| {
            anyhow!(
                "{name} is not ready. The end of its log:\n{}",
                process::tail(&log)
            )
        })
    }

    fn wait_for(&mut self, mut is_ready: impl FnMut(&Folder) -> bool) -> Result<bool> {
        let (supervisor, folder) = (&mut self.supervisor, &self.folder);
        let ready = wait_until(READY_WITHIN, || {
            supervisor.check()?;
            Ok(is_ready(folder).then_some(()))
        })?;
        Ok(ready.is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(key: Option<&str>, url: Option<&str>) -> Environment {
        Environment {
            openai_api_key: key.map(str::to_owned),
            openai_base_url: url.map(str::to_owned),
            cargo: None,
            python: None,
        }
    }

    fn check(key: Option<&str>, url: Option<&str>, expected: (&str, &str, &str, bool)) {
        let chosen = Provider::choose(&environment(key, url), 8090);
        assert_eq!(
            (
                chosen.base_url.as_str(),
                chosen.key.as_str(),
                chosen.input_form,
                chosen.is_stand_in
            ),
            expected
        );
    }

    #[test]
    fn the_provider_follows_the_environment() {
        check(
            None,
            None,
            ("http://127.0.0.1:8090/v1", "local-stand-in", "url", true),
        );
        check(
            Some("k"),
            None,
            ("https://api.openai.com/v1", "k", "multipart", false),
        );
        check(
            Some("k"),
            Some("https://x/v1"),
            ("https://x/v1", "k", "multipart", false),
        );
        check(
            None,
            Some("http://lan:1234/v1"),
            ("http://lan:1234/v1", "local-stand-in", "multipart", false),
        );
    }
}
