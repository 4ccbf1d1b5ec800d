//! One box that finds customers, services, devices and invoices.
//!
//! The index says what may be meant; each thing that is shown was read from its owner, who says whether the caller may see it and
//! masks what they may not. A kind of which the caller has no right is not found; nobody is told that there would have been more.

pub mod http;
mod service;

pub use service::{FoundItem, FoundKind, SearchQuery, SearchResult, search};

use atalaya_kernel::search::{Kind, Source};
use atalaya_money::billing;
use atalaya_network::devices;
use atalaya_people::customers;

/// Everything that can be found.
pub(crate) const KINDS: &[Kind] = &[customers::FOUND, atalaya_network::FOUND, devices::FOUND, billing::FOUND];

/// Whoever lists what can be found, for an index that is made anew.
pub const SOURCES: &[&dyn Source] =
    &[&customers::Customers, &atalaya_network::Services, &devices::Devices, &billing::Invoices];
