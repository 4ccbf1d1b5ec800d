use super::support::{Isp, PRICE, invoice, payment, soles};
use atalaya_kernel::{Error, Scope, list::ListQuery, on_both, testing::World};
use atalaya_money::{
    billing::{self, InvoiceStatus, NewInvoice},
    payments::{self, Method, NewPayment},
    services::Status,
};
use std::collections::BTreeSet;

fn transfer(of: NewPayment, operation: &str) -> NewPayment {
    NewPayment { method: Method::Transfer, operation_number: Some(operation.to_owned()), ..of }
}

on_both!(the_same_request_again_gets_the_same_answer, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (customer, service) = crate::collections::suspended(&isp, "Rosa").await;
    let new = payment(&customer, PRICE);
    let first = payments::payment_register(&isp.ctx, new.clone(), Some("k1")).await.unwrap();
    assert_eq!(first.reconnecting, [service]);
    isp.invoice(&customer, 100, "2026-12-30").await;
    let again = payments::payment_register(&isp.ctx, new.clone(), Some("k1")).await.unwrap();
    assert_eq!(again, first, "also after the world went on");
    let other = payment(&customer, PRICE + 1);
    assert!(matches!(
        payments::payment_register(&isp.ctx, other, Some("k1")).await,
        Err(Error::Conflict { code: "idempotency_mismatch", .. })
    ));
    assert_eq!(isp.owed(&customer).await.0, 100, "one ledger entry");
    assert_eq!(isp.audited(&first.payment.id).await, ["payment.register"]);
    assert_eq!(isp.events("payment.received", &customer).await, 1);
    isp.verify_sums().await;
});

on_both!(what_brings_a_service_back_is_its_cause, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (customer, service) = crate::collections::suspended(&isp, "Rosa").await;
    let paid = isp.pay(&customer, PRICE).await;
    assert_eq!(paid.reconnecting, std::slice::from_ref(&service));
    let paid = isp.happened("payment.received", &customer).await.remove(0);
    let back = isp.happened("service.reconnected", &service).await.remove(0);
    assert_eq!(back.causation_id, Some(paid.id));

    let (customer, service) = crate::collections::suspended(&isp, "Luis").await;
    let owed = isp.happened("invoice.created", &customer).await.remove(0).entity.id.parse().unwrap();
    billing::invoice_void(&isp.ctx, &owed, "agreed").await.unwrap();
    let voided = isp.happened("invoice.voided", &customer).await.remove(0);
    let back = isp.happened("service.reconnected", &service).await.remove(0);
    assert_eq!(back.causation_id, Some(voided.id));
});

on_both!(the_same_request_many_times_at_once_is_one_payment, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (customer, _) = isp.subscriber("Rosa").await;
    isp.invoice(&customer, 8_900, "2026-11-20").await;
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..6 {
        let (ctx, new) = (isp.ctx.clone(), payment(&customer, 8_900));
        tasks.spawn(async move { payments::payment_register(&ctx, new, Some("k1")).await.unwrap() });
    }
    let mut answers = Vec::new();
    while let Some(done) = tasks.join_next().await {
        answers.push(done.unwrap());
    }
    assert!(answers.iter().all(|answer| *answer == answers[0]));
    assert_eq!(isp.owed(&customer).await.0, 0);
    isp.verify_sums().await;
});

on_both!(an_operation_is_registered_once, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (customer, _) = isp.subscriber("Rosa").await;
    let new = transfer(payment(&customer, 100), "OP-1");
    let first = payments::payment_register(&isp.ctx, new.clone(), Some("k1")).await.unwrap();
    let Err(Error::Conflict { code: "duplicate_operation", params, .. }) =
        payments::payment_register(&isp.ctx, new, Some("k2")).await
    else {
        panic!("the operation is known")
    };
    assert_eq!(params["payment_id"], first.payment.id.to_string());
    let (ctx, one, other) =
        (&isp.ctx, transfer(payment(&customer, 100), "OP-2"), transfer(payment(&customer, 100), "OP-2"));
    let (one, other) = tokio::join!(
        payments::payment_register(ctx, one, Some("k3")),
        payments::payment_register(ctx, other, Some("k4"))
    );
    assert!(one.is_ok() != other.is_ok(), "one of two at the same moment");
    let refused = one.err().or(other.err()).unwrap();
    assert!(
        matches!(refused, Error::Conflict { code: "duplicate_operation", params, .. } if params.contains_key("payment_id"))
    );
    let wallet = NewPayment { method: Method::Wallet, ..transfer(payment(&customer, 100), "OP-1") };
    payments::payment_register(&isp.ctx, wallet, None).await.unwrap();
    isp.verify_sums().await;
});

on_both!(two_payments_at_once_pay_no_invoice_twice, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (customer, _) = isp.subscriber("Rosa").await;
    for _ in 0..5 {
        isp.invoice(&customer, 8_900, "2026-11-20").await;
        let (one, other) = tokio::join!(isp.pay(&customer, 8_900), isp.pay(&customer, 8_900));
        assert_eq!(one.credit.amount + other.credit.amount, 8_900);
        isp.verify_sums().await;
        let (issued, _) = tokio::join!(isp.invoice(&customer, 8_900, "2026-11-20"), isp.pay(&customer, 100));
        billing::invoice_void(&isp.ctx, &issued.id, "test").await.unwrap();
        isp.verify_sums().await;
        isp.invoice(&customer, 9_000, "2026-11-20").await;
        assert_eq!(isp.owed(&customer).await.0, 0);
    }
});

on_both!(an_overpayment_pays_the_next_invoice, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (customer, _) = isp.subscriber("Rosa").await;
    let first = isp.invoice(&customer, 8_900, "2026-11-20").await;
    let paid = isp.pay(&customer, 10_000).await;
    assert_eq!((paid.credit, paid.allocations.len()), (soles(1_100), 1));
    assert_eq!(
        (paid.allocations[0].invoice_id.clone(), paid.allocations[0].amount),
        (first.id, soles(8_900))
    );
    billing::billing_run(&isp.ctx, "2026-12", None).await.unwrap();
    assert_eq!(isp.owed(&customer).await.0, PRICE - 1_100);
    let receipt = payments::payment_get(&isp.ctx, &paid.payment.id).await.unwrap();
    assert_eq!((receipt.customer_name.as_str(), receipt.payment.credit), ("Rosa", soles(0)));
    let amounts: Vec<_> = receipt.allocations.iter().map(|one| one.amount).collect();
    assert_eq!(amounts, [soles(8_900), soles(1_100)], "the receipt says what it pays now, the oldest first");
    isp.verify_sums().await;
});

on_both!(services_are_paid_before_fees, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (customer, service) = crate::collections::suspended(&isp, "Rosa").await;
    // Due before the service's own invoice, and still not paid before it.
    let fee = NewInvoice { is_fee: true, ..invoice(&customer, 1_500, "2026-10-01") };
    let fee = billing::invoice_create(&isp.ctx, fee).await.unwrap();
    let paid = isp.pay(&customer, PRICE).await;
    assert_eq!(paid.reconnecting, std::slice::from_ref(&service), "a fee holds nobody back");
    assert_eq!(isp.now(&service).await.status, Status::Active);
    assert_eq!(billing::invoice_get(&isp.ctx, &fee.id).await.unwrap().invoice.status, InvoiceStatus::Open);
    assert_eq!(isp.owed(&customer).await, (1_500, 0));
    isp.verify_sums().await;
});

on_both!(wrong_payments_are_refused, |world: World| async move {
    let isp = Isp::new(&world).await;
    let (customer, _) = isp.subscriber("Rosa").await;
    let stranger = Isp::named(&world, "other").await;
    let dollars = NewPayment {
        amount: atalaya_kernel::money::Money::new(100, "USD".parse().unwrap()),
        ..payment(&customer, 1)
    };
    let tomorrow =
        NewPayment { received_at: Some("2026-11-08T00:00:00Z".parse().unwrap()), ..payment(&customer, 1) };
    for wrong in [payment(&customer, 0), payment(&customer, -5), dollars, tomorrow] {
        assert!(matches!(payments::payment_register(&isp.ctx, wrong, None).await, Err(Error::Invalid(_))));
    }
    let foreign = payments::payment_register(&stranger.ctx, payment(&customer, 100), None).await;
    assert!(matches!(foreign, Err(Error::Invalid(_))), "a customer of another ISP");
    assert!(payments::payments_list(&isp.ctx, &ListQuery::default()).await.unwrap().items.is_empty());
});

on_both!(payments_are_listed_by_scope_and_tenant, |world: World| async move {
    let isp = Isp::new(&world).await;
    let far = Isp::site_of(&isp.ctx, "Loma").await;
    let (rosa, _) = isp.subscriber("Rosa").await;
    let luis = isp.customer("Luis").await;
    isp.service_at(&luis, &far).await;
    isp.service(&luis).await;
    let north = isp.scoped(Scope::Sites(BTreeSet::from([isp.site.clone()])));
    isp.invoice(&rosa, 100, "2026-11-20").await;
    // A clerk of one site registers; the rule sees the whole customer.
    let paid = payments::payment_register(&north, payment(&rosa, 150), Some("k")).await.unwrap();
    assert_eq!(paid.credit, soles(50));
    isp.pay(&luis, 100).await;
    let list = |ctx: atalaya_kernel::Ctx| async move {
        payments::payments_list(&ctx, &ListQuery::default()).await.unwrap().items.len()
    };
    assert_eq!(list(isp.ctx.clone()).await, 2);
    assert_eq!(list(isp.scoped(Scope::Customer(rosa.clone()))).await, 1);
    assert_eq!(list(isp.scoped(Scope::Sites(BTreeSet::from([far.clone()])))).await, 1);
    let stranger = Isp::named(&world, "other").await;
    assert_eq!(list(stranger.ctx.clone()).await, 0);
    assert!(matches!(payments::payment_get(&stranger.ctx, &paid.payment.id).await, Err(Error::NotFound)));
});
