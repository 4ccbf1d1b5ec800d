use super::{BlockError, Column, FLAG_FLOAT, FLAG_SHARED_TIMES, Limits, VERSION, Values, varint};

/// One line of the directory.
struct Entry {
    series: u32,
    flags: u8,
    samples: usize,
}

/// Unpacks a block.
///
/// # Errors
/// Any [`BlockError`] but `Uneven`: the bytes are not a block, or one larger than `limits`.
pub fn decode(block: &[u8], limits: &Limits) -> Result<Vec<Column>, BlockError> {
    let plain = unpack(block, limits)?;
    let mut input = plain.as_slice();
    let entries = directory(&mut input, limits)?;
    let mut columns: Vec<Column> = Vec::with_capacity(entries.len());
    for entry in entries {
        let timestamps_ms = if entry.flags & FLAG_SHARED_TIMES == 0 {
            take_times(&mut input, entry.samples)?
        } else {
            let before = columns.last().ok_or(BlockError::Malformed("first column shares timestamps"))?;
            if before.timestamps_ms.len() != entry.samples {
                return Err(BlockError::Malformed("shared timestamps of another length"));
            }
            before.timestamps_ms.clone()
        };
        let values = if entry.flags & FLAG_FLOAT == 0 {
            Values::Int(take_ints(&mut input, entry.samples)?)
        } else {
            Values::Float(take_floats(&mut input, entry.samples)?)
        };
        columns.push(Column { series: entry.series, timestamps_ms, values });
    }
    if input.is_empty() { Ok(columns) } else { Err(BlockError::Malformed("bytes after the last column")) }
}

/// The series that a block uses, in its order, without reading the samples.
///
/// # Errors
/// As [`decode`], as far as the directory reaches.
pub fn series_numbers(block: &[u8], limits: &Limits) -> Result<Vec<u32>, BlockError> {
    let plain = unpack(block, limits)?;
    let entries = directory(&mut plain.as_slice(), limits)?;
    Ok(entries.into_iter().map(|entry| entry.series).collect())
}

/// Header and zstd; the declared length is checked before memory is taken and must then hold.
fn unpack(block: &[u8], limits: &Limits) -> Result<Vec<u8>, BlockError> {
    let (&version, mut packed) = block.split_first().ok_or(BlockError::Truncated)?;
    if version != VERSION {
        return Err(BlockError::UnknownVersion(version));
    }
    let declared = varint::take_count(&mut packed)?;
    if declared > limits.max_uncompressed {
        return Err(BlockError::TooLarge("uncompressed bytes"));
    }
    let plain = zstd::bulk::decompress(packed, declared).map_err(|_| BlockError::Compression)?;
    if plain.len() == declared {
        Ok(plain)
    } else {
        Err(BlockError::Malformed("uncompressed length is not as declared"))
    }
}

fn directory(input: &mut &[u8], limits: &Limits) -> Result<Vec<Entry>, BlockError> {
    let columns = varint::take_count(input)?;
    if columns > limits.max_columns {
        return Err(BlockError::TooLarge("columns"));
    }
    if columns > input.len() {
        return Err(BlockError::Truncated);
    }
    let mut entries = Vec::with_capacity(columns);
    let mut total = 0usize;
    for _ in 0..columns {
        let series = u32::try_from(varint::take(input)?)
            .map_err(|_| BlockError::Malformed("series number exceeds 32 bits"))?;
        let (&flags, rest) = input.split_first().ok_or(BlockError::Truncated)?;
        *input = rest;
        if flags & !(FLAG_FLOAT | FLAG_SHARED_TIMES) != 0 {
            return Err(BlockError::Malformed("unknown column flag"));
        }
        let samples = varint::take_count(input)?;
        total = total.saturating_add(samples);
        if total > limits.max_samples {
            return Err(BlockError::TooLarge("samples"));
        }
        entries.push(Entry { series, flags, samples });
    }
    Ok(entries)
}

/// Space for `samples` numbers, refused where the bytes left cannot hold that many.
fn reserve<T>(input: &[u8], samples: usize) -> Result<Vec<T>, BlockError> {
    if samples > input.len() { Err(BlockError::Truncated) } else { Ok(Vec::with_capacity(samples)) }
}

fn take_times(input: &mut &[u8], samples: usize) -> Result<Vec<i64>, BlockError> {
    let mut times = reserve(input, samples)?;
    let (mut last, mut step) = (0i64, 0i64);
    for _ in 0..samples {
        step = step.wrapping_add(varint::take_signed(input)?);
        last = last.wrapping_add(step);
        times.push(last);
    }
    Ok(times)
}

fn take_ints(input: &mut &[u8], samples: usize) -> Result<Vec<i64>, BlockError> {
    let mut values = reserve(input, samples)?;
    let mut last = 0i64;
    for _ in 0..samples {
        last = last.wrapping_add(varint::take_signed(input)?);
        values.push(last);
    }
    Ok(values)
}

fn take_floats(input: &mut &[u8], samples: usize) -> Result<Vec<f64>, BlockError> {
    let mut values = reserve(input, samples)?;
    let mut last = 0u64;
    for _ in 0..samples {
        last ^= varint::take(input)?.swap_bytes();
        values.push(f64::from_bits(last));
    }
    Ok(values)
}
