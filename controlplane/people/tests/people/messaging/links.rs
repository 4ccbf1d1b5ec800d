use super::*;
use atalaya_kernel::{Error, on_both};
use atalaya_people::{
    access::Role,
    identity::{self, NewUser, Origin, UserChange},
    links::{self, LinkKind},
    messaging::{NoticeReason, NoticeState, TemplateName},
};

/// The token of the link in a message.
fn token(mail: &Mail) -> String {
    let text = mail.text.expose();
    let (_, rest) = text.split_once(&format!("{WEB}/set-password#")).expect("a message has its link");
    let token: String = rest.chars().take_while(char::is_ascii_hexdigit).collect();
    assert!(mail.html.expose().contains(&format!("href=\"{WEB}/set-password#{token}\"")));
    token
}

async fn uses(world: &World, token: &str, password: &str) -> Result<(), Error> {
    links::link_use(&world.runtime, &secret(token), &secret(password), "r").await
}

async fn asks(world: &World, outbound: &Outbound, slug: &str, email: &str) {
    let origin = Origin { address: "192.0.2.7".to_owned(), ..Origin::default() };
    links::link_ask(&world.runtime, outbound, slug, email, &origin).await.unwrap();
}

on_both!(a_link_is_sent_when_asked_for, subscriptions(), |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let invited = NewUser { password: None, ..user(EMAIL, Role::Cashier) };
    let rosa = identity::user_create(&ctx, invited).await.unwrap();
    let off = links::link_send(&ctx, &Outbound::default(), &rosa.id).await.unwrap_err();
    assert_eq!(off.code(), "mail_off");
    let post = Post::open();
    let link = links::link_send(&ctx, &post.outbound, &rosa.id).await.unwrap();
    assert_eq!((link.kind, link.sent), (LinkKind::Invitation, true));
    let [mail] = post.deliver(&world).await.try_into().ok().unwrap();
    assert_eq!(
        (mail.subject.as_str(), token(&mail)),
        ("Invitación a NETANDINA", link.token.expose().to_owned())
    );
    uses(&world, &token(&mail), "first password").await.unwrap();
    assert!(!links::link_create(&ctx, &rosa.id).await.unwrap().sent);
    // Shown and not sent; the new password is told of.
    let told: Vec<_> = post.deliver(&world).await.into_iter().map(|mail| mail.subject).collect();
    assert_eq!(told, ["Su contraseña en NETANDINA cambió"]);
});

on_both!(whoever_forgot_the_password_asks, subscriptions(), |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let rosa = identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap();
    let post = Post::open();
    for (slug, email) in
        [("netandina", "nobody@netandina.example"), ("nowhere", EMAIL), ("netandina", "no address at all")]
    {
        asks(&world, &post.outbound, slug, email).await;
        assert!(post.deliver(&world).await.is_empty(), "{slug} {email}");
    }
    asks(&world, &Outbound::default(), "netandina", EMAIL).await;
    asks(&world, &post.outbound, "netandina", " ROSA@netandina.example").await;
    let [first] = post.deliver(&world).await.try_into().ok().unwrap();
    assert_eq!(first.to, EMAIL);
    asks(&world, &post.outbound, "netandina", EMAIL).await;
    assert!(post.deliver(&world).await.is_empty(), "one was just sent");
    world.clock.advance_millis(15 * 60_000);
    asks(&world, &post.outbound, "netandina", EMAIL).await;
    let [second] = post.deliver(&world).await.try_into().ok().unwrap();
    assert_ne!(token(&first), token(&second));
    uses(&world, &token(&first), "another horse").await.unwrap();
    assert!(
        matches!(uses(&world, &token(&second), "third horse").await, Err(Error::NotFound)),
        "one was used"
    );
    assert!(log_in(&world, "netandina", EMAIL, &secret("another horse")).await.is_some());

    identity::user_create(&ctx, user("luis@netandina.example", Role::Owner)).await.unwrap();
    let disable = UserChange { disabled: Some(true), ..UserChange::default() };
    identity::user_update(&ctx, &rosa.id, 1, disable).await.unwrap();
    world.clock.advance_millis(15 * 60_000);
    post.deliver(&world).await;
    asks(&world, &post.outbound, "netandina", EMAIL).await;
    assert!(post.deliver(&world).await.is_empty(), "disabled");
});

on_both!(asking_is_counted_whoever_it_is_for, subscriptions(), |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap();
    let post = Post::open();
    let count = |action: &'static str| {
        let ctx = ctx.clone();
        async move {
            let filter = atalaya_kernel::audit::AuditFilter { limit: 200, ..Default::default() };
            let mut tx = ctx.begin_read().await.unwrap();
            let rows = atalaya_kernel::audit::list(&mut tx, &filter).await.unwrap();
            rows.iter().filter(|row| row.action == action).count()
        }
    };
    for email in [EMAIL, "nobody@netandina.example"] {
        for _ in 0..8 {
            asks(&world, &post.outbound, "netandina", email).await;
        }
    }
    assert_eq!(count("link.ask").await, 10, "five of each, then silence");
    post.deliver(&world).await;
    assert_eq!(count("user.link_create").await, 1);
});

on_both!(a_link_that_is_worthless_is_not_sent, subscriptions(), |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let rosa = identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap();
    let post = Post::open();
    let link = links::link_send(&ctx, &post.outbound, &rosa.id).await.unwrap();
    assert_eq!(link.kind, LinkKind::Reset);
    let told = format!("listed: {WEB}/set-password#{}", link.token.expose());
    post.refuse([MailError::Later(told)]);
    assert!(post.deliver(&world).await.is_empty());
    let notice = notices(&ctx).await.remove(0);
    let detail = notice.detail.unwrap();
    assert_eq!((notice.template, detail), (TemplateName::Reset, format!("listed: {WEB}/set-password#…")));
    world.clock.advance_millis(2 * 3_600_000);
    assert!(post.deliver(&world).await.is_empty());
    let notice = notices(&ctx).await.remove(0);
    assert_eq!((notice.state, notice.reason), (NoticeState::Held, Some(NoticeReason::Expired)));
});
