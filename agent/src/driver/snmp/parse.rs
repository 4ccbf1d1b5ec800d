//! Variable bindings → what the MIBs say. Pure; every shape a device may send ends in a value or an error.

use super::ber::{self, BerError};
use super::oid::{self, Column};
use super::pdu::{Answer, Binding, Bindings, Value};
use crate::driver::DeviceError;

impl From<BerError> for DeviceError {
    fn from(error: BerError) -> Self {
        Self::Protocol { words: error.to_string() }
    }
}

/// The system group of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct System {
    pub(super) description: String,
    pub(super) object_id: String,
    pub(super) name: String,
    pub(super) uptime_ticks: Option<u32>,
}

pub(super) fn system(answer: &Answer<'_>) -> Result<System, DeviceError> {
    let mut system = System::default();
    for binding in answer.bindings() {
        let Binding { name, value } = binding?;
        match value {
            Value::Octets(bytes) if name.starts_with(oid::SYS_DESCR) => system.description = text(bytes),
            Value::Octets(bytes) if name.starts_with(oid::SYS_NAME) => system.name = text(bytes),
            Value::ObjectId(id) if name.starts_with(oid::SYS_OBJECT_ID) => {
                system.object_id = ber::dotted(id);
            }
            Value::TimeTicks(ticks) if name.starts_with(oid::SYS_UP_TIME) => {
                system.uptime_ticks = Some(ticks);
            }
            _ => {}
        }
    }
    if system == System::default() {
        return Err(DeviceError::Protocol {
            words: "the device answers without any object of the system group".into(),
        });
    }
    Ok(system)
}

/// One interface; `None` where the device does not say.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Interface {
    pub(super) name: Option<String>,
    /// Bits per second.
    pub(super) speed_bps: Option<u64>,
    pub(super) up: Option<bool>,
    pub(super) in_octets64: Option<u64>,
    pub(super) out_octets64: Option<u64>,
    pub(super) in_octets32: Option<u32>,
    pub(super) out_octets32: Option<u32>,
    pub(super) in_errors: Option<u32>,
    pub(super) out_errors: Option<u32>,
    pub(super) in_discards: Option<u32>,
    pub(super) discontinuity_ticks: Option<u32>,
}

/// Where the walk of one column stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Walk {
    pub(super) column: Column,
    /// ifIndex of the last row read.
    pub(super) last: Option<u32>,
    pub(super) ended: bool,
    /// Where the next row is expected in the table.
    next: usize,
}

impl Walk {
    pub(super) fn new(column: Column) -> Self {
        Self { column, last: None, ended: false, next: 0 }
    }

    /// Takes the next binding of this column; gives the row's ifIndex, or nothing when the column has ended.
    fn step(&mut self, binding: &Binding<'_>) -> Result<Option<u32>, DeviceError> {
        let index = match binding.name.strip_prefix(self.column.oid()) {
            Some(index) if binding.value != Value::EndOfMibView => index,
            _ => {
                self.ended = true;
                return Ok(None);
            }
        };
        let index = ber::single_arc(index).ok_or_else(|| DeviceError::Protocol {
            words: format!("{} is no row of an interface table", ber::dotted(binding.name)),
        })?;
        if self.last.is_some_and(|last| index <= last) {
            return Err(DeviceError::Protocol {
                words: format!(
                    "a walk does not advance: {} follows row {}",
                    ber::dotted(binding.name),
                    self.last.unwrap_or_default()
                ),
            });
        }
        self.last = Some(index);
        Ok(Some(index))
    }
}

/// How much of an answer the rows were.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Taken {
    pub(super) bindings: usize,
    pub(super) bytes: usize,
}

/// What a walk of the interface tables gave.
#[derive(Debug, Default)]
pub(super) struct InterfaceTable {
    pub(super) uptime_ticks: Option<u32>,
    pub(super) engine_seconds: Option<u32>,
    /// With their ifIndex, by which they are sorted.
    pub(super) rows: Vec<(u32, Interface)>,
}

impl InterfaceTable {
    /// Takes the answer to a GETBULK with two non-repeaters and the columns `open` of `walks` as repeaters.
    pub(super) fn take(
        &mut self,
        answer: &Answer<'_>,
        open: &[usize],
        walks: &mut [Walk],
    ) -> Result<Taken, DeviceError> {
        let mut bindings = answer.bindings();
        self.take_times(&mut bindings)?;
        let bytes = bindings.bytes();
        let mut columns = open.iter().cycle();
        let mut count = 0;
        for binding in bindings {
            let binding = binding?;
            count += 1;
            let Some(walk) = columns.next().and_then(|at| walks.get_mut(*at)) else { break };
            if walk.ended {
                continue;
            }
            if let Some(index) = walk.step(&binding)? {
                let (column, hint) = (walk.column, walk.next);
                let at = self.place(index, hint);
                walk.next = at + 1;
                self.rows[at].1.set(column, binding.value);
            }
        }
        if count == 0 {
            return Err(DeviceError::Protocol { words: "a GETBULK was answered without any row".into() });
        }
        Ok(Taken { bindings: count, bytes })
    }

    /// Takes the two bindings of uptime and engine time.
    pub(super) fn take_times(&mut self, bindings: &mut Bindings<'_>) -> Result<(), DeviceError> {
        for scalar in bindings.take(2) {
            let Binding { name, value } = scalar?;
            match value {
                Value::TimeTicks(ticks) if name.starts_with(oid::SYS_UP_TIME) => {
                    self.uptime_ticks = Some(ticks);
                }
                Value::Integer(seconds) if name.starts_with(oid::SNMP_ENGINE_TIME) => {
                    self.engine_seconds = u32::try_from(seconds).ok();
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Where the row of this ifIndex is; made when there is none. `hint` is where it is expected.
    fn place(&mut self, index: u32, hint: usize) -> usize {
        if self.rows.get(hint).is_some_and(|(there, _)| *there == index) {
            return hint;
        }
        match self.rows.binary_search_by_key(&index, |(there, _)| *there) {
            Ok(at) => at,
            Err(at) => {
                self.rows.insert(at, (index, Interface::default()));
                at
            }
        }
    }

    /// Whether the extended table or its 64-bit counters are missing somewhere.
    pub(super) fn needs_basic_counters(&self) -> bool {
        self.rows.is_empty()
            || self.rows.iter().any(|(_, row)| row.name.is_none() || row.in_octets64.is_none())
    }

    /// Fills from the basic table what the extended one does not have.
    pub(super) fn complete(&mut self, basic: Self) {
        for (index, row) in basic.rows {
            let at = self.place(index, 0);
            let own = &mut self.rows[at].1;
            own.name = own.name.take().or(row.name);
            own.speed_bps = own.speed_bps.or(row.speed_bps);
            own.up = own.up.or(row.up);
            own.in_octets32 = row.in_octets32;
            own.out_octets32 = row.out_octets32;
            own.in_errors = own.in_errors.or(row.in_errors);
            own.out_errors = own.out_errors.or(row.out_errors);
            own.in_discards = own.in_discards.or(row.in_discards);
        }
    }
}

impl Interface {
    fn set(&mut self, column: Column, value: Value<'_>) {
        match (column, value) {
            (Column::Name | Column::Description, Value::Octets(bytes)) => {
                self.name = Some(text(bytes)).filter(|name| !name.is_empty());
            }
            (Column::HighSpeed, Value::Gauge32(megabits)) => {
                self.speed_bps = Some(u64::from(megabits) * 1_000_000);
            }
            (Column::Speed, Value::Gauge32(bits)) => self.speed_bps = Some(u64::from(bits)),
            (Column::OperStatus, Value::Integer(status)) => self.up = Some(status == 1),
            (Column::InOctets64, Value::Counter64(count)) => self.in_octets64 = Some(count),
            (Column::OutOctets64, Value::Counter64(count)) => self.out_octets64 = Some(count),
            (Column::InOctets32, Value::Counter32(count)) => self.in_octets32 = Some(count),
            (Column::OutOctets32, Value::Counter32(count)) => self.out_octets32 = Some(count),
            (Column::InErrors, Value::Counter32(count)) => self.in_errors = Some(count),
            (Column::OutErrors, Value::Counter32(count)) => self.out_errors = Some(count),
            (Column::InDiscards, Value::Counter32(count)) => self.in_discards = Some(count),
            (Column::Discontinuity, Value::TimeTicks(ticks)) => self.discontinuity_ticks = Some(ticks),
            // noSuchInstance, or a type that the MIB does not allow there: the device does not say.
            _ => {}
        }
    }
}

/// Text of a device: UTF-8 where it is, control characters left out, bounded.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .filter(|c| !c.is_control())
        .take(255)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests;
