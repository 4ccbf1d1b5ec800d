//! The menus that enforcement needs, read as a set: one print per menu however many points are asked for.

use std::collections::{HashMap, HashSet};

use super::client::{CallError, Client, Command, Row, TrapClass};
use super::parse;
use crate::desired::{Access, Speed, bare_address, span};
use crate::driver::{Session, SessionKey, Want};

/// Up to so many names a print is narrowed by query words; above, the whole menu is cheaper for both ends.
pub(super) const NARROW_UP_TO: usize = 64;

/// A row of `/ppp/secret`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Secret {
    pub(super) name: String,
    pub(super) service: String,
    pub(super) profile: String,
    pub(super) disabled: bool,
    pub(super) remote_address: String,
    pub(super) comment: String,
    /// Fields that we do not manage and that are set: they travel in the before-image.
    pub(super) others: Vec<(String, String)>,
    /// Compared where it is read; the password itself is not kept.
    pub(super) password: Password,
}

impl Secret {
    /// IPv6 prefix that its sessions get.
    pub(super) fn ipv6_prefix(&self) -> Option<&str> {
        let prefix = self.others.iter().find(|(name, _)| name == PREFIX).map(|(_, prefix)| prefix.as_str());
        prefix.filter(|prefix| is_delegated(prefix))
    }
}

/// Whether this is one subscriber's prefix. Routers show `::/0` where none is set, and what an ISP has as a whole is no
/// subscriber's: on a cut list it would wall everybody.
fn is_delegated(prefix: &str) -> bool {
    let length = prefix.split_once('/').map_or(Some(128), |(_, length)| length.parse::<u8>().ok());
    prefix.contains(':') && span(prefix).is_some() && length.is_some_and(|length| length > 32)
}

/// What the router showed of a secret's password.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Password {
    /// Not asked for, or hidden from us (policy `sensitive` is missing).
    #[default]
    Unknown,
    /// As wanted.
    Same,
    /// Another one.
    Differs,
}

/// Word in the comment of profiles that we make, and of those that a person gives to us by writing it there.
pub(super) const PROFILE_MARKER: &str = "atalaya";

/// A row of `/ppp/profile`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Profile {
    pub(super) rate_limit: String,
    pub(super) speed: Option<Speed>,
    pub(super) address_list: String,
    pub(super) comment: String,
}

impl Profile {
    /// Whether its rate is ours to change.
    pub(super) fn is_ours(&self) -> bool {
        is_our_profile(&self.comment)
    }
}

/// Whether a profile with this comment is ours to change.
pub(super) fn is_our_profile(comment: &str) -> bool {
    comment.split_whitespace().any(|word| word == PROFILE_MARKER)
}

/// A row of `/queue/simple`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Queue {
    pub(super) name: String,
    pub(super) target: String,
    pub(super) speed: Option<Speed>,
    pub(super) max_limit: String,
    pub(super) dynamic: bool,
    pub(super) disabled: bool,
    pub(super) comment: String,
}

/// A row of an address list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct ListEntry {
    pub(super) list: String,
    pub(super) address: String,
    pub(super) disabled: bool,
    pub(super) dynamic: bool,
    pub(super) comment: String,
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Tables {
    pub(super) secrets: HashMap<String, Vec<Secret>>,
    /// Names of the secrets whose comment carries a wanted point's marker, by marker.
    pub(super) carriers: HashMap<String, Vec<String>>,
    pub(super) sessions: HashMap<String, Vec<Session>>,
    pub(super) profiles: HashMap<String, Profile>,
    /// By target: the interface of a session, or an address without `/32`.
    pub(super) queues: HashMap<String, Vec<Queue>>,
    /// By address without `/32`.
    pub(super) lists: HashMap<String, Vec<ListEntry>>,
    /// Address pools: (name, ranges as the router writes them).
    pub(super) pools: Vec<(String, String)>,
}

const SECRET: &[&str] = &[
    "name",
    "service",
    "profile",
    "disabled",
    "remote-address",
    "comment",
    "caller-id",
    "local-address",
    "routes",
    PREFIX,
    "limit-bytes-in",
    "limit-bytes-out",
];
const PREFIX: &str = "remote-ipv6-prefix";
const UNMANAGED: &[&str] =
    &["caller-id", "local-address", "routes", PREFIX, "limit-bytes-in", "limit-bytes-out"];
const ACTIVE: &[&str] = &["name", "service", "caller-id", "address", "uptime", "session-id"];
const QUEUE: &[&str] = &["name", "target", "max-limit", "dynamic", "disabled", "comment"];
const ENTRY: &[&str] = &["list", "address", "disabled", "dynamic", "comment"];

/// Reads what comparing `wants` needs. `lists` are the address lists that make a cut.
pub(super) async fn read(
    client: &Client,
    wants: &[Want],
    lists: &[String],
    now_ms: i64,
) -> Result<Tables, CallError> {
    let names = names(wants);
    let fixed = wants.iter().any(|want| matches!(want.point.access, Access::Static { .. }));
    let pppoe = !names.is_empty();
    let v6 = wants
        .iter()
        .any(|want| matches!(&want.point.access, Access::Static { address } if address.contains(':')));
    let (secrets, sessions, profiles, queues, v4_lists, pools) = futures::try_join!(
        secrets(client, wants, &names),
        sessions_if(client, pppoe, &names, now_ms),
        print_if(
            client,
            pppoe,
            Command::new("/ppp/profile/print").columns(&["name", "rate-limit", "address-list", "comment"])
        ),
        print_if(client, pppoe || fixed, queue_command(wants, &names)),
        print_if(client, !lists.is_empty(), list_command("/ip/firewall/address-list/print", lists)),
        print_if(client, fixed, Command::new("/ip/pool/print").columns(&["name", "ranges"])),
    )?;
    let v6 = v6 || secrets.iter().any(|row| is_delegated(row.text(PREFIX)));
    let v6_lists =
        print_if(client, v6 && !lists.is_empty(), list_command("/ipv6/firewall/address-list/print", lists))
            .await?;
    let pools =
        pools.iter().map(|row| (row.text("name").to_owned(), row.text("ranges").to_owned())).collect();
    let mut tables = Tables { sessions, pools, ..Tables::default() };
    let passwords: HashMap<&str, &str> = wants.iter().filter_map(wanted_password).collect();
    let markers: HashSet<&str> = wants.iter().map(|want| want.point.marker.as_str()).collect();
    for row in &secrets {
        let secret = secret(row, &passwords);
        for marker in secret.comment.split_whitespace().filter(|word| markers.contains(word)) {
            tables.carriers.entry(marker.to_owned()).or_default().push(secret.name.clone());
        }
        tables.secrets.entry(secret.name.clone()).or_default().push(secret);
    }
    for row in &profiles {
        tables.profiles.insert(row.text("name").to_owned(), profile(row));
    }
    for row in &queues {
        let queue = queue(row);
        // A queue for several targets is nobody's plan: it is found by its comment alone.
        tables.queues.entry(bare_address(&queue.target).to_owned()).or_default().push(queue);
    }
    for row in v4_lists.iter().chain(&v6_lists) {
        let entry = entry(row);
        tables.lists.entry(bare_address(&entry.address).to_owned()).or_default().push(entry);
    }
    Ok(tables)
}

/// Live PPPoE sessions of `names` (all when there are many), by user, oldest first.
pub(super) async fn sessions(
    client: &Client,
    names: &[&str],
    now_ms: i64,
) -> Result<HashMap<String, Vec<Session>>, CallError> {
    let command = narrowed(Command::new("/ppp/active/print").columns(ACTIVE), "name", names);
    let mut sessions: HashMap<String, Vec<Session>> = HashMap::new();
    for row in &client.call(&command).await?.rows {
        if is_pppoe(row.text("service")) {
            sessions.entry(row.text("name").to_owned()).or_default().push(session(row, now_ms));
        }
    }
    for of_one in sessions.values_mut() {
        of_one.sort_by_key(|session| session.key.since_ms);
    }
    Ok(sessions)
}

async fn sessions_if(
    client: &Client,
    needed: bool,
    names: &[&str],
    now_ms: i64,
) -> Result<HashMap<String, Vec<Session>>, CallError> {
    if needed { sessions(client, names, now_ms).await } else { Ok(HashMap::new()) }
}

/// Whether a secret or session of this service may be a PPPoE subscriber's.
pub(super) fn is_pppoe(service: &str) -> bool {
    matches!(service, "" | "any" | "pppoe")
}

/// PPPoE user names of the points.
pub(super) fn names(wants: &[Want]) -> Vec<&str> {
    wants
        .iter()
        .filter_map(|want| match &want.point.access {
            Access::Pppoe { user, .. } => Some(user.as_str()),
            Access::Static { .. } | Access::Unsupported { .. } => None,
        })
        .collect()
}

/// Narrows a print to rows whose `property` is one of `values`, unless there are many.
pub(super) fn narrowed(command: Command, property: &str, values: &[&str]) -> Command {
    if values.len() > NARROW_UP_TO { command } else { command.any_of(property, values.iter().copied()) }
}

/// The secrets of the points. Few points are asked for by name. A name that is not there may have been changed by
/// hand: then the whole menu is read, for the marker stands somewhere in a comment, and a router cannot search inside
/// of one.
async fn secrets(client: &Client, wants: &[Want], names: &[&str]) -> Result<Vec<Row>, CallError> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let asks_password = wants.iter().any(|want| want.password.is_some());
    let mut columns = SECRET.to_vec();
    if asks_password {
        columns.push("password");
    }
    let everyone = Command::new("/ppp/secret/print").columns(&columns);
    if names.len() > NARROW_UP_TO {
        return print_if(client, true, everyone).await;
    }
    let found = print_if(client, true, everyone.clone().any_of("name", names.iter().copied())).await?;
    let all_there = {
        let pppoe = found.iter().filter(|row| is_pppoe(row.text("service")));
        let there: HashSet<&str> = pppoe.map(|row| row.text("name")).collect();
        names.iter().all(|name| there.contains(name))
    };
    if all_there { Ok(found) } else { print_if(client, true, everyone).await }
}

fn queue_command(wants: &[Want], names: &[&str]) -> Command {
    let command = Command::new("/queue/simple/print").columns(QUEUE);
    if wants.len() > NARROW_UP_TO {
        return command;
    }
    let mut queries: Vec<String> =
        names.iter().map(|name| format!("?target={}", interface_of(name))).collect();
    for want in wants {
        if let Access::Static { address } = &want.point.access {
            queries.push(format!("?target={}", queue_target(address)));
            queries.push(format!("?target={address}"));
            queries.push(format!("?comment={}", want.point.marker));
        }
    }
    let any = queries.len().saturating_sub(1);
    let command = queries.iter().fold(command, |command, query| command.query(query));
    (0..any).fold(command, |command, _| command.query("?#|"))
}

fn list_command(path: &str, lists: &[String]) -> Command {
    Command::new(path).columns(ENTRY).any_of("list", lists.iter().map(String::as_str))
}

/// The interface that the router makes for a user's (first) session.
pub(super) fn interface_of(user: &str) -> String {
    format!("<pppoe-{user}>")
}

/// A queue's target as the router shows it: hosts carry their prefix length.
pub(super) fn queue_target(address: &str) -> String {
    match (address.contains('/'), address.contains(':')) {
        (true, _) => address.to_owned(),
        (false, true) => format!("{address}/128"),
        (false, false) => format!("{address}/32"),
    }
}

/// Prints, or does not. A menu that this router does not have (package or version) has no rows.
async fn print_if(client: &Client, needed: bool, command: Command) -> Result<Vec<Row>, CallError> {
    if !needed {
        return Ok(Vec::new());
    }
    match client.call(&command).await {
        Ok(reply) => Ok(reply.rows),
        Err(error) if error.class() == Some(TrapClass::NoSuchCommand) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn wanted_password(want: &Want) -> Option<(&str, &str)> {
    match (&want.point.access, &want.password) {
        (Access::Pppoe { user, .. }, Some(password)) => Some((user.as_str(), password.as_str())),
        _ => None,
    }
}

fn secret(row: &Row, passwords: &HashMap<&str, &str>) -> Secret {
    let name = row.text("name").to_owned();
    let shown = row.get("password").filter(|password| !password.is_empty());
    let password = match (shown, passwords.get(name.as_str())) {
        (Some(shown), Some(wanted)) if shown == *wanted => Password::Same,
        (Some(_), Some(_)) => Password::Differs,
        _ => Password::Unknown,
    };
    let set = |field: &&&str| !matches!(row.text(field), "" | "0");
    Secret {
        service: row.text("service").to_owned(),
        profile: row.text("profile").to_owned(),
        disabled: row.flag("disabled"),
        remote_address: row.text("remote-address").to_owned(),
        comment: row.text("comment").to_owned(),
        others: UNMANAGED
            .iter()
            .filter(set)
            .map(|field| ((*field).to_owned(), row.text(field).to_owned()))
            .collect(),
        name,
        password,
    }
}

fn session(row: &Row, now_ms: i64) -> Session {
    let uptime = parse::duration(row.text("uptime")).unwrap_or_default();
    Session {
        key: SessionKey {
            id: row.text("session-id").to_owned(),
            caller_id: row.text("caller-id").to_owned(),
            since_ms: now_ms.saturating_sub(crate::clock::millis(uptime)),
        },
        address: row.text("address").to_owned(),
    }
}

fn profile(row: &Row) -> Profile {
    Profile {
        speed: parse::speed(row.text("rate-limit")),
        rate_limit: row.text("rate-limit").to_owned(),
        address_list: row.text("address-list").to_owned(),
        comment: row.text("comment").to_owned(),
    }
}

fn queue(row: &Row) -> Queue {
    Queue {
        name: row.text("name").to_owned(),
        target: row.text("target").to_owned(),
        speed: parse::speed(row.text("max-limit")),
        max_limit: row.text("max-limit").to_owned(),
        dynamic: row.flag("dynamic"),
        disabled: row.flag("disabled"),
        comment: row.text("comment").to_owned(),
    }
}

fn entry(row: &Row) -> ListEntry {
    ListEntry {
        list: row.text("list").to_owned(),
        address: row.text("address").to_owned(),
        disabled: row.flag("disabled"),
        dynamic: row.flag("dynamic"),
        comment: row.text("comment").to_owned(),
    }
}
