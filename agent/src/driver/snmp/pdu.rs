//! Messages of SNMP v2c (RFC 3416, RFC 1901): requests written, answers read. Pure; bindings are read in place, so
//! that a value costs no memory.

use super::ber::{self, BerError, Reader};

const VERSION: i64 = 1;
const GET: u8 = 0xA0;
const GET_NEXT: u8 = 0xA1;
const RESPONSE: u8 = 0xA2;
const GET_BULK: u8 = 0xA5;

/// What is asked of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    /// The named objects.
    Get,
    /// For each name the object after it.
    GetNext,
    /// The objects after the named ones: the first names once, the others so many times.
    GetBulk {
        /// How many of the names are asked once.
        once: u32,
        /// How often the others are.
        repetitions: u32,
    },
}

/// The names of a request, in the order asked.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<u8>);

impl Names {
    /// Adds an object identifier (encoded), with one arc after it when `index` has one.
    pub(super) fn push(&mut self, oid: &[u8], index: Option<u32>) {
        let mut arc = Vec::new();
        if let Some(index) = index {
            ber::put_arc(&mut arc, index);
        }
        self.push_row(oid, &arc);
    }

    /// Adds an object identifier with an index of any length after it, both encoded.
    pub(super) fn push_row(&mut self, oid: &[u8], index: &[u8]) {
        let name = oid.len() + index.len();
        // The name, its header, and a NULL of two bytes.
        ber::put_header(&mut self.0, ber::SEQUENCE, ber::header_bytes(name) + name + 2);
        ber::put_header(&mut self.0, ber::OBJECT_ID, name);
        self.0.extend_from_slice(oid);
        self.0.extend_from_slice(index);
        ber::put_header(&mut self.0, ber::NULL, 0);
    }
}

/// A whole request. `id` is below 2^31.
pub(super) fn request(ask: Ask, id: u32, community: &[u8], names: &Names) -> Vec<u8> {
    let (tag, first, second) = match ask {
        Ask::Get => (GET, 0, 0),
        Ask::GetNext => (GET_NEXT, 0, 0),
        Ask::GetBulk { once, repetitions } => (GET_BULK, once, repetitions),
    };
    let mut pdu = Vec::with_capacity(names.0.len() + 24);
    for number in [id, first, second] {
        ber::put_u31(&mut pdu, number);
    }
    ber::put(&mut pdu, ber::SEQUENCE, &names.0);
    let mut content = Vec::with_capacity(pdu.len() + community.len() + 16);
    ber::put(&mut content, ber::INTEGER, &[1]);
    ber::put(&mut content, ber::OCTETS, community);
    ber::put(&mut content, tag, &pdu);
    let mut message = Vec::with_capacity(content.len() + 4);
    ber::put(&mut message, ber::SEQUENCE, &content);
    message
}

/// The answer to a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Answer<'a> {
    /// The request's id.
    pub(super) id: u32,
    /// 0 = well; see [`status_words`].
    pub(super) status: i64,
    bindings: Reader<'a>,
}

impl<'a> Answer<'a> {
    /// Reads the envelope; the bindings are read when they are asked for.
    pub(super) fn parse(message: &'a [u8]) -> Result<Self, BerError> {
        let mut message = Reader(Reader(message).expect(ber::SEQUENCE)?);
        if message.integer()? != VERSION {
            return Err(BerError::Malformed("another version than SNMP v2c"));
        }
        message.expect(ber::OCTETS)?;
        let mut pdu = Reader(message.expect(RESPONSE)?);
        let id = u32::try_from(pdu.integer()?).map_err(|_| BerError::Malformed("a request id not ours"))?;
        let status = pdu.integer()?;
        pdu.integer()?;
        Ok(Self { id, status, bindings: Reader(pdu.expect(ber::SEQUENCE)?) })
    }

    /// The bindings, in their order; ends at the first that cannot be read.
    pub(super) fn bindings(&self) -> Bindings<'a> {
        Bindings(self.bindings)
    }
}

/// See [`Answer::bindings`].
#[derive(Debug, Clone, Copy)]
pub(super) struct Bindings<'a>(Reader<'a>);

impl Bindings<'_> {
    /// Bytes of those that were not read yet.
    pub(super) fn bytes(&self) -> usize {
        self.0.0.len()
    }
}

impl<'a> Iterator for Bindings<'a> {
    type Item = Result<Binding<'a>, BerError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let read = binding(&mut self.0);
        if read.is_err() {
            self.0 = Reader(&[]);
        }
        Some(read)
    }
}

fn binding<'a>(list: &mut Reader<'a>) -> Result<Binding<'a>, BerError> {
    let mut pair = Reader(list.expect(ber::SEQUENCE)?);
    let name = pair.expect(ber::OBJECT_ID)?;
    let (tag, content) = pair.next()?;
    Ok(Binding { name, value: Value::read(tag, content)? })
}

/// An object and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Binding<'a> {
    /// Its object identifier, encoded.
    pub(super) name: &'a [u8],
    /// What the device says.
    pub(super) value: Value<'a>,
}

/// A value (RFC 2578 §7.1; exceptions RFC 3416 §3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Value<'a> {
    /// INTEGER, Integer32.
    Integer(i64),
    /// OCTET STRING.
    Octets(&'a [u8]),
    /// OBJECT IDENTIFIER, encoded.
    ObjectId(&'a [u8]),
    /// Counter32.
    Counter32(u32),
    /// Gauge32, Unsigned32.
    Gauge32(u32),
    /// TimeTicks.
    TimeTicks(u32),
    /// Counter64.
    Counter64(u64),
    /// noSuchObject or noSuchInstance: the device has none.
    Missing,
    /// endOfMibView: nothing comes after.
    EndOfMibView,
    /// A type that no object of ours has.
    Other,
}

impl<'a> Value<'a> {
    fn read(tag: u8, content: &'a [u8]) -> Result<Self, BerError> {
        let narrow = |content| {
            let wide = ber::unsigned(content)?;
            u32::try_from(wide).map_err(|_| BerError::Malformed("a number beyond 32 bits"))
        };
        Ok(match tag {
            ber::INTEGER => Self::Integer(ber::signed(content)?),
            ber::OCTETS => Self::Octets(content),
            ber::OBJECT_ID => Self::ObjectId(content),
            0x41 => Self::Counter32(narrow(content)?),
            0x42 => Self::Gauge32(narrow(content)?),
            0x43 => Self::TimeTicks(narrow(content)?),
            0x46 => Self::Counter64(ber::unsigned(content)?),
            0x80 | 0x81 => Self::Missing,
            0x82 => Self::EndOfMibView,
            _ => Self::Other,
        })
    }
}

/// `tooBig`: the answer would not fit into the device's largest message.
pub(super) const TOO_BIG: i64 = 1;

/// The standard's name of an error status (RFC 3416 §3).
pub(super) fn status_words(status: i64) -> &'static str {
    const NAMES: [&str; 19] = [
        "noError",
        "tooBig",
        "noSuchName",
        "badValue",
        "readOnly",
        "genErr",
        "noAccess",
        "wrongType",
        "wrongLength",
        "wrongEncoding",
        "wrongValue",
        "noCreation",
        "inconsistentValue",
        "resourceUnavailable",
        "commitFailed",
        "undoFailed",
        "authorizationError",
        "notWritable",
        "inconsistentName",
    ];
    usize::try_from(status).ok().and_then(|at| NAMES.get(at)).copied().unwrap_or("an unknown error status")
}

#[cfg(test)]
pub(super) mod tests;
