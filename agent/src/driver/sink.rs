//! Where a driver puts what it measured.

/// What a value means over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Raw, ever growing; falls only when the device started its count anew.
    Counter,
    /// A level.
    Gauge,
}

/// One measured value. Counters of 64 bits stay whole numbers: a float would lose their last bits.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Value {
    /// A whole number.
    Int(i64),
    /// Anything else, in the metric's base unit.
    Float(f64),
}

impl Value {
    /// The value as a float; a whole number beyond 2^53 loses its last bits.
    #[allow(clippy::cast_precision_loss)] // Told above; used where a series mixes both forms.
    pub fn as_f64(self) -> f64 {
        match self {
            Self::Int(value) => value as f64,
            Self::Float(value) => value,
        }
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<i64> for Value {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<u32> for Value {
    fn from(value: u32) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<bool> for Value {
    fn from(value: bool) -> Self {
        Self::Int(i64::from(value))
    }
}

impl From<u64> for Value {
    /// A counter above 2^63 (three centuries at 1 Tbit/s) is held at the top.
    fn from(value: u64) -> Self {
        Self::Int(i64::try_from(value).unwrap_or(i64::MAX))
    }
}

/// Takes samples of one device during one measurement.
///
/// Metric names are Prometheus-like with base units (`interface_receive_bytes_total`, `icmp_rtt_seconds`). Tenant,
/// site, agent and device are never labels here: the device is the sink's, the rest is added by headquarters.
pub struct SampleSink<'a> {
    receiver: &'a mut dyn SampleReceiver,
}

/// Behind a [`SampleSink`]: the packer of a running agent, a list in `probe` and in tests.
pub trait SampleReceiver: Send {
    /// Takes one sample; `labels` are sorted by name.
    fn receive(&mut self, metric: &str, labels: &[(&str, &str)], kind: Kind, value: Value);
}

impl<'a> SampleSink<'a> {
    /// A sink into `receiver`.
    pub fn new(receiver: &'a mut dyn SampleReceiver) -> Self {
        Self { receiver }
    }

    /// Pushes one sample, measured now.
    pub fn push(&mut self, metric: &str, labels: &[(&str, &str)], kind: Kind, value: impl Into<Value>) {
        debug_assert!(labels.is_sorted_by_key(|(name, _)| *name), "labels of {metric} are not sorted");
        self.receiver.receive(metric, labels, kind, value.into());
    }

    /// Pushes a level.
    pub fn gauge(&mut self, metric: &str, labels: &[(&str, &str)], value: impl Into<Value>) {
        self.push(metric, labels, Kind::Gauge, value);
    }

    /// Pushes a raw counter.
    pub fn counter(&mut self, metric: &str, labels: &[(&str, &str)], value: impl Into<Value>) {
        self.push(metric, labels, Kind::Counter, value);
    }
}
