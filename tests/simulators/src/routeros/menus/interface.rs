//! `/interface`.

use super::{Access, Attribute, Kind, Menu, flag, shown, text};

pub(super) static MENUS: &[Menu] = &[Menu {
    access: Access::Set,
    shows_dynamic: true,
    live: &["rx-byte", "tx-byte", "rx-packet", "tx-packet"],
    ..Menu::list(
        "/interface",
        &[
            text("name"),
            shown("default-name"),
            shown("type"),
            Attribute::new("mtu", Kind::Number { min: 68, max: 65_535 }),
            shown("actual-mtu"),
            shown("mac-address"),
            shown("running").or("false"),
            flag("disabled"),
            shown("link-downs").or("0"),
            shown("rx-drop").or("0"),
            shown("tx-drop").or("0"),
            shown("rx-error").or("0"),
            shown("tx-error").or("0"),
            text("comment"),
        ],
    )
}];
