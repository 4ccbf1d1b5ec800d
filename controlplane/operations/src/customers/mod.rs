//! Customers with what they owe and how they are connected.

pub mod http;
mod list;
mod overview;
mod shape;

pub use list::{CustomerRow, ServiceRow, customer_rows};
pub use overview::{CustomerOverview, customer_overview};
pub use shape::CustomerRows;
