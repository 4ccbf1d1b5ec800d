//! Use cases that cross domains, on both databases.
#![allow(clippy::panic, clippy::unwrap_used)]

mod erasure;
mod feed;
mod home;
mod lives;
mod notes;
mod personal;
mod region;
mod sites;
mod timeline;
