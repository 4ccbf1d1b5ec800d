use super::{
    Import, ImportGroup, ImportRow, ImportState, ImportSummary, ImportTotals, NewImport, RUN, RowResult,
    RowsWanted, gather, patterns,
    rules::{self, Bin, FoundRow, How, Intent, Known, Meaning, Pattern, Proposal},
    store::{self, ImportRecord, RowRecord, Said},
};
use crate::{devices, inventory};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::{DbError, TenantTx},
    events::EntityRef,
    ids::{DeviceId, ImportId},
    page::{Page, PageQuery},
    text::normalise,
    write_tx,
};
use atalaya_places::sites;
use serde_json::json;
use std::collections::BTreeMap;

/// Rows written in one transaction: others get their turn at the writer between two.
const AT_ONCE: usize = 400;

/// Begins an import of a device from its newest reading: its rows are copied and compared with everybody whom the scope lets see.
///
/// # Errors
/// Not found, `no_listing`, `import_open`, an unknown site, or without `import.run`.
pub async fn import_create(ctx: &Ctx, device: &DeviceId, new: &NewImport) -> Result<Import, Error> {
    ctx.authorize(RUN)?;
    let mut tx = ctx.begin_read().await?;
    let device = devices::device_find(&mut tx, device).await?;
    let site_id = new.site_id.clone().unwrap_or_else(|| device.site_id.clone());
    sites::site_exists(&mut tx, &site_id, "/site_id").await?;
    let listing = inventory::listing_newest(&mut tx, &device.id).await?;
    let Some((listing, read_at)) = listing.and_then(|listing| Some((listing.id, listing.read_at?))) else {
        return Err(Error::conflict(
            "no_listing",
            "this device was not read within a week: let its agent list it",
        ));
    };
    let rows = inventory::rows_of_listing(&mut tx, &listing, gather::TABLES).await?;
    let known = gather::known(&mut tx, &device.id).await?;
    let patterns = patterns::patterns(&mut tx).await?;
    tx.rollback().await?;
    let found = gather::found_rows(&rows);
    let groups = rules::groups(
        &found,
        std::slice::from_ref(&device.cut_profile),
        std::slice::from_ref(&device.cut_address_list),
    );
    let (found, proposals) = proposed(found, known, patterns).await?;
    let records = records(&found, &proposals, &groups)?;
    let now = ctx.now();
    let import = ImportRecord {
        id: ImportId::new(now),
        device_id: device.id.clone(),
        state: ImportState::Preparing,
        read_at,
        site_id,
        answers: "[]".to_owned(),
        plans: "[]".to_owned(),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    write_tx!(ctx, tx => {
        store::import_insert(&mut tx, &import).await?;
        let facts = json!({"device": device.id, "read_at": read_at, "rows": records.len()});
        audit::record(ctx, &mut tx, Entry::new(RUN.0, entity(&import.id)).after(&facts)?).await?;
        Ok(())
    })?;
    for chunk in records.chunks(AT_ONCE) {
        write_tx!(ctx, tx => { Ok(store::rows_insert(&mut tx, &import.id, chunk).await?) })?;
    }
    write_tx!(ctx, tx => {
        let (from, to) = (ImportState::Preparing, ImportState::Open);
        if store::import_state_set(&mut tx, &import.id, from, to, ctx.now()).await? {
            Ok(())
        } else {
            Err(Error::NotFound)
        }
    })?;
    import_get(ctx, &import.id).await
}

/// Compares rows with everybody, away from the threads that answer people: it is all work and no waiting.
pub(super) async fn proposed(
    found: Vec<FoundRow>,
    known: Vec<Known>,
    patterns: Vec<Pattern>,
) -> Result<(Vec<FoundRow>, Vec<Proposal>), Error> {
    let work = move || {
        let proposals = rules::propose(&found, &known, &patterns);
        (found, proposals)
    };
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)
}

/// Rows as they are stored, from what was found out about them.
pub(super) fn records(
    found: &[FoundRow],
    proposals: &[Proposal],
    groups: &[rules::Group],
) -> Result<Vec<RowRecord>, Error> {
    let mut of_row: BTreeMap<usize, &str> = BTreeMap::new();
    for group in groups {
        of_row.extend(group.rows.iter().map(|row| (*row, group.key.as_str())));
    }
    let json = |value: serde_json::Result<String>| value.map_err(Error::internal);
    let mut records = Vec::with_capacity(found.len());
    for (at, (row, proposal)) in found.iter().zip(proposals).enumerate() {
        let exact = proposal.candidates.first().filter(|_| proposal.bin == Bin::Exact);
        let searched = [&row.user, &row.address, &row.mac, &row.comment].map(String::as_str);
        records.push(RowRecord {
            row_name: row.key.clone(),
            found: json(serde_json::to_string(row))?,
            search_text: normalise(&searched.join(" ")),
            bin: proposal.bin,
            candidates: json(serde_json::to_string(&proposal.candidates))?,
            doubts: json(serde_json::to_string(&proposal.doubts))?,
            companion_of: proposal.companion_of.clone(),
            said: proposal.read.as_ref().map(|read| json(serde_json::to_string(read))).transpose()?,
            group_name: of_row.get(&at).map(|group| (*group).to_owned()),
            decision: None,
            result: None,
            failure: None,
            failure_code: None,
            customer_id: exact.map(|candidate| candidate.customer_id.clone()),
            service_id: exact.and_then(|candidate| candidate.service_id.clone()),
            attachment_id: None,
            made_customer: false,
            made_service: false,
            service_version: None,
        });
    }
    Ok(records)
}

/// Imports of a device, newest first.
///
/// # Errors
/// Not found, or without `import.run`.
pub async fn imports_list(
    ctx: &Ctx,
    device: &DeviceId,
    page: &PageQuery,
) -> Result<Page<ImportSummary>, Error> {
    ctx.authorize(RUN)?;
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    devices::device_find(&mut tx, device).await?;
    let rows = store::imports_of_device(&mut tx, device, page.after()?, limit + 1).await?;
    let page = Page::of(rows, limit, |row| row.id.clone())?;
    Ok(page.map(|row| ImportSummary {
        id: row.id,
        device_id: row.device_id,
        state: row.state,
        read_at: row.read_at,
        created_at: row.created_at,
        updated_at: row.updated_at,
    }))
}

/// One import, with what would be done.
///
/// # Errors
/// Not found, or without `import.run`.
pub async fn import_get(ctx: &Ctx, id: &ImportId) -> Result<Import, Error> {
    ctx.authorize(RUN)?;
    let mut tx = ctx.begin_read().await?;
    let record = store::import_find(&mut tx, id).await?;
    shown(&mut tx, record).await
}

pub(super) async fn shown(tx: &mut TenantTx, record: ImportRecord) -> Result<Import, Error> {
    let said = record.said()?;
    let rows = store::rows_all(tx, &record.id).await?;
    Ok(Import {
        totals: totals(&rows, &said)?,
        groups: groups(&rows, &said),
        plans: said.plans,
        id: record.id,
        device_id: record.device_id,
        state: record.state,
        read_at: record.read_at,
        site_id: record.site_id,
        version: record.version,
        created_at: record.created_at,
        updated_at: record.updated_at,
    })
}

pub(super) fn totals(rows: &[RowRecord], said: &Said) -> Result<ImportTotals, Error> {
    let mut totals = ImportTotals::default();
    for row in rows {
        totals.rows += 1;
        match row.bin {
            Bin::Exact => totals.exact += 1,
            Bin::Suggested => totals.suggested += 1,
            Bin::Leftover => totals.leftover += 1,
            Bin::Companion => totals.companion += 1,
        }
        match row.result {
            Some(RowResult::Made) => {
                totals.made += 1;
                continue;
            }
            Some(RowResult::Failed) => totals.failed += 1,
            None => {}
        }
        let (intent, cut) = row.intent(said)?;
        match intent {
            Intent::Attach => totals.attach += 1,
            Intent::AddService => totals.add_service += 1,
            Intent::MakeCustomer => totals.make_customer += 1,
            Intent::Open => totals.open += 1,
            Intent::Nothing => {}
        }
        totals.cut += i64::from(cut);
        if matches!(intent, Intent::AddService | Intent::MakeCustomer) {
            totals.without_plan += i64::from(said.plan(&row.found()?.profile).is_none());
        }
    }
    Ok(totals)
}

fn groups(rows: &[RowRecord], said: &Said) -> Vec<ImportGroup> {
    let mut counted: BTreeMap<&str, i64> = BTreeMap::new();
    for group in rows.iter().filter_map(|row| row.group_name.as_deref()) {
        *counted.entry(group).or_default() += 1;
    }
    let group = |(key, rows): (&str, i64)| {
        let (how, what, says) = parts(key)?;
        let meaning = said.meaning(key);
        Some(ImportGroup { key: key.to_owned(), how, what: what.to_owned(), said: says, meaning, rows })
    };
    counted.into_iter().filter_map(group).collect()
}

/// What the key of a group is made of.
fn parts(key: &str) -> Option<(How, &str, Option<Meaning>)> {
    let (how, rest) = key.split_once('/')?;
    let (what, said) = rest.rsplit_once('/')?;
    Some((how.parse().ok()?, what, said.parse().ok()))
}

/// Rows of an import, by their names.
///
/// # Errors
/// Not found, or without `import.run`.
pub async fn import_rows_list(
    ctx: &Ctx,
    id: &ImportId,
    wanted: &RowsWanted,
    page: &PageQuery,
) -> Result<Page<ImportRow>, Error> {
    ctx.authorize(RUN)?;
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    let said = store::import_find(&mut tx, id).await?.said()?;
    let rows = store::rows_list(&mut tx, id, wanted, page.after()?, limit + 1).await?;
    let page = Page::of(rows, limit, |row| row.row_name.clone())?;
    let items = page.items.into_iter().map(|row| row.shown(&said)).collect::<Result<Vec<_>, _>>()?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// Closes an import: what was made stays, what was left over is let go of.
///
/// # Errors
/// Not found, `import_busy`, `import_closed`, or without `import.run`.
pub async fn import_close(ctx: &Ctx, id: &ImportId) -> Result<(), Error> {
    ctx.authorize(RUN)?;
    write_tx!(ctx, tx => {
        let record = store::import_find(&mut tx, id).await?;
        demand_open(&record)?;
        turn(&mut tx, ctx, id, ImportState::Open, ImportState::Closed).await?;
        let entry = Entry::new(RUN.0, entity(id)).before(&json!({"state": record.state}))?;
        audit::record(ctx, &mut tx, entry.after(&json!({"state": ImportState::Closed}))?).await?;
        Ok(())
    })
}

pub(super) fn entity(id: &ImportId) -> EntityRef {
    EntityRef::new("import", id)
}

/// Demands that people may decide now.
pub(super) fn demand_open(record: &ImportRecord) -> Result<(), Error> {
    match record.state {
        ImportState::Open => Ok(()),
        ImportState::Closed => {
            Err(Error::conflict("import_closed", "this import is over: begin another one"))
        }
        ImportState::Preparing | ImportState::Running | ImportState::Undoing => {
            Err(Error::conflict("import_busy", "this import is being worked on: wait for it"))
        }
    }
}

/// Moves an import on that was read in the state given; the transaction runs again when somebody else was first.
pub(super) async fn turn(
    tx: &mut TenantTx,
    ctx: &Ctx,
    id: &ImportId,
    from: ImportState,
    to: ImportState,
) -> Result<(), Error> {
    if store::import_state_set(tx, id, from, to, ctx.now()).await? {
        Ok(())
    } else {
        Err(Error::Db(DbError::Conflict))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_taken_apart_whatever_the_profile_is_called() {
        assert_eq!(parts("disabled/plan/10M/cut"), Some((How::Disabled, "plan/10M", Some(Meaning::Cut))));
        assert_eq!(parts("listed/MOROSOS/nothing"), Some((How::Listed, "MOROSOS", None)));
        assert_eq!(parts("disabled//former"), Some((How::Disabled, "", Some(Meaning::Former))));
        assert_eq!(parts("odd"), None);
    }
}
