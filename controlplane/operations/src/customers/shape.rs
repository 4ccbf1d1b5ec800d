//! What the list of customers is sorted and filtered by: what a customer is, and what money knows of it.

use atalaya_kernel::list::{Field, Kind, List, Shape};
use atalaya_money::services::Status;
use atalaya_people::customers;

/// The list of customers with what they owe and how they are connected.
#[derive(Debug)]
pub struct CustomerRows;

impl List for CustomerRows {
    const SHAPE: &'static Shape = &Shape {
        name: "customer_rows",
        fields: &[
            customers::FIELDS,
            // Another domain knows: it says which customers, and people reads those.
            &[
                Field::by_hand("status", Kind::Words(Status::WORDS))
                    .says("With a service in one of these states."),
                Field::by_hand("owed_gte", Kind::Int)
                    .says("Owing this much overdue at least, minor units; 0 takes everybody.")
                    .such_as("1"),
                Field::order_by_hand("owed"),
            ],
        ],
        order: "name",
        id: "id",
    };
}
