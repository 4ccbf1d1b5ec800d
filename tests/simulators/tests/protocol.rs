//! The binary API as a client meets it: log-in, rows, traps, tags, faults.

mod client;

use atalaya_simulators::routeros::{LoginMode, RouterSim, SimConfig, Version};
use client::Client;
use md5::{Digest, Md5};

async fn start(config: SimConfig) -> RouterSim {
    RouterSim::start(config).await.expect("simulator starts")
}

#[tokio::test]
async fn plain_login_and_a_wrong_one() {
    let sim = start(SimConfig::default()).await;
    let mut client = Client::connect(sim.address()).await;
    let message = client.trap(&["/login", "=name=admin", "=password=wrong"]).await;
    assert_eq!(message, "invalid user name or password (6)");
    assert_eq!(client.ask(&["/login", "=name=admin", "=password=admin"]).await, [["!done"]]);
    let counters = sim.counters();
    assert_eq!((counters.logins, counters.login_failures, counters.connections), (1, 1, 1));
}

#[tokio::test]
async fn challenge_login_of_an_old_router() {
    let sim = start(SimConfig { version: Version::new(6, 42, 1), ..SimConfig::default() }).await;
    let mut client = Client::connect(sim.address()).await;
    for (password, expected) in [("wrong", "cannot log in"), ("admin", "")] {
        let challenge = client.result(&["/login"]).await;
        assert_eq!(challenge.len(), 32);
        let bytes: Vec<u8> = (0..16)
            .map(|i| u8::from_str_radix(&challenge[2 * i..2 * i + 2], 16).expect("hexadecimal"))
            .collect();
        let digest = Md5::new().chain_update([0]).chain_update(password).chain_update(bytes).finalize();
        let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        let response = format!("=response=00{hex}");
        if expected.is_empty() {
            assert_eq!(client.ask(&["/login", "=name=admin", &response]).await, [["!done"]]);
        } else {
            assert_eq!(client.trap(&["/login", "=name=admin", &response]).await, expected);
            // The same challenge does not count twice.
            assert_eq!(client.trap(&["/login", "=name=admin", &response]).await, expected);
        }
    }
}

#[tokio::test]
async fn both_logins_on_one_router() {
    let sim = start(SimConfig { login: Some(LoginMode::Both), ..SimConfig::default() }).await;
    let mut client = Client::connect(sim.address()).await;
    assert_eq!(client.result(&["/login"]).await.len(), 32);
    assert_eq!(client.ask(&["/login", "=name=admin", "=password=admin"]).await, [["!done"]]);
}

#[tokio::test]
async fn before_login_nothing_is_served() {
    let sim = start(SimConfig::default()).await;
    let mut client = Client::connect(sim.address()).await;
    let replies = client.ask(&["/ppp/secret/print"]).await;
    assert_eq!(replies, [["!fatal", "not logged in"]]);
    assert_eq!(client.receive().await, None);
}

#[tokio::test]
async fn rows_are_added_changed_and_removed() {
    let sim = start(SimConfig::default()).await;
    let mut client = Client::admin(sim.address()).await;
    let id = client.result(&["/ppp/secret/add", "=name=juan", "=password=x", "=service=pppoe"]).await;
    let print = ["/ppp/secret/print", "=.proplist=.id,name,disabled,comment", "?name=juan"];
    let row = |extra: &[&str]| {
        let mut words = vec!["!re".to_owned(), format!("=.id={id}"), "=name=juan".to_owned()];
        words.extend(extra.iter().map(|word| (*word).to_owned()));
        words
    };
    assert_eq!(client.ask(&print).await, [row(&["=disabled=false"]), vec!["!done".to_owned()]]);

    client.ask(&["/ppp/secret/set", &format!("=.id={id}"), "=disabled=yes", "=comment=a=b"]).await;
    assert_eq!(client.ask(&print).await[0], row(&["=disabled=true", "=comment=a=b"]));
    client.ask(&["/ppp/secret/unset", &format!("=.id={id}"), "=value-name=comment"]).await;
    assert_eq!(client.ask(&print).await[0], row(&["=disabled=true"]));
    client.ask(&["/ppp/secret/enable", "=numbers=juan"]).await;
    assert_eq!(client.ask(&print).await[0], row(&["=disabled=false"]));

    assert_eq!(
        client.trap(&["/ppp/secret/add", "=name=juan"]).await,
        "failure: secret with the same name already exists"
    );
    assert_eq!(
        client.trap(&["/ppp/secret/add", "=name=ana", "=profile=none"]).await,
        "input does not match any value of profile"
    );
    assert_eq!(client.trap(&["/ppp/secret/add", "=name=ana", "=nonsense=1"]).await, "unknown parameter");
    assert_eq!(client.trap(&["/ppp/secret/set", "=.id=*FFFF", "=disabled=yes"]).await, "no such item");
    assert_eq!(client.trap(&["/no/such/print"]).await, "no such command prefix");
    assert_eq!(client.trap(&["/ppp/secret/explode"]).await, "no such command");

    client.ask(&["/ppp/secret/remove", &format!("=.id={id}")]).await;
    assert_eq!(client.trap(&["/ppp/secret/remove", &format!("=.id={id}")]).await, "no such item");
    assert_eq!(client.ask(&print).await, [["!empty"], ["!done"]], "7.18 says so");
    let writes = sim.counters().writes;
    assert_eq!(writes["/ppp/secret"].values().sum::<u64>(), 5);
}

#[tokio::test]
async fn before_7_18_an_empty_print_is_just_done() {
    let sim = start(SimConfig { version: Version::new(7, 10, 0), ..SimConfig::default() }).await;
    let mut client = Client::admin(sim.address()).await;
    assert_eq!(client.ask(&["/ppp/secret/print"]).await, [["!done"]]);
}
