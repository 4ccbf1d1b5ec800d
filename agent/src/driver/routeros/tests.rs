//! The driver against the simulated router.

mod bulk;
mod connecting;
mod operating;
mod writing;

use std::net::SocketAddr;
use std::sync::Arc;

use atalaya_protocol::wire;
use atalaya_simulators::routeros::{RouterSim, SimConfig};
use zeroize::Zeroizing;

use super::RouterOs;
use crate::clock::AgentClock;
use crate::desired::{Point, Speed, Status};
use crate::driver::{Change, Credentials, Enforce as _, ObservedRow, RouterosOptions, Target, TlsMode, Want};

fn target(address: SocketAddr) -> Target {
    Target {
        device_id: "dev_1".into(),
        site_id: "sit_1".into(),
        name: "tower".into(),
        kind: "routeros".into(),
        host: address.ip().to_string(),
        port: Some(address.port()),
        tls: TlsMode::Off,
        credentials: password("admin"),
        max_in_flight: 8,
        routeros: RouterosOptions::default(),
    }
}

fn password(password: &str) -> Credentials {
    Credentials::UserPassword { user: "admin".into(), password: Zeroizing::new(password.into()) }
}

fn router(target: Target) -> RouterOs {
    RouterOs::new(target, Arc::new(AgentClock::start()))
}

/// A small ISP whose cut profile walls by the address list `cortados` too.
fn isp(subscribers: u32, with_cpes: bool) -> SimConfig {
    SimConfig::isp(subscribers, with_cpes).with_command([
        "/ip/firewall/filter/add",
        "=chain=forward",
        "=action=drop",
        "=src-address-list=cortados",
    ])
}

async fn start(config: SimConfig) -> (RouterSim, RouterOs) {
    let sim = RouterSim::start(config).await.unwrap();
    let router = router(target(sim.address()));
    (sim, router)
}

fn pppoe(user: &str, profile: &str, status: Status) -> Want {
    let access = wire::PppoeAccess { user: user.into(), profile: profile.into(), ..Default::default() };
    want(user, wire::Method::Pppoe, wire::desired_point::Access::Pppoe(access), status)
}

fn fixed(address: &str, status: Status) -> Want {
    let access = wire::StaticAccess { address: address.into() };
    want(address, wire::Method::StaticAddress, wire::desired_point::Access::StaticAddress(access), status)
}

fn want(name: &str, method: wire::Method, access: wire::desired_point::Access, status: Status) -> Want {
    let mut point = Point::from_wire(wire::DesiredPoint {
        point_id: format!("enp_{name}"),
        device_id: "dev_1".into(),
        method: method.into(),
        status: wire::DesiredStatus::Active.into(),
        access: Some(access),
        marker: format!("atalaya:enp_{name}"),
        ..Default::default()
    });
    point.status = status;
    Want {
        point: Arc::new(point),
        status,
        fresh: true,
        speed_conflict: None,
        taken: false,
        in_use: false,
        users: Arc::default(),
        password: None,
    }
}

fn with_speed(mut want: Want, upload_bps: u64, download_bps: u64) -> Want {
    Arc::make_mut(&mut want.point).speed = Some(Speed { download_bps, upload_bps });
    want
}

async fn changes(router: &RouterOs, wants: &[Want]) -> Vec<Change> {
    let rows = router.read(wants).await.unwrap();
    wants.iter().cloned().zip(rows).map(|(want, row)| Change { want, row }).collect()
}

/// Writes and settles, as the enforcer does, and reads back.
async fn apply(router: &RouterOs, wants: &[Want]) -> Vec<ObservedRow> {
    let changes = changes(router, wants).await;
    for outcome in router.write(&changes).await.into_iter().chain(router.settle(&changes).await) {
        outcome.unwrap();
    }
    router.read(wants).await.unwrap()
}

/// Polls until `check` holds.
async fn eventually(what: &str, check: impl Fn() -> bool) {
    let patience = async {
        while !check() {
            tokio::time::sleep(std::time::Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), patience)
        .await
        .unwrap_or_else(|_| panic!("never: {what}"));
}
