//! The contract that every engine keeps.

use async_trait::async_trait;

use crate::model::{
    AgentKey, AppendAck, Batch, Epoch, LabelledPoints, LabelledSample, Labels, QueryError, RangeQuery,
    Selector, SequenceRanges, SeriesId, SeriesSpec, TenantKey, TopQuery,
};

/// Stores samples of all tenants and answers questions about one at a time. Essay: [crate root](crate).
#[async_trait]
pub trait MetricStore: Send + Sync {
    /// Handles for series, in the order given; those not known are registered.
    ///
    /// A registration is durable no later than the first acknowledged batch that uses it.
    ///
    /// # Errors
    /// [`StoreError::TooManySeries`] beyond the tenant's bound; [`StoreError::Failed`].
    async fn register(&self, tenant: &TenantKey, series: &[SeriesSpec]) -> Result<Vec<SeriesId>, StoreError>;

    /// Stores a batch; returns when it is durable. Safe to repeat: a known identity stores nothing and is acknowledged.
    ///
    /// # Errors
    /// [`StoreError::UnknownSeries`] (register again and repeat), [`StoreError::MalformedBatch`],
    /// [`StoreError::TooFragmented`], [`StoreError::Failed`]. Nothing is acknowledged then, and repeating is safe.
    async fn append(&self, tenant: &TenantKey, batch: Batch<'_>) -> Result<AppendAck, StoreError>;

    /// Which batches of an agent's buffer are durable here.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn received(
        &self,
        tenant: &TenantKey,
        agent: &AgentKey,
        epoch: Epoch,
    ) -> Result<SequenceRanges, StoreError>;

    /// Points over time. Series without any point are left out; the others are ordered by labels.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Read`].
    async fn range(&self, tenant: &TenantKey, query: &RangeQuery) -> Result<Vec<LabelledPoints>, StoreError>;

    /// Newest sample of each selected series, ordered by labels.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    async fn last(&self, tenant: &TenantKey, selector: &Selector) -> Result<Vec<LabelledSample>, StoreError>;

    /// The series with the greatest values, greatest first, ties ordered by labels.
    ///
    /// # Errors
    /// [`StoreError::Query`], [`StoreError::Read`].
    async fn top(&self, tenant: &TenantKey, query: &TopQuery) -> Result<Vec<LabelledSample>, StoreError>;

    /// Labels of the selected series, ordered.
    ///
    /// # Errors
    /// [`StoreError::Read`].
    async fn series(&self, tenant: &TenantKey, selector: &Selector) -> Result<Vec<Labels>, StoreError>;

    /// Removes everything of a tenant for good; its handles and its received batches are forgotten.
    ///
    /// # Errors
    /// [`StoreError::Failed`].
    async fn delete_tenant(&self, tenant: &TenantKey) -> Result<(), StoreError>;
}

/// Why the store did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// A handle of another tenant, or one from before the tenant was deleted or the store reopened.
    #[error("the batch names a series that this tenant has not registered")]
    UnknownSeries,
    /// Times and values differ in number, a mark is out of place, or the batch is larger than a log record may be.
    #[error("malformed batch: {0}")]
    MalformedBatch(&'static str),
    /// The agent's sequence numbers have more gaps than the store is willing to remember.
    #[error("the sequence numbers of this buffer have too many gaps")]
    TooFragmented,
    /// The tenant has as many series as it may have.
    #[error("the tenant has reached its bound of {0} series")]
    TooManySeries(u32),
    /// The question cannot be answered as asked.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// Stored data could not be read; asking again may help.
    #[error("metrics could not be read: {0}")]
    Read(std::sync::Arc<str>),
    /// The engine cannot vouch for durability any more (disk full, disk error). It takes nothing until it is reopened.
    #[error("the metrics store has failed: {0}")]
    Failed(std::sync::Arc<str>),
}
