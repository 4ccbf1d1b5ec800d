//! Second factors, and how guessing is slowed down.

use super::{log_in, log_in_from, tenant, user};
use atalaya_kernel::{
    Ctx, Error, on_both,
    secrets::{SecretText, ShownOnce},
    testing::World,
};
use atalaya_people::{
    access::{Role, RoleList},
    factors,
    identity::{self, LogIn, Origin, Proof, UserChange},
    tenancy::{self, TenantChange},
};
use ring::hmac;

const EMAIL: &str = "rosa@netandina.example";

fn secret(text: &str) -> SecretText {
    SecretText::new(text.to_owned())
}

fn password() -> SecretText {
    secret("correct horse")
}

/// What an app shows: another hand's reading of RFC 6238 than the program's.
fn app_code(base32: &str, now_ms: i64) -> String {
    let mut bits = String::new();
    for letter in base32.chars() {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(letter).unwrap();
        bits.push_str(&format!("{value:05b}"));
    }
    let bytes: Vec<u8> = (0..bits.len() / 8)
        .map(|byte| u8::from_str_radix(&bits[byte * 8..byte * 8 + 8], 2).unwrap())
        .collect();
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &bytes);
    let counter = u64::try_from(now_ms / 30_000).unwrap();
    let tag = hmac::sign(&key, &counter.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 15);
    let word = u32::from_be_bytes([tag[at] & 0x7f, tag[at + 1], tag[at + 2], tag[at + 3]]);
    format!("{:06}", word % 1_000_000)
}

/// Rosa with an app: her context, its secret, the recovery codes.
pub(super) async fn enrolled(world: &World, ctx: &Ctx) -> (Ctx, String, Vec<String>) {
    identity::user_create(ctx, user(EMAIL, Role::Owner)).await.unwrap();
    let token = log_in(world, "netandina", EMAIL, &password()).await.unwrap().token.expose().to_owned();
    let (rosa, _) =
        identity::authenticate(&world.runtime, &token, &crate::anywhere()).await.unwrap().unwrap();
    let enrolment = factors::app_enrol(&rosa).await.unwrap();
    assert!(
        enrolment.uri.expose().contains(enrolment.secret.expose())
            && enrolment.uri.expose().contains("rosa%40netandina.example")
    );
    assert!(
        log_in(world, "netandina", EMAIL, &password()).await.is_some(),
        "not asked for before it is confirmed"
    );
    let wrong = factors::app_confirm(&rosa, &secret("000000")).await;
    assert!(matches!(wrong, Err(Error::Invalid(_))), "{wrong:?}");
    let code = app_code(enrolment.secret.expose(), world.runtime.clock.now().as_millis());
    let codes = factors::app_confirm(&rosa, &secret(&code)).await.unwrap();
    (rosa, enrolment.secret.expose().to_owned(), plain(&codes))
}

/// Codes as a person writes them down.
fn plain(codes: &[ShownOnce]) -> Vec<String> {
    codes.iter().map(|code| code.expose().to_owned()).collect()
}

/// A log-in with the right password; the challenge.
async fn challenge(world: &World) -> SecretText {
    match identity::log_in(&world.runtime, "netandina", EMAIL, &password(), &Origin::default()).await.unwrap()
    {
        LogIn::SecondFactor { challenge, .. } => SecretText::new(challenge.expose().to_owned()),
        other => unreachable!("a code is wanted: {other:?}"),
    }
}

async fn answer(world: &World, challenge: &SecretText, code: &str) -> Result<bool, Error> {
    let origin = Origin::default();
    Ok(identity::second_factor(&world.runtime, challenge, &secret(code), &origin).await?.is_some())
}

on_both!(a_log_in_wants_a_code_that_is_taken_once, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let (rosa, app, codes) = enrolled(&world, &ctx).await;
    let first = challenge(&world).await;
    let now = || world.runtime.clock.now().as_millis();
    assert!(!answer(&world, &first, &app_code(&app, now())).await.unwrap(), "taken by the enrolment");
    world.clock.advance_millis(30_000);
    let code = app_code(&app, now());
    assert!(!answer(&world, &secret("nonsense"), &code).await.unwrap());
    assert!(answer(&world, &first, &code).await.unwrap());
    let second = challenge(&world).await;
    assert!(!answer(&world, &second, &code).await.unwrap(), "taken before");
    world.clock.advance_millis(5 * 60_000);
    assert!(!answer(&world, &second, &app_code(&app, now())).await.unwrap(), "the password was too long ago");

    let third = challenge(&world).await;
    assert_eq!(codes.len(), 10);
    assert!(answer(&world, &third, &codes[0].to_lowercase()).await.unwrap());
    assert!(!answer(&world, &challenge(&world).await, &codes[0]).await.unwrap(), "each once");
    assert_eq!(factors::security_get(&rosa).await.unwrap().recovery_codes_left, 9);
    world.clock.advance_millis(60_000);
    let token = {
        let origin = Origin::default();
        let challenge = challenge(&world).await;
        let code = secret(&app_code(&app, now()));
        identity::second_factor(&world.runtime, &challenge, &code, &origin)
            .await
            .unwrap()
            .unwrap()
            .token
            .expose()
            .to_owned()
    };
    let (rosa, session) =
        identity::authenticate(&world.runtime, &token, &crate::anywhere()).await.unwrap().unwrap();
    let renewed = factors::recovery_renew(&rosa).await.unwrap();
    let renewed = plain(&renewed);
    assert!(!answer(&world, &challenge(&world).await, &codes[1]).await.unwrap(), "worthless");
    assert!(answer(&world, &challenge(&world).await, &renewed[1]).await.unwrap());
    let proof = Proof::Code(secret(&renewed[2]));
    assert!(identity::step_up(&rosa, &session, &proof, &Origin::default()).await.unwrap().is_some());
    factors::app_remove(&rosa).await.unwrap();
    assert!(log_in(&world, "netandina", EMAIL, &password()).await.is_some());
});

on_both!(a_role_that_demands_a_factor_permits_nothing_without, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let made = identity::user_create(&ctx, user("luis@netandina.example", Role::Cashier)).await.unwrap();
    let token = log_in(&world, "netandina", "luis@netandina.example", &password())
        .await
        .unwrap()
        .token
        .expose()
        .to_owned();
    let see = || async {
        let (luis, session) =
            identity::authenticate(&world.runtime, &token, &crate::anywhere()).await.unwrap().unwrap();
        let may = luis.authorize(atalaya_people::customers::READ).is_ok();
        (luis, may, session.factor_missing)
    };
    let (_, may, missing) = see().await;
    assert!(may && !missing);
    let demand = TenantChange {
        second_factor_roles: Some(RoleList(vec![Role::Cashier.into()])),
        ..TenantChange::default()
    };
    tenancy::tenant_update(&ctx, 1, demand).await.unwrap();
    let (luis, may, missing) = see().await;
    assert!(!may && missing, "at once, in the running session");
    let enrolment = factors::app_enrol(&luis).await.unwrap();
    let code = app_code(enrolment.secret.expose(), world.runtime.clock.now().as_millis());
    factors::app_confirm(&luis, &secret(&code)).await.unwrap();
    let (luis, may, missing) = see().await;
    assert!(may && !missing);
    assert_eq!(factors::app_remove(&luis).await.unwrap_err().code(), "factor_demanded");
    assert!(factors::security_get(&luis).await.unwrap().factor_demanded);
    factors::app_reset(&ctx, &made.id).await.unwrap();
    assert!(!see().await.1, "who lost it begins again");
});

on_both!(guessing_is_slowed_down_where_it_comes_from, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    identity::user_create(&ctx, user(EMAIL, Role::Owner)).await.unwrap();
    let from = |address: &str, browser: Option<&str>| Origin {
        address: address.to_owned(),
        browser: browser.map(secret),
        ..Origin::default()
    };
    let home = from("192.0.2.1", None);
    let known = log_in_from(&world, "netandina", EMAIL, &password(), &home).await.unwrap().unwrap().browser;
    let known = known.expose();
    let attacker = from("198.51.100.66", None);
    let wrong = secret("battery staple");
    for _ in 0..5 {
        assert!(log_in_from(&world, "netandina", EMAIL, &wrong, &attacker).await.unwrap().is_none());
    }
    let slowed = log_in_from(&world, "netandina", EMAIL, &password(), &attacker).await;
    assert!(matches!(slowed, Err(Error::RateLimited { retry_after_s: 1 })), "{slowed:?}");
    // The owner is not locked out: not from elsewhere, and not behind the attacker's own address.
    assert!(log_in_from(&world, "netandina", EMAIL, &password(), &home).await.unwrap().is_some());
    let behind = from("198.51.100.66", Some(known));
    assert!(log_in_from(&world, "netandina", EMAIL, &password(), &behind).await.unwrap().is_some());
    let forged = from("198.51.100.66", Some("0".repeat(64).as_str()));
    assert!(log_in_from(&world, "netandina", EMAIL, &password(), &forged).await.is_err(), "not known");
    // Nobody learns from the wait whether somebody is there.
    for _ in 0..5 {
        assert!(log_in_from(&world, "netandina", "x@y.example", &wrong, &attacker).await.unwrap().is_none());
    }
    assert!(log_in_from(&world, "netandina", "x@y.example", &wrong, &attacker).await.is_err());
    let mut waited = 0;
    for failures in 5..9 {
        let Err(Error::RateLimited { retry_after_s }) =
            log_in_from(&world, "netandina", EMAIL, &wrong, &attacker).await
        else {
            unreachable!("the wait of {failures} failures")
        };
        assert!(retry_after_s > waited, "it grows");
        waited = retry_after_s;
        world.clock.advance_millis(i64::try_from(retry_after_s).unwrap() * 1_000);
        assert!(log_in_from(&world, "netandina", EMAIL, &wrong, &attacker).await.unwrap().is_none());
    }
    world.clock.advance_millis(24 * 3_600_000);
    assert!(
        log_in_from(&world, "netandina", EMAIL, &password(), &attacker).await.unwrap().is_some(),
        "forgotten"
    );
    let off = UserChange { disabled: Some(true), ..UserChange::default() };
    let luis = identity::user_create(&ctx, user("luis@netandina.example", Role::ReadOnly)).await.unwrap();
    identity::user_update(&ctx, &luis.id, 1, off).await.unwrap();
    assert!(log_in(&world, "netandina", "luis@netandina.example", &password()).await.is_none());
});
