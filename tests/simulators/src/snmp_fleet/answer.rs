//! Request → answer of one device, as RFC 3416 says. Pure.

use super::ber::{self, Reader};
use super::mib::Mib;

const GET: u8 = 0xA0;
const GET_NEXT: u8 = 0xA1;
const RESPONSE: u8 = 0xA2;
const GET_BULK: u8 = 0xA5;
const NO_SUCH_OBJECT: u8 = 0x80;
const END_OF_MIB_VIEW: u8 = 0x82;
/// `tooBig`: the answer would exceed the largest message.
const TOO_BIG: u8 = 1;
/// SNMP v2c.
const VERSION: [u8; 1] = [1];
/// Bytes of an answer beside the community and the bindings, at most.
const ENVELOPE: usize = 40;
/// Most repetitions of one GETBULK that are served.
const MOST_REPETITIONS: usize = 1_000;

/// What was served.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Served {
    /// Requests that came, those of silent devices included.
    pub requests: u64,
    /// Variable bindings sent.
    pub bindings: u64,
    /// Values of `sysUpTime.0` sent.
    pub uptimes: u64,
    /// Requests that could not be read, or carried another community.
    pub refused: u64,
}

/// Who is asked, and when.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked<'a> {
    pub(super) mib: &'a Mib,
    pub(super) community: &'a [u8],
    /// Largest answer, bytes of UDP payload.
    pub(super) largest: usize,
    pub(super) device: u32,
    /// Milliseconds since the fleet started.
    pub(super) ms: u64,
}

struct Bindings<'a> {
    asked: Asked<'a>,
    limit: usize,
    out: Vec<u8>,
    value: Vec<u8>,
    served: Served,
}

impl Bindings<'_> {
    /// Appends one binding, or an exception where `object` is none; false when it would exceed the limit.
    fn put(&mut self, object: Option<usize>, name: &[u8], exception: u8) -> bool {
        let mib = self.asked.mib;
        let object = object.and_then(|at| mib.objects.get(at));
        self.value.clear();
        match object {
            Some(object) => mib.put_value(&mut self.value, object, self.asked.device, self.asked.ms),
            None => self.value.extend([exception, 0]),
        }
        let name = object.map_or(name, |object| &object.name);
        let length = name.len() + self.value.len();
        if self.out.len() + length + ber::header_bytes(length) > self.limit {
            return false;
        }
        ber::put_header(&mut self.out, ber::SEQUENCE, length);
        self.out.extend_from_slice(name);
        self.out.extend_from_slice(&self.value);
        self.served.bindings += 1;
        self.served.uptimes += u64::from(object.is_some_and(super::mib::Object::is_uptime));
        true
    }

    /// Columns side by side until the repetitions are done, the limit is reached or the device knows nothing more.
    fn repeat(&mut self, names: &[(Vec<u32>, Vec<u8>)], repetitions: usize) {
        let end = self.asked.mib.objects.len();
        let mut next: Vec<usize> = names.iter().map(|(arcs, _)| self.asked.mib.after(arcs)).collect();
        let mut last: Vec<&[u8]> = names.iter().map(|(_, name)| name.as_slice()).collect();
        for _ in 0..repetitions.min(MOST_REPETITIONS) {
            for (at, position) in next.iter_mut().enumerate() {
                if !self.put(Some(*position), last[at], END_OF_MIB_VIEW) {
                    return;
                }
                if let Some(object) = self.asked.mib.objects.get(*position) {
                    last[at] = &object.name;
                    *position += 1;
                }
            }
            if next.iter().all(|position| *position >= end) {
                return;
            }
        }
    }
}

/// The answer to a datagram; `None` when a device would stay silent.
pub(super) fn answer(request: &[u8], asked: Asked<'_>) -> Option<(Vec<u8>, Served)> {
    let mut message = Reader(Reader(request).expect(ber::SEQUENCE)?);
    let version = message.expect(ber::INTEGER)?;
    let community = message.expect(ber::OCTETS)?;
    if version != VERSION || community != asked.community {
        return None;
    }
    let (kind, pdu) = message.next()?;
    let mut pdu = Reader(pdu);
    let id = pdu.expect(ber::INTEGER)?;
    let (first, second) = (ber::count(pdu.expect(ber::INTEGER)?), ber::count(pdu.expect(ber::INTEGER)?));
    let mut list = Reader(pdu.expect(ber::SEQUENCE)?);
    let mut names = Vec::new();
    while !list.0.is_empty() {
        let name = Reader(list.expect(ber::SEQUENCE)?).expect(ber::OID)?;
        names.push((ber::arcs(name)?, ber::element(ber::OID, name)));
    }
    let limit = asked.largest.saturating_sub(community.len() + ENVELOPE);
    let mut bindings =
        Bindings { asked, limit, out: Vec::new(), value: Vec::new(), served: Served::default() };
    let fits = match kind {
        GET => names.iter().all(|(arcs, name)| bindings.put(asked.mib.find(arcs), name, NO_SUCH_OBJECT)),
        GET_NEXT => {
            names.iter().all(|(arcs, name)| bindings.put(Some(asked.mib.after(arcs)), name, END_OF_MIB_VIEW))
        }
        GET_BULK => {
            let (scalars, columns) = names.split_at(first.min(names.len()));
            let fit = scalars
                .iter()
                .all(|(arcs, name)| bindings.put(Some(asked.mib.after(arcs)), name, END_OF_MIB_VIEW));
            if fit {
                bindings.repeat(columns, second);
            }
            // Not even one binding fits: RFC 3416 §4.2.3 says tooBig.
            fit || !bindings.out.is_empty()
        }
        _ => return None,
    };
    if !fits {
        bindings.out.clear();
    }
    let status = if fits { 0 } else { TOO_BIG };
    let mut body = ber::element(ber::INTEGER, id);
    ber::put(&mut body, ber::INTEGER, &[status]);
    ber::put(&mut body, ber::INTEGER, &[0]);
    ber::put(&mut body, ber::SEQUENCE, &bindings.out);
    let mut content = ber::element(ber::INTEGER, version);
    ber::put(&mut content, ber::OCTETS, community);
    ber::put(&mut content, RESPONSE, &body);
    Some((ber::element(ber::SEQUENCE, &content), bindings.served))
}
