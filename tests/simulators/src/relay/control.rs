//! What [`Relay`] offers in its own process, as requests of the [control port](crate::control).

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{Link, Relay};

/// What can be asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// Where clients connect: `{listen}`.
    Hello,
    /// How bad the link is.
    Link,
    /// Makes the link better or worse; what is left out is perfect.
    SetLink {
        /// The link.
        link: Link,
    },
    /// Nothing passes until `restore`.
    Cut,
    /// Ends a cut.
    Restore,
    /// New source ports towards the server; TCP connections are closed.
    Rebind,
    /// What went through.
    Passed,
}

/// Answers one request.
///
/// # Errors
/// What is wrong with the request, in words.
pub fn answer(relay: &Relay, request: Request) -> Result<Value, String> {
    match request {
        Request::Hello => Ok(json!({ "listen": relay.address() })),
        Request::Link => serde_json::to_value(relay.link()).map_err(|error| error.to_string()),
        Request::Passed => serde_json::to_value(relay.passed()).map_err(|error| error.to_string()),
        Request::SetLink { link } => {
            relay.set_link(link);
            Ok(Value::Null)
        }
        Request::Cut => {
            relay.cut();
            Ok(Value::Null)
        }
        Request::Restore => {
            relay.restore();
            Ok(Value::Null)
        }
        Request::Rebind => {
            relay.rebind();
            Ok(Value::Null)
        }
    }
}
