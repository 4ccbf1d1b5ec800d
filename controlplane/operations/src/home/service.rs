use super::BACKUP_READ;
use atalaya_kernel::{Ctx, Error, Permission, archive::journal, money::Money, time::Timestamp};
use atalaya_money::{
    billing, payments,
    services::{self, Status},
};
use atalaya_network::{agents, devices, provisioning};
use atalaya_people::tenancy;
use serde::Serialize;
use utoipa::ToSchema;

/// The day at a glance. What the caller may not see is null.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct Home {
    /// Payments received today, by the tenant's calendar.
    pub collected_today: Option<Money>,
    /// How many.
    #[schema(example = 21)]
    pub collected_payments: Option<i64>,
    /// Overdue debt.
    pub overdue_total: Option<Money>,
    /// Customers who owe it.
    #[schema(example = 214)]
    pub overdue_customers: Option<i64>,
    /// Services suspended.
    #[schema(example = 202)]
    pub suspended_services: Option<i64>,
    /// Services whose decided state is not read back everywhere.
    #[schema(example = 2)]
    pub waiting_not_applied: Option<i64>,
    /// Devices.
    #[schema(example = 312)]
    pub devices_total: Option<i64>,
    /// Devices that are silent or refuse.
    #[schema(example = 2)]
    pub devices_bad: Option<i64>,
    /// Agents enrolled and not revoked.
    #[schema(example = 50)]
    pub agents_total: Option<i64>,
    /// Of them, connected.
    #[schema(example = 49)]
    pub agents_connected: Option<i64>,
    /// Customers with a service.
    #[schema(example = 20_134)]
    pub customers_total: Option<i64>,
    /// When the newest good copy of the installation was begun; its restore was rehearsed.
    pub backup_at: Option<Timestamp>,
    /// Whether that is longer ago than it should be, or there is none.
    pub backup_overdue: Option<bool>,
}

/// The day at a glance, each figure if the caller may see it.
///
/// # Errors
/// The database's.
pub async fn home_get(ctx: &Ctx) -> Result<Home, Error> {
    let may = |right: Permission| ctx.authorize(right).is_ok();
    let mut tx = ctx.begin_read().await?;
    let tenant = tenancy::settings(&mut tx).await?;
    let mut home = Home::default();
    if may(payments::READ) {
        let midnight = ctx.now().date_in(&tenant.time_zone).start_in(&tenant.time_zone);
        let (amount, count) = payments::received_since(&mut tx, midnight).await?;
        home.collected_today = Some(Money::new(amount, tenant.currency));
        home.collected_payments = Some(count);
    }
    if may(services::READ) {
        home.customers_total = Some(services::customers_served(&mut tx).await?);
        home.suspended_services = Some(services::services_count(&mut tx, Status::Suspended).await?);
        home.waiting_not_applied = Some(provisioning::services_not_applied(&mut tx).await?);
        if may(billing::READ) {
            let today = ctx.now().date_in(&tenant.time_zone);
            let (total, owing) = billing::overdue_sum(&mut tx, today).await?;
            home.overdue_total = Some(Money::new(total, tenant.currency));
            home.overdue_customers = Some(owing);
        }
    }
    if may(devices::READ) {
        let (total, bad) = devices::device_counts(&mut tx).await?;
        (home.devices_total, home.devices_bad) = (Some(total), Some(bad));
    }
    if may(agents::READ) {
        let (total, connected) = agents::agent_counts(&mut tx).await?;
        (home.agents_total, home.agents_connected) = (Some(total), Some(connected));
    }
    if may(BACKUP_READ) {
        let last = last_backup(ctx).await?.map(|backup| backup.started_at);
        home.backup_at = last;
        home.backup_overdue = Some(last.is_none_or(|at| at.plus_millis(journal::OVERDUE_MS) < ctx.now()));
    }
    Ok(home)
}

/// The installation's, not a tenant's: a copy holds all of them or none.
async fn last_backup(ctx: &Ctx) -> Result<Option<journal::Backup>, Error> {
    let mut tx = ctx.db().runtime().platform().begin_read().await?;
    journal::last_good(&mut tx).await
}
