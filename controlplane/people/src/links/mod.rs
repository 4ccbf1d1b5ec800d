//! Links that let somebody set their password once: the invitation of a new user, and the reset of a forgotten password.
//!
//! Whoever may write users asks for one and is shown it once, to hand it on, and can have it sent by e-mail as well. Whoever
//! forgot the password asks for one themselves ([`link_ask`]); the answer is the same for every e-mail, and the link goes to
//! the address that is known, once in a quarter of an hour at most. The token has 256 bits and is kept as SHA-256; while a
//! message with it waits, it is sealed there. Using one ends the user's sessions, forgets the browsers that were known, and
//! makes every other link of the user worthless. It proves nothing beyond itself: whoever used it logs in, with the second
//! factor if there is one.

mod ask;
pub mod http;
mod service;
mod store;

pub use ask::{LinkJob, link_ask};
pub use service::{Link, LinkInfo, LinkKind, link_create, link_look, link_send, link_use, may_send};
