//! What stands on a device: listings of its tables, as an agent read them.
//!
//! Words: a *listing* is one reading of a device, in numbered *parts* of *rows*. A row is a table, a name and fields in our words
//! ([`field`]); which words a vendor has for them, the agent's driver knows.
//!
//! Invariants:
//! - A listing is *complete* when the agent said how many parts there are and all of them are kept, in whatever order and however
//!   often they came. One that is not complete never is the newest of its device, and nobody reads its rows.
//! - Complete means that the printing ended, not that all of it is of one moment: a row may stand in one table and be gone from the
//!   next.
//! - The newest two complete listings of a device are kept, and none longer than a week: names and comments are of people, many of
//!   whom are no customers yet.
//!
//! It must never keep a password. A driver leaves it out; a field that is called so is refused.

pub mod field;
pub mod http;
mod keeping;
mod model;
mod receiving;
mod service;
mod store;

pub(crate) use keeping::listings_keep;
pub use model::{DeviceRow, Listing, ListingEnd, ListingRow, ListingState, PartTaken, RowTable};
pub use receiving::{LONGEST_FIELD, MOST_FIELDS, MOST_ROWS_OF_PART, listing_end_record, listing_part_record};
pub use service::{
    Begun, device_rows_list, listing_begin, listing_newest, listing_rows, listings_list, rows_of_listing,
};
