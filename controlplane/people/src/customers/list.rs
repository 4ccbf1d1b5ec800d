//! What customers are sorted and filtered by.

use atalaya_kernel::{
    ids::{CustomerId, SiteId},
    list::{Field, Kind, List, Shape},
};

/// Of a customer itself, for every list that shows customers.
pub const FIELDS: &[Field] = &[
    Field::by_hand("q", Kind::Search).says("Words that name, document, phone, e-mail or address contain."),
    Field::of("name", Kind::Text, "name_key").sorts(),
    Field::of("site", Kind::Id(SiteId::PREFIX), "site_id").matches().says("Site of the customer's services."),
    Field::of("created_at", Kind::Instant, "created_at")
        .sorts_as("id", Kind::Id(CustomerId::PREFIX))
        .ranges(),
    Field::of("updated_at", Kind::Instant, "updated_at").sorts().ranges(),
    Field::of("erased_at", Kind::Instant, "erased_at").ranges().or_missing(),
];

/// The list of customers by themselves.
#[derive(Debug)]
pub struct CustomerList;

impl List for CustomerList {
    const SHAPE: &'static Shape = &Shape { name: "customers", fields: &[FIELDS], order: "name", id: "id" };
}
