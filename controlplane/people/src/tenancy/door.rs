//! From where an ISP's people and programs may ask: by the network of their address, or by the country that it is in. What the
//! installation lets in at all is decided before.

use super::Tenant;
use crate::identity::{Origin, Whereabouts};
use atalaya_kernel::{Error, Validation, network::Network};
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, net::IpAddr};
use utoipa::ToSchema;

/// Entries of a list at most.
const MOST: usize = 200;

/// An entry that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct UnknownPlace(String);

/// Networks in CIDR form, or single addresses.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
#[schema(value_type = Vec<String>, example = json!(["198.51.100.0/24", "2001:db8::/32"]))]
pub struct Networks(BTreeSet<Network>);

impl Networks {
    /// As they are kept: separated by commas.
    pub(super) fn to_column(&self) -> String {
        Vec::from(self.clone()).join(",")
    }
}
impl From<Networks> for Vec<String> {
    fn from(networks: Networks) -> Self {
        networks.0.iter().map(Network::to_string).collect()
    }
}
impl TryFrom<Vec<String>> for Networks {
    type Error = UnknownPlace;
    fn try_from(texts: Vec<String>) -> Result<Self, UnknownPlace> {
        let read = |text: &String| text.parse().map_err(|error| UnknownPlace(format!("{error}")));
        texts.iter().map(read).collect::<Result<_, _>>().map(Self)
    }
}
impl TryFrom<String> for Networks {
    type Error = UnknownPlace;
    fn try_from(column: String) -> Result<Self, UnknownPlace> {
        Self::try_from(words(&column))
    }
}

/// Countries, ISO 3166 codes of two letters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(try_from = "Vec<String>", into = "Vec<String>")]
#[schema(value_type = Vec<String>, example = json!(["PE", "BO"]))]
pub struct Countries(BTreeSet<String>);

impl Countries {
    /// As they are kept: separated by commas.
    pub(super) fn to_column(&self) -> String {
        Vec::from(self.clone()).join(",")
    }
}
impl From<Countries> for Vec<String> {
    fn from(countries: Countries) -> Self {
        countries.0.into_iter().collect()
    }
}
impl TryFrom<Vec<String>> for Countries {
    type Error = UnknownPlace;
    fn try_from(codes: Vec<String>) -> Result<Self, UnknownPlace> {
        let is_code = |code: &&String| code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_uppercase());
        match codes.iter().find(|code| !is_code(code)) {
            Some(wrong) => {
                Err(UnknownPlace(format!("expected two capital letters such as PE, got {wrong:?}")))
            }
            None => Ok(Self(codes.into_iter().collect())),
        }
    }
}
impl TryFrom<String> for Countries {
    type Error = UnknownPlace;
    fn try_from(column: String) -> Result<Self, UnknownPlace> {
        Self::try_from(words(&column))
    }
}

fn words(column: &str) -> Vec<String> {
    column.split(',').filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Whether lists let an origin in. One of the two suffices; two empty ones let everybody in, and the machine itself always is.
fn lets_in(networks: &Networks, countries: &Countries, origin: &Origin) -> bool {
    if networks.0.is_empty() && countries.0.is_empty() {
        return true;
    }
    // Whoever's address is not known is let in by no list.
    let Ok(address) = origin.address.parse::<IpAddr>() else { return false };
    let address = address.to_canonical();
    address.is_loopback()
        || networks.0.iter().any(|network| network.contains(address))
        || matches!(&origin.whereabouts, Whereabouts::In(country) if countries.0.contains(country))
}

impl Tenant {
    /// Whether the ISP's lists let an origin in.
    pub fn lets_in(&self, origin: &Origin) -> bool {
        lets_in(&self.allowed_networks, &self.allowed_countries, origin)
    }
}

/// Whether lists that somebody sends can be meant.
pub(super) fn check(
    validation: &mut Validation,
    networks: Option<&Networks>,
    countries: Option<&Countries>,
    origin: Option<&Origin>,
) {
    let text = format!("at most {MOST} entries");
    validation
        .check(
            networks.is_none_or(|list| list.0.len() <= MOST),
            "/allowed_networks",
            "too_long",
            text.clone(),
        )
        .check(countries.is_none_or(|list| list.0.len() <= MOST), "/allowed_countries", "too_long", text);
    let named = countries.is_some_and(|list| !list.0.is_empty());
    let unknown = origin.is_some_and(|origin| origin.whereabouts == Whereabouts::NotLookedFor);
    validation.check(
        !(named && unknown),
        "/allowed_countries",
        "unavailable",
        "this installation has no file of countries (http.allow.country_file)",
    );
}

/// Refuses a change that would lock out whoever sends it.
pub(super) fn not_locked_out(before: &Tenant, after: &Tenant, origin: &Origin) -> Result<(), Error> {
    let networks = before.allowed_networks != after.allowed_networks;
    if !networks && before.allowed_countries == after.allowed_countries || after.lets_in(origin) {
        return Ok(());
    }
    let pointer = if networks { "/allowed_networks" } else { "/allowed_countries" };
    Err(Error::invalid(
        pointer,
        "locks_you_out",
        format!(
            "your own address, {}, would not be let in any more; with `force` it is done all the same",
            origin.address
        ),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn origin(address: &str, country: Option<&str>) -> Origin {
        let whereabouts = country.map_or(Whereabouts::Unknown, |code| Whereabouts::In(code.to_owned()));
        Origin { address: address.to_owned(), whereabouts, ..Origin::default() }
    }

    #[test]
    fn a_network_a_country_and_the_machine_itself_are_let_in() {
        let networks = Networks::try_from(vec!["198.51.100.0/24".to_owned()]).unwrap();
        let countries = Countries::try_from(vec!["PE".to_owned()]).unwrap();
        let (none, nowhere) = (Networks::default(), Countries::default());
        for (address, country, both, by_network, by_country) in [
            ("198.51.100.7", None, true, true, false),
            ("::ffff:198.51.100.7", None, true, true, false),
            ("203.0.113.9", Some("PE"), true, false, true),
            ("203.0.113.9", Some("CL"), false, false, false),
            ("203.0.113.9", None, false, false, false),
            ("127.0.0.1", None, true, true, true),
            ("::1", Some("CL"), true, true, true),
            ("", Some("PE"), false, false, false),
        ] {
            let origin = origin(address, country);
            assert_eq!(lets_in(&networks, &countries, &origin), both, "{address}");
            assert_eq!(lets_in(&networks, &nowhere, &origin), by_network, "{address}");
            assert_eq!(lets_in(&none, &countries, &origin), by_country, "{address}");
            assert!(lets_in(&none, &nowhere, &origin), "two empty lists let everybody in");
        }
    }

    #[test]
    fn lists_come_back_as_they_were_kept() {
        let networks: Networks =
            serde_json::from_str(r#"["2001:db8::/32", "10.0.0.0/8", "192.0.2.7"]"#).unwrap();
        assert_eq!(networks.to_column(), "10.0.0.0/8,192.0.2.7/32,2001:db8::/32");
        assert_eq!(Networks::try_from(networks.to_column()).unwrap(), networks);
        let countries: Countries = serde_json::from_str(r#"["PE", "BO"]"#).unwrap();
        assert_eq!(Countries::try_from(countries.to_column()).unwrap(), countries);
        assert_eq!(Countries::try_from(String::new()).unwrap(), Countries::default());
        assert!(serde_json::from_str::<Networks>(r#"["10.0.0.0/40"]"#).is_err());
        for wrong in [r#"["pe"]"#, r#"["PER"]"#, r#"["P,"]"#] {
            assert!(serde_json::from_str::<Countries>(wrong).is_err(), "{wrong}");
        }
    }
}
