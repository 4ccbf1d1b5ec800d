//! Links that let somebody set their password once: the invitation of a new user, and the reset of a forgotten password.
//!
//! Whoever may write users asks for one and is shown it once, to hand it on; messages will send it later. The token has 256
//! bits and is kept as SHA-256. Using one ends the user's sessions, forgets the browsers that were known, and makes every
//! other link of the user worthless. It proves nothing beyond itself: whoever used it logs in, with the second factor if
//! there is one.

pub mod http;
mod service;
mod store;

pub use service::{Link, LinkInfo, LinkKind, link_create, link_look, link_use};
