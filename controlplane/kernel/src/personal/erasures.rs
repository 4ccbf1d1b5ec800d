//! Who asked that a person's data be taken out, why, and whether it was done.

use super::{Person, PersonKind};
use crate::{
    Ctx, Error,
    db::{DbError, TenantTx, sql},
    ids::DataErasureId,
    page::{Page, PageQuery},
    text_enum,
    time::Timestamp,
};
use serde::Serialize;
use utoipa::ToSchema;

text_enum! {
    /// How far an erasure is.
    pub enum ErasureState {
        /// It is being done.
        Pending = "pending",
        /// It is done.
        Done = "done",
    }
}

/// The end of what is held of a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, sqlx::FromRow, ToSchema)]
pub struct DataErasure {
    /// Which.
    pub id: DataErasureId,
    /// Which sort of person.
    pub person_kind: PersonKind,
    /// Whose data.
    #[schema(example = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub person_id: String,
    /// How far it is.
    pub state: ErasureState,
    /// Why, as whoever asked wrote.
    #[schema(example = "Asked for in writing on 2026-11-20")]
    pub reason: String,
    /// Id of who asked for it.
    #[schema(example = "usr_01jd3k5m7nf8v9q0r1s2t3w4x5")]
    pub requested_by: String,
    /// When it was decided.
    pub created_at: Timestamp,
    /// When it was done.
    pub done_at: Option<Timestamp>,
}

impl DataErasure {
    /// Whose it is.
    ///
    /// # Errors
    /// A row that names nobody.
    pub fn person(&self) -> Result<Person, Error> {
        Person::of(&self.person_id).ok_or_else(|| Error::internal("an erasure is of a customer or a user"))
    }
}

const SELECT: &str = "SELECT id, person_kind, person_id, state, reason, requested_by, created_at, done_at \
                      FROM kernel_data_erasure WHERE tenant_id = ";

/// One erasure.
///
/// # Errors
/// [`Error::NotFound`], or the database's.
pub async fn erasure_get(tx: &mut TenantTx, id: &DataErasureId) -> Result<DataErasure, Error> {
    Ok(sql(SELECT).push_bind(tx.tenant()).push(" AND id = ").push_bind(id).fetch_one(tx).await?)
}

/// The erasure of a person, when there is one.
///
/// # Errors
/// The database's.
pub async fn erasure_of(tx: &mut TenantTx, person: &Person) -> Result<Option<DataErasure>, DbError> {
    sql(SELECT)
        .push_bind(tx.tenant())
        .push(" AND person_id = ")
        .push_bind(person.id())
        .fetch_optional(tx)
        .await
}

/// Erasures of a person: one at most, as a list like any other.
///
/// # Errors
/// A cursor of another list, or the database's.
pub async fn erasures_list(
    tx: &mut TenantTx,
    person: &Person,
    page: &PageQuery,
) -> Result<Page<DataErasure>, Error> {
    let limit = page.limit()?;
    let after: Option<DataErasureId> = page.after()?;
    let mut query = sql(SELECT).push_bind(tx.tenant()).push(" AND person_id = ").push_bind(person.id());
    if let Some(after) = after {
        query = query.push(" AND id < ").push_bind(after);
    }
    let rows = query.push(" ORDER BY id DESC LIMIT ").push_bind(limit + 1).fetch_all(tx).await?;
    Page::of(rows, limit, |erasure: &DataErasure| erasure.id.clone())
}

/// Notes that the data of a person, of whom there is no erasure yet, is to be taken out.
///
/// # Errors
/// The database's.
pub async fn erasure_insert(
    ctx: &Ctx,
    tx: &mut TenantTx,
    person: &Person,
    requested_by: &str,
    reason: &str,
) -> Result<DataErasure, Error> {
    let erasure = DataErasure {
        id: DataErasureId::new(ctx.now()),
        person_kind: person.kind(),
        person_id: person.id().to_owned(),
        state: ErasureState::Pending,
        reason: reason.to_owned(),
        requested_by: requested_by.to_owned(),
        created_at: ctx.now(),
        done_at: None,
    };
    sql("INSERT INTO kernel_data_erasure (tenant_id, id, person_kind, person_id, state, reason, requested_by, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)")
    .bind(tx.tenant())
    .bind(&erasure.id)
    .bind(erasure.person_kind)
    .bind(&erasure.person_id)
    .bind(erasure.state)
    .bind(&erasure.reason)
    .bind(&erasure.requested_by)
    .bind(erasure.created_at)
    .execute(tx)
    .await?;
    Ok(erasure)
}

/// Notes that it is done. Whether it was not before.
///
/// # Errors
/// The database's.
pub async fn erasure_finish(ctx: &Ctx, tx: &mut TenantTx, id: &DataErasureId) -> Result<bool, Error> {
    let changed = sql(
        "UPDATE kernel_data_erasure SET state = $1, done_at = $2 WHERE tenant_id = $3 AND id = $4 AND state = $5",
    )
    .bind(ErasureState::Done)
    .bind(ctx.now())
    .bind(tx.tenant())
    .bind(id)
    .bind(ErasureState::Pending)
    .execute(tx)
    .await?;
    Ok(changed == 1)
}
