//! What users are sorted and filtered by.

use atalaya_kernel::{
    ids::UserId,
    list::{Field, Kind, List, Shape},
};

/// The list of users.
#[derive(Debug)]
pub struct UserList;

impl List for UserList {
    const SHAPE: &'static Shape = &Shape {
        name: "users",
        fields: &[&[
            Field::of("created_at", Kind::Instant, "people_user.created_at")
                .sorts_as("people_user.id", Kind::Id(UserId::PREFIX))
                .ranges(),
            Field::of("name", Kind::Text, "LOWER(people_user.name)").sorts(),
            Field::of("email", Kind::Text, "people_user.email").sorts().matches().unique(),
            Field::of("role", Kind::Text, "people_user.role")
                .sorts()
                .matches()
                .says("The first role.")
                .such_as("cashier"),
            Field::of("disabled", Kind::Bool, "people_user.disabled").sorts().matches(),
        ]],
        order: "created_at",
        id: "people_user.id",
    };
}
