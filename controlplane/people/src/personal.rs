//! What this domain holds of persons, and what of it they are shown.

use atalaya_kernel::personal::{
    Held, PersonKind,
    Shown::{Flag, Number, Text, Time},
};

const TECHNICAL: &str = "says how it is kept, and nothing about the person";
const SECRET: &str = "opens a log-in";
const OWN: &str = "it is the person's own";
const OTHERS: &str = "another person";

/// Rows of a user by `user_id`.
const OF_USER: Held = Held {
    table: "",
    of: PersonKind::User,
    by: "user_id",
    document: "",
    key: None,
    shown: &[],
    left_out: &[],
    things: &[],
};

/// Tables with rows about persons.
pub const HELD: &[Held] = &[
    Held {
        table: "people_customer",
        of: PersonKind::Customer,
        by: "id",
        document: "customer",
        key: None,
        shown: &[
            ("id", Text),
            ("name", Text),
            ("document", Text),
            ("phone", Text),
            ("email", Text),
            ("address", Text),
            ("notes", Text),
            ("site_id", Text),
            ("created_at", Time),
            ("updated_at", Time),
        ],
        left_out: &[
            ("name_key", "the name, as it is put in order"),
            ("search_text", "the other columns, as they are searched"),
            ("erased_at", TECHNICAL),
            ("version", TECHNICAL),
        ],
        things: &[],
    },
    Held {
        table: "people_customer_site",
        of: PersonKind::Customer,
        by: "customer_id",
        document: "sites",
        key: Some("site_id"),
        shown: &[("site_id", Text)],
        left_out: &[("customer_id", OWN)],
        things: &[],
    },
    Held {
        table: "people_user",
        by: "id",
        document: "user",
        shown: &[
            ("id", Text),
            ("name", Text),
            ("email", Text),
            ("role", Text),
            ("scope", Text),
            ("disabled", Flag),
            ("created_at", Time),
            ("updated_at", Time),
        ],
        left_out: &[("password_hash", SECRET), ("erased_at", TECHNICAL), ("version", TECHNICAL)],
        ..OF_USER
    },
    Held {
        table: "people_user_role",
        document: "roles",
        shown: &[("role", Text), ("position", Number)],
        left_out: &[("user_id", OWN)],
        ..OF_USER
    },
    Held {
        table: "people_session",
        document: "sessions",
        shown: &[
            ("id", Text),
            ("created_at", Time),
            ("last_seen_at", Time),
            ("expires_at", Time),
            ("proved_at", Time),
            ("address", Text),
            ("user_agent", Text),
        ],
        left_out: &[("user_id", OWN), ("token_hash", SECRET), ("csrf_token", SECRET)],
        things: &[("id", "ses_")],
        ..OF_USER
    },
    Held {
        table: "people_browser",
        document: "browsers",
        shown: &[("created_at", Time), ("last_seen_at", Time)],
        left_out: &[("user_id", OWN), ("token_hash", SECRET)],
        ..OF_USER
    },
    Held {
        table: "people_totp",
        document: "authenticator",
        shown: &[("created_at", Time), ("confirmed_at", Time)],
        left_out: &[("user_id", OWN), ("sealed_secret", SECRET), ("last_step", SECRET)],
        ..OF_USER
    },
    Held {
        table: "people_recovery_code",
        document: "recovery_codes",
        shown: &[("used_at", Time)],
        left_out: &[("user_id", OWN), ("code_hash", SECRET)],
        ..OF_USER
    },
    Held {
        table: "people_passkey",
        document: "passkeys",
        shown: &[("id", Text), ("name", Text), ("host", Text), ("created_at", Time), ("last_used_at", Time)],
        left_out: &[
            ("user_id", OWN),
            ("credential_id", SECRET),
            ("public_key", SECRET),
            ("counter", TECHNICAL),
        ],
        things: &[("id", "psk_")],
        ..OF_USER
    },
    Held {
        table: "people_passkey_challenge",
        left_out: &[("*", "a question of a few minutes, known by its hash")],
        ..OF_USER
    },
    Held {
        table: "people_link",
        document: "links",
        shown: &[("id", Text), ("kind", Text), ("created_at", Time), ("expires_at", Time), ("used_at", Time)],
        left_out: &[("user_id", OWN), ("token_hash", SECRET)],
        things: &[("id", "lnk_")],
        ..OF_USER
    },
    Held {
        table: "people_notice",
        document: "notices",
        key: Some("id"),
        shown: &[
            ("id", Text),
            ("kind", Text),
            ("template", Text),
            ("channel", Text),
            ("address", Text),
            ("state", Text),
            ("reason", Text),
            ("detail", Text),
            ("subscription_id", Text),
            ("send_at", Time),
            ("sent_at", Time),
            ("created_at", Time),
        ],
        left_out: &[
            ("user_id", OWN),
            ("sealed_values", SECRET),
            ("dedupe_key", TECHNICAL),
            ("attempts", TECHNICAL),
            ("expires_at", TECHNICAL),
            ("updated_at", TECHNICAL),
        ],
        things: &[("id", "ntc_")],
        ..OF_USER
    },
    Held {
        table: "people_push_subscription",
        document: "pushed_browsers",
        shown: &[("id", Text), ("name", Text), ("created_at", Time), ("last_used_at", Time)],
        left_out: &[
            ("user_id", OWN),
            ("endpoint_hash", "the address, as it is looked for"),
            ("sealed_receiver", "whoever has it shows in that browser what they like"),
        ],
        things: &[("id", "psb_")],
        ..OF_USER
    },
    Held {
        table: "people_notice_preference",
        document: "notice_preferences",
        shown: &[("locale", Text), ("refused", Text), ("created_at", Time), ("updated_at", Time)],
        left_out: &[("user_id", OWN), ("version", TECHNICAL)],
        ..OF_USER
    },
    Held {
        table: "people_identity",
        document: "identities",
        shown: &[
            ("id", Text),
            ("provider_id", Text),
            ("email", Text),
            ("subject", Text),
            ("allowed_until", Time),
            ("linked_at", Time),
            ("last_used_at", Time),
            ("created_at", Time),
        ],
        left_out: &[("user_id", OWN)],
        things: &[("id", "idn_")],
        ..OF_USER
    },
    Held {
        table: "people_token_family",
        document: "programs",
        shown: &[
            ("id", Text),
            ("name", Text),
            ("permissions", Text),
            ("address", Text),
            ("user_agent", Text),
            ("created_at", Time),
            ("last_used_at", Time),
            ("expires_at", Time),
            ("revoked_at", Time),
        ],
        left_out: &[("user_id", OWN)],
        things: &[("id", "tkf_")],
        ..OF_USER
    },
    Held { table: "people_refresh_token", by: "family_id", left_out: &[("*", SECRET)], ..OF_USER },
    Held {
        table: "people_api_key",
        by: "made_by",
        document: "api_keys",
        shown: &[
            ("id", Text),
            ("name", Text),
            ("created_at", Time),
            ("expires_at", Time),
            ("revoked_at", Time),
        ],
        left_out: &[("secret_hash", SECRET), ("*", "the key is the ISP's")],
        ..OF_USER
    },
    Held {
        table: "people_approval",
        by: "requested_by",
        document: "approvals_asked",
        key: Some("id"),
        shown: &[
            ("id", Text),
            ("operation", Text),
            ("entity_kind", Text),
            ("entity_id", Text),
            ("requested_by_name", Text),
            ("state", Text),
            ("created_at", Time),
        ],
        left_out: &[("*", OTHERS)],
        ..OF_USER
    },
    Held {
        table: "people_approval",
        by: "decided_by",
        document: "approvals_decided",
        key: Some("id"),
        shown: &[
            ("id", Text),
            ("operation", Text),
            ("entity_kind", Text),
            ("entity_id", Text),
            ("decided_by_name", Text),
            ("state", Text),
            ("reason", Text),
            ("decided_at", Time),
        ],
        left_out: &[("*", OTHERS)],
        ..OF_USER
    },
    Held {
        table: "people_guess",
        by: "subject",
        left_out: &[("*", "wrong guesses of the last minutes, which are somebody else's as a rule")],
        ..OF_USER
    },
    Held {
        table: "people_request_window",
        by: "subject",
        left_out: &[("*", "counts the requests of a minute")],
        ..OF_USER
    },
];
