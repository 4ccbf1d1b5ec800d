//! `atalaya platform`: plans of tenants, their state, and the operators of the installation.

use super::{
    admin::{explained, password_from_input, tenant_ctx},
    open_migrated, print_line,
};
use crate::config::Config;
use atalaya_people::{
    platform::{
        PlatformCtx,
        operators::{self, NewOperator},
        plans::{self, NewTenantPlan},
    },
    tenancy::{self, TenantState},
};
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(super) enum Platform {
    /// Plans that limit tenants.
    #[command(subcommand)]
    Plan(PlanCommand),
    /// What a tenant is given.
    #[command(subcommand)]
    Tenant(TenantCommand),
    /// People who run the installation.
    #[command(subcommand)]
    Operator(OperatorCommand),
}

#[derive(Debug, Subcommand)]
pub(super) enum PlanCommand {
    /// Makes a plan; a limit that is left out is none.
    Create(Plan),
    /// Replaces what the plan of this name says; a limit that is left out is none.
    Change(Plan),
    /// Lists the plans, one JSON object a line.
    List,
}

#[derive(Debug, Args)]
pub(super) struct Plan {
    /// Name.
    #[arg(long)]
    name: String,
    /// Whom a tenant asks for more.
    #[arg(long)]
    contact: String,
    /// Customers at most.
    #[arg(long)]
    customers: Option<i64>,
    /// Devices at most.
    #[arg(long)]
    devices: Option<i64>,
    /// Users who are not disabled, at most.
    #[arg(long)]
    users: Option<i64>,
    /// API requests of the whole tenant in a minute at most.
    #[arg(long)]
    requests_per_minute: Option<i64>,
}

impl From<Plan> for NewTenantPlan {
    fn from(plan: Plan) -> Self {
        Self {
            name: plan.name,
            customers: plan.customers,
            devices: plan.devices,
            users: plan.users,
            requests_per_minute: plan.requests_per_minute,
            contact: plan.contact,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(super) enum TenantCommand {
    /// Gives a tenant a plan, or none: then nothing is limited.
    Plan {
        /// Slug of the tenant.
        #[arg(long)]
        tenant: String,
        /// Name of the plan; left out: none.
        #[arg(long)]
        plan: Option<String>,
    },
    /// Gives a tenant a host name of its own, or takes it away.
    Domain {
        /// Slug of the tenant.
        #[arg(long)]
        tenant: String,
        /// Host name; left out: none.
        #[arg(long)]
        domain: Option<String>,
    },
    /// Takes a tenant's lists of addresses away: from then on its people are let in from everywhere. For whoever locked themselves
    /// out.
    Open {
        /// Slug of the tenant.
        #[arg(long)]
        tenant: String,
    },
    /// Makes a tenant active or read-only. Its network goes on as it is, and nobody is cut while it is read-only.
    State {
        /// Slug of the tenant.
        #[arg(long)]
        tenant: String,
        /// active or read_only.
        #[arg(long)]
        state: TenantState,
        /// Why; the tenant's people see it.
        #[arg(long)]
        reason: String,
    },
}

#[derive(Debug, Subcommand)]
pub(super) enum OperatorCommand {
    /// Makes an operator; the password is read from standard input.
    Create {
        /// E-mail; the log-in name.
        #[arg(long)]
        email: String,
        /// Name.
        #[arg(long)]
        name: String,
    },
    /// Lists the operators, one JSON object a line.
    List,
    /// Sets an operator's password, read from standard input, and ends the sessions.
    Password(OperatorName),
    /// Refuses an operator's log-in and ends sessions and visits.
    Disable(OperatorName),
    /// Lets a disabled operator log in again.
    Enable(OperatorName),
    /// Takes away the authenticator app of an operator who lost it.
    ResetApp(OperatorName),
}

#[derive(Debug, Args)]
pub(super) struct OperatorName {
    /// E-mail.
    #[arg(long)]
    email: String,
}

impl Platform {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let ctx = PlatformCtx::command_line(open_migrated(config).await?);
        match self {
            Self::Plan(command) => command.run(&ctx).await,
            Self::Tenant(command) => command.run(&ctx).await,
            Self::Operator(command) => command.run(&ctx).await,
        }
    }
}

impl PlanCommand {
    async fn run(self, ctx: &PlatformCtx) -> anyhow::Result<()> {
        match self {
            Self::Create(plan) => {
                let plan = plans::plan_create(ctx, &plan.into()).await.map_err(explained)?;
                print_line(plan.id.as_str());
            }
            Self::Change(plan) => {
                let kept = plans::plan_find(ctx, &plan.name).await.map_err(explained)?;
                plans::plan_change(ctx, &kept.id, kept.version, &plan.into()).await.map_err(explained)?;
                print_line("done");
            }
            Self::List => {
                for plan in plans::plans_list(ctx).await.map_err(explained)? {
                    print_line(&serde_json::to_string(&plan)?);
                }
            }
        }
        Ok(())
    }
}

impl TenantCommand {
    async fn run(self, ctx: &PlatformCtx) -> anyhow::Result<()> {
        match self {
            Self::Plan { tenant, plan } => {
                let tenant = tenant_ctx(ctx.runtime(), &tenant).await?;
                let plan = match plan {
                    Some(name) => Some(plans::plan_find(ctx, &name).await.map_err(explained)?.id),
                    None => None,
                };
                plans::tenant_plan_set(ctx, tenant.tenant(), plan.as_ref()).await.map_err(explained)?;
            }
            Self::Domain { tenant, domain } => {
                let tenant = tenant_ctx(ctx.runtime(), &tenant).await?;
                let set = plans::tenant_domain_set(ctx, tenant.tenant(), domain.as_deref());
                set.await.map_err(explained)?;
            }
            Self::Open { tenant } => {
                let tenant = tenant_ctx(ctx.runtime(), &tenant).await?;
                tenancy::door_open(&tenant).await.map_err(explained)?;
            }
            Self::State { tenant, state, reason } => {
                let tenant = tenant_ctx(ctx.runtime(), &tenant).await?;
                plans::tenant_state_set(ctx, tenant.tenant(), state, &reason).await.map_err(explained)?;
            }
        }
        print_line("done");
        Ok(())
    }
}

impl OperatorCommand {
    async fn run(self, ctx: &PlatformCtx) -> anyhow::Result<()> {
        let find =
            async |name: OperatorName| operators::operator_find(ctx, &name.email).await.map_err(explained);
        match self {
            Self::Create { email, name } => {
                let new = NewOperator { email, name, password: password_from_input()? };
                let made = operators::operator_create(ctx, &new).await.map_err(explained)?;
                print_line(made.id.as_str());
                return Ok(());
            }
            Self::List => {
                for operator in operators::operators_list(ctx).await.map_err(explained)? {
                    print_line(&serde_json::to_string(&operator)?);
                }
                return Ok(());
            }
            Self::Password(name) => {
                let operator = find(name).await?;
                let password = password_from_input()?;
                operators::password_set(ctx, &operator.id, &password).await.map_err(explained)?;
            }
            Self::Disable(name) => {
                operators::disabled_set(ctx, &find(name).await?.id, true).await.map_err(explained)?;
            }
            Self::Enable(name) => {
                operators::disabled_set(ctx, &find(name).await?.id, false).await.map_err(explained)?;
            }
            Self::ResetApp(name) => {
                operators::app_reset(ctx, &find(name).await?.id).await.map_err(explained)?;
            }
        }
        print_line("done");
        Ok(())
    }
}
