//! What becomes of what the kernel itself holds of a person whose data is taken out.

use super::{Empty, Erased, Erasure, PersonKind};

const NOTES: Erased = Erased {
    table: "kernel_note",
    of: PersonKind::Customer,
    by: "subject",
    how: Erasure::ByCode("notes::erase"),
    things: &[("id", "nte_")],
};

const FILES: Erased = Erased { table: "kernel_file", things: &[("id", "fil_")], ..NOTES };

/// Leads to the events.
const TIMELINE: Erased = Erased {
    table: "kernel_timeline",
    of: PersonKind::Customer,
    by: "subject",
    how: Erasure::Removed,
    things: &[("event_id", "evt_")],
};

/// That something happened stays, for whoever counts; whom and what it was about does not.
const EVENTS: Erased = Erased {
    table: "kernel_event",
    of: PersonKind::Customer,
    by: "id",
    how: Erasure::Emptied(&[("payload", Empty::Text("{}"))]),
    // Notes and files that were removed since, to find their rows in the trail.
    things: &[("entity_id", "nte_"), ("entity_id", "fil_")],
};

const CHANGES: Erased = Erased {
    table: "kernel_audit",
    of: PersonKind::Customer,
    by: "entity_id",
    how: Erasure::ByCode("audit::erase_content"),
    things: &[],
};

const EXPORTS: Erased = Erased {
    table: "kernel_data_export",
    of: PersonKind::Customer,
    by: "person_id",
    how: Erasure::ByCode("exports::exports_end"),
    things: &[],
};

const ERASURES: Erased = Erased {
    table: "kernel_data_erasure",
    how: Erasure::Kept("that it was done, when and why, is what remains"),
    ..EXPORTS
};

/// A table of words to find the person's things by.
const fn words(table: &'static str) -> Erased {
    Erased {
        table,
        of: PersonKind::Customer,
        by: "subject",
        how: Erasure::ByCode("search::remove"),
        things: &[],
    }
}

/// Rows of the staff that stay, without the name of who made them.
const fn nameless(
    table: &'static str,
    by: &'static str,
    columns: &'static [(&'static str, Empty)],
    things: &'static [(&'static str, &'static str)],
) -> Erased {
    Erased { table, of: PersonKind::User, by, how: Erasure::Emptied(columns), things }
}

/// What becomes of the kernel's rows about persons. Read after all domains: what was left with a thing is found by the thing.
pub const ERASED: &[Erased] = &[
    NOTES,
    FILES,
    TIMELINE,
    EVENTS,
    CHANGES,
    EXPORTS,
    ERASURES,
    words("kernel_search_entry"),
    words("kernel_search_word"),
    words("kernel_search_place"),
    nameless("kernel_note", "author_id", &[("author_name", Empty::Text(""))], &[("id", "nte_")]),
    nameless("kernel_file", "author_id", &[("author_name", Empty::Text(""))], &[("id", "fil_")]),
    Erased { of: PersonKind::User, ..TIMELINE },
    Erased { of: PersonKind::User, things: &[], ..EVENTS },
    Erased { of: PersonKind::User, ..CHANGES },
    Erased {
        of: PersonKind::User,
        by: "actor_id",
        how: Erasure::ByCode("audit::erase_actor"),
        // Notes and files that were removed since: their states name who left them.
        things: &[("entity_id", "nte_"), ("entity_id", "fil_")],
        ..CHANGES
    },
    Erased { of: PersonKind::User, ..EXPORTS },
    Erased { of: PersonKind::User, ..ERASURES },
    nameless("kernel_event", "actor_id", &[("actor_name", Empty::Text(""))], &[]),
    Erased {
        table: "kernel_idempotency",
        of: PersonKind::User,
        by: "asked_by",
        how: Erasure::Kept("answers to requests, which are forgotten after a day"),
        things: &[],
    },
    Erased {
        of: PersonKind::User,
        by: "requested_by",
        how: Erasure::Kept("the copies of others that were asked for, by an id without a name"),
        ..EXPORTS
    },
    Erased {
        of: PersonKind::User,
        by: "requested_by",
        how: Erasure::Kept("what was asked for of others, by an id without a name"),
        ..ERASURES
    },
];
