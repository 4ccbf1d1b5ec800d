//! The two kinds of trail behind one set of statements: a tenant's, and the installation's own.

use super::chain::{Hash, Sealed};
use crate::{
    Error,
    db::{DbError, Handle, Query, sql},
    ids::TenantId,
    time::Timestamp,
};

/// One trail: its tables, and whose it is.
#[derive(Debug, Clone)]
pub(super) struct Trail {
    rows: &'static str,
    heads: &'static str,
    /// Column that names the head's row.
    key: &'static str,
    /// What the trail is called: the tenant's id, or [`PLATFORM`].
    name: String,
    is_of_tenant: bool,
}

/// Name of the installation's own trail.
pub const PLATFORM: &str = "platform";

/// What a sealed row keeps.
const SEALED: &str = "id, occurred_at, actor_kind, actor_id, actor_name, action, entity_kind, entity_id, before_state, \
                      after_state, reason, request_id, position, actor_salt, actor_hash, content_salt, content_hash, chain";

/// Where a chain ends.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct HeadRow {
    pub(super) position: i64,
    pub(super) chain: Vec<u8>,
    pub(super) sealed_at: Timestamp,
}

/// What was worked out for a row that is being sealed.
pub(super) struct Seal {
    pub(super) id: String,
    pub(super) position: i64,
    pub(super) actor_salt: Vec<u8>,
    pub(super) actor_hash: Hash,
    pub(super) content_salt: Vec<u8>,
    pub(super) content_hash: Hash,
    pub(super) chain: Hash,
}

impl Trail {
    pub(super) fn of_tenant(tenant: &TenantId) -> Self {
        Self {
            rows: "kernel_audit",
            heads: "kernel_audit_head",
            key: "tenant_id",
            name: tenant.to_string(),
            is_of_tenant: true,
        }
    }

    pub(super) fn of_platform() -> Self {
        Self {
            rows: "kernel_platform_audit",
            heads: "kernel_platform_audit_head",
            key: "id",
            name: PLATFORM.to_owned(),
            is_of_tenant: false,
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// `FROM rows WHERE …`, to go on with `AND`.
    fn rows(&self, query: Query) -> Query {
        let query = query.push(" FROM ").push(self.rows).push(" WHERE ");
        if self.is_of_tenant { query.push("tenant_id = ").push_bind(&self.name) } else { query.push("true") }
    }

    fn heads(&self, query: Query) -> Query {
        query.push(" FROM ").push(self.heads).push(" WHERE ").push(self.key).push(" = ").push_bind(&self.name)
    }

    pub(super) async fn head(&self, tx: &mut impl Handle) -> Result<Option<HeadRow>, DbError> {
        self.heads(sql("SELECT position, chain, sealed_at")).fetch_optional(tx).await
    }

    /// Takes the lock under which rows are sealed; where the chain ends.
    pub(super) async fn head_lock(
        &self,
        tx: &mut impl Handle,
        start: &Hash,
        now: Timestamp,
    ) -> Result<HeadRow, DbError> {
        sql("INSERT INTO ")
            .push(self.heads)
            .push(" (")
            .push(self.key)
            .push(", position, chain, sealed_at) VALUES ")
            .push_list([
                self.name.clone().into(),
                0_i64.into(),
                start.to_vec().into(),
                crate::db::Value::from(now),
            ])
            .push(" ON CONFLICT (")
            .push(self.key)
            // Changes nothing, and holds the row.
            .push(") DO UPDATE SET position = ")
            .push(self.heads)
            .push(".position RETURNING position, chain, sealed_at")
            .fetch_one(tx)
            .await
    }

    /// Moves the head on from where it was.
    pub(super) async fn head_move(
        &self,
        tx: &mut impl Handle,
        from: i64,
        last: &Seal,
        now: Timestamp,
    ) -> Result<(), Error> {
        let moved = sql("UPDATE ")
            .push(self.heads)
            .push(" SET position = ")
            .push_bind(last.position)
            .push(", chain = ")
            .push_bind(last.chain.to_vec())
            .push(", sealed_at = ")
            .push_bind(now)
            .push(" WHERE ")
            .push(self.key)
            .push(" = ")
            .push_bind(&self.name)
            .push(" AND position = ")
            .push_bind(from)
            .execute(tx)
            .await?;
        if moved == 1 { Ok(()) } else { Err(DbError::Conflict.into()) }
    }

    /// Oldest rows that are not sealed.
    pub(super) async fn unsealed(&self, tx: &mut impl Handle, limit: i64) -> Result<Vec<Sealed>, DbError> {
        self.rows(sql("SELECT ").push(SEALED))
            .push(" AND position IS NULL ORDER BY id LIMIT ")
            .push_bind(limit)
            .fetch_all(tx)
            .await
    }

    /// How many rows are not sealed, and since when the oldest waits.
    pub(super) async fn waiting(&self, tx: &mut impl Handle) -> Result<(i64, Option<Timestamp>), DbError> {
        self.rows(sql("SELECT CAST(COUNT(*) AS BIGINT), MIN(occurred_at)"))
            .push(" AND position IS NULL")
            .fetch_optional(tx)
            .await
            .map(Option::unwrap_or_default)
    }

    pub(super) async fn seal(&self, tx: &mut impl Handle, seals: &[Seal]) -> Result<u64, DbError> {
        let mut query = sql("UPDATE ").push(self.rows).push(
            " SET position = v.column2, actor_salt = v.column3, actor_hash = v.column4, content_salt = v.column5, \
             content_hash = v.column6, chain = v.column7 FROM (VALUES ",
        );
        for (number, seal) in seals.iter().enumerate() {
            if number > 0 {
                query = query.push(", ");
            }
            query = query.push_list::<crate::db::Value>([
                (&seal.id).into(),
                seal.position.into(),
                (&seal.actor_salt).into(),
                seal.actor_hash.to_vec().into(),
                (&seal.content_salt).into(),
                seal.content_hash.to_vec().into(),
                seal.chain.to_vec().into(),
            ]);
        }
        query = query.push(") AS v WHERE id = v.column1 AND position IS NULL");
        if self.is_of_tenant {
            query = query.push(" AND tenant_id = ").push_bind(&self.name);
        }
        query.execute(tx).await
    }

    /// Sealed rows after a position, in order.
    pub(super) async fn sealed_after(
        &self,
        tx: &mut impl Handle,
        position: i64,
        limit: i64,
    ) -> Result<Vec<Sealed>, DbError> {
        self.rows(sql("SELECT ").push(SEALED))
            .push(" AND position > ")
            .push_bind(position)
            .push(" ORDER BY position LIMIT ")
            .push_bind(limit)
            .fetch_all(tx)
            .await
    }

    /// The highest position that a row claims.
    pub(super) async fn last_position(&self, tx: &mut impl Handle) -> Result<Option<i64>, DbError> {
        let row: Option<(Option<i64>,)> = self.rows(sql("SELECT MAX(position)")).fetch_optional(tx).await?;
        Ok(row.and_then(|(position,)| position))
    }

    /// The link at a position.
    pub(super) async fn link_at(
        &self,
        tx: &mut impl Handle,
        position: i64,
    ) -> Result<Option<Vec<u8>>, DbError> {
        let row: Option<(Option<Vec<u8>>,)> = self
            .rows(sql("SELECT chain"))
            .push(" AND position = ")
            .push_bind(position)
            .fetch_optional(tx)
            .await?;
        Ok(row.and_then(|(chain,)| chain))
    }

    /// Takes values and salts away where a column names somebody or something; rows changed. What is not sealed yet loses
    /// its values before the chain ever covered them.
    pub(super) async fn erase(
        &self,
        tx: &mut impl Handle,
        set: &'static str,
        whose: &'static str,
        ids: &[String],
    ) -> Result<u64, DbError> {
        let mut query = sql("UPDATE ")
            .push(self.rows)
            .push(" SET ")
            .push(set)
            .push(" WHERE ")
            .push(whose)
            .push(" IN ")
            .push_list(ids);
        if self.is_of_tenant {
            query = query.push(" AND tenant_id = ").push_bind(&self.name);
        }
        query.execute(tx).await
    }
}
