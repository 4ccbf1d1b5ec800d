//! The rounds of echoes under way: pure, the time is handed in.
//!
//! A round is one measurement of one target: some echoes with a pause between them. Everything that happens to it
//! happens on a *tick*, a grid in time that all rounds share, so that what is due at nearly the same time costs one
//! wake-up. What is measured does not suffer: an echo is stamped when it is sent, and its answer when it arrived.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use tokio::sync::oneshot;

use super::EchoPlan;
use crate::driver::DeviceError;

/// The grid.
pub(super) const TICK: Duration = Duration::from_millis(20);
/// A round that waits for answers alone is looked at once it waited half as long again, and this often at least.
const LONGEST_LOOK: Duration = Duration::from_millis(200);

/// What came of a round: the time of each echo, `None` for a lost one.
pub(super) type Outcome = Result<Vec<Option<Duration>>, DeviceError>;

/// An echo that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Due {
    /// Of the round: the number of its first echo.
    pub(super) round: u64,
    /// Of the echo.
    pub(super) number: u64,
    pub(super) to: IpAddr,
}

#[derive(Debug)]
struct Round {
    to: IpAddr,
    plan: EchoPlan,
    /// When each echo left.
    sent: Vec<Duration>,
    /// The round-trip time of each one that left.
    answers: Vec<Option<Duration>>,
    /// When the next echo is due; once all have left, when the last one did.
    next: Duration,
    done: oneshot::Sender<Outcome>,
}

impl Round {
    fn all_sent(&self) -> bool {
        self.sent.len() >= self.count()
    }

    fn count(&self) -> usize {
        usize::try_from(self.plan.count).unwrap_or(usize::MAX)
    }

    /// All have left, and each was answered or is lost by now.
    fn over(&self, now: Duration) -> bool {
        let settled = |(sent, answer): (&Duration, &Option<Duration>)| {
            answer.is_some() || now >= sent.saturating_add(self.plan.timeout)
        };
        self.all_sent() && self.sent.iter().zip(&self.answers).all(settled)
    }

    /// When there is something to do for it.
    fn wake(&self, now: Duration) -> Duration {
        if !self.all_sent() {
            return self.next;
        }
        let last = self.sent.last().copied().unwrap_or(self.next);
        let waited = now.saturating_sub(last);
        now + (waited / 2).clamp(TICK, LONGEST_LOOK)
    }
}

/// All rounds under way, by the number of their first echo.
#[derive(Debug, Default)]
pub(super) struct Rounds {
    rounds: BTreeMap<u64, Round>,
    next_number: u64,
    /// When whoever drives the rounds looks at them next; `None` when it sleeps until it is called.
    armed: Option<Duration>,
    stopped: bool,
}

impl Rounds {
    /// A new round, the first echo due at the next tick. Gives its number, and whether its driver must be woken for it.
    /// `None` when nobody drives rounds any more.
    pub(super) fn start(
        &mut self,
        to: IpAddr,
        plan: EchoPlan,
        now: Duration,
        done: oneshot::Sender<Outcome>,
    ) -> Option<(u64, bool)> {
        if self.stopped {
            return None;
        }
        let round = self.next_number;
        self.next_number += u64::from(plan.count);
        let next = tick_after(now);
        self.rounds.insert(round, Round { to, plan, sent: Vec::new(), answers: Vec::new(), next, done });
        let wake = self.armed.is_none_or(|armed| armed > next);
        if wake {
            self.armed = Some(next);
        }
        Some((round, wake))
    }

    /// Forgets a round that nobody waits for.
    pub(super) fn forget(&mut self, round: u64) {
        self.rounds.remove(&round);
    }

    /// Forgets all, and takes no more.
    pub(super) fn stop(&mut self) {
        self.rounds.clear();
        self.stopped = true;
    }

    /// When to look at the rounds next, on the grid; `None` when there are none.
    pub(super) fn arm(&mut self, now: Duration) -> Option<Duration> {
        let soonest = self.rounds.values().map(|round| round.wake(now)).min();
        self.armed = soonest.map(|at| tick_at_or_after(at.max(now)));
        self.armed
    }

    /// The echoes that are due.
    pub(super) fn due(&self, now: Duration) -> Vec<Due> {
        let due = |(first, round): (&u64, &Round)| {
            let number = first + u64::try_from(round.sent.len()).unwrap_or(u64::MAX);
            (!round.all_sent() && round.next <= now).then_some(Due { round: *first, number, to: round.to })
        };
        self.rounds.iter().filter_map(due).collect()
    }

    /// An echo left at `at`; the next one is due a pause after the tick in which this was.
    pub(super) fn sent(&mut self, round: u64, at: Duration) {
        if let Some(round) = self.rounds.get_mut(&round) {
            round.sent.push(at);
            round.answers.push(None);
            round.next = tick_at_or_before(at) + round.plan.spacing;
        }
    }

    /// An echo could not be sent: its round is over.
    pub(super) fn fail(&mut self, round: u64, error: DeviceError) {
        if let Some(round) = self.rounds.remove(&round) {
            finish(round.done, Err(error));
        }
    }

    /// An answer to the echo of this number arrived at `at`. One after its time counts as lost, a second one not at all.
    pub(super) fn answered(&mut self, number: u64, at: Duration) {
        let Some((first, round)) = self.rounds.range_mut(..=number).next_back() else { return };
        let place = usize::try_from(number - first).unwrap_or(usize::MAX);
        let (Some(sent), Some(answer)) = (round.sent.get(place), round.answers.get_mut(place)) else {
            return;
        };
        let time = at.saturating_sub(*sent);
        if answer.is_none() && time <= round.plan.timeout {
            *answer = Some(time);
        }
    }

    /// Ends the rounds that are over.
    pub(super) fn expire(&mut self, now: Duration) {
        for (_, round) in self.rounds.extract_if(.., |_, round| round.over(now)) {
            finish(round.done, Ok(round.answers));
        }
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.rounds.len()
    }
}

fn finish(done: oneshot::Sender<Outcome>, outcome: Outcome) {
    // Fails when it gave up at this very moment.
    let _nobody_waits = done.send(outcome);
}

fn tick_at_or_before(at: Duration) -> Duration {
    let into = u64::try_from(at.as_nanos() % TICK.as_nanos()).unwrap_or(0);
    at.saturating_sub(Duration::from_nanos(into))
}

fn tick_after(at: Duration) -> Duration {
    tick_at_or_before(at) + TICK
}

fn tick_at_or_after(at: Duration) -> Duration {
    let before = tick_at_or_before(at);
    if before == at { at } else { before + TICK }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    const PLAN: EchoPlan =
        EchoPlan { count: 3, spacing: Duration::from_millis(200), timeout: Duration::from_secs(1) };

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    fn start(rounds: &mut Rounds, plan: EchoPlan, now: Duration) -> (u64, bool, oneshot::Receiver<Outcome>) {
        let (done, outcome) = oneshot::channel();
        let (round, wake) = rounds.start(Ipv4Addr::LOCALHOST.into(), plan, now, done).unwrap();
        (round, wake, outcome)
    }

    /// Sends what is due at `now`, each a little later than it is due.
    fn send(rounds: &mut Rounds, now: Duration) -> Vec<u64> {
        let due = rounds.due(now);
        for echo in &due {
            rounds.sent(echo.round, now + Duration::from_micros(700));
        }
        due.iter().map(|echo| echo.number).collect()
    }

    #[test]
    fn rounds_that_start_in_one_tick_share_every_wake_up() {
        let mut rounds = Rounds::default();
        let (_, wake, _first) = start(&mut rounds, PLAN, ms(1));
        assert!(wake, "its driver sleeps");
        let (_, wake, _second) = start(&mut rounds, PLAN, ms(17));
        assert!(!wake, "its driver comes by anyway");
        assert_eq!(rounds.arm(ms(17)), Some(ms(20)));
        assert_eq!(send(&mut rounds, ms(20)), [0, 3]);
        assert_eq!(rounds.arm(ms(21)), Some(ms(220)));
        assert!(send(&mut rounds, ms(219)).is_empty());
        assert_eq!(send(&mut rounds, ms(220)), [1, 4]);
        assert_eq!(rounds.arm(ms(221)), Some(ms(420)));
    }

    #[test]
    fn a_round_is_over_when_its_last_answer_is_there() {
        let mut rounds = Rounds::default();
        let (first, _, mut outcome) = start(&mut rounds, PLAN, ms(1));
        for tick in [20, 220, 420] {
            send(&mut rounds, ms(tick));
        }
        // Echoes left 0.7 ms after their tick; the second one's answer comes twice, and out of order.
        rounds.answered(first + 2, ms(425));
        rounds.answered(first + 1, ms(427));
        rounds.answered(first + 1, ms(900));
        rounds.expire(ms(1_000));
        assert!(outcome.try_recv().is_err());
        rounds.answered(first, ms(1_020));
        rounds.expire(ms(1_020));
        let us = |micros| Some(Duration::from_micros(micros));
        assert_eq!(outcome.try_recv().unwrap().unwrap(), [us(999_300), us(206_300), us(4_300)]);
        assert_eq!(rounds.arm(ms(1_020)), None);
    }

    #[test]
    fn an_echo_that_is_not_answered_in_time_is_lost() {
        let mut rounds = Rounds::default();
        let plan = EchoPlan { count: 2, ..PLAN };
        let (first, _, mut outcome) = start(&mut rounds, plan, ms(1));
        send(&mut rounds, ms(20));
        send(&mut rounds, ms(220));
        rounds.answered(first, ms(1_022));
        rounds.answered(first + 7, ms(1_022));
        rounds.expire(ms(1_220));
        assert!(outcome.try_recv().is_err(), "the last one still has 0.7 ms");
        assert_eq!(rounds.arm(ms(1_220)), Some(ms(1_420)), "looked at rarely by now");
        rounds.expire(ms(1_221));
        assert_eq!(outcome.try_recv().unwrap().unwrap(), [None, None]);
    }

    #[test]
    fn a_failure_and_a_stop_end_a_round() {
        let mut rounds = Rounds::default();
        let (first, _, mut outcome) = start(&mut rounds, PLAN, ms(1));
        rounds.fail(first, DeviceError::Unreachable { words: "no route".into() });
        assert!(matches!(outcome.try_recv().unwrap(), Err(DeviceError::Unreachable { .. })));
        let (_, _, mut outcome) = start(&mut rounds, PLAN, ms(1));
        rounds.stop();
        assert!(matches!(outcome.try_recv(), Err(oneshot::error::TryRecvError::Closed)));
        let (done, _outcome) = oneshot::channel();
        assert!(rounds.start(Ipv4Addr::LOCALHOST.into(), PLAN, ms(2), done).is_none());
    }
}
