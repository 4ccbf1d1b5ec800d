//! What of a customer is shown to whom.

use super::tenant;
use atalaya_kernel::{Ctx, Error, Permissions, Principal, Scope, list::ListQuery, on_both, testing::World};
use atalaya_people::customers::{self, CustomerChange, CustomerList, NewCustomer};

/// Somebody who may write customers and see of them what else is named.
fn somebody(ctx: &Ctx, rights: &[&str]) -> Ctx {
    let rights =
        ["customer.read", "customer.write"].iter().chain(rights).map(|right| (*right).to_owned()).collect();
    Ctx::new(ctx.db().clone(), Principal::System("test"), Permissions::These(rights), Scope::All, "test")
}

on_both!(what_may_not_be_seen_is_masked_and_kept, |world: World| async move {
    let ctx = tenant(&world, "netandina").await;
    let new = NewCustomer {
        name: "Quispe, Rosa".to_owned(),
        document: Some("40112233".to_owned()),
        phone: Some("987654321".to_owned()),
        email: Some("rosa@example.org".to_owned()),
        ..NewCustomer::default()
    };
    let made = customers::customer_create(&ctx, new).await.unwrap();
    let blind = somebody(&ctx, &[]);
    let shown = customers::customer_get(&blind, &made.id).await.unwrap();
    let contact = |c: &customers::Customer| (c.document.clone(), c.phone.clone(), c.email.clone());
    let masks =
        (Some("•••••233".to_owned()), Some("•••••321".to_owned()), Some("•••••@example.org".to_owned()));
    assert_eq!(contact(&shown), masks);
    let phones = somebody(&ctx, &["customer.see_contact"]);
    let seen = customers::customer_get(&phones, &made.id).await.unwrap();
    assert_eq!((seen.document, seen.phone), (masks.0.clone(), Some("987654321".to_owned())));

    // A search would tell what the mask hides.
    for (who, words, found) in [
        (&ctx, "987654", 1),
        (&blind, "987654", 0),
        (&blind, "4011", 0),
        (&phones, "987654", 0),
        (&blind, "quispe", 1),
    ] {
        let asked = ListQuery::<CustomerList>::of([("q", words)]).unwrap();
        let items = customers::customers_list(who, &asked, None).await.unwrap().items;
        assert_eq!(items.len(), found, "{words}");
        if !std::ptr::eq(who, &ctx) {
            assert!(items.iter().all(|item| item.document == masks.0));
        }
    }

    // A form that was filled with masks is sent back.
    let (document, phone, email) = masks.clone();
    let change = CustomerChange {
        name: Some("Quispe, Rosa M.".to_owned()),
        document,
        phone,
        email,
        ..CustomerChange::default()
    };
    let answered = customers::customer_update(&blind, &made.id, 1, change).await.unwrap();
    assert_eq!(contact(&answered), masks, "the answer is masked too");
    let kept = customers::customer_get(&ctx, &made.id).await.unwrap();
    assert_eq!(contact(&kept), contact(&made));
    assert_eq!(kept.name, "Quispe, Rosa M.");
    let change = CustomerChange { phone: Some("911222333".to_owned()), ..CustomerChange::default() };
    let answered = customers::customer_update(&blind, &made.id, 2, change).await.unwrap();
    assert_eq!(answered.phone.as_deref(), Some("•••••333"), "who may write may write a new one");
    for who in [&ctx, &blind] {
        let stale =
            CustomerChange { phone: Some("•••••321".to_owned()), ..CustomerChange::default() };
        assert!(matches!(customers::customer_update(who, &made.id, 3, stale).await, Err(Error::Invalid(_))));
        let new = NewCustomer {
            name: "X".to_owned(),
            phone: Some("•••••321".to_owned()),
            ..NewCustomer::default()
        };
        assert!(matches!(customers::customer_create(who, new).await, Err(Error::Invalid(_))));
    }
});
