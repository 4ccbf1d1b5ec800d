//! What a device is found by.

use super::{
    READ,
    store::{self, DeviceRow},
};
use atalaya_kernel::{
    Error,
    db::TenantTx,
    search::{Entry, Field, Kind, Source, Text},
};
use std::collections::BTreeSet;

/// Devices, by name and address.
pub const FOUND: Kind = Kind { name: "device", permission: READ, guarded: &[] };

/// What a search finds a device by.
pub(super) fn entry(device: &DeviceRow) -> Entry {
    Entry {
        kind: FOUND.name,
        subject: device.id.to_string(),
        seen_with: device.id.to_string(),
        customer: None,
        sites: BTreeSet::from([device.site_id.clone()]),
        fields: vec![
            Field::new("name", Text::Words, &device.name),
            Field::new("address", Text::Verbatim, &device.host),
        ],
    }
}

/// All devices, for an index that is made anew.
#[derive(Debug, Clone, Copy)]
pub struct Devices;

#[async_trait::async_trait]
impl Source for Devices {
    fn kind(&self) -> &'static str {
        FOUND.name
    }

    async fn entries(&self, tx: &mut TenantTx, after: &str, limit: usize) -> Result<Vec<Entry>, Error> {
        let limit = i64::try_from(limit).map_err(Error::internal)?;
        Ok(store::devices_after(tx, after, limit).await?.iter().map(entry).collect())
    }
}
