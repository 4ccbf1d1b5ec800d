//! By which issuers people of an ISP log in.

use super::{
    CHANGED, IdentityProvider, IdentityProviderChange, IssuerReport, IssuerToCheck, IssuerVerdict, Issuers,
    ListedProvider, NewIdentityProvider, READ, WRITE,
    issuer::{IssuerError, MAX_URL},
    store,
};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, NewEvent},
    ids::IdentityProviderId,
    secrets::SecretText,
    write_tx,
};
use serde_json::json;
use std::{collections::HashMap, fmt::Display};

/// Providers of an ISP: buttons on a page.
const MAX_PROVIDERS: usize = 10;
/// Domains of a provider.
const MAX_DOMAINS: usize = 50;

/// Context under which the secret of a provider is sealed.
pub(crate) fn secret_context(id: impl Display) -> String {
    format!("identity-provider/{id}/client-secret")
}

/// The providers, oldest first.
///
/// # Errors
/// Without `identity_provider.read`.
pub async fn providers_list(ctx: &Ctx) -> Result<Vec<ListedProvider>, Error> {
    ctx.authorize_whole(READ)?;
    let mut tx = ctx.begin_read().await?;
    let rows = store::providers_list(&mut tx).await?;
    let counts: HashMap<_, _> = store::linked_counts(&mut tx).await?.into_iter().collect();
    let listed = |row: store::ProviderRow| {
        let provider = row.shown()?;
        let linked = counts.get(&provider.id).copied().unwrap_or(0);
        Ok(ListedProvider { provider, linked })
    };
    rows.into_iter().map(listed).collect()
}

/// One provider.
///
/// # Errors
/// Not found, or without `identity_provider.read`.
pub async fn provider_get(ctx: &Ctx, id: &IdentityProviderId) -> Result<IdentityProvider, Error> {
    ctx.authorize_whole(READ)?;
    store::provider_row(&mut ctx.begin_read().await?, id).await?.shown()
}

/// An issuer as it names itself.
fn issuer_checked(validation: &mut Validation, issuer: &str) -> String {
    let issuer = validation.text(issuer, "/issuer", MAX_URL / 2);
    validation.check(
        !issuer.contains(['?', '#', '@']) && !issuer.contains(char::is_whitespace),
        "/issuer",
        "malformed",
        "expected an address such as https://accounts.google.com",
    );
    issuer
}

fn secret_checked(validation: &mut Validation, secret: &SecretText) {
    let length = secret.expose().len();
    validation.check(
        (1..=400).contains(&length),
        "/client_secret",
        "out_of_range",
        "expected 1 to 400 bytes",
    );
}

/// Domains as they are compared.
fn domains_checked(validation: &mut Validation, domains: &[String]) -> Vec<String> {
    let domains: Vec<String> = domains.iter().map(|domain| domain.trim().to_lowercase()).collect();
    let is_domain = |domain: &String| {
        domain.contains('.')
            && domain.len() <= 160
            && domain.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-".contains(&byte))
    };
    validation
        .check(domains.len() <= MAX_DOMAINS, "/allowed_domains", "too_long", format!("at most {MAX_DOMAINS}"))
        .check(
            domains.iter().all(is_domain),
            "/allowed_domains",
            "malformed",
            "expected domains such as netandina.example",
        );
    domains
}

/// Makes a provider, after its issuer was asked for its discovery document.
///
/// # Errors
/// Wrong fields, `issuer_unusable` with what is wrong about it, `too_many_providers`, or without `identity_provider.write`.
pub async fn provider_create(
    ctx: &Ctx,
    issuers: &Issuers,
    new: NewIdentityProvider,
) -> Result<IdentityProvider, Error> {
    ctx.authorize_whole(WRITE)?;
    let mut validation = Validation::new();
    let name = validation.text(&new.name, "/name", 40);
    let client_id = validation.text(&new.client_id, "/client_id", 200);
    let issuer = issuer_checked(&mut validation, &new.issuer);
    secret_checked(&mut validation, &new.client_secret);
    let allowed_domains = domains_checked(&mut validation, &new.allowed_domains);
    validation.finish()?;
    let now = ctx.now();
    issuers.look(&issuer, now).await.map_err(unusable)?;
    let provider = IdentityProvider {
        id: IdentityProviderId::new(now),
        name,
        issuer,
        client_id,
        allowed_domains,
        enabled: new.enabled.unwrap_or(true),
        version: 1,
        created_at: now,
        updated_at: now,
    };
    let runtime = ctx.db().runtime().clone();
    write_tx!(ctx, tx => {
        if store::providers_list(&mut tx).await?.len() >= MAX_PROVIDERS {
            return Err(Error::conflict("too_many_providers", "remove one that nobody uses"));
        }
        let secret = new.client_secret.expose().as_bytes();
        let sealed = runtime.secrets.seal(&mut tx, &secret_context(&provider.id), secret).await?;
        store::provider_insert(&mut tx, &provider, &sealed).await?;
        note(ctx, &mut tx, "made", None, Some(&provider)).await
    })?;
    Ok(provider)
}

/// Asks an issuer now whether people could log in by it. Changes nothing.
///
/// # Errors
/// An address that is none, or without `identity_provider.write`.
pub async fn issuer_check(
    ctx: &Ctx,
    issuers: &Issuers,
    wanted: &IssuerToCheck,
) -> Result<IssuerReport, Error> {
    ctx.authorize_whole(WRITE)?;
    let mut validation = Validation::new();
    let issuer = issuer_checked(&mut validation, &wanted.issuer);
    validation.finish()?;
    Ok(match issuers.look(&issuer, ctx.now()).await {
        Ok(about) => IssuerReport {
            verdict: IssuerVerdict::Usable,
            detail: None,
            authorization_endpoint: Some(about.authorization_endpoint.clone()),
            says_email_verified: about.says_email_verified(),
        },
        Err(error) => IssuerReport {
            verdict: match error {
                IssuerError::NotAllowed(_) => IssuerVerdict::NotAllowed,
                IssuerError::Away(_) => IssuerVerdict::Away,
                IssuerError::Wrong(_) => IssuerVerdict::Wrong,
            },
            detail: Some(error.to_string()),
            authorization_endpoint: None,
            says_email_verified: None,
        },
    })
}

fn unusable(error: IssuerError) -> Error {
    Error::conflict("issuer_unusable", format!("the issuer cannot be used: {error}"))
}

/// Changes a provider that is still at `version`.
///
/// # Errors
/// Not found, changed meanwhile, wrong fields, or without `identity_provider.write`.
pub async fn provider_update(
    ctx: &Ctx,
    id: &IdentityProviderId,
    version: i64,
    change: IdentityProviderChange,
) -> Result<IdentityProvider, Error> {
    ctx.authorize_whole(WRITE)?;
    let mut validation = Validation::new();
    let name = change.name.as_deref().map(|name| validation.text(name, "/name", 40));
    let client_id = change.client_id.as_deref().map(|id| validation.text(id, "/client_id", 200));
    if let Some(secret) = &change.client_secret {
        secret_checked(&mut validation, secret);
    }
    let domains = change.allowed_domains.as_deref().map(|domains| domains_checked(&mut validation, domains));
    validation.finish()?;
    let runtime = ctx.db().runtime().clone();
    write_tx!(ctx, tx => {
        let row = store::provider_row(&mut tx, id).await?;
        let sealed = match &change.client_secret {
            Some(secret) => {
                runtime.secrets.seal(&mut tx, &secret_context(id), secret.expose().as_bytes()).await?
            }
            None => row.sealed_secret.clone(),
        };
        let before = row.shown()?;
        if before.version != version {
            return Err(Error::VersionConflict { current: before.version });
        }
        let after = IdentityProvider {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            client_id: client_id.clone().unwrap_or_else(|| before.client_id.clone()),
            allowed_domains: domains.clone().unwrap_or_else(|| before.allowed_domains.clone()),
            enabled: change.enabled.unwrap_or(before.enabled),
            version: before.version + 1,
            updated_at: ctx.now(),
            ..before.clone()
        };
        if !store::provider_write(&mut tx, &after, &sealed, version).await? {
            return Err(Error::VersionConflict { current: version });
        }
        note(ctx, &mut tx, "changed", Some(&before), Some(&after)).await?;
        Ok(after)
    })
}

/// Removes a provider: the accounts there open nobody's log-in any more.
///
/// # Errors
/// Not found, or without `identity_provider.write`.
pub async fn provider_delete(ctx: &Ctx, id: &IdentityProviderId) -> Result<(), Error> {
    ctx.authorize_whole(WRITE)?;
    write_tx!(ctx, tx => {
        let before = store::provider_row(&mut tx, id).await?.shown()?;
        store::provider_delete(&mut tx, id).await?;
        note(ctx, &mut tx, "removed", Some(&before), None).await
    })
}

async fn note(
    ctx: &Ctx,
    tx: &mut TenantTx,
    change: &str,
    before: Option<&IdentityProvider>,
    after: Option<&IdentityProvider>,
) -> Result<(), Error> {
    let Some(about) = after.or(before) else { return Ok(()) };
    let entity = EntityRef::new("identity_provider", &about.id);
    let mut entry = Entry::new(WRITE.0, entity.clone());
    if let Some(before) = before {
        entry = entry.before(before)?;
    }
    if let Some(after) = after {
        entry = entry.after(after)?;
    }
    audit::record(ctx, tx, entry).await?;
    let facts = json!({
        "id": about.id, "name": about.name, "issuer": about.issuer, "enabled": about.enabled, "change": change,
    });
    events::emit(ctx, tx, NewEvent::new(CHANGED, entity, facts)).await?;
    Ok(())
}
