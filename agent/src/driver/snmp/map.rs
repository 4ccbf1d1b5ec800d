//! What the MIBs say → our metrics.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::parse::{Interface, InterfaceTable, System};
use super::state::{CounterState, Since, Which};
use crate::driver::{Identity, SampleSink};

pub(super) fn identity(system: &System) -> Identity {
    // `RouterOS RB5009UPr+S+` and the like: the description is the best there is without a vendor's MIB.
    Identity {
        model: system.description.clone(),
        version: String::new(),
        serial: String::new(),
        name: system.name.clone(),
        uptime: system.uptime_ticks.map(|ticks| Duration::from_millis(u64::from(ticks) * 10)),
    }
}

/// Pushes what the walk of the interface tables gave; gives what passed since the last one.
pub(super) fn samples(
    table: &InterfaceTable,
    state: &mut CounterState,
    now: Duration,
    sink: &mut SampleSink<'_>,
) -> Since {
    let mut since = Since::Start;
    if let Some(ticks) = table.uptime_ticks {
        let uptime;
        (uptime, since) = state.uptime(ticks, table.engine_seconds, now);
        sink.gauge("system_uptime_seconds", &[], seconds(uptime));
    }
    let mut seen = HashSet::new();
    for (index, row) in &table.rows {
        let Some(name) = row.name.as_deref().filter(|name| !is_subscriber_session(name)) else { continue };
        if seen.insert(name) {
            interface(name, row, since, state, sink);
        } else {
            // Two interfaces of one name would become one series that jumps.
            interface(&format!("{name}#{index}"), row, since, state, sink);
        }
    }
    state.keep(|name| seen.contains(name.split('#').next().unwrap_or(name)));
    since
}

/// How interfaces are called in labels, by ifIndex: as in [`samples`].
pub(super) fn names(table: &InterfaceTable) -> HashMap<u32, String> {
    let mut seen = HashSet::new();
    let named = table.rows.iter().filter_map(|(index, row)| Some((*index, row.name.as_deref()?)));
    named
        .filter(|(_, name)| !is_subscriber_session(name))
        .map(|(index, name)| {
            (index, if seen.insert(name) { name.to_owned() } else { format!("{name}#{index}") })
        })
        .collect()
}

/// RouterOS shows every PPP session as an interface `<pppoe-user>`: thousands, and they are read elsewhere.
fn is_subscriber_session(name: &str) -> bool {
    name.starts_with('<')
}

fn interface(name: &str, row: &Interface, since: Since, state: &mut CounterState, sink: &mut SampleSink<'_>) {
    let labels = [("interface", name)];
    let octets_per_second = row.speed_bps.filter(|speed| *speed > 0).map(|speed| speed / 8);
    let mut octets = |wide: Option<u64>, narrow: Option<u32>, which| {
        wide.or_else(|| narrow.map(|count| state.widen(name, which, count, since, octets_per_second)))
    };
    let received = octets(row.in_octets64, row.in_octets32, Which::InOctets);
    let transmitted = octets(row.out_octets64, row.out_octets32, Which::OutOctets);
    for (metric, count) in
        [("interface_receive_bytes_total", received), ("interface_transmit_bytes_total", transmitted)]
    {
        if let Some(count) = count {
            sink.counter(metric, &labels, count);
        }
    }
    for (metric, count, which) in [
        ("interface_receive_errors_total", row.in_errors, Which::InErrors),
        ("interface_transmit_errors_total", row.out_errors, Which::OutErrors),
        ("interface_receive_discards_total", row.in_discards, Which::InDiscards),
    ] {
        if let Some(count) = count {
            sink.counter(metric, &labels, state.widen(name, which, count, since, None));
        }
    }
    if let Some(up) = row.up {
        sink.gauge("interface_up", &labels, up);
    }
    if let Some(speed) = row.speed_bps {
        sink.gauge("interface_speed_bits_per_second", &labels, speed);
    }
    if let Some(ticks) = row.discontinuity_ticks {
        sink.gauge("interface_counter_discontinuity_seconds", &labels, seconds(u64::from(ticks)));
    }
}

/// Hundredths of a second → seconds. Exact to the tick for 285,000 years.
#[allow(clippy::cast_precision_loss)] // Told above.
fn seconds(ticks: u64) -> f64 {
    ticks as f64 / 100.0
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::driver::{Kind, SampleReceiver, Value};

    #[derive(Default)]
    struct Taken(Vec<(String, Option<String>, Value)>);

    impl SampleReceiver for Taken {
        fn receive(&mut self, metric: &str, labels: &[(&str, &str)], _kind: Kind, value: Value) {
            self.0.push((metric.into(), labels.first().map(|(_, value)| (*value).to_owned()), value));
        }
    }

    fn run(table: &InterfaceTable, state: &mut CounterState, now_s: u64) -> Taken {
        let mut taken = Taken::default();
        samples(table, state, Duration::from_secs(now_s), &mut SampleSink::new(&mut taken));
        taken
    }

    fn value(taken: &Taken, metric: &str, interface: &str) -> Option<Value> {
        let mut of_metric = taken.0.iter().filter(|(name, _, _)| name == metric);
        of_metric.find(|(_, label, _)| label.as_deref() == Some(interface)).map(|(_, _, value)| *value)
    }

    #[test]
    fn sessions_are_left_out_and_doubled_names_kept_apart() {
        let mut table = InterfaceTable { uptime_ticks: Some(100), ..InterfaceTable::default() };
        for (index, name) in [(1, "ether1"), (2, "<pppoe-ana>"), (3, "ether1")] {
            let row = Interface {
                name: Some(name.into()),
                in_octets64: Some(u64::from(index)),
                ..Interface::default()
            };
            table.rows.push((index, row));
        }
        let taken = run(&table, &mut CounterState::default(), 1);
        assert_eq!(value(&taken, "interface_receive_bytes_total", "ether1"), Some(Value::Int(1)));
        assert_eq!(value(&taken, "interface_receive_bytes_total", "ether1#3"), Some(Value::Int(3)));
        assert!(!taken.0.iter().any(|(_, label, _)| label.as_deref() == Some("<pppoe-ana>")));
    }

    #[test]
    fn a_device_without_64_bit_counters_is_unwrapped_until_it_restarts() {
        let mut state = CounterState::default();
        let table = |ticks, count| {
            let row = Interface {
                name: Some("ether1".into()),
                in_octets32: Some(count),
                speed_bps: Some(1_000_000_000),
                ..Interface::default()
            };
            InterfaceTable { uptime_ticks: Some(ticks), rows: vec![(1, row)], ..InterfaceTable::default() }
        };
        let metric = "interface_receive_bytes_total";
        let mut read =
            |ticks, count, now| value(&run(&table(ticks, count), &mut state, now), metric, "ether1");
        assert_eq!(read(1_000, 4_294_967_000, 10), Some(Value::Int(4_294_967_000)));
        assert_eq!(read(4_000, 704, 40), Some(Value::Int(4_294_968_000)));
        assert_eq!(read(500, 900, 70), Some(Value::Int(900)));
    }
}
