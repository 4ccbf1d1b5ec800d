/// First cuts an hour that may pass: the floor, or the share of the services when that is more. The share is rounded
/// down: in doubt towards service. The same rule holds at a site and over the ISP, with the same floor: an ISP of some
/// hundred services would otherwise be stopped by its own share before any of its sites is.
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
        // Over the ISP, 2 %: up to 549 services the floor holds.
        assert_eq!((brake_limit(10, 200, 549), brake_limit(10, 200, 550)), (10, 11));
        assert_eq!(brake_limit(-5, -1, i64::MAX), 0);
    }
}
