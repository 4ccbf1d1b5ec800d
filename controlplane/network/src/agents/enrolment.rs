//! A token becomes a certificate, once; a certificate becomes the next one.

use super::{events, store};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    events::{self as facts, EntityRef, NewEvent},
    ids::{AgentId, TenantId},
    runtime::Runtime,
    time::Timestamp,
    write_tx,
};
use serde_json::json;
use std::sync::Arc;

/// A certificate as it was issued.
#[derive(Debug, Clone)]
pub struct Certificate {
    /// DER.
    pub der: Vec<u8>,
    /// SHA-256 of the DER, hexadecimal.
    pub fingerprint: String,
    /// Its end.
    pub expires_at: Timestamp,
}

/// Issues a certificate for the key at hand, to the agent named.
pub type Issue<'i> = &'i (dyn Fn(&AgentId) -> Result<Certificate, Error> + Send + Sync);

/// What became of a request.
#[derive(Debug, Clone)]
pub enum Enrolment {
    /// Certificate given out, now or at an earlier time to the same key.
    Issued {
        /// Whose.
        agent: AgentId,
        /// DER.
        certificate: Vec<u8>,
    },
    /// Withdrawn, or the agent was revoked.
    Revoked,
    /// Too late.
    Expired,
    /// Another key redeemed it.
    Used,
}

/// Whose token this is; none for a token that nobody made.
///
/// # Errors
/// The database's.
pub async fn token_owner(runtime: &Arc<Runtime>, hash: &str) -> Result<Option<TenantId>, Error> {
    let mut tx = runtime.platform().begin_read().await?;
    Ok(store::token_owner(&mut tx, hash).await?)
}

/// Redeems a token for the key whose hash (SHA-256 of its public key, hexadecimal) is given.
///
/// # Errors
/// [`Error::NotFound`] for a token that is not of this tenant; the database's; what `issue` says.
pub async fn token_redeem(
    ctx: &Ctx,
    hash: &str,
    public_key_hash: &str,
    issue: Issue<'_>,
) -> Result<Enrolment, Error> {
    write_tx!(ctx, tx => {
        let token = store::token_by_hash(&mut tx, hash).await?;
        let agent = store::agent_row(&mut tx, &token.agent_id).await?;
        if agent.revoked_at.is_some() || token.withdrawn_at.is_some() {
            return Ok(Enrolment::Revoked);
        }
        match (&token.public_key_hash, token.certificate) {
            (Some(bound), Some(certificate)) if bound == public_key_hash => {
                return Ok(Enrolment::Issued { agent: token.agent_id, certificate });
            }
            (Some(_), _) => {
                let entity = EntityRef::new("agent", &token.agent_id);
                let note = json!({"token_id": token.id, "public_key_hash": public_key_hash});
                let entry = Entry::new("agent.enrolment_refused", entity.clone()).after(&note)?;
                audit::record(ctx, &mut tx, entry).await?;
                let event = NewEvent::new(events::ENROLMENT_REFUSED, entity, json!({"token_id": token.id}));
                facts::emit(ctx, &mut tx, event).await?;
                return Ok(Enrolment::Used);
            }
            (None, _) => {}
        }
        if token.expires_at <= ctx.now() {
            return Ok(Enrolment::Expired);
        }
        let certificate = issue(&token.agent_id)?;
        store::token_bind(&mut tx, &token.id, public_key_hash, &certificate.der, ctx.now()).await?;
        store::agent_certified(&mut tx, &token.agent_id, &certificate, ctx.now()).await?;
        let entity = EntityRef::new("agent", &token.agent_id);
        let note = json!({"token_id": token.id, "certificate": certificate.fingerprint});
        audit::record(ctx, &mut tx, Entry::new("agent.enroll", entity.clone()).after(&note)?).await?;
        let payload = json!({"name": agent.name, "token_id": token.id});
        facts::emit(ctx, &mut tx, NewEvent::new(events::ENROLLED, entity, payload)).await?;
        Ok(Enrolment::Issued { agent: token.agent_id, certificate: certificate.der })
    })
}

/// The next certificate of an agent whose old key was proven. None when it was revoked.
///
/// # Errors
/// [`Error::NotFound`] for an agent that is not there; the database's; what `issue` says.
pub async fn certificate_renew(
    ctx: &Ctx,
    agent: &AgentId,
    issue: Issue<'_>,
) -> Result<Option<Vec<u8>>, Error> {
    write_tx!(ctx, tx => {
        let row = store::agent_row(&mut tx, agent).await?;
        if row.revoked_at.is_some() {
            return Ok(None);
        }
        let certificate = issue(agent)?;
        store::agent_certified(&mut tx, agent, &certificate, ctx.now()).await?;
        let entity = EntityRef::new("agent", agent);
        let (before, after) = (json!({"certificate": row.certificate_fingerprint}), json!({"certificate": certificate.fingerprint}));
        audit::record(ctx, &mut tx, Entry::new("agent.renew", entity).before(&before)?.after(&after)?).await?;
        Ok(Some(certificate.der))
    })
}
