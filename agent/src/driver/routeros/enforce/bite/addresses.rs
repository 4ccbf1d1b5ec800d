//! Whether the cut profile gives what the plans' profiles give: an address at each end.
//!
//! A secret without an address of its own takes it from its profile. Under a cut profile that has none its session
//! would not come up, and the equipment would dial for ever: the storm that the cut profile is there to avoid. What a
//! router does without a `local-address` is from memory, so that one is a warning.

use std::collections::BTreeMap;

use atalaya_protocol::wire::{Check, CheckStatus};

use super::super::super::client::Row;
use super::super::super::tables::is_pppoe;
use super::by_name;
use crate::driver::{Found, Word};

/// What is read of every secret.
pub(super) const SECRET: &[&str] = &["service", "profile", "local-address", "remote-address"];

const REMOTE: &str = "remote-address";
const LOCAL: &str = "local-address";

/// Whether nobody can lack anything under this profile.
pub(super) fn gives_all(profile: &Row) -> bool {
    !profile.text(REMOTE).is_empty() && !profile.text(LOCAL).is_empty()
}

/// The addresses that subscribers get elsewhere, as attributes of a command to paste; empty when nowhere.
pub(super) fn as_elsewhere(profiles: &[Row]) -> String {
    let donor = profiles.iter().find(|profile| gives_all(profile));
    let donor = donor.or_else(|| profiles.iter().find(|profile| !profile.text(REMOTE).is_empty()));
    donor.map_or(String::new(), |donor| {
        let given = [LOCAL, REMOTE].into_iter().filter(|name| !donor.text(name).is_empty());
        given.map(|name| format!(" {name}={}", donor.text(name))).collect()
    })
}

/// Compares the cut profile with what the secrets take from their own.
pub(super) fn check(cut: &Row, profiles: &[Row], secrets: &[Row]) -> Check {
    let code = "cut_profile_addresses";
    let name = cut.text("name");
    let losing = |attribute: &'static str| losing(attribute, cut, profiles, secrets);
    let (remote, local) = (losing(REMOTE), losing(LOCAL));
    let (attribute, losing, status) = if remote.secrets > 0 {
        (REMOTE, &remote, CheckStatus::Failed)
    } else if local.secrets > 0 {
        (LOCAL, &local, CheckStatus::Warning)
    } else {
        let sentence = format!("profile {name} leaves no subscriber without an address");
        return Found::new(Word::ProfileAddresses, &[("profile", name)], sentence).check(
            code,
            CheckStatus::Passed,
            "",
        );
    };
    let given: String = [(LOCAL, &local), (REMOTE, &remote)]
        .into_iter()
        .filter_map(|(name, losing)| losing.usual.map(|value| format!(" {name}={value}")))
        .collect();
    let remedy = format!("/ppp profile set [find name={name}]{given}");
    let count = losing.secrets.to_string();
    let sentence = format!(
        "profile {name} has no {attribute}: {count} secrets take theirs from their profile and would not come up while cut"
    );
    let facts = [("profile", name), ("attribute", attribute), ("count", count.as_str())];
    Found::new(Word::ProfileNoAddress, &facts, sentence).check(code, status, remedy)
}

/// Whom the cut profile would leave without an attribute.
struct Losing<'a> {
    secrets: usize,
    /// What most of them have now.
    usual: Option<&'a str>,
}

fn losing<'a>(attribute: &str, cut: &Row, profiles: &'a [Row], secrets: &[Row]) -> Losing<'a> {
    let mut of_value: BTreeMap<&'a str, usize> = BTreeMap::new();
    if cut.text(attribute).is_empty() {
        let relying = secrets
            .iter()
            .filter(|secret| is_pppoe(secret.text("service")) && secret.text(attribute).is_empty());
        for secret in relying.filter(|secret| secret.text("profile") != cut.text("name")) {
            let given = by_name(profiles, secret.text("profile")).map(|profile| profile.text(attribute));
            if let Some(given) = given.filter(|given| !given.is_empty()) {
                *of_value.entry(given).or_default() += 1;
            }
        }
    }
    Losing {
        secrets: of_value.values().sum(),
        usual: of_value.iter().max_by_key(|(_, count)| **count).map(|(value, _)| *value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profile(name: &str, local: &str, remote: &str) -> Row {
        Row::from([("name", name), (LOCAL, local), (REMOTE, remote)])
    }

    fn secret(profile: &str, remote: &str) -> Row {
        Row::from([("service", "pppoe"), ("profile", profile), (REMOTE, remote)])
    }

    #[test]
    fn a_cut_profile_without_a_pool_leaves_those_of_a_pool_without_an_address() {
        let profiles =
            [profile("10M", "10.0.0.1", "pool1"), profile("bare", "", ""), profile("cut", "10.0.0.1", "")];
        let cut = &profiles[2];
        let pool = [secret("10M", ""), secret("10M", ""), secret("10M", "10.0.0.7")];
        let found = check(cut, &profiles, &pool);
        assert_eq!(found.status(), CheckStatus::Failed);
        assert!(found.detail.contains("2 secrets"), "{}", found.detail);
        assert_eq!(found.remedy, "/ppp profile set [find name=cut] remote-address=pool1");
        // With an address of their own, or from a profile that gives none either, nobody loses anything.
        for kept in [secret("10M", "10.0.0.7"), secret("bare", ""), secret("cut", "")] {
            assert_eq!(check(cut, &profiles, &[kept]).status(), CheckStatus::Passed);
        }
    }

    #[test]
    fn a_missing_local_address_is_a_warning() {
        let profiles = [profile("10M", "10.0.0.1", "pool1"), profile("cut", "", "pool1")];
        let found = check(&profiles[1], &profiles, &[secret("10M", "")]);
        assert_eq!(found.status(), CheckStatus::Warning);
        assert!(gives_all(&profiles[0]) && !gives_all(&profiles[1]));
    }
}
