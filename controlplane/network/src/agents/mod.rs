//! Agents: who serves the sites, how they join, and who holds the connection of each.
//!
//! Words: a *token* lets one agent enrol once; a *session* is one connection of an agent, numbered by its *epoch*. The
//! *instance* is the process of the control plane that holds it.
//!
//! Invariants:
//! - A token is bound to the first public key that redeems it. The same (token, key) again is answered with the same
//!   certificate, so that a power cut in the middle of enrolment costs nothing; any other key is refused and audited.
//! - Of two connections of one agent the one with the higher epoch lives. A run that comes back after it was taken over
//!   from shows that two machines hold one identity, and is shown to people.
//! - A revoked agent gets no session, no renewal and no configuration.
//!
//! It never looks into a certificate: the caller gives bytes, fingerprints and dates.

pub mod authority;
pub mod enrolment;
pub mod events;
pub mod http;
mod list;
mod model;
mod service;
pub mod sessions;
mod store;

pub use list::AgentList;
pub use model::{
    Agent, AgentChange, AgentState, AgentToken, BufferState, Heartbeat, JoinStrings, NewToken, NewTokenMade,
    Revocation, TokenSecret,
};
pub use service::{
    agent_get, agent_revoke, agent_update, agents_by_site, agents_list, config_applied, heartbeat_record,
    token_create, token_withdraw, tokens_list,
};
pub use sessions::signals;
pub use store::{Signal, agent_counts, agents_backlog};
pub(crate) use store::{agent_exists, agent_site_ids, config_signal, job_signal};

use atalaya_kernel::Permission;

/// See agents.
pub const READ: Permission = Permission::new("agent.read");
/// Make join strings, rename agents, change their sites.
pub const ENROLL: Permission = Permission::new("agent.enroll");
/// Revoke an agent.
pub const REVOKE: Permission = Permission::dangerous("agent.revoke");
