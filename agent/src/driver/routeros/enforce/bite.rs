//! Whether a cut would have an effect on this router: a cut that changes a row and lets traffic pass is worse than
//! none, for everyone believes it.

use atalaya_protocol::wire::{Check, CheckStatus, Method};

use super::super::client::{CallError, Client, Command, Row, TrapClass};
use crate::driver::{BiteCheck, Found, RouterosOptions, Word};

const RULE: &[&str] = &[
    "chain",
    "action",
    "disabled",
    "src-address-list",
    "dst-address-list",
    "src-address",
    "dst-address",
    "protocol",
    "dst-port",
    "src-port",
    "connection-state",
    "connection-mark",
    "in-interface",
    "out-interface",
    "comment",
];
/// Matchers that leave part of the traffic out.
const NARROWING: &[&str] = &[
    "src-address",
    "dst-address",
    "protocol",
    "dst-port",
    "src-port",
    "connection-mark",
    "in-interface",
    "out-interface",
];

pub(super) async fn check(client: &Client, options: &RouterosOptions) -> Result<Vec<BiteCheck>, CallError> {
    let profile = Command::new("/ppp/profile/print")
        .columns(&["name", "rate-limit", "address-list"])
        .any_of("name", [options.cut_profile.as_str()]);
    let v4 = Command::new("/ip/firewall/filter/print").columns(RULE).query("?chain=forward");
    let v6 = Command::new("/ipv6/firewall/filter/print").columns(RULE).query("?chain=forward");
    let (profile, v4, v6, aaa, sessions) = futures::try_join!(
        rows(client, profile),
        rows(client, v4),
        rows(client, v6),
        rows(client, Command::new("/ppp/aaa/print")),
        rows(client, Command::new("/ppp/active/print").columns(&["name", "radius"])),
    )?;
    let mut checks = vec![
        (Method::Pppoe, cut_profile(profile.as_ref().and_then(|rows| rows.first()), v4.as_deref(), options)),
        (Method::Pppoe, secrets_used(aaa.as_deref(), sessions.as_deref())),
        (
            Method::StaticAddress,
            list_rule("/ip", v4.as_deref(), &options.cut_address_list).check("cut_list_rule"),
        ),
    ];
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

fn cut_profile(profile: Option<&Row>, rules: Option<&[Row]>, options: &RouterosOptions) -> Check {
    let code = "cut_profile";
    let name = &options.cut_profile;
    let list = &options.cut_address_list;
    let Some(profile) = profile else {
        let remedy = format!(
            "/ppp profile add name={name} address-list={list} rate-limit=128k/128k comment=atalaya\n{}",
            rule_remedy("/ip", list)
        );
        let sentence = format!("there is no PPP profile {name}: a cut has nothing to put subscribers on");
        let found = Found::new(Word::ProfileMissing, &[("profile", name)], sentence);
        return found.check(code, CheckStatus::Failed, remedy);
    };
    let rate = profile.text("rate-limit");
    let own_list = profile.text("address-list");
    if own_list.is_empty() {
        if rate.is_empty() {
            let remedy = format!(
                "/ppp profile set [find name={name}] address-list={list}\n{}",
                rule_remedy("/ip", list)
            );
            let sentence =
                format!("profile {name} has neither address-list nor rate-limit: a cut would have no effect");
            let found = Found::new(Word::ProfileOpen, &[("profile", name)], sentence);
            return found.check(code, CheckStatus::Failed, remedy);
        }
        let sentence = format!("profile {name} holds subscribers at {rate}; they are not walled");
        let found = Found::new(Word::ProfileSlow, &[("profile", name), ("rate", rate)], sentence);
        return found.check(code, CheckStatus::Passed, "");
    }
    let rule = list_rule("/ip", rules, own_list);
    let facts = [("profile", name.as_str()), ("list", own_list), ("rate", rate)];
    let sentence = |rest: &str| format!("profile {name} puts sessions on {own_list}{rest}");
    match rule.status {
        CheckStatus::Passed => {
            let sentence = sentence(&format!(": {}", rule.found.sentence));
            Found::new(Word::ProfileWalls, &facts, sentence).check(code, CheckStatus::Passed, "")
        }
        // The rate alone still restricts.
        _ if !rate.is_empty() => {
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

/// What a rule does to an address list, before it is said of which check.
struct RuleFound {
    status: CheckStatus,
    found: Found,
    remedy: String,
}

impl RuleFound {
    fn check(self, code: &str) -> Check {
        self.found.check(code, self.status, self.remedy)
    }
}

fn rule_remedy(family: &str, list: &str) -> String {
    format!(
        "{family} firewall filter add chain=forward src-address-list={list} action=drop comment=atalaya-cut place-before=0"
    )
}

/// A rule in `forward` that stops the list, enabled, whole, and before whatever lets the packets past it.
fn list_rule(family: &str, rules: Option<&[Row]>, list: &str) -> RuleFound {
    let failed = |word: Word, sentence: String, remedy: String| {
        let found = Found::new(word, &[("list", list)], sentence);
        RuleFound { status: CheckStatus::Failed, found, remedy }
    };
    let rules: Vec<&Row> =
        rules.unwrap_or_default().iter().filter(|rule| rule.text("chain") == "forward").collect();
    let of_list =
        |rule: &&&Row| rule.text("src-address-list") == list || rule.text("dst-address-list") == list;
    let stops = |rule: &&&Row| matches!(rule.text("action"), "drop" | "reject" | "tarpit");
    let candidates: Vec<&&Row> = rules.iter().filter(of_list).filter(stops).collect();
    if candidates.is_empty() {
        let sentence = format!("no rule of chain forward drops or rejects address list {list}");
        return failed(Word::RuleMissing, sentence, rule_remedy(family, list));
    }
    let Some(rule) = candidates.iter().find(|rule| !rule.flag("disabled")) else {
        let remedy = format!(
            "{family} firewall filter enable [find chain=forward src-address-list={list} action=drop]"
        );
        return failed(Word::RuleDisabled, format!("the rule that stops {list} is disabled"), remedy);
    };
    if let Some(narrow) = narrowed_by(rule) {
        let sentence = format!("the rule that stops {list} does so only for {narrow}");
        let found = Found::new(Word::RuleNarrow, &[("list", list), ("matcher", &narrow)], sentence);
        return RuleFound { status: CheckStatus::Failed, found, remedy: rule_remedy(family, list) };
    }
    let before = rules.iter().take_while(|other| !std::ptr::eq(**other, **rule));
    for earlier in before.filter(|earlier| !earlier.flag("disabled")) {
        let fasttrack = earlier.text("action") == "fasttrack-connection";
        let accepts_all =
            earlier.text("action") == "accept" && narrowed_by(earlier).is_none() && no_list(earlier);
        if fasttrack || accepts_all {
            let (word, what) = if fasttrack {
                (Word::RuleBehindFasttrack, "fasttrack")
            } else {
                (Word::RuleBehindAccept, "a rule that accepts everything")
            };
            let remedy = format!(
                "{family} firewall filter move [find chain=forward src-address-list={list} action={}] destination=0",
                rule.text("action")
            );
            let sentence =
                format!("{what} stands before the rule that stops {list}: running connections pass it by");
            return failed(word, sentence, remedy);
        }
    }
    let sentence = format!("chain forward stops address list {list}");
    let found = Found::new(Word::RuleStops, &[("list", list)], sentence);
    RuleFound { status: CheckStatus::Passed, found, remedy: String::new() }
}

fn no_list(rule: &Row) -> bool {
    rule.text("src-address-list").is_empty() && rule.text("dst-address-list").is_empty()
}

/// The matcher that leaves part of the traffic out.
fn narrowed_by(rule: &Row) -> Option<String> {
    let narrow = NARROWING.iter().find(|matcher| !matches!(rule.text(matcher), "" | "all"));
    let states = rule.text("connection-state");
    let only_old = (!states.is_empty() && !states.split(',').any(|state| state == "new"))
        .then(|| format!("connection-state={states}"));
    narrow.map(|matcher| format!("{matcher}={}", rule.text(matcher))).or(only_old)
}

/// IPv6 passes an IPv4 wall. A note and no failure: many networks have none.
fn v6_rule(rules: Option<&[Row]>, list: &str) -> Check {
    let code = "cut_list_rule_v6";
    if rules.is_none() {
        let found = Found::new(Word::NoIpv6, &[], "this router has no IPv6 firewall");
        return found.check(code, CheckStatus::Skipped, "");
    }
    let mut rule = list_rule("/ipv6", rules, list);
    if rule.status != CheckStatus::Passed {
        rule.status = CheckStatus::Warning;
        rule.found.sentence.push_str("; a subscriber with IPv6 would pass by it");
    }
    rule.check(code)
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

    fn status(rules: &[Row]) -> CheckStatus {
        list_rule("/ip", Some(rules), "cortados").status
    }

    #[test]
    fn a_rule_that_bites() {
        let portal = Row::from([
            ("chain", "forward"),
            ("action", "accept"),
            ("src-address-list", "cortados"),
            ("dst-address", "192.0.2.1"),
        ]);
        let fasttrack = Row::from([("chain", "forward"), ("action", "fasttrack-connection")]);
        assert_eq!(status(&[portal, drop_list(), fasttrack]), CheckStatus::Passed);
    }

    #[test]
    fn rules_that_do_not_bite() {
        let with = |name: &str, value: &str| {
            Row::from([
                ("chain", "forward"),
                ("action", "drop"),
                ("src-address-list", "cortados"),
                (name, value),
            ])
        };
        let fasttrack = || Row::from([("chain", "forward"), ("action", "fasttrack-connection")]);
        let accept_all = || Row::from([("chain", "forward"), ("action", "accept")]);
        let cases: [&[Row]; 7] = [
            &[],
            &[with("disabled", "true")],
            &[with("protocol", "tcp")],
            &[with("connection-state", "established")],
            &[fasttrack(), drop_list()],
            &[accept_all(), drop_list()],
            &[Row::from([("chain", "input"), ("action", "drop"), ("src-address-list", "cortados")])],
        ];
        for rules in cases {
            let rule = list_rule("/ip", Some(rules), "cortados");
            assert_eq!(rule.status, CheckStatus::Failed, "{rules:?}");
            assert!(!rule.remedy.is_empty());
        }
    }

    #[test]
    fn a_cut_profile_must_restrict() {
        let options = RouterosOptions::default();
        let check =
            |profile: Option<&Row>, rules: &[Row]| cut_profile(profile, Some(rules), &options).status();
        let bare = Row::from([("name", "cut")]);
        let slow = Row::from([("name", "cut"), ("rate-limit", "64k/64k")]);
        let listed = Row::from([("name", "cut"), ("address-list", "cortados")]);
        assert_eq!(check(None, &[]), CheckStatus::Failed);
        assert_eq!(check(Some(&bare), &[drop_list()]), CheckStatus::Failed);
        assert_eq!(check(Some(&slow), &[]), CheckStatus::Passed);
        assert_eq!(check(Some(&listed), &[]), CheckStatus::Failed);
        assert_eq!(check(Some(&listed), &[drop_list()]), CheckStatus::Passed);
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
