//! What becomes of this domain's rows about a person whose data is taken out.

use atalaya_kernel::personal::{
    Empty, Erased,
    Erasure::{self, ByCode, Emptied, Kept, Removed},
    PersonKind,
};

/// Rows of a user by `user_id`.
const fn of_user(table: &'static str, how: Erasure) -> Erased {
    Erased { table, of: PersonKind::User, by: "user_id", how, things: &[] }
}

/// Requests for a second person's yes, without the name of one of the two; their rows in the trail hold it too.
const fn approvals(by: &'static str, columns: &'static [(&'static str, Empty)]) -> Erased {
    Erased {
        table: "people_approval",
        of: PersonKind::User,
        by,
        how: Emptied(columns),
        things: &[("id", "apr_")],
    }
}

/// What becomes of rows about persons.
pub const ERASED: &[Erased] = &[
    Erased {
        table: "people_customer",
        of: PersonKind::Customer,
        by: "id",
        how: ByCode("customers::customer_erase"),
        things: &[],
    },
    Erased {
        table: "people_customer_site",
        of: PersonKind::Customer,
        by: "customer_id",
        how: Kept("says who sees the invoices that stay"),
        things: &[],
    },
    Erased { by: "id", ..of_user("people_user", ByCode("identity::user_erase")) },
    of_user("people_user_role", Removed),
    of_user("people_session", Removed),
    of_user("people_browser", Removed),
    of_user("people_totp", Removed),
    of_user("people_recovery_code", Removed),
    of_user("people_passkey", Removed),
    of_user("people_passkey_challenge", Removed),
    of_user("people_link", Removed),
    of_user("people_notice", Removed),
    of_user("people_push_subscription", Removed),
    of_user("people_notice_preference", Removed),
    of_user("people_identity", Removed),
    Erased { things: &[("id", "tkf_")], ..of_user("people_token_family", Removed) },
    Erased { by: "family_id", ..of_user("people_refresh_token", Removed) },
    Erased { by: "made_by", ..of_user("people_api_key", Kept("the key is the ISP's; its maker is an id")) },
    approvals("requested_by", &[("requested_by_name", Empty::Text(""))]),
    approvals("decided_by", &[("decided_by_name", Empty::Text(""))]),
    Erased { by: "subject", ..of_user("people_guess", Kept("by a hash, and forgotten after a day")) },
    Erased { by: "subject", ..of_user("people_request_window", Kept("counts the requests of a minute")) },
];
