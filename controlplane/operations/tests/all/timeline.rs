//! What happened to a thing: money, network and people in one order, each with its cause, for whoever may see it.

use crate::region::{Region, someone};
use atalaya_kernel::{
    Ctx, Error, Scope,
    events::{self, EntityRef, EventType, NewEvent},
    ids::CustomerId,
    money::Money,
    on_both,
    page::PageQuery,
    testing::World,
    write_tx,
};
use atalaya_money::{
    billing::{self, NewInvoice},
    payments::{self, Method, NewPayment},
    services,
};
use atalaya_operations::{
    customers::customer_overview,
    notes::{NewNote, note_create},
    timeline::{TimelineEntry, TimelineQuery, timeline},
};
use serde_json::json;
use std::collections::BTreeSet;

const CLERK: [&str; 6] =
    ["event.read", "customer.read", "service.read", "invoice.read", "payment.read", "note.write"];

async fn pages(ctx: &Ctx, query: &TimelineQuery, limit: i64) -> Vec<TimelineEntry> {
    let mut page = PageQuery { cursor: None, limit: Some(limit) };
    let mut entries = Vec::new();
    loop {
        let found = timeline(ctx, query, &page).await.unwrap();
        entries.extend(found.items);
        let Some(cursor) = found.next_cursor else { return entries };
        page.cursor = Some(cursor);
    }
}

fn of(subject: &impl ToString) -> TimelineQuery {
    TimelineQuery { subject: subject.to_string(), ..TimelineQuery::default() }
}

fn kinds(entries: &[TimelineEntry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.event.kind.as_str()).collect()
}

/// A debtor who was cut, and pays.
async fn debtor(region: &Region) -> (CustomerId, services::Service) {
    let rosa = region.customer("Rosa").await;
    let service = region.service(&rosa, &region.hill).await;
    let price = Money::new(8_900, "PEN".parse().unwrap());
    let bill = NewInvoice {
        customer_id: rosa.clone(),
        service_id: Some(service.id.clone()),
        description: "octubre".to_owned(),
        amount: price,
        due_on: "2026-12-10".parse().unwrap(),
        is_fee: false,
    };
    billing::invoice_create(&region.ctx, bill).await.unwrap();
    services::service_cut(&region.ctx, &service.id, "asked").await.unwrap();
    let paid = NewPayment {
        customer_id: rosa.clone(),
        amount: price,
        method: Method::Cash,
        operation_number: None,
        received_at: None,
        note: None,
    };
    payments::payment_register(&region.ctx, paid, None).await.unwrap();
    (rosa, service)
}

on_both!(money_network_and_people_are_in_one_order, |world: World| async move {
    let region = Region::new(&world).await;
    let (rosa, service) = debtor(&region).await;
    let clerk = someone(&region.ctx, &CLERK, Scope::All);
    let text = "Llamar después de las 18 h".to_owned();
    note_create(&clerk, NewNote { subject: rosa.to_string(), text }).await.unwrap();

    let all = pages(&clerk, &of(&rosa), 2).await;
    let expected = [
        "note.written",
        "payment.received",
        "service.suspended",
        "invoice.created",
        "service.created",
        "customer.created",
    ];
    assert_eq!(kinds(&all), expected);
    let of_service = pages(&clerk, &of(&service.id), 50).await;
    assert_eq!(kinds(&of_service), ["service.suspended", "service.created"]);
    let invoice = all[3].event.entity.id.clone();
    assert_eq!(kinds(&pages(&clerk, &of(&invoice), 50).await), ["invoice.created"]);

    let money = TimelineQuery { kind: Some("payment.*, invoice.*".to_owned()), ..of(&rosa) };
    assert_eq!(kinds(&pages(&clerk, &money, 50).await), ["payment.received", "invoice.created"]);
    let actor = all[1].event.actor.id.clone();
    let his = TimelineQuery { actor: Some(actor), ..of(&rosa) };
    assert!(kinds(&pages(&clerk, &his, 50).await).contains(&"payment.received"));
    let nobodys = TimelineQuery { actor: Some("usr_01jd3k5m7nf8v9q0r1s2t3w4x5".to_owned()), ..of(&rosa) };
    assert!(pages(&clerk, &nobodys, 50).await.is_empty());

    let overview = customer_overview(&clerk, &rosa).await.unwrap();
    let shown: Vec<_> = overview.timeline.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(shown, expected, "the overview has the same");
});

on_both!(an_entry_says_what_caused_it_to_who_may_see_that, |world: World| async move {
    const BACK: EventType = EventType { name: "service.reconnected", version: 1, public: true, doc: "" };
    let region = Region::new(&world).await;
    let (rosa, service) = debtor(&region).await;
    let clerk = someone(&region.ctx, &CLERK, Scope::All);
    let payment = TimelineQuery { kind: Some("payment.received".to_owned()), ..of(&rosa) };
    let paid = pages(&clerk, &payment, 50).await.remove(0).event;
    let because = region.ctx.clone().caused_by(paid.id.clone());
    let event = NewEvent::new(BACK, EntityRef::new("service", &service.id), json!({}));
    let event = event.related("customer_id", &rosa);
    write_tx!(because, tx => { events::emit(&because, &mut tx, event.clone()).await }).unwrap();
    // The payment does not name the service: the cause of what is on its timeline is not on it.
    let entry = pages(&clerk, &of(&service.id), 50).await.remove(0);
    assert_eq!((entry.event.kind.as_str(), entry.cause), ("service.reconnected", Some(paid)));
    let noc = someone(&region.ctx, &["event.read", "service.read"], Scope::All);
    let entry = pages(&noc, &of(&service.id), 50).await.remove(0);
    assert_eq!(
        (entry.event.kind.as_str(), entry.cause),
        ("service.reconnected", None),
        "no right to payments"
    );
});

on_both!(who_may_not_see_a_thing_is_shown_no_timeline, |world: World| async move {
    let region = Region::new(&world).await;
    let (rosa, service) = debtor(&region).await;
    let page = PageQuery::default();
    let valley = Scope::Sites(BTreeSet::from([region.valley.clone()]));
    let elsewhere = someone(&region.ctx, &CLERK, valley);
    for subject in [rosa.to_string(), service.id.to_string(), region.hill.to_string(), "x".to_owned()] {
        let refused = timeline(&elsewhere, &of(&subject), &page).await;
        assert!(matches!(refused, Err(Error::NotFound)), "{subject}: {refused:?}");
    }
    let without = someone(&region.ctx, &["customer.read"], Scope::All);
    let refused = timeline(&without, &of(&rosa), &page).await;
    assert!(matches!(refused, Err(Error::Forbidden("event.read"))), "{refused:?}");
    // Part of it: who sees customers and no money is shown no money, and no page ends early for it.
    let noc = someone(&region.ctx, &["event.read", "customer.read", "service.read"], Scope::All);
    assert_eq!(
        kinds(&pages(&noc, &of(&rosa), 1).await),
        ["service.suspended", "service.created", "customer.created"]
    );
});
