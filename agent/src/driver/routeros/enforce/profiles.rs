//! Plan speed at its source: the PPP profile.

use std::collections::BTreeMap;

use super::super::client::{CallError, Client, Command, Row};
use super::super::tables::{PROFILE_MARKER, is_our_profile};
use super::Outcome;
use crate::desired::Access;
use crate::driver::{Change, DeviceError, RouterosOptions};

/// Makes every profile that the changes want at another rate so; a change whose profile fails has failed.
pub(super) async fn ensure(
    client: &Client,
    changes: &[Change],
    positions: &[usize],
    options: &RouterosOptions,
    outcomes: &mut [Outcome],
) {
    let mut wanted: BTreeMap<&str, (&str, Vec<usize>)> = BTreeMap::new();
    for at in positions {
        let Access::Pppoe { profile, .. } = &changes[*at].want.point.access else { continue };
        let mut pending = changes[*at].row.pending.iter();
        let Some((_, rate)) = pending.rfind(|(name, _)| name == "profile.rate-limit") else {
            continue;
        };
        let (first, users) = wanted.entry(profile).or_insert((rate, Vec::new()));
        if *first == rate {
            users.push(*at);
        } else {
            let words = format!("profile {profile} is wanted at {first} and at {rate}");
            outcomes[*at] = Err(DeviceError::Config { words });
        }
    }
    if wanted.is_empty() {
        return;
    }
    let columns = [".id", "name", "rate-limit", "local-address", "remote-address", "dns-server", "comment"];
    let known = match client.call(&Command::new("/ppp/profile/print").columns(&columns)).await {
        Ok(reply) => reply.rows,
        Err(error) => {
            let error = DeviceError::from(error);
            for at in wanted.into_values().flat_map(|(_, users)| users) {
                outcomes[at] = Err(error.clone());
            }
            return;
        }
    };
    for (profile, (rate, users)) in wanted {
        if let Err(error) = make(client, &known, profile, rate, options).await {
            let error = DeviceError::from(error);
            for at in users {
                outcomes[at] = Err(error.clone());
            }
        }
    }
}

async fn make(
    client: &Client,
    known: &[Row],
    profile: &str,
    rate: &str,
    options: &RouterosOptions,
) -> Result<(), CallError> {
    let by_name = |name: &str| known.iter().find(|row| row.text("name") == name);
    let command =
        match by_name(profile) {
            // It was ours when the change was decided; whoever took the word away since took the profile back. What
            // else there is to do for the subscriber does not wait for that.
            Some(row) if !is_our_profile(row.text("comment")) => return Ok(()),
            Some(row) => {
                Command::new("/ppp/profile/set").with(".id", row.text(".id")).with("rate-limit", rate)
            }
            None => {
                // Where sessions get their addresses is the operator's: as in the cut profile, which the subscribers of
                // this router use too, or in the router's own default.
                let like = by_name(&options.cut_profile).or_else(|| by_name("default"));
                let add = Command::new("/ppp/profile/add").with("name", profile).with("rate-limit", rate);
                let add =
                    ["local-address", "remote-address", "dns-server"].iter().fold(add, |add, attribute| {
                        match like.map(|row| row.text(attribute)).filter(|value| !value.is_empty()) {
                            Some(value) => add.with(attribute, value),
                            None => add,
                        }
                    });
                add.with("comment", PROFILE_MARKER)
            }
        };
    client.call(&command).await.map(drop)
}
