//! The way to services at addresses that people of a tenant, or their browsers, gave.
//!
//! An address is asked only if it is of the public internet, or of a network that the installation's configuration names. What
//! a name stands for is looked at where the connection is made: a name that first says one address and then another is no way
//! around it. There is no proxy and no redirect, which would be.

mod addresses;

use super::outside;
use crate::config::Network;
use addresses::is_public;
use atalaya_kernel::Error;
use parking_lot::Mutex;
use std::{io, net::IpAddr, path::Path, sync::Arc, time::Duration};
use ureq::{
    Agent,
    config::Config,
    http::Uri,
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

/// Asks over HTTP.
#[derive(Debug)]
pub(super) struct Guarded {
    guard: Guard,
    within: Duration,
    /// Made when it is first needed: a machine without authorities to trust has to start all the same.
    agent: Arc<Mutex<Option<Agent>>>,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Unanswered {
    /// The address is one that is not asked: why. The address itself is not named.
    NotAllowed(String),
    /// Nobody answered in time, or not as a web server does.
    Away(String),
}

/// Lets nobody be asked inside the installation's own network.
#[derive(Debug, Clone)]
struct Guard(Arc<[Network]>);

impl Guard {
    fn takes(&self, address: IpAddr) -> bool {
        is_public(address) || self.0.iter().any(|network| network.contains(address))
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let found = DefaultResolver::default().resolve(uri, config, timeout)?;
        if found.iter().all(|address| self.takes(address.ip())) {
            return Ok(found);
        }
        let refused =
            io::Error::new(io::ErrorKind::PermissionDenied, "an address that is not of the public internet");
        Err(ureq::Error::Io(refused))
    }
}

impl Guarded {
    /// With the networks of the configuration, and how long a service may take to answer; asks nobody yet.
    pub(super) fn new(networks: &[Network], within: Duration) -> Self {
        Self { guard: Guard(networks.into()), within, agent: Arc::new(Mutex::new(None)) }
    }

    /// Whether an address may be asked, as far as its text tells; else why not.
    pub(super) fn check(&self, url: &str) -> Result<(), &'static str> {
        const NO_ADDRESS: &str = "it is no address";
        let uri = url.parse::<Uri>().map_err(|_| NO_ADDRESS)?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err(NO_ADDRESS);
        };
        let host = authority.host().trim_matches(['[', ']']);
        if host.is_empty() || authority.as_str().contains('@') {
            return Err(NO_ADDRESS);
        }
        if scheme != "https" && !(scheme == "http" && self.is_here(host)) {
            return Err("it has to be https://…");
        }
        match host.parse::<IpAddr>() {
            Ok(address) if !self.guard.takes(address) => Err("it is not of the public internet"),
            _ => Ok(()),
        }
    }

    /// Whether plain HTTP may be spoken with a host: with this machine itself, where the configuration says so.
    fn is_here(&self, host: &str) -> bool {
        let address = if host == "localhost" { Ok(IpAddr::from([127, 0, 0, 1])) } else { host.parse() };
        address.is_ok_and(|address: IpAddr| address.is_loopback() && self.guard.takes(address))
    }

    /// Asks, and reads the answer, on a thread of its own.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        url: &str,
        call: impl FnOnce(&Agent, &str) -> Result<T, ureq::Error> + Send + 'static,
    ) -> Result<T, Unanswered> {
        self.check(url).map_err(|why| Unanswered::NotAllowed(why.to_owned()))?;
        let (agent, guard, url, within) =
            (self.agent.clone(), self.guard.clone(), url.to_owned(), self.within);
        let asked = tokio::task::spawn_blocking(move || {
            let agent = made(&agent, guard, within)?;
            call(&agent, &url).map_err(unanswered)
        });
        asked.await.map_err(|error| Unanswered::Away(Error::internal(error).to_string()))?
    }
}

fn made(agent: &Mutex<Option<Agent>>, guard: Guard, within: Duration) -> Result<Agent, Unanswered> {
    let mut agent = agent.lock();
    if let Some(agent) = &*agent {
        return Ok(agent.clone());
    }
    let tls = outside::trusting(Path::new(outside::SYSTEM_ROOTS))
        .map_err(|error| Unanswered::Away(format!("{error:#}")))?;
    let config = Agent::config_builder()
        .timeout_global(Some(within))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .tls_config(tls)
        .build();
    Ok(agent.insert(Agent::with_parts(config, DefaultConnector::default(), guard)).clone())
}

fn unanswered(error: ureq::Error) -> Unanswered {
    match error {
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            Unanswered::NotAllowed(error.to_string())
        }
        error => Unanswered::Away(error.to_string()),
    }
}

#[cfg(test)]
pub(super) mod tests;
