//! How issuers of identity providers are asked.
//!
//! Who may set one is a person of a tenant, so an address is asked only if it is of the public internet, or of a network that
//! the installation's configuration names. What a name stands for is looked at where the connection is made: a name that first
//! says one address and then another is no way around it. There is no proxy and no redirect, which would be.

mod addresses;

use super::outside;
use crate::config::{Network, SingleSignOn};
use addresses::is_public;
use atalaya_kernel::{Error, secrets::SecretText};
use atalaya_people::openid::{Fetched, IssuerError, IssuerWeb};
use base64::{Engine, engine::general_purpose::STANDARD};
use parking_lot::Mutex;
use std::{io, net::IpAddr, path::Path, sync::Arc, time::Duration};
use ureq::{
    Agent,
    config::Config,
    http::{Response, Uri},
    unversioned::{
        resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver},
        transport::{DefaultConnector, NextTimeout},
    },
};

/// How long an issuer may take to answer.
const ANSWER_WITHIN: Duration = Duration::from_secs(8);
/// Longest answer that is read, bytes.
const MAX_BYTES: u64 = 256 * 1024;

/// Asks issuers over HTTP.
#[derive(Debug)]
pub struct Issuing {
    guard: Guard,
    /// Made when it is first needed: a machine without authorities to trust has to start all the same.
    agent: Arc<Mutex<Option<Agent>>>,
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

impl Issuing {
    /// With the networks of the configuration; asks nobody yet.
    pub fn new(settings: &SingleSignOn) -> Self {
        Self { guard: Guard(settings.networks.clone().into()), agent: Arc::new(Mutex::new(None)) }
    }

    /// Whether plain HTTP may be spoken with a host: with this machine itself, where the configuration says so.
    fn is_here(&self, host: &str) -> bool {
        let address = if host == "localhost" { Ok(IpAddr::from([127, 0, 0, 1])) } else { host.parse() };
        address.is_ok_and(|address: IpAddr| address.is_loopback() && self.guard.takes(address))
    }

    /// Asks on a thread of its own.
    async fn ask(
        &self,
        url: &str,
        call: impl FnOnce(&Agent, &str) -> Result<Response<ureq::Body>, ureq::Error> + Send + 'static,
    ) -> Result<Fetched, IssuerError> {
        self.check(url)?;
        let (agent, guard, url) = (self.agent.clone(), self.guard.clone(), url.to_owned());
        let asked = tokio::task::spawn_blocking(move || {
            let agent = made(&agent, guard)?;
            let answer = call(&agent, &url).map_err(away)?;
            fetched(answer)
        });
        asked.await.map_err(|error| IssuerError::Away(Error::internal(error).to_string()))?
    }
}

fn made(agent: &Mutex<Option<Agent>>, guard: Guard) -> Result<Agent, IssuerError> {
    let mut agent = agent.lock();
    if let Some(agent) = &*agent {
        return Ok(agent.clone());
    }
    let tls = outside::trusting(Path::new(outside::SYSTEM_ROOTS))
        .map_err(|error| IssuerError::Away(format!("{error:#}")))?;
    let config = Agent::config_builder()
        .timeout_global(Some(ANSWER_WITHIN))
        .http_status_as_error(false)
        .max_redirects(0)
        .proxy(None)
        .tls_config(tls)
        .build();
    Ok(agent.insert(Agent::with_parts(config, DefaultConnector::default(), guard)).clone())
}

fn away(error: ureq::Error) -> IssuerError {
    match error {
        ureq::Error::Io(error) if error.kind() == io::ErrorKind::PermissionDenied => {
            IssuerError::NotAllowed(error.to_string())
        }
        error => IssuerError::Away(error.to_string()),
    }
}

fn fetched(mut answer: Response<ureq::Body>) -> Result<Fetched, IssuerError> {
    let header = answer.headers().get("cache-control").and_then(|value| value.to_str().ok());
    let max_age_s = header.and_then(max_age);
    let status = answer.status().as_u16();
    let body = answer.body_mut().with_config().limit(MAX_BYTES).read_to_vec().map_err(away)?;
    Ok(Fetched { status, body, max_age_s })
}

/// `max-age` of a `Cache-Control`, s.
fn max_age(header: &str) -> Option<u64> {
    header
        .split(',')
        .filter_map(|directive| directive.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("max-age"))
        .and_then(|(_, seconds)| seconds.trim_matches('"').parse().ok())
}

#[async_trait::async_trait]
impl IssuerWeb for Issuing {
    fn check(&self, url: &str) -> Result<(), IssuerError> {
        let refused = |why: &str| Err(IssuerError::NotAllowed(format!("{url}: {why}")));
        let Ok(uri) = url.parse::<Uri>() else { return refused("it is no address") };
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return refused("it is no address");
        };
        let host = authority.host().trim_matches(['[', ']']);
        if host.is_empty() || authority.as_str().contains('@') {
            return refused("it is no address");
        }
        if scheme != "https" && !(scheme == "http" && self.is_here(host)) {
            return refused("it has to be https://…");
        }
        match host.parse::<IpAddr>() {
            Ok(address) if !self.guard.takes(address) => refused("it is not of the public internet"),
            _ => Ok(()),
        }
    }

    async fn get(&self, url: &str) -> Result<Fetched, IssuerError> {
        self.ask(url, |agent, url| agent.get(url).header("accept", "application/json").call()).await
    }

    async fn post(
        &self,
        url: &str,
        form: SecretText,
        basic: Option<SecretText>,
    ) -> Result<Fetched, IssuerError> {
        self.ask(url, move |agent, url| {
            let request = agent.post(url).header("accept", "application/json");
            let request = request.header("content-type", "application/x-www-form-urlencoded");
            let request = match &basic {
                Some(basic) => {
                    request.header("authorization", format!("Basic {}", STANDARD.encode(basic.expose())))
                }
                None => request,
            };
            request.send(form.expose())
        })
        .await
    }
}

#[cfg(test)]
mod tests;
