//! One question and one answer on the enrolment ALPN.

use std::{sync::Arc, time::Duration};

use atalaya_pki::{
    AgentIdentity, AgentKey, CertificateDer, CertificateRequest, JoinString, PkiError,
    client::{self, Trust},
    fingerprint, renewal,
};
use atalaya_protocol::{FrameLimits, Lane, Message, MessageError, WireMessage, version, wire};
use rustls::time_provider::TimeProvider;

use super::store::{Enrolled, IdentityStore, StoreError};
use crate::{
    fault,
    uplink::{
        framed::{FramedRecv, FramedSend, StreamError},
        quic::{self, ConnectError},
    },
};

/// An answer that took longer never came.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EnrolError {
    /// The identity's files.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The gateway cannot be reached, or is not the one we look for.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection broke before the answer.
    #[error("the connection broke before the answer: {0}")]
    Stream(#[from] StreamError),
    /// No answer in time. Saying the same join string again is safe.
    #[error("the gateway did not answer within {} s", ANSWER_TIMEOUT.as_secs())]
    Timeout,
    /// Headquarters refused, in its words.
    #[error("{detail}")]
    Refused {
        /// Why, for programs.
        code: wire::EnrollErrorCode,
        /// Why, for people.
        detail: String,
        /// Not before.
        retry_after: Duration,
    },
    /// The answer does not hold what was asked for.
    #[error("the gateway's answer is not usable: {0}")]
    BadAnswer(&'static str),
    /// Keys or certificates.
    #[error(transparent)]
    Pki(#[from] PkiError),
    /// The state directory is another agent's.
    #[error("this state directory belongs to agent {held}, the certificate is for {issued}: use a fresh one")]
    OtherAgent {
        /// Who owns the directory.
        held: String,
        /// Who was enrolled.
        issued: String,
    },
    /// There is nothing to renew.
    #[error("this agent is not enrolled: run `atalaya-agent enroll --join …` first")]
    NotEnrolled,
}

impl From<MessageError> for EnrolError {
    fn from(error: MessageError) -> Self {
        Self::Stream(error.into())
    }
}

/// Enrols with a join string. Safe to repeat with the same one after any failure.
///
/// # Errors
/// [`EnrolError`], in words for a terminal.
pub async fn enroll(
    store: &IdentityStore,
    join: &JoinString,
    hostname: &str,
    floor: Arc<dyn TimeProvider>,
) -> Result<Enrolled, EnrolError> {
    let key = store.key_or_new()?;
    fault::point("enrol.after_key");
    let tls = client::enrolment(Trust::Fingerprint(join.root_fingerprint), floor)?;
    let request = wire::EnrollRequest {
        token: join.token.clone(),
        csr_der: key.request()?.into(),
        agent_version: env!("CARGO_PKG_VERSION").into(),
        hostname: hostname.into(),
    };
    let issued = ask(&join.gateways, tls, &request).await?;
    fault::point("enrol.before_keep");
    let root = issued
        .chain_der
        .iter()
        .find(|der| fingerprint(&CertificateDer::from(der.to_vec())) == join.root_fingerprint)
        .ok_or(EnrolError::BadAnswer("its chain lacks the root of the join string"))?;
    let enrolled = accept(&issued, &key, join.gateways.clone(), vec![root.to_vec()])?;
    if let Some(held) = store.enrolled()?
        && held.agent != enrolled.agent
    {
        return Err(EnrolError::OtherAgent { held: held.agent, issued: enrolled.agent });
    }
    store.keep(&enrolled)?;
    Ok(enrolled)
}

/// Renews the certificate by proof of the key, on the same key.
///
/// # Errors
/// [`EnrolError`].
pub async fn renew(
    store: &IdentityStore,
    gateways: &[String],
    floor: Arc<dyn TimeProvider>,
) -> Result<Enrolled, EnrolError> {
    let (Some(key), Some(held)) = (store.key()?, store.enrolled()?) else {
        return Err(EnrolError::NotEnrolled);
    };
    let tls = client::enrolment(Trust::Roots(held.roots()), floor)?;
    let csr = key.request()?;
    let request = wire::RenewRequest {
        old_certificate_der: held.certificate.clone().into(),
        proof: renewal::prove(&key, &csr)?.into(),
        csr_der: csr.into(),
    };
    let issued = ask(gateways, tls, &request).await?;
    let renewed = accept(&issued, &key, held.gateways.clone(), held.roots.clone())?;
    if renewed.identity()? != held.identity()? {
        return Err(EnrolError::OtherAgent { held: held.agent, issued: renewed.agent });
    }
    store.keep(&renewed)?;
    Ok(renewed)
}

async fn ask<M: WireMessage>(
    gateways: &[String],
    tls: rustls::ClientConfig,
    request: &M,
) -> Result<wire::CertificateIssued, EnrolError> {
    let link = quic::connect(gateways, tls).await?;
    let answer = tokio::time::timeout(ANSWER_TIMEOUT, async {
        let (send, recv) =
            link.connection.open_bi().await.map_err(|error| StreamError::Read(error.into()))?;
        let mut send = FramedSend::new(send);
        send.send(&version::encode(request)?).await?;
        send.finish();
        fault::point("enrol.after_request");
        Ok::<_, EnrolError>(FramedRecv::new(Lane::Control, recv, FrameLimits::for_enrolment()).next().await?)
    })
    .await;
    link.close(0, b"").await;
    match answer.map_err(|_| EnrolError::Timeout)?? {
        Message::CertificateIssued(issued) => Ok(issued),
        Message::EnrollError(error) => Err(EnrolError::Refused {
            code: error.code(),
            retry_after: Duration::from_millis(error.retry_after_ms.into()),
            detail: error.detail,
        }),
        _ => Err(EnrolError::BadAnswer("it is neither a certificate nor a refusal")),
    }
}

/// Believes a certificate only if it is on our key and names who the answer says.
fn accept(
    issued: &wire::CertificateIssued,
    key: &AgentKey,
    gateways: Vec<String>,
    roots: Vec<Vec<u8>>,
) -> Result<Enrolled, EnrolError> {
    let certificate = CertificateDer::from(issued.certificate_der.to_vec());
    let identity = AgentIdentity::of(&certificate)?;
    let named = (identity.installation.as_str(), identity.tenant.as_str(), identity.agent.as_str());
    if named != (issued.installation_id.as_str(), issued.tenant_id.as_str(), issued.agent_id.as_str()) {
        return Err(EnrolError::BadAnswer("its certificate names somebody else"));
    }
    if CertificateRequest::key_hash_of(&certificate)? != key.public_key_hash() {
        return Err(EnrolError::BadAnswer("its certificate is on another key"));
    }
    Ok(Enrolled {
        installation: identity.installation,
        tenant: identity.tenant,
        agent: identity.agent,
        gateways,
        certificate: certificate.to_vec(),
        roots,
        confirmed_time_ms: issued.server_time_ms,
    })
}
