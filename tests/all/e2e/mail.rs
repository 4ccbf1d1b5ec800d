//! E-mail through a real server: what it takes, what it refuses, and what becomes of it when either end dies.

use super::{Database, on_each_database};
use atalaya_tests::{
    harness::{Api, MailServer, Options, bytes, wait_for, wait_until},
    isp::{Founded, LOGO, OWNER, PASSWORD, TENANT, id_of},
};
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use serde_json::{Value, json};
use std::{fs, time::Duration};

const SOON: Duration = Duration::from_secs(60);
const EVA: &str = "eva.salas@netandina.example";

on_each_database!(people_are_told_by_mail);

fn people_are_told_by_mail(database: Database) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let Some(server) = MailServer::start(&folder.path().join("mail")).expect("it starts") else { return };
    let options = Options { config: Some(server.settings()), ..database.options(folder.path()) };
    let mut isp = Founded::start(options).expect("it starts");
    the_command_says_what_fails(&isp, &server);
    a_new_log_in_is_told(&server);
    let user = invited(&isp, &server);
    refused_for_good(&isp, &server, &user);
    let user = user.as_str();
    a_server_that_does_not_answer(&isp, &server, user);
    a_process_that_dies(&mut isp, &server, user);
    the_password_is_forgotten(&isp, &server);
    the_first_owner_of_another_isp_is_invited(&isp, &server);
    in_words_and_with_a_logo_of_its_own(&isp, &server);
}

/// Messages to somebody of which the subject begins so, oldest first.
fn to(server: &MailServer, whom: &str, subject: &str) -> Vec<Value> {
    let messages = server.messages().expect("it writes messages");
    let fits = |message: &Value| {
        let begins = message["headers"]["subject"].as_str().is_some_and(|text| text.starts_with(subject));
        message["to"] == json!([whom]) && begins
    };
    messages.into_iter().filter(fits).collect()
}

fn arrived(server: &MailServer, whom: &str, subject: &str, count: usize) -> Vec<Value> {
    wait_for(&format!("{count} of {subject:?}"), SOON, || {
        let found = to(server, whom, subject);
        (found.len() >= count).then_some(found)
    })
}

fn id(message: &Value) -> &str {
    message["headers"]["message-id"].as_str().expect("a message has an id")
}

/// Token of the link in a message.
fn token(message: &Value) -> String {
    let text = message["text"].as_str().expect("it has a text");
    let (_, rest) = text.split_once("https://atalaya.example/set-password#").expect("with a link");
    rest.chars().take_while(char::is_ascii_hexdigit).collect()
}

/// The newest notice of a user.
fn newest(isp: &Founded, user: &str) -> Value {
    let page = isp.owner.get(&format!("/notices?user={user}&limit=1")).expect("notices can be listed");
    page["items"][0].clone()
}

fn becomes(isp: &Founded, user: &str, state: &str) -> Value {
    wait_for(&format!("the notice to be {state}"), SOON, || {
        let notice = newest(isp, user);
        (notice["state"] == state).then_some(notice)
    })
}

fn send_link(isp: &Founded, user: &str) -> Value {
    let link = isp.owner.post(&format!("/users/{user}/link"), &json!({"send": true}));
    let link = link.expect("a link can be sent");
    assert_eq!(link["sent"], true);
    link
}

fn the_command_says_what_fails(isp: &Founded, server: &MailServer) {
    let test = ["mail", "test", "--to", "somebody@elsewhere.example"];
    let said = isp.control_plane.command(&test, "").expect("the server takes it");
    assert!(said.contains("took a message"), "{said}");
    let [message] = to(server, "somebody@elsewhere.example", "Atalaya").try_into().expect("one message");
    assert_eq!((&message["protected"], &message["authenticated"]), (&json!(true), &json!(true)));
    let settings = server.settings();
    let ca = settings.split('"').find(|text| text.ends_with("/ca.pem")).expect("it names its authority");
    fs::write(ca.replace("/ca.pem", "/other.pem"), OTHER_AUTHORITY).expect("a file can be written");
    for (right, wrong, reason) in [
        ("file:", "file:/nowhere", "[mail] password"),
        ("[mail]\n", "[mail]\nencryption = \"tls\"\n", "no protected connection"),
        ("user = \"avisos\"", "user = \"nobody\"", "user and password"),
        ("host = \"localhost\"", "host = \"127.0.0.2\"", "127.0.0.2"),
        ("/ca.pem", "/other.pem", "certificate"),
    ] {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let options =
            Options { config: Some(settings.replace(right, wrong)), ..Options::in_folder(folder.path()) };
        let said = atalaya_tests::harness::run_command(&options, &test, "");
        let said = said.unwrap_or_else(|error| format!("{error:#}"));
        assert!(said.contains(reason), "{wrong}: {said}");
    }
}

/// An authority that signed nothing here.
const OTHER_AUTHORITY: &str = include_str!("other_authority.pem");

fn a_new_log_in_is_told(server: &MailServer) {
    let [message] = arrived(server, OWNER, "Nuevo ingreso", 1).try_into().expect("one message");
    assert_eq!(message["from"], "avisos@atalaya.example");
    let headers = &message["headers"];
    assert!(headers["from"].as_str().is_some_and(|from| from.starts_with("NetAndina <")), "{headers}");
    assert_eq!(
        (&headers["auto-submitted"], &headers["content-language"]),
        (&json!("auto-generated"), &json!("es-419"))
    );
    assert!(message["html"].as_str().is_some_and(|html| html.contains("<p>Hola, Rosa Campos:</p>")));
}

/// Somebody is invited while the server wants to be asked again.
fn invited(isp: &Founded, server: &MailServer) -> String {
    server.plan(&["later"]).expect("it can be told");
    let new = json!({"name": "Eva Salas", "email": EVA, "role": "cashier"});
    let user = id_of(&isp.owner.post("/users", &new).expect("somebody can be made")).expect("with an id");
    let link = send_link(isp, &user);
    let waiting = wait_for("the first attempt", SOON, || {
        let notice = newest(isp, &user);
        notice["detail"].is_string().then_some(notice)
    });
    assert!(waiting["detail"].as_str().is_some_and(|said| said.contains("greylisted")), "{waiting}");
    let sent = becomes(isp, &user, "sent");
    assert_eq!((&sent["attempts"], &sent["address"]), (&json!(2), &json!(EVA)));
    let [refused, taken] = to(server, EVA, "Invitación").try_into().expect("two attempts");
    assert_eq!((id(&refused), &taken["did"]), (id(&taken), &json!("ok")));
    assert_eq!(json!(token(&taken)), link["token"]);
    let anybody = Api::anonymous(isp.control_plane.http());
    let used = json!({"token": token(&taken), "password": PASSWORD});
    anybody.post("/password-links/use", &used).expect("the link is good");
    arrived(server, EVA, "Su contraseña", 1);
    becomes(isp, &user, "sent");
    user
}

fn refused_for_good(isp: &Founded, server: &MailServer, user: &str) {
    server.plan(&["never"]).expect("it can be told");
    let link = send_link(isp, user);
    let failed = becomes(isp, user, "failed");
    assert_eq!((&failed["reason"], &failed["attempts"]), (&json!("rejected"), &json!(1)));
    let detail = failed["detail"].as_str().expect("it says why");
    assert!(detail.contains("550") && detail.contains("looks like spam"), "{detail}");
    let secret = link["token"].as_str().expect("it is shown");
    assert!(detail.contains("set-password#…") && !detail.contains(secret), "quoted by the server: {detail}");
    assert!(!isp.control_plane.process.log().contains(secret));
    let list = isp.owner.get("/notices?state=failed").expect("they can be listed");
    assert_eq!(list["items"][0]["id"], failed["id"]);
}

fn a_server_that_does_not_answer(isp: &Founded, server: &MailServer, user: &str) {
    for what in ["hang", "die"] {
        let before = to(server, EVA, "Poner otra contraseña").len();
        server.plan(&[what]).expect("it can be told");
        send_link(isp, user);
        let sent = becomes(isp, user, "sent");
        let both = arrived(server, EVA, "Poner otra contraseña", before + 2);
        let [first, second] = &both[before..] else { panic!("{what}: {} messages", both.len() - before) };
        assert_eq!((&first["did"], &second["did"]), (&json!(what), &json!("ok")));
        assert_eq!(id(first), id(second), "the second can be known for the first");
        assert!(id(first).contains(sent["id"].as_str().expect("a notice has an id")));
    }
}

fn a_process_that_dies(isp: &mut Founded, server: &MailServer, user: &str) {
    let before = to(server, EVA, "Poner otra contraseña").len();
    isp.control_plane.restart(Some("notice-handed-over")).expect("it starts again");
    isp.owner = isp.control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in again");
    // The log-in itself may be what is told of: whatever is sent first is handed over, and not noted.
    let _ = isp.owner.post(&format!("/users/{user}/link"), &json!({"send": true}));
    isp.control_plane.process.wait_for_abort(SOON);
    let unnoted = server.messages().expect("messages").pop().expect("it was handed over");
    isp.control_plane.restart(None).expect("it starts again");
    wait_until("it to be sent again, under the same id", SOON, || {
        let messages = server.messages().expect("messages");
        messages.iter().filter(|message| id(message) == id(&unnoted)).count() == 2
    });
    isp.owner = isp.control_plane.log_in(TENANT, OWNER, PASSWORD).expect("the owner logs in again");
    wait_until("everything to be sent", SOON, || {
        let waiting = isp.owner.get("/notices?state=waiting").expect("they can be listed");
        waiting["items"] == json!([])
    });
    assert!(to(server, EVA, "Poner otra contraseña").len() >= before);
}

fn the_password_is_forgotten(isp: &Founded, server: &MailServer) {
    let anybody = Api::anonymous(isp.control_plane.http());
    let options = anybody.get("/login-options").expect("it is public");
    assert_eq!(options["can_ask_link"], true);
    let before = to(server, EVA, "Poner otra contraseña").len();
    for email in ["nobody@netandina.example", EVA] {
        let wanted = json!({"tenant": TENANT, "email": email});
        let answer = anybody.call("POST", "/password-links/ask", None, Some(&wanted)).expect("whoever it is");
        assert_eq!(answer.body, json!(""), "{email}");
    }
    let messages = arrived(server, EVA, "Poner otra contraseña", before + 1);
    let used = json!({"token": token(&messages[before]), "password": "otro-caballo-2026"});
    anybody.post("/password-links/use", &used).expect("the link is good");
    isp.control_plane.log_in(TENANT, EVA, "otro-caballo-2026").expect("with the new password");
    assert!(to(server, "nobody@netandina.example", "").is_empty());
}

fn the_first_owner_of_another_isp_is_invited(isp: &Founded, server: &MailServer) {
    let (operator, ines) = ("olga@hosting.example", "ines@vallenet.example");
    let make = ["platform", "operator", "create", "--email", operator, "--name", "Olga Norte"];
    isp.control_plane.command(&make, PASSWORD).expect("an operator can be made");
    let olga = Api::operator(isp.control_plane.http(), operator, PASSWORD).expect("who can log in");
    let tenant = json!({
        "slug": "valle-net", "name": "Valle Net", "country": "BR", "currency": "BRL", "time_zone": "America/Sao_Paulo",
        "locale": "pt-BR",
    });
    let new = json!({"tenant": tenant, "owner_name": "Inês Valle", "owner_email": ines, "send": true});
    let made = olga.post("/platform/tenants", &new).expect("an ISP can be made");
    assert_eq!(made["invitation"]["sent"], true);
    let [message] = arrived(server, ines, "", 1).try_into().expect("one message");
    assert_eq!(message["headers"]["content-language"], "pt-BR", "in the language of her ISP");
    let set = json!({"token": token(&message), "password": PASSWORD});
    Api::anonymous(isp.control_plane.http()).post("/password-links/use", &set).expect("the link is good");
    isp.control_plane.log_in("valle-net", ines, PASSWORD).expect("with which she logs in");
}

fn in_words_and_with_a_logo_of_its_own(isp: &Founded, server: &MailServer) {
    let path = "/notice-templates/invitation/es-419";
    let words = json!({"subject": "{person}, {isp} le espera", "text": "Hasta el {until}.\n\n<b>Gracias</b> & saludos", "version": null});
    let preview = json!({"subject": words["subject"], "text": words["text"]});
    let preview = isp.owner.post(&format!("{path}/preview"), &preview).expect("it can be seen before");
    assert_eq!(preview["subject"], "Rosa Campos, NetAndina le espera");
    isp.owner.call("PUT", path, None, Some(&words)).expect("an ISP may say it in its words");
    isp.owner.call("PUT", "/tenant/logo", None, Some(&bytes(LOGO))).expect("and have a logo");
    let (email, name) = ("ines@netandina.example", "Inés Prado");
    let new = json!({"name": name, "email": email, "role": "cashier"});
    let user = id_of(&isp.owner.post("/users", &new).expect("somebody can be made")).expect("with an id");
    let link = send_link(isp, &user);
    let [message] =
        arrived(server, email, "Inés Prado, NetAndina le espera", 1).try_into().expect("one message");
    assert_eq!(json!(token(&message)), link["token"], "the link is there all the same");
    let (text, html) = (message["text"].as_str().expect("text"), message["html"].as_str().expect("HTML"));
    assert!(
        text.contains("<b>Gracias</b> & saludos")
            && html.contains("&lt;b&gt;Gracias&lt;/b&gt; &amp; saludos")
    );
    let [picture] = message["pictures"].as_array().expect("pictures").as_slice() else { panic!("{message}") };
    assert_eq!((&picture["id"], &picture["type"]), (&json!("<logo@notice>"), &json!("image/png")));
    assert_eq!(picture["content"], BASE64.encode(LOGO));
    assert!(
        html.contains("<img src=\"cid:logo@notice\" alt=\"NetAndina\" width=\"120\" height=\"40\">"),
        "{html}"
    );
    isp.owner.call("DELETE", path, None, None).expect("and take its words back");
    send_link(isp, &user);
    arrived(server, email, "Invitación a NetAndina", 1);
}
