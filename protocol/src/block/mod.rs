//! Metric blocks: many samples of many series in few bytes.
//!
//! A block is what the agent's buffer stores and what travels, unchanged. Values are written by column, because
//! neighbours in time resemble each other: timestamps as differences of differences, integers as differences, floats
//! as the bits that changed, each as a variable-length integer; zstd then runs over the whole.
//!
//! Layout, version 1: `version u8 | varint uncompressed length | zstd frame`. Inside the frame stands a directory
//! (`varint columns`, then per column `varint series | flags u8 | varint samples`) and after it the columns' bodies
//! in the same order, timestamps before values. Flag bit 0: values are floats. Flag bit 1: the timestamps are those
//! of the column before and are not written again (one poll of a device fills hundreds of columns at one instant).
//! The directory comes first so that [`series_numbers`] need not read the bodies.
//!
//! The decoder never panics and never allocates more than [`Limits`] allow, whatever the bytes say: a value costs at
//! least one byte, so counts are checked against the bytes that are left before memory is taken.

mod decode;
mod encode;
mod varint;

pub use decode::{decode, series_numbers};
pub use encode::{encode, encode_refs};

/// The layout written by [`encode`].
const VERSION: u8 = 1;
/// Directory flag: the values are floats.
const FLAG_FLOAT: u8 = 1;
/// Directory flag: the timestamps are those of the column before.
const FLAG_SHARED_TIMES: u8 = 1 << 1;

/// Samples of one series, in the order in which they were measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Number of the series within the buffer's epoch; a series table says what it stands for.
    pub series: u32,
    /// When each value was measured, Unix milliseconds.
    pub timestamps_ms: Vec<i64>,
    /// As many values as timestamps.
    pub values: Values,
}

/// The values of a column: integers stay integers, so that counters keep all their bits.
#[derive(Debug, Clone, PartialEq)]
pub enum Values {
    /// Whole numbers: counters, states.
    Int(Vec<i64>),
    /// Everything else; every bit pattern survives, NaN too.
    Float(Vec<f64>),
}

impl Values {
    /// How many values there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Int(values) => values.len(),
            Self::Float(values) => values.len(),
        }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A column whose timestamps and values are kept elsewhere: who packs thousands of series of one sample each need not
/// make lists for every one.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ColumnRef<'a> {
    /// As [`Column::series`].
    pub series: u32,
    /// As [`Column::timestamps_ms`].
    pub timestamps_ms: &'a [i64],
    /// As many values as timestamps.
    pub values: ValuesRef<'a>,
}

/// As [`Values`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum ValuesRef<'a> {
    /// Whole numbers.
    Int(&'a [i64]),
    /// Everything else.
    Float(&'a [f64]),
}

impl ValuesRef<'_> {
    fn len(&self) -> usize {
        match self {
            Self::Int(values) => values.len(),
            Self::Float(values) => values.len(),
        }
    }
}

impl<'a> From<&'a Column> for ColumnRef<'a> {
    fn from(column: &'a Column) -> Self {
        let values = match &column.values {
            Values::Int(values) => ValuesRef::Int(values),
            Values::Float(values) => ValuesRef::Float(values),
        };
        Self { series: column.series, timestamps_ms: &column.timestamps_ms, values }
    }
}

/// What a decoder accepts.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the block after decompression.
    pub max_uncompressed: usize,
    /// Columns of a block.
    pub max_columns: usize,
    /// Samples of a block over all its columns.
    pub max_samples: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { max_uncompressed: 4 << 20, max_columns: 1 << 16, max_samples: 1 << 20 }
    }
}

/// Why columns could not be packed, or bytes are not a block.
#[derive(Debug, thiserror::Error, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum BlockError {
    /// A column has more or fewer timestamps than values.
    #[error("series {series}: {timestamps} timestamps for {values} values")]
    Uneven {
        /// The column's series.
        series: u32,
        /// Timestamps it has.
        timestamps: usize,
        /// Values it has.
        values: usize,
    },
    /// The layout is none that this program reads.
    #[error("block layout {0} is unknown")]
    UnknownVersion(u8),
    /// The bytes end before the block does.
    #[error("block is cut short")]
    Truncated,
    /// Bytes are left over, or an impossible flag, number or length was found.
    #[error("block is malformed: {0}")]
    Malformed(&'static str),
    /// More than the caller's [`Limits`].
    #[error("block exceeds the limit of {0}")]
    TooLarge(&'static str),
    /// zstd refused to pack or unpack.
    #[error("zstd failed on a block")]
    Compression,
}

#[cfg(test)]
mod tests;
