//! SQL of imports, their rows, and patterns.

mod imports;
mod patterns;
mod rows;

pub(super) use imports::*;
pub(super) use patterns::*;
pub(super) use rows::*;
