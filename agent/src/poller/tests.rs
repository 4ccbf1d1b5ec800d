use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use atalaya_protocol::wire;

use super::*;
use crate::clock::AgentClock;
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
