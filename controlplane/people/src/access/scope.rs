use atalaya_kernel::{
    Error, Scope,
    db::TenantTx,
    ids::{PartnerId, SiteId},
};
use atalaya_places::sites;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Of which part of the tenant a person or key sees anything at all.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum AccessScope {
    /// Everything.
    #[default]
    All,
    /// These sites and everything below them.
    Sites {
        /// Which.
        site_ids: BTreeSet<SiteId>,
    },
    /// The customers and sites of a reseller. Cannot be given yet: there are no partners.
    Partner {
        /// Which.
        partner_id: PartnerId,
    },
}

impl AccessScope {
    /// As it is kept: JSON, nothing for everything.
    pub(crate) fn to_column(&self) -> Result<Option<String>, Error> {
        match self {
            Self::All => Ok(None),
            narrow => serde_json::to_string(narrow).map(Some).map_err(Error::internal),
        }
    }
    /// From what is kept. What cannot be read is an error, never everything.
    pub(crate) fn from_column(text: Option<&str>) -> Result<Self, Error> {
        text.map_or(Ok(Self::All), |text| serde_json::from_str(text).map_err(Error::internal))
    }
    /// As statements apply it: sites with everything below them, as the tree is now.
    pub(crate) async fn spread(&self, tx: &mut TenantTx) -> Result<Scope, Error> {
        match self {
            Self::All => Ok(Scope::All),
            Self::Partner { partner_id } => Ok(Scope::Partner(partner_id.clone())),
            Self::Sites { site_ids } => {
                let mut spread = BTreeSet::new();
                for site in site_ids {
                    spread.extend(sites::site_subtree(tx, site).await?);
                }
                Ok(Scope::Sites(spread))
            }
        }
    }
    /// Fails unless everything that it names is there.
    pub(crate) async fn check(&self, tx: &mut TenantTx) -> Result<(), Error> {
        match self {
            Self::All => Ok(()),
            Self::Partner { .. } => {
                Err(Error::invalid("/scope/partner_id", "unknown", "there are no partners yet"))
            }
            Self::Sites { site_ids } if site_ids.is_empty() => {
                Err(Error::invalid("/scope/site_ids", "required", "name one site at least"))
            }
            Self::Sites { site_ids } => {
                for site in site_ids {
                    sites::site_exists(tx, site, "/scope/site_ids").await?;
                }
                Ok(())
            }
        }
    }
}
