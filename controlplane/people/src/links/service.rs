use super::store::{self, LinkRow};
use crate::{
    identity::{self, password, token_hash},
    messaging::{self, LinkSecret, Outbound, Recipient, Template},
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
    #[schema(example = "shown-this-once", value_type = String)]
    pub token: ShownOnce,
    /// Path of the web app's page, with the token.
    #[schema(value_type = String, example = "/set-password#3f…")]
    pub path: ShownOnce,
    /// Whether it is on its way to the user's e-mail.
    pub sent: bool,
    /// Until when it is good.
    pub expires_at: Timestamp,
}

/// What a link says of itself to whoever has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct LinkInfo {
    /// What it is for.
    pub kind: LinkKind,
    /// Name of the ISP.
    #[schema(example = "NetAndina")]
    pub tenant_name: String,
    /// Short name of the ISP, for the log-in that follows.
    #[schema(example = "netandina")]
    pub tenant: String,
    /// Whose password it lets set.
    #[schema(example = "Rosa Quispe")]
    pub user_name: String,
    /// With which e-mail that person logs in.
    #[schema(example = "rosa@netandina.example")]
    pub email: String,
}

/// A link as it is kept, and its token.
pub(super) struct Made {
    pub(super) row: LinkRow,
    pub(super) token: SecretText,
}

impl Made {
    fn shown(self, sent: bool) -> Link {
        let token = self.token.expose();
        Link {
            path: format!("/set-password#{token}").into(),
            token: token.to_owned().into(),
            id: self.row.id,
            user_id: self.row.user_id,
            kind: self.row.kind,
            sent,
            expires_at: self.row.expires_at,
        }
    }
    /// As a message, to whoever it is for.
    pub(super) fn template(&self) -> Template {
        let (link, expires_at) = (LinkSecret(self.token.clone()), self.row.expires_at);
        match self.row.kind {
            LinkKind::Invitation => Template::Invitation { link, expires_at },
            LinkKind::Reset => Template::Reset { link, expires_at },
        }
    }
}

/// Makes a link, in the transaction of whoever asks for it.
pub(super) async fn make(ctx: &Ctx, tx: &mut TenantTx, user: &UserId, kind: LinkKind) -> Result<Made, Error> {
    let (token, now) = (SecretText::new(random_token()), ctx.now());
    let row = LinkRow {
        id: LinkId::new(now),
        user_id: user.clone(),
        kind,
        expires_at: now.plus_millis(kind.good_ms()),
        used_at: None,
    };
    store::link_insert(tx, &row, &token_hash(token.expose()), now).await?;
    let facts = json!({"id": row.id, "kind": kind, "expires_at": row.expires_at});
    let entry = Entry::new("user.link_create", EntityRef::new("user", user)).after(&facts)?;
    audit::record(ctx, tx, entry).await?;
    Ok(Made { row, token })
}

/// Makes a link for a user, in the place of those before: an invitation while no password was ever set, a reset afterwards.
async fn replace(ctx: &Ctx, tx: &mut TenantTx, user: &UserId) -> Result<Made, Error> {
    let of = identity::user_row(tx, user).await?;
    identity::may_change(ctx, tx, &of).await?;
    if of.disabled {
        return Err(Error::conflict("user_disabled", "a disabled user sets no password"));
    }
    let kind = if identity::has_password(tx, user).await? { LinkKind::Reset } else { LinkKind::Invitation };
    store::links_void(tx, user, ctx.now()).await?;
    make(ctx, tx, user, kind).await
}

/// Makes a link for a user, to be handed on: an invitation while no password was ever set, a reset afterwards.
///
/// # Errors
/// Not found, disabled, somebody who holds more than the caller, or without `user.write`.
pub async fn link_create(ctx: &Ctx, user: &UserId) -> Result<Link, Error> {
    ctx.authorize_whole(identity::WRITE)?;
    write_tx!(ctx, tx => { Ok(replace(ctx, &mut tx, user).await?.shown(false)) })
}

/// Whether a link can be sent.
///
/// # Errors
/// `mail_off` where no message leaves this installation.
pub fn may_send(outbound: &Outbound) -> Result<(), Error> {
    if outbound.sends_mail() {
        return Ok(());
    }
    Err(Error::conflict("mail_off", "this installation sends no e-mail: hand the link on yourself"))
}

/// The same, and sends it to the user's e-mail.
///
/// # Errors
/// As [`link_create`], and `mail_off` where no message leaves this installation.
pub async fn link_send(ctx: &Ctx, outbound: &Outbound, user: &UserId) -> Result<Link, Error> {
    ctx.authorize_whole(identity::WRITE)?;
    write_tx!(ctx, tx => {
        let made = replace(ctx, &mut tx, user).await?;
        may_send(outbound)?;
        let recipient = Recipient::User(user.clone());
        messaging::notify(ctx, &mut tx, &recipient, &made.template(), made.row.id.as_str()).await?;
        Ok(made.shown(true))
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
