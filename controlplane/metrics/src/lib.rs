//! The metrics store: one trait, the embedded engine and a Prometheus-compatible engine.
