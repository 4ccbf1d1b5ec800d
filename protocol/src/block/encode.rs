use super::{BlockError, Column, ColumnRef, FLAG_FLOAT, FLAG_SHARED_TIMES, VERSION, ValuesRef, varint};

/// Fast and already good: the columns carry little redundancy after the differences.
const ZSTD_LEVEL: i32 = 1;

/// Packs columns into a block.
///
/// # Errors
/// [`BlockError::Uneven`] when a column's timestamps and values differ in number.
pub fn encode(columns: &[Column]) -> Result<Vec<u8>, BlockError> {
    encode_refs(&columns.iter().map(ColumnRef::from).collect::<Vec<_>>())
}

/// As [`encode`], of columns that are kept elsewhere.
///
/// # Errors
/// As [`encode`].
pub fn encode_refs(columns: &[ColumnRef<'_>]) -> Result<Vec<u8>, BlockError> {
    let plain = layout(columns)?;
    let packed = zstd::bulk::compress(&plain, ZSTD_LEVEL).map_err(|_| BlockError::Compression)?;
    let mut block = Vec::with_capacity(packed.len() + 6);
    block.push(VERSION);
    varint::put(&mut block, as_u64(plain.len()));
    block.extend_from_slice(&packed);
    Ok(block)
}

fn layout(columns: &[ColumnRef<'_>]) -> Result<Vec<u8>, BlockError> {
    let mut out = Vec::with_capacity(columns.iter().map(|column| 8 + 4 * column.values.len()).sum());
    varint::put(&mut out, as_u64(columns.len()));
    let mut previous = None;
    for column in columns {
        if column.timestamps_ms.len() != column.values.len() {
            return Err(BlockError::Uneven {
                series: column.series,
                timestamps: column.timestamps_ms.len(),
                values: column.values.len(),
            });
        }
        varint::put(&mut out, u64::from(column.series));
        out.push(flags(column, previous));
        varint::put(&mut out, as_u64(column.values.len()));
        previous = Some(column);
    }
    previous = None;
    for column in columns {
        if flags(column, previous) & FLAG_SHARED_TIMES == 0 {
            put_times(&mut out, column.timestamps_ms);
        }
        match column.values {
            ValuesRef::Int(values) => put_ints(&mut out, values),
            ValuesRef::Float(values) => put_floats(&mut out, values),
        }
        previous = Some(column);
    }
    Ok(out)
}

fn flags(column: &ColumnRef<'_>, previous: Option<&ColumnRef<'_>>) -> u8 {
    let float = if matches!(column.values, ValuesRef::Float(_)) { FLAG_FLOAT } else { 0 };
    let shared = if previous.is_some_and(|before| before.timestamps_ms == column.timestamps_ms) {
        FLAG_SHARED_TIMES
    } else {
        0
    };
    float | shared
}

/// Differences of differences: a steady interval becomes zeros. Wrapping, so that any timestamp survives.
fn put_times(out: &mut Vec<u8>, times: &[i64]) {
    let (mut last, mut step) = (0i64, 0i64);
    for &time in times {
        let next_step = time.wrapping_sub(last);
        varint::put_signed(out, next_step.wrapping_sub(step));
        (last, step) = (time, next_step);
    }
}

fn put_ints(out: &mut Vec<u8>, values: &[i64]) {
    let mut last = 0i64;
    for &value in values {
        varint::put_signed(out, value.wrapping_sub(last));
        last = value;
    }
}

/// The bits that changed. Bytes are swapped because floats change at the top and rest at the bottom: the zeros of
/// a short mantissa end up where a variable-length integer drops them.
fn put_floats(out: &mut Vec<u8>, values: &[f64]) {
    let mut last = 0u64;
    for value in values {
        let bits = value.to_bits();
        varint::put(out, (bits ^ last).swap_bytes());
        last = bits;
    }
}

fn as_u64(length: usize) -> u64 {
    u64::try_from(length).expect("a length in memory fits 64 bits")
}
