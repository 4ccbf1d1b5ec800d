//! `/ip` except its firewall: addresses, pools, DHCP leases.

use super::{Attribute, Kind, Menu, Unique, flag, shown, text};

pub(super) static MENUS: &[Menu] = &[
    Menu {
        key: "address",
        shows_dynamic: true,
        required: &["address", "interface"],
        unique: Some(Unique {
            attributes: &["address", "interface"],
            message: "failure: already have such address",
        }),
        ..Menu::list(
            "/ip/address",
            &[
                Attribute::new("address", Kind::Address),
                text("network"),
                Attribute::new("interface", Kind::Reference("/interface")),
                flag("disabled"),
                text("comment"),
            ],
        )
    },
    Menu {
        required: &["name", "ranges"],
        unique: Some(Unique { attributes: &["name"], message: "failure: pool with such name exists" }),
        ..Menu::list("/ip/pool", &[text("name"), text("ranges"), text("next-pool"), text("comment")])
    },
    Menu {
        key: "mac-address",
        shows_dynamic: true,
        required: &["mac-address"],
        live: &["expires-after"],
        unique: Some(Unique {
            attributes: &["mac-address"],
            message: "failure: already have static lease with such MAC address",
        }),
        ..Menu::list(
            "/ip/dhcp-server/lease",
            &[
                Attribute::new("address", Kind::Address),
                text("mac-address"),
                text("client-id"),
                text("server").or("dhcp1"),
                text("address-lists").or(""),
                Attribute::new("rate-limit", Kind::RatePair),
                flag("block-access"),
                flag("disabled"),
                shown("status").or("waiting"),
                shown("active-address"),
                shown("active-mac-address"),
                shown("host-name"),
                text("comment"),
            ],
        )
    },
];
