//! What a router's `!trap` means. The category word is often missing, so the message decides.

use crate::driver::DeviceError;

/// A command's error, in the router's words and ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Trap {
    /// The router's message.
    pub(crate) message: String,
    /// What to make of it.
    pub(crate) class: TrapClass,
}

/// Classes of messages that are handled differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TrapClass {
    /// The row is gone: success for a removal.
    Gone,
    /// A row with this name or address is there already.
    Conflict,
    /// This version or package set does not have the menu or command.
    NoSuchCommand,
    /// This version does not know the attribute.
    UnknownParameter,
    /// A profile, list or interface that is named does not exist.
    MissingReference,
    /// User name or password are wrong.
    Auth,
    /// The user's group lacks a policy.
    Rights,
    /// Ended by `/cancel`.
    Interrupted,
    /// The router is too busy; later it may work.
    Busy,
    /// Anything else.
    Other,
}

/// Substrings of messages (lower case), most telling first.
const CLASSES: &[(&str, TrapClass)] = &[
    ("no such item", TrapClass::Gone),
    ("already have", TrapClass::Conflict),
    ("already exists", TrapClass::Conflict),
    ("no such command", TrapClass::NoSuchCommand),
    ("unknown parameter", TrapClass::UnknownParameter),
    ("does not match any value", TrapClass::MissingReference),
    ("cannot log in", TrapClass::Auth),
    ("invalid user name or password", TrapClass::Auth),
    ("not enough permissions", TrapClass::Rights),
    ("interrupted", TrapClass::Interrupted),
    ("std failure: timeout", TrapClass::Busy),
    ("action timed out", TrapClass::Busy),
];

impl Trap {
    /// Classifies a message.
    pub(crate) fn new(message: String) -> Self {
        let lower = message.to_lowercase();
        let class = CLASSES
            .iter()
            .find(|(part, _)| lower.contains(part))
            .map_or(TrapClass::Other, |(_, class)| *class);
        Self { message, class }
    }
}

impl From<Trap> for DeviceError {
    fn from(trap: Trap) -> Self {
        let words = trap.message;
        match trap.class {
            TrapClass::Auth => Self::Refused { words },
            TrapClass::Rights => Self::Rights { words },
            TrapClass::Gone
            | TrapClass::Conflict
            | TrapClass::NoSuchCommand
            | TrapClass::UnknownParameter
            | TrapClass::MissingReference
            | TrapClass::Interrupted
            | TrapClass::Busy
            | TrapClass::Other => Self::Device { words },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_of_several_versions() {
        for (message, class) in [
            ("no such item (4)", TrapClass::Gone),
            ("failure: already have such entry", TrapClass::Conflict),
            ("failure: secret with the same name already exists", TrapClass::Conflict),
            ("no such command prefix", TrapClass::NoSuchCommand),
            ("unknown parameter name", TrapClass::UnknownParameter),
            ("input does not match any value of profile", TrapClass::MissingReference),
            ("cannot log in", TrapClass::Auth),
            ("invalid user name or password (6)", TrapClass::Auth),
            ("not enough permissions (9)", TrapClass::Rights),
            ("interrupted", TrapClass::Interrupted),
            ("std failure: timeout (13)", TrapClass::Busy),
            ("contact MikroTik support", TrapClass::Other),
        ] {
            assert_eq!(Trap::new(message.into()).class, class, "{message}");
        }
    }
}
