use super::*;
use atalaya_kernel::{Error, db::sql, dead_letters, list::ListQuery, on_both};
use atalaya_people::{
    access::Role,
    identity::{self, UserChange},
    messaging::{Channel, ChoiceChange, NoticeKind, NoticeReason, NoticeState, PreferenceChange},
    tenancy::{self, TenantChange},
};

async fn rosa(world: &World) -> (Ctx, UserId) {
    let ctx = tenant(world, "netandina").await;
    let rosa = identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap();
    (ctx, rosa.id)
}

/// How many notices still hold what they are filled with.
async fn sealed(ctx: &Ctx) -> i64 {
    let mut tx = ctx.begin_read().await.unwrap();
    let (count,): (i64,) = sql("SELECT CAST(COUNT(*) AS BIGINT) FROM people_notice WHERE sealed_values IS NOT NULL AND tenant_id = $1")
        .bind(ctx.tenant())
        .fetch_one(&mut tx)
        .await
        .unwrap();
    tx.rollback().await.unwrap();
    count
}

on_both!(a_notice_is_made_once_and_sent_once, |world: World| async move {
    let (ctx, rosa) = rosa(&world).await;
    let post = Post::open();
    let undone = write_tx!(ctx, tx => {
        messaging::notify(&ctx, &mut tx, &Recipient::User(rosa.clone()), &decided("a"), "a").await?;
        Err::<(), _>(Error::conflict("undone", "what it tells of did not happen"))
    });
    assert!(undone.is_err() && notices(&ctx).await.is_empty());
    assert_eq!(notify(&ctx, &rosa, &decided("Cortar <214> servicios"), "a").await, 1);
    assert_eq!(notify(&ctx, &rosa, &decided("Cortar <214> servicios"), "a").await, 0, "the same again");
    assert_eq!((notices(&ctx).await[0].state, sealed(&ctx).await), (NoticeState::Waiting, 1));
    let [mail] = post.deliver(&world).await.try_into().ok().unwrap();
    assert_eq!((mail.to.as_str(), mail.from_name.as_str(), mail.language), (EMAIL, "NETANDINA", "es-419"));
    assert_eq!(mail.subject, "Su solicitud fue aprobada");
    assert!(
        mail.text.expose().contains("Luis <b>Vega</b> aprobó lo que usted pidió: Cortar <214> servicios")
    );
    assert!(mail.html.expose().contains("Luis &lt;b&gt;Vega&lt;/b&gt; aprobó"));
    let [notice] = notices(&ctx).await.try_into().unwrap();
    assert_eq!((notice.id.clone(), notice.state, notice.attempts), (mail.id, NoticeState::Sent, 1));
    assert_eq!((notice.address.as_deref(), notice.sent_at), (Some(EMAIL), Some(ctx.now())));
    assert_eq!(sealed(&ctx).await, 0, "what it said is not kept");
    assert!(post.deliver(&world).await.is_empty());
    assert_eq!(notify(&ctx, &rosa, &decided("x"), "a").await, 0, "also after it was sent");
});

on_both!(what_can_wait_waits_for_the_morning, |world: World| async move {
    let (ctx, rosa) = rosa(&world).await;
    let post = Post::open();
    // It is 10:07 in Lima.
    let change =
        TenantChange { quiet_hours: Some("09:00-11:00".parse().unwrap()), ..TenantChange::default() };
    tenancy::tenant_update(&ctx, 1, change).await.unwrap();
    notify(&ctx, &rosa, &decided("a"), "a").await;
    notify(&ctx, &rosa, &Template::PasswordChanged { at: ctx.now() }, "b").await;
    let sent = post.deliver(&world).await;
    assert_eq!(sent.len(), 1, "security does not wait");
    assert!(sent[0].subject.contains("contraseña"), "{}", sent[0].subject);
    world.clock.advance_millis(52 * 60_000);
    assert!(post.deliver(&world).await.is_empty(), "10:59");
    world.clock.advance_millis(60_000);
    assert_eq!(post.deliver(&world).await.len(), 1, "11:00");
    // An attempt that fails shortly before the quiet hours comes again after them, not within.
    notify(&ctx, &rosa, &decided("c"), "c").await;
    post.refuse([MailError::Later("busy".to_owned())]);
    assert!(post.deliver(&world).await.is_empty());
    let quiet = TenantChange { quiet_hours: Some("11:00-12:00".parse().unwrap()), ..TenantChange::default() };
    tenancy::tenant_update(&ctx, 2, quiet).await.unwrap();
    world.clock.advance_millis(30 * 60_000);
    assert!(post.deliver(&world).await.is_empty(), "11:30");
    world.clock.advance_millis(30 * 60_000);
    assert_eq!(post.deliver(&world).await.len(), 1, "12:00");
});

on_both!(what_is_refused_is_held, |world: World| async move {
    let (ctx, rosa) = rosa(&world).await;
    let post = Post::open();
    let me = as_person(&ctx, &rosa, Permissions::These([].into()));
    let before = messaging::preferences_get(&me).await.unwrap();
    assert!(before.choices.iter().all(|choice| choice.wanted) && before.locale.is_none());
    let pushed = before.choices.iter().filter(|choice| choice.channel == Channel::Push);
    let pushed: Vec<_> = pushed.map(|choice| (choice.kind, choice.may_be_refused)).collect();
    assert_eq!(pushed, [(NoticeKind::Security, true), (NoticeKind::Approval, true)], "no link is pushed");
    let choose = |kind, wanted| ChoiceChange { kind, channel: Channel::Mail, wanted };
    let change = PreferenceChange {
        locale: Some("pt-BR".to_owned()),
        choices: vec![choose(NoticeKind::Approval, false)],
    };
    let after = messaging::preferences_change(&me, 1, &change).await.unwrap();
    assert_eq!((after.version, after.locale.as_deref()), (2, Some("pt-BR")));
    let stale = messaging::preferences_change(&me, 1, &change).await;
    assert!(matches!(stale, Err(Error::VersionConflict { current: 2 })), "{stale:?}");
    for (change, pointer) in [
        (
            PreferenceChange { choices: vec![choose(NoticeKind::Security, false)], locale: None },
            "/choices/0/wanted",
        ),
        (PreferenceChange { locale: Some("fr".to_owned()), choices: vec![] }, "/locale"),
    ] {
        let Err(Error::Invalid(fields)) = messaging::preferences_change(&me, 2, &change).await else {
            unreachable!("{pointer} is wrong")
        };
        assert_eq!(fields[0].pointer, pointer);
    }
    notify(&ctx, &rosa, &decided("a"), "a").await;
    notify(&ctx, &rosa, &Template::PasswordChanged { at: ctx.now() }, "b").await;
    let [mail] = post.deliver(&world).await.try_into().ok().unwrap();
    assert_eq!((mail.language, mail.subject.as_str()), ("pt-BR", "Sua senha em NETANDINA foi trocada"));
    let held = notices(&ctx).await.into_iter().find(|notice| notice.kind == NoticeKind::Approval).unwrap();
    assert_eq!((held.state, held.reason), (NoticeState::Held, Some(NoticeReason::Refused)));
    assert_eq!(sealed(&ctx).await, 0);
});

on_both!(a_channel_that_is_off_and_a_user_who_is_disabled_hold_it, |world: World| async move {
    let (ctx, rosa) = rosa(&world).await;
    identity::user_create(&ctx, user("luis@netandina.example", Role::Owner)).await.unwrap();
    let reason = |notices: &[Notice]| (notices[0].state, notices[0].reason);
    notify(&ctx, &rosa, &decided("a"), "a").await;
    deliver(&world, &Arc::new(Outbound::default())).await;
    assert_eq!(reason(&notices(&ctx).await), (NoticeState::Held, Some(NoticeReason::ChannelOff)));
    let post = Post::open();
    let off = UserChange { disabled: Some(true), ..UserChange::default() };
    identity::user_update(&ctx, &rosa, 1, off).await.unwrap();
    notify(&ctx, &rosa, &decided("b"), "b").await;
    assert!(post.deliver(&world).await.is_empty());
    assert_eq!(reason(&notices(&ctx).await), (NoticeState::Held, Some(NoticeReason::UserDisabled)));
});

on_both!(a_server_that_is_away_is_asked_again_and_one_that_refuses_is_not, |world: World| async move {
    let (ctx, rosa) = rosa(&world).await;
    let post = Post::open();
    notify(&ctx, &rosa, &decided("a"), "a").await;
    post.refuse([MailError::Later("smtp.example said: 451 busy".to_owned())]);
    assert!(post.deliver(&world).await.is_empty());
    let waiting = notices(&ctx).await.remove(0);
    assert_eq!((waiting.state, waiting.reason), (NoticeState::Waiting, Some(NoticeReason::Unreachable)));
    assert_eq!((waiting.detail.as_deref(), waiting.attempts), (Some("smtp.example said: 451 busy"), 1));
    assert!(post.deliver(&world).await.is_empty(), "not at once");
    world.clock.advance_millis(5_000);
    let [mail] = post.deliver(&world).await.try_into().ok().unwrap();
    assert_eq!(mail.id, waiting.id, "under the same id");
    let sent = notices(&ctx).await.remove(0);
    assert_eq!((sent.state, sent.reason, sent.detail), (NoticeState::Sent, None, None));

    notify(&ctx, &rosa, &decided("b"), "b").await;
    post.refuse([MailError::Refused("550 no such user".to_owned())]);
    assert!(post.deliver(&world).await.is_empty());
    world.clock.advance_millis(3_600_000);
    assert!(post.deliver(&world).await.is_empty());
    let failed = notices(&ctx).await.remove(0);
    assert_eq!((failed.state, failed.reason), (NoticeState::Failed, Some(NoticeReason::Rejected)));
    assert_eq!(sealed(&ctx).await, 0, "nobody tries it again");
});

on_both!(one_that_is_away_for_too_long_waits_for_a_person, |world: World| async move {
    let (ctx, rosa) = rosa(&world).await;
    let post = Post::open();
    notify(&ctx, &rosa, &decided("a"), "a").await;
    post.refuse((0..jobs::MAX_ATTEMPTS).map(|_| MailError::Later("no answer".to_owned())));
    for _ in 0..jobs::MAX_ATTEMPTS {
        assert!(post.deliver(&world).await.is_empty());
        world.clock.advance_millis(3_600_000);
    }
    let failed = notices(&ctx).await.remove(0);
    assert_eq!((failed.state, failed.reason), (NoticeState::Failed, Some(NoticeReason::Unreachable)));
    assert_eq!((failed.attempts, sealed(&ctx).await), (jobs::MAX_ATTEMPTS, 1), "it can be tried again");
    assert!(post.deliver(&world).await.is_empty());
    let [letter] = dead_letters::list(&ctx, &ListQuery::default()).await.unwrap().items.try_into().unwrap();
    assert!(letter.last_error.contains("no answer"), "{}", letter.last_error);
    dead_letters::replay(&ctx, &letter.id.parse().unwrap()).await.unwrap();
    assert_eq!(post.deliver(&world).await.len(), 1);
    let sent = notices(&ctx).await.remove(0);
    assert_eq!((sent.state, sent.reason, sealed(&ctx).await), (NoticeState::Sent, None, 0));
});

on_both!(two_processes_send_it_once, |world: World| async move {
    let (ctx, rosa) = rosa(&world).await;
    let post = Post::open();
    let other = world.another().await;
    for key in 0..20 {
        notify(&ctx, &rosa, &decided("a"), &key.to_string()).await;
    }
    let handlers = handlers(&post.outbound);
    let run = |runtime: Arc<atalaya_kernel::runtime::Runtime>| {
        let handlers = &handlers;
        async move { while jobs::run_due(&runtime, handlers).await.unwrap() {} }
    };
    tokio::join!(run(world.runtime.clone()), run(other));
    let mut ids: Vec<_> = post.deliver(&world).await.into_iter().map(|mail| mail.id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 20);
    assert!(
        notices(&ctx).await.iter().all(|notice| (notice.state, notice.attempts) == (NoticeState::Sent, 1))
    );
});

on_both!(ones_own_are_ones_own, |world: World| async move {
    let (ctx, rosa) = rosa(&world).await;
    let luis = identity::user_create(&ctx, user("luis@netandina.example", Role::Cashier)).await.unwrap();
    notify(&ctx, &rosa, &decided("a"), "a").await;
    notify(&ctx, &luis.id, &decided("b"), "a").await;
    let of = |ctx: Ctx, filter: NoticeFilter| async move {
        messaging::notices_list(&ctx, &filter, &PageQuery::default()).await
    };
    let all = of(ctx.clone(), NoticeFilter::default()).await.unwrap().items;
    assert_eq!(all.len(), 2);
    let no_rights = as_person(&ctx, &luis.id, Permissions::These([].into()));
    let own = of(no_rights.clone(), NoticeFilter::default()).await.unwrap().items;
    assert!(own.len() == 1 && own[0].user_id == luis.id);
    let hers = NoticeFilter { user: Some(rosa.clone()), ..NoticeFilter::default() };
    assert!(of(no_rights, hers.clone()).await.unwrap().items.is_empty());
    assert_eq!(of(ctx.clone(), hers).await.unwrap().items.len(), 1);
    let sent = NoticeFilter { state: Some(NoticeState::Sent), ..NoticeFilter::default() };
    assert!(of(ctx.clone(), sent).await.unwrap().items.is_empty());
    let first = PageQuery { limit: Some(1), cursor: None };
    let page = messaging::notices_list(&ctx, &NoticeFilter::default(), &first).await.unwrap();
    let next = PageQuery { limit: Some(1), cursor: page.next_cursor };
    let next = messaging::notices_list(&ctx, &NoticeFilter::default(), &next).await.unwrap();
    assert_eq!([page.items[0].id.clone(), next.items[0].id.clone()], [all[0].id.clone(), all[1].id.clone()]);
    let stranger = tenant(&world, "other").await;
    assert!(of(stranger, NoticeFilter::default()).await.unwrap().items.is_empty());
});

on_both!(a_copy_holds_what_its_original_sends_and_old_rows_go, |world: World| async move {
    let (ctx, rosa) = rosa(&world).await;
    let post = Post::open();
    notify(&ctx, &rosa, &decided("a"), "a").await;
    assert_eq!(messaging::hold_waiting(&ctx).await.unwrap(), 1);
    assert!(post.deliver(&world).await.is_empty());
    let held = notices(&ctx).await.remove(0);
    assert_eq!((held.state, held.reason), (NoticeState::Held, Some(NoticeReason::SafeMode)));
    assert_eq!(messaging::hold_waiting(&ctx).await.unwrap(), 0);
    let copy = Arc::new(Outbound { safe_mode: true, ..(*post.outbound).clone() });
    notify(&ctx, &rosa, &decided("b"), "b").await;
    deliver(&world, &copy).await;
    assert_eq!(notices(&ctx).await[0].reason, Some(NoticeReason::SafeMode));
    world.clock.advance_millis(170 * 86_400_000);
    notify(&ctx, &rosa, &decided("c"), "c").await;
    world.clock.advance_millis(11 * 86_400_000);
    messaging::forget(&ctx).await.unwrap();
    let left = notices(&ctx).await;
    assert_eq!((left.len(), left[0].state), (1, NoticeState::Waiting), "what waits is never forgotten");
    world.clock.advance_millis(180 * 86_400_000);
    messaging::forget(&ctx).await.unwrap();
    assert_eq!(post.deliver(&world).await.len(), 1);
});
