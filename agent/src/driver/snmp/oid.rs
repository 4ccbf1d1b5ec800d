//! Object identifiers read by this driver (SNMPv2-MIB RFC 3418, IF-MIB RFC 2863, SNMP-FRAMEWORK-MIB RFC 3411).
//!
//! They are written as they travel: the first two arcs, 1 and 3, share the byte 0x2B, and every other arc here is below
//! 128 and so a byte of its own. A name below another begins with its bytes.

pub(super) const SYS_DESCR: &[u8] = &[0x2B, 6, 1, 2, 1, 1, 1];
pub(super) const SYS_OBJECT_ID: &[u8] = &[0x2B, 6, 1, 2, 1, 1, 2];
/// Hundredths of a second since the network part of the system started; wraps after 497 days.
pub(super) const SYS_UP_TIME: &[u8] = &[0x2B, 6, 1, 2, 1, 1, 3];
pub(super) const SYS_NAME: &[u8] = &[0x2B, 6, 1, 2, 1, 1, 5];
/// Seconds since the SNMP engine started; does not wrap in 68 years.
pub(super) const SNMP_ENGINE_TIME: &[u8] = &[0x2B, 6, 1, 6, 3, 10, 2, 1, 3];

/// Declares columns of ifEntry and ifXEntry: variant, table, column number.
macro_rules! columns {
    ($($(#[$about:meta])* $name:ident = $table:ident $column:literal;)+) => {
        /// A column of the interface tables.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Column {
            $($(#[$about])* $name,)+
        }

        impl Column {
            /// Its object identifier; one arc, the ifIndex, follows for each row.
            pub(super) fn oid(self) -> &'static [u8] {
                match self {
                    $(Self::$name => columns!(@ $table $column),)+
                }
            }
        }
    };
    (@ ifEntry $column:literal) => { &[0x2B, 6, 1, 2, 1, 2, 2, 1, $column] };
    (@ ifXEntry $column:literal) => { &[0x2B, 6, 1, 2, 1, 31, 1, 1, 1, $column] };
}

columns! {
    Description = ifEntry 2;
    Speed = ifEntry 5;
    OperStatus = ifEntry 8;
    InOctets32 = ifEntry 10;
    InDiscards = ifEntry 13;
    InErrors = ifEntry 14;
    OutOctets32 = ifEntry 16;
    OutErrors = ifEntry 20;
    Name = ifXEntry 1;
    InOctets64 = ifXEntry 6;
    OutOctets64 = ifXEntry 10;
    /// In megabits per second.
    HighSpeed = ifXEntry 15;
    /// sysUpTime at which the interface's counters last started anew.
    Discontinuity = ifXEntry 19;
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
}
