//! The part of CBOR (RFC 8949) that authenticators write: whole numbers, bytes, texts, lists and maps of definite length, and
//! simple values. Everything else is refused; nothing is kept that was not there.

/// One value, and what the bytes of it were.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Value {
    Number(i64),
    Bytes(Vec<u8>),
    Text(String),
    List(Vec<Value>),
    Map(Vec<(Value, Value)>),
    /// `false`, `true`, `null`, `undefined`.
    Simple(u8),
}

/// Values within values: an attestation statement has four.
const DEEPEST: u32 = 8;

impl Value {
    /// Reads one value; what stands behind it.
    pub(super) fn read(bytes: &[u8]) -> Option<(Self, &[u8])> {
        read(bytes, DEEPEST)
    }

    /// The value of a map under a number.
    pub(super) fn at(&self, key: i64) -> Option<&Self> {
        self.under(|candidate| *candidate == Self::Number(key))
    }

    /// The value of a map under a text.
    pub(super) fn of(&self, key: &str) -> Option<&Self> {
        self.under(|candidate| matches!(candidate, Self::Text(text) if text == key))
    }

    fn under(&self, is: impl Fn(&Self) -> bool) -> Option<&Self> {
        let Self::Map(pairs) = self else { return None };
        pairs.iter().find(|(key, _)| is(key)).map(|(_, value)| value)
    }

    pub(super) fn as_bytes(&self) -> Option<&[u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }
}

fn split(bytes: &[u8], length: usize) -> Option<(&[u8], &[u8])> {
    bytes.split_at_checked(length)
}

/// The argument of a value's first byte.
fn argument(kind: u8, bytes: &[u8]) -> Option<(u64, &[u8])> {
    let length = match kind & 0x1f {
        small @ 0..=23 => return Some((u64::from(small), bytes)),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        // Reserved, or of a length that is not known.
        _ => return None,
    };
    let (argument, rest) = split(bytes, length)?;
    Some((argument.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)), rest))
}

fn read(bytes: &[u8], deepest: u32) -> Option<(Value, &[u8])> {
    let (kind, rest) = bytes.split_first()?;
    let deeper = deepest.checked_sub(1)?;
    let (argument, rest) = argument(*kind, rest)?;
    match kind >> 5 {
        0 => Some((Value::Number(i64::try_from(argument).ok()?), rest)),
        1 => Some((Value::Number(-1 - i64::try_from(argument).ok()?), rest)),
        2 => {
            let (bytes, rest) = split(rest, usize::try_from(argument).ok()?)?;
            Some((Value::Bytes(bytes.to_vec()), rest))
        }
        3 => {
            let (bytes, rest) = split(rest, usize::try_from(argument).ok()?)?;
            Some((Value::Text(std::str::from_utf8(bytes).ok()?.to_owned()), rest))
        }
        4 => {
            // Nothing is reserved for what is only announced.
            let (mut items, mut rest) = (Vec::new(), rest);
            for _ in 0..argument {
                let (item, behind) = read(rest, deeper)?;
                items.push(item);
                rest = behind;
            }
            Some((Value::List(items), rest))
        }
        5 => {
            let (mut pairs, mut rest) = (Vec::<(Value, Value)>::new(), rest);
            for _ in 0..argument {
                let (key, behind) = read(rest, deeper)?;
                let (value, behind) = read(behind, deeper)?;
                // Of two under one key nobody can say which is meant.
                if pairs.iter().any(|(other, _)| *other == key) {
                    return None;
                }
                pairs.push((key, value));
                rest = behind;
            }
            Some((Value::Map(pairs), rest))
        }
        7 => match kind & 0x1f {
            simple @ 20..=23 => Some((Value::Simple(simple), rest)),
            _ => None,
        },
        // Tags.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(hexadecimal: &str) -> Option<Value> {
        let bytes = hex::decode(hexadecimal).unwrap();
        let (value, rest) = Value::read(&bytes)?;
        assert!(rest.is_empty());
        Some(value)
    }

    #[test]
    fn the_examples_of_rfc_8949() {
        for (hexadecimal, number) in [
            ("00", 0),
            ("17", 23),
            ("1818", 24),
            ("1903e8", 1_000),
            ("20", -1),
            ("3863", -100),
            ("3903e7", -1_000),
        ] {
            assert_eq!(whole(hexadecimal), Some(Value::Number(number)), "{hexadecimal}");
        }
        assert_eq!(whole("1b7fffffffffffffff"), Some(Value::Number(i64::MAX)));
        assert_eq!(whole("4401020304"), Some(Value::Bytes(vec![1, 2, 3, 4])));
        assert_eq!(whole("62c3bc"), Some(Value::Text("ü".to_owned())));
        assert_eq!(whole("f5"), Some(Value::Simple(21)));
        let map = whole("a26161016162820203").unwrap();
        assert_eq!(map.of("a"), Some(&Value::Number(1)));
        assert_eq!(map.of("b"), Some(&Value::List(vec![Value::Number(2), Value::Number(3)])));
        assert_eq!((map.of("c"), map.at(1)), (None, None));
        assert_eq!(whole("a201020304").unwrap().at(3), Some(&Value::Number(4)));
    }

    #[test]
    fn what_is_cut_or_strange_is_refused() {
        for strange in [
            "",
            "18",
            "44010203",
            "5f42010243030405ff",
            "9fff",
            "62ff00",
            "1bffffffffffffffff",
            "c11a514b67b0",
            "fb3ff199999999999a",
            "a1",
            "a161",
            "a201010102",
            "1c",
            "f820",
            "9bffffffffffffffff00",
        ] {
            assert_eq!(Value::read(&hex::decode(strange).unwrap()), None, "{strange}");
        }
        let deep = [vec![0x81; 100], vec![0x00]].concat();
        assert_eq!(Value::read(&deep), None, "too deep");
    }
}
