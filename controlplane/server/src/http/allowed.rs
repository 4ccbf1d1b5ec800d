//! Who is let in, by address and by country.
//!
//! A list is of the whole installation and stands in its configuration, so that nobody can lock themselves out of the page on
//! which they would mend it. The machine itself always is let in.

use super::{countries::Countries, request::Client};
use crate::config::Allow;
use atalaya_kernel::http::Problem;
use axum::{
    Extension,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use std::{net::IpAddr, sync::Arc};

/// The list, with its countries in memory.
pub struct Allowed {
    list: Allow,
    countries: Option<Arc<Countries>>,
}

impl Allowed {
    /// With the file of countries, where there is one; none for a list that only names such a file, for the lists of the ISPs.
    ///
    /// # Errors
    /// Countries without a file, a country that is none, a list that lets nobody in.
    pub fn open(list: Allow, countries: Option<Arc<Countries>>) -> anyhow::Result<Option<Self>> {
        let wrong = list
            .countries
            .iter()
            .find(|code| code.len() != 2 || !code.bytes().all(|byte| byte.is_ascii_uppercase()));
        if let Some(wrong) = wrong {
            anyhow::bail!("http.allow.countries: expected two capital letters such as PE, got {wrong:?}");
        }
        if list.networks.is_empty() && list.countries.is_empty() {
            anyhow::ensure!(
                countries.is_some(),
                "http.allow names neither networks nor countries and would let nobody in: remove it, or name some"
            );
            return Ok(None);
        }
        anyhow::ensure!(
            countries.is_some() || list.countries.is_empty(),
            "http.allow.countries needs http.allow.country_file, in MaxMind's format"
        );
        Ok(Some(Self { list, countries }))
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
    use crate::http::countries::tests::file;
    use std::{fs, path::PathBuf};

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
        let countries = Countries::named(Some(&list)).unwrap();
        let allowed = Allowed::open(list, countries).unwrap().unwrap();
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
            let opened = Countries::named(Some(&list)).and_then(|countries| Allowed::open(list, countries));
            opened.map(|allowed| allowed.is_some()).map_err(|error| format!("{error:#}"))
        };
        assert_eq!(open(&["10.0.0.0/8"], &[], None), Ok(true));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("countries.mmdb");
        fs::write(&path, file(&[(190, "PE")])).unwrap();
        assert_eq!(open(&[], &[], path.to_str()), Ok(false), "it is for the lists of the ISPs alone");
        assert!(open(&[], &[], None).unwrap_err().contains("nobody"));
        assert!(open(&[], &["PE"], None).unwrap_err().contains("country_file"));
        assert!(open(&[], &["Peru"], None).unwrap_err().contains("Peru"));
        assert!(open(&[], &["PE"], Some("/nowhere.mmdb")).unwrap_err().contains("/nowhere.mmdb"));
    }
}
