//! What approvals are sorted and filtered by.

use super::ApprovalState;
use atalaya_kernel::{
    ids::{ApprovalId, UserId},
    list::{Field, Kind, List, Shape},
};

/// The list of approvals.
#[derive(Debug)]
pub struct ApprovalList;

impl List for ApprovalList {
    const SHAPE: &'static Shape = &Shape {
        name: "approvals",
        fields: &[&[
            Field::of("created_at", Kind::Instant, "created_at")
                .sorts_as("id", Kind::Id(ApprovalId::PREFIX))
                .ranges(),
            Field::of("expires_at", Kind::Instant, "expires_at").sorts().ranges(),
            Field::of("decided_at", Kind::Instant, "decided_at").sorts().ranges().or_missing(),
            // What has expired depends on the hour.
            Field::by_hand("state", Kind::Words(ApprovalState::WORDS)).says("In one of these states."),
            Field::by_hand("waiting", Kind::Bool).says("`true`: only those that wait for a second person."),
            Field::of("operation", Kind::Text, "operation").sorts().matches().such_as("cut_run.execute"),
            Field::of("entity_kind", Kind::Text, "entity_kind").matches(),
            Field::of("entity_id", Kind::Text, "entity_id").matches(),
            Field::of("requested_by", Kind::Id(UserId::PREFIX), "requested_by").matches(),
        ]],
        order: "-created_at",
        id: "id",
    };
}
