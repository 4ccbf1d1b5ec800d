//! RouterOS rows → our observed state, and what would have to be written. Pure.
//!
//! Every name in `pending` is `menu.attribute`, or a bare attribute for the subscriber's main row; the writer reads
//! them back from there, so what was decided, journaled and written is one list.

mod fixed;
mod pppoe;

pub(super) use fixed::FixedWrite;

use super::tables::Tables;
use crate::desired::{Access, Point};
use crate::driver::{ObservedRow, RouterosOptions, RowStatus, Want};

/// A row of ours is named by its marker standing as a word in its comment; people may add words of their own.
pub(super) fn carries_marker(comment: &str, point: &Point) -> bool {
    comment.split_whitespace().any(|word| word == point.marker)
}

/// Longest comment that is written, bytes. From memory, not from a manual: a router may take more.
const LONGEST_COMMENT: usize = 255;

/// A person's comment with the marker behind it, should there be room.
fn marked(comment: &str, point: &Point) -> Option<String> {
    let words = comment.trim_end();
    let marked = if words.is_empty() { point.marker.clone() } else { format!("{words} {}", point.marker) };
    (marked.len() <= LONGEST_COMMENT).then_some(marked)
}

/// Compares one point with what was read.
pub(super) fn observe(want: &Want, tables: &Tables, options: &RouterosOptions) -> ObservedRow {
    match &want.point.access {
        Access::Pppoe { .. } => pppoe::observe(want, tables, options),
        Access::Static { address } => fixed::observe(want, address, tables, options),
        Access::Unsupported { why } => ObservedRow { blocked: Some(why.clone()), ..empty(RowStatus::Absent) },
    }
}

fn empty(status: RowStatus) -> ObservedRow {
    ObservedRow {
        status,
        speed: None,
        sessions: Vec::new(),
        fields: Vec::new(),
        pending: Vec::new(),
        stale: Vec::new(),
        walled: false,
        blocked: None,
        left: None,
    }
}

fn field(name: &str, value: impl Into<String>) -> (String, String) {
    (name.to_owned(), value.into())
}
