//! What a test can break, at any time while the router runs.

use serde::{Deserialize, Serialize};

use super::command::Command;

/// The state of all knobs. The default breaks nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Milliseconds (wall time) of each round trip between client and router; see
    /// [`RoundTrips`](super::round_trips::RoundTrips) for how they are counted.
    pub round_trip_ms: u64,
    /// Milliseconds (wall time) that the router works on each command of a connection, one after another.
    pub slow_ms: u64,
    /// Replies leave byte by byte.
    pub drip: bool,
    /// The router stops answering until the knob is turned back.
    pub hang: Option<Hang>,
    /// After this many further bytes of replies, over all connections, the connection that sends them is
    /// closed in the middle of the sentence, once.
    pub cut_after_bytes: Option<u64>,
    /// A connection beyond this number is closed at once.
    pub max_sessions: Option<usize>,
    /// Every new connection is closed at once.
    pub refuse_connections: bool,
    /// What happens to writes instead of what was ordered; the first that fits counts.
    pub writes: Vec<WriteFault>,
    /// Policies that no user has, whatever the group says.
    pub denied_policies: Vec<String>,
}

/// Where a hanging router stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hang {
    /// Commands wait, and are executed when the knob is turned back.
    BeforeExecute,
    /// Commands are executed; their replies wait.
    BeforeReply,
}

/// A write that goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriteFault {
    /// Only writes to this menu.
    #[serde(default)]
    pub menu: Option<String>,
    /// Only this verb.
    #[serde(default)]
    pub verb: Option<String>,
    /// What happens.
    pub effect: WriteEffect,
    /// How many times; `None` is always.
    #[serde(default)]
    pub times: Option<u32>,
}

impl WriteFault {
    /// Every write to `menu` ends like this.
    pub fn on(menu: &str, effect: WriteEffect) -> Self {
        Self { menu: Some(menu.to_owned()), verb: None, effect, times: None }
    }

    /// The same, `times` times only.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// The same, for one verb only.
    #[must_use]
    pub fn verb(mut self, verb: &str) -> Self {
        self.verb = Some(verb.to_owned());
        self
    }

    fn fits(&self, command: &Command) -> bool {
        self.times != Some(0)
            && self.menu.as_ref().is_none_or(|menu| *menu == command.menu)
            && self.verb.as_ref().is_none_or(|verb| *verb == command.verb)
    }
}

/// How a write goes wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WriteEffect {
    /// Answered `!done`, not applied.
    Lie,
    /// Refused with this message.
    Trap(String),
    /// Applied; the connection is closed before any answer.
    ApplyThenDisconnect,
    /// Not applied; the connection is closed before any answer.
    Disconnect,
    /// Applied; the router goes down before any answer, and comes up again.
    ApplyThenReboot,
}

impl Faults {
    /// What is to happen to this write, counting it.
    pub fn take_write(&mut self, command: &Command) -> Option<WriteEffect> {
        let fault = self.writes.iter_mut().find(|fault| fault.fits(command))?;
        if let Some(times) = &mut fault.times {
            *times = times.saturating_sub(1);
        }
        Some(fault.effect.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_write_fault_counts_down() {
        let mut faults = Faults::default();
        faults.writes.push(WriteFault::on("/ppp/secret", WriteEffect::Lie).verb("set").times(1));
        let set = Command::parse(&["/ppp/secret/set".to_owned()]);
        let add = Command::parse(&["/ppp/secret/add".to_owned()]);
        assert_eq!(faults.take_write(&add), None);
        assert_eq!(faults.take_write(&set), Some(WriteEffect::Lie));
        assert_eq!(faults.take_write(&set), None);
    }
}
