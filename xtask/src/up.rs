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
use crate::vendors::Vendors;
use crate::wait::wait_until;
use crate::web;

/// Where Polar's webhooks go.
const POLAR_WEBHOOKS: &str = "/api/polar/webhooks";
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
    describe(&folder, &stack, supervisor.vendors());
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

fn describe(folder: &Folder, stack: &Stack, vendors: &BTreeMap<String, String>) {
    line("");
    line(format_args!("  web and API   {}", stack.url));
    line(format_args!("  AWS engine    {}", stack.aws_endpoint));
    for (name, url) in vendors {
        let what = match (stack.stand_ins.contains_key(name), name.as_str()) {
            (true, "polar") => "stand-in: its checkouts and portal are pages there",
            (true, "resend") => "stand-in: open it for the inbox",
            (true, _) => "stand-in",
            (false, _) => "not a stand-in: it may cost money",
        };
        line(format_args!("  {name:<13} {url} ({what})"));
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
    let vendors = Vendors::choose(&Environment::read(), options.ports)?;
    let base_urls = vendors.base_urls().into_iter();
    let wanted = Wanted {
        ports: options.ports,
        parameters: [vendors.parameters(), options.parameters.clone()].concat(),
        vendors: base_urls
            .map(|(vendor, url)| (vendor.name().to_owned(), url.to_owned()))
            .collect(),
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
    let stack = start.everything(&vendors)?;
    Ok(Up {
        stack,
        supervisor: Some(start.supervisor),
    })
}

/// One attempt to start a stack.
struct Start<'options> {
    options: &'options StackOptions,
    folder: Folder,
    report: Report,
    supervisor: Supervisor,
}

impl Start<'_> {
    fn everything(&mut self, vendors: &Vendors) -> Result<Stack> {
        self.options.ports.check(&vendors.stand_ins())?;
        let template = project::template()?;
        let workspace = Workspace::read()?;
        self.prepare(&workspace)?;
        let stand_ins = self.start_stand_ins(&workspace, vendors)?;
        self.wait_for_engine()?;
        let outputs = self.deploy(&workspace, &template, vendors)?;
        self.start_front_door(&workspace, &outputs)?;
        let stack = Stack::new(
            self.options.ports,
            outputs,
            stand_ins,
            vendors.polar.stand_in_webhook_secret().map(str::to_owned),
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
        // Where everything fails on purpose nobody looks at a page.
        if self.options.fault_proxy.is_none() {
            web::build(self.report)?;
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

    fn start_stand_ins(
        &mut self,
        workspace: &Workspace,
        vendors: &Vendors,
    ) -> Result<BTreeMap<String, String>> {
        let wanted = vendors.stand_ins();
        let mut found = BTreeMap::new();
        if wanted.is_empty() {
            return Ok(found);
        }
        let mut command = Command::new(workspace.binaries().join("stand-ins"));
        environment::only_essentials(&mut command);
        for stand_in in &wanted {
            let port = self.options.ports.of(*stand_in);
            command.arg(format!("--{}-port={port}", stand_in.name()));
        }
        if let Some(secret) = vendors.polar.stand_in_webhook_secret() {
            let web = stack::url(self.options.ports.web);
            command
                .args(["--packs", &vendors.polar.packs])
                .args(["--polar-webhook-url", &format!("{web}{POLAR_WEBHOOKS}")])
                .env("POLAR_WEBHOOK_SECRET", secret);
        }
        self.supervisor.start("stand-ins", &mut command)?;
        for stand_in in wanted {
            let name = stand_in.name();
            let line = self.wait_for_line("stand-ins", &format!("{name} http"))?;
            let url = line.strip_prefix(name).unwrap_or(&line).trim();
            self.report
                .say(format_args!("stand-in for {name} at {url}"));
            found.insert(name.to_owned(), url.to_owned());
        }
        Ok(found)
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
        vendors: &Vendors,
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
            .args(
                vendors
                    .parameters()
                    .iter()
                    .flat_map(|parameter| ["--known", parameter]),
            )
            .args(
                self.options
                    .parameters
                    .iter()
                    .flat_map(|parameter| ["--parameter", parameter]),
            )
            .env("HOME", self.folder.join("home"))
            .envs(vendors.secrets());
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
        let web = web::built();
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
