//! What the control port of a fleet answers.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::Fleet;

/// A request.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Request {
    /// What was served so far: [`super::Served`].
    Served,
}

/// Answers one request.
///
/// # Errors
/// None at present; the shape is the control port's.
pub fn answer(fleet: &Fleet, request: Request) -> Result<Value, String> {
    match request {
        Request::Served => Ok(json!(fleet.served())),
    }
}
