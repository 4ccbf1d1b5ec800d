use proptest::prelude::*;

use super::*;

fn column() -> impl Strategy<Value = Column> {
    let ints = proptest::collection::vec((any::<i64>(), any::<i64>()), 0..40).prop_map(|samples| {
        let (timestamps_ms, values) = samples.into_iter().unzip();
        (timestamps_ms, Values::Int(values))
    });
    let floats = proptest::collection::vec((any::<i64>(), any::<u64>()), 0..40).prop_map(|samples| {
        let (timestamps_ms, bits): (_, Vec<u64>) = samples.into_iter().unzip();
        (timestamps_ms, Values::Float(bits.into_iter().map(f64::from_bits).collect()))
    });
    (any::<u32>(), prop_oneof![ints, floats]).prop_map(|(series, (timestamps_ms, values))| Column {
        series,
        timestamps_ms,
        values,
    })
}

/// Bits instead of values, because NaN differs from itself.
fn bits(columns: &[Column]) -> Vec<(u32, Vec<i64>, Vec<u64>, bool)> {
    columns
        .iter()
        .map(|column| {
            let (values, float) = match &column.values {
                Values::Int(values) => (values.iter().map(|value| value.cast_unsigned()).collect(), false),
                Values::Float(values) => (values.iter().map(|value| value.to_bits()).collect(), true),
            };
            (column.series, column.timestamps_ms.clone(), values, float)
        })
        .collect()
}

proptest! {
    #[test]
    fn round_trip(mut columns in proptest::collection::vec(column(), 0..12), repeat in any::<bool>()) {
        if repeat && let Some(first) = columns.first().cloned() {
            columns.insert(1, Column { series: first.series.wrapping_add(1), ..first });
        }
        let block = encode(&columns).unwrap();
        let decoded = decode(&block, &Limits::default()).unwrap();
        prop_assert_eq!(bits(&decoded), bits(&columns));
        let numbers: Vec<u32> = columns.iter().map(|column| column.series).collect();
        prop_assert_eq!(series_numbers(&block, &Limits::default()).unwrap(), numbers);
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&bytes, &Limits::default());
        let _ = series_numbers(&bytes, &Limits::default());
    }

    /// The compressed layer hides most mistakes from random bytes: here the layout itself is hostile.
    #[test]
    fn arbitrary_layouts_never_panic(plain in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = decode(&wrap(&plain, plain.len()), &Limits::default());
    }

    #[test]
    fn cut_short_is_an_error(columns in proptest::collection::vec(column(), 1..6), at in any::<proptest::sample::Index>()) {
        let block = encode(&columns).unwrap();
        prop_assert!(decode(&block[..at.index(block.len())], &Limits::default()).is_err());
    }
}

fn wrap(plain: &[u8], declared: usize) -> Vec<u8> {
    let mut block = vec![VERSION];
    varint::put(&mut block, declared as u64);
    block.extend(zstd::bulk::compress(plain, 1).unwrap());
    block
}

#[test]
fn a_bomb_is_refused_before_it_is_unpacked() {
    let zeros = vec![0u8; 64 << 20];
    let honest = wrap(&zeros, zeros.len());
    assert!(honest.len() < 64 << 10, "the bomb must be small to be one");
    assert_eq!(decode(&honest, &Limits::default()), Err(BlockError::TooLarge("uncompressed bytes")));
    let lying = wrap(&zeros, 1024);
    assert_eq!(decode(&lying, &Limits::default()), Err(BlockError::Compression));
}

#[test]
fn counts_beyond_the_bytes_take_no_memory() {
    let mut plain = Vec::new();
    varint::put(&mut plain, 1);
    varint::put(&mut plain, 7);
    plain.push(0);
    varint::put(&mut plain, 1 << 19);
    assert_eq!(decode(&wrap(&plain, plain.len()), &Limits::default()), Err(BlockError::Truncated));
}

#[test]
fn limits_hold_on_columns_and_samples() {
    let columns: Vec<Column> = (0..3)
        .map(|series| Column { series, timestamps_ms: vec![1, 2], values: Values::Int(vec![1, 2]) })
        .collect();
    let block = encode(&columns).unwrap();
    let few_columns = Limits { max_columns: 2, ..Limits::default() };
    assert_eq!(decode(&block, &few_columns), Err(BlockError::TooLarge("columns")));
    let few_samples = Limits { max_samples: 5, ..Limits::default() };
    assert_eq!(decode(&block, &few_samples), Err(BlockError::TooLarge("samples")));
}

#[test]
fn uneven_columns_are_refused() {
    let column = Column { series: 9, timestamps_ms: vec![1], values: Values::Int(vec![]) };
    assert_eq!(encode(&[column]), Err(BlockError::Uneven { series: 9, timestamps: 1, values: 0 }));
}

#[test]
fn one_poll_of_a_device_is_small() {
    // 218 counters read ten times at a steady interval: two bytes a sample leave room for the growth.
    let times: Vec<i64> = (0..10).map(|n| 1_760_000_000_000 + n * 60_000).collect();
    let columns: Vec<Column> = (0..218u32)
        .map(|series| Column {
            series,
            timestamps_ms: times.clone(),
            values: Values::Int((0..10).map(|n| i64::from(series) * 1_000_003 + n * 91).collect()),
        })
        .collect();
    let block = encode(&columns).unwrap();
    assert!(block.len() < 2 * 2180, "{} bytes for 2180 samples", block.len());
}
