use super::support::{Isp, PRICE, day, invoice, soles, wait_until};
use atalaya_kernel::{
    Error, Scope,
    db::sql,
    ids::InvoiceId,
    list::{List, ListQuery},
    on_both,
    testing::{START, World},
    write_tx,
};
use atalaya_money::billing::{self, BillingRun, InvoiceList, InvoiceStatus};
use atalaya_money::services;
use std::collections::BTreeSet;

on_both!(numbers_have_no_gap_though_many_issue_at_once_and_some_fail, |world: World| async move {
    let isp = Isp::new(&world).await;
    let customers = [isp.customer("Rosa").await, isp.customer("Luis").await];
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..6_usize {
        let (ctx, customer) = (isp.ctx.clone(), customers[task % 2].clone());
        tasks.spawn(async move {
            for _ in 0..5 {
                billing::invoice_create(&ctx, invoice(&customer, 100, "2026-12-01")).await.unwrap();
                let mut wrong = invoice(&customer, 100, "2026-12-01");
                wrong.amount.currency = "USD".parse().unwrap();
                assert!(billing::invoice_create(&ctx, wrong).await.is_err());
            }
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.unwrap();
    }
    let page = billing::invoices_list(&isp.ctx, &ListQuery::default()).await.unwrap();
    let numbers: Vec<_> = page.items.iter().rev().map(|invoice| invoice.number).collect();
    assert_eq!(numbers, (1..=30).collect::<Vec<_>>());
    isp.verify_sums().await;
});

on_both!(a_month_is_billed_once, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (rosa, first) = isp.subscriber("Rosa").await;
    isp.service(&rosa).await;
    let (_, gone) = isp.subscriber("Luis").await;
    services::service_terminate(&isp.ctx, &gone, "moved away").await.unwrap();
    let run = billing::billing_run(&isp.ctx, "2026-11", Some(15)).await.unwrap();
    assert_eq!(run, BillingRun { created: 2, skipped: 0, total: soles(2 * PRICE) });
    let again = billing::billing_run(&isp.ctx, "2026-11", Some(20)).await.unwrap();
    assert_eq!(again, BillingRun { created: 0, skipped: 2, total: soles(0) });
    let issued = billing::invoices_list(&isp.ctx, &ListQuery::default()).await.unwrap().items;
    assert!(issued.iter().all(|invoice| invoice.due_on == day("2026-11-15") && invoice.period.is_some()));
    let of_first = issued.iter().find(|invoice| invoice.service_id.as_ref() == Some(&first)).unwrap();
    assert_eq!(isp.audited(&of_first.id).await, ["invoice.issue"]);
    assert_eq!(isp.events("invoice.created", &of_first.id).await, 1);
    // Voided on purpose stays voided: the next run does not undo a person's decision.
    billing::invoice_void(&isp.ctx, &of_first.id, "agreed").await.unwrap();
    assert_eq!(billing::billing_run(&isp.ctx, "2026-11", None).await.unwrap().created, 0);
    for wrong in ["2026", "2026-13", "november", "2062-11", "2027-01"] {
        assert!(
            matches!(billing::billing_run(&isp.ctx, wrong, None).await, Err(Error::Invalid(_))),
            "{wrong}"
        );
    }
    assert_eq!(billing::billing_run(&isp.ctx, "2026-12", None).await.unwrap().created, 2);
    isp.verify_sums().await;
});

on_both!(a_run_that_died_half_way_goes_on, |world: World| async move {
    let isp = Isp::new(&world).await;
    let customer = isp.customer("Rosa").await;
    let mut services = Vec::new();
    // More than one transaction's worth.
    for _ in 0..150 {
        services.push(isp.service(&customer).await.id);
        world.clock.advance_millis(1);
    }
    // The second transaction fails: its number is taken by a row that should not be there.
    let blocker = InvoiceId::new(START);
    write_tx!(isp.ctx, tx => {
        let tenant = tx.tenant().clone();
        sql("INSERT INTO money_invoice (tenant_id, id, number, customer_id, issued_on, due_on, currency, total, fees, paid, voided, \
             overdue_told, version, created_at, updated_at) \
             VALUES ($1, $2, 120, $3, '2026-11-05', '2026-11-05', 'PEN', 0, 0, 0, true, true, 1, 0, 0)")
            .bind(tenant).bind(&blocker).bind(&customer).execute(&mut tx).await?;
        Ok(())
    })
    .unwrap();
    assert!(billing::billing_run(&isp.ctx, "2026-11", None).await.is_err());
    let count = || async {
        let mut tx = isp.ctx.begin_read().await.unwrap();
        let (count,): (i64,) = sql("SELECT CAST(COUNT(*) AS BIGINT) FROM money_invoice WHERE period_from IS NOT NULL AND tenant_id = $1")
            .bind(isp.ctx.tenant()).fetch_one(&mut tx).await.unwrap();
        count
    };
    assert_eq!(count().await, 100, "the first transaction stands, the second left nothing");
    write_tx!(isp.ctx, tx => {
        let tenant = tx.tenant().clone();
        Ok(sql("DELETE FROM money_invoice WHERE tenant_id = $1 AND id = $2").bind(tenant).bind(&blocker).execute(&mut tx).await?)
    })
    .unwrap();
    let run = billing::billing_run(&isp.ctx, "2026-11", None).await.unwrap();
    assert_eq!((run.created, run.skipped, count().await), (50, 100, 150));
    isp.verify_sums().await;
});

on_both!(two_billing_runs_at_once_bill_everybody_once, |world: World| async move {
    let isp = Isp::new(&world).await;
    for number in 0..12 {
        isp.subscriber(&format!("Customer {number}")).await;
    }
    let (one, other) = tokio::join!(
        billing::billing_run(&isp.ctx, "2026-11", None),
        billing::billing_run(&isp.ctx, "2026-11", None)
    );
    assert_eq!(one.unwrap().created + other.unwrap().created, 12);
    isp.verify_sums().await;
});

on_both!(a_void_gives_the_money_back_as_credit, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (customer, _) = isp.subscriber("Rosa").await;
    let wrong = isp.invoice(&customer, 5_000, "2026-11-20").await;
    assert_eq!(isp.pay(&customer, 5_000).await.credit, soles(0));
    let void = billing::invoice_void(&isp.ctx, &wrong.id, "wrong customer").await.unwrap();
    assert_eq!((void.status, void.balance, void.paid), (InvoiceStatus::Void, soles(0), soles(0)));
    assert_eq!(isp.owed(&customer).await, (-5_000, 0));
    assert!(matches!(
        billing::invoice_void(&isp.ctx, &wrong.id, "again").await,
        Err(Error::Conflict { code: "invoice_void", .. })
    ));
    let right = isp.invoice(&customer, 8_900, "2026-11-20").await;
    assert_eq!((right.status, right.balance), (InvoiceStatus::PartlyPaid, soles(3_900)));
    assert_eq!(isp.audited(&wrong.id).await, ["invoice.issue", "invoice.void"]);
    assert_eq!(isp.events("invoice.voided", &wrong.id).await, 1);
    isp.verify_sums().await;
});

on_both!(overdue_is_told_once_by_the_calendar_of_the_isp, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (customer, _) = isp.subscriber("Rosa").await;
    let late = isp.invoice(&customer, 100, "2026-11-10").await;
    let paid = isp.invoice(&customer, 100, "2026-11-09").await;
    isp.pay(&customer, 100).await;
    // The last millisecond of 10 November in Lima is 05:00 UTC of the 11th.
    wait_until(&world, "2026-11-11T04:59:59.999Z");
    assert_eq!(billing::overdue_pass(&isp.ctx).await.unwrap(), 0);
    world.clock.advance_millis(1);
    let (one, other) = tokio::join!(billing::overdue_pass(&isp.ctx), billing::overdue_pass(&isp.ctx));
    assert_eq!(one.unwrap() + other.unwrap(), 1);
    assert_eq!(billing::overdue_pass(&isp.ctx).await.unwrap(), 0);
    assert_eq!(
        (isp.events("invoice.overdue", &late.id).await, isp.events("invoice.overdue", &paid.id).await),
        (1, 0)
    );
    let detail = billing::invoice_get(&isp.ctx, &late.id).await.unwrap();
    assert_eq!((detail.invoice.overdue, detail.invoice.days_overdue), (true, 1));
    assert_eq!((detail.customer_name.as_str(), detail.lines.len()), ("Rosa", 1));
});

on_both!(invoices_are_listed_by_status_scope_and_tenant, |world: World| async move {
    let isp = Isp::new(&world).await;
    let far = Isp::site_of(&isp.ctx, "Loma").await;
    let (rosa, _) = isp.subscriber("Rosa").await;
    let luis = isp.customer("Luis").await;
    isp.service_at(&luis, &far).await;
    isp.invoice(&rosa, 100, "2026-11-01").await;
    isp.invoice(&rosa, 200, "2026-12-01").await;
    let other = isp.invoice(&luis, 300, "2026-12-01").await;
    billing::invoice_void(&isp.ctx, &isp.invoice(&luis, 400, "2026-12-01").await.id, "slip").await.unwrap();
    isp.pay(&luis, 300).await;
    for (status, expected) in [
        ("open", 2),
        ("overdue", 1),
        ("paid", 1),
        ("void", 1),
        ("overdue,paid,void", 3),
        ("open,overdue,paid,void", 4),
    ] {
        let asked = ListQuery::<InvoiceList>::of([("status", status)]).unwrap();
        assert_eq!(billing::invoices_list(&isp.ctx, &asked).await.unwrap().items.len(), expected, "{status}");
    }
    let totals = async |pairs: &[(&str, &str)]| {
        let asked = ListQuery::<InvoiceList>::of(pairs.iter().copied()).unwrap();
        let page = billing::invoices_list(&isp.ctx, &asked).await.unwrap();
        page.items.iter().map(|invoice| invoice.total.amount).collect::<Vec<_>>()
    };
    assert_eq!(totals(&[("sort", "total")]).await, [100, 200, 300, 400]);
    // What is paid or void has nothing left.
    assert_eq!(totals(&[("sort", "-balance,-total")]).await, [200, 100, 400, 300]);
    assert_eq!(totals(&[("sort", "due_on,total"), ("balance_gt", "0")]).await, [100, 200]);
    assert_eq!(totals(&[("customer", luis.as_str()), ("total_lte", "300")]).await, [300]);
    let all = ListQuery::default();
    for (scope, expected) in [
        (Scope::Sites(BTreeSet::from([isp.site.clone()])), 2),
        (Scope::Sites(BTreeSet::new()), 0),
        (Scope::Customer(luis.clone()), 2),
    ] {
        let ctx = isp.scoped(scope);
        assert_eq!(billing::invoices_list(&ctx, &all).await.unwrap().items.len(), expected);
    }
    let portal = isp.scoped(Scope::Customer(rosa.clone()));
    assert!(matches!(billing::invoice_get(&portal, &other.id).await, Err(Error::NotFound)));
    let stranger = Isp::named(&world, "other").await;
    assert!(matches!(billing::invoice_get(&stranger.ctx, &other.id).await, Err(Error::NotFound)));
    assert!(matches!(billing::invoice_void(&stranger.ctx, &other.id, "x").await, Err(Error::NotFound)));
    assert!(matches!(
        billing::invoice_create(&stranger.ctx, invoice(&rosa, 1, "2026-12-01")).await,
        Err(Error::Invalid(_))
    ));
    // Neither order nor filter shows what scope and tenant do not.
    let north = isp.scoped(Scope::Sites(BTreeSet::from([isp.site.clone()])));
    for sort in InvoiceList::SHAPE.sort_words() {
        for filter in [("limit", "200"), ("customer_not", rosa.as_str()), ("total_gte", "0")] {
            let asked = ListQuery::of([("sort", sort.as_str()), filter]).unwrap();
            let seen = billing::invoices_list(&north, &asked).await.unwrap().items;
            assert!(seen.iter().all(|invoice| invoice.customer_id == rosa), "{sort} {filter:?}");
            let seen = billing::invoices_list(&stranger.ctx, &asked).await.unwrap().items;
            assert!(seen.is_empty(), "{sort} {filter:?}");
        }
    }
    assert!(billing::invoices_list(&stranger.ctx, &all).await.unwrap().items.is_empty());
});

#[test]
fn the_lists_of_money_are_declared_soundly() {
    use atalaya_money::{payments::PaymentList, services::ServiceList};
    for shape in [InvoiceList::SHAPE, PaymentList::SHAPE, ServiceList::SHAPE] {
        assert_eq!(shape.flaws(), Vec::<String>::new(), "{}", shape.name);
    }
}
