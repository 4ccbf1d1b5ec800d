//! Web push, with a decrypter that others wrote at the other end: what a browser is told, and what becomes of it when its push
//! service delays, refuses or dies.

use super::{Database, on_each_database};
use atalaya_tests::{
    harness::{Api, Options, PushService, wait_for, wait_until},
    isp::{Founded, OWNER, PASSWORD, TENANT, id_of},
};
use serde_json::{Value, json};
use std::time::Duration;

const SOON: Duration = Duration::from_secs(60);

on_each_database!(people_are_told_in_their_browsers);

fn people_are_told_in_their_browsers(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(service) = PushService::start(&folder.path().join("push")).expect("it starts") else { return };
    let config = Some(PushService::settings().to_owned());
    let options = Options { config, ..database.options(folder.path()) };
    let mut isp = Founded::start(options).expect("it starts");
    let key = public_key(&isp.owner);
    let browser = service.browser(&key).expect("a browser subscribes");
    let name = browser["name"].as_str().expect("it has a name").to_owned();
    switch_on(&isp.owner, &browser);
    the_browser_alone_reads_it(&isp, &service, &name);
    a_service_that_wants_peace_or_dies(&isp, &service);
    a_process_that_dies(&mut isp, &service);
    assert_eq!(public_key(&isp.owner), key, "it is made once");
    what_is_refused_is_given_up(&isp, &service);
    a_browser_that_is_over(&isp, &service);
    let log = isp.control_plane.process.log();
    assert!(log.contains("people.push") && !log.contains(&name), "an address is a secret");
}

fn public_key(owner: &Api) -> String {
    let key = owner.get("/me/push-key").expect("there is a key");
    key["public_key"].as_str().expect("it is shown").to_owned()
}

/// Has notices of the owner pushed to a browser; its id.
fn switch_on(owner: &Api, browser: &Value) -> String {
    let wanted = json!({
        "name": "Firefox · Windows", "endpoint": browser["endpoint"], "p256dh": browser["p256dh"], "auth": browser["auth"],
    });
    let made = owner.post("/me/push-subscriptions", &wanted).expect("it can be switched on");
    for secret in ["endpoint", "auth"] {
        let secret = browser[secret].as_str().expect("it is given");
        assert!(!made.to_string().contains(secret), "{made}");
    }
    id_of(&made).expect("it has an id")
}

/// Makes an API key, of which its maker is told at once.
fn key_is_made(isp: &Founded, name: &str) {
    let key = json!({"name": name, "permissions": ["customer.read"]});
    isp.owner.post("/api-keys", &key).expect("a key can be made");
}

/// What the service was given about a key, oldest first.
fn arrived(service: &PushService, key: &str, count: usize) -> Vec<Value> {
    wait_for(&format!("{count} messages about {key:?}"), SOON, || {
        let messages = service.messages().expect("it writes messages");
        let is_about = |message: &Value| message["said"]["text"].to_string().contains(key);
        let found: Vec<_> = messages.into_iter().filter(is_about).collect();
        (found.len() >= count).then_some(found)
    })
}

/// Notices that are pushed, newest first.
fn pushed(isp: &Founded) -> Vec<Value> {
    let page = isp.owner.get("/notices?limit=100").expect("notices can be listed");
    let items = page["items"].as_array().expect("a list").clone();
    items.into_iter().filter(|notice| notice["channel"] == "push").collect()
}

/// A key is made, and the notice of it comes to be in a state.
fn becomes(isp: &Founded, service: &PushService, key: &str, state: &str) -> Value {
    key_is_made(isp, key);
    let topic = arrived(service, key, 1)[0]["topic"].clone();
    wait_for(&format!("the notice of {key:?} to be {state}"), SOON, || {
        pushed(isp).into_iter().find(|notice| notice["id"] == topic && notice["state"] == state)
    })
}

fn the_browser_alone_reads_it(isp: &Founded, service: &PushService, name: &str) {
    let sent = becomes(isp, service, "Planillas", "sent");
    let [message] = arrived(service, "Planillas", 1).try_into().expect("one message");
    assert_eq!((&message["to"], &message["topic"]), (&json!(name), &sent["id"]));
    assert_eq!((&message["urgency"], &message["sub"]), (&json!("high"), &json!("mailto:red@isp.example")));
    assert!(message["ttl"].as_i64().is_some_and(|ttl| (86_000..=86_400).contains(&ttl)), "{message}");
    let said = &message["said"];
    assert_eq!((&said["lang"], &said["path"]), (&json!("es-419"), &json!("/profile")));
    assert_eq!((&said["tag"], &sent["address"]), (&sent["id"], &json!("Firefox · Windows")));
    assert!(said["title"].as_str().is_some_and(|title| title.contains("NetAndina")), "{said}");
}

fn a_service_that_wants_peace_or_dies(isp: &Founded, service: &PushService) {
    service.plan(&["429 2", "503"]).expect("it can be told");
    let sent = becomes(isp, service, "Con paciencia", "sent");
    assert_eq!(sent["attempts"], 3);
    assert_eq!(arrived(service, "Con paciencia", 3).len(), 3);
    service.plan(&["die"]).expect("it can be told");
    let sent = becomes(isp, service, "Dos veces", "sent");
    let messages = arrived(service, "Dos veces", 2);
    assert!(
        messages.iter().all(|message| message["topic"] == sent["id"]),
        "the second is known for the first"
    );
}

fn a_process_that_dies(isp: &mut Founded, service: &PushService) {
    isp.control_plane.restart(Some("notice-handed-over")).expect("it starts again");
    // The log-in itself is told of: it is handed over, and not noted.
    isp.owner = isp.control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in again");
    isp.control_plane.process.wait_for_abort(SOON);
    let unnoted = service.messages().expect("messages").pop().expect("it was handed over");
    isp.control_plane.restart(None).expect("it starts again");
    isp.owner = isp.control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in again");
    wait_until("both log-ins to have been told of", SOON, || {
        let of_log_ins = |notice: &Value| notice["template"] == "new_browser" && notice["state"] == "sent";
        pushed(isp).into_iter().filter(of_log_ins).count() == 2
    });
    let messages = service.messages().expect("messages");
    let again = messages.iter().filter(|message| message["topic"] == unnoted["topic"]).count();
    assert_eq!(again, 2, "it is sent again, as the same");
}

fn what_is_refused_is_given_up(isp: &Founded, service: &PushService) {
    service.plan(&["413"]).expect("it can be told");
    let failed = becomes(isp, service, "Demasiado", "failed");
    assert_eq!((&failed["reason"], &failed["attempts"]), (&json!("rejected"), &json!(1)));
    let detail = failed["detail"].as_str().expect("it says why");
    assert!(detail.starts_with("the push service said: 413 about "), "{detail}");
    // One that subscribed with another key takes nothing of us.
    let other = switch_on(&isp.owner, &service.browser("BCVxsr7N").expect("a browser subscribes"));
    key_is_made(isp, "Otra clave");
    wait_until("the service to refuse", SOON, || {
        let refused = "the key is another than the browser subscribed with";
        pushed(isp).iter().any(|notice| notice["detail"].to_string().contains(refused))
    });
    let path = format!("/me/push-subscriptions/{other}");
    isp.owner.call("DELETE", &path, None, None).expect("it can be switched off");
}

fn a_browser_that_is_over(isp: &Founded, service: &PushService) {
    service.plan(&["410"]).expect("it can be told");
    let gone = becomes(isp, service, "Al final", "held");
    assert_eq!(gone["reason"], "gone");
    let left = isp.owner.get("/me/push-subscriptions").expect("they can be listed");
    assert_eq!(left["items"], json!([]), "it is removed");
}
