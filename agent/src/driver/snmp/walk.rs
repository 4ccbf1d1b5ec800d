//! The walk of any table, columns side by side. Pure: it says what to ask next and takes the answer.
//!
//! Rows come out as soon as every column has passed them, so that a table of ten thousand rows never stands in memory.
//! Each column has a cursor of its own: holes, answers cut short in the middle of a row and columns that end early
//! lose nothing. A walk that was not finished is kept and goes on from its cursors.

use std::collections::BTreeMap;

use super::ber;
use super::parse::Taken;
use super::pdu::{Answer, Binding, Names, Value};
use crate::driver::DeviceError;

/// A table longer than this is a device gone mad.
pub(super) const MOST_ROWS: usize = 65_536;

/// A value that outlives the answer that it came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Held {
    /// INTEGER.
    Number(i64),
    /// Gauge32, Unsigned32.
    Gauge32(u32),
    /// TimeTicks.
    Ticks(u32),
    /// Counter32.
    Counter32(u32),
    /// Counter64.
    Counter64(u64),
    /// OCTET STRING.
    Octets(Box<[u8]>),
}

impl Held {
    /// The value, where the device gave one of a type that a metric or a label can be.
    pub(super) fn of(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Integer(number) => Some(Self::Number(number)),
            Value::Gauge32(number) => Some(Self::Gauge32(number)),
            Value::TimeTicks(number) => Some(Self::Ticks(number)),
            Value::Counter32(count) => Some(Self::Counter32(count)),
            Value::Counter64(count) => Some(Self::Counter64(count)),
            Value::Octets(bytes) => Some(Self::Octets(bytes.into())),
            Value::ObjectId(_) | Value::Missing | Value::EndOfMibView | Value::Other => None,
        }
    }

    /// The number that it is; `None` of a text, and of a counter beyond 63 bits.
    pub(super) fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Gauge32(number) | Self::Ticks(number) | Self::Counter32(number) => Some(i64::from(*number)),
            Self::Counter64(number) => i64::try_from(*number).ok(),
            Self::Octets(_) => None,
        }
    }
}

/// A row that every column has passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Row {
    /// What follows the column's identifier.
    pub(super) index: Vec<u32>,
    /// One for each column, in the order of the walk; `None` where the row has none.
    pub(super) cells: Vec<Option<Held>>,
}

#[derive(Debug)]
struct Cursor {
    oid: Vec<u8>,
    /// Index of the last row read: as numbers to compare, as bytes to ask.
    last: Option<Vec<u32>>,
    suffix: Vec<u8>,
    ended: bool,
}

/// Where the walk of one table stands.
#[derive(Debug)]
pub(super) struct TableWalk {
    cursors: Vec<Cursor>,
    pending: BTreeMap<Vec<u32>, Vec<Option<Held>>>,
    rows: usize,
}

impl TableWalk {
    /// The walk of columns, each given by its identifier (encoded).
    pub(super) fn new(columns: impl IntoIterator<Item = Vec<u8>>) -> Self {
        let cursor = |oid| Cursor { oid, last: None, suffix: Vec::new(), ended: false };
        Self { cursors: columns.into_iter().map(cursor).collect(), pending: BTreeMap::new(), rows: 0 }
    }

    /// Columns that have not ended.
    pub(super) fn open(&self) -> usize {
        self.cursors.iter().filter(|cursor| !cursor.ended).count()
    }

    /// Whether it came to the table's end.
    pub(super) fn ended(&self) -> bool {
        self.open() == 0
    }

    /// Rows seen so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// What to ask next: for each open column the row after its last.
    pub(super) fn names(&self) -> Names {
        let mut names = Names::default();
        for cursor in self.cursors.iter().filter(|cursor| !cursor.ended) {
            names.push_row(&cursor.oid, &cursor.suffix);
        }
        names
    }

    /// Takes the answer to [`TableWalk::names`], asked once or repeated.
    ///
    /// # Errors
    /// [`DeviceError::Protocol`] when a column goes back or stands still, when an index is no index, when nothing was
    /// answered at all, and when the table does not end.
    pub(super) fn take(&mut self, answer: &Answer<'_>) -> Result<Taken, DeviceError> {
        let bindings = answer.bindings();
        let (bytes, mut count) = (bindings.bytes(), 0);
        let open: Vec<usize> = (0..self.cursors.len()).filter(|at| !self.cursors[*at].ended).collect();
        for (binding, at) in bindings.zip(open.iter().cycle()) {
            let binding = binding?;
            count += 1;
            let cursor = &mut self.cursors[*at];
            if cursor.ended {
                continue;
            }
            let Some(index) = cursor.step(&binding)? else { continue };
            let columns = self.cursors.len();
            let rows = &mut self.rows;
            let cells = self.pending.entry(index).or_insert_with(|| {
                *rows += 1;
                vec![None; columns]
            });
            if let Some(cell) = cells.get_mut(*at) {
                *cell = Held::of(binding.value);
            }
        }
        if count == 0 {
            return Err(DeviceError::Protocol { words: "a walk was answered without any row".into() });
        }
        if self.rows > MOST_ROWS {
            return Err(DeviceError::Protocol { words: format!("a table of more than {MOST_ROWS} rows") });
        }
        Ok(Taken { bindings: count, bytes })
    }

    /// Rows that are whole by now, in their order; each is given once.
    pub(super) fn take_whole(&mut self) -> Vec<Row> {
        let open = || self.cursors.iter().filter(|cursor| !cursor.ended);
        let whole = if open().next().is_none() {
            std::mem::take(&mut self.pending)
        } else {
            let Some(passed) = open().map(|cursor| cursor.last.as_ref()).min().flatten() else {
                return Vec::new();
            };
            // What comes after the slowest column waits.
            let mut first_waiting = passed.clone();
            first_waiting.push(0);
            let waiting = self.pending.split_off(&first_waiting);
            std::mem::replace(&mut self.pending, waiting)
        };
        whole.into_iter().map(|(index, cells)| Row { index, cells }).collect()
    }
}

impl Cursor {
    /// Takes the next binding of this column; gives the row's index, or nothing when the column has ended.
    fn step(&mut self, binding: &Binding<'_>) -> Result<Option<Vec<u32>>, DeviceError> {
        let suffix = match binding.name.strip_prefix(self.oid.as_slice()) {
            Some(suffix) if !suffix.is_empty() && binding.value != Value::EndOfMibView => suffix,
            _ => {
                self.ended = true;
                return Ok(None);
            }
        };
        let index = ber::arcs(suffix).ok_or_else(|| DeviceError::Protocol {
            words: format!("{} is no row of a table", ber::dotted(binding.name)),
        })?;
        if self.last.as_ref().is_some_and(|last| index <= *last) {
            return Err(DeviceError::Protocol {
                words: format!(
                    "a walk does not advance: {} came after a later row",
                    ber::dotted(binding.name)
                ),
            });
        }
        self.suffix = suffix.to_vec();
        self.last = Some(index.clone());
        Ok(Some(index))
    }
}

#[cfg(test)]
mod tests;
