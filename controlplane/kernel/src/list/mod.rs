//! Lists that people sort and filter: what a list declares ([`Shape`]), and what it gets for it.
//!
//! A list names what it may be sorted and filtered by; from that alone come the reading of the query, the problem document of a
//! wrong one, the SQL with bound values, pages by cursor and the parameters in the OpenAPI document:
//!
//! ```
//! use atalaya_kernel::list::{Field, Kind, List, ListQuery, Shape};
//!
//! struct Things;
//! impl List for Things {
//!     const SHAPE: &'static Shape = &Shape {
//!         name: "things",
//!         fields: &[&[
//!             Field::of("name", Kind::Text, "name_key").sorts(),
//!             Field::of("created_at", Kind::Instant, "created_at").sorts().ranges(),
//!         ]],
//!         order: "name",
//!         id: "id",
//!     };
//! }
//! assert!(ListQuery::<Things>::of([("sort", "-created_at,name"), ("created_at_gte", "2026-11-01T00:00:00Z")]).is_ok());
//! assert!(ListQuery::<Things>::of([("sort", "age")]).is_err());
//! ```
//!
//! The grammar: `sort=-created_at,name` (`-` turns an order around, at most [`MAX_KEYS`] names); `state=active,cut` (one of
//! them), `state_not=cut`, `created_at_gte=`, `_gt`, `_lte`, `_lt`, and `agent_set=false` for what may be missing. A name that a
//! list does not have is refused and not passed over: a filter that does nothing shows what it should hide.
//!
//! - What is missing comes last, whichever way it is sorted; rows with equal values are in the order of their id, so that
//!   a walk over all pages meets each row once.
//! - A cursor carries its list, its order and the values of the last row. It is good for that order only.
//! - An index serves an order when it has the tenant, the column and the id, in this order, and the column is never NULL. On a
//!   table that grows with the years a list offers no other.

mod ask;
mod cursor;
mod document;
mod field;
mod rows;

pub use ask::{Asked, ListQuery, MAX_KEYS};
pub use field::{Field, Kind, List, Shape};
pub use rows::Select;
