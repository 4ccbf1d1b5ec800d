//! Rows and tables: the router's memory, without any meaning.
//!
//! A row's `.id` is `*` and an upper-case hexadecimal number. Static rows count up from 1 and survive a
//! reboot; dynamic rows have the high bit set, and get new ids each time they are made.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::str::FromStr;

use super::menus::{Kind, Menu};

const DYNAMIC_BIT: u32 = 0x8000_0000;

/// The `.id` of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct RowId(pub(super) u32);

impl fmt::Display for RowId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "*{:X}", self.0)
    }
}

impl FromStr for RowId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('*').ok_or(())?;
        u32::from_str_radix(digits, 16).map(Self).map_err(|_| ())
    }
}

/// One item of a menu: properties in the order in which they were set. What is not set is not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// Its `.id`.
    pub(super) id: RowId,
    properties: Vec<(String, String)>,
}

impl Row {
    /// A property, if set.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        self.properties.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A property, or the empty string.
    pub(super) fn text(&self, name: &str) -> &str {
        self.get(name).unwrap_or_default()
    }

    /// Whether a boolean property is `true`.
    pub(super) fn is(&self, name: &str) -> bool {
        self.get(name) == Some("true")
    }

    /// Sets a property; true when that changed it.
    pub(super) fn set(&mut self, name: &str, value: &str) -> bool {
        match self.properties.iter_mut().find(|(key, _)| key == name) {
            Some((_, stored)) if stored == value => false,
            Some((_, stored)) => {
                value.clone_into(stored);
                true
            }
            None => {
                self.properties.push((name.to_owned(), value.to_owned()));
                true
            }
        }
    }

    /// Removes a property; true when it was there.
    pub(super) fn unset(&mut self, name: &str) -> bool {
        let before = self.properties.len();
        self.properties.retain(|(key, _)| key != name);
        before != self.properties.len()
    }

    /// All stored properties.
    pub(super) fn properties(&self) -> impl Iterator<Item = (&str, &str)> {
        self.properties.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }
}

/// The rows of one menu.
#[derive(Debug)]
pub(super) struct Table {
    /// The menu's description.
    pub(super) menu: &'static Menu,
    rows: BTreeMap<RowId, Row>,
    /// Explicit order of the rows, for menus where order has a meaning.
    order: Vec<RowId>,
    by_key: HashMap<String, Vec<RowId>>,
    next_static: u32,
    next_dynamic: u32,
    revision: u64,
}

impl Table {
    /// An empty table.
    pub(super) fn new(menu: &'static Menu) -> Self {
        Self {
            menu,
            rows: BTreeMap::new(),
            order: Vec::new(),
            by_key: HashMap::new(),
            next_static: 1,
            next_dynamic: 1,
            revision: 0,
        }
    }

    /// Grows with every change; lets derived views know that they are stale.
    pub(super) fn revision(&self) -> u64 {
        self.revision
    }

    /// True when there is no row.
    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Adds a row with these properties and the menu's defaults for the others.
    pub(super) fn insert(&mut self, properties: &[(&str, &str)], dynamic: bool) -> RowId {
        let id = self.next_id(dynamic);
        let mut row = Row { id, properties: Vec::new() };
        for attribute in self.menu.attributes {
            let given = properties.iter().find(|(key, _)| *key == attribute.name).map(|(_, value)| *value);
            if let Some(value) = given.or(attribute.default) {
                row.set(attribute.name, value);
            }
        }
        for (key, value) in properties {
            row.set(key, value);
        }
        if self.menu.shows_dynamic {
            row.set("dynamic", if dynamic { "true" } else { "false" });
        }
        self.index(&row);
        self.rows.insert(id, row);
        if self.menu.ordered {
            self.order.push(id);
        }
        self.revision += 1;
        id
    }

    fn next_id(&mut self, dynamic: bool) -> RowId {
        let counter = if dynamic { &mut self.next_dynamic } else { &mut self.next_static };
        let number = *counter;
        *counter = counter.wrapping_add(1);
        RowId(if dynamic { number | DYNAMIC_BIT } else { number })
    }

    /// A row by its `.id`.
    pub(super) fn get(&self, id: RowId) -> Option<&Row> {
        self.rows.get(&id)
    }

    /// Rows whose key property (see [`Menu::key`]) has this value.
    pub(super) fn with_key(&self, key: &str) -> impl Iterator<Item = &Row> {
        self.by_key.get(key).into_iter().flatten().filter_map(|id| self.rows.get(id))
    }

    /// The first row whose key property has this value.
    pub(super) fn named(&self, key: &str) -> Option<&Row> {
        self.with_key(key).next()
    }

    /// All rows in the menu's order.
    pub(super) fn rows(&self) -> Box<dyn Iterator<Item = &Row> + '_> {
        if self.menu.ordered {
            Box::new(self.order.iter().filter_map(|id| self.rows.get(id)))
        } else {
            Box::new(self.rows.values())
        }
    }

    /// Changes a row in place; true when `change` says that it changed something.
    pub(super) fn update(&mut self, id: RowId, change: impl FnOnce(&mut Row) -> bool) -> bool {
        let Some(row) = self.rows.get(&id) else { return false };
        let key_before = row.text(self.menu.key).to_owned();
        let Some(row) = self.rows.get_mut(&id) else { return false };
        let changed = change(row);
        if changed {
            self.revision += 1;
            let key_after = row.text(self.menu.key).to_owned();
            if key_before != key_after {
                self.unindex(&key_before, id);
                self.by_key.entry(key_after).or_default().push(id);
            }
        }
        changed
    }

    /// Removes a row.
    pub(super) fn remove(&mut self, id: RowId) -> Option<Row> {
        let row = self.rows.remove(&id)?;
        self.unindex(row.text(self.menu.key), id);
        if self.menu.ordered {
            self.order.retain(|other| *other != id);
        }
        self.revision += 1;
        Some(row)
    }

    /// Puts `id` directly before `before`, or at the end. Does nothing in a menu without order.
    pub(super) fn place(&mut self, id: RowId, before: Option<RowId>) {
        if !self.menu.ordered || before == Some(id) {
            return;
        }
        self.order.retain(|other| *other != id);
        let position = before.and_then(|before| self.order.iter().position(|other| *other == before));
        self.order.insert(position.unwrap_or(self.order.len()), id);
        self.revision += 1;
    }

    /// Removes every dynamic row, as a reboot does.
    pub(super) fn forget_dynamic(&mut self) {
        let dynamic: Vec<RowId> = self.rows.keys().filter(|id| id.0 & DYNAMIC_BIT != 0).copied().collect();
        for id in dynamic {
            self.remove(id);
        }
    }

    fn index(&mut self, row: &Row) {
        if let Some(key) = row.get(self.menu.key) {
            self.by_key.entry(key.to_owned()).or_default().push(row.id);
        }
    }

    fn unindex(&mut self, key: &str, id: RowId) {
        if let Some(ids) = self.by_key.get_mut(key) {
            ids.retain(|other| *other != id);
            if ids.is_empty() {
                self.by_key.remove(key);
            }
        }
    }
}

/// All tables of a router, by menu path.
#[derive(Debug)]
pub(super) struct Store {
    tables: BTreeMap<&'static str, Table>,
}

impl Store {
    /// Empty tables for these menus.
    pub(super) fn new(menus: impl IntoIterator<Item = &'static Menu>) -> Self {
        Self { tables: menus.into_iter().map(|menu| (menu.path, Table::new(menu))).collect() }
    }

    /// The table of a menu that a client named, if the router has it.
    pub(super) fn find(&self, path: &str) -> Option<&Table> {
        self.tables.get(path)
    }

    /// The table of a menu that this simulator knows to exist.
    pub(super) fn table(&self, path: &'static str) -> &Table {
        self.tables.get(path).expect("menu paths in the code name registered menus")
    }

    /// The table of a menu that this simulator knows to exist, for changes.
    pub(super) fn table_mut(&mut self, path: &'static str) -> &mut Table {
        self.tables.get_mut(path).expect("menu paths in the code name registered menus")
    }

    /// All tables, by path.
    pub(super) fn tables(&self) -> impl Iterator<Item = &Table> {
        self.tables.values()
    }

    /// Removes every dynamic row, as a reboot does.
    pub(super) fn forget_dynamic(&mut self) {
        for table in self.tables.values_mut() {
            table.forget_dynamic();
        }
    }

    /// Whether a row of `menu` is named `name`: what an attribute of kind [`Kind::Reference`] may hold.
    pub(super) fn refers(&self, kind: Kind, name: &str) -> bool {
        match kind {
            Kind::Reference(menu) => self.tables.get(menu).is_some_and(|table| table.named(name).is_some()),
            Kind::Text
            | Kind::Bool
            | Kind::Number { .. }
            | Kind::Address
            | Kind::AddressSpec
            | Kind::RatePair => true,
        }
    }
}
