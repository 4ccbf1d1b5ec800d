//! What is personal of a customer or of somebody of the staff goes, wherever it stands; the books stay, and so does everybody else.

use crate::{
    lives::{Rosa, marked},
    region::{Region, someone},
};
use atalaya_kernel::{
    Ctx, Error, Permissions, STEP_UP_MS, Scope, audit,
    ids::CustomerId,
    jobs,
    list::ListQuery,
    money::Money,
    on_both,
    page::PageQuery,
    personal::{
        Person, PersonKind,
        erasures::{DataErasure, ErasureState},
        exports::ExportState,
    },
    secrets::rotation,
    testing::{World, contents},
    write_tx,
};
use atalaya_money::{
    billing::{self, NewInvoice},
    services::{self, NewService, Status},
};
use atalaya_network::{
    attachments,
    provisioning::{self, DesiredStatus, Observation, ObservedSession, ObservedStatus, Outcome},
};
use atalaya_operations::{
    erasure::{Decided, ErasureAsked, ErasureJob, erasure_ask, erasures_list},
    personal::{ExportJob, export_get, export_request},
};
use atalaya_people::{
    access::Role,
    approvals::{self, Operations},
    customers::{self, CustomerChange},
    identity::{self, UserChange},
};
use std::{collections::BTreeSet, future::poll_fn, pin::pin, sync::Arc, task::Poll};

/// In the books, which stay.
const BOOKS: [&str; 2] = ["renglon", "operacion"];
const WHY: &str = "asked for in writing";

async fn work(world: &World) {
    while jobs::run_due(&world.runtime, &[Arc::new(ErasureJob), Arc::new(ExportJob)]).await.unwrap() {}
}

/// An agent that does what it is told and says so.
async fn obey(region: &Region, report: i64) {
    let told = provisioning::desired_since(&region.ctx, &region.agent, 0).await.unwrap().points;
    let now = region.ctx.now();
    let seen: Vec<_> = told
        .into_iter()
        .map(|point| Observation {
            status: match point.desired.status {
                DesiredStatus::Active => ObservedStatus::Active,
                DesiredStatus::Suspended => ObservedStatus::Suspended,
                DesiredStatus::Terminated => ObservedStatus::Absent,
            },
            point_id: point.id,
            timeline: point.desired.timeline,
            generation: point.desired.generation,
            outcome: Outcome::Applied,
            detail: String::new(),
            drift: false,
            session: ObservedSession {
                present: point.desired.status == DesiredStatus::Active,
                since: None,
                address: "10.30.77.41".to_owned(),
                caller_id: "AA:BB:CC:77:41:01".to_owned(),
            },
            read_at: now,
            applied_at: Some(now),
            before: Vec::new(),
        })
        .collect();
    let digest = format!("report-{report}");
    provisioning::observed_record(&region.ctx, &region.agent, report, &digest, &seen).await.unwrap();
}

fn of(customer: &CustomerId) -> ListQuery<services::ServiceList> {
    ListQuery::of([("customer", customer.as_str())]).unwrap()
}

/// Ends the services of a customer and, once the devices have answered, takes the connections off them.
async fn leave(region: &Region, customer: &CustomerId, report: i64) {
    let all = services::services_list(&region.ctx, &of(customer)).await.unwrap().items;
    for service in all.iter().filter(|service| service.status != Status::Terminated) {
        services::service_terminate(&region.ctx, &service.id, "left").await.unwrap();
    }
    provisioning::reconcile_tenant(&region.ctx).await.unwrap();
    obey(region, report).await;
    for service in all {
        let mut tx = region.ctx.begin_read().await.unwrap();
        let ways = attachments::attachments_of_services(&mut tx, std::slice::from_ref(&service.id)).await;
        tx.rollback().await.unwrap();
        for way in ways.unwrap().into_values().flatten() {
            attachments::attachment_remove(&region.ctx, &way.id).await.unwrap();
        }
    }
}

fn code<T: std::fmt::Debug>(answer: Result<T, Error>) -> &'static str {
    match answer {
        Err(Error::Conflict { code, .. }) => code,
        other => panic!("expected a conflict, got {other:?}"),
    }
}

fn begun(asked: ErasureAsked) -> DataErasure {
    assert!(asked.approval.is_none(), "{asked:?}");
    asked.erasure.unwrap()
}

async fn state(ctx: &Ctx, person: &Person) -> ErasureState {
    let all = erasures_list(ctx, person.id(), &PageQuery::default()).await.unwrap().items;
    assert_eq!(all.len(), 1);
    all[0].state
}

/// Demands that something stands nowhere; shows where it does.
fn absent(all: &str, mark: &str) {
    if let Some(at) = all.find(mark) {
        let from = all.floor_char_boundary(at.saturating_sub(300));
        let to = all.ceil_char_boundary(at + mark.len() + 100);
        panic!("{mark} is still there: {}", all[from..to].escape_debug());
    }
}

fn gone(of: &str) -> Vec<String> {
    let books = |mark: &String| BOOKS.iter().any(|what| mark.contains(what));
    marked(of).into_iter().filter(|mark| !books(mark)).collect()
}

on_both!(nothing_of_a_customer_is_left_but_the_books, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let region = Region::new(&world).await;
    let ctx = &region.ctx;
    let rosa = Rosa::of(&region, "Rosa").await;
    let pedro = Rosa::of(&region, "Pedro").await;
    let person = Person::Customer(rosa.customer.clone());
    obey(&region, 1).await;
    let copy = export_request(ctx, &person).await.unwrap();
    work(&world).await;
    audit::seal(ctx).await.unwrap();

    // Somebody who is served, stands on a device or owes something is not forgotten.
    assert_eq!(code(erasure_ask(ctx, &person, WHY).await), "customer_has_services");
    let service = services::services_list(ctx, &of(&rosa.customer)).await.unwrap().items.remove(0);
    services::service_terminate(ctx, &service.id, "left").await.unwrap();
    assert_eq!(code(erasure_ask(ctx, &person, WHY).await), "customer_is_connected");
    world.clock.advance_millis(10);
    leave(&region, &rosa.customer, 2).await;
    let new = NewInvoice {
        customer_id: rosa.customer.clone(),
        service_id: None,
        description: "equipo".to_owned(),
        amount: Money::new(1_000, "PEN".parse().unwrap()),
        due_on: "2026-12-10".parse().unwrap(),
        is_fee: false,
    };
    let owed = billing::invoice_create(ctx, new.clone()).await.unwrap();
    assert_eq!(code(erasure_ask(ctx, &person, WHY).await), "customer_owes");
    billing::invoice_void(ctx, &owed.id, "given back").await.unwrap();
    let unfounded = erasure_ask(ctx, &person, " ").await;
    assert!(matches!(unfounded, Err(Error::Invalid(_))), "{unfounded:?}");

    let before = contents(&world.url).await;
    for mark in marked("Rosa") {
        assert!(before.contains(&mark), "the test would not see {mark}");
    }
    assert!(before.contains("10.30.77.41"));
    let erasure = begun(erasure_ask(ctx, &person, WHY).await.unwrap());
    assert_eq!(code(erasure_ask(ctx, &person, WHY).await), "erasure_pending");
    work(&world).await;
    assert_eq!(state(ctx, &person).await, ErasureState::Done);

    let after = contents(&world.url).await;
    for mark in gone("Rosa") {
        absent(&after, &mark);
    }
    for what in BOOKS {
        assert!(after.contains(&format!("rosa-{what}-7741")), "{what} is of the books");
    }
    for mark in marked("Pedro") {
        assert!(after.contains(&mark), "{mark} is another's");
    }
    assert!(!pedro.secret.is_empty());
    assert_eq!(export_get(ctx, &copy.id).await.unwrap().state, ExportState::Expired);
    let trail = audit::verify(ctx, &[]).await.unwrap();
    assert!(trail.is_ok(), "the trail holds: {trail:?}");

    // Whoever asks is told that it was done, and nothing new is begun with nobody.
    let empty = customers::customer_get(ctx, &rosa.customer).await.unwrap();
    assert_eq!((empty.name.as_str(), empty.document, empty.phone), (rosa.customer.as_str(), None, None));
    assert!(empty.erased_at.is_some());
    assert_eq!(code(erasure_ask(ctx, &person, WHY).await), "already_erased");
    let back = CustomerChange { name: Some("Rosa".to_owned()), ..CustomerChange::default() };
    let changed = customers::customer_update(ctx, &rosa.customer, empty.version, back).await;
    assert_eq!(code(changed), "customer_erased");
    assert_eq!(code(billing::invoice_create(ctx, new).await), "customer_erased");
    let new = NewService {
        customer_id: rosa.customer.clone(),
        plan_id: region.plan.clone(),
        site_id: region.hill.clone(),
        address: None,
        starts_on: None,
    };
    assert_eq!(code(services::service_create(ctx, new).await), "customer_erased");
    let again = write_tx!(ctx, tx => { Ok(jobs::revive(&mut tx, "personal.erase", erasure.id.as_str(), ctx.now()).await?) });
    again.unwrap();
    work(&world).await;
    assert_eq!(state(ctx, &person).await, ErasureState::Done);
});

/// Runs something until it has waited so often, and drops it there, as a process does that is killed; whether it ended before.
async fn killed_after(waits: usize, work: impl Future) -> bool {
    let mut work = pin!(work);
    let mut left = waits;
    poll_fn(|cx| match work.as_mut().poll(cx) {
        Poll::Ready(_) => Poll::Ready(true),
        Poll::Pending if left == 0 => Poll::Ready(false),
        Poll::Pending => {
            left -= 1;
            Poll::Pending
        }
    })
    .await
}

on_both!(broken_off_anywhere_it_is_finished_all_the_same, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let region = Region::new(&world).await;
    let rosa = Rosa::of(&region, "Rosa").await;
    world.clock.advance_millis(10);
    leave(&region, &rosa.customer, 1).await;
    let person = Person::Customer(rosa.customer);
    begun(erasure_ask(&region.ctx, &person, WHY).await.unwrap());
    let mut killed = 0;
    // Each time further in: what was done the time before is done again.
    for waits in [4, 12, 25, 40, 60, 85, 115, 150] {
        let job: Arc<dyn jobs::Handler> = Arc::new(ErasureJob);
        let ended = killed_after(waits, jobs::run_due(&world.runtime, &[job])).await;
        killed += usize::from(!ended);
        // Its lease runs out.
        world.clock.advance_millis(600_000);
    }
    assert!(killed >= 3, "it was broken off {killed} times");
    work(&world).await;
    let again = region.ctx.clone().proved_at(region.ctx.now());
    assert_eq!(state(&again, &person).await, ErasureState::Done);
    let after = contents(&world.url).await;
    for mark in gone("Rosa") {
        absent(&after, &mark);
    }
});

on_both!(where_a_second_person_could_agree_one_must, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let region = Region::new(&world).await;
    let rosa = Rosa::of(&region, "Rosa").await;
    world.clock.advance_millis(10);
    leave(&region, &rosa.customer, 1).await;
    let person = Person::Customer(rosa.customer.clone());
    let (olga, pilar) = (
        region.user("Olga Vera-7741", "Olga-7741", Role::Owner).await,
        region.user("Pilar Vera-7741", "Pilar-7741", Role::Owner).await,
    );
    region.user("Tito Vera-7741", "Tito-7741", Role::Technician).await;
    let olga = region.acting(&olga, "Olga", Permissions::All);
    let asked = erasure_ask(&olga, &person, WHY).await.unwrap();
    assert!(asked.erasure.is_none(), "nothing is done yet");
    let approval = asked.approval.unwrap().id;
    let same = erasure_ask(&olga, &person, WHY).await.unwrap().approval.unwrap().id;
    assert_eq!(same, approval, "one request at a time");
    work(&world).await;
    assert!(contents(&world.url).await.contains(&gone("Rosa")[0]));

    let operations =
        Operations::new(vec![Arc::new(Decided(PersonKind::Customer)), Arc::new(Decided(PersonKind::User))]);
    let own = approvals::approval_approve(&olga, &operations, &approval).await;
    assert_eq!(code(own), "own_request");
    let chief = region.acting(&pilar, "Pilar", Permissions::All);
    approvals::approval_approve(&chief, &operations, &approval).await.unwrap();
    work(&world).await;
    assert_eq!(state(&olga, &person).await, ErasureState::Done);
    assert!(!contents(&world.url).await.contains(&gone("Rosa")[0]));

    // Who is alone decides alone.
    let version = identity::user_get(&region.ctx, &pilar).await.unwrap().version;
    let off = UserChange { disabled: Some(true), ..UserChange::default() };
    identity::user_update(&region.ctx, &pilar, version, off).await.unwrap();
    let erasure = begun(erasure_ask(&olga, &Person::User(pilar), WHY).await.unwrap());
    assert_eq!(erasure.person_kind, PersonKind::User);
});

on_both!(it_takes_the_right_the_whole_isp_and_a_proof, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let region = Region::new(&world).await;
    let customer = region.customer("Nadie").await;
    let person = Person::Customer(customer.clone());
    let rights = ["customer.read", "customer.erase"];
    let page = PageQuery::default();
    let reader =
        someone(&region.ctx, &["customer.read", "user.erase"], Scope::All).proved_at(region.ctx.now());
    let hill = Scope::Sites(BTreeSet::from([region.hill.clone()]));
    let local = someone(&region.ctx, &rights, hill).proved_at(region.ctx.now());
    for outsider in [&reader, &local] {
        assert!(matches!(erasure_ask(outsider, &person, WHY).await, Err(Error::Forbidden("customer.erase"))));
        assert!(matches!(erasures_list(outsider, person.id(), &page).await, Err(Error::Forbidden(_))));
    }
    let clerk = someone(&region.ctx, &rights, Scope::All).proved_at(region.ctx.now());
    let nobody = Person::Customer(CustomerId::new(region.ctx.now()));
    assert!(matches!(erasure_ask(&clerk, &nobody, WHY).await, Err(Error::NotFound)));
    for nothing in ["", "cus_", region.agent.as_str(), nobody.id()] {
        assert!(matches!(erasures_list(&clerk, nothing, &page).await, Err(Error::NotFound)), "{nothing}");
    }
    assert!(erasures_list(&clerk, person.id(), &page).await.unwrap().items.is_empty());
    world.clock.advance_millis(STEP_UP_MS);
    assert!(matches!(erasure_ask(&clerk, &person, WHY).await, Err(Error::StepUpRequired)));
});

on_both!(nothing_of_a_user_is_left_but_what_they_did, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let region = Region::new(&world).await;
    let ctx = &region.ctx;
    let luis = region.user("Luis Vera-7741", "Luis-7741", Role::Admin).await;
    let desk = region.acting(&luis, "Luis Vera-7741", Permissions::All);
    Rosa::by(&region, &desk, "Rosa").await;
    atalaya_money::collections::run_create(&desk).await.unwrap();
    audit::seal(ctx).await.unwrap();
    let person = Person::User(luis.clone());
    assert_eq!(code(erasure_ask(ctx, &person, WHY).await), "user_enabled");
    assert_eq!(code(erasure_ask(&desk, &person, WHY).await), "own_user");
    let version = identity::user_get(ctx, &luis).await.unwrap().version;
    let off = UserChange { disabled: Some(true), ..UserChange::default() };
    identity::user_update(ctx, &luis, version, off.clone()).await.unwrap();
    let names = ["Luis Vera-7741", "luis-7741@netandina.example"];
    let before = contents(&world.url).await;
    for name in names {
        assert!(before.contains(name), "the test would not see {name}");
    }
    begun(erasure_ask(ctx, &person, WHY).await.unwrap());
    work(&world).await;
    assert_eq!(state(ctx, &person).await, ErasureState::Done);
    let after = contents(&world.url).await;
    for name in names {
        absent(&after, name);
    }
    for mark in ["rosa-notacambiada-7741", "rosa-notaservicio-7741", "rosa-apellido-7741"] {
        assert!(after.contains(mark), "{mark} is the customer's");
    }
    let trail = audit::verify(ctx, &[]).await.unwrap();
    assert!(trail.is_ok(), "the trail holds: {trail:?}");
    let empty = identity::user_get(ctx, &luis).await.unwrap();
    assert_eq!((empty.name.as_str(), empty.disabled), (luis.as_str(), true));
    let on = UserChange { disabled: Some(false), ..UserChange::default() };
    assert_eq!(code(identity::user_update(ctx, &luis, empty.version, on).await), "user_erased");
});
