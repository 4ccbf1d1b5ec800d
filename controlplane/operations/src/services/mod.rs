//! A service as a whole: the decision, the plan, the state on the network, the attachments.

pub mod http;
mod service;

pub use service::{PlanSummary, ServiceView, service_view, services_view};
