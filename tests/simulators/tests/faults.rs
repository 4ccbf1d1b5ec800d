//! What a test can break.

use std::time::Duration;

use crate::client::{self, Client};
use atalaya_simulators::routeros::{Hang, RouterSim, SimConfig, WriteEffect, WriteFault};

async fn start() -> RouterSim {
    let config = SimConfig::default().with_command(["/ppp/secret/add", "=name=juan", "=profile=default"]);
    RouterSim::start(config).await.expect("simulator starts")
}

const CUT: &[&str] = &["/ppp/secret/set", "=.id=juan", "=disabled=yes"];

fn disabled(sim: &RouterSim) -> bool {
    sim.rows("/ppp/secret").expect("menu")[0]["disabled"] == "true"
}

#[tokio::test]
async fn lies_refusals_and_disconnects() {
    let sim = start().await;
    let secret = |effect| WriteFault::on("/ppp/secret", effect).times(1);
    sim.update_faults(|faults| {
        faults.writes = vec![
            secret(WriteEffect::Lie),
            secret(WriteEffect::Trap("failure: no space left".to_owned())),
            secret(WriteEffect::Disconnect),
            secret(WriteEffect::ApplyThenDisconnect),
        ];
    });
    let mut client = Client::admin(sim.address()).await;
    assert_eq!(client.ask(CUT).await, [["!done"]]);
    assert!(!disabled(&sim), "said done, did nothing");
    assert_eq!(client.trap(CUT).await, "failure: no space left");
    assert!(!disabled(&sim));
    assert!(client.ask(CUT).await.is_empty(), "no answer");
    assert!(!disabled(&sim));
    let mut client = Client::admin(sim.address()).await;
    assert!(client.ask(CUT).await.is_empty(), "no answer");
    assert!(disabled(&sim), "and yet it was done");
    assert_eq!(sim.counters().writes_total(), 1, "one effective change");
    let mut client = Client::admin(sim.address()).await;
    assert_eq!(client.ask(CUT).await, [["!done"]], "the faults are used up");
    assert_eq!(sim.counters().writes_without_change, 1);
}

#[tokio::test]
async fn a_reply_is_cut_in_the_middle_of_a_sentence() {
    let sim = start().await;
    let mut client = Client::admin(sim.address()).await;
    sim.update_faults(|faults| faults.cut_after_bytes = Some(10));
    assert!(client.ask(&["/ppp/secret/print"]).await.is_empty(), "no whole sentence");
    assert_eq!(sim.faults().cut_after_bytes, None, "once");
    Client::admin(sim.address()).await;
}

#[tokio::test]
async fn a_hanging_router_goes_on_where_it_stopped() {
    for (hang, applied_while_hanging) in [(Hang::BeforeExecute, false), (Hang::BeforeReply, true)] {
        let sim = start().await;
        let mut client = Client::admin(sim.address()).await;
        sim.update_faults(|faults| faults.hang = Some(hang));
        client.send(CUT).await;
        let silent = tokio::time::timeout(Duration::from_millis(200), client.receive()).await;
        assert!(silent.is_err(), "no reply while it hangs");
        assert_eq!(disabled(&sim), applied_while_hanging, "{hang:?}");
        let mut late = Client::connect(sim.address()).await;
        late.send(&["/login", "=name=admin", "=password=admin"]).await;
        let silent = tokio::time::timeout(Duration::from_millis(200), late.receive()).await;
        assert!(silent.is_err(), "no log-in while it hangs");
        sim.clear_faults();
        assert_eq!(client.receive().await.expect("a reply"), ["!done"]);
        assert!(disabled(&sim));
    }
}

#[tokio::test]
async fn sessions_are_limited_and_refused() {
    let sim = start().await;
    let mut first = Client::admin(sim.address()).await;
    sim.update_faults(|faults| faults.max_sessions = Some(1));
    assert_eq!(Client::connect(sim.address()).await.receive().await, None);
    assert_eq!(first.ask(&["/ppp/secret/print", "=count-only="]).await.len(), 1, "the first goes on");
    first.ask(&["/quit"]).await;
    assert_eq!(first.receive().await, None);
    tokio::time::timeout(client::PATIENCE, async {
        while sim.open_connections() > 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the place is free again");
    Client::admin(sim.address()).await;
    sim.update_faults(|faults| faults.refuse_connections = true);
    assert_eq!(Client::connect(sim.address()).await.receive().await, None);
}

#[tokio::test]
async fn slow_and_dripping_replies_are_whole() {
    let sim = start().await;
    sim.update_faults(|faults| {
        faults.slow_ms = 20;
        faults.drip = true;
    });
    let mut client = Client::admin(sim.address()).await;
    let rows = client.ask(&["/ppp/secret/print", "=.proplist=name"]).await;
    assert_eq!(rows, [vec!["!re", "=name=juan"], vec!["!done"]]);
}

#[tokio::test]
async fn a_client_may_close_its_half() {
    use tokio::io::AsyncWriteExt as _;
    let sim = start().await;
    let mut client = Client::admin(sim.address()).await;
    client.send(CUT).await;
    client.stream.shutdown().await.expect("half close");
    assert_eq!(client.receive().await.expect("the answer still comes"), ["!done"]);
    assert_eq!(client.receive().await, None);
}

#[tokio::test]
async fn garbage_closes_the_connection_and_nothing_else() {
    use tokio::io::AsyncWriteExt as _;
    let sim = start().await;
    let mut client = Client::connect(sim.address()).await;
    client.stream.write_all(&[0xFF; 64]).await.expect("open connection");
    assert_eq!(client.receive().await, None);
    let mut long = Client::connect(sim.address()).await;
    long.stream.write_all(&[0xEF, 0xFF, 0xFF, 0xFF]).await.expect("open connection");
    assert_eq!(long.receive().await, None, "256 MiB before log-in");
    Client::admin(sim.address()).await;
}

#[tokio::test]
async fn a_write_may_be_the_last_thing_before_a_reboot() {
    let sim = start().await;
    let fault = WriteFault::on("/ppp/secret", WriteEffect::ApplyThenReboot).times(1);
    sim.update_faults(|faults| faults.writes.push(fault));
    let mut client = Client::admin(sim.address()).await;
    assert!(client.ask(CUT).await.is_empty(), "no answer");
    assert!(disabled(&sim), "what was written is there after it");
    assert_eq!(sim.counters().reboots, 1);
}
