//! Web push: browsers of people that notices are shown in, and how they are reached (RFC 8030, 8291, 8292).
//!
//! - A browser that its user switches on gives an **address at its push service**, a public key and a secret. Whoever has them
//!   shows in that browser what they like: they are sealed, and never given out again.
//! - What is said is **encrypted for the browser**: the push service carries it and cannot read it.
//! - The installation is known to push services by **one key pair**, made once: a browser takes nothing that was signed with
//!   another than the one it subscribed with, so it is not replaced, and comes along with a copy.
//! - Push services are somebody else's machines at addresses that came from a browser: they are asked as issuers are, never
//!   inside the installation's own network ([`PushWeb`]).
//! - A browser is kept **once in an ISP**, for whoever switched it on last: what is for one person does not show up at another.
//! - It says of itself when it is over: then it is removed, and the notice says so.
//!
//! Which notices go this way, when and how often is decided in [`crate::messaging`].

mod encryption;
pub mod http;
mod key;
mod model;
mod send;
mod service;
mod store;
mod vapid;
mod web;

pub use key::key_ensure;
pub(crate) use key::secret_context as key_context;
pub(crate) use model::Receiver;
pub use model::{NewPushSubscription, PushKey, PushSubscription};
pub(crate) use send::{Failed, Told, Way, end, reached, send};
pub use service::{public_key, subscription_create, subscription_delete, subscriptions_list};
pub(crate) use service::{receiver_context, recipients, subscription_row};
pub use web::{Contact, NotAContact, PushAnswer, PushOffer, PushRequest, PushWeb, PushWebError, Urgency};
