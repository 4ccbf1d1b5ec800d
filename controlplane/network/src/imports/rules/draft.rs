//! What a customer would be called who is made from a row.

use super::{FoundRow, Read, normalise};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Words from which on a comment speaks of equipment and not of a person.
const OF_EQUIPMENT: &[&str] = &[
    "antena", "ap", "borne", "caja", "cto", "equipo", "fibra", "gpon", "hilo", "internet", "ip", "mac", "mb",
    "mbps", "mega", "megas", "nap", "nodo", "olt", "onu", "plan", "poste", "pto", "puerto", "router",
    "sector", "splitter", "torre", "tv", "vlan",
];
/// Words that name a number or greet, and are no name.
const OF_NUMBERS: &[&str] = &[
    "c", "cc", "cedula", "cel", "celular", "ci", "cliente", "dni", "doc", "id", "nit", "ruc", "rut", "tel",
    "telefono", "tlf", "wsp",
];

/// A customer to be made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(as = ImportDraft)]
pub struct Draft {
    /// Name; the user or the address of the row where the comment says none.
    #[schema(example = "Rosa Quispe")]
    pub name: String,
    /// Identity document.
    #[schema(example = "40000017")]
    pub document: Option<String>,
    /// Phone.
    #[schema(example = "900000017")]
    pub phone: Option<String>,
    /// Where the service is.
    #[schema(example = "Jr. Los Olivos 123")]
    pub address: Option<String>,
    /// The comment as it stood there, for what nothing else keeps.
    #[schema(example = "Rosa Quispe 900000017 NAP 4")]
    pub notes: Option<String>,
}

/// From a row and what a pattern read out of its comment.
pub fn draft(row: &FoundRow, read: Option<&Read>) -> Draft {
    let comment = normalise::mended(&normalise::without_marker(&row.comment));
    let named = read.and_then(|read| read.name.clone()).or_else(|| name_in(&comment));
    let otherwise = [&row.user, &row.address, &row.mac].into_iter().find(|text| !text.trim().is_empty());
    let name =
        named.or_else(|| otherwise.map(|text| text.trim().to_owned())).unwrap_or_else(|| row.key.clone());
    let field = |of: fn(&Read) -> &Option<String>| read.and_then(|read| of(read).clone());
    Draft {
        name,
        document: field(|read| &read.document),
        phone: field(|read| &read.phone),
        address: field(|read| &read.address),
        notes: (!comment.trim().is_empty()).then(|| comment.trim().to_owned()),
    }
}

/// The beginning of a comment up to the first number or word of equipment, when two words of it look like a name.
fn name_in(comment: &str) -> Option<String> {
    let mut words: Vec<&str> = Vec::new();
    for word in comment.split(|letter: char| letter.is_whitespace() || "-_/|,;:()[]".contains(letter)) {
        let plain = normalise::compact(word);
        if plain.is_empty() || OF_NUMBERS.contains(&plain.as_str()) {
            continue;
        }
        if OF_EQUIPMENT.contains(&plain.as_str()) || plain.chars().any(|letter| letter.is_ascii_digit()) {
            // A name may come after a number that leads the comment.
            if words.len() > 1 {
                break;
            }
            words.clear();
            continue;
        }
        words.push(word);
    }
    let letters: usize =
        words.iter().map(|word| word.chars().filter(|letter| letter.is_alphabetic()).count()).sum();
    (words.len() > 1 && letters >= 5).then(|| words.join(" "))
}
