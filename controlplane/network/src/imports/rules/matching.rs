use super::{
    Bin, Candidate, Doubt, FoundRow, Known, Pattern, Proposal, Reason, RowKind,
    evidence::Evidence,
    index::{Index, folded},
    names::Memory,
    normalise,
};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// What is exact, per cent.
const CERTAIN: i64 = 100;

/// Looks at all rows of a device; one proposal for each, in their order. The first pattern that fits a comment reads it.
pub fn propose(rows: &[FoundRow], known: &[Known], patterns: &[Pattern]) -> Vec<Proposal> {
    let index = Index::of(known);
    let companions = companions(rows);
    let twins = twins(rows);
    let claims: Vec<Option<Claim>> = rows
        .iter()
        .zip(&companions)
        .map(|(row, companion)| if companion.is_none() { claim(row, &index) } else { None })
        .collect();
    let mut claimed: BTreeMap<(RowKind, usize), usize> = BTreeMap::new();
    for (row, claim) in rows.iter().zip(&claims) {
        if let Some(claim) = claim {
            *claimed.entry((row.kind, claim.known)).or_default() += 1;
        }
    }
    let holds = |at: usize| {
        let claim = claims[at].as_ref()?;
        let alone = claimed.get(&(rows[at].kind, claim.known)) == Some(&1);
        let sure = claim.of_ours || !twins.contains(&at);
        (alone && sure).then_some(claim)
    };
    let exact: BTreeSet<(RowKind, usize)> =
        (0..rows.len()).filter_map(|at| Some((rows[at].kind, holds(at)?.known))).collect();
    let mut memory = Memory::default();
    let mut proposals = Vec::with_capacity(rows.len());
    for (at, row) in rows.iter().enumerate() {
        let comment = normalise::mended(&normalise::without_marker(&row.comment));
        let read = patterns.iter().find_map(|pattern| pattern.read(&comment));
        let mut doubts = Vec::new();
        if twins.contains(&at) {
            doubts.push(Doubt::Twin);
        }
        if normalise::marker(&row.comment).is_some_and(|point| index.points.get(point).is_empty()) {
            doubts.push(Doubt::StrangeMarker);
        }
        let (bin, candidates, companion_of) = if let Some(of) = companions[at] {
            (Bin::Companion, Vec::new(), Some(rows[of].key.clone()))
        } else if let Some(claim) = holds(at) {
            (Bin::Exact, vec![claim.candidate(&index)], None)
        } else {
            if claims[at].as_ref().is_some_and(|claim| claimed.get(&(row.kind, claim.known)) != Some(&1)) {
                doubts.push(Doubt::Contended);
            }
            let evidence = Evidence::of(row, read.as_ref(), &index, &mut memory);
            let (found, ambiguous) = evidence.best(&index, |known| !exact.contains(&(row.kind, known)));
            doubts.extend(ambiguous);
            (if found.is_empty() { Bin::Leftover } else { Bin::Suggested }, found, None)
        };
        proposals.push(Proposal { bin, candidates, doubts, companion_of, read });
    }
    proposals
}

/// A row that says by itself whose it is.
struct Claim {
    known: usize,
    reasons: Vec<Reason>,
    /// By what we wrote or enforce there ourselves, and not by what somebody typed twice.
    of_ours: bool,
}

impl Claim {
    fn candidate(&self, index: &Index<'_>) -> Candidate {
        let known = &index.known[self.known];
        Candidate {
            customer_id: known.customer_id.clone(),
            service_id: known.service_id.clone(),
            score: CERTAIN,
            reasons: self.reasons.clone(),
        }
    }
}

fn claim(row: &FoundRow, index: &Index<'_>) -> Option<Claim> {
    let address = normalise::address_key(&row.address);
    let ours = |known: usize, reason| Claim { known, reasons: vec![reason], of_ours: true };
    if let Some(point) = normalise::marker(&row.comment) {
        // A marker that is not the row's own was copied with the comment: nothing else of the row is believed.
        return index.points.only(point).map(|known| ours(known, Reason::Marker));
    }
    let user = row.user.trim();
    let here = match row.kind {
        RowKind::Secret => index.users_here.only(user),
        RowKind::Lease | RowKind::Queue | RowKind::ListEntry => {
            address.as_deref().and_then(|key| index.addresses_here.only(key))
        }
    };
    if let Some(known) = here {
        return Some(ours(known, Reason::Attached));
    }
    if row.kind != RowKind::Secret || user.is_empty() {
        return None;
    }
    let numbers = normalise::numbers(&row.comment);
    let mac = normalise::mac_key(&row.mac);
    let mut fits = index.users.get(user).iter().filter_map(|known| {
        let mut reasons = vec![Reason::User];
        let shares = |by: &super::index::By, key: &str| by.get(key).contains(known);
        if mac.as_deref().is_some_and(|key| shares(&index.macs, key)) {
            reasons.push(Reason::Mac);
        }
        if address.as_deref().is_some_and(|key| shares(&index.addresses, key)) {
            reasons.push(Reason::Address);
        }
        if numbers.iter().any(|number| shares(&index.documents, number)) {
            reasons.push(Reason::Document);
        }
        let is_service = index.known[*known].service_id.is_some();
        (is_service && reasons.len() > 1).then_some(Claim { known: *known, reasons, of_ours: false })
    });
    let first = fits.next()?;
    // Where two fit, a person has to say which.
    if fits.next().is_some() { None } else { Some(first) }
}

/// For each row, the position of the row that it belongs to: a queue or a list entry to whoever has its address.
fn companions(rows: &[FoundRow]) -> Vec<Option<usize>> {
    let mut holders: HashMap<String, (RowKind, usize)> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        let Some(key) = normalise::address_key(&row.address) else { continue };
        holders
            .entry(key)
            .and_modify(|holder| {
                if row.kind < holder.0 {
                    *holder = (row.kind, at);
                }
            })
            .or_insert((row.kind, at));
    }
    let of = |(at, row): (usize, &FoundRow)| {
        let (kind, holder) = holders.get(&normalise::address_key(&row.address)?).copied()?;
        let may_belong = matches!(row.kind, RowKind::Queue | RowKind::ListEntry);
        (may_belong && holder != at && kind < row.kind).then_some(holder)
    };
    rows.iter().enumerate().map(of).collect()
}

/// Secrets whose users differ from another's by upper and lower case only.
fn twins(rows: &[FoundRow]) -> BTreeSet<usize> {
    let mut by_user: HashMap<String, Vec<usize>> = HashMap::new();
    for (at, row) in rows.iter().enumerate() {
        if row.kind == RowKind::Secret && !row.user.trim().is_empty() {
            by_user.entry(folded(&row.user)).or_default().push(at);
        }
    }
    by_user.into_values().filter(|rows| rows.len() > 1).flatten().collect()
}
