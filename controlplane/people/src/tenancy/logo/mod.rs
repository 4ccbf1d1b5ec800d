//! The ISP's logo: on the log-in page, in the head of every page, on paper and in mail.
//!
//! - One picture, and perhaps another for dark pages; a blob each, which the tenant's row names. One that takes the place of
//!   another is another blob, so its id in an address says when a browser has to ask again.
//! - It is read before log-in, by the host name that selects the ISP, and by nothing that tells of another.
//! - What it is, its bytes say ([`picture`]): a PNG or a WebP that was decoded to its end. No SVG: that is a program for whoever
//!   opens it, and to take one apart safely needs more than a logo is worth.

pub(super) mod http;
mod picture;

use super::{Tenant, WRITE, service, store};
use atalaya_kernel::{
    Ctx, Error,
    blobs::{self, Blob},
    db::TenantTx,
    ids::BlobId,
    text_enum, write_tx,
};
pub use http::{LogoBytes, logo_answer};
use picture::{Picture, head};

/// Most bytes of a logo.
pub const MAX_LOGO_BYTES: usize = 100_000;
/// What its blob is for.
const BLOB_KIND: &str = "logo";
/// The field that it is to a form.
const FIELD: &str = "/logo";

text_enum! {
    /// On which pages a logo is shown.
    pub enum LogoTheme {
        /// On light ones, on paper and in mail; on dark ones too, where they have none of their own.
        Light = "light",
        /// On dark ones.
        Dark = "dark",
    }
}

impl LogoTheme {
    fn of(self, tenant: &Tenant) -> Option<&BlobId> {
        match self {
            Self::Light => tenant.logo.as_ref(),
            Self::Dark => tenant.logo_dark.as_ref(),
        }
    }
    fn put(self, tenant: Tenant, logo: Option<BlobId>) -> Tenant {
        match self {
            Self::Light => Tenant { logo, ..tenant },
            Self::Dark => Tenant { logo_dark: logo, ..tenant },
        }
    }
}

/// A logo, read.
#[derive(Debug)]
pub struct Logo {
    /// Media type.
    pub media_type: &'static str,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// SHA-256 of its bytes, hexadecimal.
    pub sha256: String,
    /// Its bytes.
    pub content: Vec<u8>,
}

/// Gives the ISP a logo in place of the one that it has; the settings after.
///
/// # Errors
/// Bytes that are too many or no fitting picture, or without `tenant.write`.
pub async fn logo_set(ctx: &Ctx, theme: LogoTheme, bytes: Vec<u8>) -> Result<Tenant, Error> {
    ctx.authorize_whole(WRITE)?;
    if bytes.is_empty() {
        return Err(Error::invalid(FIELD, "required", "the file is empty"));
    }
    if bytes.len() > MAX_LOGO_BYTES {
        return Err(too_large());
    }
    let checked = tokio::task::spawn_blocking(move || picture::check(&bytes).map(|_| bytes)).await;
    let bytes = checked
        .map_err(Error::internal)?
        .map_err(|unfit| Error::invalid(FIELD, unfit.code(), unfit.to_string()))?;
    let stored = blobs::put(ctx, BLOB_KIND, bytes).await?;
    write_tx!(ctx, tx => {
        blobs::record(&mut tx, &stored, ctx.now()).await?;
        exchange(ctx, &mut tx, theme, Some(stored.id.clone())).await
    })
}

/// Takes the logo away; the settings after.
///
/// # Errors
/// There is none, or without `tenant.write`.
pub async fn logo_remove(ctx: &Ctx, theme: LogoTheme) -> Result<Tenant, Error> {
    ctx.authorize_whole(WRITE)?;
    write_tx!(ctx, tx => { exchange(ctx, &mut tx, theme, None).await })
}

/// The logo of the context's ISP for pages of a theme: dark ones are given the usual one where they have none of their own.
/// Whoever is at the door sees it, so no permission is asked.
///
/// # Errors
/// [`Error::NotFound`] where there is none, or [`blobs::BlobError`] when its bytes are not what they were.
pub async fn logo_get(ctx: &Ctx, theme: LogoTheme) -> Result<Logo, Error> {
    let mut tx = ctx.begin_read().await?;
    let tenant = store::settings(&mut tx).await?;
    tx.rollback().await?;
    let id = theme.of(&tenant).or(tenant.logo.as_ref()).ok_or(Error::NotFound)?;
    let Blob { sha256, content, .. } = blobs::get(ctx, id).await?;
    let Picture { kind, width, height } =
        head(&content).ok_or_else(|| Error::internal(format!("{id} is no logo")))?;
    Ok(Logo { media_type: kind.media_type(), width, height, sha256, content })
}

fn too_large() -> Error {
    let most = MAX_LOGO_BYTES / 1_000;
    Error::invalid(FIELD, "too_large", format!("at most {most} kB: make the picture smaller"))
}

/// Names another blob, or none; the one before is removed.
async fn exchange(
    ctx: &Ctx,
    tx: &mut TenantTx,
    theme: LogoTheme,
    logo: Option<BlobId>,
) -> Result<Tenant, Error> {
    let before = store::settings(tx).await?;
    match theme.of(&before) {
        Some(old) => match blobs::remove(tx, old, ctx.now()).await {
            // One that is gone already is no reason to keep its name.
            Ok(()) | Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        },
        None if logo.is_none() => return Err(Error::NotFound),
        None => {}
    }
    let changed = Tenant { version: before.version + 1, updated_at: ctx.now(), ..before.clone() };
    let after = theme.put(changed, logo);
    service::write(ctx, tx, &before, &after).await?;
    Ok(after)
}
