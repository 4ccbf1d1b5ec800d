//! Where this domain keeps sealed values.

use crate::{factors, messaging, openid, platform::operators, push, tokens};
use atalaya_kernel::secrets::{
    Owner,
    reseal::{Part, SealedColumn},
};

/// The columns.
pub const SEALED: &[SealedColumn] = &[
    SealedColumn {
        table: "people_totp",
        column: "sealed_secret",
        owner: Owner::Tenant,
        of_tenants: true,
        key: &[Part::Text("user_id")],
        context: |place| factors::secret_context(place.first),
    },
    SealedColumn {
        table: "people_identity_provider",
        column: "sealed_secret",
        owner: Owner::Tenant,
        of_tenants: true,
        key: &[Part::Text("id")],
        context: |place| openid::secret_context(place.first),
    },
    SealedColumn {
        table: "people_notice",
        column: "sealed_values",
        owner: Owner::Tenant,
        of_tenants: true,
        key: &[Part::Text("id")],
        context: |place| messaging::values_context(place.first),
    },
    SealedColumn {
        table: "people_push_subscription",
        column: "sealed_receiver",
        owner: Owner::Tenant,
        of_tenants: true,
        key: &[Part::Text("id")],
        context: |place| push::receiver_context(place.first),
    },
    SealedColumn {
        table: "people_push_key",
        column: "sealed_key",
        owner: Owner::Platform,
        of_tenants: false,
        key: &[Part::Text("id")],
        context: |place| push::key_context(place.first),
    },
    SealedColumn {
        table: "people_operator",
        column: "totp_sealed",
        owner: Owner::Platform,
        of_tenants: false,
        key: &[Part::Text("id")],
        context: |place| operators::secret_context(place.first),
    },
    SealedColumn {
        table: "people_token_key",
        column: "sealed_key",
        owner: Owner::Platform,
        of_tenants: false,
        key: &[Part::Text("id")],
        context: |place| tokens::secret_context(place.first),
    },
];
