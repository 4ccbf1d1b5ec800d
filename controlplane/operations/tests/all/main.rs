//! Use cases that cross domains, on both databases.
#![allow(clippy::unwrap_used)]

mod feed;
mod home;
mod region;
mod sites;
