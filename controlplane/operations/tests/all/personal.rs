//! Whoever asks for what is held of a person gets all of it, once it was made, for a week; nobody else gets any of it.

use crate::{
    lives::{Rosa, marked},
    region::{Region, someone},
};
use atalaya_kernel::{
    Ctx, Error, Permissions, STEP_UP_MS, Scope,
    audit::{self, AuditFilter},
    ids::{CustomerId, DataExportId},
    jobs,
    notes::StoredFile,
    on_both,
    page::PageQuery,
    personal::{
        Person,
        exports::{DataExport, ExportState, KEPT_MS},
    },
    secrets::rotation,
    testing::World,
};
use atalaya_operations::personal::{
    ExportJob, expire, export_get, export_request, exports_list, part_download,
};
use atalaya_people::{
    access::Role,
    factors,
    identity::{self, UserChange},
};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    io::{Cursor, Read},
    sync::Arc,
};

/// Does the jobs that wait.
async fn work(world: &World) {
    while jobs::run_due(&world.runtime, &[Arc::new(ExportJob)]).await.unwrap() {}
}

/// What is in the ZIPs of an export, by name.
async fn contents(ctx: &Ctx, export: &DataExport) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for part in &export.parts {
        let fetched = part_download(ctx, &export.id, part.number).await.unwrap();
        let mut zip = zip::ZipArchive::new(Cursor::new(fetched.content)).unwrap();
        for at in 0..zip.len() {
            let mut entry = zip.by_index(at).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            found.insert(entry.name().unwrap().into_owned(), bytes);
        }
    }
    found
}

/// Blobs that there are.
async fn blobs(world: &World) -> i64 {
    let mut tx = world.platform().begin_read().await.unwrap();
    let figures = atalaya_kernel::blobs::figures(&mut tx).await.unwrap();
    tx.rollback().await.unwrap();
    figures.blobs
}

async fn made(world: &World, ctx: &Ctx, person: &Person) -> BTreeMap<String, Vec<u8>> {
    let asked = export_request(ctx, person).await.unwrap();
    work(world).await;
    let export = export_get(ctx, &asked.id).await.unwrap();
    assert_eq!(export.state, ExportState::Ready);
    contents(ctx, &export).await
}

fn all_text(contents: &BTreeMap<String, Vec<u8>>) -> String {
    contents.values().map(|bytes| String::from_utf8_lossy(bytes)).collect::<Vec<_>>().join("\n")
}

fn rows(contents: &BTreeMap<String, Vec<u8>>, document: &str) -> Vec<Value> {
    assert!(contents.contains_key(document), "{document}: {:?}", contents.keys());
    serde_json::from_slice(&contents[document]).unwrap()
}

on_both!(everything_of_a_customer_is_in_it_and_nothing_of_another, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let region = Region::new(&world).await;
    let rosa = Rosa::of(&region, "Rosa").await;
    let pedro = Rosa::of(&region, "Pedro").await;
    let contents = made(&world, &region.ctx, &Person::Customer(rosa.customer.clone())).await;
    let text = all_text(&contents);
    for mark in marked("Rosa") {
        assert!(text.contains(&mark), "{mark} is missing of {:?}", contents.keys());
    }
    for mark in marked("Pedro") {
        assert!(!text.contains(&mark), "{mark} is another's");
    }
    for secret in [&rosa.secret, &pedro.secret] {
        assert!(!text.contains(secret.as_str()), "a password is in it");
    }
    for (document, least) in [
        ("customer.json", 1),
        ("sites.json", 1),
        ("services.json", 1),
        ("invoices.json", 1),
        ("invoice_lines.json", 1),
        ("payments.json", 1),
        ("allocations.json", 1),
        ("ledger.json", 2),
        ("attachments.json", 1),
        ("network_points.json", 1),
        ("notes.json", 3),
        ("files.json", 1),
        ("events.json", 5),
        ("changes.json", 5),
        ("exports.json", 1),
    ] {
        assert!(rows(&contents, document).len() >= least, "{document}: {:?}", contents[document]);
    }
    let file: &StoredFile = &rosa.file;
    assert_eq!(contents[&format!("files/{}-{}", file.id, file.name)], rosa.bytes);
    let readme = String::from_utf8(contents["README.txt"].clone()).unwrap();
    assert!(
        readme.contains("NetAndina") && readme.contains("- services.json: sus servicios (1 registro)"),
        "{readme}"
    );
});

on_both!(it_can_be_fetched_for_a_week_by_who_has_proved_it, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let region = Region::new(&world).await;
    let rosa = Rosa::of(&region, "Rosa").await;
    let person = Person::Customer(rosa.customer.clone());
    let rights = ["customer.read", "customer.export"];
    let clerk = someone(&region.ctx, &rights, Scope::All).proved_at(region.ctx.now());
    let asked = export_request(&clerk, &person).await.unwrap();
    assert_eq!((asked.state, asked.parts.len()), (ExportState::Pending, 0));
    assert_eq!(export_request(&clerk, &person).await.unwrap().id, asked.id, "the one that is being made");
    let early = part_download(&clerk, &asked.id, 1).await;
    assert!(matches!(early, Err(Error::Conflict { code: "export_not_ready", .. })), "{early:?}");
    work(&world).await;
    let export = export_get(&clerk, &asked.id).await.unwrap();
    assert_eq!(export.expires_at, Some(export.ready_at.unwrap().plus_millis(KEPT_MS)));
    assert!(!contents(&clerk, &export).await["README.txt"].is_empty());
    assert!(matches!(part_download(&clerk, &asked.id, 2).await, Err(Error::NotFound)));

    world.clock.advance_millis(STEP_UP_MS);
    let stale = part_download(&clerk, &asked.id, 1).await;
    assert!(matches!(stale, Err(Error::StepUpRequired)), "{stale:?}");
    assert!(matches!(export_request(&clerk, &person).await, Err(Error::StepUpRequired)));
    assert_eq!(
        export_get(&clerk, &asked.id).await.unwrap().state,
        ExportState::Ready,
        "that it is there, is told"
    );

    let mut tx = region.ctx.begin_read().await.unwrap();
    let about = AuditFilter { entity_id: Some(asked.id.to_string()), limit: 10, ..AuditFilter::default() };
    let trail = audit::list(&mut tx, &about).await.unwrap();
    tx.rollback().await.unwrap();
    let fetched = trail.iter().filter(|row| row.after_state.as_deref() == Some("{\"fetched_part\":1}"));
    assert_eq!((fetched.count(), trail.len()), (1, 4), "asked for twice, made, fetched: {trail:#?}");

    world.clock.advance_millis(KEPT_MS);
    let clerk = someone(&region.ctx, &rights, Scope::All);
    let late = part_download(&clerk, &asked.id, 1).await;
    assert!(matches!(late, Err(Error::Conflict { code: "export_expired", .. })), "{late:?}");
    let before = blobs(&world).await;
    assert_eq!(expire(&region.ctx).await.unwrap(), 1);
    assert_eq!(expire(&region.ctx).await.unwrap(), 0);
    let gone = export_get(&clerk, &asked.id).await.unwrap();
    assert_eq!((gone.state, gone.parts.len()), (ExportState::Expired, 0));
    assert_eq!(blobs(&world).await, before - 1, "its bytes go with the next sweep");
});

on_both!(nobody_else_is_told_that_there_is_one, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let region = Region::new(&world).await;
    let rosa = Rosa::of(&region, "Rosa").await;
    let person = Person::Customer(rosa.customer.clone());
    let asked = export_request(&region.ctx, &person).await.unwrap();
    work(&world).await;
    let rights = ["customer.read", "customer.export", "user.export"];
    let valley = Scope::Sites(BTreeSet::from([region.valley.clone()]));
    let elsewhere = someone(&region.ctx, &rights, valley);
    let reader = someone(&region.ctx, &["customer.read", "user.export"], Scope::All);
    let page = PageQuery::default();
    let never = DataExportId::new(region.ctx.now());
    for outsider in [&elsewhere, &reader] {
        for id in [&asked.id, &never] {
            assert!(matches!(export_get(outsider, id).await, Err(Error::NotFound)));
            assert!(matches!(part_download(outsider, id, 1).await, Err(Error::NotFound)));
        }
    }
    assert!(matches!(export_request(&elsewhere, &person).await, Err(Error::NotFound)));
    assert!(matches!(exports_list(&elsewhere, person.id(), &page).await, Err(Error::NotFound)));
    assert!(matches!(export_request(&reader, &person).await, Err(Error::Forbidden("customer.export"))));
    for nothing in ["", "cus_", region.agent.as_str(), CustomerId::new(region.ctx.now()).as_str()] {
        assert!(matches!(exports_list(&region.ctx, nothing, &page).await, Err(Error::NotFound)), "{nothing}");
    }
    assert_eq!(exports_list(&region.ctx, person.id(), &page).await.unwrap().items.len(), 1);
});

on_both!(a_user_gets_what_is_theirs_and_nothing_of_whom_they_served, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let region = Region::new(&world).await;
    let luis = region.user("Luis Vera", "Luis", Role::Support).await;
    let owner = region.user("Olga Vera", "Olga", Role::Owner).await;
    let version = identity::user_get(&region.ctx, &luis).await.unwrap().version;
    let renamed = UserChange { name: Some("Luis Alberto Vera".to_owned()), ..UserChange::default() };
    identity::user_update(&region.ctx, &luis, version, renamed).await.unwrap();
    let desk = region.acting(&luis, "Luis Alberto Vera", Permissions::All);
    let rosa = Rosa::by(&region, &desk, "Rosa").await;
    let own = region.acting(&luis, "Luis Alberto Vera", Permissions::These(BTreeSet::new()));
    let secret = serde_json::to_value(factors::app_enrol(&own).await.unwrap()).unwrap();
    let person = Person::User(luis.clone());
    let contents = made(&world, &own, &person).await;
    let text = all_text(&contents);
    for mark in ["luis@netandina.example", "Luis Alberto Vera", "Luis Vera"] {
        assert!(text.contains(mark), "{mark}: {:?}", contents.keys());
    }
    for mark in marked("Rosa") {
        assert!(!text.contains(&mark), "{mark} is the customer's");
    }
    assert!(text.contains(rosa.customer.as_str()), "that they did something to her is theirs");
    for secret in secret.as_object().unwrap().values().filter_map(Value::as_str) {
        assert!(!text.contains(secret), "a secret is in it");
    }
    assert!(!text.contains("$argon2id$"));
    for (document, least) in [
        ("user.json", 1),
        ("authenticator.json", 1),
        ("notes_written.json", 3),
        ("files_left.json", 1),
        ("actions.json", 5),
        ("changes.json", 2),
        ("events.json", 2),
    ] {
        assert!(rows(&contents, document).len() >= least, "{document}");
    }

    let nobody = region.acting(&owner, "Olga", Permissions::These(BTreeSet::new()));
    assert!(matches!(export_request(&nobody, &person).await, Err(Error::Forbidden("user.export"))));
    let rights = Permissions::These(BTreeSet::from(["user.export".to_owned()]));
    let chief = region.acting(&luis, "Luis", rights);
    let more = export_request(&chief, &Person::User(owner)).await;
    assert!(more.is_err(), "nobody gets what is held of somebody who may more: {more:?}");
});
