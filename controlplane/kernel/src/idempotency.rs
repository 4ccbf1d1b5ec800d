//! A request that comes twice has its effect once.
//!
//! A client gives a request a key of its own choice (`Idempotency-Key`). The context carries it as a [`Claim`], and the
//! first write transaction of the use case commits the claim with the effect: there is no moment in which one is durable
//! without the other. A second request with the key fails that transaction and is answered with what the first one was
//! answered ([`find`]); when that answer was lost with its process, it is told that the effect is there.

use crate::{
    Ctx, Error,
    db::{TenantTx, sql},
    secrets::random_token,
    time::Timestamp,
    write_tx,
};
use sha2::{Digest, Sha256};

/// Code of the error of a request whose effect another one has had.
pub const REPEATED: &str = "idempotency_repeated";
/// How long a key is remembered.
pub const REMEMBERED_MS: i64 = 48 * 3_600_000;
/// Bodies beyond it are not kept: the second request is told that the effect is there.
const MAX_BODY: usize = 256 * 1024;

/// A request's key, until its effect commits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    asked_by: String,
    key: String,
    fingerprint: String,
    holder: String,
}

/// What is kept of the first request with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// There is none.
    New,
    /// The key was used for something else.
    Other,
    /// The effect is there, the answer is not known (yet).
    Unanswered,
    /// The answer.
    Answered(Answer),
}

/// An answer as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `ETag`.
    pub etag: Option<String>,
    /// Body.
    pub body: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Row {
    fingerprint: String,
    holder: String,
    status: Option<i64>,
    content_type: Option<String>,
    etag: Option<String>,
    body: Option<Vec<u8>>,
}

impl Claim {
    /// A request of the context's principal: what it asks for is told from another by method, path and body.
    pub fn new(ctx: &Ctx, key: &str, method: &str, path: &str, body: &[u8]) -> Self {
        let mut hash = Sha256::new();
        for part in [method.as_bytes(), path.as_bytes(), body] {
            hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_le_bytes());
            hash.update(part);
        }
        Self {
            asked_by: ctx.principal().parts().1,
            key: key.to_owned(),
            fingerprint: hex::encode(hash.finalize()),
            holder: random_token(),
        }
    }

    /// Commits with the effect, or fails when another request has had it.
    pub(crate) async fn hold(&self, tx: &mut TenantTx, now: Timestamp) -> Result<(), Error> {
        let tenant = tx.tenant().clone();
        let inserted = sql(
            "INSERT INTO kernel_idempotency (tenant_id, asked_by, request_key, fingerprint, holder, created_at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (tenant_id, asked_by, request_key) DO NOTHING",
        )
        .bind(&tenant)
        .bind(&self.asked_by)
        .bind(&self.key)
        .bind(&self.fingerprint)
        .bind(&self.holder)
        .bind(now)
        .execute(tx)
        .await?;
        if inserted == 1 {
            return Ok(());
        }
        // A use case of several transactions holds what its first one has claimed.
        match self.row(tx).await? {
            Some(row) if row.holder == self.holder => Ok(()),
            _ => Err(Error::conflict(REPEATED, "this request was made before with the same key")),
        }
    }

    async fn row(&self, tx: &mut TenantTx) -> Result<Option<Row>, Error> {
        let tenant = tx.tenant().clone();
        Ok(sql("SELECT fingerprint, holder, status, content_type, etag, body FROM kernel_idempotency \
                WHERE tenant_id = $1 AND asked_by = $2 AND request_key = $3")
        .bind(&tenant)
        .bind(&self.asked_by)
        .bind(&self.key)
        .fetch_optional(tx)
        .await?)
    }

    fn sealing_context(&self) -> String {
        sealing_context(&self.asked_by, &self.key)
    }
}

/// The context that an answer is sealed in.
pub(crate) fn sealing_context(asked_by: &str, key: &str) -> String {
    format!("kernel_idempotency/{asked_by}/{key}")
}

/// What is known of a request with this key.
///
/// # Errors
/// The database's.
pub async fn find(ctx: &Ctx, claim: &Claim) -> Result<Known, Error> {
    let mut tx = ctx.begin_read().await?;
    let Some(row) = claim.row(&mut tx).await? else { return Ok(Known::New) };
    if row.fingerprint != claim.fingerprint {
        return Ok(Known::Other);
    }
    let (Some(status), Some(sealed)) = (row.status.and_then(|status| u16::try_from(status).ok()), row.body)
    else {
        return Ok(Known::Unanswered);
    };
    let runtime = tx.runtime().clone();
    let body = runtime.secrets.open(&mut tx, &claim.sealing_context(), &sealed).await?;
    Ok(Known::Answered(Answer {
        status,
        content_type: row.content_type,
        etag: row.etag,
        body: body.expose().to_vec(),
    }))
}

/// Keeps the answer of the request that had the effect; for one that had none there is nothing to keep.
///
/// # Errors
/// The database's: the answer goes out all the same.
pub async fn answered(ctx: &Ctx, claim: &Claim, answer: &Answer) -> Result<(), Error> {
    if answer.body.len() > MAX_BODY {
        return Ok(());
    }
    write_tx!(ctx, tx => {
        let runtime = tx.runtime().clone();
        let sealed = runtime.secrets.seal(&mut tx, &claim.sealing_context(), &answer.body).await?;
        let tenant = tx.tenant().clone();
        sql("UPDATE kernel_idempotency SET status = $1, content_type = $2, etag = $3, body = $4 \
             WHERE tenant_id = $5 AND asked_by = $6 AND request_key = $7 AND holder = $8")
            .bind(i64::from(answer.status))
            .bind(answer.content_type.clone())
            .bind(answer.etag.clone())
            .bind(sealed)
            .bind(&tenant)
            .bind(&claim.asked_by)
            .bind(&claim.key)
            .bind(&claim.holder)
            .execute(&mut tx)
            .await?;
        Ok(())
    })
}

/// Forgets keys that are older than [`REMEMBERED_MS`].
///
/// # Errors
/// The database's.
pub async fn forget(ctx: &Ctx) -> Result<u64, Error> {
    let before = ctx.now().plus_millis(-REMEMBERED_MS);
    write_tx!(ctx, tx => {
        let tenant = tx.tenant().clone();
        Ok(sql("DELETE FROM kernel_idempotency WHERE tenant_id = $1 AND created_at < $2")
            .bind(&tenant)
            .bind(before)
            .execute(&mut tx)
            .await?)
    })
}
