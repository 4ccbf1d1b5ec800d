//! `/system`, `/radius`, `/log`.

use super::{Access, Attribute, Kind, Menu, flag, shown, text};

pub(super) static MENUS: &[Menu] = &[
    Menu::single("/system/identity", Access::Set, &[text("name")]),
    Menu {
        live: &["uptime", "free-memory", "cpu-load"],
        ..Menu::single(
            "/system/resource",
            Access::Read,
            &[
                shown("version"),
                shown("build-time"),
                shown("total-memory"),
                shown("cpu"),
                shown("cpu-count"),
                shown("cpu-frequency"),
                shown("free-hdd-space"),
                shown("total-hdd-space"),
                shown("architecture-name"),
                shown("board-name"),
                shown("platform"),
            ],
        )
    },
    Menu::single(
        "/system/routerboard",
        Access::Read,
        &[
            shown("routerboard"),
            shown("model"),
            shown("serial-number"),
            shown("firmware-type"),
            shown("current-firmware"),
            shown("upgrade-firmware"),
        ],
    ),
    Menu {
        live: &["date", "time"],
        ..Menu::single(
            "/system/clock",
            Access::Set,
            &[text("time-zone-name").or("UTC"), shown("gmt-offset").or("+00:00")],
        )
    },
    Menu::list(
        "/radius",
        &[
            text("service"),
            Attribute::new("address", Kind::Address),
            text("secret").sensitive(),
            text("authentication-port").or("1812"),
            text("accounting-port").or("1813"),
            text("timeout").or("300ms"),
            flag("disabled"),
            text("comment"),
        ],
    ),
    Menu::single("/radius/incoming", Access::Set, &[flag("accept"), text("port").or("3799")]),
];
