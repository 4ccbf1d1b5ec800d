//! Passkeys, with an authenticator in software.

use super::{authenticator::Authenticator, log_in, tenant, user};
use atalaya_kernel::{
    Ctx, Error, STEP_UP_MS,
    events::{self, EventFilter},
    on_both,
    secrets::SecretText,
    testing::World,
};
use atalaya_people::{
    access::{Role, RoleList},
    factors,
    identity::{self, Entered, LogIn, LoggedIn, Origin, Proof, UserChange},
    passkeys::{self, NewPasskey, PasskeyMade, Site},
    tenancy::{self, TenantChange},
};
use serde_json::{Value, json};

const EMAIL: &str = "rosa@netandina.example";
pub(crate) const ORIGIN: &str = "https://red.netandina.example";

pub(crate) fn secret(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

pub(crate) fn site() -> Site {
    Site { rp_id: "red.netandina.example".to_owned(), origin: ORIGIN.to_owned() }
}

pub(crate) async fn person(world: &World, token: &str) -> (Ctx, LoggedIn) {
    identity::authenticate(&world.runtime, token, &crate::anywhere()).await.unwrap().unwrap()
}

/// Rosa, logged in by her password.
async fn rosa(world: &World, ctx: &Ctx) -> Ctx {
    identity::user_create(ctx, user(EMAIL, Role::Owner)).await.unwrap();
    let token = log_in(world, "netandina", EMAIL, &secret("correct horse")).await.unwrap().token;
    person(world, token.expose()).await.0
}

pub(crate) async fn kept(who: &Ctx, phone: &mut Authenticator) -> Result<PasskeyMade, Error> {
    let options = json!(passkeys::registration_options(who, &site()).await?);
    let credential = serde_json::from_value(phone.make(&options, ORIGIN)).unwrap();
    passkeys::passkey_create(who, &site(), &NewPasskey { name: "Phone".to_owned(), credential }).await
}

pub(crate) async fn entry_options(world: &World) -> Value {
    json!(passkeys::enter_options(&world.runtime, "netandina", &site(), &Origin::default()).await.unwrap())
}

pub(crate) async fn entered(world: &World, slug: &str, answer: &Value) -> Option<Box<Entered>> {
    let answer = serde_json::from_value(answer.clone()).unwrap();
    passkeys::enter(&world.runtime, slug, &answer, &site(), &Origin::default()).await.unwrap()
}

/// The challenge of a right password that waits for a second factor.
async fn waiting(world: &World) -> Option<SecretText> {
    let (right, origin) = (secret("correct horse"), Origin::default());
    match identity::log_in(&world.runtime, "netandina", EMAIL, &right, &origin).await.unwrap() {
        LogIn::SecondFactor { challenge, .. } => Some(secret(challenge.expose())),
        LogIn::In(_) => None,
        LogIn::Refused => unreachable!("the password is right"),
    }
}

async fn changes(ctx: &Ctx) -> Vec<String> {
    let filter = EventFilter { limit: 200, ..EventFilter::default() };
    let events = events::list(&mut ctx.begin_read().await.unwrap(), &filter).await.unwrap();
    let changed = events.into_iter().filter(|event| event.kind == "factor.changed");
    let mut changes: Vec<_> =
        changed.map(|event| event.payload["change"].as_str().unwrap().to_owned()).collect();
    changes.reverse();
    changes
}

on_both!(a_passkey_enters_alone_once_for_each_challenge, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    tenant(&world, "other").await;
    let rosa = rosa(&world, &ctx).await;
    let mut phone = Authenticator::new(b"phone");
    let made = kept(&rosa, &mut phone).await.unwrap();
    assert_eq!((made.passkey.host.as_str(), made.recovery_codes.len()), ("red.netandina.example", 10));
    let options = entry_options(&world).await;
    assert_eq!(
        (&options["userVerification"], &options["allowCredentials"]),
        (&json!("required"), &json!([]))
    );
    let answer = phone.sign(&options, ORIGIN);
    assert!(entered(&world, "other", &answer).await.is_none(), "another tenant's");
    let inside = entered(&world, "netandina", &answer).await.unwrap();
    assert_eq!(inside.logged_in.user.email, EMAIL);
    assert!(entered(&world, "netandina", &answer).await.is_none(), "each challenge once");
    let (again, _) = person(&world, inside.token.expose()).await;
    assert!(passkeys::passkeys_list(&again).await.unwrap().items[0].last_used_at.is_some());

    // What nobody asked for, too late, not verified, of another ceremony, or for nobody.
    let forged = json!({"challenge": "AAAA", "rpId": "red.netandina.example"});
    assert!(entered(&world, "netandina", &phone.sign(&forged, ORIGIN)).await.is_none());
    let options = entry_options(&world).await;
    world.clock.advance_millis(5 * 60_000);
    assert!(entered(&world, "netandina", &phone.sign(&options, ORIGIN)).await.is_none(), "too late");
    phone.verifies = false;
    let options = entry_options(&world).await;
    assert!(entered(&world, "netandina", &phone.sign(&options, ORIGIN)).await.is_none(), "not verified");
    phone.verifies = true;
    let options = json!(passkeys::step_up_options(&again, &site()).await.unwrap());
    assert!(
        entered(&world, "netandina", &phone.sign(&options, ORIGIN)).await.is_none(),
        "asked for a step-up"
    );
    let options = entry_options(&world).await;
    let mut nameless = phone.sign(&options, ORIGIN);
    nameless["response"]["userHandle"] = Value::Null;
    assert!(entered(&world, "netandina", &nameless).await.is_none());
    let options = entry_options(&world).await;
    let evil = phone.sign(&options, "https://evil.example");
    assert!(entered(&world, "netandina", &evil).await.is_none(), "a page of somebody else");
    let options = entry_options(&world).await;
    let stranger = Authenticator::new(b"another").sign(&options, ORIGIN);
    assert!(entered(&world, "netandina", &stranger).await.is_none());
    let options = entry_options(&world).await;
    assert!(entered(&world, "netandina", &phone.sign(&options, ORIGIN)).await.is_some(), "as before");
    let off = UserChange { disabled: Some(true), ..UserChange::default() };
    identity::user_create(&ctx, user("luis@netandina.example", Role::Owner)).await.unwrap();
    identity::user_update(&ctx, &inside.logged_in.user.id, 1, off).await.unwrap();
    let options = entry_options(&world).await;
    assert!(entered(&world, "netandina", &phone.sign(&options, ORIGIN)).await.is_none(), "disabled");
});

on_both!(a_passkey_follows_a_password_and_shows_again_who_is_there, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let rosa = rosa(&world, &ctx).await;
    assert!(waiting(&world).await.is_none(), "no second factor yet");
    let mut phone = Authenticator::new(b"phone");
    let codes = kept(&rosa, &mut phone).await.unwrap().recovery_codes;
    phone.verifies = false;
    let origin = Origin::default();
    let challenge = waiting(&world).await.expect("a second factor is wanted");
    let second = async |phone: &mut Authenticator| {
        let options =
            passkeys::second_factor_options(&world.runtime, &challenge, &site(), &origin).await.unwrap();
        let options = json!(options.expect("she has a passkey for this host"));
        assert_eq!(options["allowCredentials"][0]["id"], "cGhvbmU");
        let answer = serde_json::from_value(phone.sign(&options, ORIGIN)).unwrap();
        passkeys::second_factor(&world.runtime, &challenge, &answer, &site(), &origin).await.unwrap()
    };
    let inside = second(&mut phone).await.expect("that somebody is there is enough");
    assert!(second(&mut Authenticator::new(b"phone")).await.is_none(), "another key");
    let elsewhere =
        Site { rp_id: "elsewhere.example".to_owned(), origin: "https://elsewhere.example".to_owned() };
    let none =
        passkeys::second_factor_options(&world.runtime, &challenge, &elsewhere, &origin).await.unwrap();
    assert!(none.is_none(), "none for another host");
    let nonsense =
        passkeys::second_factor_options(&world.runtime, &secret("nonsense"), &site(), &origin).await;
    assert!(nonsense.unwrap().is_none());
    let by_code = identity::second_factor(&world.runtime, &challenge, &secret(codes[0].expose()), &origin)
        .await
        .unwrap();
    assert!(by_code.is_some(), "a recovery code stands in for it");

    world.clock.advance_millis(STEP_UP_MS);
    let (rosa, session) = person(&world, inside.token.expose()).await;
    assert!(matches!(rosa.demand_proof(), Err(Error::StepUpRequired)));
    assert!(matches!(kept(&rosa, &mut Authenticator::new(b"x")).await, Err(Error::StepUpRequired)));
    let options = json!(passkeys::step_up_options(&rosa, &site()).await.unwrap());
    let answer = serde_json::from_value(phone.sign(&options, ORIGIN)).unwrap();
    let proof = Proof::Passkey(Box::new((answer, site())));
    let token = identity::step_up(&rosa, &session, &proof, &origin).await.unwrap().expect("it is right");
    assert!(identity::step_up(&rosa, &session, &proof, &origin).await.unwrap().is_none(), "once");
    assert!(person(&world, &token).await.0.demand_proof().is_ok());
});

on_both!(a_copied_passkey_is_refused_and_told, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let rosa = rosa(&world, &ctx).await;
    let mut phone = Authenticator::new(b"phone");
    kept(&rosa, &mut phone).await.unwrap();
    let before = phone.counter;
    for _ in 0..3 {
        let options = entry_options(&world).await;
        assert!(entered(&world, "netandina", &phone.sign(&options, ORIGIN)).await.is_some());
    }
    phone.counter = before;
    let options = entry_options(&world).await;
    assert!(entered(&world, "netandina", &phone.sign(&options, ORIGIN)).await.is_none());
    assert_eq!(changes(&ctx).await, ["passkey_added", "passkey_copied"]);
});

on_both!(passkeys_count_as_the_factor_that_a_role_demands, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let rosa = rosa(&world, &ctx).await;
    let (mut phone, mut key) = (Authenticator::new(b"phone"), Authenticator::new(b"key"));
    let first = kept(&rosa, &mut phone).await.unwrap();
    assert_eq!(kept(&rosa, &mut phone).await.unwrap_err().code(), "passkey_enrolled");
    let second = kept(&rosa, &mut key).await.unwrap();
    assert!(second.recovery_codes.is_empty(), "she has some");
    let demand = TenantChange {
        second_factor_roles: Some(RoleList(vec![Role::Owner.into()])),
        ..TenantChange::default()
    };
    tenancy::tenant_update(&ctx, 1, demand).await.unwrap();
    passkeys::passkey_delete(&rosa, &first.passkey.id).await.unwrap();
    assert!(matches!(passkeys::passkey_delete(&rosa, &first.passkey.id).await, Err(Error::NotFound)));
    let last = passkeys::passkey_delete(&rosa, &second.passkey.id).await;
    assert_eq!(last.unwrap_err().code(), "factor_demanded");
    let security = factors::security_get(&rosa).await.unwrap();
    assert_eq!((security.passkeys, security.recovery_codes_left, security.app_since), (1, 10, None));

    // An app beside it; either may go, and with the last the codes.
    let free = TenantChange { second_factor_roles: Some(RoleList(Vec::new())), ..TenantChange::default() };
    tenancy::tenant_update(&ctx, 2, free).await.unwrap();
    factors::app_enrol(&rosa).await.unwrap();
    passkeys::passkey_delete(&rosa, &second.passkey.id).await.unwrap();
    assert_eq!(factors::security_get(&rosa).await.unwrap().recovery_codes_left, 0);
    assert!(waiting(&world).await.is_none(), "an app that was not confirmed is no factor");
    let third = kept(&rosa, &mut phone).await.unwrap();
    assert_eq!(third.recovery_codes.len(), 10, "new ones");
    let id = identity::user_find(&ctx, EMAIL).await.unwrap().id;
    factors::app_reset(&ctx, &id).await.unwrap();
    assert!(passkeys::passkeys_list(&rosa).await.unwrap().items.is_empty(), "who lost it begins again");
    let told =
        ["passkey_added", "passkey_added", "passkey_removed", "passkey_removed", "passkey_added", "reset"];
    assert_eq!(changes(&ctx).await, told);
});

on_both!(what_was_not_made_here_is_not_kept, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let rosa = rosa(&world, &ctx).await;
    let mut phone = Authenticator::new(b"phone");
    let keep = async |options: &Value, origin: &str, phone: &mut Authenticator| {
        let credential = serde_json::from_value(phone.make(options, origin)).unwrap();
        let new = NewPasskey { name: "Phone".to_owned(), credential };
        passkeys::passkey_create(&rosa, &site(), &new).await.map(drop).map_err(|error| error.code())
    };
    let options = || async { json!(passkeys::registration_options(&rosa, &site()).await.unwrap()) };
    let first = options().await;
    assert_eq!(first["pubKeyCredParams"].as_array().unwrap().len(), 3);
    let refused = Err("passkey_refused");
    assert_eq!(keep(&first, "https://evil.example", &mut phone).await, refused);
    assert_eq!(keep(&first, ORIGIN, &mut phone).await, refused, "its challenge was used");
    assert_eq!(keep(&json!({"challenge": "AAAA", "rp": first["rp"]}), ORIGIN, &mut phone).await, refused);
    let late = options().await;
    world.clock.advance_millis(5 * 60_000);
    assert_eq!(keep(&late, ORIGIN, &mut phone).await, refused);
    let mut elsewhere = options().await;
    elsewhere["rp"]["id"] = json!("evil.example");
    assert_eq!(keep(&elsewhere, ORIGIN, &mut phone).await, refused);
    let nameless = options().await;
    let credential = serde_json::from_value(phone.make(&nameless, ORIGIN)).unwrap();
    let new = NewPasskey { name: " ".to_owned(), credential };
    assert!(matches!(passkeys::passkey_create(&rosa, &site(), &new).await, Err(Error::Invalid(_))));
    assert_eq!(keep(&nameless, ORIGIN, &mut phone).await, Ok(()), "a wrong name takes no challenge");
});
