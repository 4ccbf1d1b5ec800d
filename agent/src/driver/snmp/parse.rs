//! Variable bindings → what the MIBs say. Pure; every shape a device may send ends in a value or an error.

use std::collections::BTreeMap;

use async_snmp::{Oid, Value, VarBind};

use super::oid::{self, Column};
use crate::driver::DeviceError;

/// The system group of a device.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct System {
    pub(super) description: String,
    pub(super) object_id: String,
    pub(super) name: String,
    pub(super) uptime_ticks: Option<u32>,
}

pub(super) fn system(bindings: &[VarBind]) -> Result<System, DeviceError> {
    let mut system = System::default();
    for binding in bindings {
        let arcs = binding.oid.arcs();
        match &binding.value {
            Value::OctetString(bytes) if arcs.starts_with(oid::SYS_DESCR) => system.description = text(bytes),
            Value::OctetString(bytes) if arcs.starts_with(oid::SYS_NAME) => system.name = text(bytes),
            Value::ObjectIdentifier(id) if arcs.starts_with(oid::SYS_OBJECT_ID) => {
                system.object_id = id.to_string();
            }
            Value::TimeTicks(ticks) if arcs.starts_with(oid::SYS_UP_TIME) => {
                system.uptime_ticks = Some(*ticks);
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
#[derive(Debug, Clone)]
pub(super) struct Walk {
    pub(super) column: Column,
    root: Oid,
    pub(super) last: Oid,
    pub(super) ended: bool,
}

impl Walk {
    pub(super) fn new(column: Column) -> Self {
        let root = column.oid();
        Self { column, last: root.clone(), root, ended: false }
    }

    /// Takes the next binding of this column; gives the row's index, or nothing when the column has ended.
    fn step(&mut self, binding: &VarBind) -> Result<Option<u32>, DeviceError> {
        if matches!(binding.value, Value::EndOfMibView) || !binding.oid.starts_with(&self.root) {
            self.ended = true;
            return Ok(None);
        }
        if binding.oid.arcs() <= self.last.arcs() {
            return Err(DeviceError::Protocol {
                words: format!("{} follows {} in a walk", binding.oid, self.last),
            });
        }
        self.last = binding.oid.clone();
        Ok(binding.oid.arcs().get(self.root.len()).copied())
    }
}

/// What a walk of the interface tables gave.
#[derive(Debug, Default)]
pub(super) struct InterfaceTable {
    pub(super) uptime_ticks: Option<u32>,
    pub(super) engine_seconds: Option<u32>,
    /// By ifIndex.
    pub(super) rows: BTreeMap<u32, Interface>,
}

impl InterfaceTable {
    /// Takes the answer to a GETBULK with two non-repeaters and the columns `open` of `walks` as repeaters.
    pub(super) fn take(
        &mut self,
        answer: &[VarBind],
        open: &[usize],
        walks: &mut [Walk],
    ) -> Result<(), DeviceError> {
        let (scalars, repeated) = answer.split_at(answer.len().min(2));
        for binding in scalars {
            match &binding.value {
                Value::TimeTicks(ticks) if binding.oid.arcs().starts_with(oid::SYS_UP_TIME) => {
                    self.uptime_ticks = Some(*ticks);
                }
                Value::Integer(seconds) if binding.oid.arcs().starts_with(oid::SNMP_ENGINE_TIME) => {
                    self.engine_seconds = u32::try_from(*seconds).ok();
                }
                _ => {}
            }
        }
        if repeated.is_empty() {
            return Err(DeviceError::Protocol { words: "a GETBULK was answered without any row".into() });
        }
        for (position, binding) in repeated.iter().enumerate() {
            let walk = &mut walks[open[position % open.len()]];
            if walk.ended {
                continue;
            }
            if let Some(index) = walk.step(binding)? {
                self.rows.entry(index).or_default().set(walk.column, &binding.value);
            }
        }
        Ok(())
    }

    /// Whether the extended table or its 64-bit counters are missing somewhere.
    pub(super) fn needs_basic_counters(&self) -> bool {
        self.rows.is_empty() || self.rows.values().any(|row| row.name.is_none() || row.in_octets64.is_none())
    }

    /// Fills from the basic table what the extended one does not have.
    pub(super) fn complete(&mut self, basic: Self) {
        for (index, row) in basic.rows {
            let own = self.rows.entry(index).or_default();
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
    fn set(&mut self, column: Column, value: &Value) {
        match (column, value) {
            (Column::Name | Column::Description, Value::OctetString(bytes)) => {
                self.name = Some(text(bytes)).filter(|name| !name.is_empty());
            }
            (Column::HighSpeed, Value::Gauge32(megabits)) => {
                self.speed_bps = Some(u64::from(*megabits) * 1_000_000);
            }
            (Column::Speed, Value::Gauge32(bits)) => self.speed_bps = Some(u64::from(*bits)),
            (Column::OperStatus, Value::Integer(status)) => self.up = Some(*status == 1),
            (Column::InOctets64, Value::Counter64(count)) => self.in_octets64 = Some(*count),
            (Column::OutOctets64, Value::Counter64(count)) => self.out_octets64 = Some(*count),
            (Column::InOctets32, Value::Counter32(count)) => self.in_octets32 = Some(*count),
            (Column::OutOctets32, Value::Counter32(count)) => self.out_octets32 = Some(*count),
            (Column::InErrors, Value::Counter32(count)) => self.in_errors = Some(*count),
            (Column::OutErrors, Value::Counter32(count)) => self.out_errors = Some(*count),
            (Column::InDiscards, Value::Counter32(count)) => self.in_discards = Some(*count),
            (Column::Discontinuity, Value::TimeTicks(ticks)) => self.discontinuity_ticks = Some(*ticks),
            // noSuchInstance, or a type that the MIB does not allow there: the device does not say.
            _ => {}
        }
    }
}

/// Text of a device: UTF-8 where it is, control characters left out, bounded.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes)
        .chars()
        .filter(|c| !c.is_control())
        .take(255)
        .collect::<String>()
        .trim()
        .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn binding(column: Column, index: u32, value: Value) -> VarBind {
        VarBind { oid: column.oid().child(index), value }
    }

    fn scalars() -> Vec<VarBind> {
        vec![
            VarBind { oid: Oid::from_slice(oid::SYS_UP_TIME).child(0), value: Value::TimeTicks(500) },
            VarBind { oid: Oid::from_slice(oid::SNMP_ENGINE_TIME).child(0), value: Value::Integer(5) },
        ]
    }

    #[test]
    fn columns_side_by_side_with_holes_and_ends() {
        let columns = [Column::Name, Column::InOctets64];
        let mut walks: Vec<Walk> = columns.iter().map(|column| Walk::new(*column)).collect();
        let mut table = InterfaceTable::default();
        let mut answer = scalars();
        answer.push(binding(Column::Name, 1, Value::OctetString("lo".into())));
        answer.push(binding(Column::InOctets64, 2, Value::Counter64(7)));
        answer.push(binding(Column::Name, 2, Value::OctetString("ether\u{7}1".into())));
        answer.push(binding(Column::OutOctets64, 1, Value::Counter64(9)));
        answer.push(VarBind { oid: Oid::empty(), value: Value::EndOfMibView });
        table.take(&answer, &[0, 1], &mut walks).unwrap();
        assert!(walks.iter().all(|walk| walk.ended));
        assert_eq!((table.uptime_ticks, table.engine_seconds), (Some(500), Some(5)));
        assert_eq!(table.rows[&1].name.as_deref(), Some("lo"));
        assert_eq!(table.rows[&1].in_octets64, None);
        assert_eq!(table.rows[&2].name.as_deref(), Some("ether1"));
        assert_eq!(table.rows[&2].in_octets64, Some(7));
        assert!(table.needs_basic_counters());
    }

    #[test]
    fn a_walk_that_goes_back_or_stands_still_is_an_error() {
        let mut walks = vec![Walk::new(Column::Name)];
        let mut table = InterfaceTable::default();
        let mut answer = scalars();
        answer.push(binding(Column::Name, 2, Value::OctetString("b".into())));
        answer.push(binding(Column::Name, 2, Value::OctetString("b".into())));
        assert!(matches!(table.take(&answer, &[0], &mut walks), Err(DeviceError::Protocol { .. })));
        assert!(matches!(table.take(&scalars(), &[0], &mut walks), Err(DeviceError::Protocol { .. })));
    }

    #[test]
    fn an_empty_system_group_is_an_error() {
        let nothing = VarBind { oid: Oid::from_slice(oid::SYS_DESCR).child(0), value: Value::NoSuchObject };
        assert!(system(&[nothing]).is_err());
    }
}
