//! Passkeys that are somebody else's, for something else, or not quite right: refused, and written down.

use super::{
    authenticator::Authenticator,
    passkeys::{ORIGIN, entered, entry_options, kept, person, secret, site},
    tenant, user,
};
use atalaya_kernel::{
    Ctx,
    audit::{self, AuditFilter},
    on_both,
    testing::World,
};
use atalaya_people::{
    access::Role,
    identity::{self, LogIn, Origin},
    passkeys::{self, NewPasskey},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

/// Somebody with a passkey.
struct Somebody {
    email: String,
    ctx: Ctx,
    phone: Authenticator,
}

impl Somebody {
    async fn new(world: &World, owner: &Ctx, slug: &str, name: &str) -> Self {
        let email = format!("{name}@{slug}.example");
        identity::user_create(owner, user(&email, Role::Owner)).await.unwrap();
        let right = secret("correct horse");
        let token = super::log_in(world, slug, &email, &right).await.unwrap().token;
        let (ctx, _) = person(world, token.expose()).await;
        let mut phone = Authenticator::new(name.as_bytes());
        kept(&ctx, &mut phone).await.unwrap();
        Self { email, ctx, phone }
    }

    /// The challenge of their right password.
    async fn waiting(&self, world: &World, slug: &str) -> atalaya_kernel::secrets::SecretText {
        let right = secret("correct horse");
        let said =
            identity::log_in(&world.runtime, slug, &self.email, &right, &Origin::default()).await.unwrap();
        let LogIn::SecondFactor { challenge, .. } = said else { unreachable!("they have a passkey") };
        secret(challenge.expose())
    }
}

/// What was refused, oldest first: about what kind of thing, and why.
async fn refusals(ctx: &Ctx) -> Vec<(String, String)> {
    let filter =
        AuditFilter { actions: vec!["session.refuse".to_owned()], limit: 200, ..AuditFilter::default() };
    let rows = audit::list(&mut ctx.begin_read().await.unwrap(), &filter).await.unwrap();
    let said = |row: &audit::AuditRow| {
        let facts: Value = serde_json::from_str(row.after_state.as_deref().unwrap()).unwrap();
        (row.entity_kind.clone(), facts["reason"].as_str().unwrap().to_owned())
    };
    rows.iter().rev().map(said).collect()
}

/// An answer with one bit of a part changed.
fn changed(answer: &Value, part: &str, at: usize) -> Value {
    let mut answer = answer.clone();
    let place = &mut answer["response"][part];
    let mut bytes = URL_SAFE_NO_PAD.decode(place.as_str().unwrap()).unwrap();
    bytes[at] ^= 1;
    *place = json!(URL_SAFE_NO_PAD.encode(bytes));
    answer
}

on_both!(one_bit_of_an_answer_is_enough, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let mut rosa = Somebody::new(&world, &ctx, "netandina", "rosa").await;
    for (part, at, reason) in [
        ("signature", 10, "the signature is wrong"),
        // Its counter, which the signature covers.
        ("authenticatorData", 36, "the signature is wrong"),
        ("authenticatorData", 0, "a credential for another site"),
        // Whether somebody was there.
        ("authenticatorData", 32, "nobody was there"),
        ("userHandle", 0, "somebody else than the authenticator names"),
    ] {
        let answer = rosa.phone.sign(&entry_options(&world).await, ORIGIN);
        assert!(entered(&world, "netandina", &changed(&answer, part, at)).await.is_none(), "{part} {at}");
        let (kind, why) = refusals(&ctx).await.pop().unwrap();
        assert_eq!((kind.as_str(), why.as_str()), ("user", reason), "{part} {at}");
        assert!(entered(&world, "netandina", &answer).await.is_none(), "the challenge was answered");
        let (kind, why) = refusals(&ctx).await.pop().unwrap();
        assert_eq!(kind, "tenant");
        assert!(why.starts_with("a challenge that was not asked for"), "{why}");
    }
    let mut strange = rosa.phone.sign(&entry_options(&world).await, ORIGIN);
    strange["response"]["signature"] = json!("not base64url!");
    assert!(entered(&world, "netandina", &strange).await.is_none());
    assert_eq!(refusals(&ctx).await.len(), 11, "each leaves a row");
    let answer = rosa.phone.sign(&entry_options(&world).await, ORIGIN);
    assert!(entered(&world, "netandina", &answer).await.is_some(), "and she enters as before");
});

on_both!(what_is_somebody_elses_proves_nothing, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let other = tenant(&world, "other").await;
    let mut rosa = Somebody::new(&world, &ctx, "netandina", "rosa").await;
    let mut luis = Somebody::new(&world, &ctx, "netandina", "luis").await;
    let mut eva = Somebody::new(&world, &other, "other", "eva").await;
    let (origin, site) = (Origin::default(), site());
    let second = async |waiting: &atalaya_kernel::secrets::SecretText, answer: Value| {
        let answer = serde_json::from_value(answer).unwrap();
        passkeys::second_factor(&world.runtime, waiting, &answer, &site, &origin).await.unwrap().is_some()
    };
    let options = async |waiting: &atalaya_kernel::secrets::SecretText| {
        let options = passkeys::second_factor_options(&world.runtime, waiting, &site, &origin).await;
        json!(options.unwrap().unwrap())
    };
    let of_rosa = rosa.waiting(&world, "netandina").await;
    let of_luis = luis.waiting(&world, "netandina").await;
    let of_eva = eva.waiting(&world, "other").await;
    assert!(!second(&of_rosa, luis.phone.sign(&options(&of_rosa).await, ORIGIN)).await, "his for her");
    assert!(!second(&of_rosa, rosa.phone.sign(&options(&of_luis).await, ORIGIN)).await, "asked for him");
    assert!(!second(&of_rosa, eva.phone.sign(&options(&of_rosa).await, ORIGIN)).await, "another tenant's");
    assert!(!second(&of_rosa, rosa.phone.sign(&options(&of_eva).await, ORIGIN)).await, "asked elsewhere");
    let enters = entry_options(&world).await;
    assert!(!second(&of_rosa, rosa.phone.sign(&enters, ORIGIN)).await, "asked for entering");
    assert!(second(&of_rosa, rosa.phone.sign(&options(&of_rosa).await, ORIGIN)).await, "her own, for her");

    // Entering: with a key of another tenant, and with what another tenant asked for.
    let answer = eva.phone.sign(&entry_options(&world).await, ORIGIN);
    assert!(entered(&world, "netandina", &answer).await.is_none());
    let there = passkeys::enter_options(&world.runtime, "other", &site, &origin).await.unwrap();
    assert!(entered(&world, "netandina", &rosa.phone.sign(&json!(there), ORIGIN)).await.is_none());
    let nowhere = passkeys::enter_options(&world.runtime, "nowhere", &site, &origin).await.unwrap();
    assert!(entered(&world, "nowhere", &rosa.phone.sign(&json!(nowhere), ORIGIN)).await.is_none());

    // His name on her key: the authenticator's word for whose it is does not make it his.
    let mut answer = rosa.phone.sign(&entry_options(&world).await, ORIGIN);
    let his = luis.phone.sign(&entry_options(&world).await, ORIGIN);
    answer["response"]["userHandle"] = his["response"]["userHandle"].clone();
    assert!(entered(&world, "netandina", &answer).await.is_none());
    let mut answer = rosa.phone.sign(&entry_options(&world).await, ORIGIN);
    answer["rawId"] = his["rawId"].clone();
    assert!(entered(&world, "netandina", &answer).await.is_none(), "his key did not sign this");

    // A step-up and a registration that were asked for somebody else.
    let asked = json!(passkeys::step_up_options(&luis.ctx, &site).await.unwrap());
    let answer = serde_json::from_value(rosa.phone.sign(&asked, ORIGIN)).unwrap();
    let enters = entry_options(&world).await;
    let inside = entered(&world, "netandina", &rosa.phone.sign(&enters, ORIGIN)).await.unwrap();
    let (ctx, session) = person(&world, inside.token.expose()).await;
    let proof = identity::Proof::Passkey(Box::new((answer, site.clone())));
    assert!(identity::step_up(&ctx, &session, &proof, &origin).await.unwrap().is_none());
    let asked = json!(passkeys::registration_options(&luis.ctx, &site).await.unwrap());
    let credential = serde_json::from_value(Authenticator::new(b"new").make(&asked, ORIGIN)).unwrap();
    let new = NewPasskey { name: "Phone".to_owned(), credential };
    assert_eq!(passkeys::passkey_create(&rosa.ctx, &site, &new).await.unwrap_err().code(), "passkey_refused");
});

on_both!(a_challenge_is_answered_once_also_by_two_at_once, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let mut rosa = Somebody::new(&world, &ctx, "netandina", "rosa").await;
    let answer = rosa.phone.sign(&entry_options(&world).await, ORIGIN);
    let both = tokio::join!(entered(&world, "netandina", &answer), entered(&world, "netandina", &answer));
    let inside = usize::from(both.0.is_some()) + usize::from(both.1.is_some());
    assert_eq!(inside, 1);
});
