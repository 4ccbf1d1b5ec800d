//! `/queue/simple`.

use super::{Attribute, Kind, Menu, Unique, flag, text};

pub(super) static MENUS: &[Menu] = &[Menu {
    ordered: true,
    shows_dynamic: true,
    required: &["name", "target"],
    live: &["bytes", "rate"],
    unique: Some(Unique { attributes: &["name"], message: "failure: already have such name" }),
    ..Menu::list(
        "/queue/simple",
        &[
            text("name"),
            text("target"),
            text("dst"),
            text("parent").or("none"),
            text("packet-marks").or(""),
            text("priority").or("8/8"),
            text("queue").or("default-small/default-small"),
            Attribute::new("limit-at", Kind::RatePair).or("0/0"),
            Attribute::new("max-limit", Kind::RatePair).or("0/0"),
            Attribute::new("burst-limit", Kind::RatePair).or("0/0"),
            Attribute::new("burst-threshold", Kind::RatePair).or("0/0"),
            text("burst-time").or("0s/0s"),
            flag("disabled"),
            text("comment"),
        ],
    )
}];
