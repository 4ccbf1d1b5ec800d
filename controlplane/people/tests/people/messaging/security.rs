use super::*;
use crate::{factors::enrolled, log_in_from, openid::Scene};
use atalaya_kernel::{Error, on_both};
use atalaya_people::{
    access::{Catalog, Role},
    approvals::{self, NewApproval, Operation, Operations},
    factors,
    identity::{self, Origin},
    keys::{self, NewApiKey},
    messaging::{NoticeReason, NoticeState},
    openid,
    tenancy::{self, TenantChange},
};

async fn subjects(world: &World, post: &Post) -> Vec<String> {
    post.deliver(world).await.into_iter().map(|mail| mail.subject).collect()
}

on_both!(people_are_told_what_happens_to_their_log_in, subscriptions(), |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let post = Post::open();
    let (rosa, _, codes) = enrolled(&world, &ctx).await;
    let told = post.deliver(&world).await;
    let said: Vec<_> = told.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(
        said,
        ["Nuevo ingreso en NETANDINA", "Nuevo ingreso en NETANDINA", "Su segundo factor en NETANDINA"]
    );
    assert!(told[2].text.expose().contains("Se agregó una aplicación"));
    assert!(told[0].text.expose().contains("2026-11-05 10:07 (America/Lima)"), "{}", told[0].text.expose());
    identity::log_in(&world.runtime, "netandina", EMAIL, &secret("correct horse"), &Origin::default())
        .await
        .unwrap();
    assert!(subjects(&world, &post).await.is_empty(), "nobody is in yet");
    factors::recovery_renew(&rosa).await.unwrap();
    assert!(!codes.is_empty());
    factors::app_remove(&rosa).await.unwrap();
    assert_eq!(subjects(&world, &post).await, ["Su segundo factor en NETANDINA"; 2]);
    let Ok(owner) = identity::user_find(&ctx, EMAIL).await else { unreachable!("she was made") };
    identity::password_set(&ctx, &owner.id, &secret("another horse")).await.unwrap();
    assert_eq!(subjects(&world, &post).await, ["Su contraseña en NETANDINA cambió"]);
    let known = log_in(&world, "netandina", EMAIL, &secret("another horse")).await.unwrap();
    assert_eq!(subjects(&world, &post).await.len(), 1, "the browsers were forgotten");
    let origin = Origin { browser: Some(secret(known.browser.expose())), ..Origin::default() };
    log_in_from(&world, "netandina", EMAIL, &secret("another horse"), &origin).await.unwrap().unwrap();
    assert!(subjects(&world, &post).await.is_empty(), "a browser that is known");

    let catalog = Catalog::new(atalaya_people::PERMISSIONS.concat());
    let new = NewApiKey {
        name: "Contabilidad".to_owned(),
        permissions: ["customer.read".to_owned()].into(),
        scope: None,
        requests_per_minute: None,
        expires_at: None,
    };
    let (rosa, _) = identity::authenticate(&world.runtime, known.token.expose(), &crate::anywhere())
        .await
        .unwrap()
        .unwrap();
    keys::key_create(&rosa, &catalog, new).await.unwrap();
    assert_eq!(subjects(&world, &post).await, ["Se creó una clave para un programa en NETANDINA"]);
});

on_both!(
    people_are_told_of_accounts_elsewhere_that_open_their_log_in,
    subscriptions(),
    |world: World| async move {
        let scene = Scene::new(world).await;
        let post = Post::open();
        let told = async || -> Vec<(String, String)> {
            let mails = post.deliver(&scene.world).await;
            mails.into_iter().map(|mail| (mail.subject, mail.text.expose().to_owned())).collect()
        };
        told().await;
        openid::own_identity_allow(&scene.rosa, &scene.wanted()).await.unwrap();
        let allowed = told().await;
        assert_eq!(allowed.len(), 1, "{allowed:?}");
        assert_eq!(allowed[0].0, "Otra forma de entrar en NETANDINA");
        assert!(allowed[0].1.contains("Se permitió vincular una cuenta de Issuer"), "{allowed:?}");
        assert!(scene.enters().await);
        let linked = told().await;
        assert!(linked.iter().any(|(_, text)| text.contains("quedó vinculada")), "{linked:?}");
        assert!(linked.iter().any(|(subject, _)| subject.contains("Nuevo ingreso")), "{linked:?}");
        let mine = openid::own_identities(&scene.rosa).await.unwrap().items;
        openid::own_identity_remove(&scene.rosa, &mine[0].id).await.unwrap();
        let removed = told().await;
        assert_eq!(removed.len(), 1, "{removed:?}");
        assert!(removed[0].1.contains("ya no se entra como usted"), "{removed:?}");
    }
);

on_both!(whoever_is_guessed_at_is_told_once_a_day, subscriptions(), |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap();
    let post = Post::open();
    let guess = |address: &str, email: &'static str| {
        let origin = Origin { address: address.to_owned(), ..Origin::default() };
        let world = &world;
        async move { log_in_from(world, "netandina", email, &secret("wrong"), &origin).await }
    };
    for address in ["192.0.2.1", "192.0.2.2"] {
        for _ in 0..4 {
            assert!(guess(address, EMAIL).await.unwrap().is_none());
        }
        assert!(subjects(&world, &post).await.is_empty(), "four are a person who is in a hurry");
        assert!(guess(address, EMAIL).await.unwrap().is_none());
        assert!(matches!(guess(address, EMAIL).await, Err(Error::RateLimited { .. })));
        let told = subjects(&world, &post).await;
        let expected = if address == "192.0.2.1" { 1 } else { 0 };
        assert_eq!(told.len(), expected, "{told:?}");
        for _ in 0..5 {
            assert!(guess(address, "nobody@netandina.example").await.unwrap().is_none());
        }
    }
    assert!(subjects(&world, &post).await.is_empty(), "nobody has no mailbox");
});

struct Nothing;

#[async_trait::async_trait]
impl Operation for Nothing {
    fn name(&self) -> &'static str {
        "test.nothing"
    }
    fn permission(&self) -> atalaya_kernel::Permission {
        atalaya_people::tenancy::WRITE
    }
    async fn run(
        &self,
        _: &Ctx,
        _: &mut atalaya_kernel::db::TenantTx,
        _: &serde_json::Value,
    ) -> Result<(), Error> {
        Ok(())
    }
}

pub(super) fn operations() -> Operations {
    Operations::new(vec![Arc::new(Nothing)])
}

/// Asks for a second person; what waits then.
async fn ask(ctx: &Ctx, entity: &str) -> atalaya_kernel::ids::ApprovalId {
    let new = NewApproval {
        operation: "test.nothing",
        entity: atalaya_kernel::events::EntityRef::new("test", entity),
        summary: "Suspend 214 services".to_owned(),
        payload: serde_json::json!({}),
    };
    write_tx!(ctx, tx => { Ok(approvals::approval_request(ctx, &mut tx, new.clone()).await?.id) }).unwrap()
}

on_both!(whoever_asked_is_told_what_somebody_else_decided, subscriptions(), |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let post = Post::open();
    let rosa = identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap();
    let luis = identity::user_create(&ctx, user("luis@netandina.example", Role::Owner)).await.unwrap();
    let (rosa, luis) =
        (as_person(&ctx, &rosa.id, Permissions::All), as_person(&ctx, &luis.id, Permissions::All));
    let operations = operations();
    approvals::approval_approve(&luis, &operations, &ask(&rosa, "a").await).await.unwrap();
    approvals::approval_reject(&luis, &ask(&rosa, "b").await, "not today").await.unwrap();
    approvals::approval_reject(&rosa, &ask(&rosa, "c").await, "my mistake").await.unwrap();
    let told = post.deliver(&world).await;
    let said: Vec<_> = told.iter().map(|mail| mail.subject.as_str()).collect();
    assert_eq!(said, ["Su solicitud fue aprobada", "Su solicitud fue rechazada"], "not of one's own");
    assert!(told.iter().all(|mail| mail.to == EMAIL));
    assert!(told[1].text.expose().contains("Motivo: not today"));
});

on_both!(whoever_may_decide_is_told_that_something_waits, subscriptions(), |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let other = tenant(&world, "vecina").await;
    let post = Post::open();
    let rosa = identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap();
    let luis = identity::user_create(&ctx, user("luis@netandina.example", Role::Owner)).await.unwrap();
    identity::user_create(&ctx, user("tito@netandina.example", Role::Technician)).await.unwrap();
    let pilar = identity::user_create(&ctx, user("pilar@netandina.example", Role::Owner)).await.unwrap();
    let off = identity::UserChange { disabled: Some(true), ..identity::UserChange::default() };
    identity::user_update(&ctx, &pilar.id, pilar.version, off).await.unwrap();
    identity::user_create(&other, user("nora@vecina.example", Role::Owner)).await.unwrap();
    let luis_id = luis.id.clone();
    let (rosa, luis) =
        (as_person(&ctx, &rosa.id, Permissions::All), as_person(&ctx, &luis.id, Permissions::All));
    let id = ask(&rosa, "a").await;
    let told = post.deliver(&world).await;
    let whom: Vec<_> = told.iter().map(|mail| (mail.to.as_str(), mail.subject.as_str())).collect();
    assert_eq!(whom, [("luis@netandina.example", "Algo espera su aprobación en NETANDINA")]);
    let (text, html) = (told[0].text.expose(), told[0].html.expose());
    assert!(text.contains("Suspend 214 services"), "{text}");
    assert!(text.contains(&format!("Ver y decidir:\n{WEB}/approvals/{id}\n")), "{text}");
    assert!(html.contains(&format!("href=\"{WEB}/approvals/{id}\"")), "{html}");
    assert!(notices(&other).await.is_empty(), "another ISP's");

    // Its words wait for the morning, by when there is nothing to decide.
    let quiet = TenantChange { quiet_hours: Some("10:00-12:00".parse().unwrap()), ..TenantChange::default() };
    let version = tenancy::tenant_get(&ctx).await.unwrap().version;
    tenancy::tenant_update(&ctx, version, quiet).await.unwrap();
    let late = ask(&rosa, "b").await;
    assert!(post.deliver(&world).await.is_empty());
    approvals::approval_approve(&luis, &operations(), &late).await.unwrap();
    world.clock.advance_millis(3 * 3_600_000);
    assert_eq!(subjects(&world, &post).await, ["Su solicitud fue aprobada"]);
    let held: Vec<_> =
        notices(&ctx).await.into_iter().filter(|notice| notice.state == NoticeState::Held).collect();
    assert_eq!(held.len(), 1, "{held:?}");
    assert_eq!((&held[0].user_id, held[0].reason), (&luis_id, Some(NoticeReason::Expired)));
});

on_both!(owners_are_told_of_a_visit, subscriptions(), |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap();
    identity::user_create(&ctx, user("luis@netandina.example", Role::Owner)).await.unwrap();
    identity::user_create(&ctx, user("ana@netandina.example", Role::Admin)).await.unwrap();
    let post = Post::open();
    crate::platform::visit(&world, &ctx).await;
    let mut told: Vec<_> =
        post.deliver(&world).await.into_iter().map(|mail| (mail.to, mail.subject)).collect();
    told.sort();
    let subject = "Un operador de la instalación entró en NETANDINA".to_owned();
    assert_eq!(told, [("luis@netandina.example".to_owned(), subject.clone()), (EMAIL.to_owned(), subject)]);
});
