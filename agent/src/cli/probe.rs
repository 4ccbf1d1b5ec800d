//! `probe DEVICE`: is it reachable, and what does it say?

use std::time::Duration;

use super::{Bench, label, print_test};
use crate::config::Local;
use crate::driver::{Kind, SampleReceiver, SampleSink, Value};
use crate::supervise::Supervisor;

const PATIENCE: Duration = Duration::from_secs(60);

/// Prints samples as they come.
struct Printer {
    count: usize,
}

impl SampleReceiver for Printer {
    fn receive(&mut self, metric: &'static str, labels: &[(&'static str, &str)], _kind: Kind, value: Value) {
        self.count += 1;
        let labels: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        let value = match value {
            Value::Int(value) => value.to_string(),
            Value::Float(value) => value.to_string(),
        };
        println!("{metric}{{{}}} {value}", labels.join(","));
    }
}

pub(super) async fn run(local: &Local, device: &str) -> anyhow::Result<u8> {
    let bench = Bench::open(local)?;
    let device = bench.device(device)?;
    let mut tasks = Supervisor::new();
    tasks.start("sockets", bench.resources.clone().run(tasks.token()));
    println!("{}", label(device.driver.target()));
    let mut well = print_test(device.driver.as_ref()).await;
    if well && let Some(measure) = device.driver.measure() {
        let mut printer = Printer { count: 0 };
        let mut sink = SampleSink::new(&mut printer);
        match tokio::time::timeout(PATIENCE, measure.measure(&mut sink)).await {
            Ok(Ok(())) => println!("{} samples", printer.count),
            Ok(Err(error)) => {
                println!("FAILED   {error}");
                well = false;
            }
            Err(_) => {
                println!("FAILED   the measurement took longer than {} s", PATIENCE.as_secs());
                well = false;
            }
        }
    }
    tasks.stop(Duration::from_secs(1)).await?;
    Ok(u8::from(!well))
}
