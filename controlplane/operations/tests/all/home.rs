//! Figures of debts, on the home page and in the list of customers, are sums over the rows, within scope.

use crate::region::{Region, someone};
use atalaya_kernel::{
    Error, Scope, db::sql, ids::CustomerId, list::ListQuery, money::Money, on_both, testing::World, write_tx,
};
use atalaya_money::{
    billing::{self, NewInvoice},
    payments::{self, Method, NewPayment},
    services,
};
use atalaya_operations::{
    customers::{CustomerRows, customer_rows},
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
    let names = async |filters: &[(&str, &str)]| {
        let (mut rows, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let place = cursor.iter().map(|cursor| ("cursor", cursor.as_str()));
            let asked = filters.iter().copied().chain([("limit", "2")]).chain(place);
            let mut found = customer_rows(&region.ctx, &ListQuery::of(asked).unwrap()).await.unwrap();
            rows.extend(found.items.drain(..).map(|row| row.name));
            cursor = found.next_cursor;
            if cursor.is_none() {
                return rows;
            }
        }
    };
    let by_owed = ("sort", "-owed");
    assert_eq!(names(&[by_owed]).await, ["Luis", "Rosa", "Ana"], "who owes nothing is left out");
    assert_eq!(names(&[by_owed, ("owed_gte", "5000")]).await, ["Luis", "Rosa"]);
    assert_eq!(names(&[("owed_gte", "2000")]).await, ["Ana", "Luis", "Rosa"], "by name");
    assert_eq!(names(&[("owed_gte", "2000"), ("sort", "-created_at")]).await, ["Rosa", "Luis", "Ana"]);
    assert_eq!(names(&[by_owed, ("status", "suspended")]).await, ["Rosa"]);
    assert_eq!(names(&[("status", "suspended"), ("owed_gte", "0")]).await, ["Pilar", "Rosa"]);
    let wrong = ListQuery::<CustomerRows>::of([("sort", "owed")]);
    assert!(matches!(wrong, Err(Error::Invalid(_))), "who owes least is no list");
});

#[test]
fn the_list_of_customers_is_declared_soundly() {
    use atalaya_kernel::list::List;
    assert_eq!(CustomerRows::SHAPE.flaws(), Vec::<String>::new());
}
