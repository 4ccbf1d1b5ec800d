//! What the rules of chain `forward` do to an address list, and to the queues.

use atalaya_protocol::wire::{Check, CheckStatus};

use super::super::super::client::Row;
use crate::driver::{Found, Word};

/// What is read of a rule.
pub(super) const COLUMNS: &[&str] = &[
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
    "in-interface-list",
    "out-interface-list",
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
/// Those by which fasttrack is told to leave subscribers out, beside [`NARROWING`].
const EXEMPTING: &[&str] =
    &["src-address-list", "dst-address-list", "in-interface-list", "out-interface-list"];

/// What a rule does to an address list, before it is said of which check.
pub(super) struct RuleFound {
    pub(super) status: CheckStatus,
    pub(super) found: Found,
    pub(super) remedy: String,
}

impl RuleFound {
    pub(super) fn check(self, code: &str) -> Check {
        self.found.check(code, self.status, self.remedy)
    }
}

/// What to paste where no rule stops the list.
pub(super) fn rule_remedy(family: &str, list: &str) -> String {
    format!(
        "{family} firewall filter add chain=forward src-address-list={list} action=drop comment=atalaya-cut place-before=0"
    )
}

/// A rule in `forward` that stops the list, enabled, whole, and before whatever lets the packets past it.
pub(super) fn list_rule(family: &str, rules: Option<&[Row]>, list: &str) -> RuleFound {
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
pub(super) fn v6_rule(rules: Option<&[Row]>, list: &str) -> Check {
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

/// How much of the traffic fasttrack takes past the simple queues, and past what a profile's rate makes of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Bypass {
    /// There is no such rule.
    Nothing,
    /// A rule with matchers of its own: whether subscribers are among what it marks cannot be told from here.
    Something,
    /// Whatever is established.
    Everything,
}

impl Bypass {
    /// What the rules of chain `forward` do.
    pub(super) fn of(rules: Option<&[Row]>) -> Self {
        let fasttrack = rules.unwrap_or_default().iter().filter(|rule| {
            rule.text("chain") == "forward"
                && rule.text("action") == "fasttrack-connection"
                && !rule.flag("disabled")
        });
        let is_narrow = |rule: &Row| {
            NARROWING.iter().chain(EXEMPTING).any(|matcher| !matches!(rule.text(matcher), "" | "all"))
        };
        fasttrack.fold(Self::Nothing, |found, rule| match (found, is_narrow(rule)) {
            (Self::Everything, _) | (_, false) => Self::Everything,
            (_, true) => Self::Something,
        })
    }
}

/// Whether speeds hold. A note and no failure: a cut by list has its effect all the same, and the speeds of a router
/// that fasttracks were void before we came.
pub(super) fn speed(rules: Option<&[Row]>) -> Check {
    let code = "speed_queues";
    match Bypass::of(rules) {
        Bypass::Nothing => {
            let found = Found::new(Word::SpeedHolds, &[], "no fasttrack rule takes packets past the queues");
            found.check(code, CheckStatus::Passed, "")
        }
        Bypass::Something => {
            let sentence = "a fasttrack rule may take subscribers' packets past the queues that limit them";
            Found::new(Word::SpeedMayBypass, &[], sentence).check(code, CheckStatus::Warning, "")
        }
        Bypass::Everything => {
            let sentence =
                "fasttrack takes packets past the queues: speeds of profiles and queues have no effect";
            let remedy = "/ip firewall filter disable [find chain=forward action=fasttrack-connection]";
            Found::new(Word::SpeedBypassed, &[], sentence).check(code, CheckStatus::Warning, remedy)
        }
    }
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
    fn fasttrack_makes_speeds_void() {
        let rule = |name: &str, value: &str| {
            Row::from([("chain", "forward"), ("action", "fasttrack-connection"), (name, value)])
        };
        let of = |rules: &[Row]| (Bypass::of(Some(rules)), speed(Some(rules)).status());
        assert_eq!(of(&[drop_list()]), (Bypass::Nothing, CheckStatus::Passed));
        assert_eq!(of(&[rule("disabled", "true")]), (Bypass::Nothing, CheckStatus::Passed));
        let narrow = rule("connection-mark", "no-mark");
        assert_eq!(of(std::slice::from_ref(&narrow)), (Bypass::Something, CheckStatus::Warning));
        let whole = rule("connection-state", "established,related");
        assert_eq!(of(&[narrow, whole]), (Bypass::Everything, CheckStatus::Warning));
    }
}
