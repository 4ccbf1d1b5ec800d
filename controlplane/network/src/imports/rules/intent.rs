//! What becomes of a row: pure.

use super::{Bin, Meaning, Reason};
use atalaya_kernel::text_enum;

text_enum! {
    /// What a person decided about a row.
    #[schema(as = ImportDecisionWord)]
    pub enum Decision {
        /// It is the service, or the customer, that was named.
        Accept = "accept",
        /// It is somebody new: customer and service are made.
        Create = "create",
        /// It is left where it is.
        Skip = "skip",
    }
}

text_enum! {
    /// What the import would do with a row.
    #[schema(as = ImportIntent)]
    pub enum Intent {
        /// Attach a service that is there.
        Attach = "attach",
        /// Make a service for a customer who is there, and attach it.
        AddService = "add_service",
        /// Make a customer and a service, and attach it.
        MakeCustomer = "make_customer",
        /// Nothing: it is attached already, belongs to another row, or was left out.
        Nothing = "nothing",
        /// Nothing yet: a person has to say.
        Open = "open",
    }
}

/// What is known of a row when its turn comes.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'c> {
    /// Its bin.
    pub bin: Bin,
    /// What speaks for the candidate of an exact row.
    pub reasons: &'c [Reason],
    /// What a person decided about it.
    pub decision: Option<Decision>,
    /// Whether a service is named, of the two that a decision may name.
    pub names_service: bool,
    /// Whether it belongs to a group of rows that do not pass.
    pub in_group: bool,
    /// What the group means, once a person said so.
    pub meaning: Option<Meaning>,
}

/// What becomes of a row. What a person said about the row itself comes before what they said about its group, but for who is cut:
/// nobody passes by being imported who did not pass before.
pub fn intent(row: Circumstances<'_>) -> Intent {
    if row.bin == Bin::Companion || row.decision == Some(Decision::Skip) {
        return Intent::Nothing;
    }
    let in_place =
        row.bin == Bin::Exact && row.reasons.iter().any(|it| matches!(it, Reason::Attached | Reason::Marker));
    if in_place && row.decision.is_none() {
        return Intent::Nothing;
    }
    if row.in_group && row.meaning.is_none() {
        return Intent::Open;
    }
    match row.decision {
        Some(Decision::Create) => return Intent::MakeCustomer,
        Some(Decision::Accept) if row.names_service => return Intent::Attach,
        Some(Decision::Accept) => return Intent::AddService,
        Some(Decision::Skip) => return Intent::Nothing,
        None => {}
    }
    match row.meaning {
        Some(Meaning::Former | Meaning::Spare) => Intent::Nothing,
        Some(Meaning::Cut) | None if row.bin == Bin::Exact => Intent::Attach,
        Some(Meaning::Cut) | None => Intent::Open,
    }
}

/// Whether what is made of a row is cut: it does not pass on the router either.
pub fn is_cut(in_group: bool, meaning: Option<Meaning>) -> bool {
    // Whoever decides for a row of a group of former customers makes somebody of whom the router lets nothing through.
    in_group && meaning.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn any_row() -> impl Strategy<Value = Circumstances<'static>> {
        static REASONS: [&[Reason]; 3] = [&[], &[Reason::Attached], &[Reason::User, Reason::Mac]];
        (
            prop::sample::select(Bin::ALL),
            prop::sample::select(&REASONS[..]),
            prop::option::of(prop::sample::select(Decision::ALL)),
            any::<bool>(),
            any::<bool>(),
            prop::option::of(prop::sample::select(Meaning::ALL)),
        )
            .prop_map(|(bin, reasons, decision, names_service, in_group, meaning)| Circumstances {
                bin,
                reasons,
                decision,
                names_service,
                in_group,
                meaning: meaning.filter(|_| in_group),
            })
    }

    proptest! {
        #[test]
        fn nothing_is_made_that_nobody_meant(row in any_row()) {
            let does = intent(row);
            let acts = matches!(does, Intent::Attach | Intent::AddService | Intent::MakeCustomer);
            if acts {
                prop_assert!(row.bin != Bin::Companion);
                prop_assert!(row.decision.is_some() || row.bin == Bin::Exact, "a guess is no decision");
                prop_assert!(!row.in_group || row.meaning.is_some(), "what does not pass was asked about");
            }
            if matches!(does, Intent::AddService | Intent::MakeCustomer) {
                prop_assert!(row.decision.is_some());
            }
            if acts && row.in_group {
                prop_assert!(is_cut(row.in_group, row.meaning), "nobody passes by being imported");
            }
        }
    }

    #[test]
    fn groups_answer_for_their_rows() {
        let row = Circumstances {
            bin: Bin::Exact,
            reasons: &[Reason::User, Reason::Mac],
            decision: None,
            names_service: true,
            in_group: true,
            meaning: None,
        };
        assert_eq!(intent(row), Intent::Open);
        for (meaning, expected) in [
            (Meaning::Cut, Intent::Attach),
            (Meaning::Former, Intent::Nothing),
            (Meaning::Spare, Intent::Nothing),
        ] {
            assert_eq!(intent(Circumstances { meaning: Some(meaning), ..row }), expected);
        }
        let leftover = Circumstances { bin: Bin::Leftover, meaning: Some(Meaning::Cut), ..row };
        assert_eq!(intent(leftover), Intent::Open);
        assert_eq!(
            intent(Circumstances { decision: Some(Decision::Create), ..leftover }),
            Intent::MakeCustomer
        );
        let there = Circumstances { reasons: &[Reason::Attached], ..row };
        assert_eq!(intent(there), Intent::Nothing, "it is attached already");
    }
}
