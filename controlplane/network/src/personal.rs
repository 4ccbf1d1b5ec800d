//! What this domain holds of persons, and what of it they are shown.

use atalaya_kernel::personal::{
    Held, PersonKind,
    Shown::{Flag, Number, Text, Time},
};

const TECHNICAL: &str = "says how it is kept, and nothing about the person";

/// Tables with rows about persons.
pub const HELD: &[Held] = &[
    Held {
        table: "network_attachment",
        of: PersonKind::Customer,
        by: "customer_id",
        document: "attachments",
        key: Some("id"),
        shown: &[
            ("id", Text),
            ("service_id", Text),
            ("kind", Text),
            ("access_user", Text),
            ("address", Text),
            ("profile", Text),
            ("adopt", Flag),
            ("created_at", Time),
            ("updated_at", Time),
            ("removed_at", Time),
        ],
        left_out: &[
            ("customer_id", "it is the person's own"),
            ("sealed_password", "opens the way into the network"),
            ("version", TECHNICAL),
        ],
        things: &[("id", "att_")],
    },
    Held {
        table: "network_point",
        of: PersonKind::Customer,
        by: "service_id",
        document: "network_points",
        key: Some("id"),
        shown: &[
            ("id", Text),
            ("service_id", Text),
            ("attachment_id", Text),
            ("device_id", Text),
            ("access_key", Text),
            ("status", Text),
            ("reason", Text),
            ("download_bps", Number),
            ("upload_bps", Number),
            ("created_at", Time),
            ("changed_at", Time),
        ],
        left_out: &[
            ("access_digest", "a hash with the password in it"),
            ("before_image", "the row of the device, which may hold its password"),
            ("*", TECHNICAL),
        ],
        things: &[("id", "enp_")],
    },
    Held {
        table: "network_observed",
        of: PersonKind::Customer,
        by: "point_id",
        document: "connections",
        key: Some("point_id"),
        shown: &[
            ("point_id", Text),
            ("status", Text),
            ("read_at", Time),
            ("session_present", Flag),
            ("session_since", Time),
            ("session_seen_at", Time),
            ("session_address", Text),
            ("session_caller_id", Text),
            ("cut_at", Time),
            ("unblocked_at", Time),
        ],
        left_out: &[("*", TECHNICAL)],
        things: &[],
    },
];
