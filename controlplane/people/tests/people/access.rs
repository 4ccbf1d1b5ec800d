//! Roles, rights and scope.

use super::{tenant, user};
use atalaya_kernel::{
    Ctx, Error, Permission, Principal, STEP_UP_MS, Scope, audit, ids::UserId, list::ListQuery, on_both,
    secrets::SecretText, testing::World,
};
use atalaya_people::{
    access::{self, AccessScope, Catalog, MAKE_OWNER, NewRole, Role, RoleChange, RoleKey},
    identity::{self, NewUser, Origin, Proof, UserChange},
    tenancy,
};
use atalaya_places::sites::{self, NewSite};
use std::collections::BTreeSet;

const PASSWORD: &str = "correct horse";

fn catalog() -> Catalog {
    Catalog::new(atalaya_people::PERMISSIONS.concat())
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

/// A session of somebody; its token.
async fn log_in(world: &World, email: &str) -> String {
    let secret = SecretText::new(PASSWORD.to_owned());
    super::log_in(world, "netandina", email, &secret).await.unwrap().token.expose().to_owned()
}

async fn context(world: &World, token: &str) -> Ctx {
    identity::authenticate(&world.runtime, token, &crate::anywhere()).await.unwrap().unwrap().0
}

/// A user with these roles, logged in: id, token, and the context of a request.
async fn somebody(world: &World, ctx: &Ctx, email: &str, roles: Vec<RoleKey>) -> (UserId, String, Ctx) {
    let new = NewUser { role: None, roles: Some(roles), ..user(email, Role::ReadOnly) };
    let made = identity::user_create(ctx, new).await.unwrap();
    let token = log_in(world, email).await;
    let theirs = context(world, &token).await;
    (made.id, token, theirs)
}

async fn role(ctx: &Ctx, name: &str, allow: &[&str], deny: &[&str]) -> RoleKey {
    let new = NewRole {
        name: name.to_owned(),
        allow: Some(names(allow)),
        deny: Some(names(deny)),
        ..NewRole::default()
    };
    access::role_create(ctx, &catalog(), new).await.unwrap().id
}

fn code(error: Error) -> &'static str {
    error.code()
}

on_both!(a_role_holds_at_once, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let sees = role(&ctx, "Reader", &["customer.read"], &[]).await;
    let writes = role(&ctx, "Writer", &["customer.write", "customer.read"], &[]).await;
    let (_, token, before) =
        somebody(&world, &ctx, "luis@netandina.example", vec![sees.clone(), writes]).await;
    let may = |ctx: &Ctx, right: &'static str| ctx.authorize(Permission::new(right)).is_ok();
    assert!(may(&before, "customer.read") && may(&before, "customer.write") && !may(&before, "user.read"));
    let change = RoleChange { deny: Some(names(&["customer.write"])), ..RoleChange::default() };
    access::role_update(&ctx, &catalog(), &sees, 1, change).await.unwrap();
    let after = context(&world, &token).await;
    assert!(
        may(&after, "customer.read") && !may(&after, "customer.write"),
        "deny wins, in the running session"
    );
    let again = RoleChange { name: Some("R".to_owned()), ..RoleChange::default() };
    assert!(matches!(
        access::role_update(&ctx, &catalog(), &sees, 1, again).await,
        Err(Error::VersionConflict { current: 2 })
    ));
});

on_both!(a_role_in_use_stays_and_a_built_in_one_always, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let made = role(&ctx, "Night shift", &["customer.read"], &[]).await;
    let (id, _, _) =
        somebody(&world, &ctx, "luis@netandina.example", vec![Role::Cashier.into(), made.clone()]).await;
    let listed = access::roles_list(&ctx).await.unwrap().items;
    assert_eq!(listed.len(), Role::ALL.len() + 1);
    for shown in &listed {
        let users = i64::from(shown.id == made || shown.id == Role::Cashier.into());
        assert_eq!(shown.users, users, "{}", shown.id);
    }
    assert_eq!(code(access::role_delete(&ctx, &made).await.unwrap_err()), "role_in_use");
    let only = UserChange { role: Some(Role::Support.into()), ..UserChange::default() };
    let changed = identity::user_update(&ctx, &id, 1, only).await.unwrap();
    assert_eq!((changed.role, changed.roles), (Role::Support.into(), vec![Role::Support.into()]));
    access::role_delete(&ctx, &made).await.unwrap();
    assert!(matches!(access::role_get(&ctx, &made).await, Err(Error::NotFound)));
    for key in [Role::Owner, Role::ReadOnly].map(RoleKey::from) {
        assert_eq!(code(access::role_delete(&ctx, &key).await.unwrap_err()), "role_built_in");
    }
    let copy =
        NewRole { name: "Almost all".to_owned(), copy_of: Some(Role::Admin.into()), ..NewRole::default() };
    let copy = access::role_create(&ctx, &catalog(), copy).await.unwrap();
    assert!(copy.allow.contains("user.write") && !copy.allow.contains(MAKE_OWNER.0), "{copy:?}");
    let twice = NewRole { name: "Almost all".to_owned(), ..NewRole::default() };
    assert!(matches!(access::role_create(&ctx, &catalog(), twice).await, Err(Error::Invalid(_))));
    let unknown =
        NewRole { name: "X".to_owned(), allow: Some(names(&["moon.landing"])), ..NewRole::default() };
    assert!(matches!(access::role_create(&ctx, &catalog(), unknown).await, Err(Error::Invalid(_))));
    let stranger = tenant(&world, "other").await;
    assert!(matches!(access::role_get(&stranger, &copy.id).await, Err(Error::NotFound)));
    let foreign =
        NewUser { roles: Some(vec![copy.id]), role: None, ..user("ana@other.example", Role::ReadOnly) };
    assert!(matches!(identity::user_create(&stranger, foreign).await, Err(Error::Invalid(_))));
});

on_both!(nobody_gives_what_they_do_not_hold, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let owner = identity::user_create(&ctx, user("rosa@netandina.example", Role::Owner)).await.unwrap();
    let chief =
        role(&ctx, "Chief of staff", &["user.read", "user.write", "role.write", "customer.read"], &[]).await;
    let (_, _, admin) = somebody(&world, &ctx, "ana@netandina.example", vec![Role::Admin.into()]).await;
    let (_, _, chief) = somebody(&world, &ctx, "luis@netandina.example", vec![chief]).await;
    let beyond = "beyond_own_rights";
    for (who, role, may) in [
        (&admin, Role::Owner, false),
        (&admin, Role::Admin, true),
        (&chief, Role::Admin, false),
        (&chief, Role::ReadOnly, false),
        (&ctx, Role::Owner, true),
    ] {
        let email = format!("{role}{may}@netandina.example");
        let made = identity::user_create(who, user(&email, role)).await;
        assert_eq!(made.as_ref().err().map(Error::code), (!may).then_some(beyond), "{role}");
    }
    // Acting on somebody who holds more would be a promotion through the back door.
    let secret = SecretText::new("another horse".to_owned());
    for who in [&admin, &chief] {
        let off = UserChange { disabled: Some(true), ..UserChange::default() };
        assert_eq!(code(identity::user_update(who, &owner.id, 1, off).await.unwrap_err()), beyond);
        assert_eq!(code(identity::password_set(who, &owner.id, &secret).await.unwrap_err()), beyond);
    }
    let more =
        NewRole { name: "More".to_owned(), allow: Some(names(&["tenant.write"])), ..NewRole::default() };
    assert_eq!(code(access::role_create(&chief, &catalog(), more).await.unwrap_err()), beyond);
    let narrow = role(&ctx, "Narrow", &["customer.read", "tenant.write"], &["tenant.write"]).await;
    let open = RoleChange { deny: Some(BTreeSet::new()), ..RoleChange::default() };
    assert_eq!(code(access::role_update(&chief, &catalog(), &narrow, 1, open).await.unwrap_err()), beyond);
    let both = NewUser {
        role: None,
        roles: Some(vec![Role::Owner.into(), Role::ReadOnly.into()]),
        ..user("both@netandina.example", Role::ReadOnly)
    };
    assert!(
        matches!(identity::user_create(&ctx, both).await, Err(Error::Invalid(_))),
        "an owner is nothing else"
    );
});

on_both!(a_scope_is_spread_over_the_tree, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let site = |name: &str, parent_id| {
        let new = NewSite { name: name.to_owned(), parent_id, latitude: None, longitude: None };
        let ctx = ctx.clone();
        async move { sites::site_create(&ctx, new).await.unwrap().id }
    };
    let hill = site("Cerro Alto", None).await;
    let valley = site("Valle", None).await;
    let scope = AccessScope::Sites { site_ids: BTreeSet::from([hill.clone()]) };
    let new = NewUser { scope: Some(scope), ..user("luis@netandina.example", Role::Admin) };
    let made = identity::user_create(&ctx, new).await.unwrap();
    let token = log_in(&world, "luis@netandina.example").await;
    let before = context(&world, &token).await;
    assert_eq!(*before.scope(), Scope::Sites(BTreeSet::from([hill.clone()])));
    let mast = site("Sector N-2", Some(hill.clone())).await;
    let after = context(&world, &token).await;
    assert_eq!(
        *after.scope(),
        Scope::Sites(BTreeSet::from([hill.clone(), mast.clone()])),
        "as the tree is now"
    );
    assert!(sites::site_get(&after, &mast).await.is_ok());
    assert!(matches!(sites::site_get(&after, &valley).await, Err(Error::NotFound)));
    let root = NewSite { name: "Isla".to_owned(), parent_id: None, latitude: None, longitude: None };
    assert!(matches!(sites::site_create(&after, root).await, Err(Error::Invalid(_))), "it would not see it");
    let below =
        NewSite { name: "Sector N-3".to_owned(), parent_id: Some(mast), latitude: None, longitude: None };
    sites::site_create(&after, below).await.unwrap();

    // What is of the whole ISP is not for whoever sees a part of it, whatever the rights.
    assert!(matches!(identity::users_list(&after, &ListQuery::default()).await, Err(Error::Forbidden(_))));
    assert!(matches!(access::roles_list(&after).await, Err(Error::Forbidden(_))));
    let change = tenancy::TenantChange::default();
    assert!(matches!(tenancy::tenant_update(&after, 1, change).await, Err(Error::Forbidden(_))));
    let elsewhere = AccessScope::Sites { site_ids: BTreeSet::from([valley]) };
    let move_away = UserChange { scope: Some(elsewhere.clone()), ..UserChange::default() };
    identity::user_update(&ctx, &made.id, 1, move_away).await.unwrap();
    assert!(matches!(sites::site_get(&context(&world, &token).await, &hill).await, Err(Error::NotFound)));
    let narrow_owner = NewUser { scope: Some(elsewhere), ..user("eva@netandina.example", Role::Owner) };
    assert!(matches!(identity::user_create(&ctx, narrow_owner).await, Err(Error::Invalid(_))));
});

on_both!(dangerous_rights_ask_again_who_is_there, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let (id, token, fresh) = somebody(&world, &ctx, "rosa@netandina.example", vec![Role::Owner.into()]).await;
    let new = |name: &str| user(&format!("{name}@netandina.example"), Role::ReadOnly);
    identity::user_create(&fresh, new("uno")).await.unwrap();
    world.clock.advance_millis(STEP_UP_MS);
    let (stale, session) =
        identity::authenticate(&world.runtime, &token, &crate::anywhere()).await.unwrap().unwrap();
    assert_eq!(code(identity::user_create(&stale, new("dos")).await.unwrap_err()), "step_up_required");
    assert!(identity::users_list(&stale, &ListQuery::default()).await.is_ok(), "reading is not dangerous");
    let wrong = Proof::Password(SecretText::new("battery staple".to_owned()));
    assert_eq!(identity::step_up(&stale, &session, &wrong, &Origin::default()).await.unwrap(), None);
    let right = Proof::Password(SecretText::new(PASSWORD.to_owned()));
    let next = identity::step_up(&stale, &session, &right, &Origin::default()).await.unwrap().unwrap();
    assert!(
        identity::authenticate(&world.runtime, &token, &crate::anywhere()).await.unwrap().is_none(),
        "another token"
    );
    identity::user_create(&context(&world, &next).await, new("dos")).await.unwrap();
    let filter =
        audit::AuditFilter { entity_id: Some(id.to_string()), limit: 50, ..audit::AuditFilter::default() };
    let rows = audit::list(&mut ctx.begin_read().await.unwrap(), &filter).await.unwrap();
    for action in ["session.step_up", "session.step_up_refuse"] {
        assert!(rows.iter().any(|row| row.action == action), "{action} leaves a row");
    }
    assert!(matches!(stale.principal(), Principal::User { .. }));
    identity::user_create(&ctx, new("tres")).await.expect("the command line is at the machine itself");
});

on_both!(people_see_and_end_their_own_sessions, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let (_, first, _) = somebody(&world, &ctx, "rosa@netandina.example", vec![Role::Owner.into()]).await;
    let (_, other, luis) =
        somebody(&world, &ctx, "luis@netandina.example", vec![Role::ReadOnly.into()]).await;
    world.clock.advance_millis(1_000);
    let second = log_in(&world, "rosa@netandina.example").await;
    let third = log_in(&world, "rosa@netandina.example").await;
    let (rosa, session) =
        identity::authenticate(&world.runtime, &second, &crate::anywhere()).await.unwrap().unwrap();
    let listed = identity::sessions_list(&rosa, &session.session_id).await.unwrap().items;
    assert_eq!(listed.iter().map(|session| session.current).filter(|current| *current).count(), 1);
    assert_eq!(listed.len(), 3);
    let foreign = listed[0].id.clone();
    assert!(matches!(identity::session_revoke(&luis, &foreign).await, Err(Error::NotFound)));
    let oldest = listed.last().unwrap().id.clone();
    identity::session_revoke(&rosa, &oldest).await.unwrap();
    let alive = |token: String| {
        let runtime = world.runtime.clone();
        async move { identity::authenticate(&runtime, &token, &crate::anywhere()).await.unwrap().is_some() }
    };
    assert!(!alive(first).await && alive(second.clone()).await && alive(third.clone()).await);
    identity::sessions_revoke_others(&rosa, &session.session_id).await.unwrap();
    assert!(alive(second).await && !alive(third).await && alive(other).await);
});
