//! What a query sees: taken at once under the tenant's lock, read without it.

use std::sync::Arc;

use super::TenantState;
use crate::embedded::row::{RawRow, sort_and_collapse};
use crate::embedded::segment::Segment;
use crate::model::{Labels, Selector, SeriesKind, Window};

/// One selected series and its samples that have no segment yet.
pub(crate) struct SeriesView {
    pub(crate) local: u32,
    pub(crate) labels: Labels,
    pub(crate) kind: SeriesKind,
    /// Ascending, one per time: those in the window, the one before, perhaps more.
    pub(crate) fresh: Vec<RawRow>,
}

/// Selected series and the segments of that moment.
pub(crate) struct View {
    pub(crate) series: Vec<SeriesView>,
    pub(crate) segments: [Vec<Arc<Segment>>; 3],
}

impl View {
    /// Takes what a query over `window` may need.
    pub(crate) fn take(state: &TenantState, selector: &Selector, window: Window) -> Self {
        let series = state.index.select(selector).into_iter().filter_map(|local| {
            let spec = state.index.spec(local)?;
            let mut fresh = Vec::new();
            for head in state.sealing.as_deref().into_iter().chain([&state.head]) {
                head.copy_into(local, window.from_ms, window.to_ms, &mut fresh);
            }
            sort_and_collapse(&mut fresh);
            Some(SeriesView { local, labels: spec.labels.clone(), kind: spec.kind, fresh })
        });
        Self { series: series.collect(), segments: state.segments.clone() }
    }
}
