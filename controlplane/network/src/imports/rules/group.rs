//! Rows that do not pass today, gathered so that a person says once what that means.

use super::{FoundRow, RowKind, normalise};
use atalaya_kernel::text_enum;
use std::collections::{BTreeMap, HashMap};

/// Rows shown of a group.
const SHOWN: usize = 5;
/// Letters in names of profiles and lists that cut people, for those that nobody named.
const CUTTING: &[&str] = &["cort", "moros", "suspen", "bloque", "impag", "deud"];

text_enum! {
    /// What a row that does not pass means.
    #[schema(as = ImportMeaning)]
    pub enum Meaning {
        /// A customer who is cut: their service is made suspended.
        Cut = "cut",
        /// Somebody who was a customer: nothing is made.
        Former = "former",
        /// A row kept for nobody: nothing is made, and it is not asked about again.
        Spare = "spare",
    }
}

text_enum! {
    /// How a row is kept from passing.
    #[schema(as = ImportHow)]
    pub enum How {
        /// Switched off.
        Disabled = "disabled",
        /// By a profile that lets nothing through.
        Profile = "profile",
        /// Its address stands on a list.
        Listed = "listed",
    }
}

/// Rows that are alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Names it: what [`How`], of what, and what the comments say.
    pub key: String,
    /// How its rows are kept from passing.
    pub how: How,
    /// The profile or the list; the profile of a disabled secret too, which often says what it was.
    pub what: String,
    /// What the comments say that it means; a person decides.
    pub said: Option<Meaning>,
    /// Positions of its rows.
    pub rows: Vec<usize>,
}

impl Group {
    /// Positions of some rows to show.
    pub fn sample(&self) -> &[usize] {
        self.rows.get(..SHOWN).unwrap_or(&self.rows)
    }
}

const SAYS: &[(Meaning, &[&str])] = &[
    (
        Meaning::Former,
        &[
            "anulado",
            "baja",
            "cancelado",
            "cancelo",
            "desinstalado",
            "ex",
            "mudo",
            "renuncio",
            "retirado",
            "retiro",
            "viajo",
        ],
    ),
    (
        Meaning::Spare,
        &[
            "disponible",
            "libre",
            "prueba",
            "pruebas",
            "repuesto",
            "reserva",
            "reservado",
            "spare",
            "test",
            "vacante",
        ],
    ),
    (
        Meaning::Cut,
        &[
            "corte",
            "cortada",
            "cortado",
            "debe",
            "deuda",
            "impago",
            "mora",
            "morosa",
            "moroso",
            "pago",
            "pagar",
            "suspendida",
            "suspendido",
            "susp",
        ],
    ),
];

/// What a comment says about a row that does not pass. Only to order a person's questions: `baja` is a floor and a speed too.
pub fn meaning_said(comment: &str) -> Option<Meaning> {
    let words = normalise::words(comment);
    SAYS.iter()
        .find(|(_, said)| words.iter().any(|word| said.contains(&word.as_str())))
        .map(|(meaning, _)| *meaning)
}

/// Gathers the rows that do not pass. `cut_profiles` and `cut_lists` are the device's own names for them; names that look like it
/// count as well. Entries of lists are no rows of this: they say it of the row with their address.
pub fn groups(rows: &[FoundRow], cut_profiles: &[String], cut_lists: &[String]) -> Vec<Group> {
    let listed = listed(rows, cut_lists);
    let mut groups: BTreeMap<String, Group> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| row.kind != RowKind::ListEntry) {
        let on_list = normalise::address_key(&row.address).and_then(|key| listed.get(&key).copied());
        let (how, what) = if row.disabled {
            (How::Disabled, row.profile.as_str())
        } else if cuts(&row.profile, cut_profiles) {
            (How::Profile, row.profile.as_str())
        } else if let Some(list) = on_list {
            (How::Listed, list)
        } else {
            continue;
        };
        let said = meaning_said(&row.comment);
        let says = said.map_or("nothing", Meaning::as_str);
        let key = format!("{how}/{what}/{says}");
        let group = groups.entry(key.clone()).or_insert_with(|| Group {
            key,
            how,
            what: what.to_owned(),
            said,
            rows: Vec::new(),
        });
        group.rows.push(at);
    }
    groups.into_values().collect()
}

fn cuts(name: &str, named: &[String]) -> bool {
    let plain = normalise::compact(name);
    named.iter().any(|known| !known.is_empty() && known == name)
        || CUTTING.iter().any(|part| plain.contains(part))
}

/// Lists by the addresses on them.
fn listed<'r>(rows: &'r [FoundRow], cut_lists: &[String]) -> HashMap<String, &'r str> {
    let entries = rows.iter().filter(|row| row.kind == RowKind::ListEntry && !row.disabled);
    let cutting = entries.filter(|row| cuts(&row.list, cut_lists));
    cutting.filter_map(|row| Some((normalise::address_key(&row.address)?, row.list.as_str()))).collect()
}
