//! Where this domain keeps sealed values.

use crate::{agents::authority, attachments, devices, jobs};
use atalaya_kernel::secrets::{
    Owner,
    reseal::{Part, Place, SealedColumn},
};

const fn of_tenants(
    table: &'static str,
    column: &'static str,
    key: &'static [Part],
    context: fn(&Place<'_>) -> String,
) -> SealedColumn {
    SealedColumn { table, column, owner: Owner::Tenant, of_tenants: true, key, context }
}

const ID: &[Part] = &[Part::Text("id")];

/// The columns.
pub const SEALED: &[SealedColumn] = &[
    SealedColumn {
        table: "network_root",
        column: "sealed_key",
        owner: Owner::Platform,
        of_tenants: false,
        key: ID,
        context: |_| authority::ROOT_CONTEXT.to_owned(),
    },
    of_tenants("network_authority", "sealed_key", &[Part::Number("number")], |place| {
        authority::authority_context(place.tenant)
    }),
    of_tenants("network_device", "sealed_credentials", ID, |place| devices::credentials_context(place.first)),
    of_tenants("network_agent_job", "sealed_order", ID, |place| jobs::order_context(place.first)),
    of_tenants("network_attachment", "sealed_password", ID, |place| {
        attachments::password_context(place.first)
    }),
];
