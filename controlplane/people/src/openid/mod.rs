//! Log-in by an identity provider (OpenID Connect Core 1.0, authorization code flow with PKCE): Google, or any issuer that the
//! ISP trusts. Why it is as it is: decision 0030.
//!
//! - An *identity provider* is an issuer with what the ISP has there: client id and secret. Its issuer never changes, because
//!   accounts are known by issuer and subject, and by nothing else.
//! - An *identity* is an account at a provider that opens the log-in of one user. Nobody is made by a log-in. A user, or
//!   somebody who may change them, *allows* one; the first account that enters within seven days with the user's verified
//!   e-mail is *linked*, once. From then on the e-mail says nothing.
//! - An *attempt* is a log-in on its way: good once, for ten minutes, in the browser that began it. Its nonce and its PKCE
//!   verifier are made of the browser's secret and the state, so neither is kept here.
//! - The provider stands in for the password and for nothing more: a second factor is asked for as always, and a log-in by a
//!   provider alone is no fresh proof.
//! - Issuers are asked through [`IssuerWeb`], which refuses addresses inside the installation's own network; what they answer is
//!   bounded and kept for a while ([`Issuers`]).

mod directory;
mod enter;
mod form;
pub mod http;
mod id_token;
mod identities;
mod issuer;
mod keys;
mod model;
mod providers;
mod store;

pub use directory::Issuers;
pub use enter::{Begun, Returned, begin, choices, finish};
pub use identities::{
    identities_of, identity_allow, identity_remove, own_identities, own_identity_allow, own_identity_remove,
};
pub use issuer::{Fetched, IssuerError, IssuerWeb};
pub use model::{
    Identity, IdentityProvider, IdentityProviderChange, IdentityState, IssuerReport, IssuerToCheck,
    IssuerVerdict, ListedProvider, NewIdentity, NewIdentityProvider, ProviderChoice,
};
pub(crate) use providers::secret_context;
pub use providers::{
    issuer_check, provider_create, provider_delete, provider_get, provider_update, providers_list,
};

use atalaya_kernel::{Permission, events::EventType};

/// See identity providers.
pub const READ: Permission = Permission::new("identity_provider.read");
/// Make, change and remove identity providers.
pub const WRITE: Permission = Permission::dangerous("identity_provider.write");

pub(crate) const PERMISSIONS: &[(Permission, &str)] = &[
    (READ, "See by which identity providers people log in"),
    (WRITE, "Decide by which identity providers people log in"),
];

const CHANGED: EventType = EventType {
    name: "identity_provider.changed",
    version: 1,
    public: false,
    doc: "People log in by another identity provider, or differently by one. Payload: id, name, issuer, enabled, change (made, changed, removed).",
};
const IDENTITY: EventType = EventType {
    name: "identity.changed",
    version: 1,
    public: false,
    doc: "An account at an identity provider may be linked with a user's log-in, opens it from now on, or does no more. Payload: user_id, provider_id, provider_name, change (allowed, linked, removed).",
};

pub(crate) const EVENTS: &[EventType] = &[CHANGED, IDENTITY];
