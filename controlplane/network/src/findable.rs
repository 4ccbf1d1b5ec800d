//! What a service is found by: its ways to the network, which are this domain's.

use crate::attachments::{self, Attachment};
use atalaya_kernel::{
    Error,
    db::TenantTx,
    ids::ServiceId,
    search::{self, Entry, Field, Kind, Source, Text},
    time::Timestamp,
};
use atalaya_money::services::{self, Service};
use std::collections::{BTreeMap, BTreeSet};

/// Services, by user, fixed address, and the address and MAC address of the session that was last seen.
pub const FOUND: Kind = Kind { name: "service", permission: services::READ, guarded: &[] };

fn entry(service: &Service, attachments: &[Attachment]) -> Entry {
    let mut fields = Vec::new();
    let mut add = |name, how, text: &str| {
        let field = Field::new(name, how, text);
        if !(text.is_empty() || fields.contains(&field)) {
            fields.push(field);
        }
    };
    for attachment in attachments.iter().filter(|attachment| !attachment.removed) {
        add("user", Text::Verbatim, attachment.user.as_deref().unwrap_or_default());
        add("address", Text::Verbatim, attachment.address.as_deref().unwrap_or_default());
        let sessions = attachment.points.iter().filter_map(|point| Some(&point.observed.as_ref()?.session));
        for session in sessions.filter(|session| session.present) {
            add("address", Text::Verbatim, &session.address);
            add("mac", Text::Number, &session.caller_id);
        }
    }
    Entry {
        kind: FOUND.name,
        subject: service.id.to_string(),
        seen_with: service.id.to_string(),
        customer: Some(service.customer_id.clone()),
        sites: BTreeSet::from([service.site_id.clone()]),
        fields,
    }
}

/// Makes a service findable by what it is attached by now.
///
/// # Errors
/// The database's.
pub(crate) async fn service_found_by(tx: &mut TenantTx, id: &ServiceId, now: Timestamp) -> Result<(), Error> {
    for service in services::services_by_ids(tx, std::slice::from_ref(id)).await? {
        let attachments = attachments::attachments_of_services(tx, std::slice::from_ref(id)).await?;
        let attachments = attachments.get(id).map(Vec::as_slice).unwrap_or_default();
        search::put(tx, &entry(&service, attachments), now).await?;
    }
    Ok(())
}

/// All services, for an index that is made anew.
#[derive(Debug, Clone, Copy)]
pub struct Services;

#[async_trait::async_trait]
impl Source for Services {
    fn kind(&self) -> &'static str {
        FOUND.name
    }

    async fn entries(&self, tx: &mut TenantTx, after: &str, limit: usize) -> Result<Vec<Entry>, Error> {
        let after: Option<ServiceId> = match after {
            "" => None,
            id => Some(id.parse().map_err(Error::internal)?),
        };
        let limit = i64::try_from(limit).map_err(Error::internal)?;
        let services = services::services_by_status(tx, None, after.as_ref(), limit).await?;
        let ids: Vec<_> = services.iter().map(|service| service.id.clone()).collect();
        let mut attachments: BTreeMap<_, _> = attachments::attachments_of_services(tx, &ids).await?;
        let entries = services
            .iter()
            .map(|service| entry(service, &attachments.remove(&service.id).unwrap_or_default()));
        Ok(entries.collect())
    }
}
