//! `/ip/hotspot`: users, their profiles, who is logged in.

use super::{Access, Attribute, Kind, Menu, Unique, flag, shown, text};

pub(super) static MENUS: &[Menu] = &[
    Menu {
        required: &["name"],
        unique: Some(Unique {
            attributes: &["name"],
            message: "failure: already have user with this name for this server",
        }),
        ..Menu::list(
            "/ip/hotspot/user",
            &[
                text("name"),
                text("server").or("all"),
                text("password").or("").sensitive(),
                text("mac-address"),
                Attribute::new("address", Kind::Address),
                Attribute::new("profile", Kind::Reference("/ip/hotspot/user/profile")).or("default"),
                text("limit-uptime").or("0s"),
                flag("disabled"),
                text("comment"),
            ],
        )
    },
    Menu {
        required: &["name"],
        unique: Some(Unique {
            attributes: &["name"],
            message: "failure: profile with the same name already exists",
        }),
        ..Menu::list(
            "/ip/hotspot/user/profile",
            &[
                text("name"),
                Attribute::new("rate-limit", Kind::RatePair),
                text("address-list").or(""),
                text("shared-users").or("1"),
                shown("default").or("false"),
            ],
        )
    },
    Menu {
        key: "user",
        access: Access::Remove,
        dynamic_writable: true,
        live: &["uptime"],
        ..Menu::list(
            "/ip/hotspot/active",
            &[
                shown("server").or("hotspot1"),
                shown("user"),
                shown("address"),
                shown("mac-address"),
                shown("login-by").or("http-chap"),
            ],
        )
    },
];
