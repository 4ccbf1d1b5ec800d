use super::{Class, Compared, Cutting, Expected, Finding, NotKnown, Reading, Standing, Subject};
use crate::{
    imports::rules::address_key,
    inventory::{ListingRow, RowTable, field},
    jobs::Field,
    provisioning::AttachmentKind,
};
use atalaya_kernel::time::Timestamp;
use std::collections::{BTreeMap, HashMap, HashSet};

/// A reading is believed for so long, ms.
pub const FRESH_MS: i64 = 6 * 3_600_000;
/// What was ordered less than this before a reading may not have reached the router by then, ms.
pub const SETTLED_MS: i64 = 10 * 60_000;
/// How the agent marks a row as ours: this and the id of the point, as a word of the comment.
const MARKER: &str = "atalaya:";

/// Compares the points of a router with what was read there.
pub fn classify(router: Standing<'_>, subjects: &[Subject], now: Timestamp) -> Compared {
    let reading = match reading(router, now) {
        Ok(reading) => reading,
        Err(why) => {
            let points = i64::try_from(subjects.len()).unwrap_or(i64::MAX);
            return Compared { not_known: BTreeMap::from([(why, points)]), ..Compared::default() };
        }
    };
    let rows = Rows::of(&reading, router.cutting);
    let mut compared = Compared::default();
    for (at, subject) in subjects.iter().enumerate() {
        match rows.judge(subject) {
            Judged::InOrder => compared.in_order += 1,
            Judged::NotKnown(why) => *compared.not_known.entry(why).or_default() += 1,
            Judged::Wrong(class, row, facts) => {
                compared.findings.push(Finding { class, subject: Some(at), row, facts });
            }
        }
    }
    compared.findings.extend(rows.strangers(subjects));
    compared
}

/// The reading, if anything follows from it.
fn reading<'r>(router: Standing<'r>, now: Timestamp) -> Result<Reading<'r>, NotKnown> {
    if !router.enforces {
        return Err(NotKnown::Observes);
    }
    let reading = router.reading.ok_or(NotKnown::NoListing)?;
    if reading.read_at.plus_millis(FRESH_MS) < now { Err(NotKnown::ListingOld) } else { Ok(reading) }
}

enum Judged {
    InOrder,
    NotKnown(NotKnown),
    Wrong(Class, String, Vec<Field>),
}

/// What was read, by what subjects are known by.
struct Rows<'r> {
    read_at: Timestamp,
    tables: &'r [RowTable],
    cutting: Cutting<'r>,
    secrets: HashMap<&'r str, &'r ListingRow>,
    sessions: HashMap<&'r str, &'r ListingRow>,
    /// Entries of the cut list by their address.
    listed: HashMap<String, &'r ListingRow>,
}

fn name(row: &ListingRow) -> String {
    format!("{}/{}", row.table, row.key)
}

fn fact(name: &str, value: &str) -> Field {
    Field { name: name.to_owned(), value: value.to_owned() }
}

impl<'r> Rows<'r> {
    fn of(reading: &Reading<'r>, cutting: Cutting<'r>) -> Self {
        let rows = reading.rows;
        let of = move |table: RowTable| rows.iter().filter(move |row| row.table == table);
        let by_name = |table| -> HashMap<&'r str, &'r ListingRow> {
            of(table).map(|row| (row.text(field::NAME), row)).collect()
        };
        let entries = of(RowTable::ListEntries).filter(|row| row.text(field::LIST) == cutting.list);
        let entries = entries.filter(|row| !row.flag(field::DISABLED));
        Self {
            read_at: reading.read_at,
            tables: reading.tables,
            cutting,
            secrets: by_name(RowTable::Secrets),
            sessions: by_name(RowTable::Sessions),
            listed: entries.filter_map(|row| Some((address_key(row.text(field::ADDRESS))?, row))).collect(),
        }
    }

    fn judge(&self, subject: &Subject) -> Judged {
        // Who has a fixed address may be cut by the list, however they are attached.
        let needed: &[RowTable] = match subject.kind {
            AttachmentKind::Pppoe if subject.address.is_empty() => &[RowTable::Secrets],
            AttachmentKind::Pppoe => &[RowTable::Secrets, RowTable::ListEntries],
            AttachmentKind::Static => &[RowTable::ListEntries],
        };
        if !needed.iter().all(|table| self.tables.contains(table)) {
            return Judged::NotKnown(NotKnown::NotListed);
        }
        if subject.expected == Expected::Held {
            return Judged::NotKnown(NotKnown::Held);
        }
        // The router may have been read before this order reached it, or in the middle of it.
        if subject.changed_at.plus_millis(SETTLED_MS) > self.read_at {
            return Judged::NotKnown(NotKnown::Changing);
        }
        match subject.kind {
            AttachmentKind::Pppoe => self.judge_user(subject),
            AttachmentKind::Static => self.judge_address(subject),
        }
    }

    fn judge_user(&self, subject: &Subject) -> Judged {
        let Some(secret) = self.secrets.get(subject.user.as_str()).copied() else {
            if subject.expected == Expected::Gone {
                return Judged::InOrder;
            }
            return Judged::Wrong(Class::NotInRouter, String::new(), vec![fact(field::NAME, &subject.user)]);
        };
        let cut = self.cut_by(secret);
        let session = self.sessions.get(subject.user.as_str()).copied();
        let online = session.map(|session| fact("session", session.text(field::ADDRESS)));
        match (subject.expected, cut) {
            (Expected::Passes, Some(by)) => Judged::Wrong(Class::PaidButCut, name(secret), vec![by]),
            (Expected::Passes, None) => {
                let differs = differs(subject, secret);
                if differs.is_empty() {
                    Judged::InOrder
                } else {
                    Judged::Wrong(Class::Differs, name(secret), differs)
                }
            }
            // Whoever is switched off and has a session goes on until it ends.
            (Expected::Cut, Some(by)) if by.name == field::DISABLED => match online {
                Some(online) => Judged::Wrong(Class::CutButOnline, name(secret), vec![by, online]),
                None => Judged::InOrder,
            },
            (Expected::Cut, Some(_)) => Judged::InOrder,
            (Expected::Cut, None) => {
                let profile = fact(field::PROFILE, secret.text(field::PROFILE));
                Judged::Wrong(
                    Class::CutButOnline,
                    name(secret),
                    std::iter::once(profile).chain(online).collect(),
                )
            }
            // A row without our marker is somebody else's, and stays.
            (Expected::Gone, _) if is_marked(secret, subject) => {
                let comment = fact(field::COMMENT, secret.text(field::COMMENT));
                Judged::Wrong(Class::Differs, name(secret), vec![comment])
            }
            (Expected::Gone | Expected::Held, _) => Judged::InOrder,
        }
    }

    /// What cuts a secret.
    fn cut_by(&self, secret: &ListingRow) -> Option<Field> {
        if secret.flag(field::DISABLED) {
            return Some(fact(field::DISABLED, "true"));
        }
        if secret.text(field::PROFILE) == self.cutting.profile {
            return Some(fact(field::PROFILE, self.cutting.profile));
        }
        let listed = self.listed.get(&address_key(secret.text(field::ADDRESS))?)?;
        Some(fact(field::LIST, listed.text(field::LIST)))
    }

    fn judge_address(&self, subject: &Subject) -> Judged {
        let Some(address) = address_key(&subject.address) else {
            return Judged::NotKnown(NotKnown::NotListed);
        };
        match (subject.expected, self.listed.get(&address)) {
            (Expected::Passes, Some(entry)) => {
                let list = fact(field::LIST, entry.text(field::LIST));
                Judged::Wrong(Class::PaidButCut, name(entry), vec![list])
            }
            (Expected::Cut, None) => {
                Judged::Wrong(Class::CutButOnline, String::new(), vec![fact(field::ADDRESS, &address)])
            }
            // An address that nobody has any more stays on the list until it is given to somebody.
            (Expected::Gone | Expected::Held, _) | (Expected::Passes, None) | (Expected::Cut, Some(_)) => {
                Judged::InOrder
            }
        }
    }

    /// Secrets that no subject is attached by.
    fn strangers(&self, subjects: &[Subject]) -> Vec<Finding> {
        let users: HashSet<&str> = subjects.iter().map(|subject| subject.user.as_str()).collect();
        let mut strangers: Vec<_> =
            self.secrets.values().filter(|row| !users.contains(row.text(field::NAME))).collect();
        strangers.sort_by(|one, other| one.key.cmp(&other.key));
        let finding = |row: &&ListingRow| Finding {
            class: Class::UnknownToUs,
            subject: None,
            row: name(row),
            facts: vec![
                fact(field::NAME, row.text(field::NAME)),
                fact(field::PROFILE, row.text(field::PROFILE)),
            ],
        };
        strangers.into_iter().map(finding).collect()
    }
}

/// What of a secret that passes is not as it was ordered.
fn differs(subject: &Subject, secret: &ListingRow) -> Vec<Field> {
    let mut facts = Vec::new();
    if !subject.profile.is_empty() && subject.profile != secret.text(field::PROFILE) {
        facts.push(fact(field::PROFILE, secret.text(field::PROFILE)));
    }
    if !subject.address.is_empty()
        && address_key(&subject.address) != address_key(secret.text(field::ADDRESS))
    {
        facts.push(fact(field::ADDRESS, secret.text(field::ADDRESS)));
    }
    facts
}

fn is_marked(secret: &ListingRow, subject: &Subject) -> bool {
    let marker = format!("{MARKER}{}", subject.point_id);
    secret.text(field::COMMENT).split_whitespace().any(|word| word == marker)
}
