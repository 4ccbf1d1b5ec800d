//! Random sequences of what can happen to a customer's money, and what must hold after each step.

use super::support::{Isp, invoice};
use atalaya_kernel::{list::ListQuery, on_both, testing::World};
use atalaya_money::{
    billing::{self, NewInvoice},
    collections,
    services::{self, SuspendedBecause},
};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRng, TestRunner},
};

#[derive(Debug, Clone)]
enum Step {
    Invoice { amount: i64, due_in: i32, is_fee: bool },
    Pay(i64),
    Void(usize),
    Wait { days: i64 },
    CutByHand,
    ReconnectByHand,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_i64..20_000, -20_i32..20, prop::bool::weighted(0.2)).prop_map(|(amount, due_in, is_fee)| Step::Invoice { amount, due_in, is_fee }),
        4 => (1_i64..25_000).prop_map(Step::Pay),
        1 => (0_usize..40).prop_map(Step::Void),
        2 => (0_i64..12).prop_map(|days| Step::Wait { days }),
        1 => Just(Step::CutByHand),
        1 => Just(Step::ReconnectByHand),
    ]
}

on_both!(what_must_hold_holds_after_every_step, |world: World| async move {
    let isp = Isp::new(&world).await;
    let run = collections::run_create(&isp.ctx).await.unwrap();
    collections::run_execute(&isp.ctx, &run.id, 0, true).await.unwrap();
    // A fixed seed: the same sequences on both databases and in every run.
    let config = Config::default();
    let rng = TestRng::deterministic_rng(config.rng_algorithm);
    let mut runner = TestRunner::new_with_rng(config, rng);
    for case in 0..6 {
        let steps = prop::collection::vec(step(), 25).new_tree(&mut runner).unwrap().current();
        let (customer, service) = isp.subscriber(&format!("Customer {case}")).await;
        let mut expected = 0;
        for (at, step) in steps.iter().enumerate() {
            let context = format!("case {case}, step {at} of {steps:?}");
            match step {
                Step::Invoice { amount, due_in, is_fee } => {
                    let today = world.runtime.clock.now().date_in(&"America/Lima".parse().unwrap());
                    let due_on = today.plus_days(*due_in);
                    let new =
                        NewInvoice { is_fee: *is_fee, due_on, ..invoice(&customer, *amount, "2026-01-01") };
                    billing::invoice_create(&isp.ctx, new).await.unwrap();
                    expected += amount;
                }
                Step::Pay(amount) => {
                    isp.pay(&customer, *amount).await;
                    expected -= amount;
                    settled_is_not_suspended(&isp, &customer, &service, &context).await;
                }
                Step::Void(index) => {
                    let asked = ListQuery::of([("customer", customer.as_str()), ("limit", "200")]).unwrap();
                    let invoices = billing::invoices_list(&isp.ctx, &asked).await.unwrap().items;
                    let open =
                        invoices.into_iter().filter(|i| i.status != billing::InvoiceStatus::Void).nth(*index);
                    if let Some(void) = open {
                        billing::invoice_void(&isp.ctx, &void.id, "test").await.unwrap();
                        expected -= void.total.amount;
                        settled_is_not_suspended(&isp, &customer, &service, &context).await;
                    }
                }
                Step::Wait { days } => {
                    world.clock.advance_millis(days * 86_400_000);
                    billing::overdue_pass(&isp.ctx).await.unwrap();
                    collections::automatic_pass(&isp.ctx).await.unwrap();
                }
                Step::CutByHand => drop(services::service_cut(&isp.ctx, &service, "test").await.unwrap()),
                Step::ReconnectByHand => {
                    drop(services::service_reconnect(&isp.ctx, &service, "test").await.unwrap());
                }
            }
            assert_eq!(isp.owed(&customer).await.0, expected, "{context}");
            isp.verify_sums().await;
        }
    }
});

async fn settled_is_not_suspended(
    isp: &Isp,
    customer: &atalaya_kernel::ids::CustomerId,
    service: &atalaya_kernel::ids::ServiceId,
    context: &str,
) {
    if isp.owed(customer).await.1 == 0 {
        assert_ne!(isp.now(service).await.suspended_because, Some(SuspendedBecause::Overdue), "{context}");
    }
}
