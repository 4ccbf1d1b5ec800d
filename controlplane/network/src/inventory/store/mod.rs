//! SQL of listings and their rows.

mod listings;
mod rows;

pub(super) use listings::*;
pub(super) use rows::*;
