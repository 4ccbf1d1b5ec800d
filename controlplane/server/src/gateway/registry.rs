//! The sessions of this process, and the poll that tells them where they stand.

use std::{collections::HashMap, sync::Arc, time::Duration};

use atalaya_protocol::wire::GoodbyeReason;
use parking_lot::Mutex;
use tokio::sync::{Notify, watch};

use super::backend::{Refusal, Session, Sessions, Standing, Verdict};

/// The truth is looked at this often: revocation must end a connection within two seconds, also when it was written
/// by another process.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Who is connected here.
#[derive(Default)]
pub struct SessionRegistry {
    by_agent: Mutex<HashMap<String, Entry>>,
    hinted: Notify,
}

struct Entry {
    session: Session,
    standing: watch::Sender<Standing>,
}

impl SessionRegistry {
    /// Something of some agent changed: look now instead of within a second.
    pub fn hint(&self) {
        self.hinted.notify_one();
    }

    /// Ends an agent's session at once.
    pub fn close(&self, agent: &str, refusal: Refusal) {
        if let Some(entry) = self.by_agent.lock().get(agent) {
            entry.close(refusal);
        }
    }

    /// How many are connected here.
    pub(super) fn len(&self) -> usize {
        self.by_agent.lock().len()
    }

    /// The sessions held here.
    pub fn sessions(&self) -> Vec<Session> {
        self.by_agent.lock().values().map(|entry| entry.session.clone()).collect()
    }

    /// Adds a session; an older one of the same agent is superseded, and so is this one by a newer.
    pub(super) fn enter(&self, session: &Session, standing: Standing) -> watch::Receiver<Standing> {
        let (sender, receiver) = watch::channel(standing);
        let entry = Entry { session: session.clone(), standing: sender };
        let mut by_agent = self.by_agent.lock();
        match by_agent.get(&session.identity.agent) {
            Some(held) if held.session.epoch > session.epoch => entry.close(superseded()),
            held => {
                if let Some(held) = held {
                    held.close(superseded());
                }
                by_agent.insert(session.identity.agent.clone(), entry);
            }
        }
        receiver
    }

    /// Removes a session, unless a newer one took its place.
    pub(super) fn leave(&self, session: &Session) {
        let mut by_agent = self.by_agent.lock();
        if by_agent.get(&session.identity.agent).is_some_and(|held| held.session.epoch == session.epoch) {
            by_agent.remove(&session.identity.agent);
        }
    }

    /// Polls for ever. A backend that fails closes nobody.
    pub(super) async fn poll(self: Arc<Self>, backend: Arc<dyn Sessions>) {
        let mut ticks = tokio::time::interval(POLL_EVERY);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = ticks.tick() => {}
                () = self.hinted.notified() => {}
            }
            let sessions = self.sessions();
            if sessions.is_empty() {
                continue;
            }
            match backend.poll(&sessions).await {
                Ok(standings) => self.tell(&sessions, standings),
                Err(error) => tracing::warn!(%error, "sessions could not be looked up"),
            }
        }
    }

    fn tell(&self, sessions: &[Session], standings: Vec<Standing>) {
        let by_agent = self.by_agent.lock();
        for (session, standing) in sessions.iter().zip(standings) {
            let held =
                by_agent.get(&session.identity.agent).filter(|held| held.session.epoch == session.epoch);
            if let Some(held) = held {
                held.tell(standing);
            }
        }
    }
}

impl Entry {
    /// A closed session stays closed, and news that are none wake nobody; waiting jobs are always news.
    fn tell(&self, standing: Standing) {
        self.standing.send_if_modified(|held| {
            let closed = matches!(held.verdict, Verdict::Close(_));
            let news = !closed && (standing.has_jobs || *held != standing);
            if news {
                *held = standing;
            }
            news
        });
    }

    fn close(&self, refusal: Refusal) {
        self.standing.send_modify(|standing| standing.verdict = Verdict::Close(refusal));
    }
}

fn superseded() -> Refusal {
    Refusal {
        reason: GoodbyeReason::Superseded,
        detail: "a newer connection with this agent's identity took its place".into(),
        retry_after: Duration::from_secs(300),
    }
}

#[cfg(test)]
mod tests {
    use atalaya_pki::AgentIdentity;

    use super::*;

    fn session(epoch: u64) -> Session {
        Session { identity: AgentIdentity::new("ins_1", "ten_1", "agt_1").unwrap(), epoch }
    }

    fn standing() -> Standing {
        Standing { verdict: Verdict::Alive, config_version: 1, desired_version: 1, has_jobs: false }
    }

    fn reason(receiver: &watch::Receiver<Standing>) -> Option<GoodbyeReason> {
        match &receiver.borrow().verdict {
            Verdict::Alive => None,
            Verdict::Close(refusal) => Some(refusal.reason),
        }
    }

    #[test]
    fn the_higher_epoch_wins_in_either_order() {
        let registry = SessionRegistry::default();
        let old = registry.enter(&session(1), standing());
        let new = registry.enter(&session(2), standing());
        assert_eq!((reason(&old), reason(&new)), (Some(GoodbyeReason::Superseded), None));
        let late = registry.enter(&session(1), standing());
        assert_eq!((reason(&late), reason(&new)), (Some(GoodbyeReason::Superseded), None));
        registry.leave(&session(1));
        assert_eq!(registry.sessions(), vec![session(2)], "the old one's end does not remove the new one");
        registry.leave(&session(2));
        assert!(registry.sessions().is_empty());
    }

    #[test]
    fn a_closed_session_is_not_revived_by_a_stale_poll() {
        let registry = SessionRegistry::default();
        let receiver = registry.enter(&session(1), standing());
        let revoked =
            Refusal { reason: GoodbyeReason::Revoked, detail: String::new(), retry_after: Duration::ZERO };
        registry.close("agt_1", revoked);
        registry.tell(&[session(1)], vec![Standing { config_version: 2, ..standing() }]);
        assert_eq!(reason(&receiver), Some(GoodbyeReason::Revoked));
    }

    #[test]
    fn only_news_wake_a_session() {
        let registry = SessionRegistry::default();
        let mut receiver = registry.enter(&session(1), standing());
        receiver.mark_unchanged();
        registry.tell(&[session(1)], vec![standing()]);
        assert!(!receiver.has_changed().unwrap());
        registry.tell(&[session(1)], vec![Standing { desired_version: 2, ..standing() }]);
        assert!(receiver.has_changed().unwrap());
    }
}
