//! The day at a glance.

pub mod http;
mod service;

pub use service::{Home, home_get};

use atalaya_kernel::Permission;

/// See when the installation was last copied.
pub const BACKUP_READ: Permission = Permission::new("backup.read");
