//! Customers with what they owe and how they are connected.

pub mod http;
mod list;
mod overview;

pub use list::{CustomerRow, ListFilter, ServiceRow, customer_rows};
pub use overview::{CustomerOverview, customer_overview};
