//! Tokens become certificates, certificates the next ones.

use super::Edge;
use crate::gateway::Enrolment;
use async_trait::async_trait;
use atalaya_kernel::{Ctx, Error, ids::AgentId, time::Timestamp};
use atalaya_network::agents::enrolment::{self, Certificate};
use atalaya_pki::{
    CertificateDer, CertificateRequest, IssuingAuthority, PkiError, TokenHash, UnixTime, fingerprint,
    renewal, validity,
};
use atalaya_protocol::wire::{self, EnrollErrorCode as Code};
use std::{net::IpAddr, sync::Arc};

pub(super) struct Enrolling(pub(super) Arc<Edge>);

fn refuse(code: Code, detail: impl Into<String>) -> wire::EnrollError {
    wire::EnrollError { code: code.into(), detail: detail.into(), retry_after_ms: 0 }
}

fn internal(error: &Error) -> wire::EnrollError {
    tracing::error!(%error, "enrolment failed");
    let retry_after_ms = 5_000;
    wire::EnrollError {
        retry_after_ms,
        ..refuse(Code::Internal, "the control plane failed: try again in a moment")
    }
}

fn bad_request(error: &PkiError) -> wire::EnrollError {
    refuse(Code::BadRequest, error.to_string())
}

/// Issues for the key of a request.
fn issue(
    issuer: &IssuingAuthority,
    request: &CertificateRequest,
    agent: &AgentId,
    now: UnixTime,
) -> Result<Certificate, Error> {
    let certificate = issuer.issue(request, agent.as_str(), now).map_err(Error::internal)?;
    let end = validity(&certificate).map_err(Error::internal)?.not_after;
    let end_ms = i64::try_from(end.as_secs()).unwrap_or(i64::MAX).saturating_mul(1_000);
    Ok(Certificate {
        fingerprint: hex::encode(fingerprint(&certificate)),
        der: certificate.to_vec(),
        expires_at: Timestamp::from_millis(end_ms),
    })
}

impl Enrolling {
    fn issued(
        &self,
        ctx: &Ctx,
        issuer: &IssuingAuthority,
        agent: &AgentId,
        der: Vec<u8>,
    ) -> wire::CertificateIssued {
        wire::CertificateIssued {
            certificate_der: der.into(),
            chain_der: [issuer.certificate(), self.0.authorities.root().certificate()]
                .map(|certificate| certificate.to_vec().into())
                .into(),
            agent_id: agent.to_string(),
            tenant_id: ctx.tenant().to_string(),
            installation_id: self.0.authorities.installation_id().to_owned(),
            server_time_ms: ctx.now().as_millis(),
        }
    }
}

#[async_trait]
impl Enrolment for Enrolling {
    async fn enroll(
        &self,
        from: IpAddr,
        request: wire::EnrollRequest,
    ) -> Result<wire::CertificateIssued, wire::EnrollError> {
        let asked = CertificateRequest::parse(&request.csr_der).map_err(|error| bad_request(&error))?;
        let hash = hex::encode(TokenHash::of(&request.token).as_bytes());
        let owner = enrolment::token_owner(&self.0.runtime, &hash).await.map_err(|error| internal(&error))?;
        let Some(tenant) = owner else {
            return Err(refuse(
                Code::TokenUnknown,
                "this join string was not made here: make a new one in the web app",
            ));
        };
        let ctx = Ctx::system(self.0.runtime.tenant(tenant), "gateway.enrolment");
        let issuer = self.0.authorities.issuer(&ctx).await.map_err(|error| internal(&error))?;
        let now = self.0.authorities.now();
        let issue = |agent: &AgentId| issue(&issuer, &asked, agent, now);
        let key = hex::encode(asked.public_key_hash());
        let outcome =
            enrolment::token_redeem(&ctx, &hash, &key, &issue).await.map_err(|error| internal(&error))?;
        match outcome {
            enrolment::Enrolment::Issued { agent, certificate } => {
                tracing::info!(%agent, %from, hostname = request.hostname, "agent enrolled");
                Ok(self.issued(&ctx, &issuer, &agent, certificate))
            }
            enrolment::Enrolment::Revoked => {
                Err(refuse(Code::Revoked, "this join string was withdrawn: ask for a new one"))
            }
            enrolment::Enrolment::Expired => {
                Err(refuse(Code::TokenExpired, "this join string has expired: make a new one in the web app"))
            }
            enrolment::Enrolment::Used => {
                tracing::warn!(%from, hostname = request.hostname, "a used join string came with another key");
                Err(refuse(
                    Code::TokenUsed,
                    "another machine has joined with this string: make a new one, and look who used it",
                ))
            }
        }
    }

    async fn renew(
        &self,
        _from: IpAddr,
        request: wire::RenewRequest,
    ) -> Result<wire::CertificateIssued, wire::EnrollError> {
        let old = CertificateDer::from(request.old_certificate_der.as_ref());
        let now = self.0.authorities.now();
        let verified =
            renewal::verify(self.0.authorities.as_ref(), &old, &request.csr_der, &request.proof, now);
        let (identity, asked) = verified.map_err(|error| match error {
            PkiError::GraceOver => refuse(Code::GraceOver, error.to_string()),
            error => bad_request(&error),
        })?;
        let (ctx, agent) =
            self.0.ctx(&identity).map_err(|error| refuse(Code::BadRequest, error.to_string()))?;
        let issuer = self.0.authorities.issuer(&ctx).await.map_err(|error| internal(&error))?;
        let issue = |agent: &AgentId| issue(&issuer, &asked, agent, now);
        match enrolment::certificate_renew(&ctx, &agent, &issue).await {
            Ok(Some(certificate)) => Ok(self.issued(&ctx, &issuer, &agent, certificate)),
            Ok(None) => Err(refuse(Code::Revoked, "this agent was revoked: enrol it anew")),
            Err(Error::NotFound) => Err(refuse(Code::Revoked, "this agent is not known here: enrol it anew")),
            Err(error) => Err(internal(&error)),
        }
    }
}
