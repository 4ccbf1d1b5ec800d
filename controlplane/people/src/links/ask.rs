//! Whoever forgot the password asks for a link.
//!
//! The answer must not tell whose e-mail it is: what is done before it is the same for every one (a count, a row in the trail,
//! a job that names the user or nobody), and a job does the rest. A link that was made before stays good, so that nobody makes
//! another's worthless by asking in their name.

use super::service::{self, LinkKind};
use crate::{
    identity::{
        self, Origin,
        guard::{self, Source, Target},
    },
    messaging::{self, Outbound, Recipient},
};
use atalaya_kernel::{
    Ctx, Error, Principal,
    audit::{self, Entry},
    events::EntityRef,
    ids::{LinkId, TenantId, UserId},
    jobs::{self, Handler, Job, NewJob},
    runtime::Runtime,
    time::Timestamp,
    write_tx,
};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// Kind of the jobs.
const JOB: &str = "people.password_link";
/// A user is sent one link at most in so long, ms.
const SLOT_MS: i64 = 15 * 60_000;
/// Who asks.
const DOOR: Principal = Principal::System("forgotten password");

/// What the job goes by; nobody for an e-mail that is nobody's.
#[derive(Serialize, Deserialize)]
struct Payload {
    user: Option<UserId>,
}

fn job(tenant: Option<TenantId>, user: Option<UserId>, now: Timestamp) -> Result<NewJob, Error> {
    Ok(NewJob {
        kind: JOB,
        tenant,
        payload: serde_json::to_value(Payload { user }).map_err(Error::internal)?,
        // Every asking is one of its own.
        dedupe_key: LinkId::new(now).to_string(),
        run_at: now,
    })
}

/// Has a link sent to the user of an e-mail, if there is one who may log in. Nothing tells whether there is; where no message
/// leaves this installation, nothing is done for anybody.
///
/// # Errors
/// The database's.
pub async fn link_ask(
    runtime: &Arc<Runtime>,
    outbound: &Outbound,
    slug: &str,
    email: &str,
    origin: &Origin,
) -> Result<(), Error> {
    if !outbound.sends_mail() {
        return Ok(());
    }
    let now = runtime.clock.now();
    let facts = json!({"address": origin.address, "user_agent": origin.user_agent});
    let Some((ctx, tenant)) = identity::door_of(runtime, slug, origin).await? else {
        let platform = runtime.platform();
        return write_tx!(platform, tx => {
            jobs::enqueue(&mut tx, job(None, None, now)?, now).await?;
            let entry = Entry::new("link.ask", EntityRef::new("installation", "log-in")).after(&facts)?;
            audit::record_platform(&mut tx, &DOOR, &origin.request_id, now, entry).await
        });
    };
    let email = email.trim().to_lowercase();
    match guard::count(&ctx, &Target::link(&email), &Source::address(&origin.address)).await {
        // To whoever asks too often it is as if they had asked: another answer would be no use to them.
        Err(Error::RateLimited { .. }) => return Ok(()),
        counted => counted?,
    };
    write_tx!(ctx, tx => {
        let user = identity::user_id_of(&mut tx, &email).await?;
        jobs::enqueue(&mut tx, job(Some(tenant.id.clone()), user, now)?, now).await?;
        tx.ring();
        let entry = Entry::new("link.ask", EntityRef::new("tenant", &tenant.id)).after(&facts)?;
        audit::record(&ctx, &mut tx, entry).await
    })
}

/// Makes the links that were asked for, and has them sent.
pub struct LinkJob;

#[async_trait::async_trait]
impl Handler for LinkJob {
    fn kind(&self) -> &'static str {
        JOB
    }

    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let Payload { user } = serde_json::from_str(&job.payload).map_err(Error::internal)?;
        let (Some(tenant), Some(user)) = (&job.tenant_id, user) else { return Ok(()) };
        let ctx = Ctx::system(runtime.tenant(tenant.clone()), "forgotten password");
        let recipient = Recipient::User(user.clone());
        write_tx!(ctx, tx => {
            jobs::hold(&mut tx, job, ctx.now()).await?;
            let key = format!("link/{}", ctx.now().as_millis().div_euclid(SLOT_MS));
            let of = identity::user_row(&mut tx, &user).await?;
            if !of.disabled && !messaging::is_known(&mut tx, &recipient, &key).await? {
                let made = service::make(&ctx, &mut tx, &user, LinkKind::Reset).await?;
                messaging::notify(&ctx, &mut tx, &recipient, &made.template(), &key).await?;
            }
            jobs::complete(&mut tx, job).await
        })
    }
}
