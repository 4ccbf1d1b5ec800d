//! What a device of the fleet knows: the system group, the engine's time and the interface tables.
//!
//! A counter grows with the clock at a rate that is a pure function of (device, column, interface), so that what a
//! poller says can be checked.

use super::ber;

/// Counters start here: beyond 32 bits, as on a device that has run for a while.
const COUNTED_BEFORE: u64 = 5_000_000_000_000;
/// `sysUpTime` at the start of the fleet: a day, in hundredths of a second.
const UP_BEFORE: u64 = 8_640_000;

const SYSTEM: [u32; 7] = [1, 3, 6, 1, 2, 1, 1];
const ENGINE_TIME: [u32; 11] = [1, 3, 6, 1, 6, 3, 10, 2, 1, 3, 0];
const IF_NUMBER: [u32; 9] = [1, 3, 6, 1, 2, 1, 2, 1, 0];
const IF_TABLE: [u32; 9] = [1, 3, 6, 1, 2, 1, 2, 2, 1];
const IF_TABLE_COLUMNS: [u32; 17] = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 16, 17, 19, 20];
const IF_X_TABLE: [u32; 10] = [1, 3, 6, 1, 2, 1, 31, 1, 1, 1];
const IF_X_TABLE_COLUMNS: [u32; 12] = [1, 6, 7, 8, 9, 10, 11, 12, 13, 15, 18, 19];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    System(u32),
    IfNumber,
    EngineTime,
    /// ifTable: column, row.
    If(u32, u32),
    /// ifXTable: column, row.
    IfX(u32, u32),
}

/// One object.
#[derive(Debug)]
pub(super) struct Object {
    arcs: Vec<u32>,
    /// Its name as an element.
    pub(super) name: Vec<u8>,
    what: What,
}

impl Object {
    /// Whether it is `sysUpTime.0`, which a measurement reads at least once.
    pub(super) fn is_uptime(&self) -> bool {
        self.what == What::System(3)
    }
}

/// Objects in the order of their names; the same for every device of the fleet.
#[derive(Debug)]
pub(super) struct Mib {
    pub(super) objects: Vec<Object>,
    interfaces: u32,
}

impl Mib {
    pub(super) fn new(interfaces: u32) -> Self {
        let mut objects = Vec::new();
        let mut add = |arcs: Vec<u32>, what| objects.push(Object { name: ber::oid(&arcs), arcs, what });
        for object in 1..=6 {
            add([&SYSTEM[..], &[object, 0]].concat(), What::System(object));
        }
        add(IF_NUMBER.to_vec(), What::IfNumber);
        for column in IF_TABLE_COLUMNS {
            for row in 1..=interfaces {
                add([&IF_TABLE[..], &[column, row]].concat(), What::If(column, row));
            }
        }
        for column in IF_X_TABLE_COLUMNS {
            for row in 1..=interfaces {
                add([&IF_X_TABLE[..], &[column, row]].concat(), What::IfX(column, row));
            }
        }
        add(ENGINE_TIME.to_vec(), What::EngineTime);
        debug_assert!(objects.is_sorted_by(|a, b| a.arcs < b.arcs), "GETNEXT goes by this order");
        Self { objects, interfaces }
    }

    /// Position of the object with this name.
    pub(super) fn find(&self, arcs: &[u32]) -> Option<usize> {
        self.objects.binary_search_by(|object| object.arcs.as_slice().cmp(arcs)).ok()
    }

    /// Position of the first object after this name; as many as there are objects when there is none.
    pub(super) fn after(&self, arcs: &[u32]) -> usize {
        self.objects.partition_point(|object| object.arcs.as_slice() <= arcs)
    }

    /// Appends the value of an object of a device, `ms` milliseconds after the start, as an element.
    pub(super) fn put_value(&self, out: &mut Vec<u8>, object: &Object, device: u32, ms: u64) {
        match object.what {
            What::System(1) => ber::put(out, ber::OCTETS, b"snmp-fleet synthetic router"),
            What::System(2) => out.extend(ber::oid(&[1, 3, 6, 1, 4, 1, 8072, 3, 2, 255])),
            What::System(3) => {
                ber::put_unsigned(out, ber::TIME_TICKS, (UP_BEFORE + ms / 10) & u64::from(u32::MAX));
            }
            What::System(4) => ber::put(out, ber::OCTETS, b"noc@example.net"),
            What::System(5) => ber::put(out, ber::OCTETS, format!("dev{device:05}").as_bytes()),
            What::System(_) => ber::put(out, ber::OCTETS, b"tower"),
            What::IfNumber => ber::put_unsigned(out, ber::INTEGER, u64::from(self.interfaces)),
            What::EngineTime => ber::put_unsigned(out, ber::INTEGER, (UP_BEFORE * 10 + ms) / 1_000),
            What::If(column, row) => if_value(out, device, column, row, ms),
            What::IfX(column, row) => if_x_value(out, device, column, row, ms),
        }
    }
}

fn if_value(out: &mut Vec<u8>, device: u32, column: u32, row: u32, ms: u64) {
    let low = |value: u64| value & u64::from(u32::MAX);
    match column {
        1 => ber::put_unsigned(out, ber::INTEGER, u64::from(row)),
        2 => ber::put(out, ber::OCTETS, format!("ether{row}").as_bytes()),
        3 => ber::put_unsigned(out, ber::INTEGER, 6),
        4 => ber::put_unsigned(out, ber::INTEGER, 1_500),
        5 => ber::put_unsigned(out, ber::GAUGE32, 1_000_000_000),
        6 => {
            let [_, high, middle, low] = device.to_be_bytes();
            let [.., port] = row.to_be_bytes();
            ber::put(out, ber::OCTETS, &[2, 0, high, middle, low, port]);
        }
        7 => ber::put_unsigned(out, ber::INTEGER, 1),
        8 => ber::put_unsigned(out, ber::INTEGER, if row.is_multiple_of(8) { 2 } else { 1 }),
        9 => ber::put_unsigned(out, ber::TIME_TICKS, 1_000),
        10 => ber::put_unsigned(out, ber::COUNTER32, low(counted(device, 6, row, 1, ms))),
        11 => ber::put_unsigned(out, ber::COUNTER32, low(counted(device, 7, row, 700, ms))),
        16 => ber::put_unsigned(out, ber::COUNTER32, low(counted(device, 10, row, 1, ms))),
        17 => ber::put_unsigned(out, ber::COUNTER32, low(counted(device, 11, row, 700, ms))),
        // Errors and discards: one each 97 s.
        _ => ber::put_unsigned(out, ber::COUNTER32, low(ms / 97_000 + u64::from(row))),
    }
}

fn if_x_value(out: &mut Vec<u8>, device: u32, column: u32, row: u32, ms: u64) {
    match column {
        1 => ber::put(out, ber::OCTETS, format!("ether{row}").as_bytes()),
        6 | 10 => ber::put_unsigned(out, ber::COUNTER64, counted(device, column, row, 1, ms)),
        7 | 11 => ber::put_unsigned(out, ber::COUNTER64, counted(device, column, row, 700, ms)),
        15 => ber::put_unsigned(out, ber::GAUGE32, 1_000),
        18 => ber::put(out, ber::OCTETS, format!("cust-{device:05}-{row}").as_bytes()),
        19 => ber::put_unsigned(out, ber::TIME_TICKS, 0),
        _ => ber::put_unsigned(out, ber::COUNTER64, counted(device, column, row, 70_000, ms)),
    }
}

/// A 64-bit counter after `ms` milliseconds. `unit` is what one count stands for: 1 = a byte, 700 = a packet.
pub(super) fn counted(device: u32, column: u32, row: u32, unit: u64, ms: u64) -> u64 {
    COUNTED_BEFORE / unit + rate(device, column, row) / unit * ms / 1_000
}

/// Bytes per second of an interface's column: 0 to 12.5 million, mixed as SplitMix64 does.
fn rate(device: u32, column: u32, row: u32) -> u64 {
    let mut mixed = u64::from(device) << 32 | u64::from(row) << 8 | u64::from(column);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    (mixed >> 33) % 12_500_000
}
