//! Who is let in, by address and by country.
//!
//! A list is of the whole installation and stands in its configuration, so that nobody can lock themselves out of the page on
//! which they would mend it. The machine itself always is let in.

use super::request::Client;
use crate::config::Allow;
use anyhow::Context;
use atalaya_kernel::http::Problem;
use axum::{
    Extension,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
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

/// How often it is looked whether the file of countries changed.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// The list, with its countries in memory.
pub struct Allowed {
    list: Allow,
    countries: Option<Countries>,
}

struct Countries {
    path: PathBuf,
    reader: RwLock<Reader<Vec<u8>>>,
}

impl Allowed {
    /// Reads the file of countries.
    ///
    /// # Errors
    /// Countries without a file, a file that cannot be read, a country that is none, a list that lets nobody in.
    pub fn open(list: Allow) -> anyhow::Result<Self> {
        let wrong = list
            .countries
            .iter()
            .find(|code| code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()));
        if let Some(wrong) = wrong {
            anyhow::bail!("http.allow.countries: expected two capital letters such as PE, got {wrong:?}");
        }
        anyhow::ensure!(
            !(list.networks.is_empty() && list.countries.is_empty()),
            "http.allow names neither networks nor countries and would let nobody in: remove it, or name some"
        );
        let countries = match (&list.country_file, list.countries.is_empty()) {
            (Some(path), false) => Some(Countries { path: path.clone(), reader: RwLock::new(read(path)?) }),
            (None, false) => {
                anyhow::bail!("http.allow.countries needs http.allow.country_file, in MaxMind's format")
            }
            (_, true) => None,
        };
        Ok(Self { list, countries })
    }

    fn lets_in(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_loopback()
            || self.list.networks.iter().any(|network| network.contains(address))
            || self
                .countries
                .as_ref()
                .and_then(|countries| countries.of(address))
                .is_some_and(|country| self.list.countries.contains(&country))
    }

    /// Reads the file of countries again whenever it changes, until told to stop; one that cannot be read leaves the old one.
    ///
    /// # Errors
    /// None.
    pub async fn follow(self: Arc<Self>, stop: CancellationToken) -> anyhow::Result<()> {
        let Some(countries) = &self.countries else {
            stop.cancelled().await;
            return Ok(());
        };
        let mut seen = countries.changed_at();
        loop {
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
            let changed_at = countries.changed_at();
            if changed_at.is_none() || changed_at == seen {
                continue;
            }
            let path = countries.path.clone();
            match tokio::task::spawn_blocking(move || read(&path)).await? {
                Ok(reader) => {
                    *countries.reader.write() = reader;
                    seen = changed_at;
                    tracing::info!(path = %countries.path.display(), "countries were read again");
                }
                Err(error) => tracing::warn!("the old countries stay: {error:#}"),
            }
        }
    }
}

impl Countries {
    /// Where an address is; none where the file does not know.
    fn of(&self, address: IpAddr) -> Option<String> {
        let reader = self.reader.read();
        let found = reader.lookup(address).ok()?;
        found.decode_path::<String>(&[PathElement::Key("country"), PathElement::Key("iso_code")]).ok()?
    }

    fn changed_at(&self) -> Option<SystemTime> {
        fs::metadata(&self.path).and_then(|about| about.modified()).ok()
    }
}

fn read(path: &PathBuf) -> anyhow::Result<Reader<Vec<u8>>> {
    Reader::open_readfile(path)
        .with_context(|| format!("http.allow.country_file: cannot read {}", path.display()))
}

/// Refuses whoever is not on the list, whatever they ask for.
pub(super) async fn demand(
    State(allowed): State<Arc<Allowed>>,
    Extension(Client(client)): Extension<Client>,
    request: Request,
    next: Next,
) -> Response {
    if allowed.lets_in(client) {
        next.run(request).await
    } else {
        Problem::address_not_allowed(client).into_response()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file in MaxMind's format (version 2.0) of IPv4 networks of eight bits, each with its country.
    fn file(networks: &[(u8, &str)]) -> Vec<u8> {
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

    fn lets_in(allowed: &Allowed, address: &str) -> bool {
        allowed.lets_in(address.parse().unwrap())
    }

    #[test]
    fn a_network_a_country_and_the_machine_itself_are_let_in() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("countries.mmdb");
        fs::write(&path, file(&[(190, "PE"), (200, "CL")])).unwrap();
        let list = Allow {
            networks: vec!["10.0.0.0/8".parse().unwrap()],
            countries: vec!["PE".to_owned()],
            country_file: Some(path),
        };
        let allowed = Allowed::open(list).unwrap();
        for address in ["127.0.0.1", "::1", "10.1.2.3", "::ffff:10.1.2.3", "190.1.2.3", "::ffff:190.1.2.3"] {
            assert!(lets_in(&allowed, address), "{address}");
        }
        for address in ["200.1.2.3", "8.8.8.8", "2001:db8::1", "11.0.0.1"] {
            assert!(!lets_in(&allowed, address), "{address}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_meant_is_refused_with_its_mend() {
        let open = |networks: &[&str], countries: &[&str], file: Option<&str>| {
            let list = Allow {
                networks: networks.iter().map(|text| text.parse().unwrap()).collect(),
                countries: countries.iter().map(|&text| text.to_owned()).collect(),
                country_file: file.map(PathBuf::from),
            };
            Allowed::open(list).map(drop).map_err(|error| format!("{error:#}"))
        };
        assert!(open(&["10.0.0.0/8"], &[], None).is_ok());
        assert!(open(&[], &[], None).unwrap_err().contains("nobody"));
        assert!(open(&[], &["PE"], None).unwrap_err().contains("country_file"));
        assert!(open(&[], &["Peru"], None).unwrap_err().contains("Peru"));
        assert!(open(&[], &["PE"], Some("/nowhere.mmdb")).unwrap_err().contains("/nowhere.mmdb"));
    }
}
