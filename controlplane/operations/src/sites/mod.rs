//! Sites with what stands there, who is served and which agent looks after them.

mod fold;
pub mod http;
mod list;

pub use list::{SiteAgent, SiteDevices, SiteRow, SiteServices, site_rows};
