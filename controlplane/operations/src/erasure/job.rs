//! The job that carries an erasure out.

use super::{ERASED, service};
use atalaya_kernel::{
    Ctx, Error, audit,
    db::TenantTx,
    events,
    ids::{DataErasureId, ServiceId},
    jobs::{self, Handler, Job, NewJob},
    notes,
    personal::{
        Person, erase,
        erasures::{self, DataErasure, ErasureState},
        exports,
    },
    runtime::Runtime,
    search, write_tx,
};
use atalaya_people::{customers, identity};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, sync::Arc};

const KIND: &str = "personal.erase";
/// Things of one transaction of what is done by code, so that others get their turn.
const AT_ONCE: usize = 500;

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    erasure: DataErasureId,
}

/// Asks for the job in the transaction of the decision.
pub(super) async fn ask(ctx: &Ctx, tx: &mut TenantTx, erasure: &DataErasureId) -> Result<(), Error> {
    let payload = Payload { erasure: erasure.clone() };
    let job = NewJob {
        kind: KIND,
        tenant: Some(ctx.tenant().clone()),
        payload: serde_json::to_value(&payload).map_err(Error::internal)?,
        dedupe_key: erasure.to_string(),
        run_at: ctx.now(),
    };
    Ok(jobs::enqueue(tx, job, ctx.now()).await?)
}

/// Carries erasures out.
#[derive(Debug, Clone, Copy, Default)]
pub struct ErasureJob;

#[async_trait::async_trait]
impl Handler for ErasureJob {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let payload: Payload = serde_json::from_str(&job.payload).map_err(Error::internal)?;
        let tenant =
            job.tenant_id.clone().ok_or_else(|| Error::internal("an erasure belongs to a tenant"))?;
        let ctx = Ctx::system(runtime.tenant(tenant), KIND).in_bulk();
        let mut tx = ctx.begin_read().await?;
        let erasure = erasures::erasure_get(&mut tx, &payload.erasure).await?;
        let person = erasure.person()?;
        let things = erase::things(&mut tx, &person, ERASED).await?;
        tx.rollback().await?;
        if erasure.state != ErasureState::Pending {
            return Ok(());
        }
        carry_out(&ctx, job, &erasure, &person, &things).await?;
        // What is gone from the tables still stands in SQLite's log.
        runtime.db().fold_log().await;
        Ok(())
    }
}

/// What the lists leave to code comes first, while everything can still be found; the person's own row comes last.
async fn carry_out(
    ctx: &Ctx,
    job: &Job,
    erasure: &DataErasure,
    person: &Person,
    things: &BTreeSet<String>,
) -> Result<(), Error> {
    write_tx!(ctx, tx => {
        jobs::hold(&mut tx, job, ctx.now()).await?;
        // Whoever reacts to an event reads what it says: none loses its words before everybody has had it.
        if events::are_awaited(&mut tx, things).await? {
            return Err(Error::conflict("events_awaited", "events about the person are still being delivered"));
        }
        if let Person::User(id) = person {
            audit::erase_actor(&mut tx, id.as_str()).await?;
        }
        exports::exports_end(ctx, &mut tx, person).await
    })?;
    let all: Vec<String> = things.iter().filter(|thing| !events::is_id(thing)).cloned().collect();
    for chunk in all.chunks(AT_ONCE) {
        write_tx!(ctx, tx => {
            jobs::hold(&mut tx, job, ctx.now()).await?;
            audit::erase_content(&mut tx, chunk).await?;
            // What somebody of the staff wrote is about others, and stays.
            if matches!(person, Person::Customer(_)) {
                notes::erase(ctx, &mut tx, chunk).await?;
                for subject in chunk.iter().filter(|thing| thing.parse::<ServiceId>().is_ok()) {
                    search::remove(&mut tx, subject).await?;
                }
            }
            Ok(())
        })?;
    }
    for erased in erase::of_kind(person, ERASED).rev() {
        write_tx!(ctx, tx => {
            jobs::hold(&mut tx, job, ctx.now()).await?;
            erase::carry_out(&mut tx, erased, things).await
        })?;
    }
    write_tx!(ctx, tx => {
        jobs::complete(&mut tx, job).await?;
        match person {
            Person::Customer(id) => customers::customer_erase(ctx, &mut tx, id).await?,
            Person::User(id) => identity::user_erase(ctx, &mut tx, id).await?,
        }
        service::finished(ctx, &mut tx, erasure).await
    })
}
