//! One registry of typed ids.
//!
//! An id is a type prefix, an underscore and a UUIDv7 in 26 characters of Crockford's base 32 (the TypeID form):
//! it sorts by time of creation, can be read out on the phone, and a customer's id can never pass for an invoice's.

use std::{collections::VecDeque, fmt};

/// Crockford's alphabet, lower case: no i, l, o, u.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Why a text is not the id that was expected.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("expected an id such as {prefix}_… with 26 characters of base 32, got {got:?}")]
pub struct IdError {
    /// Prefix that the type demands.
    pub prefix: &'static str,
    /// What was given, cut to a sane length.
    pub got: String,
}

/// 26 characters of base 32 for 128 bits, most significant first.
fn encode(value: u128) -> String {
    (0..26)
        .rev()
        .map(|position| {
            let digit = (value >> (position * 5)) & 31;
            char::from(ALPHABET[usize::try_from(digit).expect("masked to five bits")])
        })
        .collect()
}

fn is_suffix(text: &str) -> bool {
    // The first character carries three bits only, hence at most '7'.
    text.len() == 26
        && text.bytes().next().is_some_and(|first| (b'0'..=b'7').contains(&first))
        && text.bytes().all(|byte| ALPHABET.contains(&byte))
}

/// Parses `prefix_suffix`, used by the ids below.
#[doc(hidden)]
pub fn parse(prefix: &'static str, text: &str) -> Result<String, IdError> {
    match text.strip_prefix(prefix).and_then(|rest| rest.strip_prefix('_')) {
        Some(suffix) if is_suffix(suffix) => Ok(text.to_owned()),
        _ => Err(IdError { prefix, got: text.chars().take(40).collect() }),
    }
}

/// The highest number given so far in each of the milliseconds for which ids were last made, by this process.
static LAST: parking_lot::Mutex<VecDeque<u128>> = parking_lot::Mutex::new(VecDeque::new());
/// So many milliseconds are remembered: one thread may have read the clock before another one and make its id after it.
const REMEMBERED: usize = 256;
/// Bits below the timestamp of a UUIDv7.
const BELOW_TIME: u32 = 80;

/// A fresh id text at the time given. Ids of one millisecond sort in the order in which the process made them, whatever ids of
/// others are made in between, so that two events of one transaction stay in order.
#[doc(hidden)]
pub fn fresh(prefix: &'static str, now: crate::time::Timestamp) -> String {
    let ms = u64::try_from(now.as_millis()).unwrap_or(0);
    let (seconds, nanos) = (ms / 1000, u32::try_from(ms % 1000).unwrap_or(0) * 1_000_000);
    let stamp = uuid::Timestamp::from_unix(uuid::NoContext, seconds, nanos);
    let random = uuid::Uuid::new_v7(stamp).as_u128();
    let number = in_order(&mut LAST.lock(), random);
    format!("{prefix}_{}", encode(number))
}

/// A number, or the one after the highest of its millisecond where it would come before that.
fn in_order(last: &mut VecDeque<u128>, number: u128) -> u128 {
    let time = |number: u128| number >> BELOW_TIME;
    // The last millisecond is nearly always the one.
    let known = last.iter().rposition(|highest| time(*highest) == time(number));
    let highest = known.and_then(|at| last.remove(at));
    let number = highest.map_or(number, |highest| number.max(highest + 1));
    if last.len() == REMEMBERED {
        last.pop_front();
    }
    last.push_back(number);
    number
}

macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)+) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, sqlx::Type)]
        #[serde(transparent)]
        #[sqlx(transparent)]
        pub struct $name(String);

        impl $name {
            /// Prefix of the text form.
            pub const PREFIX: &'static str = $prefix;
            /// A new id, sortable by `now`.
            pub fn new(now: crate::time::Timestamp) -> Self {
                Self(fresh($prefix, now))
            }
            /// The text form.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        impl utoipa::PartialSchema for $name {
            fn schema() -> utoipa::openapi::RefOr<utoipa::openapi::schema::Schema> {
                utoipa::openapi::ObjectBuilder::new()
                    .schema_type(utoipa::openapi::schema::Type::String)
                    .pattern(Some(concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$")))
                    .examples([concat!($prefix, "_01jd3k5m7nf8v9q0r1s2t3w4x5")])
                    .into()
            }
        }
        impl utoipa::ToSchema for $name {}
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
        impl std::str::FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                parse($prefix, text).map(Self)
            }
        }
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                parse($prefix, &text).map(Self).map_err(serde::de::Error::custom)
            }
        }
        impl From<$name> for crate::db::Value {
            fn from(id: $name) -> Self {
                Self::Text(Some(id.0))
            }
        }
        impl From<&$name> for crate::db::Value {
            fn from(id: &$name) -> Self {
                Self::Text(Some(id.0.clone()))
            }
        }
        impl crate::db::Column for $name {
            const NULL: crate::db::Value = crate::db::Value::Text(None);
        }
        impl crate::db::Column for &$name {
            const NULL: crate::db::Value = crate::db::Value::Text(None);
        }
    )+
    /// Every prefix in use; a test keeps them unique.
    pub const PREFIXES: &[&str] = &[$($prefix),+];
    };
}

// Append-only, alphabetical.
ids! {
    /// An agent: the daemon at a site.
    AgentId = "agt";
    /// A one-time enrolment token.
    AgentTokenId = "agk";
    /// A key of a program.
    ApiKeyId = "apk";
    /// A request for a second person's yes.
    ApprovalId = "apr";
    /// One way in which a service reaches the network.
    AttachmentId = "att";
    /// An audit row.
    AuditId = "aud";
    /// A copy of the installation.
    BackupId = "bck";
    /// A file or picture of a tenant.
    BlobId = "blb";
    /// A comparison of a router with what should be true there.
    ComparisonId = "cmp";
    /// Who pays.
    CustomerId = "cus";
    /// The end of what is held of a person.
    DataErasureId = "ers";
    /// A copy of what is held of a person.
    DataExportId = "dex";
    /// Anything an agent talks to.
    DeviceId = "dev";
    /// A fact, published.
    EventId = "evt";
    /// A file that somebody left with a thing.
    FileId = "fil";
    /// An account elsewhere that opens a user's log-in.
    IdentityId = "idn";
    /// An issuer by which people of an ISP log in.
    IdentityProviderId = "idp";
    /// An import of what stands on a router.
    ImportId = "imp";
    /// A pattern of comments.
    ImportPatternId = "ipt";
    /// An installation of the control plane.
    InstallationId = "ins";
    /// An invoice.
    InvoiceId = "inv";
    /// A durable job.
    JobId = "job";
    /// A ledger entry.
    LedgerEntryId = "led";
    /// A single-use link: invitation or password reset.
    LinkId = "lnk";
    /// A reading of what stands on a device.
    ListingId = "lst";
    /// A note that somebody left with a thing.
    NoteId = "nte";
    /// A notice to a person, on one channel.
    NoticeId = "ntc";
    /// A person who runs the installation.
    OperatorId = "opr";
    /// A reseller inside a tenant.
    PartnerId = "ptn";
    /// A passkey of a person.
    PasskeyId = "psk";
    /// A payment.
    PaymentId = "pay";
    /// A plan: what is sold.
    PlanId = "pln";
    /// An enforcement point: one (device, method).
    PointId = "enp";
    /// A browser of a person that notices are pushed to.
    PushSubscriptionId = "psb";
    /// A role that a tenant made.
    RoleId = "rol";
    /// A cut run.
    RunId = "run";
    /// One subscription of a customer to a plan.
    ServiceId = "svc";
    /// A log-in session of a person.
    SessionId = "ses";
    /// A POP, node or tower.
    SiteId = "sit";
    /// One ISP.
    TenantId = "ten";
    /// What an installation lets a tenant have.
    TenantPlanId = "tpl";
    /// The tokens of one program that acts for a person.
    TokenFamilyId = "tkf";
    /// A person of a tenant's staff.
    UserId = "usr";
    /// An operator in a tenant.
    VisitId = "vst";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    #[test]
    fn prefixes_are_unique() {
        let mut seen = PREFIXES.to_vec();
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), PREFIXES.len());
    }

    #[test]
    fn ids_round_trip_and_sort_by_time() {
        let early = CustomerId::new(Timestamp::from_millis(1_700_000_000_000));
        let late = CustomerId::new(Timestamp::from_millis(1_700_000_000_001));
        assert!(early < late);
        assert_eq!(early.as_str().parse::<CustomerId>(), Ok(early.clone()));
        assert!(early.as_str().parse::<InvoiceId>().is_err());
    }

    #[test]
    fn ids_of_one_millisecond_sort_as_they_were_made() {
        let now = Timestamp::from_millis(1_700_000_000_000);
        let made: Vec<_> = (0..1_000).map(|_| EventId::new(now)).collect();
        assert!(made.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn ids_of_one_millisecond_stay_in_order_whatever_others_are_made_in_between() {
        let (now, later) =
            (Timestamp::from_millis(1_700_000_000_000), Timestamp::from_millis(1_700_000_000_001));
        let made: Vec<_> = (0..1_000).map(|_| (EventId::new(now), EventId::new(later))).collect();
        assert!(made.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
        assert!(made.iter().all(|(early, late)| early < late));
    }

    #[test]
    fn so_many_milliseconds_are_remembered_and_no_more() {
        let mut last = VecDeque::new();
        for ms in 0..2 * REMEMBERED as u128 {
            assert_eq!(in_order(&mut last, ms << BELOW_TIME | 7), ms << BELOW_TIME | 7);
        }
        assert_eq!(last.len(), REMEMBERED);
        let oldest = REMEMBERED as u128;
        assert_eq!(in_order(&mut last, oldest << BELOW_TIME), oldest << BELOW_TIME | 8);
        assert_eq!(in_order(&mut last, (oldest - 1) << BELOW_TIME), (oldest - 1) << BELOW_TIME, "forgotten");
    }

    #[test]
    fn foreign_texts_are_refused() {
        for text in [
            "",
            "cus",
            "cus_",
            "cus_01",
            "cus_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "cus_01jd3k5m7nf8v9q0r1s2t3w4xi",
            "CUS_01jd3k5m7nf8v9q0r1s2t3w4x5",
        ] {
            assert!(text.parse::<CustomerId>().is_err(), "{text}");
        }
    }
}
