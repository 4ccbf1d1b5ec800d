//! ICMP echo: latency, jitter and loss of anything that answers a ping.
//!
//! All targets share one socket per address family ([`Echoes`]): unprivileged (datagram) where the system allows it,
//! raw where we may, otherwise none and the reason is told. The kernel rewrites the identifier on unprivileged
//! sockets, so an answer is known by sequence number and payload.
//!
//! One task serves all targets (`echo`), on the ticks of a grid that their rounds share (`round`), so that a thousand
//! targets cost few wake-ups. Times stay exact because the kernel stamps what arrives (`socket`).

mod echo;
mod packet;
mod round;
mod socket;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use atalaya_protocol::wire;

pub use echo::Echoes;

use super::{Credentials, Device, DeviceError, Found, Identify, Identity, Measure, SampleSink, Target, Word};

/// How a target is probed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EchoPlan {
    /// Echoes per measurement.
    pub count: u32,
    /// Time between two echoes.
    pub spacing: Duration,
    /// An answer that takes longer counts as lost.
    pub timeout: Duration,
}

impl Default for EchoPlan {
    fn default() -> Self {
        Self { count: 5, spacing: Duration::from_millis(200), timeout: Duration::from_secs(1) }
    }
}

/// Anything that answers a ping.
pub struct IcmpDevice {
    target: Target,
    echoes: Arc<Echoes>,
    plan: EchoPlan,
}

impl IcmpDevice {
    /// A handle; nothing is sent yet.
    pub fn new(target: Target, echoes: Arc<Echoes>, plan: EchoPlan) -> Self {
        Self { target, echoes, plan }
    }

    /// Echo requests to a device of another kind, beside its own driver. They need no credentials, so none are held.
    pub fn beside(target: &Target, echoes: Arc<Echoes>, plan: EchoPlan) -> Self {
        Self::new(Target { credentials: Credentials::None, ..target.clone() }, echoes, plan)
    }

    async fn address(&self) -> Result<IpAddr, DeviceError> {
        Ok(super::resolve(&self.target.host, 0).await?.ip())
    }

    /// Sends the echoes of one measurement; `None` is a lost one.
    async fn round(&self, count: u32) -> Result<Vec<Option<Duration>>, DeviceError> {
        self.echoes.round(self.address().await?, EchoPlan { count, ..self.plan }).await
    }

    fn silence(&self) -> DeviceError {
        DeviceError::Timeout {
            words: format!("{} echoes to {} were not answered", self.plan.count, self.target.host),
        }
    }
}

#[async_trait]
impl Identify for IcmpDevice {
    async fn identify(&self) -> Result<Identity, DeviceError> {
        // A ping tells that it is there, and nothing else.
        let times = self.round(1).await?;
        times.into_iter().flatten().next().map(|_| Identity::default()).ok_or_else(|| self.silence())
    }
}

#[async_trait]
impl Measure for IcmpDevice {
    async fn measure(&self, sink: &mut SampleSink<'_>) -> Result<(), DeviceError> {
        let times = self.round(self.plan.count).await?;
        let figures = Figures::of(&times);
        sink.gauge("icmp_loss_ratio", &[], figures.loss);
        if let Some(rtt) = figures.rtt {
            sink.gauge("icmp_rtt_seconds", &[], rtt.as_secs_f64());
        }
        if let Some(jitter) = figures.jitter {
            sink.gauge("icmp_jitter_seconds", &[], jitter.as_secs_f64());
        }
        if figures.rtt.is_none() { Err(self.silence()) } else { Ok(()) }
    }

    fn bounds_itself(&self) -> bool {
        true
    }
}

#[async_trait]
impl Device for IcmpDevice {
    fn target(&self) -> &Target {
        &self.target
    }

    fn identify(&self) -> &dyn Identify {
        self
    }

    fn measure(&self) -> Option<&dyn Measure> {
        Some(self)
    }

    async fn test_connection(&self) -> Vec<wire::Check> {
        let figures = self.round(self.plan.count).await.map(|times| Figures::of(&times));
        let (status, found) = match figures {
            Ok(Figures { rtt: Some(rtt), loss: 0.0, .. }) => {
                let ms = format!("{:.1}", rtt.as_secs_f64() * 1e3);
                let found = Found::new(Word::AnswersIn, &[("ms", &ms)], format!("answers in {ms} ms"));
                (wire::CheckStatus::Passed, found)
            }
            Ok(Figures { rtt: Some(_), loss, .. }) => {
                let percent = format!("{:.0}", loss * 100.0);
                let found = Found::new(Word::Lost, &[("percent", &percent)], format!("{percent} % lost"));
                (wire::CheckStatus::Warning, found)
            }
            Ok(Figures { rtt: None, .. }) => (wire::CheckStatus::Failed, Found::from(&self.silence())),
            Err(error) => (wire::CheckStatus::Failed, Found::from(&error)),
        };
        vec![found.check("ping", status, "")]
    }
}

/// What a round of echoes says.
#[derive(Debug, PartialEq)]
struct Figures {
    /// Mean round-trip time of the answered ones.
    rtt: Option<Duration>,
    /// Mean difference between neighbours; needs two answers.
    jitter: Option<Duration>,
    /// Share lost, 0 to 1.
    loss: f64,
}

impl Figures {
    fn of(times: &[Option<Duration>]) -> Self {
        let answered: Vec<Duration> = times.iter().flatten().copied().collect();
        let differences: Vec<Duration> = answered.windows(2).map(|pair| pair[0].abs_diff(pair[1])).collect();
        let share = |part: usize, whole: usize| {
            f64::from(u32::try_from(part).unwrap_or(u32::MAX))
                / f64::from(u32::try_from(whole.max(1)).unwrap_or(u32::MAX))
        };
        Self {
            rtt: mean(&answered),
            jitter: mean(&differences),
            loss: share(times.len() - answered.len(), times.len()),
        }
    }
}

fn mean(times: &[Duration]) -> Option<Duration> {
    let count = u32::try_from(times.len()).ok().filter(|count| *count > 0)?;
    Some(times.iter().sum::<Duration>() / count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_of_a_round() {
        let ms = |millis| Some(Duration::from_millis(millis));
        let figures = Figures::of(&[ms(10), None, ms(14), ms(12)]);
        assert_eq!(figures, Figures { rtt: ms(12), jitter: ms(3), loss: 0.25 });
        let silent = Figures::of(&[None, None]);
        assert_eq!(silent, Figures { rtt: None, jitter: None, loss: 1.0 });
    }
}
