use std::time::Duration;

use atalaya_protocol::wire::{Check, CheckStatus};
use atalaya_simulators::routeros::{Hang, LoginMode};

use super::*;
use crate::driver::{DeviceError, Identify as _, Kind, Measure as _, SampleReceiver, SampleSink, Value};

#[derive(Default)]
struct Samples(Vec<(String, String, Value)>);

impl SampleReceiver for Samples {
    fn receive(&mut self, metric: &str, labels: &[(&str, &str)], _: Kind, value: Value) {
        self.0.push((metric.into(), labels.first().map_or("", |(_, value)| value).into(), value));
    }
}

#[tokio::test]
async fn says_who_it_is_and_what_it_measures() {
    let (sim, router) = start(isp(3, true)).await;
    let identity = router.identify().await.unwrap();
    assert_eq!((identity.name.as_str(), identity.serial.as_str()), ("sim-router", "SIM0000001"));
    assert!(identity.uptime.is_some() && !identity.version.is_empty() && !identity.model.is_empty());
    eventually("three sessions", || sim.rows("/ppp/active").unwrap().len() == 3).await;
    let mut samples = Samples::default();
    router.measure(&mut SampleSink::new(&mut samples)).await.unwrap();
    let has =
        |metric: &str, label: &str| samples.0.iter().any(|(name, value, _)| name == metric && value == label);
    assert!(has("system_uptime_seconds", "") && has("system_cpu_ratio", "") && has("interface_up", "ether1"));
    assert!(has("interface_receive_bytes_total", "ether1"));
    assert!(samples.0.contains(&("ppp_active_sessions".into(), String::new(), Value::Int(3))));
    assert!(
        !samples.0.iter().any(|(_, label, _)| label.starts_with('<')),
        "interfaces of sessions are no series"
    );
    assert_eq!(sim.counters().logins, 1);
}

#[tokio::test]
async fn an_old_router_is_answered_by_challenge_and_never_told_the_password() {
    for legacy_login in [false, true] {
        let mut config = isp(1, false);
        config.login = Some(LoginMode::Challenge);
        let sim = RouterSim::start(config).await.unwrap();
        let mut target = target(sim.address());
        target.routeros.legacy_login = legacy_login;
        router(target).identify().await.unwrap();
        assert_eq!((sim.counters().logins, sim.counters().login_failures), (1, 0));
    }
}

#[tokio::test]
async fn legacy_login_towards_a_new_router_is_told() {
    let sim = RouterSim::start(isp(1, false)).await.unwrap();
    let mut target = target(sim.address());
    target.routeros.legacy_login = true;
    let error = router(target).identify().await.unwrap_err();
    assert!(error.to_string().contains("legacy_login"), "{error}");
}

#[tokio::test]
async fn a_wrong_password_is_tried_once() {
    let (sim, _) = start(isp(1, false)).await;
    let mut target = target(sim.address());
    target.credentials = password("wrong");
    let router = router(target);
    for _ in 0..3 {
        let error = router.identify().await.unwrap_err();
        assert!(matches!(error, DeviceError::Refused { .. }), "{error}");
    }
    assert_eq!(sim.counters().connections, 1);
}

#[tokio::test]
async fn tls_with_a_pin_with_any_certificate_and_with_the_wrong_pin() {
    let mut config = isp(1, false);
    config.listen_tls = Some(SocketAddr::from(([127, 0, 0, 1], 0)));
    let sim = RouterSim::start(config).await.unwrap();
    let tls = |mode| Target { tls: mode, ..target(sim.tls_address().unwrap()) };
    router(tls(TlsMode::AnyCertificate)).identify().await.unwrap();
    let stages = crate::driver::Device::test_connection(&router(tls(TlsMode::AnyCertificate))).await;
    let shown = &stages[1];
    assert_eq!((shown.code.as_str(), shown.status()), ("tls", CheckStatus::Warning));
    let hex = shown.detail.rsplit(' ').next().unwrap();
    let mut pin = [0; 32];
    for (byte, digits) in pin.iter_mut().zip(hex.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).unwrap(), 16).unwrap();
    }
    router(tls(TlsMode::Pinned(pin))).identify().await.unwrap();
    let error = router(tls(TlsMode::Pinned([7; 32]))).identify().await.unwrap_err();
    assert!(matches!(error, DeviceError::Refused { .. }), "{error}");
    assert!(error.to_string().contains(hex), "{error}");
}

#[tokio::test]
async fn a_lost_session_is_replaced_and_counted() {
    let (sim, router) = start(isp(1, false)).await;
    router.identify().await.unwrap();
    sim.drop_connections();
    let connections = router.connections();
    let patience = tokio::time::timeout(Duration::from_secs(20), async {
        while *connections.borrow() < 2 {
            // The first question may still meet the dead connection.
            let _ = router.identify().await;
        }
    });
    patience.await.unwrap();
}

#[tokio::test]
async fn a_connection_cut_in_the_middle_of_a_sentence_fails_and_heals() {
    let (sim, router) = start(isp(50, false)).await;
    router.identify().await.unwrap();
    sim.update_faults(|faults| faults.cut_after_bytes = Some(500));
    let error = router.list().await.unwrap_err();
    assert!(matches!(error, DeviceError::Unreachable { .. }), "{error}");
    assert_eq!(router.list().await.unwrap().len(), 50);
}

#[tokio::test]
async fn a_refused_session_may_be_tried_again() {
    let (sim, router) = start(isp(1, false)).await;
    sim.update_faults(|faults| faults.max_sessions = Some(0));
    let error = router.identify().await.unwrap_err();
    assert!(!matches!(error, DeviceError::Refused { .. }), "{error}");
    sim.clear_faults();
    router.identify().await.unwrap();
}

#[tokio::test]
async fn a_caller_that_goes_away_leaves_no_command_behind() {
    let (sim, router) = start(isp(1, false)).await;
    router.identify().await.unwrap();
    sim.update_faults(|faults| faults.hang = Some(Hang::BeforeReply));
    for _ in 0..20 {
        assert!(tokio::time::timeout(Duration::from_millis(5), router.identify()).await.is_err());
    }
    sim.clear_faults();
    tokio::time::timeout(Duration::from_secs(20), router.identify()).await.unwrap().unwrap();
    assert!(sim.counters().max_in_flight <= 8);
}

fn stage<'a>(stages: &'a [Check], code: &str) -> &'a Check {
    stages.iter().find(|stage| stage.code == code).unwrap()
}

#[tokio::test]
async fn the_connection_test_names_what_fails() {
    let (sim, router) = start(isp(2, false)).await;
    let before = sim.digests();
    let stages = crate::driver::Device::test_connection(&router).await;
    let codes: Vec<&str> = stages.iter().map(|stage| stage.code.as_str()).collect();
    assert_eq!(codes, ["port", "tls", "login", "rights", "secrets"]);
    assert_eq!(stage(&stages, "rights").status(), CheckStatus::Passed);
    assert_eq!(stage(&stages, "secrets").detail, "2 secrets");
    sim.update_faults(|faults| faults.denied_policies = vec!["write".into(), "sensitive".into()]);
    let stages = crate::driver::Device::test_connection(&router).await;
    assert_eq!(stage(&stages, "rights").status(), CheckStatus::Failed);
    assert!(stage(&stages, "rights").detail.contains("write"));
    assert!(stage(&stages, "rights").remedy.contains("policy=read,write"));
    let finding = stage(&stages, "rights").finding.clone().unwrap();
    assert_eq!((finding.code.as_str(), finding.facts[0].value.as_str()), ("rights_missing", "write"));
    assert_eq!(stage(&stages, "secrets").status(), CheckStatus::Warning);
    assert_eq!(sim.digests(), before, "a test changes nothing");
    let mut wrong = target(sim.address());
    wrong.credentials = password("wrong");
    let stages = crate::driver::Device::test_connection(&super::router(wrong)).await;
    assert_eq!(stage(&stages, "login").status(), CheckStatus::Failed);
    assert_eq!(stage(&stages, "login").finding.clone().unwrap().code, "refused");
    assert_eq!(stage(&stages, "secrets").status(), CheckStatus::Skipped);
    let address = sim.address();
    sim.shutdown().await;
    let stages = crate::driver::Device::test_connection(&super::router(target(address))).await;
    assert_eq!((stages[0].status(), stages[1].status()), (CheckStatus::Failed, CheckStatus::Skipped));
}

#[tokio::test]
async fn a_router_that_falls_silent_is_given_up_and_comes_back() {
    let (sim, router) = start(isp(1, false)).await;
    router.identify().await.unwrap();
    sim.update_faults(|faults| faults.hang = Some(Hang::BeforeReply));
    let error = router.list().await.unwrap_err();
    assert!(matches!(error, DeviceError::Timeout { .. }), "{error}");
    assert!(!error.device_answered(), "whether it did what was asked is open");
    sim.clear_faults();
    assert_eq!(router.list().await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_slow_router_is_waited_for_as_long_as_it_talks() {
    let (sim, router) = start(isp(200, false)).await;
    router.identify().await.unwrap();
    sim.update_faults(|faults| faults.drip = true);
    assert_eq!(router.list().await.unwrap().len(), 200);
}
