//! What goes wrong with a device, so that a person knows which end to look at.

use super::Word;

/// Why a device could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Nothing answers at its address: host down, no route, port closed.
    #[error("unreachable: {words}")]
    Unreachable {
        /// What the network said.
        words: String,
    },
    /// No answer in time. For SNMP that is also what a wrong community looks like.
    #[error("no answer: {words}")]
    Timeout {
        /// What was waited for, and how long.
        words: String,
    },
    /// It answers and does not let us in: wrong user or password, certificate not the pinned one.
    #[error("refused: {words}")]
    Refused {
        /// The device's own words.
        words: String,
    },
    /// We are in, and may not do this: a right is missing.
    #[error("not permitted: {words}")]
    Rights {
        /// The device's own words.
        words: String,
    },
    /// It was asked rightly and said no (a RouterOS trap, an SNMP error status).
    #[error("the device said: {words}")]
    Device {
        /// The device's own words.
        words: String,
    },
    /// What came back is not what the protocol allows.
    #[error("protocol violated: {words}")]
    Protocol {
        /// What was read, and what was expected.
        words: String,
    },
    /// The configuration of this device cannot work (wrong kind of credentials, host name that does not resolve).
    #[error("configuration: {words}")]
    Config {
        /// What is wrong and the mend.
        words: String,
    },
    /// This machine cannot do it (no permission for ICMP, out of sockets).
    #[error("this machine: {words}")]
    Local {
        /// What is missing and the mend.
        words: String,
    },
}

impl DeviceError {
    /// What it is called on pages.
    pub fn word(&self) -> Word {
        match self {
            Self::Unreachable { .. } => Word::Unreachable,
            Self::Timeout { .. } => Word::Timeout,
            Self::Refused { .. } => Word::Refused,
            Self::Rights { .. } => Word::Rights,
            Self::Device { .. } => Word::Device,
            Self::Protocol { .. } => Word::Protocol,
            Self::Config { .. } => Word::Config,
            Self::Local { .. } => Word::Local,
        }
    }

    /// What the device or the network said, or what is wrong here.
    pub fn words(&self) -> &str {
        match self {
            Self::Unreachable { words }
            | Self::Timeout { words }
            | Self::Refused { words }
            | Self::Rights { words }
            | Self::Device { words }
            | Self::Protocol { words }
            | Self::Config { words }
            | Self::Local { words } => words,
        }
    }

    /// Whether the device is there and answered, though not as hoped.
    pub fn device_answered(&self) -> bool {
        matches!(
            self,
            Self::Refused { .. } | Self::Rights { .. } | Self::Device { .. } | Self::Protocol { .. }
        )
    }
}
