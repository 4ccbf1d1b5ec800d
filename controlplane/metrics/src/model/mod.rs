//! What is stored and what is asked, with no engine in it.
//!
//! A *series* is a metric name with labels; a *sample* is one value of it at one moment. Series belong to a tenant, and
//! the tenant is never a label: it is a parameter of every call, so that no selector can reach another tenant's data.

mod batch;
mod identity;
mod labels;
mod query;
mod sample;
mod selector;

pub use batch::{AppendAck, Batch, BatchIdentity, Column, SequenceRanges};
pub use identity::{AgentKey, Epoch, KeyError, SeriesId, TenantKey};
pub use labels::{LabelError, Labels, METRIC_NAME};
pub use query::{
    Function, LabelledPoints, LabelledSample, MAX_POINTS_PER_SERIES, Point, QueryError, RangeQuery, TopQuery,
    Window,
};
pub use sample::{Mark, Sample, SeriesKind, SeriesSpec, increase};
pub use selector::{Matcher, Selector, Test};
