//! What a service and a device are found by, from the first order to the last, is what an index made anew says.

use crate::town::{Town, router, subscriptions};
use atalaya_kernel::{
    db::sql,
    on_both,
    search::{self, Source},
    testing::World,
};
use atalaya_money::billing::{self, Invoices, NewInvoice};
use atalaya_network::{
    FOUND, Services, attachments,
    devices::{self, DeviceChange, Devices},
};
use atalaya_people::customers::{self, CustomerChange, Customers, NewCustomer};
use std::collections::BTreeSet;

const SOURCES: &[&dyn Source] = &[&Customers, &Services, &Devices, &Invoices];

async fn found(town: &Town, typed: &str) -> Vec<(String, String)> {
    let mut tx = town.ctx.begin_read().await.unwrap();
    let kinds = [FOUND, devices::FOUND, customers::FOUND, billing::FOUND];
    let hits = search::find(&town.ctx, &mut tx, &kinds, typed).await.unwrap();
    hits.into_iter().map(|hit| (hit.subject, hit.field)).collect()
}

async fn index(town: &Town) -> BTreeSet<(String, String, String)> {
    let mut tx = town.ctx.begin_read().await.unwrap();
    let mut rows = BTreeSet::new();
    for text in [
        "SELECT subject, kind, seen_with || COALESCE(customer_id, '') FROM kernel_search_entry WHERE tenant_id = $1",
        "SELECT subject, word, field FROM kernel_search_word WHERE tenant_id = $1",
        "SELECT subject, site_id, 'site' FROM kernel_search_place WHERE tenant_id = $1",
        "SELECT gram, word, 'gram' FROM kernel_search_gram WHERE tenant_id = $1",
    ] {
        let found: Vec<(String, String, String)> =
            sql(text).bind(town.ctx.tenant()).fetch_all(&mut tx).await.unwrap();
        rows.extend(found);
    }
    rows
}

on_both!(what_is_found_is_what_an_index_made_anew_says, subscriptions(), |world: World| async move {
    let mut town = Town::new(world).await;
    let (service, attachment) = town.subscriber("rquispe-01").await;
    let id = |id: &dyn std::fmt::Display, field: &str| (id.to_string(), field.to_owned());
    assert!(found(&town, "rquispe-01").await.contains(&id(&service, "user")));
    assert_eq!(found(&town, "AA-BB-CC-00-00-01").await, []);
    town.obey(true).await;
    assert_eq!(found(&town, "aabbcc000001").await, [id(&service, "mac")]);
    assert_eq!(found(&town, "0000:01").await, [id(&service, "mac")], "by its end");
    assert_eq!(found(&town, "10.30.0.17").await, [id(&service, "address")]);
    assert_eq!(found(&town, "10.20.0.").await, [id(&town.device, "address")]);
    assert_eq!(found(&town, "bras").await, [id(&town.device, "name")]);

    let new = NewCustomer {
        name: "Ñahui, José".to_owned(),
        document: Some("40-112233".to_owned()),
        ..NewCustomer::default()
    };
    let customer = customers::customer_create(&town.ctx, new).await.unwrap();
    let change =
        CustomerChange { name: Some("Ñahui Quispe, José".to_owned()), ..CustomerChange::default() };
    customers::customer_update(&town.ctx, &customer.id, 1, change).await.unwrap();
    assert_eq!(found(&town, "quispe nahui").await, [id(&customer.id, "name")]);
    assert_eq!(found(&town, "40112233").await, [id(&customer.id, "document")]);
    let invoice = NewInvoice {
        customer_id: customer.id.clone(),
        service_id: None,
        description: "Instalación".to_owned(),
        amount: atalaya_kernel::money::Money::new(5_000, "PEN".parse().unwrap()),
        due_on: town.ctx.now().date_in(&"America/Lima".parse().unwrap()),
        is_fee: false,
    };
    let invoice = billing::invoice_create(&town.ctx, invoice).await.unwrap();
    assert_eq!(found(&town, &invoice.number.to_string()).await.first(), Some(&id(&invoice.id, "number")));

    let other =
        devices::device_create(&town.ctx, router(&town.site, &town.agent, "Sector Norte")).await.unwrap();
    let change = DeviceChange { name: Some("Sector Sur".to_owned()), ..DeviceChange::default() };
    devices::device_update(&town.ctx, &other.id, 1, change).await.unwrap();
    assert_eq!(found(&town, "norte").await, []);
    assert_eq!(found(&town, "sector sur").await, [id(&other.id, "name")]);
    let kept = index(&town).await;
    search::rebuild(&town.ctx, SOURCES, None).await.unwrap();
    assert_eq!(index(&town).await, kept);

    devices::device_delete(&town.ctx, &other.id).await.unwrap();
    attachments::attachment_remove(&town.ctx, &attachment).await.unwrap();
    town.settle().await;
    town.obey(false).await;
    for gone in ["sector", "rquispe-01", "aabbcc000001"] {
        let found: Vec<_> =
            found(&town, gone).await.into_iter().filter(|(id, _)| !id.starts_with("cus_")).collect();
        assert_eq!(found, [], "{gone}");
    }
    let kept = index(&town).await;
    search::rebuild(&town.ctx, SOURCES, None).await.unwrap();
    assert_eq!(index(&town).await, kept);
});
