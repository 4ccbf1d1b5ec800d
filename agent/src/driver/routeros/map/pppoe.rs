//! A PPPoE subscriber: a secret, the profile it names, the sessions that live by them.

use super::super::parse;
use super::super::tables::{
    ListEntry, PROFILE_MARKER, Password, Profile, Queue, Secret, Tables, interface_of, is_pppoe,
};
use super::{FixedWrite, carries_marker, empty, field, marked};
use crate::desired::{Access, Status, bare_address};
use crate::driver::{ObservedRow, RouterosOptions, RowStatus, Session, SessionKey, Want};

pub(super) fn observe(want: &Want, tables: &Tables, options: &RouterosOptions) -> ObservedRow {
    let Access::Pppoe { user, .. } = &want.point.access else { return empty(RowStatus::Absent) };
    let named: Vec<&Secret> =
        tables.secrets.get(user).into_iter().flatten().filter(|secret| is_pppoe(&secret.service)).collect();
    let secret = match named.as_slice() {
        [] => match renamed(want, tables) {
            Ok(secret) => secret,
            Err(blocked) => return ObservedRow { blocked: Some(blocked), ..empty(RowStatus::Active) },
        },
        [one] => Some(*one),
        [..] => {
            let blocked =
                Some(format!("{} secrets are named {user}: it cannot be told which counts", named.len()));
            return ObservedRow { blocked, ..empty(RowStatus::Active) };
        }
    };
    let sessions = secret.map_or(user.as_str(), |secret| secret.name.as_str());
    let sessions = tables.sessions.get(sessions).cloned().unwrap_or_default();
    match secret {
        Some(secret) => present(want, secret, sessions, tables, options),
        None => absent(want, sessions, tables),
    }
}

/// A secret of ours under another user name. Someone who copies a secret copies its marker: of two it cannot be told
/// which one counts.
fn renamed<'a>(want: &Want, tables: &'a Tables) -> Result<Option<&'a Secret>, String> {
    // A secret by whose name another point goes is that one's: the marker came with a copy.
    let mut carriers =
        tables.secrets.values().flatten().filter(|secret| {
            carries_marker(&secret.comment, &want.point) && !want.users.contains(&secret.name)
        });
    match (carriers.next(), carriers.next()) {
        (Some(one), Some(other)) => Err(format!(
            "secrets {} and {} both carry the marker {}: it cannot be told which counts",
            one.name, other.name, want.point.marker
        )),
        // With the subscriber's own secret removed, a copy of it is the last that carries the marker.
        (Some(one), None) if want.status == Status::Terminated => Err(format!(
            "secret {} carries the marker {} of a subscriber who ended under another name: whether it is theirs or a \
             copy for someone else cannot be told",
            one.name, want.point.marker
        )),
        (one, _) => Ok(one),
    }
}

/// The other secrets that carry the marker of a secret found by its name: copies, with a log-in of their own.
fn copied(want: &Want, secret: &Secret, tables: &Tables) -> Option<String> {
    let carriers = tables.carriers.get(&want.point.marker)?;
    let others: Vec<&str> =
        carriers.iter().map(String::as_str).filter(|name| **name != *secret.name).collect();
    (!others.is_empty()).then(|| {
        format!(
            "the marker {} stands at other secrets too, which are left alone: {}",
            want.point.marker,
            others.join(", ")
        )
    })
}

fn absent(want: &Want, sessions: Vec<Session>, tables: &Tables) -> ObservedRow {
    let mut row = ObservedRow { sessions, ..empty(RowStatus::Absent) };
    let Access::Pppoe { user, profile, address, .. } = &want.point.access else { return row };
    if want.status != Status::Active {
        return row;
    }
    if want.password.is_none() {
        row.blocked = Some(format!("there is no secret {user}, and no password came to make it with"));
        return row;
    }
    row.pending = vec![field("name", user), field("service", "pppoe"), field("profile", profile)];
    row.pending.extend(address.as_ref().map(|address| field("remote-address", address)));
    row.pending.extend([field("password", "(new)"), field("comment", &want.point.marker)]);
    let managed = ["name", "service", "profile", "remote-address", "password", "comment", "disabled"];
    let unmanaged =
        want.point.restore.iter().filter(|(name, _)| is_unmanaged(name) && !managed.contains(&name.as_str()));
    row.pending.extend(unmanaged.cloned());
    row.pending.extend(profile_pending(want, tables));
    row
}

/// Fields of a before-image that belong to the secret itself and are not ours to decide.
fn is_unmanaged(name: &str) -> bool {
    matches!(
        name,
        "caller-id"
            | "local-address"
            | "routes"
            | "remote-ipv6-prefix"
            | "limit-bytes-in"
            | "limit-bytes-out"
    )
}

fn present(
    want: &Want,
    secret: &Secret,
    sessions: Vec<Session>,
    tables: &Tables,
    options: &RouterosOptions,
) -> ObservedRow {
    let is_cut = secret.disabled || secret.profile == options.cut_profile;
    let status = if is_cut { RowStatus::Suspended } else { RowStatus::Active };
    let own_profile = tables.profiles.get(&secret.profile);
    let live = live_queue(secret, tables);
    let mut row = ObservedRow {
        speed: live.and_then(|queue| queue.speed).or_else(|| own_profile.and_then(|profile| profile.speed)),
        fields: fields(secret, own_profile),
        sessions,
        ..empty(status)
    };
    let is_ours = want.point.adopt || carries_marker(&secret.comment, &want.point);
    match want.status {
        // Someone else's by now, or let go by a person: nothing of this point is left to remove. Let go, what a person only
        // recognised as the subscriber's is not yet ours: our marker was never written.
        Status::Terminated
            if want.taken || (want.point.address_free && !carries_marker(&secret.comment, &want.point)) =>
        {
            return ObservedRow { status: RowStatus::Absent, ..row };
        }
        Status::Terminated if is_ours => row.pending = vec![field("removed", "yes")],
        Status::Terminated | Status::Suspended => {
            if !is_cut {
                row.pending.push(field("profile", &options.cut_profile));
            }
        }
        Status::Active => row.pending = active_pending(want, secret, tables),
    }
    if want.status != Status::Terminated && want.point.adopt {
        row.pending.extend(adoption(want, secret));
    }
    row.pending.extend(prefix_pending(want, secret, is_ours, tables, options));
    row.stale = stale(want, secret, &row, tables, options);
    row.walled = want.status == Status::Active && is_walled(secret, &row, tables, options);
    if row.is_in_place() && want.status == Status::Active {
        row.blocked = conflict(want, own_profile);
    }
    row.left = left(want, secret, is_ours, tables);
    row
}

/// A cut profile walls the IPv4 address alone: the prefix that the secret gives goes on the cut list, and off it again.
fn prefix_pending(
    want: &Want,
    secret: &Secret,
    is_ours: bool,
    tables: &Tables,
    options: &RouterosOptions,
) -> Vec<(String, String)> {
    let Some(prefix) = secret.ipv6_prefix() else { return Vec::new() };
    let listed = tables.lists.get(bare_address(prefix)).into_iter().flatten();
    let listed: Vec<&ListEntry> = listed.filter(|entry| entry.list == options.cut_address_list).collect();
    let unlist = |entry: &&ListEntry| field(FixedWrite::UNLIST, &entry.address);
    match want.status {
        Status::Active => listed.iter().map(unlist).collect(),
        // The secret goes, and its prefix with it.
        Status::Terminated if is_ours => {
            let ours = listed.iter().filter(|entry| carries_marker(&entry.comment, &want.point));
            ours.map(unlist).collect()
        }
        Status::Suspended | Status::Terminated if listed.iter().any(|entry| !entry.disabled) => Vec::new(),
        Status::Suspended | Status::Terminated => vec![field(FixedWrite::LIST, prefix)],
    }
}

/// What is left as it is though it differs from what is wanted; several reasons are one text.
fn left(want: &Want, secret: &Secret, is_ours: bool, tables: &Tables) -> Option<String> {
    let not_ours = (want.status == Status::Terminated && !is_ours).then(|| {
        format!(
            "secret {} does not carry the marker {}: it was not made by us, so it is cut and not removed",
            secret.name, want.point.marker
        )
    });
    let speed = (want.status == Status::Active).then(|| foreign_speed(want, tables)).flatten();
    let no_room = (want.status != Status::Terminated
        && want.point.adopt
        && !carries_marker(&secret.comment, &want.point)
        && marked(&secret.comment, &want.point).is_none())
    .then(|| format!("the comment of secret {} leaves no room for the marker", secret.name));
    let reasons: Vec<String> =
        [not_ours, speed, no_room, copied(want, secret, tables)].into_iter().flatten().collect();
    (!reasons.is_empty()).then(|| reasons.join("; "))
}

/// The marker, where a person recognised the secret as the subscriber's and it is not written yet.
fn adoption(want: &Want, secret: &Secret) -> Option<(String, String)> {
    if carries_marker(&secret.comment, &want.point) {
        return None;
    }
    marked(&secret.comment, &want.point).map(|comment| field("comment", comment))
}

fn fields(secret: &Secret, profile: Option<&Profile>) -> Vec<(String, String)> {
    let mut fields = vec![
        field("name", &secret.name),
        field("service", &secret.service),
        field("profile", &secret.profile),
        field("disabled", if secret.disabled { "yes" } else { "no" }),
    ];
    if !secret.remote_address.is_empty() {
        fields.push(field("remote-address", &secret.remote_address));
    }
    fields.push(field("comment", &secret.comment));
    if let Some(profile) = profile.filter(|profile| !profile.rate_limit.is_empty()) {
        fields.push(field("profile.rate-limit", &profile.rate_limit));
    }
    fields.extend(secret.others.iter().cloned());
    fields
}

/// What an active subscriber's rows lack, computed from the plan and never from what was there before.
fn active_pending(want: &Want, secret: &Secret, tables: &Tables) -> Vec<(String, String)> {
    let Access::Pppoe { user, profile, address, .. } = &want.point.access else { return Vec::new() };
    let mut pending = Vec::new();
    if secret.name != *user {
        pending.push(field("name", user));
    }
    if secret.disabled {
        pending.push(field("disabled", "no"));
    }
    if secret.profile != *profile {
        pending.push(field("profile", profile));
    }
    if let Some(address) = address.as_ref().filter(|address| **address != secret.remote_address) {
        pending.push(field("remote-address", address));
    }
    let password_due = match secret.password {
        Password::Differs => true,
        Password::Unknown => want.fresh && want.password.is_some(),
        Password::Same => false,
    };
    if password_due {
        pending.push(field("password", "(new)"));
    }
    pending.extend(profile_pending(want, tables));
    pending
}

/// Speed at its source: the profile that the plan names. One that we did not make, and that nobody gave to us, may be
/// the profile of subscribers whom we do not know: it is left as it is.
fn profile_pending(want: &Want, tables: &Tables) -> Option<(String, String)> {
    let Access::Pppoe { profile, .. } = &want.point.access else { return None };
    let speed = want.point.speed.filter(|_| want.speed_conflict.is_none())?;
    match tables.profiles.get(profile) {
        Some(found) if found.speed == Some(speed) || !found.is_ours() => None,
        _ => Some(field("profile.rate-limit", parse::rate(speed))),
    }
}

/// Why a subscriber does not have the plan's speed, when it is for a profile that is not ours to change.
fn foreign_speed(want: &Want, tables: &Tables) -> Option<String> {
    let Access::Pppoe { profile, .. } = &want.point.access else { return None };
    let speed = want.point.speed?;
    let found =
        tables.profiles.get(profile).filter(|found| found.speed != Some(speed) && !found.is_ours())?;
    let has = if found.rate_limit.is_empty() { "no limit" } else { found.rate_limit.as_str() };
    Some(format!(
        "profile {profile} has {has} and the plan {}: it was not made by us and is left as it is. Write the word \
         {PROFILE_MARKER} into its comment to give it to us, or name another profile",
        parse::rate(speed)
    ))
}

fn conflict(want: &Want, profile: Option<&Profile>) -> Option<String> {
    let differs = profile.and_then(|profile| profile.speed) != want.point.speed;
    want.speed_conflict.clone().filter(|_| differs)
}

/// Whether something of the subscriber is still behind the wall: their prefix, a session on the cut list, or one that
/// has the rate of the cut profile where their own has another.
fn is_walled(secret: &Secret, row: &ObservedRow, tables: &Tables, options: &RouterosOptions) -> bool {
    let Some(cut) = tables.profiles.get(&options.cut_profile) else { return false };
    let own = tables.profiles.get(&secret.profile).and_then(|profile| profile.speed);
    let live = live_queue(secret, tables).and_then(|queue| queue.speed);
    let at_cut_rate =
        !row.sessions.is_empty() && cut.speed.is_some() && live == cut.speed && own != cut.speed;
    let listed = row.sessions.iter().any(|session| is_listed(session, &cut.address_list, tables));
    let prefix = row.pending.iter().any(|(name, _)| name == FixedWrite::UNLIST);
    prefix || listed || at_cut_rate
}

/// Whether a session is on a list by its profile.
fn is_listed(session: &Session, list: &str, tables: &Tables) -> bool {
    let mut entries = tables.lists.get(&session.address).into_iter().flatten();
    !list.is_empty() && entries.any(|entry| entry.dynamic && entry.list == list)
}

/// The queue that limits the session of a secret.
fn live_queue<'a>(secret: &Secret, tables: &'a Tables) -> Option<&'a Queue> {
    tables.queues.get(&interface_of(&secret.name)).and_then(|queues| queues.first())
}

/// Sessions that must go. With a write that concerns them: all. Without: those whose live queue or address-list
/// entry shows that they live by other settings; where nothing shows it, none.
fn stale(
    want: &Want,
    secret: &Secret,
    row: &ObservedRow,
    tables: &Tables,
    options: &RouterosOptions,
) -> Vec<SessionKey> {
    // Taken off a list, a session passes as it stands.
    let concerns_sessions = row
        .pending
        .iter()
        .any(|(name, _)| !matches!(name.as_str(), "password" | "comment" | FixedWrite::UNLIST));
    let kept_out = want.status != Status::Active && secret.disabled;
    if concerns_sessions || kept_out {
        return row.sessions.iter().map(|session| session.key.clone()).collect();
    }
    let cut = tables.profiles.get(&options.cut_profile);
    let wanted = if want.status == Status::Active { tables.profiles.get(&secret.profile) } else { cut };
    let live = live_queue(secret, tables);
    let lives_otherwise = |session: &&Session| {
        let by_queue = match (wanted.and_then(|profile| profile.speed), live.and_then(|queue| queue.speed)) {
            (Some(wanted), Some(live)) => Some(wanted != live),
            _ => None,
        };
        let list = cut.map_or("", |cut| cut.address_list.as_str());
        let walled = is_listed(session, list, tables);
        match want.status {
            Status::Active => by_queue == Some(true) || walled,
            Status::Suspended | Status::Terminated => by_queue.unwrap_or(!list.is_empty() && !walled),
        }
    };
    // With several sessions of one user only the first owns the queue of that name.
    row.sessions.iter().take(1).filter(lives_otherwise).map(|session| session.key.clone()).collect()
}

#[cfg(test)]
mod tests;
