//! What changes rows: add, set, unset, remove, enable, disable, move.
//!
//! All ids of a command are resolved before the first row is touched, so that a command with one wrong id
//! changes nothing.

use super::command::{Command, Reply, Trap};
use super::menus::{Access, Kind, Menu};
use super::router::Router;
use super::store::{Row, RowId, Table};
use super::{ppp, value};

/// Executes a write.
pub(super) fn write(router: &mut Router, command: &Command) -> Result<Vec<Reply>, Trap> {
    let Some(table) = router.store.find(&command.menu) else {
        return Err(Trap::new("no such command prefix"));
    };
    let menu = table.menu;
    if !knows(menu, &command.verb) {
        return Err(Trap::new("no such command"));
    }
    let (changed, result) = match command.verb.as_str() {
        "add" => (true, Some(add(router, menu, command)?.to_string())),
        "set" => (set(router, menu, command, &values(menu, &command.attributes)?)?, None),
        "comment" => (set(router, menu, command, &values(menu, &command.attributes)?)?, None),
        "enable" => (set(router, menu, command, &[("disabled".to_owned(), "false".to_owned())])?, None),
        "disable" => (set(router, menu, command, &[("disabled".to_owned(), "true".to_owned())])?, None),
        "unset" => (unset(router, menu, command)?, None),
        "move" => (move_row(router, menu, command)?, None),
        "make-static" => (make_static(router, menu, command)?, None),
        _ => (remove(router, menu, command)?, None),
    };
    router.counters.wrote(menu.path, &command.verb, changed);
    Ok(vec![Reply::Done(result)])
}

fn knows(menu: &Menu, verb: &str) -> bool {
    let has_flag = menu.attribute("disabled").is_some_and(|attribute| !attribute.read_only);
    match verb {
        "set" | "unset" => matches!(menu.access, Access::Set | Access::Full),
        "comment" => menu.attribute("comment").is_some(),
        "enable" | "disable" => has_flag && matches!(menu.access, Access::Set | Access::Full),
        "add" => menu.access == Access::Full,
        "remove" => matches!(menu.access, Access::Remove | Access::Full),
        "move" => menu.ordered,
        "make-static" => menu.path == "/ip/dhcp-server/lease",
        _ => false,
    }
}

/// The rows that a command names by `.id` or `numbers`, which may hold `.id`s or names, comma-separated.
fn targets(table: &Table, command: &Command) -> Result<Vec<RowId>, Trap> {
    if table.menu.single {
        return Ok(table.rows().map(|row| row.id).collect());
    }
    let named = command.get(".id").or_else(|| command.get("numbers")).filter(|ids| !ids.is_empty());
    let Some(named) = named else { return Err(Trap::no_such_item()) };
    named.split(',').map(|name| target(table, name).ok_or_else(Trap::no_such_item)).collect()
}

fn target(table: &Table, name: &str) -> Option<RowId> {
    if let Ok(id) = name.parse::<RowId>() {
        return table.get(id).map(|row| row.id);
    }
    if table.menu.key == "name" { table.named(name).map(|row| row.id) } else { None }
}

/// The attribute words of a command as checked and normalised values.
fn values(menu: &Menu, attributes: &[(String, String)]) -> Result<Vec<(String, String)>, Trap> {
    attributes
        .iter()
        .filter(|(name, _)| !matches!(name.as_str(), ".id" | "numbers" | "place-before"))
        .map(|(name, text)| {
            let attribute = menu
                .attribute(name)
                .filter(|attribute| !attribute.read_only)
                .ok_or_else(|| Trap::new("unknown parameter"))?;
            Ok((name.clone(), normalise(name, attribute.kind, text)?))
        })
        .collect()
}

fn normalise(name: &str, kind: Kind, text: &str) -> Result<String, Trap> {
    let invalid = || Trap::categorised(1, format!("invalid value for argument {name}"));
    match kind {
        Kind::Text | Kind::Reference(_) => Ok(text.to_owned()),
        Kind::Bool => match text {
            "yes" | "true" => Ok("true".to_owned()),
            "no" | "false" => Ok("false".to_owned()),
            _ => Err(invalid()),
        },
        Kind::Number { min, max } => match text.parse::<u64>() {
            Ok(number) if (min..=max).contains(&number) => Ok(number.to_string()),
            Ok(_) => Err(Trap::categorised(1, format!("value of {name} out of range ({min}..{max})"))),
            Err(_) => Err(invalid()),
        },
        Kind::Address if text.is_empty() || value::address_range(text).is_some() => Ok(text.to_owned()),
        // Lists keep a host without its /32, as they show it.
        Kind::AddressSpec if value::is_address_spec(text) => {
            Ok(text.strip_suffix("/32").unwrap_or(text).to_owned())
        }
        Kind::RatePair if text.is_empty() => Ok(String::new()),
        Kind::RatePair => value::rate_pair(text).map(|_| text.to_owned()).ok_or_else(invalid),
        Kind::Address | Kind::AddressSpec => Err(invalid()),
    }
}

/// Values as the menu shows them: a queue answers with plain bits per second.
fn shown(menu: &Menu, mut values: Vec<(String, String)>) -> Vec<(String, String)> {
    if menu.path == "/queue/simple" {
        for (name, text) in &mut values {
            let rates = menu.attribute(name).is_some_and(|attribute| attribute.kind == Kind::RatePair);
            if let Some((up, down)) = value::rate_pair(text).filter(|_| rates) {
                *text = format!("{up}/{down}");
            }
        }
    }
    values
}

fn check_references(router: &Router, menu: &Menu, values: &[(String, String)]) -> Result<(), Trap> {
    for (name, text) in values {
        let Some(attribute) = menu.attribute(name) else { continue };
        if !router.store.refers(attribute.kind, text) {
            return Err(Trap::new(format!("input does not match any value of {name}")));
        }
    }
    Ok(())
}

/// Whether another row already holds what must differ.
fn check_unique(
    table: &Table,
    wanted: impl Fn(&str) -> Option<String>,
    not: Option<RowId>,
) -> Result<(), Trap> {
    let Some(unique) = &table.menu.unique else { return Ok(()) };
    let same = |row: &Row| {
        // A dynamic row does not stand in the way of a static one of the same name.
        Some(row.id) != not
            && !row.is("dynamic")
            && unique.attributes.iter().all(|name| wanted(name).as_deref() == row.get(name))
    };
    let taken = match wanted(table.menu.key) {
        Some(key) => table.with_key(&key).any(same),
        None => table.rows().any(same),
    };
    if taken { Err(Trap::new(unique.message)) } else { Ok(()) }
}

fn add(router: &mut Router, menu: &'static Menu, command: &Command) -> Result<RowId, Trap> {
    let values = shown(menu, values(menu, &command.attributes)?);
    check_references(router, menu, &values)?;
    for required in menu.required {
        if !values.iter().any(|(name, text)| name == required && !text.is_empty()) {
            return Err(Trap::new(format!("missing value(s) of argument(s) {required}")));
        }
    }
    let before = match command.get("place-before") {
        None => None,
        Some(name) => {
            let found = target(router.store.table(menu.path), name);
            Some(found.ok_or_else(|| Trap::new("no such item (4)"))?)
        }
    };
    let wanted = |name: &str| values.iter().find(|(key, _)| key == name).map(|(_, text)| text.clone());
    check_unique(router.store.table(menu.path), wanted, None)?;
    let mut properties: Vec<(&str, &str)> =
        values.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let created = router.local_time_text();
    if menu.attribute("creation-time").is_some() {
        properties.push(("creation-time", &created));
    }
    let table = router.store.table_mut(menu.path);
    let id = table.insert(&properties, false);
    if before.is_some() {
        table.place(id, before);
    }
    Ok(id)
}

fn set(
    router: &mut Router,
    menu: &'static Menu,
    command: &Command,
    values: &[(String, String)],
) -> Result<bool, Trap> {
    let values = shown(menu, values.to_vec());
    check_references(router, menu, &values)?;
    let ids = targets(router.store.table(menu.path), command)?;
    for id in &ids {
        let table = router.store.table(menu.path);
        let row = table.get(*id).ok_or_else(Trap::no_such_item)?;
        refuse_dynamic(menu, row, "change")?;
        let wanted = |name: &str| {
            let given = values.iter().find(|(key, _)| key == name).map(|(_, text)| text.clone());
            given.or_else(|| row.get(name).map(str::to_owned))
        };
        check_unique(table, wanted, Some(*id))?;
    }
    let table = router.store.table_mut(menu.path);
    Ok(ids.into_iter().fold(false, |changed, id| {
        changed
            | table.update(id, |row| {
                values.iter().fold(false, |changed, (name, text)| changed | row.set(name, text))
            })
    }))
}

fn unset(router: &mut Router, menu: &'static Menu, command: &Command) -> Result<bool, Trap> {
    let name =
        command.get("value-name").ok_or_else(|| Trap::new("missing value(s) of argument(s) value-name"))?;
    let attribute = menu
        .attribute(name)
        .filter(|attribute| !attribute.read_only)
        .ok_or_else(|| Trap::new("unknown parameter"))?;
    let ids = targets(router.store.table(menu.path), command)?;
    let table = router.store.table_mut(menu.path);
    Ok(ids.into_iter().fold(false, |changed, id| {
        changed
            | table.update(id, |row| match attribute.default {
                Some(default) => row.set(name, default),
                None => row.unset(name),
            })
    }))
}

fn remove(router: &mut Router, menu: &'static Menu, command: &Command) -> Result<bool, Trap> {
    let ids = targets(router.store.table(menu.path), command)?;
    for id in &ids {
        let row = router.store.table(menu.path).get(*id).ok_or_else(Trap::no_such_item)?;
        refuse_dynamic(menu, row, "remove")?;
        if row.is("default") {
            return Err(Trap::new("failure: can not remove default profile"));
        }
    }
    let now = router.clock.now();
    for id in ids {
        let is_session = matches!(menu.path, "/ppp/active" | "/ip/hotspot/active");
        if is_session && ppp::drop_active(router, menu.path, id, now) {
            continue;
        }
        router.store.table_mut(menu.path).remove(id);
    }
    Ok(true)
}

fn move_row(router: &mut Router, menu: &'static Menu, command: &Command) -> Result<bool, Trap> {
    let table = router.store.table_mut(menu.path);
    let ids = targets(table, command)?;
    let before = match command.get("destination").filter(|name| !name.is_empty()) {
        None => None,
        Some(name) => Some(target(table, name).ok_or_else(Trap::no_such_item)?),
    };
    for id in ids {
        table.place(id, before);
    }
    Ok(true)
}

/// A dynamic lease becomes a row of its own, with an `.id` that survives a reboot.
fn make_static(router: &mut Router, menu: &'static Menu, command: &Command) -> Result<bool, Trap> {
    let table = router.store.table_mut(menu.path);
    let ids = targets(table, command)?;
    let mut changed = false;
    for id in ids {
        if !table.get(id).is_some_and(|row| row.is("dynamic")) {
            continue;
        }
        if let Some(row) = table.remove(id) {
            let kept: Vec<(&str, &str)> = row.properties().filter(|(name, _)| *name != "dynamic").collect();
            table.insert(&kept, false);
            changed = true;
        }
    }
    Ok(changed)
}

fn refuse_dynamic(menu: &Menu, row: &Row, verb: &str) -> Result<(), Trap> {
    if row.is("dynamic") && !menu.dynamic_writable {
        let what = menu.path.rsplit('/').next().unwrap_or_default();
        return Err(Trap::new(format!("failure: can not {verb} dynamic {what}")));
    }
    Ok(())
}
