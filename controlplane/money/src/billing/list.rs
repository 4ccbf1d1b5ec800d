//! What invoices are sorted and filtered by.

use super::ListedStatus;
use atalaya_kernel::{
    ids::{CustomerId, ServiceId},
    list::{Field, Kind, List, Shape},
};

/// The list of invoices.
#[derive(Debug)]
pub struct InvoiceList;

impl List for InvoiceList {
    const SHAPE: &'static Shape = &Shape {
        name: "invoices",
        fields: &[&[
            Field::of("number", Kind::Int, "number").sorts().ranges().unique(),
            Field::of("customer", Kind::Id(CustomerId::PREFIX), "customer_id").matches(),
            Field::of("service", Kind::Id(ServiceId::PREFIX), "service_id").matches().or_missing(),
            // What is overdue depends on the day.
            Field::by_hand("status", Kind::Words(ListedStatus::WORDS))
                .says("In one of these states; `open` takes what is overdue too."),
            Field::of("issued_on", Kind::Date, "issued_on").sorts().ranges().such_as("2026-11-01"),
            Field::of("due_on", Kind::Date, "due_on").sorts().ranges().such_as("2026-11-30"),
            Field::of("total", Kind::Int, "total").sorts().ranges().says("Minor units."),
            Field::of("balance", Kind::Int, "(CASE WHEN voided = true THEN 0 ELSE total - paid END)")
                .sorts()
                .ranges()
                .says("What is left to pay, minor units."),
        ]],
        order: "-number",
        id: "id",
    };
}
