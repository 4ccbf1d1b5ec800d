//! The home page's figures are sums over the rows, within scope.

use crate::region::{Region, someone};
use atalaya_kernel::{Scope, ids::CustomerId, money::Money, on_both, testing::World};
use atalaya_money::{
    billing::{self, NewInvoice},
    payments::{self, Method, NewPayment},
    services,
};
use atalaya_operations::home::{Home, home_get};
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

    let figures = |home: Home| {
        let overdue = home.overdue_total.unwrap().amount;
        (
            overdue,
            home.overdue_customers.unwrap(),
            home.customers_total.unwrap(),
            home.suspended_services.unwrap(),
        )
    };
    assert_eq!(figures(home_get(&region.ctx).await.unwrap()), (9_000, 2, 2, 1));
    let valley = Scope::Sites(BTreeSet::from([region.valley.clone()]));
    let scoped = someone(&region.ctx, &["service.read", "invoice.read"], valley);
    assert_eq!(figures(home_get(&scoped).await.unwrap()), (2_000, 1, 1, 0));
});
