//! Three hundred invented comments, as ugly as people write them.

use super::{known, secret};
use crate::imports::rules::{Bin, Known, Pattern, Proposal, draft, propose};

const PEOPLE: &str = include_str!("people.txt");
const COMMENTS: &str = include_str!("comments.txt");

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|line| !line.starts_with("# "))
}

fn people() -> Vec<Known> {
    let person = |line: &str| {
        let [name, document, phone] = line.split('\t').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let (document, phone) = (Some(document.to_owned()), Some(phone.to_owned()));
        Known { document, phone, ..known(name) }
    };
    lines(PEOPLE).map(person).collect()
}

/// Each comment with the position of whom it means.
fn comments() -> Vec<(Option<usize>, &'static str)> {
    let comment = |line: &'static str| {
        let (number, comment) = line.split_once('\t').unwrap_or_else(|| panic!("{line}"));
        (number.parse::<usize>().unwrap_or_else(|error| panic!("{line}: {error}")).checked_sub(1), comment)
    };
    lines(COMMENTS).map(comment).collect()
}

fn proposed(people: &[Known], patterns: &[Pattern]) -> Vec<(Option<usize>, &'static str, Proposal)> {
    let comments = comments();
    let rows: Vec<_> = comments
        .iter()
        .enumerate()
        .map(|(number, (_, comment))| secret(&format!("ppp{number}"), comment))
        .collect();
    let proposals = propose(&rows, people, patterns);
    comments.into_iter().zip(proposals).map(|((whom, comment), proposal)| (whom, comment, proposal)).collect()
}

fn patterns() -> Vec<Pattern> {
    let texts = ["{name} {phone} {*}", "{name} DNI {document} {*}", "{document} {name}", "{name} NAP {box}"];
    texts
        .into_iter()
        .map(|text| Pattern::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")))
        .collect()
}

#[test]
fn whom_a_comment_means_comes_first() {
    let people = people();
    for patterns in [Vec::new(), patterns()] {
        let all = proposed(&people, &patterns);
        assert_eq!(all.len(), 300);
        assert!(all.iter().all(|(_, _, proposal)| proposal.bin != Bin::Exact), "a comment is never certain");
        let meant: Vec<_> =
            all.iter().filter_map(|(whom, comment, found)| Some(((*whom)?, comment, found))).collect();
        let wrong: Vec<_> = meant
            .iter()
            .filter(|(whom, _, found)| {
                found.candidates.first().is_none_or(|first| first.customer_id != people[*whom].customer_id)
            })
            .collect();
        assert!(wrong.len() * 100 <= meant.len(), "{} of {}: {wrong:#?}", wrong.len(), meant.len());
        let nobody = all.iter().filter(|(whom, ..)| whom.is_none());
        let taken: Vec<_> = nobody.filter(|(_, _, found)| found.bin != Bin::Leftover).collect();
        assert!(taken.is_empty(), "{taken:#?}");
    }
}

#[test]
fn a_draft_has_a_name_that_is_one() {
    let people = people();
    let drafts = proposed(&people, &patterns());
    let rows: Vec<_> = drafts
        .iter()
        .map(|(whom, comment, found)| (whom, draft(&secret("ppp7", comment), found.read.as_ref())))
        .collect();
    assert!(rows.iter().all(|(_, draft)| !draft.name.trim().is_empty()));
    let with_digits = rows.iter().filter(|(whom, draft)| {
        whom.is_some() && draft.name != "ppp7" && draft.name.chars().any(|letter| letter.is_ascii_digit())
    });
    let with_digits: Vec<_> = with_digits.collect();
    assert!(with_digits.is_empty(), "{with_digits:#?}");
    let bare = rows.iter().filter(|(whom, draft)| whom.is_some() && draft.name == "ppp7").count();
    assert!(bare < 20, "{bare} comments gave no name");
}
