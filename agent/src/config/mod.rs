//! What the agent is told.
//!
//! Two sources. `agent.toml` ([`Local`]) holds what is of this machine: paths, bounds, log. What to measure and
//! enforce comes from headquarters as one versioned snapshot ([`remote`]): taken as a whole or not at all, kept
//! sealed on disk, in force again after a restart though headquarters is away. Credentials in it are sealed to a key
//! that never left this machine ([`SealingKey`]) and opened in memory only.

mod local;
mod remote;
mod sealing;

pub use local::{
    BufferSection, IcmpSection, Local, LocalError, LogFormat, LogSection, PROFILES_DIR, SnmpSection,
};
pub use remote::{ActiveConfig, ActiveDevice, ConfigKeeper};
pub use sealing::{SealError, SealingKey};
