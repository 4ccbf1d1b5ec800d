//! SQL of points, observations, order and reports.

mod observed;
mod order;
mod points;
mod queries;

pub(super) use observed::*;
pub(super) use order::*;
pub(crate) use points::*;
pub(crate) use queries::*;
