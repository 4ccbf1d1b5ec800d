//! A connection test, stage by stage; says exactly what fails and what to paste. Changes nothing on the router.

use atalaya_protocol::wire::{Check, CheckStatus};

use super::client::{self, CallError, Client, Command, TrapClass, fingerprint_text};
use crate::driver::{Credentials, DeviceError, Found, Target, TlsMode, Word};

const STAGES: [&str; 5] = ["port", "tls", "login", "rights", "secrets"];
/// No router numbers a row so: asking to change it shows whether we may, and changes nothing.
const NO_ROW: &str = "*FFFFFFFE";

/// Tries the stages in order; what cannot be tried is skipped.
pub(super) async fn test_connection(target: &Target) -> Vec<Check> {
    let mut done = Vec::new();
    run(target, &mut done).await;
    let tried = done.len();
    let skipped = || Found::new(Word::EarlierFailed, &[], "an earlier stage failed");
    done.extend(STAGES.iter().skip(tried).map(|code| skipped().check(code, CheckStatus::Skipped, "")));
    done
}

fn failed(code: &str, error: &DeviceError, remedy: impl Into<String>) -> Check {
    Found::from(error).check(code, CheckStatus::Failed, remedy)
}

async fn run(target: &Target, done: &mut Vec<Check>) {
    let (host, port) = client::address(target);
    let tcp = match client::open_tcp(target).await {
        Ok(tcp) => tcp,
        Err(error) => return done.push(failed("port", &error, port_remedy(target))),
    };
    let address = format!("{host}:{port}");
    let open = Found::new(Word::PortOpen, &[("address", &address)], format!("{address} accepts connections"));
    done.push(open.check("port", CheckStatus::Passed, ""));
    let mut opened = match client::open_tls(target, tcp).await {
        Ok(opened) => opened,
        Err(error) => return done.push(failed("tls", &error, tls_remedy())),
    };
    done.push(tls_stage(target, opened.fingerprint));
    if let Err(error) = client::log_in(target, &mut opened, false).await {
        return done.push(failed("login", &error, login_remedy(target, &error)));
    }
    let client = Client::start(opened, target.max_in_flight, None);
    let user = user(target);
    let let_in = Found::new(Word::LetIn, &[("user", user)], format!("let in as {user}"));
    done.push(let_in.check("login", CheckStatus::Passed, ""));
    done.push(rights_stage(&client, target).await);
    done.push(secrets_stage(&client, target).await);
}

fn user(target: &Target) -> &str {
    match &target.credentials {
        Credentials::UserPassword { user, .. } => user,
        Credentials::None | Credentials::SnmpV2c { .. } => "",
    }
}

fn port_remedy(target: &Target) -> String {
    let (_, port) = client::address(target);
    let service = if target.tls == TlsMode::Off { "api" } else { "api-ssl" };
    format!("/ip service set {service} disabled=no port={port}")
}

fn tls_remedy() -> String {
    "/certificate add name=atalaya-api common-name=router days-valid=3650\n/certificate sign atalaya-api\n\
     /ip service set api-ssl certificate=atalaya-api disabled=no"
        .into()
}

fn tls_stage(target: &Target, fingerprint: Option<[u8; 32]>) -> Check {
    let shown = fingerprint.as_ref().map(fingerprint_text).unwrap_or_default();
    match target.tls {
        TlsMode::Off => {
            let sentence = "the connection is in clear: whoever listens on the way reads the password";
            Found::new(Word::TlsOff, &[], sentence).check("tls", CheckStatus::Warning, tls_remedy())
        }
        TlsMode::AnyCertificate => {
            let sentence = format!("any certificate is accepted; pin this one: SHA-256 {shown}");
            Found::new(Word::TlsAny, &[("sha256", &shown)], sentence).check("tls", CheckStatus::Warning, "")
        }
        TlsMode::Pinned(_) => {
            let sentence = format!("the pinned certificate, SHA-256 {shown}");
            Found::new(Word::TlsPinned, &[("sha256", &shown)], sentence).check("tls", CheckStatus::Passed, "")
        }
    }
}

fn login_remedy(target: &Target, error: &DeviceError) -> String {
    match error {
        DeviceError::Refused { .. } => user_script(user(target)),
        _ => String::new(),
    }
}

/// The least that the agent needs, to paste on the router.
fn user_script(user: &str) -> String {
    format!(
        "/user group add name=atalaya policy=read,write,api,sensitive,test\n\
         /user add name={user} group=atalaya password=CHOOSE-ONE"
    )
}

/// Tries each right by something that needs it and changes nothing.
async fn rights_stage(client: &Client, target: &Target) -> Check {
    let mut missing = Vec::new();
    let read = client.call(&Command::new("/system/identity/print")).await;
    if is_denied(&read) {
        missing.push("read");
    }
    let write =
        client.call(&Command::new("/ppp/secret/set").with(".id", NO_ROW).with("disabled", "no")).await;
    if is_denied(&write) {
        missing.push("write");
    }
    for outcome in [read.map(drop), write.map(drop)] {
        if let Err(CallError::Session(error)) = outcome {
            return failed("rights", &error, "");
        }
    }
    if missing.is_empty() {
        return Found::new(Word::RightsHeld, &[], "read, write").check("rights", CheckStatus::Passed, "");
    }
    let held = group_of(client, target).await;
    let group = held.as_deref().unwrap_or("GROUP");
    let missing = missing.join(", ");
    let sentence = format!("the user's group lacks the policy {missing}");
    let remedy = format!("/user group set [find name={group}] policy=read,write,api,sensitive,test");
    let found = Found::new(Word::RightsMissing, &[("policies", &missing)], sentence);
    found.check("rights", CheckStatus::Failed, remedy)
}

async fn group_of(client: &Client, target: &Target) -> Option<String> {
    let command = Command::new("/user/print").columns(&["group"]).any_of("name", [user(target)]);
    let reply = client.call(&command).await.ok()?;
    reply.rows.first().map(|row| row.text("group").to_owned())
}

fn is_denied<T>(outcome: &Result<T, CallError>) -> bool {
    matches!(outcome, Err(error) if error.class() == Some(TrapClass::Rights))
}

/// Whether subscribers' secrets can be read, and whether their passwords can be compared.
async fn secrets_stage(client: &Client, target: &Target) -> Check {
    let counted = client.call(&Command::new("/ppp/secret/print").with("count-only", "")).await;
    let count = match counted {
        Ok(reply) => reply.ret.unwrap_or_default(),
        Err(error) if error.class() == Some(TrapClass::NoSuchCommand) => {
            let found = Found::new(Word::NoPpp, &[], "this router has no PPP secrets (package ppp)");
            return found.check("secrets", CheckStatus::Warning, "");
        }
        Err(error) => return failed("secrets", &error.into(), ""),
    };
    let readable = || {
        let found = Found::new(Word::Secrets, &[("count", &count)], format!("{count} secrets"));
        found.check("secrets", CheckStatus::Passed, "")
    };
    if count == "0" {
        return readable();
    }
    // Whether it is there is all that is kept of it.
    let shown = client.call(&Command::new("/ppp/secret/print").columns(&["password"])).await;
    match shown {
        Ok(reply) if reply.rows.iter().any(|row| !row.text("password").is_empty()) => readable(),
        Ok(_) => {
            let group = group_of(client, target).await.unwrap_or_else(|| "GROUP".into());
            let sentence = format!(
                "{count} secrets; their passwords are hidden (policy sensitive is missing), so a changed one is written without comparing"
            );
            let remedy = format!("/user group set [find name={group}] policy=read,write,api,sensitive,test");
            Found::new(Word::SecretsHidden, &[("count", &count)], sentence).check(
                "secrets",
                CheckStatus::Warning,
                remedy,
            )
        }
        Err(error) => failed("secrets", &error.into(), ""),
    }
}
