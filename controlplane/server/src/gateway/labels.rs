//! From an agent's word to a series of the store.

use atalaya_metrics::{LabelError, Labels, SeriesKind, SeriesSpec};
use atalaya_protocol::wire::{MetricKind, SeriesEntry};

use super::backend::Session;

/// Labels that say whose a sample is: set here, refused from an agent.
const OURS: [&str; 4] = ["tenant", "site", "agent", "device"];

/// The series that an entry stands for: the agent's name and labels, with agent, device and the device's site added
/// by us. The tenant is a parameter of the store and no label. `None` when the entry tries to say what is ours to say,
/// or is no legal metric.
pub fn series_spec(session: &Session, site: Option<&str>, entry: &SeriesEntry) -> Option<SeriesSpec> {
    if entry.labels.iter().any(|label| OURS.contains(&label.name.as_str()) || label.name.starts_with("__")) {
        return None;
    }
    labels(session, site, entry).ok().map(|labels| SeriesSpec {
        labels,
        kind: match entry.kind() {
            MetricKind::Counter => SeriesKind::Counter,
            MetricKind::Gauge | MetricKind::Unspecified => SeriesKind::Gauge,
        },
    })
}

fn labels(session: &Session, site: Option<&str>, entry: &SeriesEntry) -> Result<Labels, LabelError> {
    let device = (!entry.device_id.is_empty()).then_some(entry.device_id.as_str());
    let added = [("agent", Some(session.identity.agent.as_str())), ("device", device), ("site", site)];
    let theirs = entry.labels.iter().map(|label| (label.name.as_str(), label.value.as_str()));
    let ours = added.into_iter().filter_map(|(name, value)| value.map(|value| (name, value)));
    Labels::new(&entry.name, theirs.chain(ours))
}

#[cfg(test)]
mod tests {
    use atalaya_pki::AgentIdentity;
    use atalaya_protocol::wire::Label;

    use super::*;

    fn session() -> Session {
        Session { identity: AgentIdentity::new("ins_1", "ten_1", "agt_1").unwrap(), epoch: 1 }
    }

    fn entry(labels: &[(&str, &str)]) -> SeriesEntry {
        SeriesEntry {
            number: 1,
            name: "interface_receive_bytes_total".into(),
            device_id: "dev_1".into(),
            labels: labels
                .iter()
                .map(|(name, value)| Label { name: (*name).into(), value: (*value).into() })
                .collect(),
            kind: MetricKind::Counter.into(),
        }
    }

    #[test]
    fn whose_a_sample_is_comes_from_us() {
        let spec = series_spec(&session(), Some("sit_1"), &entry(&[("interface", "ether1")])).unwrap();
        let get = |name| spec.labels.get(name);
        assert_eq!(get("agent"), Some("agt_1"));
        assert_eq!(get("device"), Some("dev_1"));
        assert_eq!(get("site"), Some("sit_1"));
        assert_eq!(get("interface"), Some("ether1"));
        assert_eq!(spec.kind, SeriesKind::Counter);
    }

    #[test]
    fn an_agent_that_speaks_for_another_is_not_heard() {
        for name in ["tenant", "site", "agent", "device", "__name__"] {
            assert!(series_spec(&session(), Some("sit_1"), &entry(&[(name, "other")])).is_none(), "{name}");
        }
        let nameless = SeriesEntry { name: String::new(), ..entry(&[]) };
        assert!(series_spec(&session(), None, &nameless).is_none());
    }

    #[test]
    fn the_agents_own_metrics_have_no_device() {
        let own = SeriesEntry { device_id: String::new(), ..entry(&[]) };
        let spec = series_spec(&session(), None, &own).unwrap();
        assert_eq!((spec.labels.get("device"), spec.labels.get("site")), (None, None));
    }
}
