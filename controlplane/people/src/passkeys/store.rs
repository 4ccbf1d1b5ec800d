use super::{Passkey, model::Purpose};
use atalaya_kernel::{
    Error,
    db::{DbError, TenantTx, sql},
    ids::{PasskeyId, UserId},
    time::Timestamp,
};

/// A challenge that was just taken.
#[derive(Debug, sqlx::FromRow)]
pub(super) struct Taken {
    pub(super) purpose: Purpose,
    pub(super) user_id: Option<UserId>,
    pub(super) host: String,
    pub(super) expires_at: Timestamp,
}

/// Keeps a challenge, and forgets those that ended.
pub(super) async fn challenge_put(
    tx: &mut TenantTx,
    hash: &str,
    taken: &Taken,
    now: Timestamp,
) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_passkey_challenge WHERE tenant_id = $1 AND expires_at <= $2")
        .bind(&tenant)
        .bind(now)
        .execute(tx)
        .await?;
    sql("INSERT INTO people_passkey_challenge (tenant_id, challenge_hash, purpose, user_id, host, expires_at) \
         VALUES ($1, $2, $3, $4, $5, $6)")
    .bind(&tenant)
    .bind(hash)
    .bind(taken.purpose)
    .bind(taken.user_id.clone())
    .bind(&taken.host)
    .bind(taken.expires_at)
    .execute(tx)
    .await?;
    Ok(())
}

/// Takes a challenge: nobody can take it again.
pub(super) async fn challenge_take(tx: &mut TenantTx, hash: &str) -> Result<Option<Taken>, DbError> {
    sql("DELETE FROM people_passkey_challenge WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND challenge_hash = ")
        .push_bind(hash)
        .push(" RETURNING purpose, user_id, host, expires_at")
        .fetch_optional(tx)
        .await
}

/// A passkey as it is kept.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct PasskeyRow {
    pub(super) id: PasskeyId,
    pub(super) user_id: UserId,
    pub(super) name: String,
    pub(super) host: String,
    pub(super) credential_id: String,
    pub(super) public_key: String,
    pub(super) counter: i64,
    pub(super) created_at: Timestamp,
    pub(super) last_used_at: Option<Timestamp>,
}

impl PasskeyRow {
    pub(super) fn shown(self) -> Passkey {
        Passkey {
            id: self.id,
            name: self.name,
            host: self.host,
            created_at: self.created_at,
            last_used_at: self.last_used_at,
        }
    }
}

const SELECT: &str = "SELECT id, user_id, name, host, credential_id, public_key, counter, created_at, last_used_at \
     FROM people_passkey WHERE tenant_id = ";

pub(super) async fn passkeys_of(tx: &mut TenantTx, user: &UserId) -> Result<Vec<PasskeyRow>, DbError> {
    sql(SELECT)
        .push_bind(tx.tenant())
        .push(" AND user_id = ")
        .push_bind(user)
        .push(" ORDER BY id")
        .fetch_all(tx)
        .await
}

pub(super) async fn passkey_by_credential(
    tx: &mut TenantTx,
    credential_id: &str,
) -> Result<Option<PasskeyRow>, DbError> {
    let query = sql(SELECT).push_bind(tx.tenant()).push(" AND credential_id = ").push_bind(credential_id);
    query.fetch_optional(tx).await
}

pub(super) async fn passkey_insert(tx: &mut TenantTx, row: &PasskeyRow) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_passkey (tenant_id, id, user_id, name, host, credential_id, public_key, counter, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)")
    .bind(tenant)
    .bind(&row.id)
    .bind(&row.user_id)
    .bind(&row.name)
    .bind(&row.host)
    .bind(&row.credential_id)
    .bind(&row.public_key)
    .bind(row.counter)
    .bind(row.created_at)
    .execute(tx)
    .await
    .map_err(|error| {
        if error.violates_unique("people_passkey", &["tenant_id", "credential_id"]) {
            return Error::conflict("passkey_enrolled", "this passkey is kept already");
        }
        error.into()
    })?;
    Ok(())
}

/// Notes that a passkey was used; whether its counter is still the one that was judged.
pub(super) async fn passkey_used(
    tx: &mut TenantTx,
    id: &PasskeyId,
    from: i64,
    to: i64,
    now: Timestamp,
) -> Result<bool, DbError> {
    let tenant = tx.tenant().clone();
    let rows = sql("UPDATE people_passkey SET counter = $1, last_used_at = $2 WHERE tenant_id = $3 AND id = $4 AND counter = $5")
        .bind(to)
        .bind(now)
        .bind(tenant)
        .bind(id)
        .bind(from)
        .execute(tx)
        .await?;
    Ok(rows == 1)
}

pub(super) async fn passkey_delete(tx: &mut TenantTx, id: &PasskeyId) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_passkey WHERE tenant_id = $1 AND id = $2")
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}

/// How many passkeys a user has.
pub(crate) async fn count(tx: &mut TenantTx, user: &UserId) -> Result<i64, DbError> {
    let query = sql("SELECT CAST(COUNT(*) AS BIGINT) FROM people_passkey WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND user_id = ")
        .push_bind(user);
    let (count,): (i64,) = query.fetch_one(tx).await?;
    Ok(count)
}

/// Removes every passkey of a user.
pub(crate) async fn delete_all(tx: &mut TenantTx, user: &UserId) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("DELETE FROM people_passkey WHERE tenant_id = $1 AND user_id = $2")
        .bind(tenant)
        .bind(user)
        .execute(tx)
        .await?;
    Ok(())
}
