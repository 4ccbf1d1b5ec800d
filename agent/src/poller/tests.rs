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

/// A poller at work on some devices.
struct AtWork {
    registry: Arc<Registry>,
    board: Arc<DeviceBoard>,
    arrived: mpsc::Receiver<Vec<Sample>>,
    stop: CancellationToken,
    tasks: JoinSet<anyhow::Result<()>>,
    _config: watch::Sender<Arc<ActiveConfig>>,
}

impl AtWork {
    fn on(devices: Vec<ActiveDevice>) -> Self {
        let devices = devices.into_iter().map(Arc::new).collect();
        let config = ActiveConfig { devices, ..ActiveConfig::default() };
        let (samples, arrived) = mpsc::channel(64);
        let (board, registry) = (Arc::default(), Arc::new(Registry::new(Vec::new(), false)));
        let poller = Poller {
            clock: Arc::new(AgentClock::start()),
            registry: Arc::clone(&registry),
            samples,
            board: Arc::clone(&board),
            liveness: Arc::default(),
        };
        let (sender, config) = watch::channel(Arc::new(config));
        let stop = CancellationToken::new();
        let mut tasks = JoinSet::new();
        tasks.spawn(poller.run(config, stop.clone()));
        Self { registry, board, arrived, stop, tasks, _config: sender }
    }

    /// The samples of one measurement in which a gauge of a device stands, and its value.
    async fn until(&mut self, device: &str, metric: &'static str) -> (Vec<Sample>, crate::driver::Value) {
        let series = self.registry.number(device, metric, &[], crate::driver::Kind::Gauge).unwrap();
        let told = tokio::time::timeout(Duration::from_secs(20), async {
            loop {
                let samples = self.arrived.recv().await.unwrap();
                if let Some(value) = samples.iter().find(|s| s.series == series).map(|s| s.value) {
                    return (samples, value);
                }
            }
        });
        told.await.unwrap()
    }

    async fn finish(mut self) {
        self.stop.cancel();
        self.tasks.join_next().await.unwrap().unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_device_that_hangs_takes_its_time_and_not_the_others() {
    let (good, bad) = (fake("dev_good", false), fake("dev_hangs", true));
    let every = Duration::from_secs(1);
    let devices = vec![ActiveDevice::for_test(good.clone(), every), ActiveDevice::for_test(bad, every)];
    let mut work = AtWork::on(devices);
    let (samples, up) = work.until("dev_hangs", "device_up").await;
    assert_eq!(up, crate::driver::Value::Int(0));
    // What was measured before it hung counts.
    let partial =
        work.registry.number("dev_hangs", "before_the_end", &[], crate::driver::Kind::Gauge).unwrap();
    assert!(samples.iter().any(|sample| sample.series == partial));
    let states = work.board.states();
    assert_eq!(states[0].reachability(), wire::Reachability::Answers);
    assert_eq!(states[0].identity, "fake");
    assert_eq!(states[1].reachability(), wire::Reachability::Silent);
    assert!(states[1].detail.contains("took longer"), "{}", states[1].detail);
    assert_eq!(states[1].finding.clone().unwrap().code, "timeout");
    assert!(states[0].finding.is_none());
    assert!(good.asked.load(Ordering::SeqCst) >= 1);
    work.finish().await;
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

/// Echoes of this machine; `None`, told, where it may not ping.
fn echoes() -> Option<Arc<Echoes>> {
    let echoes = Arc::new(Echoes::open(Arc::new(AgentClock::start())));
    let Some(problem) = echoes.problem(true) else { return Some(echoes) };
    assert!(std::env::var_os("CI").is_none(), "{problem}");
    eprintln!("not tested: {problem}");
    None
}

#[tokio::test]
async fn a_device_of_any_kind_is_pinged_beside_its_own_measurement() {
    let Some(echoes) = echoes() else { return };
    let stop = CancellationToken::new();
    let mut answers = JoinSet::new();
    answers.spawn(Arc::clone(&echoes).run(stop.clone()));
    let mut work = AtWork::on(vec![pinged("127.0.0.1", &echoes)]);
    let (_, loss) = work.until("dev_1", "icmp_loss_ratio").await;
    assert_eq!(loss, crate::driver::Value::Float(0.0));
    let (samples, rtt) = work.until("dev_1", "icmp_rtt_seconds").await;
    assert!(matches!(rtt, crate::driver::Value::Float(seconds) if seconds > 0.0), "{rtt:?}");
    let jitter =
        work.registry.number("dev_1", "icmp_jitter_seconds", &[], crate::driver::Kind::Gauge).unwrap();
    assert!(samples.iter().any(|sample| sample.series == jitter), "the figures of one round arrive together");
    work.until("dev_1", "before_the_end").await;
    work.finish().await;
    stop.cancel();
}

#[tokio::test]
async fn where_pinging_is_not_permitted_measuring_goes_on() {
    let echoes = Arc::new(Echoes::refused(Arc::new(AgentClock::start()), "ICMP is not permitted"));
    assert_eq!(echoes.problem(true), Some("ICMP is not permitted"), "what the status says, once");
    let mut work = AtWork::on(vec![pinged("127.0.0.1", &echoes)]);
    let (_, up) = work.until("dev_1", "device_up").await;
    assert_eq!(up, crate::driver::Value::Int(1));
    let states = work.board.states();
    assert_eq!(states[0].reachability(), wire::Reachability::Answers);
    assert!(states[0].detail.is_empty(), "{}", states[0].detail);
    work.finish().await;
}

/// Also what a device sees of an agent that stops while echoes are under way: it did not go down then.
#[tokio::test]
async fn what_could_not_be_asked_is_neither_up_nor_down() {
    let echoes = Arc::new(Echoes::refused(Arc::new(AgentClock::start()), "ICMP is not permitted"));
    let target = Target { host: "127.0.0.1".into(), ..fake("dev_1", false).target.clone() };
    let driver = Arc::new(IcmpDevice::new(target, echoes, EchoPlan::default()));
    let mut work = AtWork::on(vec![ActiveDevice::for_test(driver, Duration::from_secs(1))]);
    let (samples, _) = work.until("dev_1", "device_measure_seconds").await;
    let up = work.registry.number("dev_1", "device_up", &[], crate::driver::Kind::Gauge).unwrap();
    assert!(samples.iter().all(|sample| sample.series != up), "{samples:?}");
    let states = work.board.states();
    assert!(states[0].detail.contains("not permitted"), "{}", states[0].detail);
    work.finish().await;
}

#[tokio::test]
async fn a_slow_ping_holds_back_neither_the_samples_of_its_driver_nor_other_devices() {
    let Some(echoes) = echoes() else { return };
    // Nobody drives these echoes: no ping ends before its patience does.
    let devices = (0..3 * SLOTS).map(|number| {
        let driver = fake(&format!("dev_{number}"), false);
        let target = Target { host: "127.0.0.1".into(), ..driver.target.clone() };
        let ping = Arc::new(IcmpDevice::new(target, Arc::clone(&echoes), EchoPlan::default()));
        let mut device = ActiveDevice::for_test(driver, Duration::from_secs(5));
        device.ping = Some(ping);
        device
    });
    let mut work = AtWork::on(devices.collect());
    let more_than_slots = async {
        while echoes.under_way() <= SLOTS {
            work.arrived.recv().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(20), more_than_slots).await.unwrap();
    work.finish().await;
}
