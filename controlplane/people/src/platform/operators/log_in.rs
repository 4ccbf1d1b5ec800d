use super::{Operator, OperatorSession, factor, store};
use crate::{
    identity::{
        Origin,
        guard::{self, Source},
        password, token_hash,
    },
    platform::PlatformCtx,
};
use atalaya_kernel::{
    Error, Principal,
    audit::{self, Entry},
    db::PlatformTx,
    events::EntityRef,
    runtime::Runtime,
    secrets::{SecretText, ShownOnce, random_token},
    write_tx,
};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A session ends after so long without a request, ms.
const IDLE_MS: i64 = 2 * 3_600_000;
/// A session is written to at most this often, ms.
const TOUCH_MS: i64 = 60_000;
/// Who refuses somebody who is nobody yet.
const DOOR: Principal = Principal::System("operator log-in");

/// What an operator's log-in comes to.
#[derive(Debug)]
pub enum OperatorLogIn {
    /// A wrong pair, a wrong code or a disabled operator: one answer for all.
    Refused,
    /// The password is right, and a code of the app is wanted too.
    CodeWanted,
    /// Somebody is in.
    In {
        /// Token of the cookie.
        token: ShownOnce,
        /// The session.
        session: Box<OperatorSession>,
    },
}

fn person(operator: &Operator) -> Principal {
    Principal::Operator { id: operator.id.clone(), name: operator.name.clone() }
}

/// Logs an operator in. What was refused is audited too.
///
/// # Errors
/// Too many failures from here, or the database's.
pub async fn log_in(
    runtime: &Arc<Runtime>,
    email: &str,
    secret: &SecretText,
    code: Option<&SecretText>,
    origin: &Origin,
) -> Result<OperatorLogIn, Error> {
    let email = email.trim().to_lowercase();
    let (subject, source) = guess(&email, origin);
    count(runtime, &subject, &source).await?;
    let mut tx = runtime.platform().begin_read().await?;
    let known = store::operator_by_email(&mut tx, &email).await?;
    let kept = match &known {
        Some(operator) => Some(store::credentials(&mut tx, &operator.id).await?),
        None => None,
    };
    tx.rollback().await?;
    // A disabled one costs the same time.
    let right = password::verify(secret, kept.as_ref().map(|kept| kept.password_hash.clone())).await?;
    let found = known.clone().zip(kept).filter(|(operator, _)| right && !operator.disabled);
    let Some((operator, kept)) = found else {
        return refuse(runtime, known.as_ref(), origin).await;
    };
    let wants_code = kept.totp_confirmed_at.is_some();
    if wants_code && code.is_none() {
        return Ok(OperatorLogIn::CodeWanted);
    }
    let token = random_token();
    let now = runtime.clock.now();
    let session = OperatorSession {
        operator: operator.clone(),
        csrf_token: random_token(),
        proved_at: now,
        token_hash: token_hash(&token),
    };
    let platform = runtime.platform();
    let entered = write_tx!(platform, tx => {
        if let Some(code) = code.filter(|_| wants_code)
            && !factor::code_take(runtime, &mut tx, &operator.id, &kept, code, now).await?
        {
            return Ok(false);
        }
        let new = store::NewSession {
            token_hash: &session.token_hash,
            operator: &operator.id,
            csrf_token: &session.csrf_token,
            now,
            expires_at: now.plus_millis(IDLE_MS),
            user_agent: &origin.user_agent,
            address: &origin.address,
        };
        store::session_insert(&mut tx, &new).await?;
        store::guesses_clear(&mut tx, &subject, &source).await?;
        let entry = Entry::new("operator.log_in", EntityRef::new("operator", &operator.id)).after(&origin.address)?;
        audit::record_platform(&mut tx, &person(&operator), &origin.request_id, now, entry).await?;
        Ok(true)
    })?;
    if !entered {
        return refuse(runtime, Some(&operator), origin).await;
    }
    Ok(OperatorLogIn::In { token: token.into(), session: Box::new(session) })
}

/// What is guessed at and where from: an e-mail that may be nobody's, and the address.
fn guess(email: &str, origin: &Origin) -> (String, String) {
    let subject = hex::encode(Sha256::digest(format!("operator/{email}")));
    (subject, Source::address(&origin.address).as_str().to_owned())
}

/// Counts a guess that is about to be judged: password and code together.
async fn count(runtime: &Arc<Runtime>, subject: &str, source: &str) -> Result<(), Error> {
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    write_tx!(platform, tx => {
        store::guesses_forget(&mut tx, now.plus_millis(-guard::FORGET_MS)).await?;
        let kept = store::guesses_get(&mut tx, subject, source).await?;
        let wait_ms = kept.map_or(0, |(failures, last_at)| guard::wait_ms(failures, last_at, now));
        if wait_ms > 0 {
            return Err(Error::RateLimited { retry_after_s: u64::try_from(wait_ms).unwrap_or(0).div_ceil(1_000) });
        }
        let failures = kept.map_or(0, |(failures, _)| failures).saturating_add(1);
        Ok(store::guesses_put(&mut tx, subject, source, failures, now).await?)
    })
}

async fn refuse(
    runtime: &Arc<Runtime>,
    known: Option<&Operator>,
    origin: &Origin,
) -> Result<OperatorLogIn, Error> {
    let entity = match known {
        Some(operator) => EntityRef::new("operator", &operator.id),
        None => EntityRef::new("installation", "operator log-in"),
    };
    let (platform, now) = (runtime.platform(), runtime.clock.now());
    write_tx!(platform, tx => {
        let shown = json!({"address": origin.address, "user_agent": origin.user_agent});
        let entry = Entry::new("operator.refuse", entity.clone()).after(&shown)?;
        audit::record_platform(&mut tx, &DOOR, &origin.request_id, now, entry).await
    })?;
    Ok(OperatorLogIn::Refused)
}

/// The context and session of a cookie's token; `None` when it is unknown, ended or its operator disabled.
///
/// # Errors
/// The database's.
pub async fn authenticate(
    runtime: &Arc<Runtime>,
    token: &str,
    request_id: &str,
) -> Result<Option<(PlatformCtx, OperatorSession)>, Error> {
    let token_hash = token_hash(token);
    let now = runtime.clock.now();
    let platform = runtime.platform();
    let mut tx = platform.begin_read().await?;
    let Some(row) = store::session_find(&mut tx, &token_hash).await?.filter(|row| now < row.expires_at)
    else {
        return Ok(None);
    };
    let operator = store::operator_get(&mut tx, &row.operator_id).await?;
    tx.rollback().await?;
    if operator.disabled {
        return Ok(None);
    }
    if now >= row.last_seen_at.plus_millis(TOUCH_MS) {
        write_tx!(platform, tx => {
            Ok(store::session_touch(&mut tx, &token_hash, now, now.plus_millis(IDLE_MS)).await?)
        })?;
    }
    let ctx = PlatformCtx::of_operator(runtime.clone(), person(&operator), request_id, row.proved_at);
    let session =
        OperatorSession { operator, csrf_token: row.csrf_token, proved_at: row.proved_at, token_hash };
    Ok(Some((ctx, session)))
}

/// Whether an operator may log in; for what was begun before.
pub(in crate::platform) async fn is_enabled(
    tx: &mut PlatformTx,
    id: &atalaya_kernel::ids::OperatorId,
) -> Result<bool, Error> {
    Ok(!store::operator_get(tx, id).await?.disabled)
}

/// Ends a session.
///
/// # Errors
/// The database's.
pub async fn log_out(ctx: &PlatformCtx, session: &OperatorSession) -> Result<(), Error> {
    let platform = ctx.runtime().platform();
    write_tx!(platform, tx => {
        store::session_delete(&mut tx, &session.token_hash).await?;
        ctx.record(&mut tx, Entry::new("operator.log_out", EntityRef::new("operator", &session.operator.id))).await
    })
}
