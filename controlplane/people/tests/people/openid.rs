//! Log-in by an identity provider, with an issuer in memory.

use super::{
    authenticator::Authenticator,
    issuer::{CLIENT, FakeIssuer, ISSUER},
    passkeys::{kept, person, secret, site},
    tenant, user,
};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, AuditFilter},
    on_both,
    secrets::SecretText,
    testing::World,
};
use atalaya_people::{
    access::{Role, RoleList},
    identity::{self, LogIn, LoggedIn, Origin},
    openid::{
        self, Begun, IdentityProvider, IdentityState, Issuers, NewIdentity, NewIdentityProvider, Returned,
    },
    passkeys,
    tenancy::{self, TenantChange},
};
use serde_json::{Value, json};
use std::sync::Arc;

pub(crate) const EMAIL: &str = "rosa@netandina.example";
pub(crate) const WEB: &str = "https://red.netandina.example";

/// An ISP with a provider, and Rosa logged in by her password.
pub(crate) struct Scene {
    pub(crate) world: World,
    pub(crate) owner: Ctx,
    pub(crate) rosa: Ctx,
    pub(crate) issuer: Arc<FakeIssuer>,
    pub(crate) issuers: Issuers,
    pub(crate) provider: IdentityProvider,
}

pub(crate) fn now_s(world: &World) -> i64 {
    use atalaya_kernel::time::Clock;
    world.clock.now().as_millis() / 1_000
}

pub(crate) fn new_provider() -> NewIdentityProvider {
    NewIdentityProvider {
        name: "Issuer".to_owned(),
        issuer: ISSUER.to_owned(),
        client_id: CLIENT.0.to_owned(),
        client_secret: secret(CLIENT.1),
        allowed_domains: Vec::new(),
        enabled: None,
    }
}

impl Scene {
    pub(crate) async fn new(world: World) -> Self {
        let owner = tenant(&world, "netandina").await;
        identity::user_create(&owner, user(EMAIL, Role::Owner)).await.unwrap();
        let token = crate::log_in(&world, "netandina", EMAIL, &secret("correct horse")).await.unwrap().token;
        let rosa = person(&world, token.expose()).await.0;
        let issuer = Arc::new(FakeIssuer::new(now_s(&world)));
        let issuers = Issuers::new(issuer.clone());
        let provider = openid::provider_create(&owner, &issuers, new_provider()).await.unwrap();
        Self { world, owner, rosa, issuer, issuers, provider }
    }

    pub(crate) fn wanted(&self) -> NewIdentity {
        NewIdentity { provider_id: self.provider.id.clone() }
    }

    pub(crate) async fn begin(&self) -> Begun {
        let (world, origin) = (&self.world, Origin::default());
        let begun =
            openid::begin(&world.runtime, &self.issuers, "netandina", &self.provider.id, WEB, None, &origin);
        begun.await.unwrap()
    }

    async fn finish_at(
        &self,
        slug: &str,
        returned: &Returned,
        browser: Option<&str>,
    ) -> Result<LogIn, Error> {
        let browser = browser.map(secret);
        let origin = Origin::default();
        let (runtime, issuers) = (&self.world.runtime, &self.issuers);
        openid::finish(runtime, issuers, slug, returned, browser.as_ref(), &origin).await
    }

    pub(crate) async fn finish(&self, begun: &Begun, returned: &Returned) -> Result<LogIn, Error> {
        self.finish_at("netandina", returned, Some(begun.browser.expose())).await
    }

    /// There and back.
    async fn log_in(&self) -> LogIn {
        let begun = self.begin().await;
        self.finish(&begun, &self.issuer.visited(&begun)).await.unwrap()
    }

    pub(crate) async fn enters(&self) -> bool {
        matches!(self.log_in().await, LogIn::In(_))
    }

    pub(crate) async fn inside(&self) -> (Ctx, LoggedIn) {
        let LogIn::In(entered) = self.log_in().await else { unreachable!("{:?}", self.reason().await) };
        person(&self.world, entered.token.expose()).await
    }

    /// Why the last one was refused.
    async fn reason(&self) -> String {
        let rows = self.rows("session.refuse").await;
        let facts: Value = serde_json::from_str(rows[0].after_state.as_deref().unwrap()).unwrap();
        facts["reason"].as_str().unwrap().to_owned()
    }

    pub(crate) async fn rows(&self, action: &str) -> Vec<audit::AuditRow> {
        let filter = AuditFilter { actions: vec![action.to_owned()], limit: 200, ..AuditFilter::default() };
        audit::list(&mut self.owner.begin_read().await.unwrap(), &filter).await.unwrap()
    }

    pub(crate) async fn refuses(&self, reason: &str) {
        assert!(!self.enters().await, "{reason}");
        let said = self.reason().await;
        assert!(said.contains(reason), "{said} is not {reason}");
    }
}

on_both!(an_account_that_was_allowed_is_linked_once_and_enters, |world: World| async move {
    let scene = Scene::new(world).await;
    scene.refuses("the user allowed none").await;
    let allowed = openid::own_identity_allow(&scene.rosa, &scene.wanted()).await.unwrap();
    assert_eq!((allowed.state, allowed.email.as_str()), (IdentityState::Allowed, EMAIL));
    let again = openid::own_identity_allow(&scene.rosa, &scene.wanted()).await;
    assert_eq!(again.unwrap_err().code(), "identity_allowed");

    // Another e-mail, and one that nobody verified, are not hers.
    scene.issuer.account(json!({"sub": "evil", "email": "evil@netandina.example", "email_verified": true}));
    scene.refuses("nobody here has its e-mail").await;
    scene.issuer.account(json!({"sub": "evil", "email": EMAIL, "email_verified": false}));
    scene.refuses("without a verified e-mail").await;
    scene.issuer.account(json!({"sub": "evil", "email": EMAIL}));
    scene.refuses("without a verified e-mail").await;

    scene.issuer.account(json!({"sub": "rosa-1", "email": "Rosa@NetAndina.example", "email_verified": true}));
    let (ctx, session) = scene.inside().await;
    assert_eq!(session.user.email, EMAIL);
    assert!(
        matches!(ctx.demand_proof(), Err(Error::StepUpRequired)),
        "the provider's word is no fresh proof"
    );
    let mine = openid::own_identities(&ctx).await.unwrap().items;
    assert_eq!((mine.len(), mine[0].state), (1, IdentityState::Linked));
    assert!(mine[0].last_used_at.is_some() && mine[0].linked_at.is_some());

    // From now on it is the account that counts, whatever its e-mail; and no other account, whatever its e-mail.
    scene.issuer.account(json!({"sub": "rosa-1", "email": "other@elsewhere.example"}));
    assert!(scene.enters().await);
    scene.issuer.account(json!({"sub": "rosa-2", "email": EMAIL, "email_verified": true}));
    scene.refuses("the user allowed none").await;
    assert_eq!((scene.rows("identity.link").await.len(), scene.rows("identity.use").await.len()), (1, 2));

    // A second account of hers is another permission; removing the first closes it.
    let second = openid::identity_allow(&scene.owner, &session.user.id, &scene.wanted()).await.unwrap();
    assert!(scene.enters().await);
    openid::own_identity_remove(&scene.rosa, &mine[0].id).await.unwrap();
    scene.issuer.account(json!({"sub": "rosa-1", "email": EMAIL, "email_verified": true}));
    scene.refuses("the user allowed none").await;
    openid::identity_remove(&scene.owner, &session.user.id, &second.id).await.unwrap();
    assert!(matches!(openid::own_identity_remove(&scene.rosa, &second.id).await, Err(Error::NotFound)));
    assert!(openid::identities_of(&scene.owner, &session.user.id).await.unwrap().items.is_empty());
});

on_both!(an_attempt_is_good_once_in_its_browser_for_ten_minutes, |world: World| async move {
    let scene = Scene::new(world).await;
    tenant(&scene.world, "other").await;
    openid::own_identity_allow(&scene.rosa, &scene.wanted()).await.unwrap();
    assert!(scene.enters().await);
    let refused = async |said: Result<LogIn, Error>, reason: &str| {
        assert!(matches!(said.unwrap(), LogIn::Refused), "{reason}");
        let why = scene.reason().await;
        assert!(why.contains(reason), "{why} is not {reason}");
    };
    let begun = scene.begin().await;
    let returned = scene.issuer.visited(&begun);
    refused(scene.finish_at("netandina", &returned, None).await, "another browser").await;
    refused(scene.finish(&begun, &returned).await, "came back before").await;
    let (begun, other) = (scene.begin().await, scene.begin().await);
    refused(scene.finish(&other, &scene.issuer.visited(&begun)).await, "another browser").await;
    let begun = scene.begin().await;
    let returned = scene.issuer.visited(&begun);
    assert!(matches!(scene.finish(&begun, &returned).await.unwrap(), LogIn::In(_)));
    refused(scene.finish(&begun, &returned).await, "came back before").await;

    let begun = scene.begin().await;
    let returned = scene.issuer.visited(&begun);
    for slug in ["other", "nowhere"] {
        let there = scene.finish_at(slug, &returned, Some(begun.browser.expose())).await;
        assert!(matches!(there.unwrap(), LogIn::Refused), "{slug}");
    }
    assert!(matches!(scene.finish(&begun, &returned).await.unwrap(), LogIn::In(_)), "it is of this ISP");

    let begun = scene.begin().await;
    let returned = scene.issuer.visited(&begun);
    scene.world.clock.advance_millis(10 * 60_000);
    scene.issuer.at(now_s(&scene.world));
    refused(scene.finish(&begun, &returned).await, "took too long").await;
    let invented = Returned { state: secret("netandina.0000"), ..scene.issuer.visited(&scene.begin().await) };
    refused(scene.finish(&begun, &invented).await, "nobody began").await;

    // A code of another attempt: the provider asks for its verifier; one that does not is found out by the nonce.
    for (is_lax, reason) in
        [(false, "does not redeem the code: invalid_grant"), (true, "not asked for by this attempt")]
    {
        scene.issuer.is_lax(is_lax);
        let (mine, stolen) = (scene.begin().await, scene.begin().await);
        let code = scene.issuer.visited(&stolen).code;
        let injected = Returned { code, ..scene.issuer.visited(&mine) };
        refused(scene.finish(&mine, &injected).await, reason).await;
    }
    scene.issuer.is_lax(false);
    let begun = scene.begin().await;
    let denied =
        Returned { code: None, error: Some("access_denied".to_owned()), ..scene.issuer.visited(&begun) };
    refused(scene.finish(&begun, &denied).await, "said: access_denied").await;
    let begun = scene.begin().await;
    let nothing = Returned { code: None, ..scene.issuer.visited(&begun) };
    refused(scene.finish(&begun, &nothing).await, "gave no code").await;

    // Two tabs of one browser are both on their way.
    let first = scene.begin().await;
    let kept = secret(first.browser.expose());
    let (runtime, origin) = (&scene.world.runtime, Origin::default());
    let second =
        openid::begin(runtime, &scene.issuers, "netandina", &scene.provider.id, WEB, Some(&kept), &origin);
    let second = second.await.unwrap();
    assert_eq!(first.browser, second.browser);
    for begun in [first, second] {
        assert!(matches!(scene.finish(&begun, &scene.issuer.visited(&begun)).await.unwrap(), LogIn::In(_)));
    }
});

on_both!(what_a_token_says_wrongly_lets_nobody_in, |world: World| async move {
    let scene = Scene::new(world).await;
    openid::own_identity_allow(&scene.rosa, &scene.wanted()).await.unwrap();
    assert!(scene.enters().await);
    let now = now_s(&scene.world);
    for (claims, reason) in [
        (json!({"iss": "https://evil.example"}), "another issuer's"),
        (json!({"aud": "another-client"}), "for somebody else"),
        (json!({"aud": [CLIENT.0, "another"], "azp": CLIENT.0}), "for somebody else"),
        (json!({"azp": "another-client"}), "asked for by somebody else"),
        (json!({"exp": now - 60}), "has ended"),
        (json!({"iat": now + 120}), "not of now"),
        (json!({"iat": now - 3_600}), "not of now"),
        (json!({"nonce": "another"}), "not asked for by this attempt"),
        (json!({"nonce": null}), "not asked for by this attempt"),
        (json!({"sub": ""}), "names nobody"),
    ] {
        scene.issuer.claims(claims);
        scene.refuses(reason).await;
    }
    scene.issuer.claims(json!({}));
    scene.issuer.signs_with(2, &[1]);
    scene.refuses("a key that the issuer does not publish").await;
    scene.issuer.signs_with(1, &[1]);
    assert!(scene.enters().await, "and as before");
});

on_both!(keys_are_asked_for_again_and_not_too_often, |world: World| async move {
    let scene = Scene::new(world).await;
    openid::own_identity_allow(&scene.rosa, &scene.wanted()).await.unwrap();
    for _ in 0..3 {
        assert!(scene.enters().await);
    }
    assert_eq!((scene.issuer.asked("/jwks"), scene.issuer.asked("/openid-configuration")), (1, 1), "kept");
    scene.world.clock.advance_millis(60_000);
    scene.issuer.at(now_s(&scene.world));
    scene.issuer.signs_with(2, &[2, 1]);
    assert!(scene.enters().await, "another key that it publishes");
    assert_eq!(scene.issuer.asked("/jwks"), 2);
    scene.issuer.signs_with(3, &[2, 1]);
    for _ in 0..3 {
        scene.refuses("does not publish").await;
    }
    assert_eq!(scene.issuer.asked("/jwks"), 2, "asked a moment ago");
    scene.world.clock.advance_millis(60_000);
    scene.issuer.at(now_s(&scene.world));
    scene.refuses("does not publish").await;
    assert_eq!(scene.issuer.asked("/jwks"), 3);

    // What was kept too long is asked for again; an issuer that is away is left alone for a while.
    scene.issuer.signs_with(2, &[2]);
    scene.world.clock.advance_millis(3_600_000);
    scene.issuer.at(now_s(&scene.world));
    scene.issuer.is_away(true);
    let begin = async || {
        let (runtime, origin) = (&scene.world.runtime, Origin::default());
        openid::begin(runtime, &scene.issuers, "netandina", &scene.provider.id, WEB, None, &origin).await
    };
    for _ in 0..3 {
        assert!(matches!(begin().await, Err(Error::Unavailable(_))));
    }
    assert_eq!(scene.issuer.asked("/openid-configuration"), 2);
    scene.issuer.is_away(false);
    assert!(matches!(begin().await, Err(Error::Unavailable(_))), "not yet");
    scene.world.clock.advance_millis(10_000);
    assert!(scene.enters().await);
});

on_both!(a_second_factor_is_asked_for_as_after_a_password, |world: World| async move {
    let scene = Scene::new(world).await;
    openid::own_identity_allow(&scene.rosa, &scene.wanted()).await.unwrap();
    let demand = TenantChange {
        second_factor_roles: Some(RoleList(vec![Role::Owner.into()])),
        ..TenantChange::default()
    };
    tenancy::tenant_update(&scene.owner, 1, demand).await.unwrap();
    // What an issuer says of the factors that it asked for is not believed.
    scene.issuer.claims(json!({"amr": ["mfa", "hwk"], "acr": "high"}));
    let (ctx, session) = scene.inside().await;
    assert!(session.factor_missing, "a role demands one, and there is none");
    assert!(matches!(openid::providers_list(&ctx).await, Err(Error::Forbidden(_))));
    let mut phone = Authenticator::new(b"phone");
    kept(&scene.rosa, &mut phone).await.unwrap();
    let LogIn::SecondFactor { challenge, .. } = scene.log_in().await else { unreachable!("she has one now") };
    let challenge = SecretText::new(challenge.expose().to_owned());
    let (runtime, origin, site) = (&scene.world.runtime, Origin::default(), site());
    let options =
        passkeys::second_factor_options(runtime, &challenge, &site, &origin).await.unwrap().unwrap();
    let answer = serde_json::from_value(phone.sign(&json!(options), WEB)).unwrap();
    let inside =
        passkeys::second_factor(runtime, &challenge, &answer, &site, &origin).await.unwrap().unwrap();
    assert!(
        person(&scene.world, inside.token.expose()).await.0.demand_proof().is_ok(),
        "the factor is a fresh proof"
    );
});

on_both!(an_answer_says_whose_it_is_where_the_issuer_says_so, |world: World| async move {
    let scene = Scene::new(world).await;
    openid::own_identity_allow(&scene.rosa, &scene.wanted()).await.unwrap();
    scene.issuer.discovery(json!({"authorization_response_iss_parameter_supported": true}));
    // What was kept of it before is too old.
    scene.world.clock.advance_millis(3_600_000);
    scene.issuer.at(now_s(&scene.world));
    let begun = scene.begin().await;
    let visited = scene.issuer.visited(&begun);
    assert!(matches!(scene.finish(&begun, &visited).await.unwrap(), LogIn::Refused), "it must say so");
    assert!(scene.reason().await.contains("another issuer's"));
    for (issuer, enters) in [("https://evil.example", false), (ISSUER, true)] {
        let begun = scene.begin().await;
        let named = Returned { issuer: Some(issuer.to_owned()), ..scene.issuer.visited(&begun) };
        assert_eq!(matches!(scene.finish(&begun, &named).await.unwrap(), LogIn::In(_)), enters, "{issuer}");
    }
});
