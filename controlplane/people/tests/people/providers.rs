//! By which issuers people of an ISP log in, who decides that, and what ends it.

use super::{
    issuer::{CLIENT, ISSUER},
    openid::{EMAIL, Scene, WEB, new_provider, now_s},
    passkeys::{person, secret},
    tenant, user,
};
use atalaya_kernel::{Error, ids::IdentityProviderId, on_both, testing::World};
use atalaya_people::{
    access::Role,
    identity::{self, LogIn, Origin, UserChange},
    openid::{
        self, IdentityProviderChange, IdentityState, IssuerToCheck, IssuerVerdict, NewIdentity,
        NewIdentityProvider,
    },
};
use serde_json::json;

on_both!(who_is_no_longer_welcome_does_not_enter, |world: World| async move {
    let scene = Scene::new(world).await;
    openid::own_identity_allow(&scene.rosa, &scene.wanted()).await.unwrap();
    let (_, session) = scene.inside().await;
    let id = &scene.provider.id;
    let domains = |domains: &[&str]| IdentityProviderChange {
        allowed_domains: Some(domains.iter().map(|domain| (*domain).to_owned()).collect()),
        ..IdentityProviderChange::default()
    };
    openid::provider_update(&scene.owner, id, 1, domains(&["Elsewhere.example"])).await.unwrap();
    scene.refuses("no domain that the ISP takes").await;
    openid::provider_update(&scene.owner, id, 2, domains(&["netandina.example"])).await.unwrap();
    assert!(scene.enters().await);
    scene.issuer.account(json!({"sub": "rosa-1"}));
    scene.refuses("no domain that the ISP takes").await;
    openid::provider_update(&scene.owner, id, 3, domains(&[])).await.unwrap();
    assert!(scene.enters().await, "the account is enough");

    // Between going and coming back: switched off, removed, disabled.
    let begun = scene.begin().await;
    let off = IdentityProviderChange { enabled: Some(false), ..IdentityProviderChange::default() };
    openid::provider_update(&scene.owner, id, 4, off).await.unwrap();
    assert!(matches!(scene.finish(&begun, &scene.issuer.visited(&begun)).await.unwrap(), LogIn::Refused));
    assert_eq!(openid::providers_list(&scene.owner).await.unwrap()[0].linked, 1, "whom it concerns");
    let (runtime, origin) = (&scene.world.runtime, Origin::default());
    let begin = async |slug: &str| {
        openid::begin(runtime, &scene.issuers, slug, id, WEB, None, &origin).await.map(drop)
    };
    assert!(matches!(begin("netandina").await, Err(Error::NotFound)));
    assert!(openid::choices(runtime, "netandina", &origin).await.unwrap().is_empty());
    let on = IdentityProviderChange { enabled: Some(true), ..IdentityProviderChange::default() };
    openid::provider_update(&scene.owner, id, 5, on).await.unwrap();
    assert_eq!(openid::choices(runtime, "netandina", &origin).await.unwrap().len(), 1);
    tenant(&scene.world, "other").await;
    for slug in ["other", "nowhere"] {
        assert!(matches!(begin(slug).await, Err(Error::NotFound)), "another's provider");
        assert!(openid::choices(runtime, slug, &origin).await.unwrap().is_empty());
    }
    identity::user_create(&scene.owner, user("luis@netandina.example", Role::Owner)).await.unwrap();
    let disabled = UserChange { disabled: Some(true), ..UserChange::default() };
    identity::user_update(&scene.owner, &session.user.id, 1, disabled).await.unwrap();
    scene.refuses("the user is disabled").await;
    let enabled = UserChange { disabled: Some(false), ..UserChange::default() };
    identity::user_update(&scene.owner, &session.user.id, 2, enabled).await.unwrap();
    assert!(scene.enters().await);
    let begun = scene.begin().await;
    openid::provider_delete(&scene.owner, id).await.unwrap();
    assert!(matches!(scene.finish(&begun, &scene.issuer.visited(&begun)).await.unwrap(), LogIn::Refused));
    assert!(openid::identities_of(&scene.owner, &session.user.id).await.unwrap().items.is_empty());
    let remade = openid::provider_create(&scene.owner, &scene.issuers, new_provider()).await.unwrap();
    assert_ne!(&remade.id, id, "and nobody is linked with it");
});

on_both!(a_permission_ends_after_seven_days, |world: World| async move {
    let scene = Scene::new(world).await;
    openid::own_identity_allow(&scene.rosa, &scene.wanted()).await.unwrap();
    scene.world.clock.advance_millis(7 * 24 * 3_600_000);
    scene.issuer.at(now_s(&scene.world));
    scene.refuses("the user allowed none").await;
    let rosa = identity::user_find(&scene.owner, EMAIL).await.unwrap();
    let waiting = openid::identities_of(&scene.owner, &rosa.id).await.unwrap().items;
    assert_eq!((waiting.len(), waiting[0].state), (1, IdentityState::Expired));
    let again = openid::own_identity_allow(&scene.rosa, &scene.wanted()).await;
    assert!(matches!(again, Err(Error::StepUpRequired)), "her proof is too old as well");
    openid::identity_allow(&scene.owner, &rosa.id, &scene.wanted()).await.unwrap();
    assert!(scene.enters().await);
});

on_both!(who_decides_by_whom_people_log_in, |world: World| async move {
    let scene = Scene::new(world).await;
    let (owner, issuers, id) = (&scene.owner, &scene.issuers, &scene.provider.id);
    // An administrator gives nobody who holds more another way in.
    identity::user_create(owner, user("ana@netandina.example", Role::Admin)).await.unwrap();
    identity::user_create(owner, user("caja@netandina.example", Role::Cashier)).await.unwrap();
    let logged_in = async |email: &str| {
        let token =
            crate::log_in(&scene.world, "netandina", email, &secret("correct horse")).await.unwrap().token;
        person(&scene.world, token.expose()).await.0
    };
    let (ana, caja) = (logged_in("ana@netandina.example").await, logged_in("caja@netandina.example").await);
    let rosa = identity::user_find(owner, EMAIL).await.unwrap().id;
    assert_eq!(
        openid::identity_allow(&ana, &rosa, &scene.wanted()).await.unwrap_err().code(),
        "beyond_own_rights"
    );
    assert!(matches!(openid::providers_list(&caja).await, Err(Error::Forbidden("identity_provider.read"))));
    assert!(matches!(
        openid::provider_delete(&caja, id).await,
        Err(Error::Forbidden("identity_provider.write"))
    ));
    openid::own_identity_allow(&caja, &scene.wanted()).await.unwrap();
    let foreign = NewIdentity { provider_id: IdentityProviderId::new(scene.owner.now()) };
    assert!(matches!(openid::own_identity_allow(&caja, &foreign).await, Err(Error::Invalid(_))));
    let other = tenant(&scene.world, "other").await;
    assert!(matches!(openid::provider_get(&other, id).await, Err(Error::NotFound)));
    assert!(matches!(openid::identity_allow(&other, &rosa, &scene.wanted()).await, Err(Error::NotFound)));

    // Wrong fields, an issuer twice, one that cannot be used.
    let wrong = NewIdentityProvider {
        name: " ".to_owned(),
        issuer: "https://issuer.example?x=1".to_owned(),
        client_secret: secret(""),
        allowed_domains: vec!["no domain".to_owned()],
        ..new_provider()
    };
    let Err(Error::Invalid(fields)) = openid::provider_create(owner, issuers, wrong).await else {
        unreachable!("four fields are wrong")
    };
    assert_eq!(fields.len(), 4);
    let twice = openid::provider_create(owner, issuers, new_provider()).await;
    assert!(matches!(twice, Err(Error::Invalid(_))));
    for issuer in ["http://issuer.example", "https://nowhere.example"] {
        let new = NewIdentityProvider { issuer: issuer.to_owned(), ..new_provider() };
        let refused = openid::provider_create(owner, issuers, new).await;
        assert_eq!(refused.unwrap_err().code(), "issuer_unusable", "{issuer}");
    }
    let shown = serde_json::to_string(&openid::provider_get(owner, id).await.unwrap()).unwrap();
    assert!(!shown.contains(CLIENT.1) && !format!("{:?}", new_provider()).contains(CLIENT.1));
    let stale = openid::provider_update(owner, id, 7, IdentityProviderChange::default()).await;
    assert!(matches!(stale, Err(Error::VersionConflict { current: 1 })));
    // Another secret: the issuer does not take it, and nobody is let in.
    openid::own_identity_allow(&scene.rosa, &scene.wanted()).await.unwrap();
    let change = IdentityProviderChange {
        client_secret: Some(secret("another")),
        ..IdentityProviderChange::default()
    };
    openid::provider_update(owner, id, 1, change).await.unwrap();
    scene.refuses("does not redeem the code: invalid_client").await;
    assert_eq!(scene.rows("identity_provider.write").await.len(), 2);
});

on_both!(an_issuer_says_now_whether_people_could_log_in_by_it, |world: World| async move {
    let scene = Scene::new(world).await;
    let check = async |issuer: &str| {
        let wanted = IssuerToCheck { issuer: issuer.to_owned() };
        openid::issuer_check(&scene.owner, &scene.issuers, &wanted).await
    };
    let asked = scene.issuer.asked("/openid-configuration");
    let report = check(ISSUER).await.unwrap();
    assert_eq!((report.verdict, report.detail), (IssuerVerdict::Usable, None));
    assert_eq!(report.authorization_endpoint.as_deref(), Some("https://issuer.example/authorize"));
    assert_eq!(report.says_email_verified, None);
    assert_eq!(scene.issuer.asked("/openid-configuration"), asked + 1, "asked now, whatever is known");
    scene.issuer.discovery(json!({"claims_supported": ["sub", "email"]}));
    assert_eq!(check(ISSUER).await.unwrap().says_email_verified, Some(false));

    for (issuer, verdict) in [
        ("http://issuer.example", IssuerVerdict::NotAllowed),
        ("https://nowhere.example", IssuerVerdict::Wrong),
    ] {
        let report = check(issuer).await.unwrap();
        assert_eq!(report.verdict, verdict, "{issuer}: {:?}", report.detail);
        assert!(report.detail.is_some() && report.authorization_endpoint.is_none());
    }
    for document in
        [json!({"issuer": "https://evil.example"}), json!({"response_types_supported": ["token"]})]
    {
        scene.issuer.discovery(document);
        assert_eq!(check(ISSUER).await.unwrap().verdict, IssuerVerdict::Wrong);
    }
    // One that names a machine inside is not asked there.
    scene.issuer.discovery(json!({"jwks_uri": "http://10.0.0.1/keys"}));
    assert_eq!(check(ISSUER).await.unwrap().verdict, IssuerVerdict::NotAllowed);
    scene.issuer.discovery(json!({}));
    scene.issuer.signs_with(1, &[]);
    let report = check(ISSUER).await.unwrap();
    assert_eq!(report.verdict, IssuerVerdict::Wrong);
    assert!(report.detail.unwrap().contains("publishes no key"));
    scene.issuer.is_away(true);
    assert_eq!(check(ISSUER).await.unwrap().verdict, IssuerVerdict::Away);
    assert!(matches!(check("https://issuer.example?x").await, Err(Error::Invalid(_))));

    identity::user_create(&scene.owner, user("caja@netandina.example", Role::Cashier)).await.unwrap();
    let password = secret("correct horse");
    let entered =
        crate::log_in(&scene.world, "netandina", "caja@netandina.example", &password).await.unwrap();
    let caja = person(&scene.world, entered.token.expose()).await.0;
    let wanted = IssuerToCheck { issuer: ISSUER.to_owned() };
    let refused = openid::issuer_check(&caja, &scene.issuers, &wanted).await;
    assert!(matches!(refused, Err(Error::Forbidden("identity_provider.write"))));
    assert_eq!(openid::providers_list(&scene.owner).await.unwrap().len(), 1, "nothing was made");
});
