//! Who sees a thing sees what was left with it; who does not is told that there is nothing.

use crate::region::{Region, someone};
use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    audit::{self, AuditFilter},
    events::{self, EventFilter},
    ids::{InvoiceId, UserId},
    money::Money,
    on_both,
    page::PageQuery,
    secrets::rotation,
    testing::{START, World},
};
use atalaya_money::billing::{self, NewInvoice};
use atalaya_operations::{
    feed,
    notes::{
        NewFile, NewNote, NoteChange, file_create, file_download, file_remove, files_list, note_create,
        note_get, note_remove, note_update, notes_list,
    },
};
use std::collections::BTreeSet;

const SEE: [&str; 5] = ["customer.read", "service.read", "device.read", "invoice.read", "site.read"];

/// Somebody of the staff with a name and rights.
fn person(of: &Ctx, name: &str, rights: &[&str], scope: Scope) -> Ctx {
    let principal = Principal::User { id: UserId::new(START), name: name.to_owned() };
    let rights = Permissions::These(SEE.iter().chain(rights).map(|right| (*right).to_owned()).collect());
    Ctx::new(of.db().clone(), principal, rights, scope, "test")
}

async fn invoice(region: &Region, customer: &atalaya_kernel::ids::CustomerId) -> InvoiceId {
    let new = NewInvoice {
        customer_id: customer.clone(),
        service_id: None,
        description: "instalación".to_owned(),
        amount: Money::new(8_900, "PEN".parse().unwrap()),
        due_on: "2026-12-10".parse().unwrap(),
        is_fee: false,
    };
    billing::invoice_create(&region.ctx, new).await.unwrap().id
}

fn note(subject: &str, text: &str) -> NewNote {
    NewNote { subject: subject.to_owned(), text: text.to_owned() }
}

fn file(subject: &str, name: &str) -> NewFile {
    NewFile { subject: subject.to_owned(), name: name.to_owned() }
}

async fn texts(ctx: &Ctx, subject: &str) -> Vec<String> {
    let page = notes_list(ctx, subject, &PageQuery::default()).await.unwrap();
    page.items.into_iter().map(|note| note.text).collect()
}

fn is_not_found<T: std::fmt::Debug>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::NotFound))
}

on_both!(who_sees_a_thing_sees_what_was_left_with_it, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let region = Region::new(&world).await;
    let rosa = region.customer("Rosa").await;
    let service = region.service(&rosa, &region.hill).await.id;
    let device = region.device("on the hill", &region.hill, None).await;
    let invoice = invoice(&region, &rosa).await;
    let things = [
        rosa.to_string(),
        service.to_string(),
        device.to_string(),
        invoice.to_string(),
        region.hill.to_string(),
    ];
    let ana = person(&region.ctx, "Ana", &["note.write"], Scope::All);
    let hill = Scope::Sites(BTreeSet::from([region.hill.clone()]));
    let valley = Scope::Sites(BTreeSet::from([region.valley.clone()]));
    let here = person(&region.ctx, "Luis", &["note.write"], hill);
    let elsewhere = person(&region.ctx, "Eva", &["note.write"], valley);
    let blind = someone(&region.ctx, &["note.write"], Scope::All);
    let portal = person(&region.ctx, "Rosa", &["note.write"], Scope::Customer(rosa.clone()));
    let page = PageQuery::default();
    for (number, thing) in things.iter().enumerate() {
        let written = note_create(&ana, note(thing, "Llamar después de las 18 h")).await.unwrap();
        let left = file_create(&ana, &file(thing, "contrato"), b"%PDF-1.7".to_vec()).await.unwrap();
        assert_eq!((left.name.as_str(), left.media_type.as_str()), ("contrato.pdf", "application/pdf"));
        assert_eq!(texts(&here, thing).await.len(), 1, "{thing}");
        assert_eq!(file_download(&here, &left.id).await.unwrap().content, b"%PDF-1.7");
        for outsider in [&elsewhere, &blind, &portal] {
            assert!(is_not_found(&notes_list(outsider, thing, &page).await), "{thing}");
            assert!(is_not_found(&files_list(outsider, thing, &page).await), "{thing}");
            assert!(is_not_found(&file_download(outsider, &left.id).await), "{thing}");
            assert!(is_not_found(&note_create(outsider, note(thing, "x")).await), "{thing}");
            assert!(is_not_found(&file_create(outsider, &file(thing, "x"), vec![]).await), "{thing}");
            assert!(is_not_found(&note_get(outsider, &written.id).await), "{thing}");
            let change = NoteChange { text: None, pinned: Some(true) };
            assert!(is_not_found(&note_update(outsider, &written.id, 1, change).await), "{thing}");
            assert!(is_not_found(&note_remove(outsider, &written.id).await), "{thing}");
            assert!(is_not_found(&file_remove(outsider, &left.id).await), "{thing}");
        }
        let reader = person(&region.ctx, "Sara", &[], Scope::All);
        assert_eq!(texts(&reader, thing).await.len(), 1);
        let refused = note_create(&reader, note(thing, "x")).await;
        assert!(matches!(refused, Err(Error::Forbidden("note.write"))), "{number}: {refused:?}");
    }
    for nothing in ["", "x", "cus_", region.agent.as_str(), "inv_01jd3k5m7nf8v9q0r1s2t3w4x5"] {
        assert!(is_not_found(&notes_list(&ana, nothing, &page).await), "{nothing}");
    }
});

on_both!(words_are_their_authors_and_stand_in_no_event, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let region = Region::new(&world).await;
    let rosa = region.customer("Rosa").await;
    let subject = rosa.as_str();
    let ana = person(&region.ctx, "Ana", &["note.write", "event.read"], Scope::All);
    let luis = person(&region.ctx, "Luis", &["note.write"], Scope::All);
    let chief = person(&region.ctx, "Sara", &["note.write", "note.remove"], Scope::All);
    let words = "Portón azul 4711";
    let written = note_create(&ana, note(subject, words)).await.unwrap();
    note_create(&ana, note(subject, "después")).await.unwrap();
    let pin = NoteChange { text: None, pinned: Some(true) };
    let pinned = note_update(&luis, &written.id, 1, pin.clone()).await.unwrap();
    assert_eq!((pinned.pinned, pinned.version, pinned.author_name.as_str()), (true, 2, "Ana"));
    assert_eq!(texts(&luis, subject).await, [words, "después"], "what is pinned stands first");
    let change = |text: &str| NoteChange { text: Some(text.to_owned()), pinned: None };
    let others = note_update(&luis, &written.id, 2, change("suyo")).await;
    assert!(matches!(others, Err(Error::Conflict { code: "not_the_author", .. })), "{others:?}");
    let others = note_remove(&luis, &written.id).await;
    assert!(matches!(others, Err(Error::Conflict { code: "not_the_author", .. })), "{others:?}");
    let late = note_update(&ana, &written.id, 1, pin).await;
    assert!(matches!(late, Err(Error::VersionConflict { current: 2 })), "{late:?}");
    for wrong in ["  ".to_owned(), "ñ".repeat(4_001)] {
        assert!(matches!(note_create(&ana, note(subject, &wrong)).await, Err(Error::Invalid(_))));
        assert!(matches!(note_update(&ana, &written.id, 2, change(&wrong)).await, Err(Error::Invalid(_))));
    }
    note_remove(&chief, &written.id).await.unwrap();
    assert_eq!(texts(&luis, subject).await, ["después"]);

    let mut tx = region.ctx.begin_read().await.unwrap();
    let about = AuditFilter { entity_id: Some(written.id.to_string()), limit: 10, ..AuditFilter::default() };
    let rows = audit::list(&mut tx, &about).await.unwrap();
    let actions: Vec<_> = rows.iter().map(|row| row.action.as_str()).collect();
    assert_eq!(actions, ["note.remove", "note.write", "note.write"], "a removed one is in the trail");
    assert!(rows[0].before_state.as_ref().unwrap().contains(words) && rows[0].after_state.is_none());
    let filter = EventFilter { limit: 1_000, ..EventFilter::default() };
    let all = events::list(&mut tx, &filter).await.unwrap();
    tx.rollback().await.unwrap();
    assert!(!serde_json::to_string(&all).unwrap().contains("azul"), "events say that, and not what");
    let kinds = |events: Vec<events::Event>| -> Vec<String> {
        events.into_iter().map(|event| event.kind).filter(|kind| kind.starts_with("note.")).collect()
    };
    let expected = ["note.removed", "note.written", "note.written", "note.written"];
    assert_eq!(kinds(feed::visible(&ana, all.clone()).await.unwrap()), expected);
    let blind = someone(&region.ctx, &["event.read", "device.read", "audit.read"], Scope::All);
    assert!(kinds(feed::visible(&blind, all.clone()).await.unwrap()).is_empty(), "who sees no customers");
    let portal = person(&region.ctx, "Rosa", &["event.read"], Scope::Customer(rosa.clone()));
    assert!(kinds(feed::visible(&portal, all).await.unwrap()).is_empty(), "nor whom it is about");
});

on_both!(a_file_is_what_its_bytes_say, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let region = Region::new(&world).await;
    let rosa = region.customer("Rosa").await;
    let ana = person(&region.ctx, "Ana", &["note.write"], Scope::All);
    let luis = person(&region.ctx, "Luis", &["note.write"], Scope::All);
    let put =
        async |name: &str, bytes: &[u8]| file_create(&ana, &file(rosa.as_str(), name), bytes.to_vec()).await;
    for (name, bytes) in [("a.pdf", &b""[..]), ("a.pdf", b"MZ\x90\x00"), ("...", b"hola"), ("", b"hola")] {
        assert!(matches!(put(name, bytes).await, Err(Error::Invalid(_))), "{name:?} {bytes:?}");
    }
    let text = put("../run.bat", "echo hola\r\n".as_bytes()).await.unwrap();
    assert_eq!((text.name.as_str(), text.media_type.as_str()), ("run.bat.txt", "text/plain; charset=utf-8"));
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.resize(300_000, 7);
    let picture = put("torre.png", &bytes).await.unwrap();
    assert_eq!(picture.size, 300_000);
    assert!(file_download(&luis, &picture.id).await.unwrap().content == bytes);

    let others = file_remove(&luis, &text.id).await;
    assert!(matches!(others, Err(Error::Conflict { code: "not_the_author", .. })), "{others:?}");
    file_remove(&ana, &text.id).await.unwrap();
    assert!(is_not_found(&file_download(&ana, &text.id).await));
    let names = async || -> Vec<String> {
        let page = files_list(&ana, rosa.as_str(), &PageQuery::default()).await.unwrap();
        page.items.into_iter().map(|file| file.name).collect()
    };
    assert_eq!(names().await, ["torre.png"]);
});
