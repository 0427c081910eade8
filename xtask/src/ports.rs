//! Whether a port is free, and which ones are.

use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// A service outside of AWS that is played here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum StandIn {
    /// Makes the images.
    Openai,
    /// Sells the credits.
    Polar,
    /// Sends the mail.
    Resend,
}

impl StandIn {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::Openai, Self::Polar, Self::Resend];

    /// Its name in `stack.json` and in what the stand-ins print.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Openai => "openai",
            Self::Polar => "polar",
            Self::Resend => "resend",
        }
    }

    /// The option that says its port.
    const fn flag(self) -> &'static str {
        match self {
            Self::Openai => "--stand-ins-port",
            Self::Polar => "--polar-port",
            Self::Resend => "--resend-port",
        }
    }
}

/// The ports of one stack. A file of an older xtask may lack some.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub(crate) struct Ports {
    /// Of the front door: the web page and the API.
    pub(crate) web: u16,
    /// Of the local AWS engine.
    pub(crate) engine: u16,
    /// Of the stand-in for OpenAI.
    pub(crate) openai: u16,
    /// Of the stand-in for Polar.
    pub(crate) polar: u16,
    /// Of the stand-in for Resend.
    pub(crate) resend: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            web: 8080,
            engine: 4566,
            openai: 8090,
            polar: 8091,
            resend: 8092,
        }
    }
}

impl Ports {
    /// Ports that nobody uses at this moment.
    pub(crate) fn unused() -> Result<Self> {
        let [web, engine, openai, polar, resend] = unused()?;
        Ok(Self {
            web,
            engine,
            openai,
            polar,
            resend,
        })
    }

    /// The port of a stand-in.
    pub(crate) const fn of(self, stand_in: StandIn) -> u16 {
        match stand_in {
            StandIn::Openai => self.openai,
            StandIn::Polar => self.polar,
            StandIn::Resend => self.resend,
        }
    }

    /// Fails with a sentence if a port is taken or named twice.
    pub(crate) fn check(self, stand_ins: &[StandIn]) -> Result<()> {
        let mut wanted = vec![("--port", self.web), ("--engine-port", self.engine)];
        wanted.extend(stand_ins.iter().map(|it| (it.flag(), self.of(*it))));
        for (index, &(flag, port)) in wanted.iter().enumerate() {
            if let Some((other, _)) = wanted
                .iter()
                .take(index)
                .find(|(_, earlier)| *earlier == port)
            {
                bail!("{other} and {flag} are both {port}: give them different ports");
            }
            if is_taken(port) {
                bail!(
                    "port {port} is taken by another program: stop that, or choose another one with {flag}"
                );
            }
        }
        Ok(())
    }
}

/// So many ports that nobody uses at this moment.
pub(crate) fn unused<const N: usize>() -> Result<[u16; N]> {
    // Held together, so that they differ.
    let mut held = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = listen_low()?;
        *port = listener.local_addr()?.port();
        held.push(listener);
    }
    Ok(ports)
}

/// Listens on any port below those that systems give outgoing connections, which might take it before it is used.
fn listen_low() -> Result<TcpListener> {
    const TRIES: usize = 100;
    for _ in 1..TRIES {
        // The system's choice is as good as a random number.
        let number = listen(0)?.local_addr()?.port();
        if let Ok(listener) = listen(10_000 + number % 20_000) {
            return Ok(listener);
        }
    }
    listen(0)
}

fn listen(port: u16) -> Result<TcpListener> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port))
        .with_context(|| format!("cannot listen on port {port}"))
}

/// Some systems allow listening on 127.0.0.1 beside somebody who listens on all addresses, so it is tried both ways.
fn is_taken(port: u16) -> bool {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    TcpListener::bind(address).is_err()
        || TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_taken_port_is_named_with_its_flag() {
        let holder = listen(0).unwrap();
        let taken = holder.local_addr().unwrap().port();
        let ports = Ports {
            engine: taken,
            ..Ports::unused().unwrap()
        };
        let message = ports.check(&StandIn::ALL).unwrap_err().to_string();
        assert!(
            message.contains(&taken.to_string()) && message.contains("--engine-port"),
            "{message}"
        );
    }

    #[test]
    fn a_stand_in_that_is_not_started_needs_no_port() {
        let holder = listen(0).unwrap();
        let ports = Ports {
            polar: holder.local_addr().unwrap().port(),
            ..Ports::unused().unwrap()
        };
        assert!(ports.check(&[StandIn::Openai, StandIn::Resend]).is_ok());
        assert!(ports.check(&[StandIn::Polar]).is_err());
    }

    #[test]
    fn one_port_twice_is_refused() {
        let free = Ports::unused().unwrap();
        let message = Ports {
            openai: free.web,
            ..free
        }
        .check(&StandIn::ALL)
        .unwrap_err()
        .to_string();
        assert!(message.contains("--port and --stand-ins-port"), "{message}");
    }
}
