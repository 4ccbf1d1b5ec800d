use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use atalaya_protocol::wire;

use super::*;
use crate::clock::AgentClock;
use crate::driver::icmp::{EchoPlan, Echoes, IcmpDevice};
use crate::driver::{Credentials, Device, Identify, Identity, Measure, RouterosOptions, Target, TlsMode};

struct Fake {
    target: Target,
    asked: AtomicUsize,
    hangs: bool,
}

#[async_trait]
impl Identify for Fake {
    async fn identify(&self) -> Result<Identity, DeviceError> {
        Ok(Identity { name: "fake".into(), ..Identity::default() })
    }
}

#[async_trait]
impl Measure for Fake {
    async fn measure(&self, sink: &mut SampleSink<'_>) -> Result<(), DeviceError> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        sink.gauge("before_the_end", &[], 1_i64);
        if self.hangs {
            std::future::pending::<()>().await;
        }
        Ok(())
    }
}

#[async_trait]
impl Device for Fake {
    fn target(&self) -> &Target {
        &self.target
    }
    fn identify(&self) -> &dyn Identify {
        self
    }
    fn measure(&self) -> Option<&dyn Measure> {
        Some(self)
    }
    async fn test_connection(&self) -> Vec<wire::Check> {
        Vec::new()
    }
}

fn fake(device_id: &str, hangs: bool) -> Arc<Fake> {
    let target = Target {
        device_id: device_id.into(),
        site_id: "sit_1".into(),
        name: device_id.into(),
        kind: "fake".into(),
        host: "localhost".into(),
        port: None,
        tls: TlsMode::Off,
        credentials: Credentials::None,
        max_in_flight: 0,
        routeros: RouterosOptions::default(),
    };
    Arc::new(Fake { target, asked: AtomicUsize::new(0), hangs })
}

#[tokio::test]
async fn a_device_that_hangs_takes_its_time_and_not_the_others() {
    let (good, bad) = (fake("dev_good", false), fake("dev_hangs", true));
    let config = ActiveConfig {
        devices: vec![
            Arc::new(ActiveDevice::for_test(good.clone(), Duration::from_secs(1))),
            Arc::new(ActiveDevice::for_test(bad.clone(), Duration::from_secs(1))),
        ],
        ..ActiveConfig::default()
    };
    let (samples, mut arrived) = mpsc::channel(64);
    let board = Arc::new(DeviceBoard::default());
    let registry = Arc::new(Registry::new(Vec::new(), false));
    let poller = Poller {
        clock: Arc::new(AgentClock::start()),
        registry: Arc::clone(&registry),
        samples,
        board: Arc::clone(&board),
        liveness: Arc::default(),
    };
    let (_sender, config) = watch::channel(Arc::new(config));
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(poller.run(config, stop.clone()));

    let up = registry.number("dev_hangs", "device_up", &[], crate::driver::Kind::Gauge).unwrap();
    let partial = registry.number("dev_hangs", "before_the_end", &[], crate::driver::Kind::Gauge).unwrap();
    let told = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let samples = arrived.recv().await.unwrap();
            if let Some(sample) = samples.iter().find(|sample| sample.series == up) {
                // What was measured before it hung counts.
                assert!(samples.iter().any(|sample| sample.series == partial));
                return sample.value;
            }
        }
    });
    assert_eq!(told.await.unwrap(), crate::driver::Value::Int(0));
    let states = board.states();
    assert_eq!(states[0].reachability(), wire::Reachability::Answers);
    assert_eq!(states[0].identity, "fake");
    assert_eq!(states[1].reachability(), wire::Reachability::Silent);
    assert!(states[1].detail.contains("took longer"), "{}", states[1].detail);
    assert!(good.asked.load(Ordering::SeqCst) >= 1);
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
}

/// Runs a poller over one device until its samples hold one of the series named; the value, and what the board says.
async fn measured_until(
    device: ActiveDevice,
    metric: &'static str,
) -> (crate::driver::Value, Vec<wire::DeviceState>) {
    let device_id = device.driver.target().device_id.clone();
    let config = ActiveConfig { devices: vec![Arc::new(device)], ..ActiveConfig::default() };
    let (samples, mut arrived) = mpsc::channel(64);
    let (board, registry) = (Arc::new(DeviceBoard::default()), Arc::new(Registry::new(Vec::new(), false)));
    let poller = Poller {
        clock: Arc::new(AgentClock::start()),
        registry: Arc::clone(&registry),
        samples,
        board: Arc::clone(&board),
        liveness: Arc::default(),
    };
    let (_sender, config) = watch::channel(Arc::new(config));
    let stop = CancellationToken::new();
    let mut tasks = JoinSet::new();
    tasks.spawn(poller.run(config, stop.clone()));
    let series = registry.number(&device_id, metric, &[], crate::driver::Kind::Gauge).unwrap();
    let value = tokio::time::timeout(Duration::from_secs(20), async {
        loop {
            let samples = arrived.recv().await.unwrap();
            if let Some(sample) = samples.iter().find(|sample| sample.series == series) {
                return sample.value;
            }
        }
    });
    let value = value.await.unwrap();
    stop.cancel();
    tasks.join_next().await.unwrap().unwrap().unwrap();
    (value, board.states())
}

fn pinged(host: &str, echoes: &Arc<Echoes>) -> ActiveDevice {
    let driver = fake("dev_1", false);
    let target = Target { host: host.into(), ..driver.target.clone() };
    let plan = EchoPlan { count: 2, spacing: Duration::from_millis(10), timeout: Duration::from_millis(500) };
    let ping = Arc::new(IcmpDevice::new(target, Arc::clone(echoes), plan));
    let mut device = ActiveDevice::for_test(driver, Duration::from_secs(1));
    device.ping = Some(ping);
    device
}

#[tokio::test]
async fn a_device_of_any_kind_is_pinged_beside_its_own_measurement() {
    let echoes = Arc::new(Echoes::open(Arc::new(AgentClock::start())));
    if let Some(problem) = echoes.problem(true) {
        assert!(std::env::var_os("CI").is_none(), "{problem}");
        eprintln!("not tested: {problem}");
        return;
    }
    let stop = CancellationToken::new();
    let mut answers = JoinSet::new();
    answers.spawn(Arc::clone(&echoes).run(stop.clone()));
    let (loss, _) = measured_until(pinged("127.0.0.1", &echoes), "icmp_loss_ratio").await;
    assert_eq!(loss, crate::driver::Value::Float(0.0));
    let (rtt, _) = measured_until(pinged("127.0.0.1", &echoes), "icmp_rtt_seconds").await;
    assert!(matches!(rtt, crate::driver::Value::Float(seconds) if seconds > 0.0), "{rtt:?}");
    stop.cancel();
}

#[tokio::test]
async fn where_pinging_is_not_permitted_measuring_goes_on() {
    let echoes = Arc::new(Echoes::refused(Arc::new(AgentClock::start()), "ICMP is not permitted"));
    assert_eq!(echoes.problem(true), Some("ICMP is not permitted"), "what the status says, once");
    let (up, states) = measured_until(pinged("127.0.0.1", &echoes), "device_up").await;
    assert_eq!(up, crate::driver::Value::Int(1));
    assert_eq!(states[0].reachability(), wire::Reachability::Answers);
    assert!(states[0].detail.is_empty(), "{}", states[0].detail);
}
