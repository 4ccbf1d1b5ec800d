//! Use cases that cross domains, on both databases.
#![allow(clippy::unwrap_used)]

mod feed;
mod home;
mod notes;
mod region;
mod sites;
mod timeline;
