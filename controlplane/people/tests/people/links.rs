//! Invitations, resets, and one's own password.

use super::{log_in, log_in_from, tenant, user};
use atalaya_kernel::{Error, on_both, secrets::SecretText, testing::World};
use atalaya_people::{
    access::Role,
    identity::{self, NewUser, Origin},
    links::{self, LinkKind},
};

const EMAIL: &str = "luis@netandina.example";

fn secret(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

on_both!(a_link_sets_a_password_once, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let invited = NewUser { password: None, ..user(EMAIL, Role::Cashier) };
    let luis = identity::user_create(&ctx, invited).await.unwrap();
    assert!(log_in(&world, "netandina", EMAIL, &secret("")).await.is_none(), "no password is right");
    let void = links::link_create(&ctx, &luis.id).await.unwrap();
    let link = links::link_create(&ctx, &luis.id).await.unwrap();
    assert_eq!((link.kind, link.path.expose().contains(link.token.expose())), (LinkKind::Invitation, true));
    let set = |token: &str, password: &str| {
        let (runtime, token, password) = (world.runtime.clone(), secret(token), secret(password));
        async move { links::link_use(&runtime, &token, &password, "r").await }
    };
    let told = links::link_look(&world.runtime, &secret(link.token.expose()), "r").await.unwrap();
    assert_eq!((told.email.as_str(), told.tenant.as_str()), (EMAIL, "netandina"));
    assert!(
        matches!(set(void.token.expose(), "first password").await, Err(Error::NotFound)),
        "another was made since"
    );
    assert!(matches!(set("0000", "first password").await, Err(Error::NotFound)));
    assert!(matches!(set(link.token.expose(), "short").await, Err(Error::Invalid(_))));
    set(link.token.expose(), "first password").await.unwrap();
    assert!(matches!(set(link.token.expose(), "other password").await, Err(Error::NotFound)), "once");
    let entered = log_in(&world, "netandina", EMAIL, &secret("first password")).await.unwrap();

    let reset = links::link_create(&ctx, &luis.id).await.unwrap();
    assert_eq!(reset.kind, LinkKind::Reset);
    set(reset.token.expose(), "second password").await.unwrap();
    assert!(
        identity::authenticate(&world.runtime, entered.token.expose(), &crate::anywhere())
            .await
            .unwrap()
            .is_none(),
        "sessions end"
    );
    assert!(log_in(&world, "netandina", EMAIL, &secret("first password")).await.is_none());
    let late = links::link_create(&ctx, &luis.id).await.unwrap();
    world.clock.advance_millis(2 * 3_600_000);
    assert!(matches!(set(late.token.expose(), "third password").await, Err(Error::NotFound)));
    assert!(log_in(&world, "netandina", EMAIL, &secret("second password")).await.is_some());
});

on_both!(a_link_is_no_promotion, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let owner = identity::user_create(&ctx, user("rosa@netandina.example", Role::Owner)).await.unwrap();
    identity::user_create(&ctx, user("ana@netandina.example", Role::Admin)).await.unwrap();
    let token = log_in(&world, "netandina", "ana@netandina.example", &secret("correct horse"))
        .await
        .unwrap()
        .token
        .expose()
        .to_owned();
    let (ana, _) = identity::authenticate(&world.runtime, &token, &crate::anywhere()).await.unwrap().unwrap();
    assert_eq!(links::link_create(&ana, &owner.id).await.unwrap_err().code(), "beyond_own_rights");
    let stranger = tenant(&world, "other").await;
    assert!(matches!(links::link_create(&stranger, &owner.id).await, Err(Error::NotFound)));
});

on_both!(ones_own_password_asks_for_the_old_one, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    identity::user_create(&ctx, user(EMAIL, Role::Cashier)).await.unwrap();
    let old = secret("correct horse");
    let first = log_in(&world, "netandina", EMAIL, &old).await.unwrap();
    let second = log_in(&world, "netandina", EMAIL, &old).await.unwrap();
    let (luis, session) = identity::authenticate(&world.runtime, second.token.expose(), &crate::anywhere())
        .await
        .unwrap()
        .unwrap();
    let new = secret("another horse");
    let wrong = identity::password_change(&luis, &session, &new, &new).await.unwrap();
    assert_eq!(wrong, None);
    let next = identity::password_change(&luis, &session, &old, &new).await.unwrap().unwrap();
    for (token, alive) in
        [(first.token.expose(), false), (second.token.expose(), false), (next.as_str(), true)]
    {
        let found = identity::authenticate(&world.runtime, token, &crate::anywhere()).await.unwrap();
        assert_eq!(found.is_some(), alive);
    }
    assert!(log_in(&world, "netandina", EMAIL, &old).await.is_none());
    // Whoever holds a stolen cookie guesses no faster, and delays nobody else.
    let (luis, session) =
        identity::authenticate(&world.runtime, &next, &crate::anywhere()).await.unwrap().unwrap();
    for _ in 0..5 {
        assert_eq!(identity::password_change(&luis, &session, &old, &new).await.unwrap(), None);
    }
    let slowed = identity::password_change(&luis, &session, &old, &new).await;
    assert!(matches!(slowed, Err(Error::RateLimited { .. })));
    let elsewhere = Origin { address: "192.0.2.9".to_owned(), ..Origin::default() };
    assert!(log_in_from(&world, "netandina", EMAIL, &new, &elsewhere).await.unwrap().is_some());
});
