//! An authority that issues certificates over ACME (RFC 8555), Let's Encrypt or one of an installation's own: an account is
//! made once, a certificate ordered, control over its names proven, and the chain fetched.
//!
//! The proof is HTTP-01 (section 8.3): the authority asks each name on port 80, and the door that sends plain HTTP on to HTTPS
//! answers. The answer lies in the database, so any process behind a balancer can give it, and nothing has to be known inside of
//! a TLS handshake; docs/decisions/0035 says more.

mod web;

use super::outside::Outside;
use crate::config;
use anyhow::{Context as _, bail};
use atalaya_kernel::{
    Error,
    acme::{self, Issued, Wanted},
    runtime::Runtime,
    secrets::{SecretBytes, fill_random, random_token},
    time::Timestamp,
    write_tx,
};
use atalaya_pki::{renewal, server::ShownCertificate, web as pem};
use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, Order,
    OrderStatus, RetryPolicy,
};
use std::{path::PathBuf, sync::Arc, time::Duration};
use web::Web;
use zeroize::Zeroizing;

/// How long an authority may take to answer one request.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// How long it may take to look at the proofs, and then to issue.
const DECIDED_WITHIN: Duration = Duration::from_secs(110);
/// What the authority says when it does not know the account (RFC 8555, section 6.7).
const ACCOUNT_UNKNOWN: &str = "urn:ietf:params:acme:error:accountDoesNotExist";

/// An authority, as the configuration names it.
pub(crate) struct Authority {
    directory: String,
    contact: Vec<String>,
    ca_file: Option<PathBuf>,
    proof_port: u16,
    runtime: Arc<Runtime>,
}

impl Authority {
    /// Asks nobody yet.
    ///
    /// # Errors
    /// A setting that cannot be, named.
    pub(crate) fn new(settings: &config::Acme, runtime: Arc<Runtime>) -> anyhow::Result<Self> {
        let contact = settings.contact.iter().map(|address| format!("mailto:{address}")).collect();
        let directory = settings.directory_url().to_owned();
        let (ca_file, proof_port) = (settings.ca_file.clone(), settings.proof_port);
        let authority = Self { directory, contact, ca_file, proof_port, runtime };
        authority.outside().check()?;
        Ok(authority)
    }

    fn outside(&self) -> Outside<'_> {
        Outside {
            section: "[http.tls]",
            setting: "directory",
            address: &self.directory,
            ca_file: self.ca_file.as_deref(),
            within: ANSWER_WITHIN,
        }
    }

    fn web(&self) -> anyhow::Result<Box<Web>> {
        Ok(Box::new(Web::new(self.outside().agent()?)))
    }

    /// Asks a name as the authority would, and demands our own answer: a name that does not lead here costs no order.
    ///
    /// # Errors
    /// It does not lead here, and where to instead.
    pub(crate) async fn demand_here(&self, name: &str) -> anyhow::Result<()> {
        let (token, answer) = (random_token(), random_token());
        let (platform, now) = (self.runtime.platform(), self.runtime.clock.now());
        write_tx!(platform, tx => { acme::answer_put(&mut tx, &token, &answer, now).await })?;
        let url = format!("http://{name}:{}/.well-known/acme-challenge/{token}", self.proof_port);
        let asked = tokio::task::spawn_blocking(move || web::said(&url)).await?;
        let said = asked.with_context(|| format!("{name} was asked on port {}", self.proof_port))?;
        anyhow::ensure!(
            said == answer.as_bytes(),
            "{name} leads elsewhere: another answers on port {}",
            self.proof_port
        );
        Ok(())
    }

    /// Orders a certificate with a new key.
    ///
    /// # Errors
    /// What the authority said, or the way to it; nothing was kept then but the account.
    pub(crate) async fn order(&self, wanted: &Wanted) -> anyhow::Result<Issued> {
        let identifiers: Vec<_> = wanted.names().iter().map(|name| identifier(name)).collect();
        let new = NewOrder::new(&identifiers);
        let account = self.account().await?;
        let mut order = match account.new_order(&new).await {
            Err(instant_acme::Error::Api(problem)) if problem.r#type.as_deref() == Some(ACCOUNT_UNKNOWN) => {
                let platform = self.runtime.platform();
                write_tx!(platform, tx => { acme::account_forget(&mut tx, &self.directory).await })?;
                self.account().await?.new_order(&new).await?
            }
            order => order?,
        };
        self.prove(&mut order).await?;
        let policy = RetryPolicy::new().timeout(DECIDED_WITHIN);
        match order.poll_ready(&policy).await {
            Ok(OrderStatus::Ready) => {}
            // Which name and why is said by its authorization and not by the order.
            Ok(status) => bail!("{}", refusal(&mut order, format!("the order is {status:?}")).await),
            Err(error) => bail!("{}", refusal(&mut order, error.to_string()).await),
        }
        let key = Zeroizing::new(order.finalize().await?);
        let chain = order.poll_certificate(&policy).await?;
        issued(&key, &chain, wanted)
    }

    /// The account, made where there is none.
    async fn account(&self) -> anyhow::Result<Account> {
        let platform = self.runtime.platform();
        let mut tx = platform.begin_read().await.map_err(Error::from)?;
        let kept = acme::account(&self.runtime, &mut tx, &self.directory).await?;
        tx.rollback().await.map_err(Error::from)?;
        if let Some(kept) = kept {
            let credentials: AccountCredentials = serde_json::from_slice(kept.expose())
                .context("the kept account with the authority cannot be read")?;
            return Ok(Account::builder_with_http(self.web()?).from_credentials(credentials).await?);
        }
        let contact: Vec<_> = self.contact.iter().map(String::as_str).collect();
        // Whoever configured this agreed: `http.tls` is refused without.
        let new =
            NewAccount { contact: &contact, terms_of_service_agreed: true, only_return_existing: false };
        let made = Account::builder_with_http(self.web()?).create(&new, self.directory.clone(), None).await;
        let (account, credentials) = made.context("the authority makes no account")?;
        let credentials = SecretBytes::new(serde_json::to_vec(&credentials)?);
        let now = self.runtime.clock.now();
        write_tx!(platform, tx => {
            acme::account_keep(&self.runtime, &mut tx, &self.directory, &credentials, now).await
        })?;
        Ok(account)
    }

    /// Lays the answers out and tells the authority to look.
    async fn prove(&self, order: &mut Order) -> anyhow::Result<()> {
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization?;
            match authorization.status {
                AuthorizationStatus::Pending => {}
                AuthorizationStatus::Valid => continue,
                status => bail!("{}: its authorization is {status:?}", authorization.identifier()),
            }
            let name = authorization.identifier().to_string();
            let challenge = authorization.challenge(ChallengeType::Http01);
            let mut challenge =
                challenge.with_context(|| format!("{name}: the authority does not offer HTTP-01"))?;
            let (token, answer) = (challenge.token.clone(), challenge.key_authorization());
            let (platform, now) = (self.runtime.platform(), self.runtime.clock.now());
            write_tx!(platform, tx => { acme::answer_put(&mut tx, &token, answer.as_str(), now).await })?;
            challenge.set_ready().await.context(name)?;
        }
        Ok(())
    }
}

fn identifier(name: &str) -> Identifier {
    name.parse().map_or_else(|_| Identifier::Dns(name.to_owned()), Identifier::Ip)
}

/// Why an order was refused, name by name where the authority says so.
async fn refusal(order: &mut Order, otherwise: String) -> String {
    let mut reasons = Vec::new();
    let mut authorizations = order.authorizations();
    while let Some(authorization) = authorizations.next().await {
        let Ok(authorization) = authorization else { break };
        let name = authorization.identifier().to_string();
        let problems = authorization.challenges.iter().filter_map(|challenge| challenge.error.as_ref());
        reasons.extend(problems.map(|problem| format!("{name}: {problem}")));
    }
    if reasons.is_empty() { otherwise } else { reasons.join("; ") }
}

/// Chain and key as they are kept, if they fit each other and the names.
fn issued(key: &str, chain: &str, wanted: &Wanted) -> anyhow::Result<Issued> {
    let bundle = SecretBytes::new([key.trim_end(), "\n", chain].concat().into_bytes());
    let read = pem::read(bundle.expose(), bundle.expose())?;
    let names = pem::names(&read);
    if let Some(missing) = wanted.names().iter().find(|name| !names.contains(name)) {
        bail!("the authority issued a certificate that is not for {missing}");
    }
    let leaf = read.chain.first().context("a chain has a leaf")?.clone();
    ShownCertificate::new(read)?;
    let validity = atalaya_pki::validity(&leaf)?;
    let next_at = renewal::due(validity, jitter());
    Ok(Issued { bundle, not_after: timestamp(validity.not_after), next_at: timestamp(next_at) })
}

/// Any number.
pub(crate) fn jitter() -> u32 {
    let mut bytes = [0; 4];
    fill_random(&mut bytes);
    u32::from_le_bytes(bytes)
}

fn timestamp(time: atalaya_pki::UnixTime) -> Timestamp {
    Timestamp::from_millis(i64::try_from(time.as_secs().saturating_mul(1_000)).unwrap_or(i64::MAX))
}
