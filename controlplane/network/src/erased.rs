//! What becomes of this domain's rows about a person whose data is taken out. By then the customer stands on no device any more.

use atalaya_kernel::personal::{
    Empty, Erased,
    Erasure::{Emptied, Removed},
    PersonKind,
};

/// What becomes of rows about persons.
pub const ERASED: &[Erased] = &[
    Erased {
        table: "network_attachment",
        of: PersonKind::Customer,
        by: "customer_id",
        how: Emptied(&[
            ("access_user", Empty::Null),
            ("address", Empty::Null),
            ("sealed_password", Empty::Null),
        ]),
        things: &[("id", "att_")],
    },
    Erased {
        table: "network_point",
        of: PersonKind::Customer,
        by: "service_id",
        how: Emptied(&[
            ("access_key", Empty::Null),
            ("access_digest", Empty::Text("")),
            ("before_image", Empty::Text("[]")),
            ("reason", Empty::Text("")),
        ]),
        things: &[("id", "enp_")],
    },
    Erased { table: "network_observed", of: PersonKind::Customer, by: "point_id", how: Removed, things: &[] },
    // Rows of people whom nobody here knew go with their listing, after a week.
    Erased {
        table: "network_listing_row",
        of: PersonKind::Customer,
        by: "point_id",
        how: Removed,
        things: &[],
    },
    Erased {
        table: "network_import_row",
        of: PersonKind::Customer,
        by: "customer_id",
        how: Removed,
        things: &[],
    },
    Erased {
        table: "network_comparison_finding",
        of: PersonKind::Customer,
        by: "customer_id",
        how: Removed,
        things: &[],
    },
];
