//! Object identifiers read by this driver (SNMPv2-MIB RFC 3418, IF-MIB RFC 2863, SNMP-FRAMEWORK-MIB RFC 3411).

use async_snmp::Oid;

pub(super) const SYS_DESCR: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 1];
pub(super) const SYS_OBJECT_ID: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 2];
/// Hundredths of a second since the network part of the system started; wraps after 497 days.
pub(super) const SYS_UP_TIME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 3];
pub(super) const SYS_NAME: &[u32] = &[1, 3, 6, 1, 2, 1, 1, 5];
/// Seconds since the SNMP engine started; does not wrap in 68 years.
pub(super) const SNMP_ENGINE_TIME: &[u32] = &[1, 3, 6, 1, 6, 3, 10, 2, 1, 3];

const fn if_entry(column: u32) -> [u32; 10] {
    [1, 3, 6, 1, 2, 1, 2, 2, 1, column]
}

const fn if_x_entry(column: u32) -> [u32; 11] {
    [1, 3, 6, 1, 2, 1, 31, 1, 1, 1, column]
}

/// A column of the interface tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Column {
    Name,
    HighSpeed,
    OperStatus,
    InOctets64,
    OutOctets64,
    InErrors,
    OutErrors,
    InDiscards,
    Discontinuity,
    Description,
    Speed,
    InOctets32,
    OutOctets32,
}

impl Column {
    /// Read of every device that has the extended table.
    pub(super) const EXTENDED: &'static [Self] = &[
        Self::Name,
        Self::HighSpeed,
        Self::OperStatus,
        Self::InOctets64,
        Self::OutOctets64,
        Self::InErrors,
        Self::OutErrors,
        Self::InDiscards,
        Self::Discontinuity,
    ];
    /// Read where the extended table, or its 64-bit counters, are missing.
    pub(super) const BASIC: &'static [Self] = &[
        Self::Description,
        Self::Speed,
        Self::OperStatus,
        Self::InOctets32,
        Self::OutOctets32,
        Self::InErrors,
        Self::OutErrors,
        Self::InDiscards,
    ];

    pub(super) fn oid(self) -> Oid {
        match self {
            Self::Description => Oid::from_slice(&if_entry(2)),
            Self::Speed => Oid::from_slice(&if_entry(5)),
            Self::OperStatus => Oid::from_slice(&if_entry(8)),
            Self::InOctets32 => Oid::from_slice(&if_entry(10)),
            Self::InDiscards => Oid::from_slice(&if_entry(13)),
            Self::InErrors => Oid::from_slice(&if_entry(14)),
            Self::OutOctets32 => Oid::from_slice(&if_entry(16)),
            Self::OutErrors => Oid::from_slice(&if_entry(20)),
            Self::Name => Oid::from_slice(&if_x_entry(1)),
            Self::InOctets64 => Oid::from_slice(&if_x_entry(6)),
            Self::OutOctets64 => Oid::from_slice(&if_x_entry(10)),
            Self::HighSpeed => Oid::from_slice(&if_x_entry(15)),
            Self::Discontinuity => Oid::from_slice(&if_x_entry(19)),
        }
    }
}
