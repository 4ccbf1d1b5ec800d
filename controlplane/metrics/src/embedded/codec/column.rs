//! One column: how it is reduced to small numbers, and back.

use super::bits::{BitReader, BitWriter};
use super::varint::{Input, put, put_signed};
use crate::embedded::num::{EXACT, exact_i64, f64_from_i64, signed, unsigned};

/// How integers were reduced before their remainder was packed.
const DIRECT: u8 = 0;
const DELTA: u8 = 1;
const DELTA_OF_DELTA: u8 = 2;
/// The column equals the one packed before it with `times`.
const SAME: u8 = 3;
/// Bits of `f64`, each exclusive-or'ed with the one before.
const FLOATS: u8 = 4;

const POWERS: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];

/// Packs columns of one block.
#[derive(Default)]
pub(crate) struct Encoder {
    meta: Vec<u8>,
    bits: BitWriter,
    last_times: Vec<i64>,
    ints: Vec<i64>,
    reduced: [Vec<i64>; 3],
}

impl Encoder {
    /// Position in both streams, in bytes; the bit stream is aligned to a byte here.
    pub(crate) fn mark(&mut self) -> (usize, usize) {
        self.bits.align();
        (self.meta.len(), self.bits.len())
    }

    /// Packs timestamps. Neighbouring series of one device share theirs, which then cost one byte.
    pub(crate) fn times(&mut self, times: &[i64]) {
        if times == self.last_times {
            self.meta.push(SAME);
            return;
        }
        self.last_times.clear();
        self.last_times.extend_from_slice(times);
        self.integers(times);
    }

    /// Packs values: as integers if a power of ten up to 1,000 makes all of them exact integers, else bit by bit.
    pub(crate) fn values(&mut self, values: &[f64]) {
        let mut ints = std::mem::take(&mut self.ints);
        match decimal(values, &mut ints) {
            Some(exponent) => {
                self.meta.push(exponent);
                self.integers(&ints);
            }
            None => {
                self.meta.push(FLOATS);
                self.floats(values);
            }
        }
        self.ints = ints;
    }

    /// Packs integers of any size.
    pub(crate) fn integers(&mut self, ints: &[i64]) {
        let Some(&first) = ints.first() else { return };
        let [direct, delta, second] = &mut self.reduced;
        direct.clear();
        direct.extend_from_slice(ints);
        differences(ints, delta);
        differences(delta, second);
        let shapes = [(DIRECT, &*direct), (DELTA, &*delta), (DELTA_OF_DELTA, &*second)];
        let (shape, rest, low) = shapes
            .into_iter()
            .map(|(shape, rest)| (shape, rest, rest.iter().copied().min().unwrap_or(0)))
            .min_by_key(|(shape, rest, low)| (cost(rest, *low), *shape))
            .expect("there are three shapes");
        self.meta.push(shape);
        if shape != DIRECT {
            put_signed(&mut self.meta, first);
        }
        if shape == DELTA_OF_DELTA {
            put_signed(&mut self.meta, delta.first().copied().unwrap_or(0));
        }
        put_signed(&mut self.meta, low);
        for &number in rest {
            let number = unsigned(number.wrapping_sub(low));
            Self::pack(&mut self.meta, &mut self.bits, number);
        }
    }

    fn floats(&mut self, values: &[f64]) {
        let mut before = 0u64;
        for value in values {
            let bits = value.to_bits();
            // Decimal fractions end in zeros; reversed, those become leading zeros that cost nothing.
            Self::pack(&mut self.meta, &mut self.bits, (bits ^ before).reverse_bits());
            before = bits;
        }
    }

    fn pack(meta: &mut Vec<u8>, bits: &mut BitWriter, number: u64) {
        let length = 64 - number.leading_zeros();
        meta.push(u8::try_from(length).expect("at most 64"));
        if length > 1 {
            bits.put(number ^ (1 << (length - 1)), length - 1);
        }
    }

    /// Appends a plain number to the meta stream.
    pub(crate) fn number(&mut self, value: u64) {
        put(&mut self.meta, value);
    }

    /// Both streams (meta, bits), leaving the encoder empty for the next block.
    pub(crate) fn take(&mut self) -> (Vec<u8>, Vec<u8>) {
        self.last_times.clear();
        (std::mem::take(&mut self.meta), self.bits.take())
    }
}

fn differences(numbers: &[i64], out: &mut Vec<i64>) {
    out.clear();
    out.extend(numbers.windows(2).map(|w| w[1].wrapping_sub(w[0])));
}

/// Estimated size in bits: the numbers and a little for each length that is not zero.
fn cost(numbers: &[i64], low: i64) -> u64 {
    let one = |n: &i64| {
        let length = u64::from(64 - unsigned(n.wrapping_sub(low)).leading_zeros());
        if length == 0 { 0 } else { length + 1 }
    };
    numbers.iter().map(one).sum()
}

/// Smallest power of ten that makes every value an exact integer, with those integers in `ints`.
fn decimal(values: &[f64], ints: &mut Vec<i64>) -> Option<u8> {
    (0u8..4).find(|&exponent| {
        let power = POWERS[usize::from(exponent)];
        ints.clear();
        values.iter().all(|&value| {
            let scaled = (value * power).round();
            let exact = scaled.abs() <= EXACT && (scaled / power).to_bits() == value.to_bits();
            match exact_i64(scaled) {
                Some(int) if exact => {
                    ints.push(int);
                    true
                }
                _ => false,
            }
        })
    })
}

/// Unpacks columns of one block, in the order in which they were packed.
pub(crate) struct Decoder<'a> {
    meta: Input<'a>,
    bits: BitReader<'a>,
}

impl<'a> Decoder<'a> {
    pub(crate) fn new(meta: &'a [u8], bits: &'a [u8]) -> Self {
        Self { meta: Input(meta), bits: BitReader::new(bits) }
    }

    /// Whether the column at hand is one of timestamps that equals the one before.
    pub(crate) fn shares_times(&self) -> bool {
        self.meta.0.first() == Some(&SAME)
    }

    /// Timestamps; `same` are those of the column before, for when they are shared. `None` if damaged.
    pub(crate) fn times(&mut self, count: usize, same: &mut Vec<i64>) -> Option<()> {
        if self.shares_times() {
            self.meta.byte()?;
            return (same.len() == count).then_some(());
        }
        *same = self.integers(count)?;
        Some(())
    }

    pub(crate) fn values(&mut self, count: usize) -> Option<Vec<f64>> {
        let exponent = self.meta.byte()?;
        if exponent == FLOATS {
            return self.floats(count);
        }
        let power = *POWERS.get(usize::from(exponent))?;
        let ints = self.integers(count)?;
        Some(ints.into_iter().map(|int| f64_from_i64(int) / power).collect())
    }

    pub(crate) fn integers(&mut self, count: usize) -> Option<Vec<i64>> {
        if count == 0 {
            return Some(Vec::new());
        }
        // A length byte per number follows, so a count beyond the stream is damage, found before allocating.
        if count > self.meta.0.len() + 2 {
            return None;
        }
        let shape = self.meta.byte()?;
        let mut out = Vec::with_capacity(count);
        let mut value = if shape == DIRECT { 0 } else { self.meta.signed()? };
        let mut delta = if shape == DELTA_OF_DELTA { self.meta.signed()? } else { 0 };
        let low = self.meta.signed()?;
        match shape {
            DIRECT => {
                for _ in 0..count {
                    out.push(signed(self.unpack()?).wrapping_add(low));
                }
            }
            DELTA => {
                out.push(value);
                for _ in 1..count {
                    value = value.wrapping_add(signed(self.unpack()?).wrapping_add(low));
                    out.push(value);
                }
            }
            DELTA_OF_DELTA => {
                out.push(value);
                for i in 1..count {
                    if i > 1 {
                        delta = delta.wrapping_add(signed(self.unpack()?).wrapping_add(low));
                    }
                    value = value.wrapping_add(delta);
                    out.push(value);
                }
            }
            _ => return None,
        }
        Some(out)
    }

    fn floats(&mut self, count: usize) -> Option<Vec<f64>> {
        if count > self.meta.0.len() {
            return None;
        }
        let mut before = 0u64;
        let mut out = Vec::with_capacity(count);
        for _ in 0..count {
            before ^= self.unpack()?.reverse_bits();
            out.push(f64::from_bits(before));
        }
        Some(out)
    }

    fn unpack(&mut self) -> Option<u64> {
        match self.meta.byte()? {
            0 => Some(0),
            length @ 1..=64 => {
                let rest = u32::from(length) - 1;
                Some(self.bits.get(rest)? | (1 << rest))
            }
            _ => None,
        }
    }

    pub(crate) fn number(&mut self) -> Option<u64> {
        self.meta.number()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> impl Strategy<Value = Vec<f64>> {
        let number = prop_oneof![
            any::<u32>().prop_map(f64::from),
            any::<i32>().prop_map(|i| f64::from(i) / 100.0),
            any::<f64>().prop_filter("finite", |v| v.is_finite()),
            Just(-0.0),
        ];
        prop_oneof![
            prop::collection::vec(number, 0..200),
            prop::collection::vec(any::<u32>().prop_map(f64::from), 0..200),
        ]
    }

    proptest! {
        #[test]
        fn columns_come_back(times in prop::collection::vec(any::<i64>(), 0..200), values in values()) {
            let mut encoder = Encoder::default();
            encoder.times(&times);
            let middle = encoder.mark();
            encoder.times(&times);
            encoder.values(&values);
            encoder.number(7);
            let (meta, bits) = encoder.take();
            prop_assert!(middle.0 <= meta.len() && middle.1 <= bits.len());
            let mut shared = Vec::new();
            let mut first = Decoder::new(&meta[..middle.0], &bits[..middle.1]);
            first.times(times.len(), &mut shared).unwrap();
            let mut second = Decoder::new(&meta[middle.0..], &bits[middle.1..]);
            second.times(times.len(), &mut shared).unwrap();
            prop_assert_eq!(&shared, &times);
            let back = second.values(values.len()).unwrap();
            let bits_of = |v: &[f64]| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
            prop_assert_eq!(bits_of(&back), bits_of(&values));
            prop_assert_eq!(second.number(), Some(7));
        }

        #[test]
        fn damage_never_panics(meta in prop::collection::vec(any::<u8>(), 0..300), bits in prop::collection::vec(any::<u8>(), 0..50), count in 0usize..400) {
            let mut decoder = Decoder::new(&meta, &bits);
            let _ = decoder.times(count, &mut Vec::new());
            let _ = decoder.values(count);
        }
    }
}
