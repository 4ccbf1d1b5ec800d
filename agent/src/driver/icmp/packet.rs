//! Echo packets (RFC 792, RFC 4443): eight bytes of header, then our payload of token and number.

use std::net::IpAddr;

const REQUEST_V4: u8 = 8;
const REPLY_V4: u8 = 0;
const REQUEST_V6: u8 = 128;
const REPLY_V6: u8 = 129;
const HEADER: usize = 8;
const PAYLOAD: usize = 16;

/// What tells one of our echoes: who we are (random per process) and which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct EchoId {
    pub(super) token: u64,
    pub(super) number: u64,
}

/// An echo request. The checksum of v6 and of unprivileged sockets is made by the kernel; that of raw v4 is ours.
pub(super) fn request(id: EchoId, to: IpAddr) -> [u8; HEADER + PAYLOAD] {
    let mut packet = [0; HEADER + PAYLOAD];
    packet[0] = if to.is_ipv4() { REQUEST_V4 } else { REQUEST_V6 };
    let [.., id_high, id_low] = id.token.to_be_bytes();
    let [.., sequence_high, sequence_low] = id.number.to_be_bytes();
    packet[4..8].copy_from_slice(&[id_high, id_low, sequence_high, sequence_low]);
    packet[8..16].copy_from_slice(&id.token.to_be_bytes());
    packet[16..24].copy_from_slice(&id.number.to_be_bytes());
    if to.is_ipv4() {
        let sum = checksum(&packet);
        packet[2..4].copy_from_slice(&sum.to_be_bytes());
    }
    packet
}

/// Which of our echoes a received packet answers, if any. `with_ip_header` is how raw v4 sockets deliver.
pub(super) fn reply(mut packet: &[u8], v4: bool, with_ip_header: bool) -> Option<EchoId> {
    if with_ip_header {
        let words = usize::from(*packet.first()? & 0x0f);
        packet = packet.get(words * 4..)?;
    }
    let kind = if v4 { REPLY_V4 } else { REPLY_V6 };
    if *packet.first()? != kind || *packet.get(1)? != 0 {
        return None;
    }
    let sequence = u16::from_be_bytes(packet.get(6..8)?.try_into().ok()?);
    let token = u64::from_be_bytes(packet.get(8..16)?.try_into().ok()?);
    let number = u64::from_be_bytes(packet.get(16..24)?.try_into().ok()?);
    let [.., high, low] = number.to_be_bytes();
    (sequence == u16::from_be_bytes([high, low])).then_some(EchoId { token, number })
}

/// Internet checksum (RFC 1071).
fn checksum(bytes: &[u8]) -> u16 {
    let mut sum: u32 = 0;
    for pair in bytes.chunks(2) {
        let low = pair.get(1).copied().unwrap_or(0);
        sum += u32::from(u16::from_be_bytes([pair[0], low]));
    }
    while sum > 0xffff {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    !u16::try_from(sum).unwrap_or(u16::MAX)
}

#[cfg(test)]
mod tests {
    use std::net::{Ipv4Addr, Ipv6Addr};

    use super::*;

    const ID: EchoId = EchoId { token: 0x1122_3344_5566_7788, number: 70_001 };

    fn answered(to: IpAddr) -> Vec<u8> {
        let mut packet = request(ID, to).to_vec();
        packet[0] = if to.is_ipv4() { REPLY_V4 } else { REPLY_V6 };
        // The kernel's rewriting.
        packet[4..6].copy_from_slice(&[0xab, 0xcd]);
        packet
    }

    #[test]
    fn an_answer_is_known_though_its_identifier_was_rewritten() {
        assert_eq!(reply(&answered(Ipv4Addr::LOCALHOST.into()), true, false), Some(ID));
        assert_eq!(reply(&answered(Ipv6Addr::LOCALHOST.into()), false, false), Some(ID));
        let mut raw = vec![0x46; 24];
        raw.extend(answered(Ipv4Addr::LOCALHOST.into()));
        assert_eq!(reply(&raw, true, true), Some(ID));
    }

    #[test]
    fn our_own_request_and_other_packets_are_no_answer() {
        let request = request(ID, Ipv4Addr::LOCALHOST.into());
        assert_eq!(checksum(&request), 0);
        assert_eq!(reply(&request, true, false), None);
        let mut wrong_sequence = answered(Ipv4Addr::LOCALHOST.into());
        wrong_sequence[7] ^= 1;
        assert_eq!(reply(&wrong_sequence, true, false), None);
        for length in 0..24 {
            assert_eq!(reply(&answered(Ipv4Addr::LOCALHOST.into())[..length], true, false), None);
            assert_eq!(reply(&vec![0xff; length], true, true), None);
        }
    }
}
