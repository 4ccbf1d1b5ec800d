//! What payments are sorted and filtered by.

use super::Method;
use atalaya_kernel::{
    ids::{CustomerId, PaymentId},
    list::{Field, Kind, List, Shape},
};

/// The list of payments.
#[derive(Debug)]
pub struct PaymentList;

impl List for PaymentList {
    const SHAPE: &'static Shape = &Shape {
        name: "payments",
        fields: &[&[
            Field::of("created_at", Kind::Instant, "created_at")
                .sorts_as("id", Kind::Id(PaymentId::PREFIX))
                .ranges(),
            Field::of("received_at", Kind::Instant, "received_at").sorts().ranges(),
            Field::of("customer", Kind::Id(CustomerId::PREFIX), "customer_id").matches(),
            Field::of("method", Kind::Words(Method::WORDS), "method").matches(),
            Field::of("operation_number", Kind::Text, "operation_number").matches().or_missing(),
            Field::of("amount", Kind::Int, "amount").sorts().ranges().says("Minor units."),
            Field::of("credit", Kind::Int, "(amount - allocated)")
                .ranges()
                .says("What of it pays no invoice yet, minor units."),
        ]],
        order: "-created_at",
        id: "id",
    };
}
