//! Devices: anything an agent talks to, and the configuration that its agent gets.
//!
//! Words: a device is in `observe` (read and report what would be done) or in `enforce`. Its *plan* is what an agent
//! found there and would change.
//!
//! Invariants:
//! - Credentials are sealed under the tenant's key before they reach a table, and no answer ever shows them.
//! - A new device observes. It enforces only after its plan was read within the last minutes and no check failed: a
//!   cut that has no effect must not be believed.
//! - The configuration of an agent is computed from the tables; its version grows when its content differs from what
//!   that version last said, so that no change, wherever it was made, can be forgotten.

mod config;
pub mod events;
mod findable;
pub mod http;
mod list;
mod model;
mod plan;
mod reading;
mod routeros_script;
mod service;
mod status;
mod store;
mod testing_connection;

pub use config::{AgentConfig, DeviceConfig, agent_config, agent_config_peek};
pub use findable::{Devices, FOUND};
pub use list::DeviceList;
pub use model::{
    Credentials, Device, DeviceChange, DeviceKind, DeviceMode, DeviceState, ModeChange, NewDevice,
};
pub use plan::{
    DevicePlanView, PlanChange, PlanState, device_mode_set, device_plan_get, device_plan_request,
};
pub use reading::{
    agent_sealing_key, device_counts, device_find, device_get, device_sites_of_agent, device_states_by_site,
    devices_by_ids, devices_count, devices_list,
};
pub(crate) use reading::{device_agent, device_behind, device_kinds, device_mode};
pub use routeros_script::{RouterosScript, ScriptRequest, routeros_script};
pub(crate) use service::credentials_context;
pub use service::{device_create, device_delete, device_update};
pub use status::{DeviceReport, device_states_record};
pub use testing_connection::{
    ConnectionTest, NewConnectionTest, connection_test_create, connection_test_get,
};

use atalaya_kernel::Permission;

/// See devices.
pub const READ: Permission = Permission::new("device.read");
/// Add, change, test and remove devices.
pub const WRITE: Permission = Permission::new("device.write");
/// Switch between observing and enforcing.
pub const ENFORCE: Permission = Permission::new("device.enforce");
