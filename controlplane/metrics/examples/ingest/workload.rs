//! A fictional ISP's metrics, minute by minute: the same each time, so that stores can be compared on it.
//!
//! SUBSCRIBERS × 2 byte counters and DEVICES × 30 (12 ports × in/out octets, 6 gauges), one sample a minute. A third of the
//! subscribers is idle at a time, a third of the ports never moves.

/// Xorshift: the same workload every time.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: u32) -> u32 {
        u32::try_from(self.next() % u64::from(bound)).unwrap_or(0)
    }

    /// Uniform in [0, 1).
    fn unit(&mut self) -> f64 {
        f64::from(self.below(1 << 31)) / f64::from(1u32 << 31)
    }
}

#[derive(Clone, Copy)]
enum Behaviour {
    Subscriber,
    Port,
    IdlePort,
    Load,
    Memory,
    Slow,
    Latency,
    Loss,
}

/// One series.
pub(crate) struct Source {
    pub(crate) metric: &'static str,
    pub(crate) labels: Vec<(&'static str, String)>,
    behaviour: Behaviour,
    /// Bytes a minute at the evening's peak; a gauge's centre.
    base: f64,
    value: f64,
}

impl Source {
    /// Whether it only grows.
    pub(crate) fn is_counter(&self) -> bool {
        matches!(self.behaviour, Behaviour::Subscriber | Behaviour::Port | Behaviour::IdlePort)
    }
}

fn sources(subscribers: u32, devices: u32, random: &mut Random) -> Vec<Source> {
    let mut all = Vec::new();
    for s in 0..subscribers {
        let peak = 60.0 * 1e6 / 8.0 * (0.2 + 20.0 * random.unit().powi(4));
        for (metric, part) in [("sub_rx_bytes", 1.0), ("sub_tx_bytes", 0.12)] {
            let first = (random.unit() * 1e12).floor();
            all.push(Source {
                metric,
                labels: vec![("sub", format!("{s:06}"))],
                behaviour: Behaviour::Subscriber,
                base: peak * part,
                value: first,
            });
        }
    }
    for d in 0..devices {
        let device = || ("dev", format!("d{d:05}"));
        for port in 0..12 {
            let peak = 60.0 * 1e8 / 8.0 * random.unit().powi(2);
            let behaviour = if port % 3 == 2 { Behaviour::IdlePort } else { Behaviour::Port };
            for metric in ["if_in_octets", "if_out_octets"] {
                let labels = vec![device(), ("ifname", format!("ether{port}"))];
                let value = (random.unit() * 1e13).floor();
                all.push(Source { metric, labels, behaviour, base: peak, value });
            }
        }
        let gauges = [
            ("cpu", Behaviour::Load, 30.0),
            ("memfree", Behaviour::Memory, 2.1e8),
            ("temp", Behaviour::Slow, 41.0),
            ("volt", Behaviour::Slow, 24.0),
            ("rtt", Behaviour::Latency, 12.0),
            ("loss", Behaviour::Loss, 0.0),
        ];
        for (metric, behaviour, centre) in gauges {
            all.push(Source { metric, labels: vec![device()], behaviour, base: centre, value: centre });
        }
    }
    all
}

fn step(source: &mut Source, minute: u32, random: &mut Random) -> f64 {
    let day = 0.55 - 0.45 * (f64::from(minute % 1440) / 1440.0 * std::f64::consts::TAU).cos();
    match source.behaviour {
        Behaviour::Subscriber if random.below(3) == 0 => {}
        Behaviour::Subscriber => source.value += (source.base * day * random.unit() * random.unit()).floor(),
        Behaviour::Port => source.value += (source.base * day * (0.6 + 0.4 * random.unit())).floor(),
        Behaviour::IdlePort => {}
        Behaviour::Load => source.value = f64::from(random.below(60)),
        Behaviour::Memory => source.value = source.base + f64::from(random.below(256)) * 4096.0,
        // To a tenth, as devices report it.
        Behaviour::Slow => source.value = (source.base * 10.0 + f64::from(random.below(11))) / 10.0,
        Behaviour::Latency => source.value = ((source.base + random.unit() * 8.0) * 1000.0).floor() / 1000.0,
        Behaviour::Loss => source.value = if random.below(50) == 0 { 1.0 } else { 0.0 },
    }
    source.value
}

/// All series, at a point of their lives.
pub(crate) struct Workload {
    pub(crate) sources: Vec<Source>,
    random: Random,
}

impl Workload {
    /// At the first minute.
    pub(crate) fn new(subscribers: u32, devices: u32) -> Self {
        let mut random = Random(0x9e37_79b9_7f4a_7c15);
        let sources = sources(subscribers, devices, &mut random);
        Self { sources, random }
    }

    /// The next value of the series at a position, for a minute of the day.
    pub(crate) fn next(&mut self, at: usize, minute: u32) -> f64 {
        step(&mut self.sources[at], minute, &mut self.random)
    }
}
