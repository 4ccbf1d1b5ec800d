//! What the kernel itself holds of persons. Read after all domains: what was left with a thing is found by the thing.

use super::{Held, PersonKind, Shown};

const TECHNICAL: &str = "says how it is kept, and nothing about the person";
const OTHERS: &str = "another person";

const NOTES: Held = Held {
    table: "kernel_note",
    of: PersonKind::Customer,
    by: "subject",
    document: "notes",
    key: Some("id"),
    shown: &[
        ("id", Shown::Text),
        ("subject", Shown::Text),
        ("text", Shown::Text),
        ("pinned", Shown::Flag),
        ("created_at", Shown::Time),
        ("updated_at", Shown::Time),
    ],
    left_out: &[("author_id", OTHERS), ("author_name", OTHERS), ("version", TECHNICAL)],
    things: &[("id", "nte_")],
};

const FILES: Held = Held {
    table: "kernel_file",
    of: PersonKind::Customer,
    by: "subject",
    document: "files",
    key: Some("id"),
    shown: &[
        ("id", Shown::Text),
        ("subject", Shown::Text),
        ("name", Shown::Text),
        ("media_type", Shown::Text),
        ("size", Shown::Number),
        ("created_at", Shown::Time),
    ],
    left_out: &[("author_id", OTHERS), ("author_name", OTHERS), ("blob_id", TECHNICAL)],
    things: &[("id", "fil_")],
};

/// What somebody of the staff wrote is about whom they wrote it of: that they wrote is theirs, the words are not.
const NOTES_WRITTEN: Held = Held {
    of: PersonKind::User,
    by: "author_id",
    document: "notes_written",
    shown: &[
        ("id", Shown::Text),
        ("subject", Shown::Text),
        ("author_name", Shown::Text),
        ("created_at", Shown::Time),
        ("updated_at", Shown::Time),
    ],
    left_out: &[
        ("text", OTHERS),
        ("pinned", OTHERS),
        ("author_id", "it is the person's own"),
        ("version", TECHNICAL),
    ],
    things: &[],
    ..NOTES
};

const FILES_LEFT: Held = Held {
    of: PersonKind::User,
    by: "author_id",
    document: "files_left",
    shown: &[
        ("id", Shown::Text),
        ("subject", Shown::Text),
        ("author_name", Shown::Text),
        ("created_at", Shown::Time),
    ],
    left_out: &[
        ("name", OTHERS),
        ("media_type", OTHERS),
        ("size", OTHERS),
        ("author_id", "it is the person's own"),
        ("blob_id", TECHNICAL),
    ],
    things: &[],
    ..FILES
};

/// Leads to the events.
const TIMELINE: Held = Held {
    table: "kernel_timeline",
    of: PersonKind::Customer,
    by: "subject",
    document: "",
    key: Some("event_id"),
    shown: &[],
    left_out: &[("*", "it lists the events, which are shown")],
    things: &[("event_id", "evt_")],
};

const EVENTS: Held = Held {
    table: "kernel_event",
    of: PersonKind::Customer,
    by: "id",
    document: "events",
    key: Some("id"),
    shown: &[
        ("id", Shown::Text),
        ("kind", Shown::Text),
        ("occurred_at", Shown::Time),
        ("entity_kind", Shown::Text),
        ("entity_id", Shown::Text),
        ("related", Shown::Json),
        ("payload", Shown::Json),
    ],
    left_out: &[
        ("actor_kind", OTHERS),
        ("actor_id", OTHERS),
        ("actor_name", OTHERS),
        ("causation_id", TECHNICAL),
        ("version", TECHNICAL),
    ],
    // Notes and files that were removed since.
    things: &[("entity_id", "nte_"), ("entity_id", "fil_")],
};

const CHANGES: Held = Held {
    table: "kernel_audit",
    of: PersonKind::Customer,
    by: "entity_id",
    document: "changes",
    key: Some("id"),
    shown: &[
        ("id", Shown::Text),
        ("occurred_at", Shown::Time),
        ("action", Shown::Text),
        ("entity_kind", Shown::Text),
        ("entity_id", Shown::Text),
        ("before_state", Shown::Json),
        ("after_state", Shown::Json),
        ("reason", Shown::Text),
    ],
    left_out: &[
        ("actor_kind", OTHERS),
        ("actor_id", OTHERS),
        ("actor_name", OTHERS),
        ("request_id", TECHNICAL),
        ("position", TECHNICAL),
        ("actor_salt", SEAL),
        ("actor_hash", SEAL),
        ("content_salt", SEAL),
        ("content_hash", SEAL),
        ("chain", SEAL),
    ],
    things: &[],
};

const SEAL: &str = "seals the trail";

const ACTIONS: Held = Held {
    of: PersonKind::User,
    by: "actor_id",
    document: "actions",
    shown: &[
        ("id", Shown::Text),
        ("occurred_at", Shown::Time),
        ("actor_kind", Shown::Text),
        ("actor_name", Shown::Text),
        ("action", Shown::Text),
        ("entity_kind", Shown::Text),
        ("entity_id", Shown::Text),
    ],
    left_out: &[
        ("before_state", OTHERS),
        ("after_state", OTHERS),
        ("reason", OTHERS),
        ("actor_id", "it is the person's own"),
        ("request_id", TECHNICAL),
        ("position", TECHNICAL),
        ("actor_salt", SEAL),
        ("actor_hash", SEAL),
        ("content_salt", SEAL),
        ("content_hash", SEAL),
        ("chain", SEAL),
    ],
    ..CHANGES
};

/// A table of which nothing is shown.
const fn hidden(
    table: &'static str,
    of: PersonKind,
    by: &'static str,
    why: &'static [(&'static str, &'static str)],
) -> Held {
    Held { table, of, by, document: "", key: None, shown: &[], left_out: why, things: &[] }
}

const WORDS: &[(&str, &str)] = &[("*", "words of what the other documents show, to find it by")];

const EXPORTS: Held = Held {
    table: "kernel_data_export",
    of: PersonKind::Customer,
    by: "person_id",
    document: "exports",
    key: Some("id"),
    shown: &[
        ("id", Shown::Text),
        ("state", Shown::Text),
        ("created_at", Shown::Time),
        ("ready_at", Shown::Time),
        ("expires_at", Shown::Time),
    ],
    left_out: &[
        ("person_kind", TECHNICAL),
        ("person_id", "it is the person's own"),
        ("requested_by", OTHERS),
    ],
    things: &[],
};

const ERASURES: Held = hidden(
    "kernel_data_erasure",
    PersonKind::Customer,
    "person_id",
    &[("*", "of whom there is a row, nothing else is left to show")],
);

/// Tables of the kernel with rows about persons.
pub const HELD: &[Held] = &[
    NOTES,
    FILES,
    TIMELINE,
    EVENTS,
    CHANGES,
    EXPORTS,
    ERASURES,
    hidden("kernel_search_entry", PersonKind::Customer, "subject", WORDS),
    hidden("kernel_search_word", PersonKind::Customer, "subject", WORDS),
    hidden("kernel_search_place", PersonKind::Customer, "subject", WORDS),
    NOTES_WRITTEN,
    FILES_LEFT,
    Held { of: PersonKind::User, ..TIMELINE },
    Held { of: PersonKind::User, things: &[], ..EVENTS },
    Held { of: PersonKind::User, ..CHANGES },
    ACTIONS,
    Held { of: PersonKind::User, ..EXPORTS },
    Held { of: PersonKind::User, ..ERASURES },
    hidden(
        "kernel_event",
        PersonKind::User,
        "actor_id",
        &[("*", "what the person did stands in the trail, which is shown")],
    ),
    hidden(
        "kernel_idempotency",
        PersonKind::User,
        "asked_by",
        &[("*", "answers to requests of the last day, which are about others")],
    ),
    hidden(
        "kernel_data_export",
        PersonKind::User,
        "requested_by",
        &[("*", "whom it is about is another person; that it was asked for stands in the trail")],
    ),
    hidden(
        "kernel_data_erasure",
        PersonKind::User,
        "requested_by",
        &[("*", "whom it was about is another person; that it was asked for stands in the trail")],
    ),
];
