//! Sites on both databases.
#![allow(clippy::unwrap_used)]

use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    ids::TenantId,
    on_both,
    page::PageQuery,
    testing::{START, World},
};
use atalaya_places::sites::{self, NewSite, SiteChange};
use std::collections::BTreeSet;

fn ctx(world: &World, tenant: &TenantId, scope: Scope) -> Ctx {
    Ctx::new(world.runtime.tenant(tenant.clone()), Principal::CommandLine, Permissions::All, scope, "req")
}

fn new(name: &str) -> NewSite {
    NewSite { name: name.to_owned(), parent_id: None, latitude: Some(-12.05), longitude: None }
}

on_both!(sites_form_a_tree, |world: World| async move {
    let tenant = TenantId::new(START);
    let all = ctx(&world, &tenant, Scope::All);
    let top = sites::site_create(&all, new(" Cerro Álto ")).await.unwrap();
    assert_eq!(top.name, "Cerro Álto");
    assert!(
        matches!(sites::site_create(&all, new("cerro alto")).await, Err(Error::Invalid(_))),
        "same but for accents"
    );
    let below = sites::site_create(&all, NewSite { parent_id: Some(top.id.clone()), ..new("Sector N") })
        .await
        .unwrap();
    let cycle = SiteChange { parent_id: Some(below.id.clone()), ..SiteChange::default() };
    assert!(matches!(sites::site_update(&all, &top.id, 1, cycle).await, Err(Error::Invalid(_))));
    let rename = SiteChange { name: Some("Loma".to_owned()), ..SiteChange::default() };
    let renamed = sites::site_update(&all, &top.id, 1, rename.clone()).await.unwrap();
    assert_eq!((renamed.version, renamed.latitude), (2, Some(-12.05)));
    assert!(matches!(
        sites::site_update(&all, &top.id, 1, rename).await,
        Err(Error::VersionConflict { current: 2 })
    ));

    let page = PageQuery { limit: Some(1), cursor: None };
    let first = sites::sites_list(&all, None, &page).await.unwrap();
    let second = sites::sites_list(&all, None, &PageQuery { cursor: first.next_cursor.clone(), ..page })
        .await
        .unwrap();
    assert_eq!(
        (first.items[0].id.clone(), second.items[0].id.clone(), second.next_cursor),
        (renamed.id.clone(), below.id.clone(), None)
    );
    assert_eq!(sites::sites_list(&all, Some("SECTOR"), &PageQuery::default()).await.unwrap().items.len(), 1);

    let narrow = ctx(&world, &tenant, Scope::Sites(BTreeSet::from([below.id.clone()])));
    assert!(matches!(sites::site_get(&narrow, &top.id).await, Err(Error::NotFound)));
    assert_eq!(sites::site_get(&narrow, &below.id).await.unwrap().id, below.id);
    let stranger = ctx(&world, &TenantId::new(START), Scope::All);
    assert!(matches!(sites::site_get(&stranger, &below.id).await, Err(Error::NotFound)));
});
