//! Whether a cut would have an effect on this router: a cut that changes a row and lets traffic pass is worse than
//! none, for everyone believes it. And whether it would have too much of one: a subscriber whom the cut profile gives no
//! address dials for ever.

mod addresses;
mod rules;

use atalaya_protocol::wire::{Check, CheckStatus, Method};

use super::super::client::{CallError, Client, Command, Row, TrapClass};
use crate::driver::{BiteCheck, Found, RouterosOptions, Word};
use rules::{Bypass, list_rule, rule_remedy, v6_rule};

const PROFILE: &[&str] = &["name", "rate-limit", "address-list", "local-address", "remote-address"];

pub(super) async fn check(client: &Client, options: &RouterosOptions) -> Result<Vec<BiteCheck>, CallError> {
    let v4 = Command::new("/ip/firewall/filter/print").columns(rules::COLUMNS).query("?chain=forward");
    let v6 = Command::new("/ipv6/firewall/filter/print").columns(rules::COLUMNS).query("?chain=forward");
    let (profiles, v4, v6, aaa, sessions) = futures::try_join!(
        rows(client, Command::new("/ppp/profile/print").columns(PROFILE)),
        rows(client, v4),
        rows(client, v6),
        rows(client, Command::new("/ppp/aaa/print")),
        rows(client, Command::new("/ppp/active/print").columns(&["name", "radius"])),
    )?;
    let profiles = profiles.unwrap_or_default();
    let mut checks = vec![(Method::Pppoe, cut_profile(&profiles, v4.as_deref(), options))];
    if let Some(profile) = by_name(&profiles, &options.cut_profile) {
        // Every secret is read only where the cut profile leaves something to them.
        let secrets = if addresses::gives_all(profile) {
            Vec::new()
        } else {
            rows(client, Command::new("/ppp/secret/print").columns(addresses::SECRET))
                .await?
                .unwrap_or_default()
        };
        checks.push((Method::Pppoe, addresses::check(profile, &profiles, &secrets)));
    }
    checks.push((Method::Pppoe, secrets_used(aaa.as_deref(), sessions.as_deref())));
    checks.push((Method::Pppoe, rules::speed(v4.as_deref())));
    checks.push((
        Method::StaticAddress,
        list_rule("/ip", v4.as_deref(), &options.cut_address_list).check("cut_list_rule"),
    ));
    checks.push((Method::StaticAddress, v6_rule(v6.as_deref(), &options.cut_address_list)));
    Ok(checks.into_iter().map(|(method, check)| BiteCheck { method, check }).collect())
}

/// Rows of a menu; `None` where this router does not have it.
async fn rows(client: &Client, command: Command) -> Result<Option<Vec<Row>>, CallError> {
    match client.call(&command).await {
        Ok(reply) => Ok(Some(reply.rows)),
        Err(error) if error.class() == Some(TrapClass::NoSuchCommand) => Ok(None),
        Err(error) => Err(error),
    }
}

fn by_name<'a>(profiles: &'a [Row], name: &str) -> Option<&'a Row> {
    profiles.iter().find(|row| row.text("name") == name)
}

fn cut_profile(profiles: &[Row], rules: Option<&[Row]>, options: &RouterosOptions) -> Check {
    let code = "cut_profile";
    let name = &options.cut_profile;
    let list = &options.cut_address_list;
    let Some(profile) = by_name(profiles, name) else {
        let remedy = format!(
            "/ppp profile add name={name}{} address-list={list} rate-limit=128k/128k comment=atalaya\n{}",
            addresses::as_elsewhere(profiles),
            rule_remedy("/ip", list)
        );
        let sentence = format!("there is no PPP profile {name}: a cut has nothing to put subscribers on");
        let found = Found::new(Word::ProfileMissing, &[("profile", name)], sentence);
        return found.check(code, CheckStatus::Failed, remedy);
    };
    let rate = profile.text("rate-limit");
    let own_list = profile.text("address-list");
    if own_list.is_empty() {
        return unlisted(profile, rules, options);
    }
    let rule = list_rule("/ip", rules, own_list);
    let facts = [("profile", name.as_str()), ("list", own_list), ("rate", rate)];
    let sentence = |rest: &str| format!("profile {name} puts sessions on {own_list}{rest}");
    match rule.status {
        CheckStatus::Passed => {
            let sentence = sentence(&format!(": {}", rule.found.sentence));
            Found::new(Word::ProfileWalls, &facts, sentence).check(code, CheckStatus::Passed, "")
        }
        // The rate alone still restricts, unless the packets pass the queue by.
        _ if !rate.is_empty() && Bypass::of(rules) != Bypass::Everything => {
            let sentence =
                sentence(&format!(", but {}; only the rate {rate} holds them", rule.found.sentence));
            Found::new(Word::ProfileOnlySlow, &facts, sentence).check(code, CheckStatus::Warning, rule.remedy)
        }
        status => {
            let sentence = sentence(&format!(", but {}", rule.found.sentence));
            // Which rule is missing or passed by is what has to be mended.
            Found { sentence, ..rule.found }.check(code, status, rule.remedy)
        }
    }
}

/// A cut profile without an address list: at best it slows.
fn unlisted(profile: &Row, rules: Option<&[Row]>, options: &RouterosOptions) -> Check {
    let code = "cut_profile";
    let (name, list) = (&options.cut_profile, &options.cut_address_list);
    let rate = profile.text("rate-limit");
    let remedy =
        format!("/ppp profile set [find name={name}] address-list={list}\n{}", rule_remedy("/ip", list));
    if rate.is_empty() {
        let sentence =
            format!("profile {name} has neither address-list nor rate-limit: a cut would have no effect");
        let found = Found::new(Word::ProfileOpen, &[("profile", name)], sentence);
        return found.check(code, CheckStatus::Failed, remedy);
    }
    let facts = [("profile", name.as_str()), ("rate", rate)];
    match Bypass::of(rules) {
        Bypass::Everything => {
            let sentence = format!(
                "profile {name} only holds subscribers at {rate}, and fasttrack takes their packets past that queue"
            );
            Found::new(Word::SlowBehindFasttrack, &facts, sentence).check(code, CheckStatus::Failed, remedy)
        }
        bypass => {
            let sentence = format!("profile {name} holds subscribers at {rate}; they are not walled");
            let status = if bypass == Bypass::Nothing { CheckStatus::Passed } else { CheckStatus::Warning };
            Found::new(Word::ProfileSlow, &facts, sentence).check(code, status, "")
        }
    }
}

fn secrets_used(aaa: Option<&[Row]>, sessions: Option<&[Row]>) -> Check {
    let code = "secrets_used";
    let uses_radius = aaa.and_then(|rows| rows.first()).is_some_and(|row| row.flag("use-radius"));
    let sessions = sessions.unwrap_or_default();
    let by_radius = sessions.iter().filter(|row| row.flag("radius")).count();
    if !uses_radius {
        let found = Found::new(Word::BySecrets, &[], "subscribers are let in by their secrets");
        return found.check(code, CheckStatus::Passed, "");
    }
    // A secret is asked first; who has one is still cut by it.
    let status = if by_radius > 0 { CheckStatus::Failed } else { CheckStatus::Warning };
    let (by_radius, of) = (by_radius.to_string(), sessions.len().to_string());
    let sentence = format!(
        "the router asks RADIUS: {by_radius} of {of} sessions came by it; a cut of a secret does not reach them"
    );
    let found = Found::new(Word::ByRadius, &[("radius", &by_radius), ("sessions", &of)], sentence);
    found.check(code, status, "/ppp aaa set use-radius=no")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drop_list() -> Row {
        Row::from([("chain", "forward"), ("action", "drop"), ("src-address-list", "cortados")])
    }

    #[test]
    fn a_cut_profile_must_restrict() {
        let options = RouterosOptions::default();
        let check = |profile: Option<&Row>, rules: &[Row]| {
            let profiles: Vec<Row> = profile.cloned().into_iter().collect();
            cut_profile(&profiles, Some(rules), &options).status()
        };
        let bare = Row::from([("name", "cut")]);
        let slow = Row::from([("name", "cut"), ("rate-limit", "64k/64k")]);
        let listed = Row::from([("name", "cut"), ("address-list", "cortados")]);
        assert_eq!(check(None, &[]), CheckStatus::Failed);
        assert_eq!(check(Some(&bare), &[drop_list()]), CheckStatus::Failed);
        assert_eq!(check(Some(&slow), &[]), CheckStatus::Passed);
        assert_eq!(check(Some(&listed), &[]), CheckStatus::Failed);
        assert_eq!(check(Some(&listed), &[drop_list()]), CheckStatus::Passed);
        // What fasttrack marks, no queue sees: a rate holds nobody then.
        let fasttrack = Row::from([("chain", "forward"), ("action", "fasttrack-connection")]);
        let some = Row::from([
            ("chain", "forward"),
            ("action", "fasttrack-connection"),
            ("in-interface-list", "LAN"),
        ]);
        assert_eq!(check(Some(&slow), std::slice::from_ref(&fasttrack)), CheckStatus::Failed);
        assert_eq!(check(Some(&slow), &[some]), CheckStatus::Warning);
        let both = Row::from([("name", "cut"), ("address-list", "cortados"), ("rate-limit", "64k/64k")]);
        assert_eq!(check(Some(&both), &[]), CheckStatus::Warning);
        assert_eq!(check(Some(&both), std::slice::from_ref(&fasttrack)), CheckStatus::Failed);
        assert_eq!(check(Some(&both), &[drop_list(), fasttrack]), CheckStatus::Passed);
    }

    #[test]
    fn what_to_paste_gives_an_address_as_the_other_profiles_do() {
        let plan = Row::from([("name", "10M"), ("local-address", "10.0.0.1"), ("remote-address", "pool1")]);
        let check = cut_profile(&[plan], Some(&[]), &RouterosOptions::default());
        let expected =
            "/ppp profile add name=cut local-address=10.0.0.1 remote-address=pool1 address-list=cortados";
        assert!(check.remedy.starts_with(expected), "{}", check.remedy);
    }

    #[test]
    fn subscribers_of_radius_are_not_cut_by_secrets() {
        let aaa = [Row::from([("use-radius", "true")])];
        let session = [Row::from([("name", "a"), ("radius", "true")])];
        assert_eq!(secrets_used(Some(&aaa), Some(&session)).status(), CheckStatus::Failed);
        assert_eq!(secrets_used(Some(&aaa), Some(&[])).status(), CheckStatus::Warning);
        assert_eq!(secrets_used(None, None).status(), CheckStatus::Passed);
    }
}
