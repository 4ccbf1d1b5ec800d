//! From where an ISP's people and programs may ask.

use super::{log_in, log_in_from, tenant, user};
use atalaya_kernel::{
    Ctx, Error,
    audit::{self, AuditFilter},
    installation::{self, Environment},
    on_both,
    secrets::SecretText,
    testing::World,
};
use atalaya_people::{
    access::{Catalog, Role},
    identity::{self, Origin, Whereabouts},
    keys::{self, NewApiKey},
    tenancy::{self, Countries, Networks, TenantChange},
    tokens::{self, Granted, TokenRequest},
};

const INSIDE: &str = "198.51.100.7";
const OUTSIDE: &str = "203.0.113.9";

fn from(address: &str) -> Origin {
    Origin { address: address.to_owned(), ..Origin::default() }
}

fn within(address: &str, country: &str) -> Origin {
    Origin { whereabouts: Whereabouts::In(country.to_owned()), ..from(address) }
}

fn networks(texts: &[&str]) -> Networks {
    texts.iter().map(|&text| text.to_owned()).collect::<Vec<_>>().try_into().unwrap()
}

fn countries(codes: &[&str]) -> Countries {
    codes.iter().map(|&code| code.to_owned()).collect::<Vec<_>>().try_into().unwrap()
}

fn secret() -> SecretText {
    SecretText::new("correct horse".to_owned())
}

async fn listed(ctx: &Ctx, texts: &[&str]) {
    let version = tenancy::tenant_get(ctx).await.unwrap().version;
    let change = TenantChange { allowed_networks: Some(networks(texts)), ..TenantChange::default() };
    tenancy::tenant_update(ctx, version, change).await.unwrap();
}

on_both!(whoever_comes_from_elsewhere_is_nobody, |world: World| async move {
    installation::open(&world.runtime, Environment::Development, "test").await.unwrap();
    let ctx = tenant(&world, "netandina").await;
    let (runtime, email) = (&world.runtime, "rosa@netandina.example");
    identity::user_create(&ctx, user(email, Role::Owner)).await.unwrap();
    let token = log_in(&world, "netandina", email, &secret()).await.unwrap().token.expose().to_owned();
    let (rosa, _) = identity::authenticate(runtime, &token, &from(OUTSIDE)).await.unwrap().unwrap();
    let catalog = Catalog::new(atalaya_people::PERMISSIONS.concat());
    let new = NewApiKey {
        name: "Accounting".to_owned(),
        permissions: ["customer.read".to_owned()].into(),
        scope: None,
        expires_at: None,
        requests_per_minute: None,
    };
    let key = keys::key_create(&rosa, &catalog, new).await.unwrap().token;
    let key = SecretText::new(key.expose().to_owned());
    let request = || TokenRequest {
        tenant: Some("netandina".to_owned()),
        email: email.to_owned(),
        password: secret(),
        code: None,
        name: "accounting".to_owned(),
        permissions: None,
    };
    let grant =
        async |origin: &Origin| match tokens::grant(runtime, &catalog, "netandina", &request(), origin)
            .await
            .unwrap()
        {
            Granted::Tokens(pair) => Some(*pair),
            Granted::Refused => None,
            Granted::CodeWanted => unreachable!("nobody enrolled a factor"),
        };
    let pair = grant(&from(OUTSIDE)).await.expect("there is no list yet");
    let access = SecretText::new(pair.access_token.expose().to_owned());
    let refresh = SecretText::new(pair.refresh_token.expose().to_owned());

    listed(&ctx, &["198.51.100.0/24"]).await;
    // Sessions, keys and tokens of before hold from inside alone, and nothing is begun from elsewhere.
    for (origin, is_in) in [(from(INSIDE), true), (from(OUTSIDE), false), (from("127.0.0.1"), true)] {
        let session = identity::authenticate(runtime, &token, &origin).await.unwrap();
        assert_eq!(session.is_some(), is_in, "session from {}", origin.address);
        let by_key = keys::authenticate(runtime, &key, &origin).await.unwrap();
        assert_eq!(by_key.is_some(), is_in, "key from {}", origin.address);
        let by_token = tokens::authenticate(runtime, &access, None, &origin).await.unwrap();
        assert_eq!(by_token.is_some(), is_in, "token from {}", origin.address);
        let entered = log_in_from(&world, "netandina", email, &secret(), &origin).await.unwrap();
        assert_eq!(entered.is_some(), is_in, "log-in from {}", origin.address);
        assert_eq!(grant(&origin).await.is_some(), is_in, "tokens from {}", origin.address);
    }
    assert!(tokens::refresh(runtime, &refresh, None, &from(OUTSIDE)).await.unwrap().is_none());
    assert!(
        tokens::refresh(runtime, &refresh, None, &from(INSIDE)).await.unwrap().is_some(),
        "it was not spent"
    );
    let refused =
        AuditFilter { actions: vec!["session.refuse".to_owned()], limit: 10, ..AuditFilter::default() };
    let rows = audit::list(&mut ctx.begin_read().await.unwrap(), &refused).await.unwrap();
    assert_eq!(rows.len(), 2, "a log-in and a grant: {rows:#?}");

    listed(&ctx, &[]).await;
    assert!(identity::authenticate(runtime, &token, &from(OUTSIDE)).await.unwrap().is_some());
});

on_both!(lists_are_of_one_isp, |world: World| async move {
    let (ctx, other) = (tenant(&world, "netandina").await, tenant(&world, "other").await);
    let email = "rosa@netandina.example";
    for ctx in [&ctx, &other] {
        identity::user_create(ctx, user(email, Role::Owner)).await.unwrap();
    }
    listed(&ctx, &["198.51.100.0/24"]).await;
    let outside = from(OUTSIDE);
    let enter = async |slug| log_in_from(&world, slug, email, &secret(), &outside).await.unwrap().is_some();
    assert!(!enter("netandina").await);
    assert!(enter("other").await);
});

on_both!(nobody_locks_themselves_out_unasked, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let outside = from(OUTSIDE);
    let by_network = |force| TenantChange {
        allowed_networks: Some(networks(&["198.51.100.0/24"])),
        force,
        ..TenantChange::default()
    };
    let field = |error: Error| match error {
        Error::Invalid(fields) => fields.iter().map(|field| (field.pointer.clone(), field.code)).collect(),
        other => panic!("{other}"),
    };
    let fields: Vec<_> =
        field(tenancy::tenant_update_from(&ctx, 1, by_network(false), &outside).await.unwrap_err());
    assert_eq!(fields, [("/allowed_networks".to_owned(), "locks_you_out")]);
    let by_country =
        |codes| TenantChange { allowed_countries: Some(countries(codes)), ..TenantChange::default() };
    let abroad = within(OUTSIDE, "CL");
    let fields: Vec<_> =
        field(tenancy::tenant_update_from(&ctx, 1, by_country(&["PE"]), &abroad).await.unwrap_err());
    assert_eq!(fields, [("/allowed_countries".to_owned(), "locks_you_out")]);
    let fields: Vec<_> =
        field(tenancy::tenant_update_from(&ctx, 1, by_country(&["PE"]), &outside).await.unwrap_err());
    assert_eq!(fields, [("/allowed_countries".to_owned(), "unavailable")]);

    let after = tenancy::tenant_update_from(&ctx, 1, by_country(&["CL", "PE"]), &abroad).await.unwrap();
    assert!(after.lets_in(&within("192.0.2.1", "PE")) && !after.lets_in(&within("192.0.2.1", "BO")));
    // What has nothing to do with it is never held up, wherever it comes from.
    let other = TenantChange { grace_days: Some(9), ..TenantChange::default() };
    tenancy::tenant_update_from(&ctx, 2, other, &from("192.0.2.1")).await.unwrap();
    let inside = from(INSIDE);
    tenancy::tenant_update_from(&ctx, 3, by_network(false), &inside).await.unwrap();
    tenancy::tenant_update_from(&ctx, 4, by_country(&[]), &inside).await.unwrap();
    let nowhere =
        TenantChange { allowed_networks: Some(networks(&["192.0.2.0/24"])), force: true, ..by_network(true) };
    let after = tenancy::tenant_update_from(&ctx, 5, nowhere, &inside).await.unwrap();
    assert!(!after.lets_in(&inside), "it was done all the same");

    // At the machine it is mended.
    assert!(tenancy::door_open(&ctx).await.unwrap());
    assert!(!tenancy::door_open(&ctx).await.unwrap(), "there is nothing left to take away");
    let after = tenancy::tenant_get(&ctx).await.unwrap();
    assert!(after.lets_in(&outside) && after.lets_in(&Origin::default()));
    let rows = AuditFilter { actions: vec!["tenant.write".to_owned()], limit: 20, ..AuditFilter::default() };
    let rows = audit::list(&mut ctx.begin_read().await.unwrap(), &rows).await.unwrap();
    assert_eq!(rows.len(), 6, "each change left its row");
});
