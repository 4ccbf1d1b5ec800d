//! `/user`: who may log in, and what their group allows.

use super::{Attribute, Kind, Menu, Unique, flag, text};

pub(super) static MENUS: &[Menu] = &[
    Menu {
        required: &["name", "group"],
        unique: Some(Unique {
            attributes: &["name"],
            message: "failure: user with the same name already exists",
        }),
        ..Menu::list(
            "/user",
            &[
                text("name"),
                text("password").sensitive(),
                Attribute::new("group", Kind::Reference("/user/group")),
                text("address").or(""),
                flag("disabled"),
                text("comment"),
            ],
        )
    },
    Menu {
        required: &["name"],
        unique: Some(Unique {
            attributes: &["name"],
            message: "failure: group with the same name already exists",
        }),
        ..Menu::list(
            "/user/group",
            &[text("name"), text("policy").or(""), text("skin").or("default"), text("comment")],
        )
    },
];
