//! The people who run the installation, and how they log in.
//!
//! Invariants: made and disabled at the command line alone; passwords are kept as Argon2id, session tokens as SHA-256; an
//! authenticator app is asked for from its first right code on, and each code is taken once; guessing is slowed down by where
//! it comes from, as everywhere.

mod factor;
pub mod http;
mod log_in;
mod model;
mod service;
mod store;

pub(crate) use factor::secret_context;
pub use factor::{app_confirm, app_enrol, app_remove};
pub use http::OPERATOR_COOKIE;
pub(super) use log_in::is_enabled;
pub use log_in::{OperatorLogIn, authenticate, log_in, log_out};
pub use model::{NewOperator, Operator, OperatorSession};
pub use service::{app_reset, disabled_set, operator_create, operator_find, operators_list, password_set};
