//! A cut goes with the subscriber and not with the address that they had.

use super::matrix::forwards;
use super::*;

/// Two subscribers of one pool get each other's address while one of them is cut: the wall goes with the debtor.
#[tokio::test]
async fn a_swapped_pool_address_walls_the_right_one() {
    let dir = tempfile::tempdir().unwrap();
    // Two addresses in the pool, taken in turn; the cut profile gives of the same.
    let config = isp(2)
        .with_command(["/ip/pool/set", "=numbers=subscribers", "=ranges=10.65.0.1-10.65.0.2"])
        .with_command(["/ppp/secret/set", "=numbers=sub0001,sub0002", "=remote-address=", "=profile=10M"]);
    let mut site = Site::start(config, dir.path(), Mode::Enforce).await;
    site.everyone_online(2).await;
    site.want(vec![active("sub0001", 1), active("sub0002", 1)]).await;
    site.want(vec![suspended("sub0001", 2)]).await;
    site.told_outcome("sub0001", wire::Outcome::Applied).await;
    eventually("walled", || site.walled("sub0001")).await;
    let address = |site: &Site, cpe: &str| site.sim.cpe(cpe).unwrap().address;
    let (debtor, payer) = (address(&site, "sub0001"), address(&site, "sub0002"));
    for cpe in ["sub0001", "sub0002"] {
        site.sim.set_powered(cpe, false);
    }
    // Whoever comes first takes what is next.
    for cpe in ["sub0002", "sub0001"] {
        site.sim.set_powered(cpe, true);
        eventually("back", || address(&site, cpe).is_some()).await;
    }
    if address(&site, "sub0002") != debtor {
        for cpe in ["sub0001", "sub0002"] {
            site.sim.set_powered(cpe, false);
        }
        for cpe in ["sub0001", "sub0002"] {
            site.sim.set_powered(cpe, true);
            eventually("back", || address(&site, cpe).is_some()).await;
        }
    }
    assert_eq!((address(&site, "sub0001"), address(&site, "sub0002")), (payer, debtor), "they swapped");
    for _ in 0..2 {
        assert!(!forwards(&site.sim, "sub0001").0, "the debtor is walled under the other's address");
        assert!(forwards(&site.sim, "sub0002").0, "who pays passes under the debtor's");
        site.sweep().await;
    }
    site.finish().await;
}
