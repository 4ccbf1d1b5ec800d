//! What rules are given: rows of a listing as they were read, and services as they are.

use super::rules::{FoundRow, Known, RowKind, address_key};
use crate::{
    attachments,
    inventory::{ListingRow, RowTable, field},
};
use atalaya_kernel::{
    Error,
    db::TenantTx,
    ids::{CustomerId, DeviceId, ServiceId},
};
use atalaya_money::services::{self, Service, Status};
use atalaya_people::customers::{self, Customer};
use std::collections::{BTreeMap, BTreeSet};

/// Services and customers read at once.
const AT_ONCE: i64 = 2_000;

/// The tables that an import is made of.
pub(super) const TABLES: &[RowTable] =
    &[RowTable::Secrets, RowTable::Sessions, RowTable::Leases, RowTable::Queues, RowTable::ListEntries];

/// Rows of subscribers. What the device makes by itself and forgets is nobody's; a queue of more than an address is no subscriber's.
pub(super) fn found_rows(rows: &[ListingRow]) -> Vec<FoundRow> {
    let sessions = rows.iter().filter(|row| row.table == RowTable::Sessions);
    let seen: BTreeMap<&str, &str> =
        sessions.map(|row| (row.text(field::NAME), row.text(field::MAC))).collect();
    rows.iter().filter(|row| !row.flag(field::DYNAMIC)).filter_map(|row| found(row, &seen)).collect()
}

fn found(row: &ListingRow, seen: &BTreeMap<&str, &str>) -> Option<FoundRow> {
    let kind = match row.table {
        RowTable::Secrets => RowKind::Secret,
        RowTable::Leases => RowKind::Lease,
        RowTable::Queues => RowKind::Queue,
        RowTable::ListEntries => RowKind::ListEntry,
        RowTable::Sessions | RowTable::Profiles | RowTable::Pools | RowTable::Servers => return None,
    };
    let address = address_key(row.text(field::ADDRESS));
    if kind != RowKind::Secret && address.is_none() {
        return None;
    }
    let user = match kind {
        RowKind::Secret | RowKind::Queue => row.text(field::NAME),
        RowKind::Lease | RowKind::ListEntry => "",
    };
    let of_session = || seen.get(user).copied().filter(|_| kind == RowKind::Secret);
    let macs = [Some(row.text(field::MAC)), of_session(), Some(row.text(field::LAST_MAC))];
    let mac = macs.into_iter().flatten().find(|mac| !mac.is_empty()).unwrap_or_default();
    Some(FoundRow {
        key: format!("{}/{}", row.table, row.key),
        kind,
        user: user.to_owned(),
        comment: row.text(field::COMMENT).to_owned(),
        address: address.unwrap_or_default(),
        mac: mac.to_owned(),
        profile: row.text(field::PROFILE).to_owned(),
        list: row.text(field::LIST).to_owned(),
        disabled: row.flag(field::DISABLED),
    })
}

/// Services that have not ended, and customers without one, that the scope lets see.
pub(super) async fn known(tx: &mut TenantTx, device: &DeviceId) -> Result<Vec<Known>, Error> {
    let services = standing(tx).await?;
    let customers = everybody(tx).await?;
    let ids: Vec<ServiceId> = services.iter().map(|service| service.id.clone()).collect();
    let mut attachments = attachments::attachments_of_services(tx, &ids).await?;
    let served: BTreeSet<&CustomerId> = services.iter().map(|service| &service.customer_id).collect();
    let mut known = Vec::with_capacity(customers.len().max(services.len()));
    for service in &services {
        let Some(customer) = customers.get(&service.customer_id) else { continue };
        let mut one = bare(customer, Some(service.id.clone()));
        for attachment in attachments.remove(&service.id).unwrap_or_default() {
            if attachment.removed {
                continue;
            }
            let here = attachment.points.iter().any(|point| point.device_id == *device);
            if here {
                one.users_here.extend(attachment.user.clone());
                // The fixed address of a PPPoE user is theirs by their user.
                let fixed = attachment.address.clone().filter(|_| attachment.user.is_none());
                one.addresses_here.extend(fixed);
            }
            one.users.extend(attachment.user);
            one.addresses.extend(attachment.address);
            for point in attachment.points {
                if let Some(session) = point.observed.map(|observed| observed.session).filter(|it| it.present)
                {
                    one.addresses.push(session.address);
                    one.macs.push(session.caller_id);
                }
                if point.device_id == *device {
                    one.points.push(point.id);
                }
            }
        }
        known.push(one);
    }
    known.extend(
        customers.values().filter(|customer| !served.contains(&customer.id)).map(|it| bare(it, None)),
    );
    Ok(known)
}

fn bare(customer: &Customer, service_id: Option<ServiceId>) -> Known {
    Known {
        customer_id: customer.id.clone(),
        service_id,
        name: customer.name.clone(),
        document: customer.document.clone(),
        phone: customer.phone.clone(),
        users: Vec::new(),
        addresses: Vec::new(),
        macs: Vec::new(),
        points: Vec::new(),
        users_here: Vec::new(),
        addresses_here: Vec::new(),
    }
}

async fn standing(tx: &mut TenantTx) -> Result<Vec<Service>, Error> {
    let mut all: Vec<Service> = Vec::new();
    let mut after: Option<ServiceId> = None;
    loop {
        let chunk = services::services_by_status(tx, None, after.as_ref(), AT_ONCE).await?;
        let Some(last) = chunk.last() else { return Ok(all) };
        after = Some(last.id.clone());
        all.extend(chunk.into_iter().filter(|service| service.status != Status::Terminated));
    }
}

async fn everybody(tx: &mut TenantTx) -> Result<BTreeMap<CustomerId, Customer>, Error> {
    let mut all = BTreeMap::new();
    let mut after: Option<CustomerId> = None;
    loop {
        let chunk = customers::customers_behind(tx, after.as_ref(), AT_ONCE).await?;
        let Some(last) = chunk.last() else { return Ok(all) };
        after = Some(last.id.clone());
        let there = chunk.into_iter().filter(|customer| customer.erased_at.is_none());
        all.extend(there.map(|customer| (customer.id.clone(), customer)));
    }
}
