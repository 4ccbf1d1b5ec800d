use super::{
    admin::{explained, tenant_ctx},
    open_migrated, print_line,
};
use crate::{
    adapters::{Authorities, GatewayJoins},
    config::{Config, host_fingerprint},
};
use anyhow::{Context, bail};
use atalaya_kernel::{
    Ctx,
    ids::{AgentId, AgentTokenId, SiteId},
    installation,
    page::PageQuery,
};
use atalaya_network::agents::{self, NewToken};
use atalaya_places::sites;
use clap::{Args, Subcommand};

#[derive(Debug, Subcommand)]
pub(super) enum Agent {
    /// One-time tokens with which new agents join.
    #[command(subcommand)]
    Token(Token),
    /// Revokes an agent: its connection is closed within two seconds and it is let in no more.
    Revoke(Revoke),
}

#[derive(Debug, Subcommand)]
pub(super) enum Token {
    /// Makes a token and prints the join string, once.
    Create(Create),
    /// Withdraws a token that was not used.
    Revoke(Withdraw),
}

#[derive(Debug, Args)]
pub(super) struct Create {
    /// Slug of the tenant.
    #[arg(long)]
    tenant: String,
    /// Name or id of the site.
    #[arg(long)]
    site: String,
    /// Name of the agent.
    #[arg(long)]
    name: Option<String>,
}

#[derive(Debug, Args)]
pub(super) struct Withdraw {
    /// Slug of the tenant.
    #[arg(long)]
    tenant: String,
    /// Id of the token.
    token: AgentTokenId,
}

#[derive(Debug, Args)]
pub(super) struct Revoke {
    /// Slug of the tenant.
    #[arg(long)]
    tenant: String,
    /// Why, for the audit row.
    #[arg(long)]
    reason: String,
    /// Id of the agent.
    agent: AgentId,
}

impl Agent {
    pub(super) async fn run(self, config: &Config) -> anyhow::Result<()> {
        let runtime = open_migrated(config).await?;
        match self {
            Self::Token(Token::Create(Create { tenant, site, name })) => {
                let ctx = tenant_ctx(&runtime, &tenant).await?;
                let installation =
                    installation::open(&runtime, config.environment, &host_fingerprint()).await?;
                let authorities = Authorities::open(runtime.clone(), &installation.id).await?;
                let joins = GatewayJoins::new(authorities, config.gateway.advertise.clone());
                let site_id = site_named(&ctx, &site).await?;
                let made = agents::token_create(&ctx, &joins, NewToken { site_id, name })
                    .await
                    .map_err(explained)?;
                print_line(made.join_string.expose());
            }
            Self::Token(Token::Revoke(Withdraw { tenant, token })) => {
                let ctx = tenant_ctx(&runtime, &tenant).await?;
                agents::token_withdraw(&ctx, &token).await.map_err(explained)?;
                print_line("withdrawn");
            }
            Self::Revoke(Revoke { tenant, reason, agent }) => {
                let ctx = tenant_ctx(&runtime, &tenant).await?;
                agents::agent_revoke(&ctx, &agent, &reason).await.map_err(explained)?;
                print_line("revoked");
            }
        }
        Ok(())
    }
}

/// The site of a name or an id.
async fn site_named(ctx: &Ctx, named: &str) -> anyhow::Result<SiteId> {
    if let Ok(id) = named.parse::<SiteId>() {
        return Ok(sites::site_get(ctx, &id).await.map_err(explained)?.id);
    }
    let found = sites::sites_list(ctx, Some(named), &PageQuery::default()).await.map_err(explained)?.items;
    match found.as_slice() {
        [one] => Ok(one.id.clone()),
        [] => bail!("there is no site {named}"),
        several => {
            let exact = several.iter().find(|site| site.name == named);
            Ok(exact
                .with_context(|| {
                    format!("several sites are called like {named}: give the whole name or the id")
                })?
                .id
                .clone())
        }
    }
}
