use super::*;

#[test]
fn a_series_has_one_number_and_the_number_tells_the_series() {
    let registry = Registry::new(Vec::new(), false);
    let labels = [("interface", "ether1")];
    let first = registry.number("dev_1", "interface_up", &labels, Kind::Gauge).unwrap();
    let other = registry.number("dev_2", "interface_up", &labels, Kind::Gauge).unwrap();
    assert_ne!(first, other);
    assert_eq!(registry.number("dev_1", "interface_up", &labels, Kind::Gauge), Some(first));
    let entries = registry.entries(&[first, 999]);
    assert_eq!(entries.len(), 1);
    assert_eq!((entries[0].device_id.as_str(), entries[0].labels[0].value.as_str()), ("dev_1", "ether1"));
    assert_eq!(registry.take_fresh().len(), 2);
    assert!(registry.take_fresh().is_empty());
}

#[test]
fn the_usual_order_is_a_hint_and_never_an_answer() {
    let registry = Registry::new(Vec::new(), false);
    let ask = |last, device: &str, interface: &str, kind| {
        registry.number_after(last, device, "interface_up", &[("interface", interface)], kind).unwrap()
    };
    let first = ask(None, "dev_1", "ether1", Kind::Gauge);
    let second = ask(Some(first), "dev_1", "ether2", Kind::Gauge);
    assert_eq!(ask(Some(first), "dev_1", "ether2", Kind::Gauge), second);
    // Anything that differs is another series, whatever came next the last time.
    let others = [
        ask(Some(first), "dev_2", "ether2", Kind::Gauge),
        ask(Some(first), "dev_1", "ether3", Kind::Gauge),
        ask(Some(first), "dev_1", "ether2", Kind::Counter),
    ];
    assert!(others.iter().all(|number| *number != second), "{others:?} {second}");
    assert_eq!(ask(Some(first), "dev_1", "ether2", Kind::Gauge), second);
    assert_eq!(ask(Some(u32::MAX), "dev_1", "ether1", Kind::Gauge), first);
}

#[test]
fn a_number_that_no_registry_gave_is_refused() {
    let registry = Registry::new(Vec::new(), false);
    registry.number("dev_1", "device_up", &[], Kind::Gauge);
    let mut persisted = registry.all();
    persisted[0].number = FIRST_WITHOUT_DATABASE - 1;
    assert!(!Registry::new(Vec::new(), false).adopt(persisted));
}

#[test]
fn numbers_survive_a_restart_and_are_not_given_twice() {
    let before = Registry::new(Vec::new(), false);
    let old = before.number("dev_1", "device_up", &[], Kind::Gauge).unwrap();
    let after = Registry::new(before.all(), false);
    assert_eq!(after.number("dev_1", "device_up", &[], Kind::Gauge), Some(old));
    assert_ne!(after.number("dev_1", "system_uptime_seconds", &[], Kind::Gauge), Some(old));
}

#[test]
fn a_database_that_means_something_else_is_refused() {
    let here = Registry::new(Vec::new(), false);
    here.number("dev_1", "device_up", &[], Kind::Gauge);
    let there = Registry::new(Vec::new(), false);
    there.number("dev_9", "device_up", &[], Kind::Gauge);
    assert!(!here.adopt(there.all()));
    let started_in_memory = Registry::new(Vec::new(), true);
    started_in_memory.number("dev_1", "device_up", &[], Kind::Gauge);
    assert!(started_in_memory.adopt(there.all()));
}
