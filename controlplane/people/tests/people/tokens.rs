//! Tokens of programs that act for a person.

use super::{factors::enrolled, log_in, tenant, user};
use atalaya_kernel::{
    Ctx, Error, Permission, Principal, STEP_UP_MS, Scope,
    events::{self, EventFilter},
    ids::TenantId,
    installation::{self, Environment},
    on_both,
    secrets::SecretText,
    testing::World,
};
use atalaya_people::{
    access::{AccessScope, Catalog, Role, RoleList},
    identity::{self, Origin, UserChange},
    platform::PlatformCtx,
    tenancy::{self, TenantChange},
    tokens::{self, Granted, TokenPair, TokenRequest},
};
use atalaya_places::sites::{self, NewSite};
use std::collections::BTreeSet;

const EMAIL: &str = "rosa@netandina.example";
const MINUTE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

fn secret(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

/// A program at headquarters.
fn office() -> Origin {
    Origin { address: "192.0.2.7".to_owned(), user_agent: "accounting/1".to_owned(), ..Origin::default() }
}

fn request(permissions: Option<&[&str]>) -> TokenRequest {
    TokenRequest {
        tenant: None,
        email: EMAIL.to_owned(),
        password: secret("correct horse"),
        code: None,
        name: "Accounting".to_owned(),
        permissions: permissions.map(|names| names.iter().map(|name| (*name).to_owned()).collect()),
    }
}

async fn asked(world: &World, request: &TokenRequest) -> Result<Granted, Error> {
    let catalog = Catalog::new(atalaya_people::PERMISSIONS.concat());
    tokens::grant(&world.runtime, &catalog, "netandina", request, &office()).await
}

async fn granted(world: &World, permissions: Option<&[&str]>) -> TokenPair {
    match asked(world, &request(permissions)).await.unwrap() {
        Granted::Tokens(pair) => *pair,
        other => unreachable!("{other:?}"),
    }
}

async fn used(world: &World, pair: &TokenPair) -> Option<Ctx> {
    tokens::authenticate(&world.runtime, &secret(pair.access_token.expose()), None, &crate::anywhere())
        .await
        .unwrap()
}

async fn refreshed_from(world: &World, token: &str, origin: &Origin) -> Option<TokenPair> {
    tokens::refresh(&world.runtime, &secret(token), None, origin).await.unwrap()
}

async fn refreshed(world: &World, token: &str) -> Option<TokenPair> {
    refreshed_from(world, token, &office()).await
}

/// An installation with a tenant and somebody in it.
async fn founded(world: &World, role: Role) -> Ctx {
    installation::open(&world.runtime, Environment::Development, "test").await.unwrap();
    let ctx = tenant(world, "netandina").await;
    identity::user_create(&ctx, user(EMAIL, role)).await.unwrap();
    ctx
}

async fn kinds(ctx: &Ctx) -> Vec<String> {
    let filter = EventFilter { limit: 200, ..EventFilter::default() };
    let events = events::list(&mut ctx.begin_read().await.unwrap(), &filter).await.unwrap();
    events.into_iter().map(|event| event.kind).collect()
}

fn may(ctx: &Ctx, right: &'static str) -> bool {
    ctx.authorize(Permission::new(right)).is_ok()
}

on_both!(a_token_may_what_it_names_and_its_person_may_now, |world: World| async move {
    let ctx = founded(&world, Role::Admin).await;
    let unknown = asked(&world, &request(Some(&["moon.landing"]))).await;
    assert!(matches!(unknown, Err(Error::Invalid(_))), "{unknown:?}");
    let beyond = asked(&world, &request(Some(&["user.make_owner"]))).await;
    assert_eq!(beyond.unwrap_err().code(), "beyond_own_rights");
    let narrow = granted(&world, Some(&["customer.read", "customer.write"])).await;
    let wide = granted(&world, None).await;
    let token = used(&world, &narrow).await.unwrap();
    assert!(matches!(token.principal(), Principal::Token { name, .. } if name == "Rosa (Accounting)"));
    assert!(may(&token, "customer.read") && may(&token, "customer.write") && !may(&token, "user.read"));
    assert!(may(&used(&world, &wide).await.unwrap(), "user.read"));

    // What its person may is decided with each request.
    let id = identity::user_find(&ctx, EMAIL).await.unwrap().id;
    let new = NewSite { name: "Sur".to_owned(), parent_id: None, latitude: None, longitude: None };
    let site = sites::site_create(&ctx, new).await.unwrap();
    let less = UserChange {
        role: Some(Role::ReadOnly.into()),
        scope: Some(AccessScope::Sites { site_ids: BTreeSet::from([site.id.clone()]) }),
        ..UserChange::default()
    };
    identity::user_update(&ctx, &id, 1, less).await.unwrap();
    let token = used(&world, &narrow).await.unwrap();
    assert!(may(&token, "customer.read") && !may(&token, "customer.write"));
    assert_eq!(*token.scope(), Scope::Sites(BTreeSet::from([site.id])));
    let demand = TenantChange {
        second_factor_roles: Some(RoleList(vec![Role::ReadOnly.into()])),
        ..TenantChange::default()
    };
    tenancy::tenant_update(&ctx, 1, demand).await.unwrap();
    assert!(!may(&used(&world, &wide).await.unwrap(), "customer.read"), "a factor is missing now");
    assert_eq!(asked(&world, &request(None)).await.unwrap_err().code(), "factor_missing");
});

on_both!(a_token_is_no_person, |world: World| async move {
    founded(&world, Role::Owner).await;
    let pair = granted(&world, None).await;
    let token = used(&world, &pair).await.unwrap();
    assert_eq!(tokens::families_list(&token).await.unwrap_err().code(), "not_a_person");
    assert_eq!(atalaya_people::factors::app_enrol(&token).await.unwrap_err().code(), "not_a_person");
    let dangerous = Permission::dangerous("user.write");
    assert!(token.authorize(dangerous).is_ok(), "its person has just shown who they are");
    world.clock.advance_millis(STEP_UP_MS);
    let pair = refreshed(&world, pair.refresh_token.expose()).await.unwrap();
    let token = used(&world, &pair).await.unwrap();
    assert!(matches!(token.authorize(dangerous), Err(Error::StepUpRequired)), "a refresh is no proof");
    assert!(may(&token, "user.read"));
});

on_both!(tokens_end, |world: World| async move {
    founded(&world, Role::Owner).await;
    let first = granted(&world, None).await;
    assert_eq!((first.expires_in, first.token_type), (600, "Bearer"));
    world.clock.advance_millis(10 * MINUTE_MS - 1_000);
    assert!(used(&world, &first).await.is_some());
    world.clock.advance_millis(1_000);
    assert!(used(&world, &first).await.is_none(), "ended");
    for nonsense in ["", "eyJ", "a.b.c", "atr_00", first.refresh_token.expose()] {
        assert!(
            tokens::authenticate(&world.runtime, &secret(nonsense), None, &crate::anywhere())
                .await
                .unwrap()
                .is_none()
        );
    }
    assert!(refreshed(&world, first.access_token.expose()).await.is_none(), "one kind is not the other");

    // A refresh token ends unused after thirty days, a family after a hundred and eighty, used or not.
    let mut pair = refreshed(&world, first.refresh_token.expose()).await.unwrap();
    for _ in 0..6 {
        world.clock.advance_millis(29 * DAY_MS);
        pair = refreshed(&world, pair.refresh_token.expose()).await.unwrap();
    }
    assert!(used(&world, &pair).await.is_some());
    world.clock.advance_millis(6 * DAY_MS);
    assert!(used(&world, &pair).await.is_none());
    assert!(refreshed(&world, pair.refresh_token.expose()).await.is_none(), "the family is over");
    let pair = granted(&world, None).await;
    world.clock.advance_millis(30 * DAY_MS);
    assert!(refreshed(&world, pair.refresh_token.expose()).await.is_none(), "unused for too long");
});

on_both!(a_refresh_token_in_two_hands_ends_its_family, |world: World| async move {
    let ctx = founded(&world, Role::Owner).await;
    let other = granted(&world, None).await;
    let first = granted(&world, None).await;
    let second = refreshed(&world, first.refresh_token.expose()).await.unwrap();
    assert_eq!(second.family_id, first.family_id);
    let third = refreshed(&world, second.refresh_token.expose()).await.unwrap();
    assert!(used(&world, &third).await.is_some());
    assert!(refreshed(&world, first.refresh_token.expose()).await.is_none(), "its successor was used");
    for pair in [&first, &second, &third] {
        assert!(used(&world, pair).await.is_none(), "at once");
    }
    assert!(refreshed(&world, third.refresh_token.expose()).await.is_none(), "also the good one");
    assert!(used(&world, &other).await.is_some(), "another program goes on");
    let kinds = kinds(&ctx).await;
    assert_eq!(kinds.iter().filter(|kind| *kind == "token.reused").count(), 1, "{kinds:?}");
});

on_both!(an_answer_that_was_lost_is_given_again_from_the_same_place, |world: World| async move {
    founded(&world, Role::Owner).await;
    let first = granted(&world, None).await;
    let lost = refreshed(&world, first.refresh_token.expose()).await.unwrap();
    world.clock.advance_millis(5_000);
    let lost_too = refreshed(&world, first.refresh_token.expose()).await.unwrap();
    let second = refreshed(&world, first.refresh_token.expose()).await.unwrap();
    assert!(used(&world, &second).await.is_some());
    let third = refreshed(&world, second.refresh_token.expose()).await.unwrap();

    // One good token at any moment: what was replaced is in two hands when it comes.
    let pair = granted(&world, None).await;
    let replaced = refreshed(&world, pair.refresh_token.expose()).await.unwrap();
    let good = refreshed(&world, pair.refresh_token.expose()).await.unwrap();
    assert!(refreshed(&world, replaced.refresh_token.expose()).await.is_none());
    assert!(refreshed(&world, good.refresh_token.expose()).await.is_none());
    assert!(used(&world, &third).await.is_some(), "of its own family only");
    for lost in [lost, lost_too] {
        assert!(used(&world, &lost).await.is_some(), "an access token of a family that goes on");
    }

    // Not from elsewhere, and not later.
    let pair = granted(&world, None).await;
    refreshed(&world, pair.refresh_token.expose()).await.unwrap();
    let elsewhere = Origin { address: "198.51.100.66".to_owned(), ..office() };
    assert!(refreshed_from(&world, pair.refresh_token.expose(), &elsewhere).await.is_none());
    let pair = granted(&world, None).await;
    refreshed(&world, pair.refresh_token.expose()).await.unwrap();
    world.clock.advance_millis(30_000);
    assert!(refreshed(&world, pair.refresh_token.expose()).await.is_none());
    assert!(used(&world, &pair).await.is_none());
});

on_both!(a_password_and_a_disabled_person_end_programs, |world: World| async move {
    let ctx = founded(&world, Role::Cashier).await;
    let id = identity::user_find(&ctx, EMAIL).await.unwrap().id;
    let pair = granted(&world, None).await;
    identity::password_set(&ctx, &id, &secret("correct horse")).await.unwrap();
    assert!(used(&world, &pair).await.is_none());
    assert!(refreshed(&world, pair.refresh_token.expose()).await.is_none());

    let pair = granted(&world, None).await;
    let token = log_in(&world, "netandina", EMAIL, &secret("correct horse")).await.unwrap().token;
    let (rosa, session) =
        identity::authenticate(&world.runtime, token.expose(), &crate::anywhere()).await.unwrap().unwrap();
    let changed =
        identity::password_change(&rosa, &session, &secret("correct horse"), &secret("another horse")).await;
    assert!(changed.unwrap().is_some());
    assert!(used(&world, &pair).await.is_none(), "one's own change too");

    let wanted = TokenRequest { password: secret("another horse"), ..request(None) };
    let Granted::Tokens(pair) = asked(&world, &wanted).await.unwrap() else { unreachable!("it is right") };
    let off = UserChange { disabled: Some(true), ..UserChange::default() };
    identity::user_update(&ctx, &id, 1, off).await.unwrap();
    assert!(used(&world, &pair).await.is_none());
    assert!(matches!(asked(&world, &wanted).await.unwrap(), Granted::Refused));
    let on = UserChange { disabled: Some(false), ..UserChange::default() };
    identity::user_update(&ctx, &id, 2, on).await.unwrap();
    assert!(used(&world, &pair).await.is_none(), "for ever");
    assert_eq!(kinds(&ctx).await.iter().filter(|kind| *kind == "token.revoked").count(), 3);
});

on_both!(a_person_sees_and_ends_their_own_programs, |world: World| async move {
    let ctx = founded(&world, Role::Owner).await;
    identity::user_create(&ctx, user("luis@netandina.example", Role::Owner)).await.unwrap();
    let person = async |email: &str| {
        let token = log_in(&world, "netandina", email, &secret("correct horse")).await.unwrap().token;
        identity::authenticate(&world.runtime, token.expose(), &crate::anywhere()).await.unwrap().unwrap().0
    };
    let (rosa, luis) = (person(EMAIL).await, person("luis@netandina.example").await);
    let (one, two) = (granted(&world, Some(&["customer.read"])).await, granted(&world, None).await);
    let listed = tokens::families_list(&rosa).await.unwrap().items;
    let ids: Vec<_> = listed.iter().map(|family| family.id.clone()).collect();
    assert_eq!(ids, [two.family_id.clone(), one.family_id.clone()], "newest first");
    assert_eq!((listed[0].address.as_str(), listed[0].user_agent.as_str()), ("192.0.2.7", "accounting/1"));
    assert_eq!(listed[1].permissions, Some(BTreeSet::from(["customer.read".to_owned()])));
    assert!(tokens::families_list(&luis).await.unwrap().items.is_empty());
    assert!(matches!(tokens::family_revoke(&luis, &one.family_id).await, Err(Error::NotFound)));
    tokens::family_revoke(&rosa, &one.family_id).await.unwrap();
    assert!(matches!(tokens::family_revoke(&rosa, &one.family_id).await, Err(Error::NotFound)), "once");
    assert!(used(&world, &one).await.is_none() && used(&world, &two).await.is_some());
    tokens::revoke(&world.runtime, &secret(two.refresh_token.expose()), None, &office()).await.unwrap();
    tokens::revoke(&world.runtime, &secret(two.refresh_token.expose()), None, &office()).await.unwrap();
    assert!(used(&world, &two).await.is_none(), "a program ends its own");
    assert!(tokens::families_list(&rosa).await.unwrap().items.is_empty());
});

on_both!(a_second_factor_and_the_guard_stand_before_tokens, |world: World| async move {
    installation::open(&world.runtime, Environment::Development, "test").await.unwrap();
    let ctx = tenant(&world, "netandina").await;
    let (_, _, codes) = enrolled(&world, &ctx).await;
    assert!(matches!(asked(&world, &request(None)).await.unwrap(), Granted::CodeWanted));
    let with = |code: &str| TokenRequest { code: Some(secret(code)), ..request(None) };
    assert!(matches!(asked(&world, &with("000000")).await.unwrap(), Granted::Refused));
    assert!(matches!(asked(&world, &with(&codes[0])).await.unwrap(), Granted::Tokens(_)));
    assert!(matches!(asked(&world, &with(&codes[0])).await.unwrap(), Granted::Refused), "taken");
    let wrong = TokenRequest { password: secret("battery staple"), ..request(None) };
    for _ in 0..5 {
        assert!(matches!(asked(&world, &wrong).await.unwrap(), Granted::Refused));
    }
    assert!(matches!(asked(&world, &request(None)).await, Err(Error::RateLimited { .. })));
    // The log-in's own count: one guard for both.
    let (right, office) = (secret("correct horse"), office());
    let log_in = identity::log_in(&world.runtime, "netandina", EMAIL, &right, &office);
    assert!(matches!(log_in.await, Err(Error::RateLimited { .. })));
});

on_both!(a_token_of_one_tenant_is_nothing_at_anothers_host, |world: World| async move {
    let ctx = founded(&world, Role::Owner).await;
    let other = tenant(&world, "other").await;
    let pair = granted(&world, None).await;
    let at = async |here: Option<&TenantId>| {
        tokens::authenticate(&world.runtime, &secret(pair.access_token.expose()), here, &crate::anywhere())
            .await
            .unwrap()
    };
    assert!(at(Some(ctx.tenant())).await.is_some() && at(None).await.is_some());
    assert!(at(Some(other.tenant())).await.is_none());
    let refresh = secret(pair.refresh_token.expose());
    let there = tokens::refresh(&world.runtime, &refresh, Some(other.tenant()), &office()).await.unwrap();
    assert!(there.is_none());
    tokens::revoke(&world.runtime, &refresh, Some(other.tenant()), &office()).await.unwrap();
    assert!(
        refreshed(&world, pair.refresh_token.expose()).await.is_some(),
        "it was neither spent nor revoked"
    );
});

on_both!(keys_that_sign_are_replaced_while_tokens_go_on, |world: World| async move {
    founded(&world, Role::Owner).await;
    let kids = async || -> Vec<String> {
        let keys = serde_json::to_value(tokens::keys_public(&world.runtime).await.unwrap()).unwrap();
        let keys = keys["keys"].as_array().unwrap().clone();
        keys.iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
    };
    assert!(kids().await.is_empty(), "made with the first token");
    let first = granted(&world, None).await;
    let old = kids().await;
    assert_eq!(old.len(), 1);
    world.clock.advance_millis(1_000);
    let platform = PlatformCtx::command_line(world.runtime.clone());
    let new = tokens::key_rotate(&platform, false).await.unwrap();
    assert_eq!(kids().await, [new.clone(), old[0].clone()], "the newest first");
    assert!(used(&world, &first).await.is_some(), "an old key verifies what it signed");
    let second = refreshed(&world, first.refresh_token.expose()).await.unwrap();
    world.clock.advance_millis(1_000);
    let newest = tokens::key_rotate(&platform, true).await.unwrap();
    assert_eq!(kids().await, [newest], "a key that somebody may have seen");
    assert!(used(&world, &second).await.is_none());
    let third = refreshed(&world, second.refresh_token.expose()).await.unwrap();
    assert!(used(&world, &third).await.is_some(), "the program goes on");

    // By the calendar, and what verifies nothing any more is forgotten.
    world.clock.advance_millis(29 * DAY_MS);
    let pair = refreshed(&world, third.refresh_token.expose()).await.unwrap();
    assert_eq!(kids().await.len(), 1);
    world.clock.advance_millis(DAY_MS);
    let pair = refreshed(&world, pair.refresh_token.expose()).await.unwrap();
    assert_eq!(kids().await.len(), 2);
    world.clock.advance_millis(11 * MINUTE_MS);
    assert_eq!(kids().await.len(), 1);
    assert!(refreshed(&world, pair.refresh_token.expose()).await.is_some());
});
