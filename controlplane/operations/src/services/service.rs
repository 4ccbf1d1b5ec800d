use atalaya_kernel::{
    Ctx, Error,
    db::TenantTx,
    ids::{CustomerId, PlanId, ServiceId, SiteId},
    money::Money,
    time::{Date, Timestamp},
};
use atalaya_money::{
    catalog::{self, Plan},
    services::{self, READ, Service, Status, SuspendedBecause},
};
use atalaya_network::{
    attachments::{self, Attachment},
    provisioning::{self, ServiceNetwork},
};
use serde::Serialize;
use std::collections::BTreeMap;
use utoipa::ToSchema;

/// What a service is sold as.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct PlanSummary {
    /// Which.
    pub id: PlanId,
    /// Name.
    #[schema(example = "Fibra 100")]
    pub name: String,
    /// Bits per second to the subscriber.
    pub download_bps: i64,
    /// Bits per second from the subscriber.
    pub upload_bps: i64,
    /// Price of a month.
    pub price: Money,
}

impl From<Plan> for PlanSummary {
    fn from(plan: Plan) -> Self {
        Self {
            id: plan.id,
            name: plan.name,
            download_bps: plan.download_bps,
            upload_bps: plan.upload_bps,
            price: plan.price,
        }
    }
}

/// A service as a whole.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct ServiceView {
    /// Which.
    pub id: ServiceId,
    /// Who pays.
    pub customer_id: CustomerId,
    /// What for.
    pub plan: PlanSummary,
    /// Which site serves it.
    pub site_id: SiteId,
    /// Where it is.
    #[schema(example = "Jr. Los Andes 412")]
    pub address: Option<String>,
    /// First day.
    pub starts_on: Date,
    /// What is decided.
    pub status: Status,
    /// Why it is suspended.
    pub suspended_because: Option<SuspendedBecause>,
    /// Reason of the last change of status, for people.
    pub status_reason: Option<String>,
    /// When the status last changed.
    pub status_changed_at: Timestamp,
    /// What is true on the network.
    pub network: ServiceNetwork,
    /// How it reaches the network.
    pub attachments: Vec<Attachment>,
    /// Grows with each change of the decision.
    pub revision: i64,
}

/// Services as a whole, in the order given. For services that the caller has read, and so may see.
///
/// # Errors
/// The database's.
pub async fn services_view(tx: &mut TenantTx, services: Vec<Service>) -> Result<Vec<ServiceView>, Error> {
    let ids: Vec<ServiceId> = services.iter().map(|service| service.id.clone()).collect();
    let plans: Vec<PlanId> = services.iter().map(|service| service.plan_id.clone()).collect();
    let plans: BTreeMap<PlanId, PlanSummary> = catalog::plans_by_ids(tx, &plans)
        .await?
        .into_iter()
        .map(|plan| (plan.id.clone(), plan.into()))
        .collect();
    let mut networks = provisioning::network_state_of(tx, &ids).await?;
    let mut attached = attachments::attachments_of_services(tx, &ids).await?;
    services
        .into_iter()
        .map(|service| {
            let plan = plans.get(&service.plan_id).cloned();
            Ok(ServiceView {
                plan: plan.ok_or_else(|| Error::internal("a service names a plan that is not there"))?,
                network: networks
                    .remove(&service.id)
                    .ok_or_else(|| Error::internal("a service has no state on the network"))?,
                attachments: attached.remove(&service.id).unwrap_or_default(),
                id: service.id,
                customer_id: service.customer_id,
                site_id: service.site_id,
                address: service.address,
                starts_on: service.starts_on,
                status: service.status,
                suspended_because: service.suspended_because,
                status_reason: service.status_reason,
                status_changed_at: service.status_changed_at,
                revision: service.version,
            })
        })
        .collect()
}

/// One service as a whole.
///
/// # Errors
/// Not found, or without `service.read`.
pub async fn service_view(ctx: &Ctx, id: &ServiceId) -> Result<ServiceView, Error> {
    ctx.authorize(READ)?;
    let mut tx = ctx.begin_read().await?;
    let service = services::service_find(&mut tx, id).await?;
    services_view(&mut tx, vec![service]).await?.into_iter().next().ok_or(Error::NotFound)
}
