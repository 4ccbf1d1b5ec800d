use super::{
    DeviceRow, Listing, ListingRow, ListingState, RowTable,
    store::{self, ListingRecord, RowFilter},
};
use crate::devices;
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, Entry},
    db::TenantTx,
    events::EntityRef,
    ids::{DeviceId, ListingId},
    page::{Page, PageQuery},
};
use atalaya_people::customers::SEE_CONTACT;
use serde_json::json;

/// A listing that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Begun {
    /// Which.
    pub id: ListingId,
    /// Whether it begins now; else it is one that is under way, and no agent has to be asked again.
    pub starts: bool,
}

/// Begins a listing of a device, in the transaction that orders it from the agent. One that is under way is not begun again.
///
/// # Errors
/// Not found, or without `device.read`.
pub async fn listing_begin(
    ctx: &Ctx,
    tx: &mut TenantTx,
    device: &DeviceId,
    tables: &[RowTable],
) -> Result<Begun, Error> {
    ctx.authorize(devices::READ)?;
    devices::device_find(tx, device).await?;
    if let Some(id) = store::listing_under_way(tx, device).await? {
        return Ok(Begun { id, starts: false });
    }
    let id = ListingId::new(ctx.now());
    let names = serde_json::to_string(tables).map_err(Error::internal)?;
    store::listing_insert(tx, &id, device, &names, ctx.now()).await?;
    let entry = Entry::new("device.list", EntityRef::new("device", device));
    audit::record(ctx, tx, entry.after(&json!({"listing": id, "tables": tables}))?).await?;
    Ok(Begun { id, starts: true })
}

/// Listings of a device, newest first; those that are being forgotten are left out.
///
/// # Errors
/// Not found, or without `device.read`.
pub async fn listings_list(ctx: &Ctx, device: &DeviceId, page: &PageQuery) -> Result<Page<Listing>, Error> {
    ctx.authorize(devices::READ)?;
    let limit = page.limit()?;
    let mut tx = ctx.begin_read().await?;
    devices::device_find(&mut tx, device).await?;
    let rows = store::listings_of_device(&mut tx, device, page.after()?, limit + 1).await?;
    let page = Page::of(rows, limit, |row| row.id.clone())?;
    let items = page.items.into_iter().map(ListingRecord::shown).collect::<Result<Vec<_>, _>>()?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// Rows of a device's newest complete listing, by table and name; none where there is no listing. A text is looked for in names,
/// addresses and equipment, and in comments by whoever may see them.
///
/// # Errors
/// Not found, or without `device.read`.
pub async fn device_rows_list(
    ctx: &Ctx,
    device: &DeviceId,
    table: Option<RowTable>,
    text: Option<&str>,
    page: &PageQuery,
) -> Result<Page<DeviceRow>, Error> {
    ctx.authorize(devices::READ)?;
    let limit = page.limit()?;
    let after: Option<(RowTable, String)> = page.after()?;
    let mut tx = ctx.begin_read().await?;
    devices::device_find(&mut tx, device).await?;
    let Some(listing) = store::listing_newest(&mut tx, device).await? else {
        return Ok(Page { items: Vec::new(), next_cursor: None });
    };
    let filter = RowFilter { table, text, comments: ctx.permissions().allow(SEE_CONTACT) };
    let rows = store::rows_list(&mut tx, &listing.id, &filter, after, limit + 1).await?;
    let page = Page::of(rows, limit, |row| (row.row_table, row.row_name.clone()))?;
    let shown = |row: store::StoredRow| Ok::<_, Error>(row.shown()?.masked_for(ctx.permissions()));
    let items = page.items.into_iter().map(shown).collect::<Result<Vec<_>, _>>()?;
    Ok(Page { items, next_cursor: page.next_cursor })
}

/// The newest complete listing of a device that the scope lets see.
///
/// # Errors
/// The database's.
pub async fn listing_newest(tx: &mut TenantTx, device: &DeviceId) -> Result<Option<Listing>, Error> {
    store::listing_newest(tx, device).await?.map(ListingRecord::shown).transpose()
}

/// A complete listing that the scope lets see.
///
/// # Errors
/// Not found.
pub async fn listing_rows(tx: &mut TenantTx, id: &ListingId) -> Result<(Listing, Vec<ListingRow>), Error> {
    let listing = store::listing_get(tx, id).await?;
    if listing.state != ListingState::Complete {
        return Err(Error::NotFound);
    }
    let rows = rows_of_listing(tx, id, RowTable::ALL).await?;
    Ok((listing.shown()?, rows))
}

/// Rows of some tables of a listing that the caller has found, by table and name.
///
/// # Errors
/// The database's.
pub async fn rows_of_listing(
    tx: &mut TenantTx,
    id: &ListingId,
    tables: &[RowTable],
) -> Result<Vec<ListingRow>, Error> {
    let rows = store::rows_of_tables(tx, id, tables).await?;
    rows.into_iter()
        .map(|row| {
            let shown = row.shown()?;
            Ok(ListingRow { table: shown.table, key: shown.key, fields: shown.fields })
        })
        .collect()
}
