//! What was found, twice: a stable word with its values, for pages in any language, and the sentence of a log.

use atalaya_protocol::wire;

use super::DeviceError;

macro_rules! words {
    ($($(#[$doc:meta])* $word:ident = $text:literal,)+) => {
        /// Everything that can be found. A page has a sentence for each, in each of its languages.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Word { $($(#[$doc])* $word,)+ }

        impl Word {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$word),+];

            /// As it travels.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$word => $text,)+ }
            }
        }
    };
}

words! {
    /// Nothing answers at its address.
    Unreachable = "unreachable",
    /// No answer in time.
    Timeout = "timeout",
    /// It answers and does not let us in.
    Refused = "refused",
    /// A right is missing.
    Rights = "rights",
    /// It was asked rightly and said no.
    Device = "device",
    /// What came back is not what the protocol allows.
    Protocol = "protocol",
    /// Its configuration cannot work.
    Config = "config",
    /// This machine cannot do it.
    Local = "local",
    /// Not tried, because an earlier stage failed.
    EarlierFailed = "earlier_failed",
    /// The port accepts connections.
    PortOpen = "port_open",
    /// The connection is in clear.
    TlsOff = "tls_off",
    /// Any certificate is accepted.
    TlsAny = "tls_any",
    /// The pinned certificate was shown.
    TlsPinned = "tls_pinned",
    /// The log-in succeeded.
    LetIn = "let_in",
    /// The rights that are needed are there.
    RightsHeld = "rights_held",
    /// Policies are missing.
    RightsMissing = "rights_missing",
    /// The router has no PPP secrets.
    NoPpp = "no_ppp",
    /// The secrets can be read.
    Secrets = "secrets",
    /// The secrets' passwords are hidden.
    SecretsHidden = "secrets_hidden",
    /// Echoes are answered.
    AnswersIn = "answers_in",
    /// Some echoes are lost.
    Lost = "lost",
    /// Who the device says it is.
    AnswersAs = "answers_as",
    /// No answer, which is also what a wrong community gets.
    SnmpSilent = "snmp_silent",
    /// A device profile fits that was tested with a recording of a real device.
    SnmpProfile = "snmp_profile",
    /// A device profile fits that was not seen on hardware.
    SnmpProfileUnseen = "snmp_profile_unseen",
    /// No device profile fits.
    SnmpProfileNone = "snmp_profile_none",
    /// The interface table can be read.
    Interfaces = "interfaces",
    /// There is no interface table.
    NoInterfaces = "no_interfaces",
    /// The cut profile does not exist.
    ProfileMissing = "profile_missing",
    /// The cut profile restricts nothing.
    ProfileOpen = "profile_open",
    /// The cut profile slows and does not wall.
    ProfileSlow = "profile_slow",
    /// The cut profile puts sessions on a list that is stopped.
    ProfileWalls = "profile_walls",
    /// The cut profile's list is not stopped; its rate alone restricts.
    ProfileOnlySlow = "profile_only_slow",
    /// The cut profile slows, and fasttrack takes the packets past what slows them.
    SlowBehindFasttrack = "slow_behind_fasttrack",
    /// The cut profile leaves secrets without an address.
    ProfileNoAddress = "profile_no_address",
    /// The cut profile leaves nobody without an address.
    ProfileAddresses = "profile_addresses",
    /// No rule stops the list.
    RuleMissing = "rule_missing",
    /// The rule that stops the list is disabled.
    RuleDisabled = "rule_disabled",
    /// The rule that stops the list leaves traffic out.
    RuleNarrow = "rule_narrow",
    /// Fasttrack stands before the rule.
    RuleBehindFasttrack = "rule_behind_fasttrack",
    /// A rule that accepts everything stands before it.
    RuleBehindAccept = "rule_behind_accept",
    /// The list is stopped.
    RuleStops = "rule_stops",
    /// No fasttrack rule: speeds hold.
    SpeedHolds = "speed_holds",
    /// A fasttrack rule with matchers of its own.
    SpeedMayBypass = "speed_may_bypass",
    /// Fasttrack takes everything past the queues.
    SpeedBypassed = "speed_bypassed",
    /// The router has no IPv6 firewall.
    NoIpv6 = "no_ipv6",
    /// Subscribers are let in by their secrets.
    BySecrets = "by_secrets",
    /// The router asks RADIUS.
    ByRadius = "by_radius",
    /// Whether a cut can bite could not be checked.
    NotChecked = "not_checked",
    /// One point cannot be brought to its desired state.
    PointBlocked = "point_blocked",
    /// Something of points is left as it is, though it differs.
    LeftAlone = "left_alone",
    /// More changes than an hour may bring would drop sessions.
    ManyChanges = "many_changes",
    /// An order came after its deadline.
    Late = "late",
    /// An order of a newer kind.
    OrderUnknown = "order_unknown",
    /// An order was not finished in time.
    TooLong = "too_long",
    /// Devices of this kind cannot do what was ordered.
    KindUnable = "kind_unable",
    /// Somebody stopped an order.
    Cancelled = "cancelled",
    /// The agent stopped while an order ran; it is not run again.
    Interrupted = "interrupted",
}

/// A finding and its sentence, in English.
#[derive(Debug, Clone)]
pub struct Found {
    /// Stable word and values.
    pub finding: wire::Finding,
    /// The same as a sentence, for logs and the command line.
    pub sentence: String,
}

impl Found {
    /// A finding with its `facts` by name.
    pub fn new(word: Word, facts: &[(&str, &str)], sentence: impl Into<String>) -> Self {
        let facts =
            facts.iter().map(|(name, value)| wire::Field { name: (*name).into(), value: (*value).into() });
        let finding = wire::Finding { code: word.as_str().into(), facts: facts.collect() };
        Self { finding, sentence: sentence.into() }
    }

    /// As a stage of a connection test or a can-bite check; `remedy` is what to paste on the device.
    pub fn check(self, code: &str, status: wire::CheckStatus, remedy: impl Into<String>) -> wire::Check {
        wire::Check {
            code: code.into(),
            status: status.into(),
            detail: self.sentence,
            remedy: remedy.into(),
            finding: Some(self.finding),
        }
    }
}

impl From<&DeviceError> for Found {
    fn from(error: &DeviceError) -> Self {
        Self::new(error.word(), &[("words", error.words())], error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_is_told_by_its_word_and_its_own_words() {
        let error = DeviceError::Refused { words: "invalid user name or password (6)".into() };
        let check = Found::from(&error).check("login", wire::CheckStatus::Failed, "");
        assert_eq!(check.detail, "refused: invalid user name or password (6)");
        let finding = check.finding.unwrap();
        assert_eq!(finding.code, "refused");
        assert_eq!(
            finding.facts,
            [wire::Field { name: "words".into(), value: "invalid user name or password (6)".into() }]
        );
    }
}
