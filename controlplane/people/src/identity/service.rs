use super::{CREATED, NewUser, READ, Role, UPDATED, User, UserChange, WRITE, password, store};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::UserId,
    page::{Page, PageQuery},
    secrets::SecretText,
    write_tx,
};
use serde_json::json;

/// One user.
///
/// # Errors
/// Not found, or without `user.read`.
pub async fn user_get(ctx: &Ctx, id: &UserId) -> Result<User, Error> {
    ctx.authorize(READ)?;
    Ok(store::user_get(&mut ctx.begin_read().await?, id).await?)
}

/// The user of an e-mail, for the command line.
///
/// # Errors
/// Not found, or without `user.read`.
pub async fn user_find(ctx: &Ctx, email: &str) -> Result<User, Error> {
    ctx.authorize(READ)?;
    store::user_by_email(&mut ctx.begin_read().await?, &email.to_lowercase()).await?.ok_or(Error::NotFound)
}

/// The staff, oldest first.
///
/// # Errors
/// Without `user.read`, or a cursor of another list.
pub async fn users_list(ctx: &Ctx, page: &PageQuery) -> Result<Page<User>, Error> {
    ctx.authorize(READ)?;
    let limit = page.limit()?;
    let rows = store::users_list(&mut ctx.begin_read().await?, page.after()?, limit + 1).await?;
    Page::of(rows, limit, |user| user.id.clone())
}

/// Makes a user.
///
/// # Errors
/// Wrong fields, an e-mail that is taken, or without `user.write`.
pub async fn user_create(ctx: &Ctx, new: NewUser) -> Result<User, Error> {
    ctx.authorize(WRITE)?;
    let mut validation = Validation::new();
    let name = validation.text(&new.name, "/name", 80);
    let email = validation.text(&new.email, "/email", 160).to_lowercase();
    let looks_right =
        email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
    validation.check(looks_right, "/email", "malformed", "expected an address such as rosa@example.org");
    password::check(&mut validation, &new.password);
    validation.finish()?;
    // Hashing takes long: outside the transaction.
    let hash = password::hash(&new.password).await?;
    let now = ctx.now();
    let user = User {
        id: UserId::new(now),
        name,
        email,
        role: new.role,
        disabled: false,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    write_tx!(ctx, tx => {
        store::user_insert(&mut tx, &user, &hash).await?;
        note(ctx, &mut tx, CREATED, "user.write", None, &user).await
    })?;
    Ok(user)
}

/// Changes a user that is still at `version`; disabling ends the sessions.
///
/// # Errors
/// Not found, changed meanwhile, the last owner, or without `user.write`.
pub async fn user_update(ctx: &Ctx, id: &UserId, version: i64, change: UserChange) -> Result<User, Error> {
    ctx.authorize(WRITE)?;
    let mut validation = Validation::new();
    let name = change.name.as_deref().map(|name| validation.text(name, "/name", 80));
    validation.finish()?;
    write_tx!(ctx, tx => {
        let before = store::user_get(&mut tx, id).await?;
        let after = User {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            role: change.role.unwrap_or(before.role),
            disabled: change.disabled.unwrap_or(before.disabled),
            version: before.version + 1,
            updated_at: ctx.now(),
            ..before.clone()
        };
        if before.version != version || !store::user_write(&mut tx, &after, version).await? {
            return Err(Error::VersionConflict { current: before.version });
        }
        let was_owner = before.role == Role::Owner && !before.disabled;
        if was_owner && store::enabled_owners(&mut tx).await? == 0 {
            return Err(Error::conflict("last_owner", "an ISP keeps one enabled owner at least"));
        }
        if after.disabled || after.role != before.role {
            store::sessions_delete(&mut tx, id).await?;
        }
        note(ctx, &mut tx, UPDATED, "user.write", Some(&before), &after).await?;
        Ok(after)
    })
}

/// Sets a password and ends the user's sessions.
///
/// # Errors
/// Not found, a password too short or too long, or without `user.write`.
pub async fn password_set(ctx: &Ctx, id: &UserId, password: &SecretText) -> Result<(), Error> {
    ctx.authorize(WRITE)?;
    let mut validation = Validation::new();
    password::check(&mut validation, password);
    validation.finish()?;
    let hash = password::hash(password).await?;
    write_tx!(ctx, tx => {
        let user = store::user_get(&mut tx, id).await?;
        store::password_write(&mut tx, id, &hash).await?;
        store::sessions_delete(&mut tx, id).await?;
        note(ctx, &mut tx, UPDATED, "user.password_set", Some(&user), &user).await
    })
}

async fn note(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    action: &'static str,
    before: Option<&User>,
    after: &User,
) -> Result<(), Error> {
    let entity = EntityRef::new("user", &after.id);
    let mut entry = Entry::new(action, entity.clone()).after(after)?;
    if let Some(before) = before {
        entry = entry.before(before)?;
    }
    audit::record(ctx, tx, entry).await?;
    let payload = json!({"id": after.id, "name": after.name, "role": after.role, "disabled": after.disabled});
    events::emit(ctx, tx, NewEvent::new(kind, entity, payload)).await?;
    Ok(())
}
