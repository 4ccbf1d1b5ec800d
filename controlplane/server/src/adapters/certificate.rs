//! Keeps the certificate that the gateway shows fresh while the gateway runs.

use super::Authorities;
use atalaya_pki::{PkiError, server::ShownCertificate};
use std::{sync::Arc, time::Duration};
use tokio_util::sync::CancellationToken;

const LOOK_EVERY: Duration = Duration::from_secs(600);

/// Replaces the certificate at two thirds of its life, until told to stop. An attempt that fails is told and made again:
/// a third of the life is left for it.
///
/// # Errors
/// None at present; the signature is the supervisor's.
pub async fn keep_certificate_fresh(
    authorities: Arc<Authorities>,
    shown: Arc<ShownCertificate>,
    stop: CancellationToken,
) -> anyhow::Result<()> {
    while !stop.is_cancelled() {
        match renew_if_due(&authorities, &shown) {
            Ok(true) => tracing::info!("the gateway shows a new certificate"),
            Ok(false) => {}
            Err(error) => {
                tracing::error!(%error, "the gateway's certificate could not be renewed; tried again");
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK_EVERY) => {}
            () = stop.cancelled() => {}
        }
    }
    Ok(())
}

fn renew_if_due(authorities: &Authorities, shown: &ShownCertificate) -> Result<bool, PkiError> {
    let now = authorities.now();
    let due = shown.is_due(now)?;
    if due {
        shown.replace(authorities.root().issue_gateway(now)?)?;
    }
    Ok(due)
}

#[cfg(test)]
mod tests {
    use super::*;
    use atalaya_kernel::{
        ids::InstallationId,
        on_both,
        testing::{START, World},
    };

    on_both!(the_certificate_is_replaced_at_two_thirds_of_its_life, |world: World| async move {
        let runtime = &world.runtime;
        let authorities = Authorities::open(runtime.clone(), &InstallationId::new(START)).await.unwrap();
        let first = authorities.root().issue_gateway(authorities.now()).unwrap();
        let shown = ShownCertificate::new(first).unwrap();
        assert!(!renew_if_due(&authorities, &shown).unwrap());
        world.clock.advance_millis(200 * 86_400_000);
        assert!(!renew_if_due(&authorities, &shown).unwrap());
        world.clock.advance_millis(100 * 86_400_000);
        assert!(renew_if_due(&authorities, &shown).unwrap(), "300 of 400 days");
        assert!(!renew_if_due(&authorities, &shown).unwrap(), "the new one is good for as long");
    });
}
