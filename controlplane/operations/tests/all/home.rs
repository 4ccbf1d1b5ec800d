//! Figures of debts, on the home page and in the list of customers, are sums over the rows, within scope.

use crate::region::{Region, someone};
use atalaya_kernel::{
    Scope, db::sql, ids::CustomerId, money::Money, on_both, page::PageQuery, testing::World, write_tx,
};
use atalaya_money::{
    billing::{self, NewInvoice},
    payments::{self, Method, NewPayment},
    services::{self, Status},
};
use atalaya_operations::{
    customers::{ListFilter, customer_rows},
    home::{Home, home_get},
};
use std::collections::BTreeSet;

fn soles(amount: i64) -> Money {
    Money::new(amount, "PEN".parse().unwrap())
}

async fn invoice(region: &Region, customer: &CustomerId, amount: i64, due_on: &str, is_fee: bool) {
    let new = NewInvoice {
        customer_id: customer.clone(),
        service_id: None,
        description: "octubre".to_owned(),
        amount: soles(amount),
        due_on: due_on.parse().unwrap(),
        is_fee,
    };
    billing::invoice_create(&region.ctx, new).await.unwrap();
}

on_both!(overdue_debt_is_summed_where_the_rows_are, |world: World| async move {
    let region = Region::new(&world).await;
    let (rosa, luis) = (region.customer("Rosa").await, region.customer("Luis").await);
    region.service(&rosa, &region.hill).await;
    let second = region.service(&rosa, &region.hill).await;
    region.service(&luis, &region.valley).await;
    services::service_cut(&region.ctx, &second.id, "asked").await.unwrap();
    invoice(&region, &rosa, 5_000, "2026-10-10", false).await;
    invoice(&region, &rosa, 3_000, "2026-10-20", false).await;
    // Neither a fee, nor what is due today, nor what was paid is overdue debt.
    invoice(&region, &rosa, 700, "2026-10-10", true).await;
    invoice(&region, &luis, 9_000, "2026-11-05", false).await;
    invoice(&region, &luis, 2_000, "2026-10-10", false).await;
    let paid = NewPayment {
        customer_id: rosa.clone(),
        amount: soles(1_000),
        method: Method::Cash,
        operation_number: None,
        received_at: None,
        note: None,
    };
    payments::payment_register(&region.ctx, paid, None).await.unwrap();
    // An invoice of which a part is a fee: only the rest holds somebody's service.
    write_tx!(region.ctx, tx => {
        Ok(sql("UPDATE money_invoice SET fees = 200 WHERE tenant_id = $1 AND total = 3000")
            .bind(region.ctx.tenant())
            .execute(&mut tx)
            .await?)
    })
    .unwrap();

    let figures = |home: Home| {
        let overdue = home.overdue_total.unwrap().amount;
        (
            overdue,
            home.overdue_customers.unwrap(),
            home.customers_total.unwrap(),
            home.suspended_services.unwrap(),
        )
    };
    assert_eq!(figures(home_get(&region.ctx).await.unwrap()), (8_800, 2, 2, 1));
    let valley = Scope::Sites(BTreeSet::from([region.valley.clone()]));
    let scoped = someone(&region.ctx, &["service.read", "invoice.read"], valley);
    assert_eq!(figures(home_get(&scoped).await.unwrap()), (2_000, 1, 1, 0));
});

on_both!(who_owes_most_comes_first, |world: World| async move {
    let region = Region::new(&world).await;
    let mut people = Vec::new();
    for (name, owed) in [("Ana", 2_000), ("Luis", 9_000), ("Rosa", 5_000), ("Pilar", 0)] {
        let customer = region.customer(name).await;
        let service = region.service(&customer, &region.hill).await;
        if owed > 0 {
            invoice(&region, &customer, owed, "2026-10-10", false).await;
        }
        people.push(service);
    }
    services::service_cut(&region.ctx, &people[2].id, "asked").await.unwrap();
    services::service_cut(&region.ctx, &people[3].id, "asked").await.unwrap();
    let names = |filter: ListFilter| {
        let ctx = region.ctx.clone();
        async move {
            let page = PageQuery { cursor: None, limit: Some(2) };
            let mut found = customer_rows(&ctx, &filter, &page).await.unwrap();
            let mut rows = std::mem::take(&mut found.items);
            while let Some(cursor) = found.next_cursor {
                let page = PageQuery { cursor: Some(cursor), limit: Some(2) };
                found = customer_rows(&ctx, &filter, &page).await.unwrap();
                rows.append(&mut found.items);
            }
            rows.into_iter().map(|row| row.name).collect::<Vec<_>>()
        }
    };
    let by_owed = || Some("-owed".to_owned());
    let filter = ListFilter { sort: by_owed(), ..ListFilter::default() };
    assert_eq!(names(filter).await, ["Luis", "Rosa", "Ana"], "who owes nothing is left out");
    let filter = ListFilter { sort: by_owed(), owed_gte: Some(5_000), ..ListFilter::default() };
    assert_eq!(names(filter).await, ["Luis", "Rosa"]);
    let filter = ListFilter { owed_gte: Some(2_000), ..ListFilter::default() };
    assert_eq!(names(filter).await, ["Ana", "Luis", "Rosa"], "by name");
    let suspended = Some(Status::Suspended);
    let filter = ListFilter { sort: by_owed(), status: suspended, ..ListFilter::default() };
    assert_eq!(names(filter).await, ["Rosa"]);
    let filter = ListFilter { status: suspended, owed_gte: Some(0), ..ListFilter::default() };
    assert_eq!(names(filter).await, ["Pilar", "Rosa"]);
});
