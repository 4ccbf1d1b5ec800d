//! Five thousand subscribers, and what is counted in place of time.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::client::Client;
use atalaya_simulators::routeros::{RouterSim, SimConfig};

/// Sends commands with at most `window` in flight and reads every reply.
async fn pipeline(client: &mut Client, commands: &[Vec<String>], window: usize) {
    let mut waiting = BTreeSet::new();
    let mut next = commands.iter().enumerate();
    loop {
        while waiting.len() < window {
            let Some((number, words)) = next.next() else { break };
            let tag = format!(".tag={number}");
            let words: Vec<&str> = words.iter().map(String::as_str).chain([tag.as_str()]).collect();
            client.send(&words).await;
            waiting.insert(tag);
        }
        if waiting.is_empty() {
            return;
        }
        let sentence = client.receive().await.expect("open connection");
        assert_ne!(sentence[0], "!trap", "{sentence:?}");
        if sentence[0] == "!done" {
            assert!(waiting.remove(&sentence[1]));
        }
    }
}

#[tokio::test]
async fn a_thousand_writes_are_counted_in_round_trips() {
    let sim = RouterSim::start(SimConfig::isp(5_000, false)).await.expect("simulator starts");
    let mut client = Client::admin(sim.address()).await;
    sim.update_faults(|faults| faults.round_trip_ms = 50);
    let cuts: Vec<Vec<String>> = (1..=1_000)
        .map(|number| {
            let id = format!("=.id=sub{number:04}");
            vec!["/ppp/secret/set".to_owned(), id, "=profile=cut".to_owned()]
        })
        .collect();
    sim.reset_counters();
    pipeline(&mut client, &cuts, 100).await;
    let counters = sim.counters();
    assert_eq!(counters.writes_to("/ppp/secret"), 1_000);
    assert_eq!(counters.max_in_flight, 100);
    // Ten, and a few more where the machine stalls in the middle of a window.
    assert!((10..=20).contains(&counters.round_trips), "{} for 1,000 by 100", counters.round_trips);

    sim.reset_counters();
    pipeline(&mut client, &cuts[..5], 1).await;
    let counters = sim.counters();
    assert_eq!((counters.round_trips, counters.max_in_flight), (5, 1), "one by one");
    assert_eq!(counters.writes_without_change, 5);
}

#[tokio::test]
async fn five_thousand_subscribers_dial_and_are_listed() {
    let sim = RouterSim::start(SimConfig::isp(5_000, true)).await.expect("simulator starts");
    let mut client = Client::admin(sim.address()).await;
    assert_eq!(client.result(&["/ppp/active/print", "=count-only="]).await, "5000");
    client.send(&["/ppp/active/print", "=.proplist=.id,name,address"]).await;
    let mut rows = 0;
    while client.receive().await.expect("open connection")[0] == "!re" {
        rows += 1;
    }
    assert_eq!(rows, 5_000);
    sim.advance(Duration::from_secs(10));
    let cpes = sim.cpes();
    assert!(cpes.iter().all(|cpe| cpe.verdict.passes()));

    let sessions = sim.rows("/ppp/active").expect("menu");
    let cuts: Vec<Vec<String>> = sessions
        .iter()
        .take(1_000)
        .flat_map(|session| {
            let profile = ["/ppp/secret/set", "=.id=", "=profile=cut"].map(str::to_owned);
            let mut profile = profile.to_vec();
            profile[1].push_str(&session["name"]);
            vec![profile, vec!["/ppp/active/remove".to_owned(), format!("=.id={}", session[".id"])]]
        })
        .collect();
    pipeline(&mut client, &cuts, 16).await;
    let counters = sim.counters();
    assert_eq!((counters.writes_to("/ppp/secret"), counters.session_drops), (1_000, 1_000));
    assert!(counters.max_in_flight <= 16);
    sim.advance(Duration::from_secs(6));
    let walled = sim.cpes().iter().filter(|cpe| cpe.verdict.walled()).count();
    assert_eq!(walled, 1_000, "each came back on the cut profile");
}
