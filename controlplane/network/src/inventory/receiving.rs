//! Parts as they come.

use super::{
    ListingEnd, ListingRow, ListingState, PartTaken, field,
    store::{self, ListingRecord, StoredRow},
};
use crate::{
    attachments::access_key,
    imports::rules::address_key,
    provisioning::{self, AttachmentKind},
};
use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    ids::{AgentId, DeviceId, ListingId, PointId},
    text::normalise,
    write_tx,
};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Rows of a part at most.
pub const MOST_ROWS_OF_PART: usize = 2_000;
/// Fields of a row at most.
pub const MOST_FIELDS: usize = 40;
/// Letters of a field, and of a key, at most; what is longer is cut.
pub const LONGEST_FIELD: usize = 1_000;
/// Parts of a listing at most.
const MOST_PARTS: i64 = 10_000;
/// Rows written in one transaction: others get their turn at the writer between two.
const AT_ONCE: usize = 400;

/// Keeps a part. One that comes again changes nothing; one that says something else under the number of another is refused.
///
/// # Errors
/// A listing of another agent, `part_differs`, more rows or fields than are taken, a field that opens something, or the database's.
pub async fn listing_part_record(
    ctx: &Ctx,
    agent: &AgentId,
    id: &ListingId,
    part: i64,
    rows: &[ListingRow],
) -> Result<PartTaken, Error> {
    if !(1..=MOST_PARTS).contains(&part) || rows.len() > MOST_ROWS_OF_PART {
        return Err(Error::invalid("/part", "out_of_range", "a part has a number, and not too many rows"));
    }
    let rows = checked(rows)?;
    let digest = digest(&rows)?;
    let mut chunks: Vec<&[ListingRow]> = rows.chunks(AT_ONCE).collect();
    // A part without rows counts too.
    let last = chunks.pop().unwrap_or_default();
    for chunk in chunks {
        let taken = write_tx!(ctx, tx => {
            match listing_open(&mut tx, agent, id, part, &digest).await? {
                Ok(listing) => rows_keep(&mut tx, &listing, part, chunk).await.map(|()| None),
                Err(taken) => Ok(Some(taken)),
            }
        })?;
        if let Some(taken) = taken {
            return Ok(taken);
        }
    }
    write_tx!(ctx, tx => {
        let listing = match listing_open(&mut tx, agent, id, part, &digest).await? {
            Ok(listing) => listing,
            Err(taken) => return Ok(taken),
        };
        rows_keep(&mut tx, &listing, part, last).await?;
        store::part_insert(&mut tx, id, part, &digest).await?;
        let listing = store::part_count_add(&mut tx, id, ctx.now()).await?;
        finish_if_all(ctx, &mut tx, &listing).await?;
        Ok(PartTaken::Kept)
    })
}

/// Takes the end in, which may come before the last parts do.
///
/// # Errors
/// A listing of another agent, a number of parts that cannot be, or the database's.
pub async fn listing_end_record(
    ctx: &Ctx,
    agent: &AgentId,
    id: &ListingId,
    end: &ListingEnd,
) -> Result<ListingState, Error> {
    if !(0..=MOST_PARTS).contains(&end.parts) {
        return Err(Error::invalid("/parts", "out_of_range", format!("0 to {MOST_PARTS} parts")));
    }
    let detail = said(&end.detail);
    write_tx!(ctx, tx => {
        let listing = store::listing_of_agent(&mut tx, agent, id).await?;
        if listing.state != ListingState::Receiving {
            return Ok(listing.state);
        }
        if !end.complete || end.parts < listing.part_count {
            store::listing_fail(&mut tx, id, &detail, ctx.now()).await?;
            return Ok(ListingState::Failed);
        }
        let listing = store::listing_expect(&mut tx, id, end.parts, end.read_at, ctx.now()).await?;
        finish_if_all(ctx, &mut tx, &listing).await
    })
}

/// The listing that a part is for, or what became of the part.
async fn listing_open(
    tx: &mut TenantTx,
    agent: &AgentId,
    id: &ListingId,
    part: i64,
    digest: &str,
) -> Result<Result<ListingRecord, PartTaken>, Error> {
    let listing = store::listing_of_agent(tx, agent, id).await?;
    match store::part_digest(tx, id, part).await? {
        Some(kept) if kept == digest => return Ok(Err(PartTaken::Repeated)),
        Some(_) => {
            return Err(Error::conflict("part_differs", "this part came before and said something else"));
        }
        None => {}
    }
    if listing.state != ListingState::Receiving || listing.parts_expected.is_some_and(|parts| part > parts) {
        return Ok(Err(PartTaken::NotWanted));
    }
    Ok(Ok(listing))
}

async fn finish_if_all(ctx: &Ctx, tx: &mut TenantTx, listing: &ListingRecord) -> Result<ListingState, Error> {
    if listing.parts_expected != Some(listing.part_count) {
        return Ok(ListingState::Receiving);
    }
    store::listing_complete(tx, &listing.id, ctx.now()).await?;
    store::listings_outdate(tx, &listing.device_id).await?;
    Ok(ListingState::Complete)
}

async fn rows_keep(
    tx: &mut TenantTx,
    listing: &ListingRecord,
    part: i64,
    rows: &[ListingRow],
) -> Result<(), Error> {
    let points = points(tx, &listing.device_id, rows).await?;
    // What stands twice in a part is written once: the later row is the newer one.
    let mut by_key: BTreeMap<(&str, &str), StoredRow> = BTreeMap::new();
    for row in rows {
        let searched = [
            row.key.as_str(),
            row.text(field::NAME),
            row.text(field::ADDRESS),
            row.text(field::MAC),
            row.text(field::LAST_MAC),
        ];
        let stored = StoredRow {
            row_table: row.table,
            row_name: row.key.clone(),
            fields: serde_json::to_string(&row.fields).map_err(Error::internal)?,
            search_text: normalise(&searched.join(" ")),
            comment_text: normalise(row.text(field::COMMENT)),
            point_id: taken(row).and_then(|key| points.get(&key).cloned()),
        };
        by_key.insert((row.table.as_str(), row.key.as_str()), stored);
    }
    let rows: Vec<StoredRow> = by_key.into_values().collect();
    Ok(store::rows_put(tx, &listing.id, part, &rows).await?)
}

/// Our points on the device that these rows belong to, by what they take there.
async fn points(
    tx: &mut TenantTx,
    device: &DeviceId,
    rows: &[ListingRow],
) -> Result<BTreeMap<String, PointId>, Error> {
    let keys: Vec<String> = rows.iter().filter_map(taken).collect();
    Ok(provisioning::points_by_access(tx, device, &keys).await?)
}

/// What a point that has this row takes on its device.
fn taken(row: &ListingRow) -> Option<String> {
    use super::RowTable as T;
    match row.table {
        T::Secrets | T::Sessions => {
            Some(access_key(AttachmentKind::Pppoe, Some(row.text(field::NAME)), None))
        }
        T::Leases | T::Queues | T::ListEntries => {
            let address = address_key(row.text(field::ADDRESS))?;
            Some(access_key(AttachmentKind::Static, None, Some(&address)))
        }
        T::Profiles | T::Pools | T::Servers => None,
    }
}

/// Rows as they are kept: bounded, without control characters, and without anything that opens something.
fn checked(rows: &[ListingRow]) -> Result<Vec<ListingRow>, Error> {
    let mut kept = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let pointer = format!("/rows/{at}");
        let key = said(&row.key);
        if key.is_empty() || row.fields.len() > MOST_FIELDS {
            return Err(Error::invalid(
                pointer,
                "out_of_range",
                format!("a key, and at most {MOST_FIELDS} fields"),
            ));
        }
        let opens = |name: &str| name.split(['_', '-']).any(|word| field::SECRET.contains(&word));
        if let Some(name) = row.fields.keys().find(|name| opens(name)) {
            return Err(Error::invalid(pointer, "unexpected", format!("the field {name} is kept nowhere")));
        }
        let fields = row.fields.iter().map(|(name, text)| (said(name), said(text))).collect();
        kept.push(ListingRow { table: row.table, key, fields });
    }
    Ok(kept)
}

/// What a device said, as it is kept.
fn said(text: &str) -> String {
    text.chars().filter(|letter| !letter.is_control()).take(LONGEST_FIELD).collect()
}

fn digest(rows: &[ListingRow]) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    hasher.update(serde_json::to_vec(rows).map_err(Error::internal)?);
    Ok(hex::encode(hasher.finalize()))
}
