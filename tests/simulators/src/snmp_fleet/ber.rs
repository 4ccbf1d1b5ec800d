//! BER of the shapes that SNMP uses (RFC 3417 §8): definite lengths, one tag byte.

/// INTEGER.
pub(crate) const INTEGER: u8 = 0x02;
/// OCTET STRING.
pub(crate) const OCTETS: u8 = 0x04;
/// NULL.
pub(crate) const NULL: u8 = 0x05;
/// OBJECT IDENTIFIER.
pub(crate) const OID: u8 = 0x06;
/// SEQUENCE.
pub(crate) const SEQUENCE: u8 = 0x30;
/// Counter32 (RFC 2578).
pub(crate) const COUNTER32: u8 = 0x41;
/// Gauge32.
pub(crate) const GAUGE32: u8 = 0x42;
/// TimeTicks.
pub(crate) const TIME_TICKS: u8 = 0x43;
/// Counter64.
pub(crate) const COUNTER64: u8 = 0x46;

/// Appends tag and length of an element; its content follows.
pub(crate) fn put_header(out: &mut Vec<u8>, tag: u8, length: usize) {
    let [.., high, low] = length.to_be_bytes();
    out.push(tag);
    match length {
        0..=0x7F => out.push(low),
        0x80..=0xFF => out.extend([0x81, low]),
        // Nothing here is longer than a datagram.
        _ => out.extend([0x82, high, low]),
    }
}

/// Bytes that tag and length take for a content of this length.
pub(crate) fn header_bytes(length: usize) -> usize {
    match length {
        0..=0x7F => 2,
        0x80..=0xFF => 3,
        _ => 4,
    }
}

/// Appends an element.
pub(crate) fn put(out: &mut Vec<u8>, tag: u8, content: &[u8]) {
    put_header(out, tag, content.len());
    out.extend_from_slice(content);
}

/// One element.
pub(crate) fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(content.len() + 4);
    put(&mut out, tag, content);
    out
}

/// Appends a whole number that is not negative, in the fewest bytes.
pub(crate) fn put_unsigned(out: &mut Vec<u8>, tag: u8, value: u64) {
    let mut bytes = [0; 9];
    bytes[1..].copy_from_slice(&value.to_be_bytes());
    // A leading zero stays where the next bit would read as a sign.
    let first = (0..8).find(|at| bytes[*at] != 0 || bytes[*at + 1] & 0x80 != 0).unwrap_or(8);
    put(out, tag, &bytes[first..]);
}

/// An object identifier as an element. The first two arcs share a byte.
pub(crate) fn oid(arcs: &[u32]) -> Vec<u8> {
    let [first, second, rest @ ..] = arcs else { return element(OID, &[]) };
    let mut content = Vec::new();
    put_arc(&mut content, first * 40 + second);
    for arc in rest {
        put_arc(&mut content, *arc);
    }
    element(OID, &content)
}

fn put_arc(out: &mut Vec<u8>, arc: u32) {
    let sevens = (32 - arc.leading_zeros()).div_ceil(7).max(1);
    for at in (0..sevens).rev() {
        let [.., low] = (arc >> (7 * at)).to_be_bytes();
        out.push(if at > 0 { low | 0x80 } else { low & 0x7F });
    }
}

/// The arcs of an object identifier's content; `None` when it is cut short or an arc exceeds 32 bits.
pub(crate) fn arcs(content: &[u8]) -> Option<Vec<u32>> {
    let mut arcs = Vec::with_capacity(content.len() + 1);
    let mut arc = 0u32;
    for byte in content {
        arc = arc.checked_mul(128)? | u32::from(byte & 0x7F);
        if byte & 0x80 == 0 {
            if arcs.is_empty() {
                let first = (arc / 40).min(2);
                arcs.extend([first, arc - 40 * first]);
            } else {
                arcs.push(arc);
            }
            arc = 0;
        }
    }
    content.last().is_none_or(|last| last & 0x80 == 0).then_some(arcs)
}

/// Reads elements one after the other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Reader<'a>(pub(crate) &'a [u8]);

impl<'a> Reader<'a> {
    /// Tag and content of the next element; `None` at the end or when the bytes are cut short.
    pub(crate) fn next(&mut self) -> Option<(u8, &'a [u8])> {
        let (&[tag, short], mut rest) = self.0.split_first_chunk()?;
        let mut length = usize::from(short);
        if short & 0x80 != 0 {
            length = 0;
            let (bytes, after) = rest.split_at_checked(usize::from(short & 0x7F))?;
            for byte in bytes {
                length = length.checked_mul(256)? | usize::from(*byte);
            }
            rest = after;
        }
        let (content, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some((tag, content))
    }

    /// The content of the next element when it has this tag.
    pub(crate) fn expect(&mut self, tag: u8) -> Option<&'a [u8]> {
        self.next().filter(|(found, _)| *found == tag).map(|(_, content)| content)
    }
}

/// A whole number; negative ones and those beyond 64 bits count as 0, as RFC 3416 wants of GETBULK's numbers.
pub(crate) fn count(content: &[u8]) -> usize {
    let negative = content.first().is_some_and(|byte| byte & 0x80 != 0);
    if negative || content.len() > 8 {
        return 0;
    }
    content.iter().fold(0, |value, byte| value << 8 | usize::from(*byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_take_the_fewest_bytes_and_keep_their_sign() {
        let bytes = |value| {
            let mut out = Vec::new();
            put_unsigned(&mut out, COUNTER64, value);
            out
        };
        assert_eq!(bytes(0), [COUNTER64, 1, 0]);
        assert_eq!(bytes(127), [COUNTER64, 1, 127]);
        assert_eq!(bytes(128), [COUNTER64, 2, 0, 128]);
        assert_eq!(bytes(0x0100), [COUNTER64, 2, 1, 0]);
        assert_eq!(bytes(u64::MAX), [COUNTER64, 9, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    }

    #[test]
    fn identifiers_go_there_and_back() {
        let wide = [1, 3, 6, 1, 4, 1, 14_988, 1, 127, 128, 16_383, 16_384, u32::MAX];
        let mut reader = Reader(&[]);
        let encoded = oid(&wide);
        reader.0 = &encoded;
        assert_eq!(arcs(reader.expect(OID).unwrap()).unwrap(), wide);
        assert_eq!(arcs(&[0x2B, 0x81]), None);
        assert_eq!(arcs(&[0x2B, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]), None);
    }

    #[test]
    fn long_elements_have_long_lengths() {
        for length in [0, 127, 128, 255, 256, 1_400] {
            let encoded = element(OCTETS, &vec![7; length]);
            assert_eq!(encoded.len(), length + header_bytes(length));
            assert_eq!(Reader(&encoded).expect(OCTETS).unwrap().len(), length);
            assert!(Reader(&encoded[..encoded.len() - 1]).next().is_none());
        }
    }
}
