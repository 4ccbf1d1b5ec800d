use atalaya_simulators::routeros::CpeConfig;

use super::*;

const SUBSCRIBERS: u32 = 5_000;
const CUTS: u32 = 1_000;

/// Issue: 1,000 cuts on 5,000 secrets in at most 40 round-trip equivalents, never more in flight than configured.
#[tokio::test]
async fn a_thousand_cuts_take_few_round_trips() {
    let config = (1..=CUTS).fold(isp(SUBSCRIBERS, false), |config, number| {
        let name = format!("sub{number:04}");
        config.with_cpe(CpeConfig::pppoe(&name, &format!("pw-{name}")))
    });
    let (sim, router) = start(config).await;
    let cuts = usize::try_from(CUTS).unwrap();
    eventually("everyone to be cut is online", || sim.rows("/ppp/active").unwrap().len() == cuts).await;
    let wants: Vec<Want> = (1..=CUTS)
        .map(|number| {
            let plan = if number % 3 == 0 { "50M" } else { "10M" };
            pppoe(&format!("sub{number:04}"), plan, Status::Suspended)
        })
        .collect();
    router.read(&wants[..1]).await.unwrap();
    sim.update_faults(|faults| faults.round_trip_ms = 50);
    sim.reset_counters();
    let rows = apply(&router, &wants).await;
    let counters = sim.counters();
    println!(
        "{} round trips, {} commands, {} in flight",
        counters.round_trips, counters.commands, counters.max_in_flight
    );
    assert!(rows.iter().all(ObservedRow::is_in_place));
    assert!(counters.round_trips <= 40, "{} round trips", counters.round_trips);
    assert!(counters.max_in_flight <= 8, "{} in flight", counters.max_in_flight);
    assert!(counters.reads["/ppp/secret"] <= 3, "one print before, one for the ids, one to read back");
    let cut = sim.rows("/ppp/secret").unwrap().iter().filter(|row| row["profile"] == "cut").count();
    assert_eq!(cut, cuts);
    assert_eq!(counters.session_drops, u64::from(CUTS));
}

#[tokio::test]
async fn the_configured_number_in_flight_is_kept_to() {
    let sim = RouterSim::start(isp(50, false)).await.unwrap();
    let router = router(Target { max_in_flight: 2, ..target(sim.address()) });
    sim.update_faults(|faults| faults.round_trip_ms = 5);
    let wants: Vec<Want> =
        (1..=50).map(|number| pppoe(&format!("sub{number:04}"), "10M", Status::Suspended)).collect();
    futures::future::join_all((0..10).map(|_| router.read(&wants))).await;
    assert!(sim.counters().max_in_flight <= 2);
}
