//! `verify DEVICE`: makes a subscriber of its own on a real router, cuts, reads, reconnects and removes it, and keeps
//! every sentence. The way to learn whether routers behave as we believe, and our simulator with them.

use std::sync::Arc;

use atalaya_protocol::wire;
use parking_lot::Mutex;
use zeroize::Zeroizing;

use crate::clock::Clock;
use crate::desired::{Point, Status};
use crate::driver::routeros::{RouterOs, Transcript};
use crate::driver::{Change, Device as _, DeviceError, Enforce, Identify, RowStatus, Target, Want};

/// Name of the secret that is made; a router that has one already is not touched.
const SUBSCRIBER: &str = "atalaya-test";

/// Runs the check on a router whose owner allows it. Gives back the transcript, secrets masked, and how it ended.
/// Whatever happens on the way, the test's own secret is removed, and nothing else is changed.
pub async fn verify_router(target: Target, clock: Arc<dyn Clock>) -> (Vec<String>, Result<(), DeviceError>) {
    let transcript: Transcript = Arc::new(Mutex::new(Vec::new()));
    let router = RouterOs::new(target, clock).with_transcript(transcript.clone());
    let note = |line: String| transcript.lock().push(format!("# {line}"));
    let outcome = run(&router, &note).await;
    match &outcome {
        Ok(()) => note("the router behaves as expected".into()),
        Err(error) => note(format!("stopped: {error}")),
    }
    let lines = transcript.lock().clone();
    (lines, outcome)
}

type Note<'a> = &'a (dyn Fn(String) + Send + Sync);

async fn run(router: &RouterOs, note: Note<'_>) -> Result<(), DeviceError> {
    let identity = Identify::identify(router).await?;
    note(format!("{} {} {}", identity.name, identity.model, identity.version));
    for bite in router.can_bite().await? {
        note(format!("check {} {:?}: {}", bite.check.code, bite.check.status(), bite.check.detail));
    }
    let there = router.list().await?.into_iter().any(|row| row.name == SUBSCRIBER);
    if there {
        let words =
            format!("a secret {SUBSCRIBER} is there already; remove it if it is a left-over of this test");
        return Err(DeviceError::Config { words });
    }
    let outcome = steps(router, note).await;
    note("remove".into());
    let removed = apply(router, &want(router, Status::Terminated)).await;
    outcome.and(removed.map(drop))
}

async fn steps(router: &RouterOs, note: Note<'_>) -> Result<(), DeviceError> {
    for (words, status, expected) in [
        ("create", Status::Active, RowStatus::Active),
        ("cut", Status::Suspended, RowStatus::Suspended),
        ("reconnect", Status::Active, RowStatus::Active),
    ] {
        note(words.into());
        let found = apply(router, &want(router, status)).await?;
        if found != expected {
            return Err(DeviceError::Protocol {
                words: format!("after {words} the row reads back {found:?}"),
            });
        }
    }
    Ok(())
}

/// Writes, settles and reads back.
async fn apply(router: &RouterOs, want: &Want) -> Result<RowStatus, DeviceError> {
    let row = read(router, want).await?;
    if !row.is_in_place() {
        let change = [Change { want: want.clone(), row }];
        for outcome in router.write(&change).await.into_iter().chain(router.settle(&change).await) {
            outcome?;
        }
    }
    let row = read(router, want).await?;
    match row.is_in_place() {
        true => Ok(row.status),
        false => Err(DeviceError::Protocol { words: format!("read back differs in {:?}", row.pending) }),
    }
}

async fn read(router: &RouterOs, want: &Want) -> Result<crate::driver::ObservedRow, DeviceError> {
    let rows = router.read(std::slice::from_ref(want)).await?;
    rows.into_iter().next().ok_or_else(|| DeviceError::Protocol { words: "no row was read".into() })
}

fn want(router: &RouterOs, status: Status) -> Want {
    let access =
        wire::PppoeAccess { user: SUBSCRIBER.into(), profile: "default".into(), ..Default::default() };
    let mut point = Point::from_wire(wire::DesiredPoint {
        point_id: SUBSCRIBER.into(),
        device_id: router.target().device_id.clone(),
        method: wire::Method::Pppoe.into(),
        status: wire::DesiredStatus::Active.into(),
        access: Some(wire::desired_point::Access::Pppoe(access)),
        marker: format!("atalaya:{SUBSCRIBER}"),
        ..Default::default()
    });
    point.status = status;
    // Nobody can dial in with it: it is random and not kept.
    let password = Zeroizing::new(format!("{:032x}", rand::random::<u128>()));
    Want {
        point: Arc::new(point),
        status,
        fresh: false,
        speed_conflict: None,
        taken: false,
        in_use: false,
        users: Arc::default(),
        password: Some(password),
    }
}
