//! `/ip/firewall` and `/ipv6/firewall`.
//!
//! Rows only; what they do to traffic stands in `firewall`.

use super::{Access, Attribute, Kind, Menu, Unique, flag, shown, text};

const RULE: &[Attribute] = &[
    text("chain"),
    text("action").or("accept"),
    text("src-address"),
    text("dst-address"),
    text("src-address-list"),
    text("dst-address-list"),
    text("in-interface"),
    text("out-interface"),
    text("protocol"),
    text("src-port"),
    text("dst-port"),
    text("connection-state"),
    text("connection-mark"),
    text("hw-offload"),
    text("reject-with"),
    text("to-addresses"),
    text("to-ports"),
    text("jump-target"),
    text("address-list"),
    text("address-list-timeout"),
    text("log"),
    text("log-prefix"),
    flag("disabled"),
    text("comment"),
];

const LIST_ENTRY: &[Attribute] = &[
    text("list"),
    Attribute::new("address", Kind::AddressSpec),
    text("timeout"),
    shown("creation-time"),
    flag("disabled"),
    text("comment"),
];

const fn rules(path: &'static str) -> Menu {
    Menu { key: "chain", ordered: true, shows_dynamic: true, required: &["chain"], ..Menu::list(path, RULE) }
}

const fn address_list(path: &'static str) -> Menu {
    Menu {
        key: "address",
        shows_dynamic: true,
        dynamic_writable: true,
        required: &["list", "address"],
        unique: Some(Unique {
            attributes: &["list", "address"],
            message: "failure: already have such entry",
        }),
        ..Menu::list(path, LIST_ENTRY)
    }
}

pub(super) static MENUS: &[Menu] = &[
    address_list("/ip/firewall/address-list"),
    rules("/ip/firewall/filter"),
    rules("/ip/firewall/nat"),
    rules("/ip/firewall/mangle"),
    rules("/ip/firewall/raw"),
    address_list("/ipv6/firewall/address-list"),
    rules("/ipv6/firewall/filter"),
    connections("/ip/firewall/connection"),
    connections("/ipv6/firewall/connection"),
];

const fn connections(path: &'static str) -> Menu {
    Menu {
        key: "src-address",
        access: Access::Remove,
        dynamic_writable: true,
        ..Menu::list(path, CONNECTION)
    }
}

const CONNECTION: &[Attribute] = &[
    shown("protocol"),
    shown("src-address"),
    shown("dst-address"),
    shown("tcp-state"),
    shown("timeout"),
    shown("fasttrack"),
];
