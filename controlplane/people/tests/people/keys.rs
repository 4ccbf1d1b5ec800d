//! Keys of programs.

use super::{log_in, tenant, user};
use atalaya_kernel::{
    Ctx, Error, Permission, Principal, STEP_UP_MS, Scope, list::ListQuery, on_both, page::PageQuery,
    secrets::SecretText, testing::World,
};
use atalaya_people::{
    access::{AccessScope, Catalog, Role},
    customers::{self, CustomerList},
    identity::{self, UserChange},
    keys::{self, NewApiKey},
};
use atalaya_places::sites::{self, NewSite};
use std::collections::BTreeSet;

fn catalog() -> Catalog {
    Catalog::new(atalaya_people::PERMISSIONS.concat())
}

fn new(permissions: &[&str]) -> NewApiKey {
    NewApiKey {
        name: "Accounting".to_owned(),
        permissions: permissions.iter().map(|name| (*name).to_owned()).collect(),
        scope: None,
        expires_at: None,
        requests_per_minute: None,
    }
}

async fn person(world: &World, ctx: &Ctx, email: &str, role: Role) -> Ctx {
    identity::user_create(ctx, user(email, role)).await.unwrap();
    let secret = SecretText::new("correct horse".to_owned());
    let token = log_in(world, "netandina", email, &secret).await.unwrap().token.expose().to_owned();
    identity::authenticate(&world.runtime, &token, &crate::anywhere()).await.unwrap().unwrap().0
}

async fn used(world: &World, token: &str) -> Option<Ctx> {
    keys::authenticate(&world.runtime, &SecretText::new(token.to_owned()), &crate::anywhere()).await.unwrap()
}

on_both!(a_key_may_what_it_names_until_it_is_revoked, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let rosa = person(&world, &ctx, "rosa@netandina.example", Role::Owner).await;
    assert_eq!(
        keys::key_create(&ctx, &catalog(), new(&["customer.read"])).await.unwrap_err().code(),
        "not_a_person"
    );
    assert!(matches!(
        keys::key_create(&rosa, &catalog(), new(&["moon.landing"])).await,
        Err(Error::Invalid(_))
    ));
    let made = keys::key_create(&rosa, &catalog(), new(&["customer.read", "user.write"])).await.unwrap();
    let key = used(&world, made.token.expose()).await.unwrap();
    assert!(matches!(key.principal(), Principal::ApiKey { name, .. } if name == "Accounting"));
    assert!(customers::customers_list(&key, &ListQuery::<CustomerList>::default(), None).await.is_ok());
    assert!(matches!(
        keys::keys_list(&key, &PageQuery::default()).await,
        Err(Error::Forbidden("api_key.read"))
    ));
    // A program is not asked who it is: that was asked when the key was made.
    world.clock.advance_millis(STEP_UP_MS);
    assert!(key.authorize(identity::WRITE).is_ok());
    assert_eq!(
        keys::key_create(&rosa, &catalog(), new(&["customer.read"])).await.unwrap_err().code(),
        "step_up_required"
    );
    assert_eq!(
        identity::sessions_list(&key, &"ses_01jd3k5m7nf8v9q0r1s2t3w4x5".parse().unwrap())
            .await
            .unwrap_err()
            .code(),
        "not_a_person"
    );

    let mut wrong = made.token.expose().to_owned();
    wrong.pop();
    for token in [wrong.as_str(), "atk_", "nonsense", &made.token.expose().replace("atk_", "atk_0")] {
        assert!(used(&world, token).await.is_none(), "{token}");
    }
    let listed = keys::keys_list(&ctx, &PageQuery::default()).await.unwrap().items;
    assert!(listed[0].last_used_at.is_some() && !format!("{listed:?}").contains(&made.token.expose()[32..]));
    keys::key_revoke(&ctx, &made.key.id).await.unwrap();
    assert!(used(&world, made.token.expose()).await.is_none());
    assert_eq!(keys::key_revoke(&ctx, &made.key.id).await.unwrap_err().code(), "key_revoked");
    let stranger = tenant(&world, "other").await;
    assert!(matches!(keys::key_get(&stranger, &made.key.id).await, Err(Error::NotFound)));
});

on_both!(a_key_is_never_more_than_its_maker, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let site = NewSite { name: "Cerro Alto".to_owned(), parent_id: None, latitude: None, longitude: None };
    let site = sites::site_create(&ctx, site).await.unwrap().id;
    let admin = person(&world, &ctx, "ana@netandina.example", Role::Admin).await;
    let Principal::User { id, .. } = admin.principal().clone() else { unreachable!("a person") };
    let beyond = keys::key_create(&admin, &catalog(), new(&["user.make_owner"])).await;
    assert_eq!(beyond.unwrap_err().code(), "beyond_own_rights");
    let narrow = AccessScope::Sites { site_ids: BTreeSet::from([site.clone()]) };
    let expires_at = Some(world.runtime.clock.now().plus_millis(3_600_000));
    let new =
        NewApiKey { scope: Some(narrow.clone()), expires_at, ..new(&["customer.read", "customer.write"]) };
    let token = keys::key_create(&admin, &catalog(), new).await.unwrap().token.expose().to_owned();
    let may = |key: &Ctx, right: &'static str| key.authorize(Permission::new(right)).is_ok();
    let key = used(&world, &token).await.unwrap();
    assert_eq!(*key.scope(), Scope::Sites(BTreeSet::from([site])));
    assert!(may(&key, "customer.read") && may(&key, "customer.write") && !may(&key, "user.read"));
    let less = UserChange { role: Some(Role::ReadOnly.into()), ..UserChange::default() };
    identity::user_update(&ctx, &id, 1, less).await.unwrap();
    let key = used(&world, &token).await.unwrap();
    assert!(may(&key, "customer.read") && !may(&key, "customer.write"), "its maker may not any more");
    let off = UserChange { disabled: Some(true), ..UserChange::default() };
    identity::user_update(&ctx, &id, 2, off).await.unwrap();
    assert!(used(&world, &token).await.is_none(), "its maker is gone");
    let on = UserChange { disabled: Some(false), ..UserChange::default() };
    identity::user_update(&ctx, &id, 3, on).await.unwrap();
    assert!(used(&world, &token).await.is_some());
    world.clock.advance_millis(3_600_000);
    assert!(used(&world, &token).await.is_none(), "expired");
});
