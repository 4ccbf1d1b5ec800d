/// First cuts an hour that may pass at a site: the floor, or the share of its services when that is more. The share is
/// rounded down: in doubt towards service.
pub(crate) fn brake_limit(floor: i64, basis_points: i64, services: i64) -> i64 {
    let share = services.max(0).saturating_mul(basis_points.max(0)) / 10_000;
    floor.max(0).max(share)
}

#[cfg(test)]
mod tests {
    use super::brake_limit;

    #[test]
    fn the_greater_of_floor_and_share() {
        assert_eq!(brake_limit(10, 300, 100), 10);
        assert_eq!(brake_limit(10, 300, 1_000), 30);
        assert_eq!(brake_limit(0, 300, 33), 0);
        assert_eq!(brake_limit(-5, -1, i64::MAX), 0);
    }
}
