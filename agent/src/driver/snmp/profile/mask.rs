//! Stand-ins for what names anybody: the same one for the same value, and none that can be turned back.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use super::schema::IndexForm;

/// Stand-ins, the same for the same value.
pub(super) struct Mask {
    key: [u8; 32],
    texts: HashMap<Vec<u8>, usize>,
}

impl Mask {
    /// The same stand-ins for the same key, which is to be thrown away.
    pub(super) fn new(key: [u8; 32]) -> Self {
        Self { key, texts: HashMap::new() }
    }

    fn digest(&self, what: &[u8]) -> [u8; 32] {
        Sha256::new().chain_update(self.key).chain_update(what).finalize().into()
    }

    /// A locally administered address.
    fn mac(&self, mac: [u8; 6]) -> [u8; 6] {
        let [a, b, c, d, ..] = self.digest(&mac);
        [2, 0, a, b, c, d]
    }

    /// An address of the block for benchmarks (RFC 2544).
    fn ipv4(&self, address: [u8; 4]) -> [u8; 4] {
        let [a, b, c, ..] = self.digest(&address);
        [198, 18 + (a & 1), b, c]
    }

    /// A text's stand-in. Six bytes that are no text are an address.
    pub(super) fn text(&mut self, text: &[u8]) -> String {
        if let Ok(mac) = <[u8; 6]>::try_from(text)
            && !text.iter().all(|byte| byte.is_ascii_graphic())
        {
            let stand_in = self.mac(mac);
            return stand_in.iter().map(|byte| char::from(*byte)).collect();
        }
        if is_port(text) || text.is_empty() {
            return String::from_utf8_lossy(text).into_owned();
        }
        let next = self.texts.len() + 1;
        format!("text-{}", self.texts.entry(text.to_vec()).or_insert(next))
    }

    /// A row's index, addresses and texts in it replaced.
    pub(super) fn index(&mut self, forms: &[IndexForm], index: &[u32]) -> Option<Vec<u32>> {
        let bytes =
            |arcs: &[u32]| arcs.iter().map(|arc| u8::try_from(*arc).ok()).collect::<Option<Vec<u8>>>();
        let widen = |bytes: &[u8]| bytes.iter().map(|byte| u32::from(*byte)).collect::<Vec<u32>>();
        let (mut masked, mut left) = (Vec::new(), index);
        for form in forms {
            match form {
                IndexForm::Integer | IndexForm::Interface => {
                    let (number, rest) = left.split_first()?;
                    masked.push(*number);
                    left = rest;
                }
                IndexForm::Mac => {
                    let (mac, rest) = left.split_at_checked(6)?;
                    masked.extend(widen(&self.mac(bytes(mac)?.try_into().ok()?)));
                    left = rest;
                }
                IndexForm::Ipv4 => {
                    let (address, rest) = left.split_at_checked(4)?;
                    masked.extend(widen(&self.ipv4(bytes(address)?.try_into().ok()?)));
                    left = rest;
                }
                IndexForm::Text => {
                    let (length, rest) = left.split_first()?;
                    let (text, rest) = rest.split_at_checked(usize::try_from(*length).ok()?)?;
                    let text = self.text(&bytes(text)?);
                    masked.push(u32::try_from(text.len()).ok()?);
                    masked.extend(widen(text.as_bytes()));
                    left = rest;
                }
                IndexForm::Implied => {
                    masked.extend(widen(self.text(&bytes(left)?).as_bytes()));
                    left = &[];
                }
                IndexForm::Rest => {
                    masked.extend_from_slice(left);
                    left = &[];
                }
            }
        }
        left.is_empty().then_some(masked)
    }
}

/// How makers begin the names of ports.
const PORTS: [&str; 26] = [
    "ath",
    "br",
    "bridge",
    "epon",
    "et",
    "eth",
    "ether",
    "ethernet",
    "fa",
    "fastethernet",
    "ge",
    "gi",
    "gigabitethernet",
    "gpon",
    "lan",
    "lte",
    "pon",
    "port",
    "radio",
    "sfp",
    "te",
    "vlan",
    "wan",
    "wifi",
    "wlan",
    "xe",
];

/// A port as makers name them, which says nothing of people: `ether1`, `GPON 0/1/4`.
fn is_port(text: &[u8]) -> bool {
    let letters = text.iter().take_while(|byte| byte.is_ascii_alphabetic()).count();
    let (maker, rest) = text.split_at(letters);
    let rest = rest.strip_prefix(b" ").or_else(|| rest.strip_prefix(b"-")).unwrap_or(rest);
    PORTS.iter().any(|port| port.as_bytes().eq_ignore_ascii_case(maker))
        && rest.first().is_some_and(u8::is_ascii_digit)
        && rest.len() <= 12
        && rest.iter().all(|byte| byte.is_ascii_digit() || b"/.:".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_stay_and_names_do_not() {
        for port in ["ether1", "GPON 0/1/4", "Gi-1/0/24", "eth0.100"] {
            assert!(is_port(port.as_bytes()), "{port}");
        }
        for name in [
            "",
            "ether1-torre-norte",
            "<pppoe-ana>",
            "5491155550000",
            "Juan Perez 2",
            "casa12",
            "SIM000001",
            "lo",
            "ether",
        ] {
            assert!(!is_port(name.as_bytes()), "{name}");
        }
        let mut mask = Mask::new([7; 32]);
        assert_eq!(mask.text(b"ether1"), "ether1");
        assert_eq!(mask.text("Ana Muñoz".as_bytes()), "text-1");
        assert_eq!(mask.text(b"torre norte"), "text-2");
        assert_eq!(mask.text("Ana Muñoz".as_bytes()), "text-1");
    }

    #[test]
    fn an_address_has_one_stand_in_wherever_it_stands() {
        let mut mask = Mask::new([7; 32]);
        let mac = [0x48, 0xA9, 0x8A, 1, 2, 3];
        let stand_in = mask.mac(mac);
        assert_eq!(stand_in[..2], [2, 0]);
        assert_ne!(stand_in, mask.mac([0x48, 0xA9, 0x8A, 1, 2, 4]));
        let index: Vec<u32> = mac.iter().map(|byte| u32::from(*byte)).chain([7]).collect();
        let masked = mask.index(&[IndexForm::Mac, IndexForm::Integer], &index).unwrap();
        let expected: Vec<u32> = stand_in.iter().map(|byte| u32::from(*byte)).chain([7]).collect();
        assert_eq!(masked, expected);
        let text = mask.text(&mac);
        assert_eq!(text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect::<Vec<u8>>(), stand_in);
        let address = mask.index(&[IndexForm::Ipv4], &[10, 1, 2, 3]).unwrap();
        assert!(address[0] == 198 && (18..20).contains(&address[1]), "{address:?}");
        assert_eq!(mask.index(&[IndexForm::Ipv4], &[10, 1, 2]), None);
        assert_eq!(mask.index(&[IndexForm::Text], &[3, 65, 110, 97]).unwrap()[..1], [6]);
    }
}
