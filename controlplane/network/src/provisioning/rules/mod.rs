//! Pure rules: from a service to a point's desired state, and from observations to what people see.

mod absorb;
mod brake;
mod decide;
mod fold;
mod state;

pub(super) use absorb::{Effect, absorb};
pub(super) use brake::brake_limit;
pub(super) use decide::{Circumstances, Current, Wanted, decide, hangs_on_brake};
pub(super) use fold::fold;
pub(super) use state::point_state;

/// Name of the PPP profile of a speed, where the attachment does not name one: `atalaya-100M-50M`. Named after the speed
/// and not after the plan, so that two plans of one speed share it and no profile ever has to serve two speeds.
pub(super) fn profile_of(download_bps: i64, upload_bps: i64) -> String {
    format!("atalaya-{}-{}", short(download_bps), short(upload_bps))
}

fn short(bps: i64) -> String {
    match bps {
        bps if bps > 0 && bps % 1_000_000 == 0 => format!("{}M", bps / 1_000_000),
        bps if bps > 0 && bps % 1_000 == 0 => format!("{}k", bps / 1_000),
        bps => bps.to_string(),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn profiles_are_named_after_their_speed() {
        assert_eq!(super::profile_of(100_000_000, 50_000_000), "atalaya-100M-50M");
        assert_eq!(super::profile_of(1_500_000, 512_000), "atalaya-1500k-512k");
        assert_ne!(super::profile_of(1_000_001, 1), super::profile_of(1_000_000, 1));
    }
}
