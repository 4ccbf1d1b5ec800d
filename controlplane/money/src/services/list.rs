//! What services are sorted and filtered by.

use super::{Status, SuspendedBecause};
use atalaya_kernel::{
    ids::{CustomerId, PlanId, ServiceId, SiteId},
    list::{Field, Kind, List, Shape},
};

/// The list of services.
#[derive(Debug)]
pub struct ServiceList;

impl List for ServiceList {
    const SHAPE: &'static Shape = &Shape {
        name: "services",
        fields: &[&[
            Field::of("created_at", Kind::Instant, "created_at")
                .sorts_as("id", Kind::Id(ServiceId::PREFIX))
                .ranges(),
            Field::of("customer", Kind::Id(CustomerId::PREFIX), "customer_id").matches(),
            Field::of("plan", Kind::Id(PlanId::PREFIX), "plan_id").matches(),
            Field::of("site", Kind::Id(SiteId::PREFIX), "site_id").matches(),
            Field::of("status", Kind::Words(Status::WORDS), "status").sorts().matches(),
            Field::of("suspended_because", Kind::Words(SuspendedBecause::WORDS), "suspended_because")
                .matches()
                .or_missing(),
            Field::of("starts_on", Kind::Date, "starts_on").sorts().ranges().such_as("2026-11-01"),
            Field::of("status_changed_at", Kind::Instant, "status_changed_at").sorts().ranges(),
        ]],
        order: "created_at",
        id: "id",
    };
}
