use std::sync::Arc;

use atalaya_agent::{enrol::EnrolError, uplink::LinkState};
use atalaya_protocol::wire::EnrollErrorCode;

use super::{DAY_MS, NOW_MS, eventually, headquarters::Headquarters, site::Site};

fn code(result: Result<atalaya_agent::enrol::Enrolled, EnrolError>) -> EnrollErrorCode {
    match result {
        Err(EnrolError::Refused { code, .. }) => code,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn saying_the_same_join_string_again_gives_the_same_certificate() {
    let hq = Headquarters::start();
    let (site, join) = (Site::new(0), hq.join());
    let first = site.enroll(&join).await.unwrap();
    // As after a power cut between the answer and the file.
    let again = site.enroll(&join).await.unwrap();
    assert_eq!(first, again);
}

#[tokio::test]
async fn a_token_serves_one_agent() {
    let hq = Headquarters::start();
    let join = hq.join();
    let (one, two) = (Site::new(0), Site::new(0));
    let (a, b) = tokio::join!(one.enroll(&join), two.enroll(&join));
    let (winner, loser) = if a.is_ok() { (a, b) } else { (b, a) };
    assert!(winner.is_ok());
    assert_eq!(code(loser), EnrollErrorCode::TokenUsed);
}

#[tokio::test]
async fn a_wrong_fingerprint_is_told_and_the_token_stays_unused() {
    let hq = Headquarters::start();
    let mut join = hq.join();
    join.root_fingerprint[0] ^= 1;
    let error = Site::new(0).enroll(&join).await.unwrap_err();
    assert!(error.to_string().contains("not the one that the join string names"), "{error}");
    assert!(hq.see(|rows| rows.tokens.values().all(Option::is_none)), "the token never left");
}

#[tokio::test]
async fn an_address_that_asks_too_often_is_told_to_wait() {
    let hq = Headquarters::start();
    let mut join = hq.join();
    join.token = "wrong".into();
    let site = Site::new(0);
    for _ in 0..10 {
        assert_eq!(code(site.enroll(&join).await), EnrollErrorCode::TokenUnknown);
    }
    match site.enroll(&join).await {
        Err(EnrolError::Refused { code: EnrollErrorCode::RateLimited, retry_after, .. }) => {
            assert!(!retry_after.is_zero());
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_ended_certificate_is_refused_renewed_and_let_in() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    let enrolled = site.enroll(&hq.join()).await.unwrap();
    hq.state.clock.advance_millis(100 * DAY_MS);
    let running = site.run();
    eventually("connected with a renewed certificate", async || running.state() == LinkState::Connected)
        .await;
    let renewed = site.store.enrolled().unwrap().unwrap();
    assert_ne!(renewed.certificate, enrolled.certificate);
    assert_eq!(renewed.confirmed_time_ms, NOW_MS + 100 * DAY_MS);
}

#[tokio::test]
async fn after_two_thirds_of_its_life_a_certificate_is_renewed_unasked() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    let first = site.enroll(&hq.join()).await.unwrap();
    assert!(!site.renewal().is_due().unwrap());
    let later = Site::on_disk_of(&site, 61 * DAY_MS);
    hq.state.clock.advance_millis(61 * DAY_MS);
    let stop = tokio_util::sync::CancellationToken::new();
    let renewing = Arc::new(later.renewal()).run(stop.clone());
    let renewed = eventually("renewed", async || {
        later.store.enrolled().unwrap().unwrap().certificate != first.certificate
    });
    tokio::select! {
        ended = renewing => panic!("{ended:?}"),
        () = renewed => {}
    }
    assert!(!later.renewal().is_due().unwrap());
}

/// Another agent's identity is never put over the one that this state directory belongs to.
#[tokio::test]
async fn a_state_directory_belongs_to_one_agent() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    let mut held = site.enroll(&hq.join()).await.unwrap();
    held.agent = "agt_2".into();
    site.store.keep(&held).unwrap();
    assert!(matches!(site.enroll(&hq.join()).await, Err(EnrolError::OtherAgent { .. })));
    assert_eq!(site.store.enrolled().unwrap(), Some(held));
}

#[tokio::test]
async fn beyond_the_grace_and_once_revoked_nothing_is_renewed() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    let gateways = site.enroll(&hq.join()).await.unwrap().gateways;
    hq.change(|rows| rows.revoked.extend(["agt_1".to_owned()]));
    let revoked = atalaya_agent::enrol::renew(&site.store, &gateways, site.floor()).await;
    assert_eq!(code(revoked), EnrollErrorCode::Revoked);
    hq.state.clock.advance_millis(300 * DAY_MS);
    let over = atalaya_agent::enrol::renew(&site.store, &gateways, site.floor()).await;
    assert_eq!(code(over), EnrollErrorCode::GraceOver);
}

#[tokio::test]
async fn revoking_ends_a_live_connection_within_two_seconds_and_the_agent_stays_away() {
    let hq = Headquarters::start();
    let site = Site::new(0);
    site.enroll(&hq.join()).await.unwrap();
    let running = site.run();
    eventually("connected", async || running.state() == LinkState::Connected).await;
    // Without a hint: as if another process had written it.
    hq.state.rows.lock().revoked.insert("agt_1".into());
    let mut status = running.status.clone();
    let told = status.wait_for(|status| status.state == LinkState::Revoked);
    tokio::time::timeout(std::time::Duration::from_secs(2), told).await.expect("within 2 s").unwrap();
    assert_eq!(running.status.borrow().retry_at_ms, 0, "no further attempt is planned");
}

#[tokio::test]
async fn of_two_agents_with_one_identity_the_newer_wins_visibly() {
    let hq = Headquarters::start();
    let old = Site::new(0);
    old.enroll(&hq.join()).await.unwrap();
    let first = old.run();
    eventually("the first is connected", async || first.state() == LinkState::Connected).await;
    let second = Site::on_disk_of(&old, 0).run();
    eventually("the second is connected", async || second.state() == LinkState::Connected).await;
    eventually("the first is superseded", async || first.state() == LinkState::Superseded).await;
    let status = first.status.borrow().clone();
    assert!(status.retry_at_ms - NOW_MS >= 300_000, "it comes back rarely: {status:?}");
    assert_eq!(
        hq.see(|rows| rows.duplicated.clone()),
        [1],
        "headquarters knows that the first is still there"
    );
    assert_eq!(hq.registry.sessions().len(), 1);
}
