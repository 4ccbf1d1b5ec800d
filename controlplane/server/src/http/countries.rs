//! In which country an address is, by a file in MaxMind's format that is read again when it changes.

use crate::config::Allow;
use anyhow::Context;
use atalaya_people::identity::Whereabouts;
use maxminddb::{PathElement, Reader};
use parking_lot::RwLock;
use std::{
    fs,
    net::IpAddr,
    path::PathBuf,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio_util::sync::CancellationToken;

/// How often it is looked whether the file changed.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The file, in memory.
pub struct Countries {
    path: PathBuf,
    reader: RwLock<Reader<Vec<u8>>>,
}

impl Countries {
    /// The file that the configuration names, where it names one.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn named(allow: Option<&Allow>) -> anyhow::Result<Option<Arc<Self>>> {
        let Some(path) = allow.and_then(|allow| allow.country_file.clone()) else { return Ok(None) };
        let reader = RwLock::new(read(&path)?);
        Ok(Some(Arc::new(Self { path, reader })))
    }

    /// The same as people's log-ins know it.
    pub(super) fn whereabouts(&self, address: IpAddr) -> Whereabouts {
        self.of(address.to_canonical()).map_or(Whereabouts::Unknown, Whereabouts::In)
    }

    /// Where an address is; none where the file does not know.
    pub(super) fn of(&self, address: IpAddr) -> Option<String> {
        let reader = self.reader.read();
        let found = reader.lookup(address).ok()?;
        found.decode_path::<String>(&[PathElement::Key("country"), PathElement::Key("iso_code")]).ok()?
    }

    /// Reads the file of countries again whenever it changes, until told to stop; one that cannot be read leaves the old one.
    ///
    /// # Errors
    /// None.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        let mut seen = self.changed_at();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let changed_at = self.changed_at();
            if changed_at.is_none() || changed_at == seen {
                continue;
            }
            let path = self.path.clone();
            match tokio::task::spawn_blocking(move || read(&path)).await? {
                Ok(reader) => {
                    *self.reader.write() = reader;
                    seen = changed_at;
                    tracing::info!(path = %self.path.display(), "countries were read again");
                }
                Err(error) => tracing::warn!("the old countries stay: {error:#}"),
            }
        }
    }

    fn changed_at(&self) -> Option<SystemTime> {
        fs::metadata(&self.path).and_then(|about| about.modified()).ok()
    }
}

fn read(path: &PathBuf) -> anyhow::Result<Reader<Vec<u8>>> {
    Reader::open_readfile(path)
        .with_context(|| format!("http.allow.country_file: cannot read {}", path.display()))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A file in MaxMind's format (version 2.0) of IPv4 networks of eight bits, each with its country.
    pub(in crate::http) fn file(networks: &[(u8, &str)]) -> Vec<u8> {
        // Ninety-six zero bits lead to IPv4; then eight bits choose. A record is 24 bits wide, left before right.
        let mut nodes: Vec<[Option<u32>; 2]> = vec![[None, None]];
        let mut data = Vec::new();
        let mut leaves = Vec::new();
        for (network, country) in networks {
            let mut at = 0;
            for bit in 0..104 {
                let side = if bit < 96 { 0 } else { usize::from(network >> (103 - bit) & 1) };
                if bit == 103 {
                    leaves.push((at, side, data.len()));
                    data.extend([0xe1, 0x47]);
                    data.extend(b"country");
                    data.extend([0xe1, 0x48]);
                    data.extend(b"iso_code");
                    data.push(0x42);
                    data.extend(country.as_bytes());
                    break;
                }
                at = match nodes[at][side] {
                    Some(next) => next as usize,
                    None => {
                        nodes.push([None, None]);
                        let next = u32::try_from(nodes.len() - 1).unwrap();
                        nodes[at][side] = Some(next);
                        next as usize
                    }
                };
            }
        }
        let count = u32::try_from(nodes.len()).unwrap();
        for (node, side, offset) in leaves {
            nodes[node][side] = Some(count + 16 + u32::try_from(offset).unwrap());
        }
        let records = nodes.iter().flatten().map(|record| record.unwrap_or(count).to_be_bytes());
        let mut bytes: Vec<u8> = records.flat_map(|[_, a, b, c]| [a, b, c]).collect();
        bytes.extend([0; 16]);
        bytes.extend(data);
        bytes.extend(b"\xab\xcd\xefMaxMind.com");
        let text = |text: &str| {
            let length = u8::try_from(text.len()).unwrap();
            let head = if length < 29 { vec![0x40 | length] } else { vec![0x5d, length - 29] };
            [head, text.as_bytes().to_vec()].concat()
        };
        let u16_of = |value: u8| vec![0xa1, value];
        bytes.push(0xe9);
        for (key, value) in [
            ("binary_format_major_version", u16_of(2)),
            ("binary_format_minor_version", vec![0xa0]),
            ("build_epoch", vec![0x01, 0x02, 1]),
            ("database_type", text("Test-Country")),
            ("description", vec![0xe0]),
            ("ip_version", u16_of(6)),
            ("languages", vec![0x00, 0x04]),
            ("node_count", [vec![0xc4], count.to_be_bytes().to_vec()].concat()),
            ("record_size", u16_of(24)),
        ] {
            bytes.extend(text(key));
            bytes.extend(value);
        }
        bytes
    }

    #[test]
    fn an_address_is_in_its_country_or_in_none() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("countries.mmdb");
        fs::write(&path, file(&[(190, "PE")])).unwrap();
        let list = Allow { country_file: Some(path), ..Allow::default() };
        let countries = Countries::named(Some(&list)).unwrap().unwrap();
        let whereabouts = |address: &str| countries.whereabouts(address.parse().unwrap());
        assert_eq!(whereabouts("190.1.2.3"), Whereabouts::In("PE".to_owned()));
        assert_eq!(whereabouts("::ffff:190.1.2.3"), Whereabouts::In("PE".to_owned()));
        assert_eq!(whereabouts("8.8.8.8"), Whereabouts::Unknown);
        assert!(Countries::named(None).unwrap().is_none());
    }
}
