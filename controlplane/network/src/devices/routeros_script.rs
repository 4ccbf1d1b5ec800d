//! The lines that make a least-privilege user on a MikroTik router. Pure, but for the password given.
//!
//! The group gets five policies, each for a reason, and is denied the rest by name, because a group that existed may
//! have more:
//!
//! - `api`: the log-in itself, over the binary API and no other door;
//! - `read`: identity, resources, interfaces, PPP secrets and sessions, queues, address lists;
//! - `write`: the secret's profile, our queues and list entries, dropping a session;
//! - `sensitive`: to compare a secret's password instead of writing it again each time, and to read whether RADIUS is in
//!   use;
//! - `test`: `ping` and monitor commands for diagnosis from the router's side.
//!
//! Not given: `policy` (cannot make users), `ftp`, `ssh`, `telnet`, `winbox`, `web`, `rest-api`, `reboot`, `password`,
//! `sniff`, `romon`, `local`.

use super::WRITE;
use crate::agents;
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    events::EntityRef,
    ids::AgentId,
    secrets::{ShownOnce, random_token},
    write_tx,
};
use serde::{Deserialize, Serialize};
use std::net::IpAddr;
use utoipa::ToSchema;

const POLICIES: &str = "api,read,write,test,sensitive,!policy,!ftp,!ssh,!telnet,!winbox,!web,!reboot,!password,!sniff,!romon,!local,!rest-api";
/// Before RouterOS 7.1 there is no `rest-api`, and a script with an unknown policy fails as a whole.
const POLICIES_V6: &str = "api,read,write,test,sensitive,!policy,!ftp,!ssh,!telnet,!winbox,!web,!reboot,!password,!sniff,!romon,!local";
const USER: &str = "atalaya";

/// What the script is for.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScriptRequest {
    /// Name of the device, for the comments.
    pub name: String,
    /// Agent that will log in.
    pub agent_id: AgentId,
    /// Whether a certificate for `api-ssl` is made too.
    #[serde(default)]
    pub tls: bool,
    /// Address or network from which the agent comes; any when absent.
    pub agent_address: Option<String>,
}

/// The script and the log-in that it makes; shown once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RouterosScript {
    /// Lines for the router's terminal; may be pasted twice.
    #[schema(example = "/user add name=atalaya group=full password=shown-this-once", value_type = String)]
    pub script: ShownOnce,
    /// User that it makes.
    #[schema(example = "atalaya")]
    pub user: String,
    /// Its password.
    #[schema(example = "shown-this-once", value_type = String)]
    pub password: ShownOnce,
}

/// Makes the script, with a fresh password.
///
/// # Errors
/// Wrong fields, unknown agent, or without `device.write`.
pub async fn routeros_script(ctx: &Ctx, request: ScriptRequest) -> Result<RouterosScript, Error> {
    ctx.authorize(WRITE)?;
    let mut validation = Validation::new();
    let name = validation.text(&request.name, "/name", 80);
    let address = validation.optional_text(request.agent_address.as_deref(), "/agent_address", 64);
    let is_address = address.as_deref().is_none_or(is_network);
    validation.check(
        is_address,
        "/agent_address",
        "malformed",
        "an IP address or network such as 10.20.0.5 or 10.20.0.0/24",
    );
    validation.finish()?;
    // 128 bits; letters and digits only, so that no terminal quotes or breaks it.
    let password: String = random_token().chars().take(32).collect();
    write_tx!(ctx, tx => {
        agents::agent_exists(&mut tx, &request.agent_id, "/agent_id").await?;
        let entry = Entry::new("device.script", EntityRef::new("agent", &request.agent_id)).after(&name)?;
        audit::record(ctx, &mut tx, entry).await?;
        Ok(())
    })?;
    let script = script(&name, &password, request.tls, address.as_deref());
    Ok(RouterosScript { script: script.into(), user: USER.to_owned(), password: password.into() })
}

fn is_network(text: &str) -> bool {
    let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
    let Ok(address) = address.parse::<IpAddr>() else { return false };
    let most = if address.is_ipv4() { 32 } else { 128 };
    bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most))
}

/// A RouterOS string literal's inside: what the terminal would interpret is left out.
fn plain(text: &str) -> String {
    text.chars()
        .filter(|c| !c.is_control() && !matches!(c, '"' | '\\' | '$' | '[' | ']' | '{' | '}' | ';'))
        .collect()
}

fn script(name: &str, password: &str, tls: bool, address: Option<&str>) -> String {
    let comment = format!("atalaya: {}", plain(name));
    let address = address.unwrap_or_default();
    let mut lines = vec![
        format!("# {comment}. May be pasted again: what exists is brought up to date."),
        ":local policies \"\"".to_owned(),
        format!(
            ":if ([:pick [/system resource get version] 0 2] = \"6.\") do={{ :set policies \"{POLICIES_V6}\" }} else={{ :set policies \"{POLICIES}\" }}"
        ),
        format!(
            ":if ([:len [/user group find name=\"{USER}\"]] = 0) do={{ /user group add name=\"{USER}\" policy=$policies comment=\"{comment}\" }} else={{ /user group set [find name=\"{USER}\"] policy=$policies }}"
        ),
        format!(
            ":if ([:len [/user find name=\"{USER}\"]] = 0) do={{ /user add name=\"{USER}\" group=\"{USER}\" password=\"{password}\" address=\"{address}\" comment=\"{comment}\" }} else={{ /user set [find name=\"{USER}\"] group=\"{USER}\" password=\"{password}\" address=\"{address}\" disabled=no }}"
        ),
    ];
    if tls {
        lines.extend(tls_lines());
    } else {
        lines.push("/ip service set api disabled=no".to_owned());
    }
    // One block: a `:local` lives as long as its braces, and each pasted line would be a scope of its own.
    let body = lines.iter().skip(1).map(|line| format!("  {line}\n")).collect::<String>();
    format!("{}\n{{\n{body}}}\n", lines[0])
}

fn tls_lines() -> Vec<String> {
    let certificate = "atalaya-api";
    vec![
        format!(
            ":if ([:len [/certificate find name=\"{certificate}\"]] = 0) do={{ /certificate add name=\"{certificate}\" common-name=[/system identity get name] days-valid=3650 key-usage=tls-server,key-cert-sign; /certificate sign \"{certificate}\"; :delay 3s }}"
        ),
        format!("/ip service set api-ssl certificate=\"{certificate}\" disabled=no"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_group_has_what_the_driver_needs_and_no_more() {
        let text = script("BRAS", "p4ss", false, Some("10.20.0.5"));
        let allowed: Vec<&str> = POLICIES.split(',').filter(|policy| !policy.starts_with('!')).collect();
        assert_eq!(allowed, ["api", "read", "write", "test", "sensitive"]);
        assert!(POLICIES.contains("!policy") && POLICIES.contains("!winbox"));
        assert!(!POLICIES_V6.contains("rest-api"), "unknown before 7.1");
        assert!(text.contains("password=\"p4ss\"") && text.contains("address=\"10.20.0.5\""));
        assert!(!text.contains("api-ssl"));
    }

    #[test]
    fn pasting_twice_adds_nothing_twice() {
        let text = script("BRAS", "p", true, None);
        for line in text.lines().filter(|line| line.contains(" add ")) {
            assert!(line.trim_start().starts_with(":if ([:len [/"), "unguarded: {line}");
        }
        assert_eq!(text.matches('{').count(), text.matches('}').count());
        assert_eq!(text.matches('[').count(), text.matches(']').count());
        assert_eq!(text.matches('"').count() % 2, 0);
    }

    #[test]
    fn a_name_cannot_smuggle_commands_in() {
        let text = script("x\"; /user add name=evil\n/system reset $[a]", "p", false, None);
        let first = text.lines().next().unwrap();
        assert!(first.starts_with("# atalaya: x"));
        assert!(!text.contains("\n/system"), "{text}");
        assert!(!text.contains("x\";"));
    }

    #[test]
    fn addresses_are_addresses() {
        for good in ["10.0.0.5", "10.0.0.0/24", "2001:db8::/32"] {
            assert!(is_network(good), "{good}");
        }
        for bad in ["", "router", "10.0.0.0/33", "10.0.0.5 disabled=no", "0.0.0.0/0/0"] {
            assert!(!is_network(bad), "{bad}");
        }
    }
}
