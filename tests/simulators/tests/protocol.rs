//! The binary API as a client meets it: log-in, rows, traps, tags, faults.

use crate::client::{self, Client};
use atalaya_simulators::routeros::{LoginMode, RouterSim, SimConfig, Version};
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

#[tokio::test]
async fn proplist_queries_and_count() {
    let mut config = SimConfig::default();
    for (name, profile) in [("ana", "default"), ("juan", "default-encryption"), ("zoe", "default")] {
        let words = [format!("=name={name}"), format!("=profile={profile}")];
        config = config.with_command(std::iter::once("/ppp/secret/add".to_owned()).chain(words));
    }
    let sim = start(config).await;
    let mut client = Client::admin(sim.address()).await;
    let names = async |client: &mut Client, queries: &[&str]| -> Vec<String> {
        let words = [&["/ppp/secret/getall", "=.proplist=name"], queries].concat();
        let rows = client.ask(&words).await;
        rows.iter().filter(|row| row[0] == "!re").map(|row| row[1].replace("=name=", "")).collect()
    };
    assert_eq!(names(&mut client, &[]).await, ["ana", "juan", "zoe"]);
    assert_eq!(names(&mut client, &["?profile=default"]).await, ["ana", "zoe"]);
    assert_eq!(names(&mut client, &["?name=ana", "?name=zoe", "?#|"]).await, ["ana", "zoe"]);
    assert_eq!(names(&mut client, &["?name=ana", "?#!"]).await, ["juan", "zoe"]);
    assert_eq!(names(&mut client, &["?>name=juan"]).await, ["zoe"]);
    assert_eq!(names(&mut client, &["?-comment", "?profile=default-encryption"]).await, ["juan"]);
    assert_eq!(client.result(&["/ppp/secret/print", "=count-only=", "?profile=default"]).await, "2");
    let message = client.trap(&["/ppp/secret/print", "?#x"]).await;
    assert_eq!(message, "invalid query word ?#x");
}

#[tokio::test]
async fn replies_of_two_tags_interleave() {
    let mut config = SimConfig::default();
    for number in 0..500 {
        config = config.with_command(["/ppp/secret/add".to_owned(), format!("=name=sub{number}")]);
    }
    let sim = start(config).await;
    let mut client = Client::admin(sim.address()).await;
    client.send(&["/ppp/secret/print", ".tag=a"]).await;
    client.send(&["/ppp/secret/print", ".tag=b"]).await;
    let mut tags = Vec::new();
    let mut done = 0;
    while done < 2 {
        let sentence = client.receive().await.expect("replies");
        done += usize::from(sentence[0] == "!done");
        tags.push(sentence[1].clone());
    }
    assert_eq!(tags.len(), 2 * 501);
    let changes = tags.windows(2).filter(|pair| pair[0] != pair[1]).count();
    assert!(changes > 20, "rows of the two commands are mixed: {changes} changes");
    assert_eq!(sim.counters().max_in_flight, 2);
}

#[tokio::test]
async fn listen_is_cancelled_by_tag() {
    let sim = start(SimConfig::default()).await;
    let mut client = Client::admin(sim.address()).await;
    client.send(&["/ppp/secret/listen", ".tag=7"]).await;
    // Rows come for what changes after the listen began; a print on the same connection comes after it.
    client.ask(&["/system/identity/print"]).await;
    tokio::time::timeout(client::PATIENCE, async {
        let mut number = 0;
        loop {
            number += 1;
            sim.operate(&["/ppp/secret/add".to_owned(), format!("=name=new{number}")]);
            let waited = tokio::time::timeout(std::time::Duration::from_millis(300), client.receive()).await;
            if let Ok(sentence) = waited {
                let sentence = sentence.expect("open connection");
                assert_eq!(&sentence[..2], ["!re", ".tag=7"]);
                break;
            }
        }
    })
    .await
    .expect("a row of the change");
    client.send(&["/cancel", "=tag=7", ".tag=8"]).await;
    let mut ends = Vec::new();
    while ends.len() < 3 {
        let sentence = client.receive().await.expect("open connection");
        if sentence[0] != "!re" {
            ends.push(sentence);
        }
    }
    assert_eq!(ends[0], ["!trap", ".tag=7", "=category=2", "=message=interrupted"]);
    assert_eq!(ends[1], ["!done", ".tag=8"]);
    assert_eq!(ends[2], ["!done", ".tag=7"]);
    assert_eq!(client.ask(&["/quit"]).await, [["!fatal", "session terminated on request"]]);
    assert_eq!(client.receive().await, None);
}

#[tokio::test]
async fn monitor_traffic_once() {
    let sim = start(SimConfig::default()).await;
    let mut client = Client::admin(sim.address()).await;
    let replies = client.ask(&["/interface/monitor-traffic", "=interface=ether2", "=once="]).await;
    assert_eq!(replies.len(), 2);
    assert_eq!(&replies[0][..2], ["!re", "=name=ether2"]);
    let message = client.trap(&["/interface/monitor-traffic", "=interface=nope", "=once="]).await;
    assert_eq!(message, "input does not match any value of interface");
}

#[tokio::test]
async fn tools_of_the_router() {
    let config = SimConfig { echo_interval_ms: 1, ..SimConfig::default() }
        .with_command(["/user/group/add", "=name=watch", "=policy=api,read"])
        .with_command(["/user/add", "=name=eye", "=password=p", "=group=watch"]);
    let sim = start(config).await;
    let mut client = Client::admin(sim.address()).await;
    let replies = client.ask(&["/ping", "=address=203.0.113.80", "=count=2"]).await;
    assert_eq!(replies.len(), 3);
    assert_eq!(&replies[1][..3], ["!re", "=seq=1", "=host=203.0.113.80"]);
    assert!(replies[1].contains(&"=packet-loss=0".to_owned()));
    let replies = client.ask(&["/ping", "=address=192.0.2.7", "=count=1"]).await;
    assert!(replies[0].contains(&"=status=timeout".to_owned()), "nobody has this address");
    let replies = client.ask(&["/tool/traceroute", "=address=203.0.113.80", "=count=2"]).await;
    assert_eq!(replies.len(), 5, "two hops in two rounds: {replies:?}");
    assert_eq!(&replies[3][1..3], ["=.section=1", "=address=203.0.113.80"]);
    assert_eq!(client.trap(&["/ping", "=address=nobody"]).await, "invalid value for argument address");
    let mut eye = Client::connect(sim.address()).await;
    eye.ask(&["/login", "=name=eye", "=password=p"]).await;
    assert_eq!(eye.trap(&["/ping", "=address=203.0.113.80"]).await, "not enough permissions (9)");
    assert_eq!(sim.counters().tools["ping"], 3);
}

#[tokio::test]
async fn a_group_without_policies_is_held_back() {
    let config = SimConfig::default()
        .with_command(["/user/group/add", "=name=watch", "=policy=api,read"])
        .with_command(["/user/add", "=name=eye", "=password=p", "=group=watch"])
        .with_command(["/user/add", "=name=off", "=password=p", "=group=watch", "=disabled=yes"])
        .with_command(["/ppp/secret/add", "=name=juan", "=password=hidden"]);
    let sim = start(config).await;
    let mut client = Client::connect(sim.address()).await;
    let message = client.trap(&["/login", "=name=off", "=password=p"]).await;
    assert_eq!(message, "invalid user name or password (6)");
    client.ask(&["/login", "=name=eye", "=password=p"]).await;
    let row = client.ask(&["/ppp/secret/print", "=.proplist=name,password"]).await;
    assert_eq!(row[0], ["!re", "=name=juan"], "no password without `sensitive`");
    assert_eq!(client.trap(&["/ppp/secret/remove", "=.id=juan"]).await, "not enough permissions (9)");
    assert_eq!(client.trap(&["/user/add", "=name=x", "=group=full"]).await, "not enough permissions (9)");

    sim.operate(&["/user/group/set", "=.id=watch", "=policy=api,read,write,sensitive"]);
    let row = client.ask(&["/ppp/secret/print", "=.proplist=name,password"]).await;
    assert_eq!(row[0], ["!re", "=name=juan", "=password=hidden"], "a change of the group counts at once");
    sim.update_faults(|faults| faults.denied_policies = vec!["write".to_owned()]);
    assert_eq!(client.trap(&["/ppp/secret/remove", "=.id=juan"]).await, "not enough permissions (9)");
}

#[tokio::test]
async fn conflicts_and_dynamic_rows_are_refused() {
    let sim = start(SimConfig::isp(1, true)).await;
    let mut client = Client::admin(sim.address()).await;
    let entry = ["/ip/firewall/address-list/add", "=list=morosos", "=address=10.9.0.1/32"];
    client.ask(&entry).await;
    assert_eq!(client.trap(&entry).await, "failure: already have such entry", "a host is its own /32");
    let invalid = client.ask(&["/ip/firewall/address-list/add", "=list=x", "=address=10.0.0.300"]).await;
    assert_eq!(invalid[0], ["!trap", "=category=1", "=message=invalid value for argument address"]);
    let queue = client.ask(&["/queue/simple/print", "=.proplist=.id", "?dynamic=true"]).await;
    let id = queue[0][1].clone();
    assert_eq!(client.trap(&["/queue/simple/remove", &id]).await, "failure: can not remove dynamic simple");
    assert_eq!(
        client.trap(&["/ppp/profile/remove", "=.id=default"]).await,
        "failure: can not remove default profile"
    );
    let placed = ["/ip/firewall/filter/add", "=chain=forward", "=action=drop", "=place-before=*EE"];
    assert_eq!(client.trap(&placed).await, "no such item (4)");
}

#[tokio::test]
async fn dates_follow_the_version() {
    for (version, separator) in [(Version::new(6, 49, 10), '/'), (Version::new(7, 18, 2), '-')] {
        let sim = start(SimConfig { version, clock_offset_s: 7_200, ..SimConfig::default() }).await;
        let mut client = Client::admin(sim.address()).await;
        let row = client.ask(&["/system/clock/print", "=.proplist=date"]).await;
        assert!(row[0][1].contains(separator), "{version}: {:?}", row[0]);
    }
}
