//! What people say about rows.

use super::{
    Decided, Import, ImportChange, RUN, RowResult, gather, patterns,
    rules::{self, Bin, Decision},
    service::{demand_open, entity, proposed, records, shown},
    store::{self, RowRecord},
};
use crate::devices;
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    ids::{ImportId, ServiceId},
    write_tx,
};
use atalaya_money::{
    catalog,
    services::{self, Status},
};
use atalaya_people::customers;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Decisions of one request at most.
const MOST: usize = 200;
/// Answers, and plans, of an import at most.
const MOST_SAID: usize = 1_000;
/// Rows proposed anew in one transaction.
const AT_ONCE: usize = 200;

/// Says what groups mean, and which plans the services get that are made.
///
/// # Errors
/// Not found, changed meanwhile, `import_busy`, `import_closed`, a plan that is not sold, or without `import.run`.
pub async fn import_change(
    ctx: &Ctx,
    id: &ImportId,
    version: i64,
    change: &ImportChange,
) -> Result<Import, Error> {
    ctx.authorize(RUN)?;
    let mut validation = Validation::new();
    let answers = change.answers.as_deref().unwrap_or_default();
    let plans = change.plans.as_deref().unwrap_or_default();
    let groups: BTreeSet<&str> = answers.iter().map(|answer| answer.group.as_str()).collect();
    let profiles: BTreeSet<&str> = plans.iter().map(|plan| plan.profile.as_str()).collect();
    validation
        .check(answers.len() <= MOST_SAID, "/answers", "too_long", format!("at most {MOST_SAID}"))
        .check(groups.len() == answers.len(), "/answers", "duplicate", "each group once")
        .check(plans.len() <= MOST_SAID, "/plans", "too_long", format!("at most {MOST_SAID}"))
        .check(profiles.len() == plans.len(), "/plans", "duplicate", "each profile once");
    validation.finish()?;
    write_tx!(ctx, tx => {
        let before = store::import_find(&mut tx, id).await?;
        demand_open(&before)?;
        check_plans(&mut tx, change).await?;
        let mut after = before.clone();
        if let Some(answers) = &change.answers {
            after.answers = serde_json::to_string(answers).map_err(Error::internal)?;
        }
        if let Some(plans) = &change.plans {
            after.plans = serde_json::to_string(plans).map_err(Error::internal)?;
        }
        if before.version != version || !store::import_write(&mut tx, &after, version, ctx.now()).await? {
            return Err(Error::VersionConflict { current: before.version });
        }
        let said = |record: &store::ImportRecord| json!({"answers": record.answers, "plans": record.plans});
        let entry = Entry::new(RUN.0, entity(id)).before(&said(&before))?.after(&said(&after))?;
        audit::record(ctx, &mut tx, entry).await?;
        let after = store::import_find(&mut tx, id).await?;
        shown(&mut tx, after).await
    })
}

async fn check_plans(tx: &mut TenantTx, change: &ImportChange) -> Result<(), Error> {
    for (at, plan) in change.plans.iter().flatten().enumerate() {
        let pointer = format!("/plans/{at}/plan_id");
        let plan = catalog::plan_find(tx, &plan.plan_id).await.map_err(|error| match error {
            Error::NotFound => Error::invalid(pointer.clone(), "unknown", "no such plan"),
            error => error,
        })?;
        if !plan.active {
            return Err(Error::invalid(pointer, "inactive", "this plan is not sold any more"));
        }
    }
    Ok(())
}

/// Decides about rows, many at once. A service is the decision of one row of each sort only.
///
/// # Errors
/// Not found, `import_busy`, `import_closed`, an unknown row, one that is done or belongs to another, a service or customer that is
/// not there or ended, `service_taken`, or without `import.run`.
pub async fn import_decide(ctx: &Ctx, id: &ImportId, decided: &[Decided]) -> Result<Import, Error> {
    ctx.authorize(RUN)?;
    let names: Vec<String> = decided.iter().map(|one| one.row.clone()).collect();
    let each: BTreeSet<&String> = names.iter().collect();
    let mut validation = Validation::new();
    validation
        .check(!decided.is_empty(), "/rows", "required", "name one row at least")
        .check(decided.len() <= MOST, "/rows", "too_long", format!("at most {MOST} rows at once"))
        .check(each.len() == names.len(), "/rows", "duplicate", "each row once");
    validation.finish()?;
    write_tx!(ctx, tx => {
        let record = store::import_find(&mut tx, id).await?;
        demand_open(&record)?;
        let rows = store::rows_by_names(&mut tx, id, &names).await?;
        let mut rows: BTreeMap<String, RowRecord> = rows.into_iter().map(|row| (row.row_name.clone(), row)).collect();
        let mut changed = Vec::with_capacity(decided.len());
        for (at, one) in decided.iter().enumerate() {
            let pointer = format!("/rows/{at}/row");
            let row = rows.remove(&one.row);
            let Some(mut row) = row.filter(|row| row.bin != Bin::Companion && row.result != Some(RowResult::Made)) else {
                return Err(Error::invalid(pointer, "unknown", "no row of this import about which can be decided"));
            };
            decide(&mut tx, &mut row, one, at).await?;
            store::row_decide(&mut tx, id, &row).await?;
            changed.push(row);
        }
        demand_once(&mut tx, id, &changed).await?;
        store::import_touch(&mut tx, id, ctx.now()).await?;
        let facts: Vec<_> = changed.iter().map(|row| json!({"row": row.row_name, "decision": row.decision, "service": row.service_id})).collect();
        audit::record(ctx, &mut tx, Entry::new(RUN.0, entity(id)).after(&json!({"rows": facts}))?).await?;
        shown(&mut tx, record).await
    })
}

/// Writes a decision into a row.
async fn decide(tx: &mut TenantTx, row: &mut RowRecord, one: &Decided, at: usize) -> Result<(), Error> {
    let first = row.candidates()?.into_iter().next();
    row.decision = one.decision;
    (row.customer_id, row.service_id) = (None, None);
    match one.decision {
        Some(Decision::Create | Decision::Skip) => {}
        // What is exact is so again.
        None => {
            if let Some(first) = first.filter(|_| row.bin == Bin::Exact) {
                (row.customer_id, row.service_id) = (Some(first.customer_id), first.service_id);
            }
        }
        Some(Decision::Accept) => {
            let (service, customer) = match (&one.service_id, &one.customer_id, first) {
                (Some(service), _, _) => (Some(service.clone()), None),
                (None, Some(customer), _) => (None, Some(customer.clone())),
                (None, None, Some(first)) => (first.service_id, Some(first.customer_id)),
                (None, None, None) => {
                    let pointer = format!("/rows/{at}/service_id");
                    return Err(Error::invalid(pointer, "required", "name a service or a customer"));
                }
            };
            row.customer_id = Some(match &service {
                Some(service) => customer_of(tx, service, at).await?,
                None => {
                    let customer = customer.ok_or(Error::NotFound)?;
                    let pointer = format!("/rows/{at}/customer_id");
                    let found = customers::customer_find(tx, &customer)
                        .await
                        .map_err(|error| unknown(error, pointer))?;
                    found.demand_not_erased()?;
                    customer
                }
            });
            row.service_id = service;
        }
    }
    Ok(())
}

async fn customer_of(
    tx: &mut TenantTx,
    service: &ServiceId,
    at: usize,
) -> Result<atalaya_kernel::ids::CustomerId, Error> {
    let pointer = format!("/rows/{at}/service_id");
    let found = services::service_find(tx, service).await.map_err(|error| unknown(error, pointer))?;
    if found.status == Status::Terminated {
        return Err(Error::conflict("service_terminated", "the service has ended"));
    }
    Ok(found.customer_id)
}

fn unknown(error: Error, pointer: String) -> Error {
    match error {
        Error::NotFound => Error::invalid(pointer, "unknown", "there is none"),
        error => error,
    }
}

/// Demands that no service is the decision of two rows of one sort: one of them would be somebody else's.
async fn demand_once(tx: &mut TenantTx, id: &ImportId, changed: &[RowRecord]) -> Result<(), Error> {
    let services: Vec<ServiceId> = changed.iter().filter_map(|row| row.service_id.clone()).collect();
    if services.is_empty() {
        return Ok(());
    }
    let mut seen = BTreeSet::new();
    for row in store::rows_of_services(tx, id, &services).await? {
        let (sort, _) = row.row_name.split_once('/').unwrap_or((row.row_name.as_str(), ""));
        if !seen.insert((sort.to_owned(), row.service_id.clone())) {
            return Err(Error::conflict_with(
                "service_taken",
                "this service is another row's already",
                [("row", json!(row.row_name)), ("service", json!(row.service_id))],
            ));
        }
    }
    Ok(())
}

/// Compares the rows about which nobody decided once more: with the customers and the patterns that there are now.
///
/// # Errors
/// Not found, `import_busy`, `import_closed`, or without `import.run`.
pub async fn import_refresh(ctx: &Ctx, id: &ImportId) -> Result<Import, Error> {
    ctx.authorize(RUN)?;
    let mut tx = ctx.begin_read().await?;
    let record = store::import_find(&mut tx, id).await?;
    demand_open(&record)?;
    let device = devices::device_find(&mut tx, &record.device_id).await?;
    let rows = store::rows_all(&mut tx, id).await?;
    let known = gather::known(&mut tx, &record.device_id).await?;
    let patterns = patterns::patterns(&mut tx).await?;
    tx.rollback().await?;
    let found = rows.iter().map(RowRecord::found).collect::<Result<Vec<_>, _>>()?;
    let groups = rules::groups(
        &found,
        std::slice::from_ref(&device.cut_profile),
        std::slice::from_ref(&device.cut_address_list),
    );
    let (found, proposals) = proposed(found, known, patterns).await?;
    let fresh = records(&found, &proposals, &groups)?;
    let open: Vec<RowRecord> = rows
        .into_iter()
        .zip(fresh)
        .filter(|(row, _)| row.decision.is_none() && row.result.is_none())
        .map(|(_, fresh)| fresh)
        .collect();
    for chunk in open.chunks(AT_ONCE) {
        write_tx!(ctx, tx => {
            demand_open(&store::import_find(&mut tx, id).await?)?;
            for row in chunk {
                store::row_propose(&mut tx, id, row).await?;
            }
            Ok(())
        })?;
    }
    write_tx!(ctx, tx => {
        store::import_touch(&mut tx, id, ctx.now()).await?;
        let facts = json!({"compared": open.len()});
        audit::record(ctx, &mut tx, Entry::new(RUN.0, entity(id)).after(&facts)?).await?;
        let record = store::import_find(&mut tx, id).await?;
        shown(&mut tx, record).await
    })
}
