//! Tenants, staff, sessions and customers on both databases.
#![allow(clippy::unwrap_used)]

mod access;
mod approvals;
mod authenticator;
mod door;
mod factors;
mod forgeries;
mod issuer;
mod keys;
mod links;
mod logo;
mod masking;
mod messaging;
mod openid;
mod passkeys;
mod platform;
mod providers;
mod tokens;

use atalaya_kernel::{Ctx, Error, list::ListQuery, on_both, secrets::SecretText, testing::World};
use atalaya_people::{
    customers::{self, CustomerChange, CustomerList, NewCustomer},
    identity::{self, Entered, LogIn, NewUser, Origin, Role, UserChange},
    tenancy::{self, AutomaticCuts, NewTenant, TenantChange},
};

async fn tenant(world: &World, slug: &str) -> Ctx {
    let new = NewTenant {
        slug: slug.to_owned(),
        name: slug.to_uppercase(),
        country: "PE".to_owned(),
        currency: "PEN".parse().unwrap(),
        time_zone: "America/Lima".parse().unwrap(),
        locale: "es-419".to_owned(),
    };
    tenancy::tenant_create(&world.runtime, new).await.unwrap().0
}

fn user(email: &str, role: Role) -> NewUser {
    NewUser {
        name: "Rosa".to_owned(),
        email: email.to_owned(),
        role: Some(role.into()),
        roles: None,
        scope: None,
        password: Some(SecretText::new("correct horse".to_owned())),
    }
}

/// From where nobody minds.
fn anywhere() -> Origin {
    Origin::default()
}

/// Somebody who logged in without a second factor; `None` when refused.
async fn log_in(world: &World, slug: &str, email: &str, secret: &SecretText) -> Option<Entered> {
    log_in_from(world, slug, email, secret, &Origin::default()).await.unwrap()
}

async fn log_in_from(
    world: &World,
    slug: &str,
    email: &str,
    secret: &SecretText,
    origin: &Origin,
) -> Result<Option<Entered>, Error> {
    match identity::log_in(&world.runtime, slug, email, secret, origin).await? {
        LogIn::In(entered) => Ok(Some(*entered)),
        LogIn::Refused => Ok(None),
        LogIn::SecondFactor { .. } => unreachable!("nobody enrolled one"),
    }
}

on_both!(settings_change_by_version, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let change = TenantChange { grace_days: Some(3), ..TenantChange::default() };
    let after = tenancy::tenant_update(&ctx, 1, change.clone()).await.unwrap();
    assert_eq!(
        (after.grace_days, after.version, after.automatic_cuts),
        (3, 2, AutomaticCuts::OffUntilPreview)
    );
    assert!(matches!(
        tenancy::tenant_update(&ctx, 1, change).await,
        Err(Error::VersionConflict { current: 2 })
    ));
    let on = TenantChange { automatic_cuts: Some(AutomaticCuts::On), ..TenantChange::default() };
    assert!(matches!(
        tenancy::tenant_update(&ctx, 2, on).await,
        Err(Error::Conflict { code: "preview_first", .. })
    ));
    let wrong =
        TenantChange { grace_days: Some(-1), country: Some("peru".to_owned()), ..TenantChange::default() };
    let Err(Error::Invalid(fields)) = tenancy::tenant_update(&ctx, 2, wrong).await else {
        unreachable!("two fields are wrong")
    };
    assert_eq!(fields.len(), 2);
    let painted =
        |color: &str| TenantChange { brand_color: Some(color.to_owned()), ..TenantChange::default() };
    assert!(tenancy::tenant_update(&ctx, 2, painted("blue")).await.is_err());
    let after = tenancy::tenant_update(&ctx, 2, painted("#1F56C4")).await.unwrap();
    assert_eq!(after.brand_color.as_deref(), Some("#1F56C4"));
    let other = TenantChange { grace_days: Some(4), ..TenantChange::default() };
    let after = tenancy::tenant_update(&ctx, 3, other).await.unwrap();
    assert_eq!(after.brand_color.as_deref(), Some("#1F56C4"), "what is not said stays");
    let after = tenancy::tenant_update(&ctx, 4, painted("")).await.unwrap();
    assert_eq!(after.brand_color, None, "and is taken away by saying nothing in its place");
});

on_both!(an_isp_offers_some_languages_and_its_own_is_one_of_them, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let offer = |these: &[&str], locale: Option<&str>| TenantChange {
        languages: Some(these.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>().try_into().unwrap()),
        locale: locale.map(str::to_owned),
        ..TenantChange::default()
    };
    let refused = |answer: Result<tenancy::Tenant, Error>| match answer {
        Err(Error::Invalid(fields)) => fields[0].pointer.clone(),
        other => unreachable!("{other:?}"),
    };
    assert_eq!(refused(tenancy::tenant_update(&ctx, 1, offer(&["en"], None)).await), "/languages");
    let after = tenancy::tenant_update(&ctx, 1, offer(&["pt-BR", "es-419"], None)).await.unwrap();
    assert_eq!(Vec::from(after.languages.clone()), ["es-419", "pt-BR"]);
    assert_eq!(tenancy::tenant_get(&ctx).await.unwrap(), after);
    let english = TenantChange { locale: Some("en".to_owned()), ..TenantChange::default() };
    assert_eq!(refused(tenancy::tenant_update(&ctx, 2, english).await), "/locale");
    let both = tenancy::tenant_update(&ctx, 2, offer(&["en"], Some("en"))).await.unwrap();
    assert_eq!((both.locale.as_str(), Vec::from(both.languages)), ("en", vec!["en".to_owned()]));
});

on_both!(people_log_in_and_out, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    tenant(&world, "other").await;
    let owner = identity::user_create(&ctx, user("Rosa@NetAndina.example", Role::Owner)).await.unwrap();
    assert!(matches!(
        identity::user_create(&ctx, user("rosa@netandina.example", Role::Admin)).await,
        Err(Error::Invalid(_))
    ));
    let (right, wrong) =
        (SecretText::new("correct horse".to_owned()), SecretText::new("battery staple".to_owned()));
    for (slug, email, secret) in [
        ("netandina", "rosa@netandina.example", &wrong),
        ("netandina", "nobody@netandina.example", &right),
        ("other", "rosa@netandina.example", &right),
        ("nowhere", "rosa@netandina.example", &right),
    ] {
        assert!(log_in(&world, slug, email, secret).await.is_none(), "{slug} {email}");
    }
    let entered = log_in(&world, "netandina", "ROSA@netandina.example ", &right).await.unwrap();
    assert_eq!(entered.logged_in.user.id, owner.id);
    let token = entered.token.expose().to_owned();
    let (mine, _) = identity::authenticate(&world.runtime, &token, &anywhere()).await.unwrap().unwrap();
    assert_eq!(mine.tenant(), ctx.tenant());
    assert!(identity::authenticate(&world.runtime, "0000", &anywhere()).await.unwrap().is_none());
    identity::log_out(&mine, &token).await.unwrap();
    assert!(identity::authenticate(&world.runtime, &token, &anywhere()).await.unwrap().is_none());

    let token = log_in(&world, "netandina", "rosa@netandina.example", &right)
        .await
        .unwrap()
        .token
        .expose()
        .to_owned();
    world.clock.advance_millis(13 * 3_600_000);
    assert!(
        identity::authenticate(&world.runtime, &token, &anywhere()).await.unwrap().is_none(),
        "idle too long"
    );
});

on_both!(the_last_owner_stays, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let owner = identity::user_create(&ctx, user("rosa@netandina.example", Role::Owner)).await.unwrap();
    let off = UserChange { disabled: Some(true), ..UserChange::default() };
    assert!(matches!(
        identity::user_update(&ctx, &owner.id, 1, off.clone()).await,
        Err(Error::Conflict { code: "last_owner", .. })
    ));
    identity::user_create(&ctx, user("luis@netandina.example", Role::Owner)).await.unwrap();
    let right = SecretText::new("correct horse".to_owned());
    let token = log_in(&world, "netandina", "rosa@netandina.example", &right)
        .await
        .unwrap()
        .token
        .expose()
        .to_owned();
    identity::user_update(&ctx, &owner.id, 1, off).await.unwrap();
    assert!(identity::authenticate(&world.runtime, &token, &anywhere()).await.unwrap().is_none());
    assert_eq!(identity::users_list(&ctx, &ListQuery::default()).await.unwrap().items.len(), 2);
});

on_both!(customers_are_found_by_what_people_type, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let new = NewCustomer {
        name: "Ñahui Quispe, José".to_owned(),
        document: Some("40112233".to_owned()),
        ..NewCustomer::default()
    };
    let customer = customers::customer_create(&ctx, new).await.unwrap();
    for (typed, found) in [("nahui jose", 1), ("4011", 1), ("ÑAHUI", 1), ("100%", 0), ("rosa", 0)] {
        let asked = ListQuery::<CustomerList>::of([("q", typed)]).unwrap();
        assert_eq!(
            customers::customers_list(&ctx, &asked, None).await.unwrap().items.len(),
            found,
            "{typed}"
        );
    }
    let change = CustomerChange {
        document: Some(String::new()),
        phone: Some("987654321".to_owned()),
        ..CustomerChange::default()
    };
    let after = customers::customer_update(&ctx, &customer.id, 1, change).await.unwrap();
    assert_eq!((after.document, after.phone.as_deref()), (None, Some("987654321")));
    let stranger = tenant(&world, "other").await;
    assert!(matches!(customers::customer_get(&stranger, &customer.id).await, Err(Error::NotFound)));
});

#[test]
fn the_lists_of_people_are_declared_soundly() {
    use atalaya_kernel::list::List;
    use atalaya_people::approvals::ApprovalList;
    for shape in [CustomerList::SHAPE, identity::UserList::SHAPE, ApprovalList::SHAPE] {
        assert_eq!(shape.flaws(), Vec::<String>::new(), "{}", shape.name);
    }
}
