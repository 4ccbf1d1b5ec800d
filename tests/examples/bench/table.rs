//! What is printed: one line for each figure.

/// The columns' names.
pub(crate) fn head() {
    line("work", "ours: median (min-max)", "aim", "peer");
}

/// One figure; the aim is the project's own.
pub(crate) fn line(work: &str, ours: &str, aim: &str, peer: &str) {
    println!("{work:<58} | {ours:<24} | {aim:<9} | {peer}");
}

fn sorted(figures: &[f64]) -> Vec<f64> {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted
}

/// The middle one; `None` when nothing was measured.
pub(crate) fn median(figures: &[f64]) -> Option<f64> {
    let sorted = sorted(figures);
    sorted.get(sorted.len() / 2).copied()
}

/// Median, least and most.
pub(crate) fn spread(figures: &[f64], digits: usize) -> String {
    let sorted = sorted(figures);
    match (sorted.first(), sorted.get(sorted.len() / 2), sorted.last()) {
        (Some(least), Some(median), Some(most)) => {
            format!("{median:.digits$} ({least:.digits$}-{most:.digits$})")
        }
        _ => "not measured".to_owned(),
    }
}

/// A peer's figures beside ours, in the same run: `why_not` when there are none.
pub(crate) fn beside(name: &str, ours: &[f64], theirs: &[f64], digits: usize, why_not: &str) -> String {
    match (median(ours), median(theirs)) {
        (Some(ours), Some(median)) => {
            format!("{name} {}, ours is {:.2} of it", spread(theirs, digits), ours / median)
        }
        _ => format!("{name}: {why_not}"),
    }
}
