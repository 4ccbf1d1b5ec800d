//! Which changes of status make sense. Pure.

use super::{Service, Status, SuspendedBecause};
use atalaya_kernel::{
    Error,
    time::{Date, Timestamp},
};

/// A change of a service's status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    /// A person cuts.
    CutByHand,
    /// Debt past the grace days.
    CutForDebt,
    /// A person reconnects.
    ReconnectByHand,
    /// The debt is settled.
    DebtSettled,
    /// The subscription ends.
    Terminate,
}

/// The service after a change; `None` when nothing is to be done.
///
/// # Errors
/// A person asks for what the state does not allow.
pub(super) fn change(
    service: &Service,
    change: Change,
    reason: &str,
    now: Timestamp,
    today: Date,
) -> Result<Option<Service>, Error> {
    use Change as C;
    use Status as S;
    let (status, because) = match (service.status, change) {
        (S::Terminated, C::CutForDebt | C::DebtSettled) => return Ok(None),
        (S::Terminated, _) => return Err(Error::conflict("service_terminated", "the service has ended")),
        (S::Active, C::CutByHand) => (S::Suspended, Some(SuspendedBecause::Manual)),
        (S::Active, C::CutForDebt) => (S::Suspended, Some(SuspendedBecause::Overdue)),
        (S::Active, C::ReconnectByHand | C::DebtSettled) | (S::Suspended, C::CutForDebt) => return Ok(None),
        // A person's cut on top of a debt's: from now on only a person reconnects.
        (S::Suspended, C::CutByHand) if service.suspended_because == Some(SuspendedBecause::Manual) => {
            return Ok(None);
        }
        (S::Suspended, C::CutByHand) => (S::Suspended, Some(SuspendedBecause::Manual)),
        (S::Suspended, C::DebtSettled) if service.suspended_because == Some(SuspendedBecause::Manual) => {
            return Ok(None);
        }
        (S::Suspended, C::ReconnectByHand | C::DebtSettled) => (S::Active, None),
        (S::Active | S::Suspended, C::Terminate) => (S::Terminated, None),
    };
    Ok(Some(Service {
        status,
        suspended_because: because,
        status_reason: Some(reason.to_owned()),
        status_changed_at: now,
        // Otherwise automatic cuts would undo the person's decision within a minute.
        spared_on: (change == C::ReconnectByHand).then_some(today),
        version: service.version + 1,
        updated_at: now,
        ..service.clone()
    }))
}
