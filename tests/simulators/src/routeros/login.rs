//! Log-in: one sentence with name and password, or a challenge and its response.

use md5::{Digest, Md5};

use super::command::{Command, Reply, Trap};
use super::config::LoginMode;
use super::router::{Caller, Router};
use crate::rng::SplitMix;

/// Where a connection is on its way in.
#[derive(Debug, Default)]
pub(super) struct Login {
    challenge: Option<[u8; 16]>,
}

/// What the router says to one `/login` sentence.
#[derive(Debug)]
pub(super) enum Answer {
    /// Not in yet.
    Outside(Vec<Reply>),
    /// In, as this user.
    Inside(String, Vec<Reply>),
}

impl Login {
    /// Answers one `/login` sentence.
    pub(super) fn answer(&mut self, router: &mut Router, command: &Command, random: &mut SplitMix) -> Answer {
        let name = command.get("name");
        let admitted =
            match (router.config.login_mode(), name, command.get("password"), command.get("response")) {
                (LoginMode::Plain | LoginMode::Both, Some(name), Some(password), None) => {
                    admits(router, name, |stored| stored == password)
                }
                (LoginMode::Challenge | LoginMode::Both, Some(name), _, Some(response)) => {
                    // One response per challenge.
                    let challenge = self.challenge.take();
                    admits(router, name, |stored| {
                        challenge.is_some_and(|challenge| response == respond(stored, &challenge))
                    })
                }
                (LoginMode::Challenge, _, _, None) | (LoginMode::Both, None, _, None) => {
                    // An old router does not know `password` and asks, whatever the sentence says.
                    let mut challenge = [0; 16];
                    challenge[..8].copy_from_slice(&random.next_u64().to_be_bytes());
                    challenge[8..].copy_from_slice(&random.next_u64().to_be_bytes());
                    self.challenge = Some(challenge);
                    return Answer::Outside(vec![Reply::Done(Some(hex(&challenge)))]);
                }
                _ => false,
            };
        match name {
            Some(name) if admitted => {
                router.counters.logins += 1;
                Answer::Inside(name.to_owned(), vec![Reply::Done(None)])
            }
            _ => {
                router.counters.login_failures += 1;
                let message = if router.config.version.plain_login() {
                    "invalid user name or password (6)"
                } else {
                    "cannot log in"
                };
                Answer::Outside(Reply::failure(Trap::new(message)))
            }
        }
    }
}

/// An enabled user whose group has the policy `api`, and whose password fits.
fn admits(router: &Router, name: &str, fits: impl Fn(&str) -> bool) -> bool {
    let caller = Caller { user: Some(name.to_owned()), denied: Vec::new() };
    router
        .store
        .table("/user")
        .named(name)
        .is_some_and(|row| !row.is("disabled") && fits(row.text("password")) && router.allows(&caller, "api"))
}

/// `00` and the MD5 of a zero byte, the password and the challenge, in hexadecimal.
fn respond(password: &str, challenge: &[u8; 16]) -> String {
    let digest = Md5::new().chain_update([0]).chain_update(password).chain_update(challenge).finalize();
    format!("00{}", hex(&digest))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn response_of_the_wiki_form() {
        let response = respond("", &[0; 16]);
        // MD5 of seventeen zero bytes.
        assert_eq!(response.len(), 34);
        assert!(response.starts_with("00"));
        assert_eq!(response, format!("00{}", hex(&Md5::digest([0_u8; 17]))));
    }
}
