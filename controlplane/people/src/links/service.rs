use super::store::{self, LinkRow};
use crate::{
    identity::{self, password, token_hash},
    tenancy,
};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::EntityRef,
    ids::{LinkId, UserId},
    runtime::Runtime,
    secrets::{SecretText, ShownOnce, random_token},
    text_enum,
    time::Timestamp,
    write_tx,
};
use serde::Serialize;
use serde_json::json;
use std::sync::Arc;
use utoipa::ToSchema;

text_enum! {
    /// What a link is for.
    pub enum LinkKind {
        /// A new user sets the first password.
        Invitation = "invitation",
        /// A user who forgot the password sets another.
        Reset = "reset",
    }
}

impl LinkKind {
    /// How long one is good for, ms.
    const fn good_ms(self) -> i64 {
        match self {
            Self::Invitation => 7 * 24 * 3_600_000,
            Self::Reset => 2 * 3_600_000,
        }
    }
}

/// A link that was just made.
#[derive(Debug, Serialize, ToSchema)]
pub struct Link {
    /// Which.
    pub id: LinkId,
    /// Whose password it lets set.
    pub user_id: UserId,
    /// What it is for.
    pub kind: LinkKind,
    /// What the link carries behind its `#`, so that no log sees it. Shown this once.
    #[schema(value_type = String)]
    pub token: ShownOnce,
    /// Path of the web app's page, with the token.
    #[schema(value_type = String, example = "/set-password#3f…")]
    pub path: ShownOnce,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// What a link says of itself to whoever has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LinkInfo {
    /// What it is for.
    pub kind: LinkKind,
    /// Name of the ISP.
    pub tenant_name: String,
    /// Short name of the ISP, for the log-in that follows.
    pub tenant: String,
    /// Whose password it lets set.
    pub user_name: String,
    /// With which e-mail that person logs in.
    pub email: String,
}

/// Makes a link for a user: an invitation while no password was ever set, a reset afterwards.
///
/// # Errors
/// Not found, disabled, somebody who holds more than the caller, or without `user.write`.
pub async fn link_create(ctx: &Ctx, user: &UserId) -> Result<Link, Error> {
    ctx.authorize_whole(identity::WRITE)?;
    let token = random_token();
    let now = ctx.now();
    write_tx!(ctx, tx => {
        let of = identity::user_row(&mut tx, user).await?;
        identity::may_change(ctx, &mut tx, &of).await?;
        if of.disabled {
            return Err(Error::conflict("user_disabled", "a disabled user sets no password"));
        }
        let kind =
            if identity::has_password(&mut tx, user).await? { LinkKind::Reset } else { LinkKind::Invitation };
        let row = LinkRow {
            id: LinkId::new(now),
            user_id: user.clone(),
            kind,
            expires_at: now.plus_millis(kind.good_ms()),
            used_at: None,
        };
        store::links_void(&mut tx, user, now).await?;
        store::link_insert(&mut tx, &row, &token_hash(&token), now).await?;
        let facts = json!({"id": row.id, "kind": kind, "expires_at": row.expires_at});
        let entry = Entry::new("user.link_create", EntityRef::new("user", user)).after(&facts)?;
        audit::record(ctx, &mut tx, entry).await?;
        Ok(Link {
            path: format!("/set-password#{token}").into(),
            token: token.clone().into(),
            id: row.id,
            user_id: row.user_id,
            kind,
            expires_at: row.expires_at,
        })
    })
}

/// The context in which a link is used: of its tenant, as whoever stands at the door.
async fn at_the_door(runtime: &Arc<Runtime>, token: &SecretText, request_id: &str) -> Result<Ctx, Error> {
    let mut platform = runtime.platform().begin_read().await?;
    let tenant = store::link_tenant(&mut platform, &token_hash(token.expose())).await?;
    platform.rollback().await?;
    let db = runtime.tenant(tenant.ok_or(Error::NotFound)?);
    Ok(Ctx::new(db, Principal::System("link"), Permissions::All, Scope::All, request_id))
}

/// The link of a token, if it is good.
async fn good(ctx: &Ctx, tx: &mut TenantTx, token: &SecretText) -> Result<(LinkRow, identity::User), Error> {
    let link = store::link_get(tx, &token_hash(token.expose())).await?;
    let user = identity::user_row(tx, &link.user_id).await?;
    if link.used_at.is_some() || ctx.now() >= link.expires_at || user.disabled {
        return Err(Error::NotFound);
    }
    Ok((link, user))
}

/// Whose password a link lets set.
///
/// # Errors
/// Not found: unknown, used, expired, or its user disabled; one answer for all.
pub async fn link_look(
    runtime: &Arc<Runtime>,
    token: &SecretText,
    request_id: &str,
) -> Result<LinkInfo, Error> {
    let ctx = at_the_door(runtime, token, request_id).await?;
    let mut tx = ctx.begin_read().await?;
    let (link, user) = good(&ctx, &mut tx, token).await?;
    let tenant = tenancy::settings(&mut tx).await?;
    Ok(LinkInfo {
        kind: link.kind,
        tenant_name: tenant.name,
        tenant: tenant.slug,
        user_name: user.name,
        email: user.email,
    })
}

/// Sets a password with a link, once.
///
/// # Errors
/// Not found as above, or a password too short or too long.
pub async fn link_use(
    runtime: &Arc<Runtime>,
    token: &SecretText,
    password: &SecretText,
    request_id: &str,
) -> Result<(), Error> {
    let mut validation = Validation::new();
    password::check(&mut validation, password);
    validation.finish()?;
    let ctx = at_the_door(runtime, token, request_id).await?;
    let mut tx = ctx.begin_read().await?;
    // Before the work of hashing: whoever has no link costs little.
    let (_, user) = good(&ctx, &mut tx, token).await?;
    tx.rollback().await?;
    let kept = password::hash(password).await?;
    let principal = Principal::User { id: user.id.clone(), name: user.name.clone() };
    let ctx = Ctx::new(ctx.db().clone(), principal, Permissions::These([].into()), Scope::All, request_id);
    write_tx!(ctx, tx => {
        let (link, user) = good(&ctx, &mut tx, token).await?;
        if !store::link_use(&mut tx, &link.id, ctx.now()).await? {
            return Err(Error::NotFound);
        }
        store::links_void(&mut tx, &user.id, ctx.now()).await?;
        identity::password_replace(&ctx, &mut tx, &user, &kept, None).await?;
        let entry = Entry::new("user.link_use", EntityRef::new("user", &user.id)).after(&json!({"id": link.id, "kind": link.kind}))?;
        audit::record(&ctx, &mut tx, entry).await
    })
}
