//! The words of fields. A driver leaves out what its device does not have; further fields are kept and shown as they come.

/// Name of a secret, a session, a queue, a profile, a pool, a server; host name of a lease.
pub const NAME: &str = "name";
/// What somebody wrote beside it.
pub const COMMENT: &str = "comment";
/// `true` when it is switched off.
pub const DISABLED: &str = "disabled";
/// Fixed address of a secret; address of a session, a lease, a list's entry; target of a queue.
pub const ADDRESS: &str = "address";
/// Equipment that it is bound to.
pub const MAC: &str = "mac";
/// Equipment that was seen there last.
pub const LAST_MAC: &str = "last_mac";
/// PPP profile.
pub const PROFILE: &str = "profile";
/// Address list that it is an entry of.
pub const LIST: &str = "list";
/// `true` when the device made the row itself and forgets it.
pub const DYNAMIC: &str = "dynamic";
/// Words that a field whose value opens something is called by.
pub(super) const SECRET: &[&str] = &["password", "secret", "passphrase", "key"];
