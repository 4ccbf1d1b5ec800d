//! What devices are sorted and filtered by.

use super::{DeviceKind, DeviceMode, DeviceState};
use atalaya_kernel::{
    ids::{AgentId, SiteId},
    list::{Field, Kind, List, Shape},
};

/// The list of devices.
#[derive(Debug)]
pub struct DeviceList;

impl List for DeviceList {
    const SHAPE: &'static Shape = &Shape {
        name: "devices",
        fields: &[&[
            Field::by_hand("q", Kind::Search).says("Part of the name or address."),
            Field::of("name", Kind::Text, "d.name_key").sorts().unique(),
            Field::of("site", Kind::Id(SiteId::PREFIX), "d.site_id").matches(),
            Field::of("agent", Kind::Id(AgentId::PREFIX), "d.agent_id").matches(),
            Field::of("kind", Kind::Words(DeviceKind::WORDS), "d.kind").sorts().matches(),
            Field::of("mode", Kind::Words(DeviceMode::WORDS), "d.mode").sorts().matches(),
            Field::of("state", Kind::Words(DeviceState::WORDS), "COALESCE(s.state, 'unknown')")
                .sorts()
                .matches(),
            Field::of("host", Kind::Text, "d.host").sorts().matches(),
            Field::of("last_answer_at", Kind::Instant, "s.last_answer_at").sorts().ranges().or_missing(),
            Field::of("created_at", Kind::Instant, "d.created_at").sorts().ranges(),
        ]],
        order: "name",
        id: "d.id",
    };
}
