//! All SQL of the staff and their sessions.

mod guard;
mod session;

pub(crate) use guard::*;
pub(crate) use session::*;

use super::User;
use crate::{
    access::{self, AccessScope, RoleKey, RoleList},
    tenancy::{self, Tenant},
};
use atalaya_kernel::{
    Error,
    db::{DbError, Query, TenantTx, sql},
    ids::UserId,
    list::{Asked, Select},
    page::Page,
    time::Timestamp,
};

/// Named so that they can be read beside those of the tenant.
const COLUMNS: &str = "people_user.id AS user_id, people_user.name AS user_name, people_user.email, people_user.role, \
     people_user.scope, people_user.disabled, people_user.version AS user_version, \
     people_user.created_at AS user_created_at, people_user.updated_at AS user_updated_at, people_user.erased_at, \
     COALESCE((SELECT string_agg(r.role, ',' ORDER BY r.position) FROM people_user_role r \
     WHERE r.tenant_id = people_user.tenant_id AND r.user_id = people_user.id), '') AS further_roles";

#[derive(sqlx::FromRow)]
struct UserRow {
    user_id: UserId,
    user_name: String,
    email: String,
    role: RoleKey,
    #[sqlx(try_from = "String")]
    further_roles: RoleList,
    scope: Option<String>,
    disabled: bool,
    user_version: i64,
    user_created_at: Timestamp,
    user_updated_at: Timestamp,
    erased_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct UserOfTenant {
    #[sqlx(flatten)]
    user: UserRow,
    #[sqlx(flatten)]
    tenant: Tenant,
}

#[derive(sqlx::FromRow)]
struct SessionOfUser {
    #[sqlx(flatten)]
    session: SessionRow,
    #[sqlx(flatten)]
    of: UserOfTenant,
}

impl UserRow {
    fn user(self) -> Result<User, Error> {
        let roles = std::iter::once(self.role.clone()).chain(self.further_roles.0).collect();
        Ok(User {
            scope: AccessScope::from_column(self.scope.as_deref())?,
            id: self.user_id,
            name: self.user_name,
            email: self.email,
            role: self.role,
            roles,
            disabled: self.disabled,
            version: self.user_version,
            created_at: self.user_created_at,
            updated_at: self.user_updated_at,
            erased_at: self.erased_at,
        })
    }
}

const ROWS: Select = Select { columns: COLUMNS, from: "people_user WHERE tenant_id = " };

fn select(tx: &TenantTx) -> Query {
    ROWS.query(tx)
}

/// A user and the settings of their tenant, which every request of theirs needs: in one statement.
pub(crate) async fn user_and_tenant(tx: &mut TenantTx, id: &UserId) -> Result<(User, Tenant), Error> {
    let row: UserOfTenant = of_tenant("", "")
        .push_bind(tx.tenant())
        .push(" AND people_user.id = ")
        .push_bind(id)
        .fetch_one(tx)
        .await?;
    Ok((row.user.user()?, row.tenant))
}

/// A session that has not ended, with whose it is and the settings of their tenant.
pub(crate) async fn session_find(
    tx: &mut TenantTx,
    token_hash: &str,
    now: Timestamp,
) -> Result<Option<(SessionRow, User, Tenant)>, Error> {
    let columns = "people_session.id AS session_id, people_session.csrf_token, people_session.last_seen_at, people_session.proved_at, ";
    let session = " JOIN people_session ON people_session.tenant_id = people_user.tenant_id AND people_session.user_id = people_user.id";
    let row: Option<SessionOfUser> = of_tenant(columns, session)
        .push_bind(tx.tenant())
        .push(" AND people_session.token_hash = ")
        .push_bind(token_hash)
        .push(" AND people_session.expires_at > ")
        .push_bind(now)
        .fetch_optional(tx)
        .await?;
    row.map(|row| Ok((row.session, row.of.user.user()?, row.of.tenant))).transpose()
}

/// Users with the settings of their tenant, up to the tenant's id: with these further columns from this further table.
fn of_tenant(columns: &'static str, join: &'static str) -> Query {
    sql("SELECT ")
        .push(columns)
        .push(COLUMNS)
        .push(", ")
        .push(tenancy::COLUMNS)
        .push(" FROM people_user JOIN people_tenant ON people_tenant.id = people_user.tenant_id")
        .push(join)
        .push(" WHERE people_user.tenant_id = ")
}

pub(super) async fn user_get(tx: &mut TenantTx, id: &UserId) -> Result<User, Error> {
    let row: UserRow = select(tx).push(" AND id = ").push_bind(id).fetch_one(tx).await?;
    row.user()
}

/// A user by e-mail; for log-in and the command line.
pub(super) async fn user_by_email(tx: &mut TenantTx, email: &str) -> Result<Option<User>, Error> {
    let row: Option<UserRow> = select(tx).push(" AND email = ").push_bind(email).fetch_optional(tx).await?;
    row.map(UserRow::user).transpose()
}

pub(super) async fn password_hash(tx: &mut TenantTx, id: &UserId) -> Result<String, DbError> {
    let (hash,): (String,) = sql("SELECT password_hash FROM people_user WHERE tenant_id = ")
        .push_bind(tx.tenant())
        .push(" AND id = ")
        .push_bind(id)
        .fetch_one(tx)
        .await?;
    Ok(hash)
}

pub(super) async fn users_list(tx: &mut TenantTx, asked: &Asked) -> Result<Page<User>, Error> {
    let Page { items, next_cursor } = asked.fetch(tx, ROWS, |query, _| query).await?;
    Ok(Page { items: items.into_iter().map(UserRow::user).collect::<Result<_, _>>()?, next_cursor })
}

/// An owner has no other role, so that the first says all.
pub(super) async fn enabled_owners(tx: &mut TenantTx) -> Result<i64, DbError> {
    let (count,): (i64,) = sql("SELECT CAST(COUNT(*) AS BIGINT) FROM people_user WHERE role = 'owner' AND disabled = false AND tenant_id = ")
        .push_bind(tx.tenant())
        .fetch_one(tx)
        .await?;
    Ok(count)
}

/// Owners who are not disabled.
pub(super) async fn owner_ids(tx: &mut TenantTx) -> Result<Vec<UserId>, DbError> {
    let query = sql("SELECT id FROM people_user WHERE role = 'owner' AND disabled = false AND tenant_id = ");
    query.push_bind(tx.tenant()).push(" ORDER BY id").fetch_column(tx).await
}

/// Whose e-mail it is.
pub(super) async fn user_id_by_email(tx: &mut TenantTx, email: &str) -> Result<Option<UserId>, DbError> {
    let query = sql("SELECT id FROM people_user WHERE tenant_id = ").push_bind(tx.tenant());
    Ok(query.push(" AND email = ").push_bind(email).fetch_column(tx).await?.pop())
}

/// Users who are not disabled.
pub(super) async fn users_count(tx: &mut TenantTx) -> Result<i64, DbError> {
    let query =
        sql("SELECT CAST(COUNT(*) AS BIGINT) FROM people_user WHERE disabled = false AND tenant_id = ");
    let (count,): (i64,) = query.push_bind(tx.tenant()).fetch_one(tx).await?;
    Ok(count)
}

pub(super) async fn user_insert(tx: &mut TenantTx, user: &User, password_hash: &str) -> Result<(), Error> {
    let tenant = tx.tenant().clone();
    sql("INSERT INTO people_user (tenant_id, id, email, name, role, password_hash, disabled, version, created_at, updated_at, scope) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)")
    .bind(tenant)
    .bind(&user.id)
    .bind(&user.email)
    .bind(&user.name)
    .bind(&user.role)
    .bind(password_hash)
    .bind(user.disabled)
    .bind(user.version)
    .bind(user.created_at)
    .bind(user.updated_at)
    .bind(user.scope.to_column()?)
    .execute(tx)
    .await
    .map_err(|error| {
        if error.violates_unique("people_user", &["tenant_id", "email"]) {
            return Error::invalid("/email", "taken", "another user has this e-mail");
        }
        error.into()
    })?;
    Ok(access::further_roles_put(tx, &user.id, user.roles.get(1..).unwrap_or_default()).await?)
}

/// Writes the user if `expected` is still its version.
pub(super) async fn user_write(tx: &mut TenantTx, user: &User, expected: i64) -> Result<bool, Error> {
    let tenant = tx.tenant().clone();
    let rows =
        sql("UPDATE people_user SET name = $1, role = $2, disabled = $3, version = $4, updated_at = $5, scope = $6 \
                    WHERE tenant_id = $7 AND id = $8 AND version = $9")
        .bind(&user.name)
        .bind(&user.role)
        .bind(user.disabled)
        .bind(user.version)
        .bind(user.updated_at)
        .bind(user.scope.to_column()?)
        .bind(tenant)
        .bind(&user.id)
        .bind(expected)
        .execute(tx)
        .await?;
    if rows != 1 {
        return Ok(false);
    }
    access::further_roles_put(tx, &user.id, user.roles.get(1..).unwrap_or_default()).await?;
    Ok(true)
}

/// Writes a user of whom nothing is left but the id, and who gets in no more.
pub(super) async fn user_empty(tx: &mut TenantTx, user: &User) -> Result<(), DbError> {
    sql("UPDATE people_user SET name = $1, email = $2, password_hash = '', disabled = true, version = $3, updated_at = $4, \
         erased_at = $5 WHERE tenant_id = $6 AND id = $7")
    .bind(&user.name)
    .bind(&user.email)
    .bind(user.version)
    .bind(user.updated_at)
    .bind(user.erased_at)
    .bind(tx.tenant())
    .bind(&user.id)
    .execute(tx)
    .await
    .map(drop)
}

/// Users who are not disabled, in the order of their ids.
pub(super) async fn users_enabled(tx: &mut TenantTx) -> Result<Vec<User>, Error> {
    let query = select(tx).push(" AND disabled = false ORDER BY id");
    let rows: Vec<UserRow> = query.fetch_all(tx).await?;
    rows.into_iter().map(UserRow::user).collect()
}

pub(super) async fn password_write(tx: &mut TenantTx, id: &UserId, hash: &str) -> Result<(), DbError> {
    let tenant = tx.tenant().clone();
    sql("UPDATE people_user SET password_hash = $1 WHERE tenant_id = $2 AND id = $3")
        .bind(hash)
        .bind(tenant)
        .bind(id)
        .execute(tx)
        .await?;
    Ok(())
}
