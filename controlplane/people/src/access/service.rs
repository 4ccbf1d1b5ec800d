use super::{
    CREATED, Catalog, DELETED, NewRole, Role, RoleChange, RoleKey, StaffRole, UPDATED, WRITE, builtin,
    model::Rights,
    rules::{beyond, effective},
    store::{self, RoleRow},
};
use crate::identity;
use atalaya_kernel::{
    Ctx, Error, Permissions, Validation,
    audit::{self, Entry},
    db::TenantTx,
    events::{self, EntityRef, EventType, NewEvent},
    ids::RoleId,
    page::Page,
    write_tx,
};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};

/// Rights of a role at most; there are not so many.
const MOST_RIGHTS: usize = 500;
/// Roles that somebody has at most.
const MOST_ROLES: usize = 10;

/// What these roles come to; one that is gone gives nothing.
pub(crate) async fn rights_of(tx: &mut TenantTx, roles: &[RoleKey]) -> Result<Permissions, Error> {
    let own: Vec<&RoleId> = roles
        .iter()
        .filter_map(|role| match role {
            RoleKey::Own(id) => Some(id),
            RoleKey::BuiltIn(_) => None,
        })
        .collect();
    let mut rights: Vec<Rights> = roles
        .iter()
        .filter_map(|role| match role {
            RoleKey::BuiltIn(role) => Some(builtin::rights(*role)),
            RoleKey::Own(_) => None,
        })
        .collect();
    if !own.is_empty() {
        for row in store::roles_by_ids(tx, own).await? {
            rights.push(row.rights()?);
        }
    }
    Ok(effective(&rights))
}

/// Fails unless the caller may give somebody these roles: they exist, are not too many, and come to no more than the
/// caller holds.
pub(crate) async fn roles_checked(ctx: &Ctx, tx: &mut TenantTx, roles: &[RoleKey]) -> Result<(), Error> {
    let mut validation = Validation::new();
    let different: BTreeSet<&RoleKey> = roles.iter().collect();
    let owner = RoleKey::BuiltIn(Role::Owner);
    validation
        .check(!roles.is_empty(), "/roles", "required", "name one role at least")
        .check(roles.len() <= MOST_ROLES, "/roles", "too_long", format!("at most {MOST_ROLES} roles"))
        .check(different.len() == roles.len(), "/roles", "duplicate", "each role once")
        // Another role could take from an owner what an owner is there for.
        .check(
            roles.len() <= 1 || !roles.contains(&owner),
            "/roles",
            "owner_alone",
            "an owner has no other role",
        );
    let own = roles.iter().filter_map(|role| match role {
        RoleKey::Own(id) => Some(id),
        RoleKey::BuiltIn(_) => None,
    });
    let known: BTreeSet<RoleId> =
        store::roles_by_ids(tx, own.clone()).await?.into_iter().map(|row| row.id).collect();
    for id in own {
        validation.check(known.contains(id), "/roles", "unknown", format!("there is no role {id}"));
    }
    validation.finish()?;
    beyond(ctx.permissions(), &rights_of(tx, roles).await?)
}

/// The built-in roles and the ISP's own, each with the number of its users.
///
/// # Errors
/// Without `user.read`.
pub async fn roles_list(ctx: &Ctx) -> Result<Page<StaffRole>, Error> {
    ctx.authorize_whole(identity::READ)?;
    let mut tx = ctx.begin_read().await?;
    let users = store::users_by_role(&mut tx).await?;
    let mut items: Vec<StaffRole> = Role::ALL.iter().map(|role| built_in(*role, &users)).collect();
    for row in store::roles_all(&mut tx).await? {
        items.push(own(row, &users)?);
    }
    Ok(Page { items, next_cursor: None })
}

/// One role.
///
/// # Errors
/// Not found, or without `user.read`.
pub async fn role_get(ctx: &Ctx, key: &RoleKey) -> Result<StaffRole, Error> {
    ctx.authorize_whole(identity::READ)?;
    let mut tx = ctx.begin_read().await?;
    let users = store::users_by_role(&mut tx).await?;
    match key {
        RoleKey::BuiltIn(role) => Ok(built_in(*role, &users)),
        RoleKey::Own(id) => own(store::role_get(&mut tx, id).await?, &users),
    }
}

fn built_in(role: Role, users: &BTreeMap<RoleKey, i64>) -> StaffRole {
    let Rights { everything, allow, deny } = builtin::rights(role);
    let id = RoleKey::BuiltIn(role);
    StaffRole {
        built_in: Some(role),
        name: role.to_string(),
        description: String::new(),
        allow: if everything { BTreeSet::from(["*".to_owned()]) } else { allow },
        deny,
        users: users.get(&id).copied().unwrap_or_default(),
        version: 0,
        created_at: None,
        updated_at: None,
        id,
    }
}

fn own(row: RoleRow, users: &BTreeMap<RoleKey, i64>) -> Result<StaffRole, Error> {
    let Rights { allow, deny, .. } = row.rights()?;
    let id = RoleKey::Own(row.id);
    Ok(StaffRole {
        built_in: None,
        name: row.name,
        description: row.description,
        allow,
        deny,
        users: users.get(&id).copied().unwrap_or_default(),
        version: row.version,
        created_at: Some(row.created_at),
        updated_at: Some(row.updated_at),
        id,
    })
}

/// Makes a role.
///
/// # Errors
/// Wrong fields, a name that is taken, rights beyond the caller's own, or without `role.write`.
pub async fn role_create(ctx: &Ctx, catalog: &Catalog, new: NewRole) -> Result<StaffRole, Error> {
    ctx.authorize_whole(WRITE)?;
    let mut validation = Validation::new();
    let name = validation.text(&new.name, "/name", 60);
    let description = validation.optional_text(new.description.as_deref(), "/description", 400);
    validation.finish()?;
    let now = ctx.now();
    write_tx!(ctx, tx => {
        let model = match &new.copy_of {
            Some(key) => expanded(&mut tx, catalog, key).await?,
            None => Rights::default(),
        };
        let rights = Rights {
            everything: false,
            allow: new.allow.clone().unwrap_or(model.allow),
            deny: new.deny.clone().unwrap_or(model.deny),
        };
        check_names(catalog, &rights)?;
        beyond(ctx.permissions(), &Permissions::These(rights.allow.clone()))?;
        let row = RoleRow {
            id: RoleId::new(now),
            name: name.clone(),
            description: description.clone().unwrap_or_default(),
            allowed: serde_json::to_string(&rights.allow).map_err(Error::internal)?,
            denied: serde_json::to_string(&rights.deny).map_err(Error::internal)?,
            version: 1,
            created_at: now,
            updated_at: now,
        };
        store::role_insert(&mut tx, &row).await?;
        let made = own(row, &BTreeMap::new())?;
        note(ctx, &mut tx, CREATED, None, Some(&made)).await?;
        Ok(made)
    })
}

/// The rights of a role with "every right" written out.
async fn expanded(tx: &mut TenantTx, catalog: &Catalog, key: &RoleKey) -> Result<Rights, Error> {
    let mut rights = match key {
        RoleKey::BuiltIn(role) => builtin::rights(*role),
        RoleKey::Own(id) => match store::roles_by_ids(tx, [id]).await?.first() {
            Some(row) => row.rights()?,
            None => return Err(Error::invalid("/copy_of", "unknown", format!("there is no role {id}"))),
        },
    };
    if rights.everything {
        rights.allow = catalog.held(&effective([&rights])).into_iter().collect();
    }
    Ok(rights)
}

fn check_names(catalog: &Catalog, rights: &Rights) -> Result<(), Error> {
    let mut validation = Validation::new();
    for (names, pointer) in [(&rights.allow, "/allow"), (&rights.deny, "/deny")] {
        validation.check(
            names.len() <= MOST_RIGHTS,
            pointer,
            "too_long",
            format!("at most {MOST_RIGHTS} rights"),
        );
        for name in names.iter().filter(|name| !catalog.has(name)).take(20) {
            validation.check(false, pointer, "unknown", format!("there is no right {name:?}"));
        }
    }
    validation.finish()
}

/// Changes a role that is still at `version`; whoever has it has its new rights at once.
///
/// # Errors
/// Not found, built in, changed meanwhile, wrong fields, rights beyond the caller's own, or without `role.write`.
pub async fn role_update(
    ctx: &Ctx,
    catalog: &Catalog,
    key: &RoleKey,
    version: i64,
    change: RoleChange,
) -> Result<StaffRole, Error> {
    ctx.authorize_whole(WRITE)?;
    let id = own_id(key)?;
    let mut validation = Validation::new();
    let name = change.name.as_deref().map(|name| validation.text(name, "/name", 60));
    let description =
        change.description.as_deref().map(|text| validation.optional_text(Some(text), "/description", 400));
    validation.finish()?;
    write_tx!(ctx, tx => {
        let row = store::role_get(&mut tx, id).await?;
        let users = store::users_by_role(&mut tx).await?;
        let (old, before) = (row.rights()?, own(row.clone(), &users)?);
        let new = Rights {
            everything: false,
            allow: change.allow.clone().unwrap_or_else(|| old.allow.clone()),
            deny: change.deny.clone().unwrap_or_else(|| old.deny.clone()),
        };
        check_names(catalog, &new)?;
        // What is newly allowed, and what is denied no more, is given.
        let given = new.allow.difference(&old.allow).chain(old.deny.difference(&new.deny));
        beyond(ctx.permissions(), &Permissions::These(given.cloned().collect()))?;
        let row = RoleRow {
            name: name.clone().unwrap_or_else(|| row.name.clone()),
            description: description.clone().map_or_else(|| row.description.clone(), Option::unwrap_or_default),
            allowed: serde_json::to_string(&new.allow).map_err(Error::internal)?,
            denied: serde_json::to_string(&new.deny).map_err(Error::internal)?,
            version: row.version + 1,
            updated_at: ctx.now(),
            ..row
        };
        if before.version != version || !store::role_write(&mut tx, &row, version).await? {
            return Err(Error::VersionConflict { current: before.version });
        }
        let after = own(row, &users)?;
        note(ctx, &mut tx, UPDATED, Some(&before), Some(&after)).await?;
        Ok(after)
    })
}

/// Deletes a role that nobody has.
///
/// # Errors
/// Not found, built in, `role_in_use` with the number of its users, or without `role.write`.
pub async fn role_delete(ctx: &Ctx, key: &RoleKey) -> Result<(), Error> {
    ctx.authorize_whole(WRITE)?;
    let id = own_id(key)?;
    write_tx!(ctx, tx => {
        let row = store::role_get(&mut tx, id).await?;
        let before = own(row, &store::users_by_role(&mut tx).await?)?;
        if before.users > 0 {
            let params = [("users", json!(before.users))];
            return Err(Error::conflict_with("role_in_use", "give its users another role first", params));
        }
        store::role_delete(&mut tx, id).await?;
        note(ctx, &mut tx, DELETED, Some(&before), None).await
    })
}

fn own_id(key: &RoleKey) -> Result<&RoleId, Error> {
    match key {
        RoleKey::Own(id) => Ok(id),
        RoleKey::BuiltIn(_) => Err(Error::conflict(
            "role_built_in",
            "a built-in role is not changed: copy it and change the copy",
        )),
    }
}

async fn note(
    ctx: &Ctx,
    tx: &mut TenantTx,
    kind: EventType,
    before: Option<&StaffRole>,
    after: Option<&StaffRole>,
) -> Result<(), Error> {
    let Some(shown) = after.or(before) else { return Ok(()) };
    let entity = EntityRef::new("role", &shown.id);
    let mut entry = Entry::new(WRITE.0, entity.clone());
    if let Some(before) = before {
        entry = entry.before(before)?;
    }
    if let Some(after) = after {
        entry = entry.after(after)?;
    }
    audit::record(ctx, tx, entry).await?;
    let facts = json!({"id": shown.id, "name": shown.name});
    events::emit(ctx, tx, NewEvent::new(kind, entity, facts)).await?;
    Ok(())
}
