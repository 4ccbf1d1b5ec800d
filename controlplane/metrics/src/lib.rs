//! The metrics store of the control plane: one trait, and the embedded engine behind it.
//!
//! # Words
//! A *series* is a metric name with labels and belongs to one tenant; a *sample* is one value of it at one moment; a *batch*
//! is what an agent packed, known by (agent, epoch, sequence). A *window* is a stretch of time (from, to]; a *roll-up* keeps
//! what is asked of a window, so that a year is not read sample by sample.
//!
//! # Invariants
//! - A batch is acknowledged only when it is durable, and its identity is in the same log record as its samples: one that
//!   arrives twice, also across a crash, is stored once.
//! - One series has at most one sample at one moment; of two, the later arrival counts.
//! - The tenant is a parameter of every call and never a label. Nothing here can be asked across tenants.
//! - Counters are stored raw. Increase and rate are computed at query; a fall is a reset unless marked a wrap
//!   ([`increase`]). Roll-ups hold sums of the same steps, so the resolution that serves a query does not change its answer.
//! - Late samples are as good as others: whatever they touch is recomputed.
//!
//! # What it must never do
//! Acknowledge before `fdatasync`; go on after a failed one; use a tenant's key as a path; grow without a bound because a
//! sender is hostile or a disk is slow; read a clock that its opener did not give it.
//!
//! # How the trait maps to a Prometheus-compatible engine
//! `register` keeps labels in memory and adds the tenant as a label of its own (or as VictoriaMetrics' `accountID`) that
//! selectors cannot name. `append` is one remote-write request; the batch's identity is recorded in the control plane's
//! database after the 2xx and before the acknowledgement, which is also what `received` reads; the engine's own
//! deduplication absorbs the repeat of a crash in between. `range` is `/api/v1/query_range` with `start` = `from`, `end` =
//! `to`: [`Function::Increase`] is `increase(x[step])` in VictoriaMetrics' sense (steps from the last sample before the
//! window on, no extrapolation), the others `rate`, `avg_over_time`, `min_over_time`, `max_over_time`,
//! `last_over_time`; [`Function::Raw`] is `/api/v1/export` or an instant query `x[range]`. `top` is
//! `topk(n, f(x[window]))`, `last` is `last_over_time(x[retention])`, `series` is `/api/v1/series`, `delete_tenant` is
//! `/api/v1/admin/tsdb/delete_series`. A [`Mark::Reset`] on a value that did not fall becomes a sample 0 one millisecond
//! earlier. [`Mark::Wrap32`] has no counterpart: that engine adds 2^32 per wrap to what it writes, so its raw values of
//! wrapped Counter32 differ. The tests in `tests/all/conformance.rs` are written against the trait for that reason.

mod clock;
mod embedded;
mod model;
mod store;

pub use clock::{Clock, SystemClock};
pub use embedded::{EmbeddedStore, OpenError, Options, Stats};
pub use model::*;
pub use store::{MetricStore, StoreError};
