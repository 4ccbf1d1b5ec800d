//! `/ppp`: secrets, profiles, live sessions, authentication.

use super::{Access, Attribute, Kind, Menu, Unique, flag, shown, text};

pub(super) static MENUS: &[Menu] = &[
    Menu {
        required: &["name"],
        unique: Some(Unique {
            attributes: &["name"],
            message: "failure: secret with the same name already exists",
        }),
        ..Menu::list(
            "/ppp/secret",
            &[
                text("name"),
                text("service").or("any"),
                text("caller-id").or(""),
                text("password").or("").sensitive(),
                Attribute::new("profile", Kind::Reference("/ppp/profile")).or("default"),
                Attribute::new("local-address", Kind::Address),
                text("remote-address"),
                text("remote-ipv6-prefix"),
                text("routes").or(""),
                text("limit-bytes-in").or("0"),
                text("limit-bytes-out").or("0"),
                shown("last-logged-out"),
                shown("last-caller-id"),
                shown("last-disconnect-reason"),
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
            "/ppp/profile",
            &[
                text("name"),
                text("local-address"),
                text("remote-address"),
                Attribute::new("rate-limit", Kind::RatePair),
                text("only-one").or("default"),
                text("address-list").or(""),
                text("dns-server"),
                text("parent-queue"),
                text("queue-type"),
                text("insert-queue-before"),
                text("session-timeout"),
                text("idle-timeout"),
                text("on-up").or(""),
                text("on-down").or(""),
                shown("default").or("false"),
                text("comment"),
            ],
        )
    },
    Menu {
        access: Access::Remove,
        dynamic_writable: true,
        live: &["uptime"],
        ..Menu::list(
            "/ppp/active",
            &[
                shown("name"),
                shown("service"),
                shown("caller-id"),
                shown("address"),
                shown("encoding").or(""),
                shown("session-id"),
                shown("limit-bytes-in").or("0"),
                shown("limit-bytes-out").or("0"),
                shown("radius").or("false"),
            ],
        )
    },
    Menu::single(
        "/ppp/aaa",
        Access::Set,
        &[flag("use-radius"), flag("accounting").or("true"), text("interim-update").or("0s")],
    ),
];
