//! BER as SNMP uses it (X.690; RFC 3417 §8): one tag byte, definite lengths. Pure, never reads beyond its bytes.

/// What the bytes lack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum BerError {
    /// An element is longer than what contains it.
    #[error("the message is cut short")]
    Truncated,
    /// Something else stands there than the protocol wants.
    #[error("the message is malformed: {0}")]
    Malformed(&'static str),
}

pub(super) const INTEGER: u8 = 0x02;
pub(super) const OCTETS: u8 = 0x04;
pub(super) const NULL: u8 = 0x05;
pub(super) const OBJECT_ID: u8 = 0x06;
pub(super) const SEQUENCE: u8 = 0x30;

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Tag and content of the next element.
    pub(super) fn next(&mut self) -> Result<(u8, &'a [u8]), BerError> {
        let (&[tag, short], rest) = self.0.split_first_chunk().ok_or(BerError::Truncated)?;
        let (length, rest) = match short {
            0..=0x7F => (usize::from(short), rest),
            // Four bytes of length are beyond any datagram; 0x80 is the indefinite form, which SNMP forbids.
            0x81..=0x84 => {
                let (bytes, rest) =
                    rest.split_at_checked(usize::from(short & 0x7F)).ok_or(BerError::Truncated)?;
                (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
            }
            _ => return Err(BerError::Malformed("a length of an unknown form")),
        };
        let (content, rest) = rest.split_at_checked(length).ok_or(BerError::Truncated)?;
        self.0 = rest;
        Ok((tag, content))
    }

    /// Content of the next element, which must have this tag.
    pub(super) fn expect(&mut self, tag: u8) -> Result<&'a [u8], BerError> {
        match self.next()? {
            (found, content) if found == tag => Ok(content),
            _ => Err(BerError::Malformed("an element of another type than expected")),
        }
    }

    /// A whole number of any sign.
    pub(super) fn integer(&mut self) -> Result<i64, BerError> {
        signed(self.expect(INTEGER)?)
    }
}

/// A whole number with a sign.
pub(super) fn signed(content: &[u8]) -> Result<i64, BerError> {
    let (first, rest) = content.split_first().ok_or(BerError::Malformed("an empty number"))?;
    if rest.len() > 7 {
        return Err(BerError::Malformed("a number beyond 64 bits"));
    }
    let start = i64::from(first.cast_signed());
    Ok(rest.iter().fold(start, |value, byte| value << 8 | i64::from(*byte)))
}

/// A whole number without a sign. Agents that forget the leading zero of a number with its top bit set are understood.
pub(super) fn unsigned(content: &[u8]) -> Result<u64, BerError> {
    let digits = match content {
        [] => return Err(BerError::Malformed("an empty number")),
        [0, rest @ ..] => rest,
        all => all,
    };
    if digits.len() > 8 {
        return Err(BerError::Malformed("a number beyond 64 bits"));
    }
    Ok(digits.iter().fold(0, |value, byte| value << 8 | u64::from(*byte)))
}

/// The arcs of an object identifier's content, the first two told apart; an arc beyond 32 bits shows as the largest.
/// For words: what is compared is compared in bytes.
pub(super) fn dotted(content: &[u8]) -> String {
    use std::fmt::Write as _;
    let (mut text, mut arc) = (String::new(), 0u32);
    for byte in content {
        arc = arc.checked_mul(128).map_or(u32::MAX, |high| high | u32::from(byte & 0x7F));
        if byte & 0x80 != 0 {
            continue;
        }
        // Writing to a text cannot fail.
        let _written = if text.is_empty() {
            let first = (arc / 40).min(2);
            write!(text, "{first}.{}", arc - 40 * first)
        } else {
            write!(text, ".{arc}")
        };
        arc = 0;
    }
    text
}

/// What follows a prefix when it is exactly one arc.
pub(super) fn single_arc(content: &[u8]) -> Option<u32> {
    let (last, before) = content.split_last()?;
    if last & 0x80 != 0 || before.iter().any(|byte| byte & 0x80 == 0) {
        return None;
    }
    content.iter().try_fold(0u32, |arc, byte| Some(arc.checked_mul(128)? | u32::from(byte & 0x7F)))
}

/// The arcs of what follows a prefix; `None` when the last is cut short or one is beyond 32 bits.
pub(super) fn arcs(content: &[u8]) -> Option<Vec<u32>> {
    let (mut arcs, mut arc, mut open) = (Vec::new(), 0u32, false);
    for byte in content {
        arc = arc.checked_mul(128)? | u32::from(byte & 0x7F);
        open = byte & 0x80 != 0;
        if !open {
            arcs.push(arc);
            arc = 0;
        }
    }
    (!open).then_some(arcs)
}

/// An identifier as people write it (`1.3.6.1.2.1`), as it travels; `None` when it is none.
pub(super) fn encoded(dotted: &str) -> Option<Vec<u8>> {
    let number = |arc: &str| arc.bytes().all(|digit| digit.is_ascii_digit()).then(|| arc.parse::<u32>().ok());
    let arcs = dotted.split('.').map(|arc| number(arc).flatten()).collect::<Option<Vec<u32>>>()?;
    let (&[first, second], rest) = arcs.split_first_chunk()?;
    // X.690 §8.19: only below the third root does the second arc go beyond 39.
    if first > 2 || (first < 2 && second > 39) || arcs.len() > 128 {
        return None;
    }
    let mut out = Vec::with_capacity(arcs.len() + 4);
    put_arc(&mut out, (first * 40).checked_add(second)?);
    for arc in rest {
        put_arc(&mut out, *arc);
    }
    Some(out)
}

/// Appends an arc.
pub(super) fn put_arc(out: &mut Vec<u8>, arc: u32) {
    let sevens = (u32::BITS - arc.leading_zeros()).div_ceil(7).max(1);
    for at in (0..sevens).rev() {
        let [low, ..] = (arc >> (7 * at)).to_le_bytes();
        out.push(if at > 0 { low | 0x80 } else { low & 0x7F });
    }
}

/// Bytes of tag and length before a content of `length` bytes.
pub(super) fn header_bytes(length: usize) -> usize {
    match length {
        0..=0x7F => 2,
        0x80..=0xFF => 3,
        _ => 4,
    }
}

/// Appends tag and length; the content follows. Contents stay below 64 KiB, as datagrams do.
pub(super) fn put_header(out: &mut Vec<u8>, tag: u8, length: usize) {
    let [low, high, ..] = length.to_le_bytes();
    out.push(tag);
    match length {
        0..=0x7F => out.push(low),
        0x80..=0xFF => out.extend([0x81, low]),
        _ => out.extend([0x82, high, low]),
    }
}

/// Appends an element.
pub(super) fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    put_header(out, tag, content.len());
    out.extend_from_slice(content);
}

/// Appends a whole number from 0 to 2^31 - 1, always in four bytes: valid for a reader, and of known length.
pub(super) fn put_u31(out: &mut Vec<u8>, value: u32) {
    put(out, INTEGER, &value.to_be_bytes());
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn numbers_as_the_standard_and_as_sloppy_agents_write_them() {
        assert_eq!(signed(&[0x7F]), Ok(127));
        assert_eq!(signed(&[0xFF]), Ok(-1));
        assert_eq!(signed(&[0x80, 0, 0, 0, 0, 0, 0, 0]), Ok(i64::MIN));
        assert!(signed(&[0; 9]).is_err() && signed(&[]).is_err());
        assert_eq!(unsigned(&[0, 0xFF, 0xFF, 0xFF, 0xFF]), Ok(u64::from(u32::MAX)));
        assert_eq!(unsigned(&[0xFF, 0xFF, 0xFF, 0xFE]), Ok(u64::from(u32::MAX) - 1));
        assert_eq!(unsigned(&[0, 255, 255, 255, 255, 255, 255, 255, 255]), Ok(u64::MAX));
        assert!(unsigned(&[1, 0, 0, 0, 0, 0, 0, 0, 0]).is_err());
    }

    #[test]
    fn a_length_that_lies_is_cut_short() {
        assert_eq!(Reader(&[0x04, 0x84, 0xFF, 0xFF, 0xFF, 0xFF, 1]).next(), Err(BerError::Truncated));
        assert!(matches!(Reader(&[0x30, 0x80, 0, 0]).next(), Err(BerError::Malformed(_))));
        assert_eq!(Reader(&[0x04]).next(), Err(BerError::Truncated));
        assert_eq!(Reader(&[0x04, 0x81, 2, 7, 8]).next(), Ok((0x04, &[7, 8][..])));
    }

    #[test]
    fn words_of_identifiers() {
        assert_eq!(dotted(&[0x2B, 6, 1, 4, 1, 0xF5, 0x0C]), "1.3.6.1.4.1.14988");
        assert_eq!(dotted(&[0x88, 0x37]), "2.999");
        assert_eq!(single_arc(&[5, 6]), None);
        assert_eq!(single_arc(&[0x85]), None);
        assert_eq!(arcs(&[0xF5, 0x0C, 5]), Some(vec![14_988, 5]));
        assert_eq!((arcs(&[]), arcs(&[5, 0x85]), arcs(&[0xFF; 5])), (Some(vec![]), None, None));
        assert_eq!(encoded("1.3.6.1.4.1.14988"), Some(vec![0x2B, 6, 1, 4, 1, 0xF5, 0x0C]));
        assert_eq!(encoded("2.999"), Some(vec![0x88, 0x37]));
        for wrong in ["", "1", "1..3", ".1.3.6", "1.3.", "1.+3", "3.1", "1.40", "1.3.4294967296", "1.3.x"] {
            assert_eq!(encoded(wrong), None, "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn arcs_go_there_and_back(arc: u32) {
            let mut bytes = Vec::new();
            put_arc(&mut bytes, arc);
            prop_assert_eq!(single_arc(&bytes), Some(arc));
        }

        #[test]
        fn identifiers_go_there_and_back(first in 0u32..2, second in 0u32..40, rest: Vec<u32>) {
            let rest = &rest[..rest.len().min(100)];
            let all: Vec<String> = [first, second].iter().chain(rest).map(u32::to_string).collect();
            let bytes = encoded(&all.join(".")).unwrap();
            prop_assert_eq!(arcs(&bytes).map(|arcs| arcs[1..].to_vec()), Some(rest.to_vec()));
            prop_assert_eq!(dotted(&bytes), all.join("."));
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes: Vec<u8>) {
            let mut reader = Reader(&bytes);
            while let Ok((_, content)) = reader.next() {
                prop_assert!(content.len() < bytes.len());
            }
            let (_, _, _, _) = (signed(&bytes), unsigned(&bytes), dotted(&bytes), single_arc(&bytes));
            let _arcs = arcs(&bytes);
        }
    }
}
