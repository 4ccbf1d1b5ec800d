//! What rules have to keep, whatever stands on a router.

#![allow(clippy::panic, reason = "a failed test")]

mod corpus;
mod grouping;
mod matching;
mod patterns;
mod random;

use super::{FoundRow, Known, RowKind};
use atalaya_kernel::{
    ids::{CustomerId, ServiceId},
    testing::START,
};

/// A secret without anything else.
fn secret(user: &str, comment: &str) -> FoundRow {
    FoundRow {
        key: format!("secrets/{user}"),
        kind: RowKind::Secret,
        user: user.to_owned(),
        comment: comment.to_owned(),
        address: String::new(),
        mac: String::new(),
        profile: "100M".to_owned(),
        list: String::new(),
        disabled: false,
    }
}

/// A row of an address.
fn of_address(kind: RowKind, address: &str) -> FoundRow {
    FoundRow { key: format!("{kind}/{address}"), kind, address: address.to_owned(), ..secret("", "") }
}

/// A customer with one service and nothing else.
fn known(name: &str) -> Known {
    Known {
        customer_id: CustomerId::new(START),
        service_id: Some(ServiceId::new(START)),
        name: name.to_owned(),
        document: None,
        phone: None,
        users: Vec::new(),
        addresses: Vec::new(),
        macs: Vec::new(),
        points: Vec::new(),
        users_here: Vec::new(),
        addresses_here: Vec::new(),
    }
}
