//! Browsers that notices are pushed to, and what becomes of those when a push service takes, delays or refuses them.

use super::*;
use atalaya_kernel::{Error, audit::AuditFilter, on_both};
use atalaya_people::{
    access::Role,
    identity,
    messaging::{ChoiceChange, NoticeKind, NoticeReason, NoticeState, PreferenceChange},
    push::{self, NewPushSubscription, PushAnswer, PushOffer, PushRequest, PushWeb, PushWebError, Urgency},
    tenancy::{self, TenantChange},
};
use std::time::Duration;

/// A point on P-256 and a secret (RFC 8291, appendix A).
const POINT: &str = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4";
const AUTH: &str = "BTBZMqHH6r4Tts7J_aSIgg";
const DAY_MS: i64 = 86_400_000;

/// Push services that take everything, and do first what they were told.
#[derive(Default)]
struct Services {
    taken: Mutex<Vec<PushRequest>>,
    plan: Mutex<VecDeque<Result<PushAnswer, PushWebError>>>,
}

#[async_trait::async_trait]
impl PushWeb for Services {
    fn check(&self, endpoint: &str) -> Result<(), PushWebError> {
        match endpoint.starts_with("https://push.example/") {
            true => Ok(()),
            false => Err(PushWebError::NotAllowed("it is not of the public internet".to_owned())),
        }
    }
    async fn post(&self, request: PushRequest) -> Result<PushAnswer, PushWebError> {
        if let Some(told) = self.plan.lock().unwrap().pop_front() {
            return told;
        }
        self.taken.lock().unwrap().push(request);
        Ok(answer(201, None))
    }
}

fn answer(status: u16, retry_after_s: Option<u64>) -> PushAnswer {
    PushAnswer { status, retry_after_s, words: format!("about {}", endpoint("a")) }
}

fn endpoint(name: &str) -> String {
    format!("https://push.example/send/capability-of-{name}")
}

fn browser(name: &str) -> NewPushSubscription {
    NewPushSubscription {
        name: format!("Browser {name}"),
        endpoint: secret(&endpoint(name)),
        p256dh: POINT.to_owned(),
        auth: secret(AUTH),
    }
}

/// A tenant, its owner, and the push services.
struct Scene {
    ctx: Ctx,
    rosa: UserId,
    me: Ctx,
    post: Post,
    services: Arc<Services>,
    offer: PushOffer,
    outbound: Arc<Outbound>,
}

impl Scene {
    async fn new(world: &World) -> Self {
        let ctx = tenant(world, "netandina").await;
        let rosa = identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap().id;
        let me = as_person(&ctx, &rosa, Permissions::These([].into()));
        let services = Arc::new(Services::default());
        let offer = PushOffer { web: services.clone(), contact: None };
        let post = Post::open();
        let outbound = Arc::new(Outbound { push: Some(offer.clone()), ..(*post.outbound).clone() });
        Self { ctx, rosa, me, post, services, offer, outbound }
    }

    async fn switch_on(&self, name: &str) -> push::PushSubscription {
        push::subscription_create(&self.me, Some(&self.offer), &browser(name)).await.unwrap()
    }

    async fn browsers(&self) -> Vec<push::PushSubscription> {
        push::subscriptions_list(&self.me).await.unwrap().items
    }

    /// Delivers what is due; what was pushed.
    async fn deliver(&self, world: &World) -> Vec<PushRequest> {
        deliver(world, &self.outbound).await;
        self.post.postbox.taken.lock().unwrap().clear();
        std::mem::take(&mut *self.services.taken.lock().unwrap())
    }

    fn told(&self, answers: impl IntoIterator<Item = Result<PushAnswer, PushWebError>>) {
        self.services.plan.lock().unwrap().extend(answers);
    }

    /// The one notice that was to be pushed last.
    async fn pushed(&self) -> Notice {
        let mut all = notices(&self.ctx).await.into_iter();
        all.find(|notice| notice.channel == Channel::Push).unwrap()
    }
}

on_both!(a_browser_is_switched_on_for_one_person, |world: World| async move {
    let scene = Scene::new(&world).await;
    let first = scene.switch_on("a").await;
    let shown = serde_json::to_string(&first).unwrap();
    assert!(!shown.contains("capability") && !shown.contains(POINT) && !shown.contains(AUTH), "{shown}");
    world.clock.advance_millis(1_000);
    let renamed = NewPushSubscription { name: "Mine".to_owned(), ..browser("a") };
    let again = push::subscription_create(&scene.me, Some(&scene.offer), &renamed).await.unwrap();
    assert_eq!((&again.id, again.created_at, again.name.as_str()), (&first.id, first.created_at, "Mine"));
    assert_eq!(scene.browsers().await, std::slice::from_ref(&again));
    for number in 1..10 {
        scene.switch_on(&number.to_string()).await;
    }
    let one_more = push::subscription_create(&scene.me, Some(&scene.offer), &browser("x")).await;
    assert_eq!(one_more.unwrap_err().code(), "too_many_browsers");

    let luis =
        identity::user_create(&scene.ctx, user("luis@netandina.example", Role::Cashier)).await.unwrap();
    let luis = as_person(&scene.ctx, &luis.id, Permissions::These([].into()));
    assert!(matches!(push::subscription_delete(&luis, &first.id).await, Err(Error::NotFound)));
    let taken = push::subscription_create(&luis, Some(&scene.offer), &browser("a")).await.unwrap();
    assert_ne!(taken.id, first.id);
    assert_eq!(scene.browsers().await.len(), 9, "a browser shows what is one person's");
    let other = tenant(&world, "other").await;
    let stranger = identity::user_create(&other, user(EMAIL, Role::Owner)).await.unwrap();
    let stranger = as_person(&other, &stranger.id, Permissions::All);
    assert!(matches!(push::subscription_delete(&stranger, &taken.id).await, Err(Error::NotFound)));
    push::subscription_create(&stranger, Some(&scene.offer), &browser("a")).await.unwrap();
    push::subscription_delete(&luis, &taken.id).await.unwrap();
    assert!(push::subscriptions_list(&luis).await.unwrap().items.is_empty());
    assert!(matches!(push::subscription_delete(&luis, &taken.id).await, Err(Error::NotFound)));
});

on_both!(what_nothing_can_be_sent_to_is_refused, |world: World| async move {
    let scene = Scene::new(&world).await;
    let pointers = |new: NewPushSubscription| {
        let (me, offer) = (&scene.me, &scene.offer);
        async move {
            let Err(Error::Invalid(fields)) = push::subscription_create(me, Some(offer), &new).await else {
                unreachable!("it is wrong")
            };
            let said = format!("{fields:?}");
            assert!(!said.contains("10.0.0.1"), "an address is a secret: {said}");
            fields.into_iter().map(|field| field.pointer).collect::<Vec<_>>()
        }
    };
    let inside = secret("https://10.0.0.1/capability");
    assert_eq!(pointers(NewPushSubscription { endpoint: inside, ..browser("a") }).await, ["/endpoint"]);
    let long = secret(&format!("https://push.example/{}", "x".repeat(1_000)));
    assert_eq!(pointers(NewPushSubscription { endpoint: long, ..browser("a") }).await, ["/endpoint"]);
    let off_curve = POINT.replace("BCVx", "BCVy");
    assert_eq!(pointers(NewPushSubscription { p256dh: off_curve, ..browser("a") }).await, ["/p256dh"]);
    let wrong = NewPushSubscription { name: " ".to_owned(), auth: secret("AQ"), ..browser("a") };
    assert_eq!(pointers(wrong).await, ["/name", "/auth"]);
    let off = push::subscription_create(&scene.me, None, &browser("a")).await.unwrap_err();
    assert_eq!(off.code(), "push_off");
    let program = push::subscription_create(&scene.ctx, Some(&scene.offer), &browser("a")).await;
    assert_eq!(program.unwrap_err().code(), "not_a_person");
});

on_both!(it_is_pushed_to_each_browser_once, |world: World| async move {
    let scene = Scene::new(&world).await;
    assert_eq!(notify(&scene.ctx, &scene.rosa, &decided("x"), "before").await, 1, "mail alone");
    let (first, _) = (scene.switch_on("a").await, scene.switch_on("b").await);
    assert_eq!(notify(&scene.ctx, &scene.rosa, &decided("Cortar <214> servicios"), "a").await, 3);
    scene.switch_on("c").await;
    assert_eq!(notify(&scene.ctx, &scene.rosa, &decided("again"), "a").await, 0, "nor a new browser");
    let pushed = scene.deliver(&world).await;
    let mut endpoints: Vec<_> = pushed.iter().map(|push| push.endpoint.expose().to_owned()).collect();
    endpoints.sort();
    assert_eq!(endpoints, [endpoint("a"), endpoint("b")]);
    let mut topics: Vec<_> = pushed.iter().map(|push| push.topic.clone()).collect();
    for push in &pushed {
        assert_eq!((push.ttl, push.urgency), (Duration::from_secs(86_400), Urgency::Normal));
        assert!(push.authorization.expose().starts_with("vapid t="));
        assert!(push.topic.len() <= 32, "RFC 8030, §5.4");
        assert!(push.body.len() > 120 && push.body.len() <= 4_096, "RFC 8291, §4");
    }
    let rows: Vec<_> = notices(&scene.ctx).await;
    let rows: Vec<_> = rows.iter().filter(|notice| notice.channel == Channel::Push).collect();
    let mut ids: Vec<_> = rows.iter().map(|notice| notice.id.to_string()).collect();
    ids.sort();
    topics.sort();
    assert_eq!(ids, topics, "one that comes twice is known by its topic");
    assert!(rows.iter().all(|notice| notice.state == NoticeState::Sent));
    let mut names: Vec<_> = rows.iter().filter_map(|notice| notice.address.as_deref()).collect();
    names.sort_unstable();
    assert_eq!(names, ["Browser a", "Browser b"]);
    let used = scene.browsers().await.into_iter().find(|browser| browser.id == first.id).unwrap();
    assert_eq!(used.last_used_at, Some(scene.ctx.now()));
    assert!(scene.deliver(&world).await.is_empty());

    notify(&scene.ctx, &scene.rosa, &Template::PasswordChanged { at: scene.ctx.now() }, "b").await;
    assert!(scene.deliver(&world).await.iter().all(|push| push.urgency == Urgency::High));
    let link = messaging::LinkSecret(secret("00ff"));
    let reset = Template::Reset { link, expires_at: scene.ctx.now().plus_millis(DAY_MS) };
    assert_eq!(notify(&scene.ctx, &scene.rosa, &reset, "c").await, 1, "a link goes by mail alone");
});

on_both!(what_is_not_wanted_or_not_yet_is_not_pushed, |world: World| async move {
    let scene = Scene::new(&world).await;
    scene.switch_on("a").await;
    let choose = |kind| ChoiceChange { kind, channel: Channel::Push, wanted: false };
    let security = PreferenceChange { choices: vec![choose(NoticeKind::Security)], locale: None };
    messaging::preferences_change(&scene.me, 1, &security).await.unwrap();
    notify(&scene.ctx, &scene.rosa, &Template::PasswordChanged { at: scene.ctx.now() }, "a").await;
    assert!(scene.deliver(&world).await.is_empty());
    let notices = notices(&scene.ctx).await;
    let state = |channel| notices.iter().find(|notice| notice.channel == channel).map(|notice| notice.state);
    assert_eq!(state(Channel::Push), Some(NoticeState::Held));
    assert_eq!(state(Channel::Mail), Some(NoticeState::Sent), "by mail it is not asked");
    assert_eq!(scene.pushed().await.reason, Some(NoticeReason::Refused));

    // It is 10:07 in Lima.
    let quiet = TenantChange { quiet_hours: Some("09:00-11:00".parse().unwrap()), ..TenantChange::default() };
    tenancy::tenant_update(&scene.ctx, 1, quiet).await.unwrap();
    notify(&scene.ctx, &scene.rosa, &decided("a"), "b").await;
    assert!(scene.deliver(&world).await.is_empty());
    world.clock.advance_millis(53 * 60_000);
    let [push] = scene.deliver(&world).await.try_into().ok().unwrap();
    assert_eq!(
        push.ttl,
        Duration::from_secs(86_400 - 9),
        "a day from 11:00 on, of which nine seconds are over"
    );

    for (key, outbound, reason) in [
        ("c", Outbound { push: None, ..(*scene.outbound).clone() }, NoticeReason::ChannelOff),
        ("d", Outbound { safe_mode: true, ..(*scene.outbound).clone() }, NoticeReason::SafeMode),
    ] {
        notify(&scene.ctx, &scene.rosa, &decided("a"), key).await;
        deliver(&world, &Arc::new(outbound)).await;
        assert_eq!(scene.pushed().await.reason, Some(reason));
    }
    notify(&scene.ctx, &scene.rosa, &decided("a"), "e").await;
    let browser = scene.browsers().await.remove(0);
    push::subscription_delete(&scene.me, &browser.id).await.unwrap();
    assert!(scene.deliver(&world).await.is_empty());
    let held = scene.pushed().await;
    assert_eq!((held.state, held.reason), (NoticeState::Held, Some(NoticeReason::Gone)), "off meanwhile");
});

on_both!(a_browser_that_is_over_is_removed, |world: World| async move {
    let scene = Scene::new(&world).await;
    let (over, stays) = (scene.switch_on("a").await, scene.switch_on("b").await);
    for (key, status, left) in [("a", 410, 1), ("b", 404, 0)] {
        scene.told([Ok(answer(status, None))]);
        notify(&scene.ctx, &scene.rosa, &decided("x"), key).await;
        assert_eq!(scene.deliver(&world).await.len(), left, "the others get it");
        assert_eq!(scene.browsers().await.len(), left);
    }
    let gone: Vec<_> = notices(&scene.ctx).await;
    let gone = gone.iter().filter(|notice| notice.reason == Some(NoticeReason::Gone));
    assert_eq!(gone.filter(|notice| (notice.state, notice.attempts) == (NoticeState::Held, 1)).count(), 2);
    for browser in [over, stays] {
        let entity_id = Some(browser.id.to_string());
        let filter = AuditFilter { entity_id, limit: 10, ..AuditFilter::default() };
        let mut tx = scene.ctx.begin_read().await.unwrap();
        let rows = atalaya_kernel::audit::list(&mut tx, &filter).await.unwrap();
        assert!(rows.iter().any(|row| row.action == "push.unsubscribe"));
    }
    assert_eq!(notify(&scene.ctx, &scene.rosa, &decided("x"), "c").await, 1, "mail alone");
});

on_both!(a_push_service_that_asks_for_peace_gets_it, |world: World| async move {
    let scene = Scene::new(&world).await;
    scene.switch_on("a").await;
    scene.told([Ok(answer(429, Some(600))), Ok(answer(503, Some(1)))]);
    notify(&scene.ctx, &scene.rosa, &decided("x"), "a").await;
    assert!(scene.deliver(&world).await.is_empty());
    let waiting = scene.pushed().await;
    assert_eq!((waiting.state, waiting.reason), (NoticeState::Waiting, Some(NoticeReason::Unreachable)));
    assert_eq!(waiting.send_at, scene.ctx.now().plus_millis(600_000));
    assert_eq!(waiting.detail.as_deref(), Some("the push service said: 429 about …"));
    world.clock.advance_millis(599_000);
    assert!(scene.deliver(&world).await.is_empty());
    world.clock.advance_millis(1_000);
    assert!(scene.deliver(&world).await.is_empty(), "it asks again");
    assert_eq!(scene.pushed().await.send_at, scene.ctx.now().plus_millis(2_000), "later each time");
    world.clock.advance_millis(2_000);
    let [push] = scene.deliver(&world).await.try_into().ok().unwrap();
    assert_eq!(push.ttl, Duration::from_secs(86_400 - 602), "what is left of its day");
    let sent = scene.pushed().await;
    assert_eq!((sent.state, sent.attempts, sent.detail), (NoticeState::Sent, 3, None));

    scene.told([Ok(answer(429, Some(10 * 86_400)))]);
    notify(&scene.ctx, &scene.rosa, &decided("x"), "b").await;
    assert!(scene.deliver(&world).await.is_empty());
    world.clock.advance_millis(DAY_MS);
    assert!(scene.deliver(&world).await.is_empty());
    let over = scene.pushed().await;
    assert_eq!((over.state, over.reason), (NoticeState::Held, Some(NoticeReason::Expired)));
});

on_both!(what_is_refused_is_given_up_and_what_is_away_is_asked_again, |world: World| async move {
    let scene = Scene::new(&world).await;
    scene.switch_on("a").await;
    for (key, status) in [("a", 413), ("b", 400), ("c", 403), ("d", 307)] {
        scene.told([Ok(answer(status, Some(60)))]);
        notify(&scene.ctx, &scene.rosa, &decided("x"), key).await;
        assert!(scene.deliver(&world).await.is_empty());
        let failed = scene.pushed().await;
        assert_eq!((failed.state, failed.reason), (NoticeState::Failed, Some(NoticeReason::Rejected)));
        let detail = format!("the push service said: {status} about …");
        assert_eq!(failed.detail.as_deref(), Some(detail.as_str()));
        world.clock.advance_millis(3_600_000);
        assert!(scene.deliver(&world).await.is_empty());
        assert_eq!(scene.browsers().await.len(), 1);
    }
    scene.told([
        Err(PushWebError::Away(format!("{} does not answer", endpoint("a")))),
        Ok(answer(500, None)),
        Ok(answer(429, Some(0))),
    ]);
    notify(&scene.ctx, &scene.rosa, &decided("x"), "e").await;
    for delay in [2_000, 4_000, 8_000] {
        assert!(scene.deliver(&world).await.is_empty());
        world.clock.advance_millis(delay);
    }
    assert_eq!(scene.deliver(&world).await.len(), 1);
    let sent = scene.pushed().await;
    assert_eq!((sent.state, sent.attempts), (NoticeState::Sent, 4));
    notify(&scene.ctx, &scene.rosa, &decided("x"), "f").await;
    scene.told([Err(PushWebError::NotAllowed("it is inside".to_owned()))]);
    assert!(scene.deliver(&world).await.is_empty());
    let failed = scene.pushed().await;
    assert_eq!(failed.detail.as_deref(), Some("its address may not be asked: it is inside"));
});

on_both!(the_installation_has_one_key, |world: World| async move {
    let scene = Scene::new(&world).await;
    let other = world.another().await;
    let (one, two) = tokio::join!(push::key_ensure(&world.runtime), push::key_ensure(&other));
    one.and(two).unwrap();
    let key = push::public_key(&scene.me, Some(&scene.offer)).await.unwrap();
    let elsewhere = tenant(&world, "other").await;
    let ana = identity::user_create(&elsewhere, user(EMAIL, Role::Owner)).await.unwrap();
    let elsewhere = as_person(&elsewhere, &ana.id, Permissions::All);
    assert_eq!(push::public_key(&elsewhere, Some(&scene.offer)).await.unwrap(), key);
    assert_eq!(push::public_key(&scene.me, None).await.unwrap_err().code(), "push_off");
    assert_eq!(key.public_key.len(), 87);
    let mut tx = world.runtime.platform().begin_read().await.unwrap();
    let filter = AuditFilter { limit: 100, ..AuditFilter::default() };
    let rows = atalaya_kernel::audit::list_platform(&mut tx, &filter).await.unwrap();
    assert_eq!(rows.iter().filter(|row| row.action == "push_key.create").count(), 1, "made once");
});
