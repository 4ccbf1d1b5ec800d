//! From desired points to what a driver is asked.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::Shared;
use crate::core::enforcement::Phase;
use crate::desired::{Access, Addresses, Point, Speed, Status};
use crate::driver::Want;
use crate::journal::Memories;

/// One want per point, in their order.
pub(super) fn build(shared: &Shared, device: &str, points: &[Arc<Point>], now_ms: i64) -> Vec<Want> {
    let everyone = shared.desired.of_device(device);
    let speeds = profile_speeds(&everyone);
    let holders = holders(&everyone);
    let users = users(&everyone);
    let in_use = in_use(shared, points);
    points
        .iter()
        .map(|point| Want {
            status: point.wanted(now_ms),
            fresh: is_fresh(&shared.memories, point),
            speed_conflict: conflict(point, &speeds),
            taken: is_taken(point, &holders),
            in_use: fixed_end(point).is_some_and(|address| in_use.meets(address)),
            users: users.clone(),
            password: password(shared, point),
            point: point.clone(),
        })
        .collect()
}

/// Whether this order was never read back as in place.
fn is_fresh(memories: &Memories, point: &Point) -> bool {
    let memory = memories.of(&point.id);
    memory.order != point.order || memory.phase == Phase::New
}

fn password(shared: &Shared, point: &Point) -> Option<zeroize::Zeroizing<String>> {
    let Access::Pppoe { sealed_password, .. } = &point.access else { return None };
    if sealed_password.is_empty() {
        return None;
    }
    let opened = shared.unseal.unseal(sealed_password);
    if opened.is_none() {
        tracing::warn!(point = %point.id, "the password is not sealed to this agent; the one on the device is left");
    }
    opened
}

/// How many points that are not terminated have a user name or an address.
type Holders<'a> = HashMap<&'a str, usize>;

fn holders(points: &[Arc<Point>]) -> Holders<'_> {
    let mut holders = Holders::new();
    for point in points.iter().filter(|point| point.status != Status::Terminated) {
        if let Some(access) = access(point) {
            *holders.entry(access).or_default() += 1;
        }
    }
    holders
}

/// User names of everybody on the device who has not ended.
fn users(points: &[Arc<Point>]) -> Arc<HashSet<String>> {
    let named = points.iter().filter(|point| point.status != Status::Terminated).filter_map(|point| {
        match &point.access {
            Access::Pppoe { user, .. } => Some(user.clone()),
            Access::Static { .. } | Access::Unsupported { .. } => None,
        }
    });
    Arc::new(named.collect())
}

/// Whether a point that is not terminated has what this one has: what stands there is that one's business.
fn is_taken(point: &Point, holders: &Holders<'_>) -> bool {
    let others = access(point).and_then(|access| holders.get(access)).copied().unwrap_or(0);
    others > usize::from(point.status != Status::Terminated)
}

fn access(point: &Point) -> Option<&str> {
    match &point.access {
        Access::Pppoe { user, .. } => Some(user),
        Access::Static { address } => Some(address),
        Access::Unsupported { .. } => None,
    }
}

/// The address of a point that has one by itself and is terminated.
fn fixed_end(point: &Point) -> Option<&str> {
    match &point.access {
        Access::Static { address } if point.status == Status::Terminated => Some(address),
        _ => None,
    }
}

/// Addresses of everybody who has not ended, at whatever device: one who moved to another router, or was given their
/// address by PPPoE, may still pass through this one. Only asked for where somebody's fixed address ended.
fn in_use(shared: &Shared, points: &[Arc<Point>]) -> Addresses {
    let mut addresses = Addresses::default();
    if points.iter().any(|point| fixed_end(point).is_some()) {
        let everyone = shared.desired.everyone();
        for point in everyone.iter().filter(|point| point.status != Status::Terminated) {
            match &point.access {
                Access::Static { address } | Access::Pppoe { address: Some(address), .. } => {
                    addresses.insert(address);
                }
                Access::Pppoe { .. } | Access::Unsupported { .. } => {}
            }
        }
    }
    addresses
}

type Speeds<'a> = HashMap<&'a str, HashSet<Speed>>;

/// A profile has one rate. When headquarters is in the middle of changing a plan, points of one profile may
/// want two: then the rate is left as it is until they agree.
fn profile_speeds(points: &[Arc<Point>]) -> Speeds<'_> {
    let mut speeds = Speeds::new();
    for point in points {
        if let (Access::Pppoe { profile, .. }, Some(speed)) = (&point.access, point.speed) {
            speeds.entry(profile.as_str()).or_default().insert(speed);
        }
    }
    speeds
}

fn conflict(point: &Point, speeds: &Speeds<'_>) -> Option<String> {
    let Access::Pppoe { profile, .. } = &point.access else { return None };
    let wanted = speeds.get(profile.as_str()).filter(|wanted| wanted.len() > 1)?;
    Some(format!(
        "profile {profile} is wanted at {} different speeds: its rate is left as it is",
        wanted.len()
    ))
}
