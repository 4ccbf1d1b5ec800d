use super::{
    CREATED, NewUser, PASSWORD_CHANGED, READ, SESSION_ENDED, UPDATED, User, UserChange, UserList, WRITE,
    password, store,
};
use crate::{
    access::{self, AccessScope, Role, RoleKey},
    platform::plans::{self, Limit},
    tokens,
};
use atalaya_kernel::{
    Ctx, Error, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::{SessionId, UserId},
    list::ListQuery,
    page::Page,
    secrets::SecretText,
    write_tx,
};
use serde_json::json;

/// One user.
///
/// # Errors
/// Not found, or without `user.read`.
pub async fn user_get(ctx: &Ctx, id: &UserId) -> Result<User, Error> {
    ctx.authorize_whole(READ)?;
    store::user_get(&mut ctx.begin_read().await?, id).await
}

/// The user of an e-mail, for the command line.
///
/// # Errors
/// Not found, or without `user.read`.
pub async fn user_find(ctx: &Ctx, email: &str) -> Result<User, Error> {
    ctx.authorize_whole(READ)?;
    store::user_by_email(&mut ctx.begin_read().await?, &email.to_lowercase()).await?.ok_or(Error::NotFound)
}

/// The staff, oldest first unless another order is asked for.
///
/// # Errors
/// Without `user.read`, or a cursor of another list or order.
pub async fn users_list(ctx: &Ctx, asked: &ListQuery<UserList>) -> Result<Page<User>, Error> {
    ctx.authorize_whole(READ)?;
    store::users_list(&mut ctx.begin_read().await?, asked).await
}

/// How many users are not disabled; for the tenant's plan.
///
/// # Errors
/// The database's.
pub async fn users_count(tx: &mut TenantTx) -> Result<i64, Error> {
    Ok(store::users_count(tx).await?)
}

/// Takes room for one more user who is not disabled.
async fn room_take(tx: &mut TenantTx) -> Result<(), Error> {
    match plans::room(tx, Limit::Users).await? {
        Some(room) => room.take(store::users_count(tx).await?, 1),
        None => Ok(()),
    }
}

impl NewUser {
    /// Whether name and e-mail can be a user's; for whoever has to make something else first.
    ///
    /// # Errors
    /// Wrong fields.
    pub fn check(&self) -> Result<(), Error> {
        let mut validation = Validation::new();
        self.named(&mut validation);
        validation.finish()
    }

    /// Name and e-mail as they are kept.
    fn named(&self, validation: &mut Validation) -> (String, String) {
        let name = validation.text(&self.name, "/name", 80);
        (name, email_checked(validation, &self.email))
    }
}

/// An e-mail as it is kept; notes one that is none.
pub(crate) fn email_checked(validation: &mut Validation, email: &str) -> String {
    let email = validation.text(email, "/email", 160).to_lowercase();
    let looks_right =
        email.split_once('@').is_some_and(|(user, host)| !user.is_empty() && host.contains('.'));
    validation.check(looks_right, "/email", "malformed", "expected an address such as rosa@example.org");
    email
}

/// Makes a user.
///
/// # Errors
/// Wrong fields, an e-mail that is taken, `plan_limit_reached`, rights beyond the caller's own, or without `user.write`.
pub async fn user_create(ctx: &Ctx, new: NewUser) -> Result<User, Error> {
    ctx.authorize_whole(WRITE)?;
    let mut validation = Validation::new();
    let (name, email) = new.named(&mut validation);
    if let Some(password) = &new.password {
        password::check(&mut validation, password);
    }
    let roles = roles_given(&mut validation, new.role, new.roles).unwrap_or_default();
    validation.check(!roles.is_empty(), "/roles", "required", "name one role at least");
    validation.finish()?;
    let scope = new.scope.unwrap_or_default();
    let Some(first) = roles.first().cloned() else { return Err(Error::internal("a role was demanded")) };
    // Hashing takes long: outside the transaction.
    let hash = match &new.password {
        Some(password) => password::hash(password).await?,
        None => NO_PASSWORD.to_owned(),
    };
    let now = ctx.now();
    let user = User {
        id: UserId::new(now),
        name,
        email,
        role: first,
        roles,
        scope,
        disabled: false,
        version: 1,
        created_at: now,
        updated_at: now,
        erased_at: None,
    };
    write_tx!(ctx, tx => {
        may_be_given(ctx, &mut tx, &user).await?;
        room_take(&mut tx).await?;
        store::user_insert(&mut tx, &user, &hash).await?;
        note(ctx, &mut tx, CREATED, "user.write", None, &user).await
    })?;
    Ok(user)
}

/// Changes a user that is still at `version`: new roles and scope hold at once; disabling ends the sessions and programs.
///
/// # Errors
/// Not found, changed meanwhile, the last owner, rights beyond the caller's own, or without `user.write`.
pub async fn user_update(ctx: &Ctx, id: &UserId, version: i64, change: UserChange) -> Result<User, Error> {
    ctx.authorize_whole(WRITE)?;
    let mut validation = Validation::new();
    let name = change.name.as_deref().map(|name| validation.text(name, "/name", 80));
    let roles = roles_given(&mut validation, change.role, change.roles);
    validation.check(
        roles.as_ref().is_none_or(|roles| !roles.is_empty()),
        "/roles",
        "required",
        "name one role at least",
    );
    validation.finish()?;
    write_tx!(ctx, tx => {
        let before = store::user_get(&mut tx, id).await?;
        may_change(ctx, &mut tx, &before).await?;
        if before.erased_at.is_some() {
            return Err(Error::conflict("user_erased", "the data of this user was erased: make a new user"));
        }
        let roles = roles.clone().unwrap_or_else(|| before.roles.clone());
        let after = User {
            name: name.clone().unwrap_or_else(|| before.name.clone()),
            role: roles.first().cloned().unwrap_or_else(|| before.role.clone()),
            roles,
            scope: change.scope.clone().unwrap_or_else(|| before.scope.clone()),
            disabled: change.disabled.unwrap_or(before.disabled),
            version: before.version + 1,
            updated_at: ctx.now(),
            ..before.clone()
        };
        may_be_given(ctx, &mut tx, &after).await?;
        if before.disabled && !after.disabled {
            room_take(&mut tx).await?;
        }
        if before.version != version || !store::user_write(&mut tx, &after, version).await? {
            return Err(Error::VersionConflict { current: before.version });
        }
        let was_owner = before.role == RoleKey::BuiltIn(Role::Owner) && !before.disabled;
        if was_owner && store::enabled_owners(&mut tx).await? == 0 {
            return Err(Error::conflict("last_owner", "an ISP keeps one enabled owner at least"));
        }
        if after.disabled {
            store::sessions_delete(&mut tx, id, None).await?;
            tokens::families_end(ctx, &mut tx, id).await?;
        }
        note(ctx, &mut tx, UPDATED, "user.write", Some(&before), &after).await?;
        Ok(after)
    })
}

/// Sets a password and ends the user's sessions and programs.
///
/// # Errors
/// Not found, somebody who holds more than the caller, a password too short or too long, or without `user.write`.
pub async fn password_set(ctx: &Ctx, id: &UserId, password: &SecretText) -> Result<(), Error> {
    ctx.authorize_whole(WRITE)?;
    let mut validation = Validation::new();
    password::check(&mut validation, password);
    validation.finish()?;
    let hash = password::hash(password).await?;
    write_tx!(ctx, tx => {
        let user = store::user_get(&mut tx, id).await?;
        may_change(ctx, &mut tx, &user).await?;
        password_replace(ctx, &mut tx, &user, &hash, None).await
    })
}

/// Kept for a user who was invited: no password is right.
const NO_PASSWORD: &str = "";

/// A user, for other use cases, without a permission.
///
/// # Errors
/// [`Error::NotFound`], or the database's.
pub async fn user_row(tx: &mut TenantTx, id: &UserId) -> Result<User, Error> {
    store::user_get(tx, id).await
}

/// Who has an e-mail, in lower case.
pub(crate) async fn user_by_email(tx: &mut TenantTx, email: &str) -> Result<Option<User>, Error> {
    store::user_by_email(tx, email).await
}

/// Whose e-mail it is, whether or not they may log in.
pub(crate) async fn user_id_of(tx: &mut TenantTx, email: &str) -> Result<Option<UserId>, Error> {
    Ok(store::user_id_by_email(tx, email).await?)
}

/// The owners who are not disabled.
pub(crate) async fn owners(tx: &mut TenantTx) -> Result<Vec<UserId>, Error> {
    Ok(store::owner_ids(tx).await?)
}

/// Whether a user ever set a password.
pub(crate) async fn has_password(tx: &mut TenantTx, id: &UserId) -> Result<bool, Error> {
    Ok(store::password_hash(tx, id).await? != NO_PASSWORD)
}

/// Writes a password in the transaction of whoever sets it. The user's sessions and programs end, but for the session to be kept; without
/// one to be kept the browsers that were known are forgotten too.
pub(crate) async fn password_replace(
    ctx: &Ctx,
    tx: &mut TenantTx,
    user: &User,
    hash: &str,
    keep: Option<&SessionId>,
) -> Result<(), Error> {
    store::password_write(tx, &user.id, hash).await?;
    store::sessions_delete(tx, &user.id, keep).await?;
    tokens::families_end(ctx, tx, &user.id).await?;
    if keep.is_none() {
        store::browsers_delete(tx, &user.id).await?;
    }
    note(ctx, tx, UPDATED, "user.password_set", Some(user), user).await?;
    let facts = json!({"user_id": user.id});
    events::emit(ctx, tx, NewEvent::new(PASSWORD_CHANGED, EntityRef::new("user", &user.id), facts)).await?;
    Ok(())
}

/// Tells of a change to a user that the user's own row does not show.
pub(crate) async fn note_changed(ctx: &Ctx, tx: &mut TenantTx, user: &User) -> Result<(), Error> {
    note(ctx, tx, UPDATED, WRITE.0, Some(user), user).await
}

/// The roles that a request gives, as a list or as the only one.
fn roles_given(
    validation: &mut Validation,
    role: Option<RoleKey>,
    roles: Option<Vec<RoleKey>>,
) -> Option<Vec<RoleKey>> {
    let agree = match (&role, &roles) {
        (Some(role), Some(roles)) => roles.first() == Some(role),
        _ => true,
    };
    validation.check(agree, "/role", "contradictory", "the first of roles, or leave it out");
    roles.or_else(|| role.map(|role| vec![role]))
}

/// Whether the caller may make somebody what this user is to be.
async fn may_be_given(ctx: &Ctx, tx: &mut TenantTx, user: &User) -> Result<(), Error> {
    access::roles_checked(ctx, tx, &user.roles).await?;
    user.scope.check(tx).await?;
    let owner = user.roles.contains(&RoleKey::BuiltIn(Role::Owner));
    if owner && user.scope != AccessScope::All {
        return Err(Error::invalid("/scope", "owner_sees_all", "an owner sees everything"));
    }
    Ok(())
}

/// Demands that the caller may do something to a user: nobody may to one who holds more.
///
/// # Errors
/// What the user holds and the caller does not, or the database's.
pub async fn may_change(ctx: &Ctx, tx: &mut TenantTx, user: &User) -> Result<(), Error> {
    access::beyond(ctx.permissions(), &access::rights_of(tx, &user.roles).await?)
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
    let payload = json!({
        "id": after.id, "name": after.name, "role": after.role, "roles": after.roles, "disabled": after.disabled,
    });
    events::emit(ctx, tx, NewEvent::new(kind, entity, payload)).await?;
    Ok(())
}

/// Tells that sessions of a user ended, so that what is open closes.
pub(crate) async fn sessions_ended(ctx: &Ctx, tx: &mut TenantTx, user: &UserId) -> Result<(), Error> {
    let event = NewEvent::new(SESSION_ENDED, EntityRef::new("user", user), json!({"user_id": user}));
    events::emit(ctx, tx, event).await?;
    Ok(())
}
