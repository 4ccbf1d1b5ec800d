//! What agents are sorted and filtered by.

use atalaya_kernel::list::{Field, Kind, List, Shape};

/// The list of agents.
#[derive(Debug)]
pub struct AgentList;

impl List for AgentList {
    const SHAPE: &'static Shape = &Shape {
        name: "agents",
        fields: &[&[
            Field::of("name", Kind::Text, "a.name_key").sorts().unique(),
            Field::of("connected", Kind::Bool, "s.connected").sorts().matches(),
            Field::of("version", Kind::Text, "s.agent_version").sorts().matches().such_as("1.4.0"),
            Field::of("last_seen_at", Kind::Instant, "s.last_seen_at").sorts().ranges().or_missing(),
            Field::of("backlog_bytes", Kind::Int, "s.backlog_bytes").sorts().ranges(),
            Field::of("certificate_expires_at", Kind::Instant, "a.certificate_expires_at")
                .sorts()
                .ranges()
                .or_missing(),
            Field::of("revoked_at", Kind::Instant, "a.revoked_at").ranges().or_missing(),
            Field::of("created_at", Kind::Instant, "a.created_at").sorts().ranges(),
        ]],
        order: "name",
        id: "a.id",
    };
}
