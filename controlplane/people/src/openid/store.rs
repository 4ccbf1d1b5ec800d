use super::{IdentityProvider, ProviderChoice};
use atalaya_kernel::{
    Error,
    db::{DbError, TenantTx, sql},
    ids::{IdentityId, IdentityProviderId, UserId},
    time::Timestamp,
};

/// A provider as it is kept.
#[derive(sqlx::FromRow)]
pub(super) struct ProviderRow {
    pub(super) id: IdentityProviderId,
    pub(super) name: String,
    pub(super) issuer: String,
    pub(super) client_id: String,
    pub(super) sealed_secret: Vec<u8>,
    allowed_domains: String,
    pub(super) enabled: bool,
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ProviderRow {
    pub(super) fn shown(self) -> Result<IdentityProvider, Error> {
        Ok(IdentityProvider {
            allowed_domains: self.domains()?,
            id: self.id,
            name: self.name,
            issuer: self.issuer,
            client_id: self.client_id,
            enabled: self.enabled,
            version: self.version,
            created_at: self.created_at,
            updated_at: self.updated_at,
        })
    }

    pub(super) fn domains(&self) -> Result<Vec<String>, Error> {
        serde_json::from_str(&self.allowed_domains).map_err(Error::internal)
    }
}

fn domains_column(domains: &[String]) -> Result<String, Error> {
    serde_json::to_string(domains).map_err(Error::internal)
}

const PROVIDER: &str = "SELECT id, name, issuer, client_id, sealed_secret, allowed_domains, enabled, version, created_at, updated_at \
     FROM people_identity_provider WHERE tenant_id = ";

pub(super) async fn provider_row(tx: &mut TenantTx, id: &IdentityProviderId) -> Result<ProviderRow, DbError> {
    sql(PROVIDER).push_bind(tx.tenant()).push(" AND id = ").push_bind(id).fetch_one(tx).await
}

pub(super) async fn providers_list(tx: &mut TenantTx) -> Result<Vec<ProviderRow>, DbError> {
    sql(PROVIDER).push_bind(tx.tenant()).push(" ORDER BY id").fetch_all(tx).await
}

/// How many accounts of each provider open somebody's log-in; a provider without any is left out.
pub(super) async fn linked_counts(tx: &mut TenantTx) -> Result<Vec<(IdentityProviderId, i64)>, DbError> {
    sql("SELECT provider_id, CAST(COUNT(*) AS BIGINT) FROM people_identity WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND subject IS NOT NULL GROUP BY provider_id")
        .fetch_all(tx)
        .await
}

/// What the log-in page offers.
pub(super) async fn choices(tx: &mut TenantTx) -> Result<Vec<ProviderChoice>, DbError> {
    sql("SELECT id, name FROM people_identity_provider WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND enabled = true ORDER BY id")
        .fetch_all(tx)
        .await
}

pub(super) async fn provider_insert(
    tx: &mut TenantTx,
    provider: &IdentityProvider,
    sealed_secret: &[u8],
) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_identity_provider (tenant_id, id, name, issuer, client_id, sealed_secret, allowed_domains, enabled, \
         version, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
    .bind(tenant)
    .bind(&provider.id)
    .bind(&provider.name)
    .bind(&provider.issuer)
    .bind(&provider.client_id)
    .bind(sealed_secret)
    .bind(domains_column(&provider.allowed_domains)?)
    .bind(provider.enabled)
    .bind(provider.version)
    .bind(provider.created_at)
    .bind(provider.updated_at)
    .execute(tx)
    .await
    .map_err(|error| {
        if error.violates_unique("people_identity_provider", &["tenant_id", "issuer"]) {
            return Error::invalid("/issuer", "taken", "there is a provider with this issuer");
        }
        error.into()
    })?;
    Ok(())
}

/// Writes a provider if it is still at `expected`.
pub(super) async fn provider_write(
    tx: &mut TenantTx,
    provider: &IdentityProvider,
    sealed_secret: &[u8],
    expected: i64,
) -> Result<bool, Error> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE people_identity_provider SET name = $1, client_id = $2, sealed_secret = $3, allowed_domains = $4, \
         enabled = $5, version = $6, updated_at = $7 WHERE tenant_id = $8 AND id = $9 AND version = $10")
    .bind(&provider.name)
    .bind(&provider.client_id)
    .bind(sealed_secret)
    .bind(domains_column(&provider.allowed_domains)?)
    .bind(provider.enabled)
    .bind(provider.version)
    .bind(provider.updated_at)
    .bind(tenant)
    .bind(&provider.id)
    .bind(expected)
    .execute(tx)
    .await?;
    Ok(rows == 1)
}

/// Removes a provider with what hangs on it: accounts, and log-ins that are under way.
pub(super) async fn provider_delete(tx: &mut TenantTx, id: &IdentityProviderId) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    for statement in [
        "DELETE FROM people_identity_attempt WHERE tenant_id = $1 AND provider_id = $2",
        "DELETE FROM people_identity WHERE tenant_id = $1 AND provider_id = $2",
        "DELETE FROM people_identity_provider WHERE tenant_id = $1 AND id = $2",
    ] {
        sql(statement).bind(&tenant).bind(id).execute(tx).await?;
    }
    Ok(())
}

/// An identity as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct IdentityRow {
    pub(super) id: IdentityId,
    pub(super) user_id: UserId,
    pub(super) provider_id: IdentityProviderId,
    pub(super) provider_name: String,
    pub(super) email: String,
    pub(super) subject: Option<String>,
    pub(super) allowed_until: Timestamp,
    pub(super) created_at: Timestamp,
    pub(super) linked_at: Option<Timestamp>,
    pub(super) last_used_at: Option<Timestamp>,
}

const IDENTITY: &str = "SELECT i.id, i.user_id, i.provider_id, p.name AS provider_name, i.email, i.subject, i.allowed_until, i.created_at, \
     i.linked_at, i.last_used_at FROM people_identity i JOIN people_identity_provider p \
     ON p.tenant_id = i.tenant_id AND p.id = i.provider_id WHERE i.tenant_id = ";

pub(super) async fn identities_of(tx: &mut TenantTx, user: &UserId) -> Result<Vec<IdentityRow>, DbError> {
    sql(IDENTITY)
        .push_bind(tx.tenant())
        .push(" AND i.user_id = ")
        .push_bind(user)
        .push(" ORDER BY i.id")
        .fetch_all(tx)
        .await
}

/// The identity of an account.
pub(super) async fn identity_by_subject(
    tx: &mut TenantTx,
    provider: &IdentityProviderId,
    subject: &str,
) -> Result<Option<IdentityRow>, DbError> {
    sql(IDENTITY)
        .push_bind(tx.tenant())
        .push(" AND i.provider_id = ")
        .push_bind(provider)
        .push(" AND i.subject = ")
        .push_bind(subject)
        .fetch_optional(tx)
        .await
}

pub(super) async fn identity_insert(tx: &mut TenantTx, row: &IdentityRow) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql(
        "INSERT INTO people_identity (tenant_id, id, user_id, provider_id, email, allowed_until, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(tenant)
    .bind(&row.id)
    .bind(&row.user_id)
    .bind(&row.provider_id)
    .bind(&row.email)
    .bind(row.allowed_until)
    .bind(row.created_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Links an account; whether nobody linked one here meanwhile.
pub(super) async fn identity_link(
    tx: &mut TenantTx,
    id: &IdentityId,
    subject: &str,
    now: Timestamp,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE people_identity SET subject = $1, linked_at = $2 WHERE tenant_id = $3 AND id = $4 AND subject IS NULL")
        .bind(subject)
        .bind(now)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

/// Notes that an account opened a log-in; whether it is still there.
pub(super) async fn identity_used(
    tx: &mut TenantTx,
    id: &IdentityId,
    now: Timestamp,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE people_identity SET last_used_at = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(now)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

pub(super) async fn identity_delete(tx: &mut TenantTx, id: &IdentityId) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_identity WHERE tenant_id = $1 AND id = $2")
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// A log-in on its way.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Attempt {
    pub(super) provider_id: IdentityProviderId,
    pub(super) browser_hash: String,
    pub(super) redirect_uri: String,
    pub(super) expires_at: Timestamp,
}

/// Keeps an attempt, and forgets those that ended.
pub(super) async fn attempt_put(
    tx: &mut TenantTx,
    state_hash: &str,
    attempt: &Attempt,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_identity_attempt WHERE tenant_id = $1 AND expires_at <= $2")
        .bind(&tenant)
        .bind(now)
        .execute(tx)
        .await?;
    sql("INSERT INTO people_identity_attempt (tenant_id, state_hash, provider_id, browser_hash, redirect_uri, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)")
    .bind(&tenant)
    .bind(state_hash)
    .bind(&attempt.provider_id)
    .bind(&attempt.browser_hash)
    .bind(&attempt.redirect_uri)
    .bind(attempt.expires_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes an attempt: nobody can take it again.
pub(super) async fn attempt_take(tx: &mut TenantTx, state_hash: &str) -> Result<Option<Attempt>, DbError> {
    sql("DELETE FROM people_identity_attempt WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND state_hash = ")
        .push_bind(state_hash)
        .push(" RETURNING provider_id, browser_hash, redirect_uri, expires_at")
        .fetch_optional(tx)
        .await
}
