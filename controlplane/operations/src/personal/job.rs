//! The job that makes an export, and the end of those whose time is over.

use super::{HELD, bundle::Bundle, service};
use atalaya_kernel::{
    Ctx, Error,
    blobs::NewBlob,
    db::TenantTx,
    ids::{DataExportId, FileId},
    jobs::{self, Handler, Job, NewJob},
    notes,
    personal::{
        exports::{self, DataExport, ExportState},
        gather::Walk,
    },
    runtime::Runtime,
    write_tx,
};
use atalaya_people::tenancy;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;

const KIND: &str = "personal.export";
/// What a blob of an export is for.
const BLOB_KIND: &str = "data_export";
/// Document that lists files: their contents come too.
const FILES: &str = "files";

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    export: DataExportId,
}

/// Asks for the job in the transaction of the request; asked again it is the same job, alive again if it had died.
pub(super) async fn ask(ctx: &Ctx, tx: &mut TenantTx, export: &DataExportId) -> Result<(), Error> {
    let payload = Payload { export: export.clone() };
    let job = NewJob {
        kind: KIND,
        tenant: Some(ctx.tenant().clone()),
        payload: serde_json::to_value(&payload).map_err(Error::internal)?,
        dedupe_key: export.to_string(),
        run_at: ctx.now(),
    };
    jobs::enqueue(tx, job, ctx.now()).await?;
    Ok(jobs::revive(tx, KIND, export.as_str(), ctx.now()).await?)
}

/// Makes exports.
#[derive(Debug, Clone, Copy, Default)]
pub struct ExportJob;

#[async_trait::async_trait]
impl Handler for ExportJob {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, runtime: &Arc<Runtime>, job: &Job) -> Result<(), Error> {
        let payload: Payload = serde_json::from_str(&job.payload).map_err(Error::internal)?;
        let tenant = job.tenant_id.clone().ok_or_else(|| Error::internal("an export belongs to a tenant"))?;
        let ctx = Ctx::system(runtime.tenant(tenant), KIND).in_bulk();
        let mut tx = ctx.begin_read().await?;
        let export = exports::export_get(&ctx, &mut tx, &payload.export).await?;
        tx.rollback().await?;
        if export.state != ExportState::Pending {
            return Ok(());
        }
        let blobs = made(&ctx, job, &export).await?;
        // Bytes that this does not name are swept after a day.
        write_tx!(ctx, tx => {
            jobs::complete(&mut tx, job).await?;
            service::finished(&ctx, &mut tx, &export, &blobs).await
        })?;
        Ok(())
    }
}

/// Gathers everything and stores its bytes. The database is read a piece at a time, and the lease renewed between them: what
/// changes meanwhile may be in it or not.
async fn made(ctx: &Ctx, job: &Job, export: &DataExport) -> Result<Vec<NewBlob>, Error> {
    let person = export.person()?;
    let tenant = tenancy::tenant_get(ctx).await?;
    let mut bundle = Bundle::new(&tenant, person.clone(), ctx.now());
    let mut blobs = Vec::new();
    let mut walk = Walk::new(person, HELD);
    let mut files = Vec::new();
    loop {
        let mut tx = ctx.begin_read().await?;
        let document = walk.next(&mut tx).await?;
        tx.rollback().await?;
        let Some(document) = document else { break };
        if document.name == FILES {
            files.extend(document.rows.iter().filter_map(|row| file_of(row.get("id"))));
        }
        let rows = document.rows.len();
        let bytes = serde_json::to_vec_pretty(&document.rows).map_err(Error::internal)?;
        put(ctx, job, bundle.document(document.name, document.number, rows, bytes).await?, &mut blobs)
            .await?;
    }
    for id in files {
        let mut tx = ctx.begin_read().await?;
        let found = notes::file_get(&mut tx, &id).await;
        tx.rollback().await?;
        // One that was removed meanwhile.
        let file = match found {
            Err(Error::NotFound) => continue,
            found => found?,
        };
        let content = match notes::file_content(ctx, &file).await {
            Err(Error::NotFound) => continue,
            content => content?,
        };
        put(ctx, job, bundle.file(&id, &file.name, content).await?, &mut blobs).await?;
    }
    put(ctx, job, Some(bundle.end().await?), &mut blobs).await?;
    Ok(blobs)
}

fn file_of(id: Option<&Value>) -> Option<FileId> {
    id?.as_str()?.parse().ok()
}

/// Stores a part that is full, if there is one, and shows that the job is still in work.
async fn put(ctx: &Ctx, job: &Job, part: Option<Vec<u8>>, blobs: &mut Vec<NewBlob>) -> Result<(), Error> {
    if let Some(part) = part {
        blobs.push(atalaya_kernel::blobs::put(ctx, BLOB_KIND, part).await?);
    }
    write_tx!(ctx, tx => { jobs::hold(&mut tx, job, ctx.now()).await })
}

/// Takes the bytes of exports away whose week is over; for the control plane's own housekeeping. How many exports.
///
/// # Errors
/// The database's.
pub async fn expire(ctx: &Ctx) -> Result<usize, Error> {
    write_tx!(ctx, tx => { exports::exports_expire(ctx, &mut tx).await })
}
