//! Notes and files are with their thing and their tenant; words are their author's. On both databases.
#![allow(clippy::unwrap_used)]

use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope, blobs,
    ids::{TenantId, UserId},
    notes::{self, Note},
    on_both,
    page::PageQuery,
    secrets::rotation,
    testing::{START, World},
    write_tx,
};

const RAMON: &str = "cus_01jd3k5m7nf8v9q0r1s2t3w4x5";
const OTHER: &str = "cus_01jd3k5m7nf8v9q0r1s2t3w4x6";

fn tenant(number: u8) -> TenantId {
    format!("ten_01jd3k5m7nf8v9q0r1s2t3w4x{number}").parse().unwrap()
}

fn somebody(world: &World, of: u8, name: &str) -> Ctx {
    let principal = Principal::User { id: UserId::new(START), name: name.to_owned() };
    Ctx::new(world.runtime.tenant(tenant(of)), principal, Permissions::All, Scope::All, "test")
}

async fn write(ctx: &Ctx, subject: &str, text: &str) -> Note {
    write_tx!(ctx, tx => { notes::note_create(ctx, &mut tx, subject, text.to_owned()).await }).unwrap()
}

async fn texts(ctx: &Ctx, subject: &str) -> Vec<String> {
    let mut tx = ctx.begin_read().await.unwrap();
    let (mut texts, mut page) = (Vec::new(), PageQuery { limit: Some(2), cursor: None });
    loop {
        let found = notes::notes_list(&mut tx, subject, &page).await.unwrap();
        texts.extend(found.items.into_iter().map(|note| note.text));
        let Some(cursor) = found.next_cursor else { return texts };
        page.cursor = Some(cursor);
    }
}

on_both!(notes_are_with_their_thing, |world: World| async move {
    let (ana, luis, stranger) =
        (somebody(&world, 5, "Ana"), somebody(&world, 5, "Luis"), somebody(&world, 6, "Eva"));
    let mut made = Vec::new();
    for text in ["uno", "dos", "tres", "cuatro", "cinco"] {
        made.push(write(&ana, RAMON, text).await);
    }
    write(&luis, OTHER, "de otro").await;
    assert_eq!(texts(&ana, RAMON).await, ["cinco", "cuatro", "tres", "dos", "uno"]);
    assert_eq!(texts(&stranger, RAMON).await, Vec::<String>::new());

    let change = async |ctx: &Ctx, note: &Note, version, text: Option<&str>, pinned| {
        write_tx!(ctx, tx => {
            let before = notes::note_get(&mut tx, &note.id).await?;
            notes::note_update(ctx, &mut tx, &before, version, text.map(str::to_owned), pinned).await
        })
    };
    let pinned = change(&luis, &made[1], 1, None, Some(true)).await.unwrap();
    assert_eq!((pinned.pinned, pinned.version, pinned.author_name.as_str()), (true, 2, "Ana"));
    change(&luis, &made[0], 1, None, Some(true)).await.unwrap();
    assert_eq!(texts(&ana, RAMON).await, ["dos", "uno", "cinco", "cuatro", "tres"]);
    let others = change(&luis, &made[1], 2, Some("suyo"), None).await;
    assert!(matches!(others, Err(Error::Conflict { code: "not_the_author", .. })), "{others:?}");
    let late = change(&ana, &made[1], 1, Some("tarde"), None).await;
    assert!(matches!(late, Err(Error::VersionConflict { current: 2 })), "{late:?}");
    assert_eq!(change(&ana, &made[1], 2, Some("dos y medio"), None).await.unwrap().text, "dos y medio");
    assert!(matches!(change(&stranger, &made[1], 3, None, Some(false)).await, Err(Error::NotFound)));
    write_tx!(ana, tx => { notes::note_remove(&mut tx, &made[1]).await }).unwrap();
    assert_eq!(texts(&ana, RAMON).await, ["uno", "cinco", "cuatro", "tres"]);
});

on_both!(a_file_is_a_blob_with_a_name, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let (ana, stranger) = (somebody(&world, 5, "Ana"), somebody(&world, 6, "Eva"));
    write_tx!(ana, tx => { world.runtime.secrets.tenant_key_create(&mut tx, START).await }).unwrap();
    let stored = blobs::put(&ana, "file", b"contrato".to_vec()).await.unwrap();
    let file = write_tx!(ana, tx => {
        notes::file_create(&ana, &mut tx, RAMON, "contrato.txt", "text/plain", &stored).await
    })
    .unwrap();
    assert_eq!((file.size, file.author_name.as_str()), (8, "Ana"));
    assert_eq!(notes::file_content(&ana, &file).await.unwrap(), b"contrato");
    let listed = async |ctx: &Ctx, subject: &str| {
        let mut tx = ctx.begin_read().await.unwrap();
        notes::files_list(&mut tx, subject, &PageQuery::default()).await.unwrap().items
    };
    assert_eq!(listed(&ana, RAMON).await, std::slice::from_ref(&file));
    assert_eq!(listed(&ana, OTHER).await, []);
    assert_eq!(listed(&stranger, RAMON).await, []);
    let foreign = notes::file_get(&mut stranger.begin_read().await.unwrap(), &file.id).await;
    assert!(matches!(foreign, Err(Error::NotFound)));
    assert!(
        matches!(notes::file_content(&stranger, &file).await, Err(Error::NotFound)),
        "nor by a row of ours"
    );
    write_tx!(ana, tx => { notes::file_remove(&ana, &mut tx, &file).await }).unwrap();
    assert_eq!(listed(&ana, RAMON).await, []);
    assert!(matches!(notes::file_content(&ana, &file).await, Err(Error::NotFound)), "its blob went with it");
});

on_both!(a_thing_has_a_bounded_number_of_notes, |world: World| async move {
    let ana = somebody(&world, 5, "Ana");
    write_tx!(ana, tx => {
        for _ in 0..notes::MAX_NOTES {
            notes::note_create(&ana, &mut tx, RAMON, "uno".to_owned()).await?;
        }
        Ok(())
    })
    .unwrap();
    let over = write_tx!(ana, tx => { notes::note_create(&ana, &mut tx, RAMON, "otra".to_owned()).await });
    assert!(matches!(over, Err(Error::Conflict { code: "too_many", .. })), "{over:?}");
    write(&ana, OTHER, "de otro").await;
});

on_both!(a_thing_has_a_bounded_number_of_files, |world: World| async move {
    rotation::establish(&world.runtime, &[]).await.unwrap();
    let ana = somebody(&world, 5, "Ana");
    write_tx!(ana, tx => { world.runtime.secrets.tenant_key_create(&mut tx, START).await }).unwrap();
    let mut contents = Vec::new();
    for _ in 0..=notes::MAX_FILES {
        contents.push(blobs::put(&ana, "file", b"contrato".to_vec()).await.unwrap());
    }
    let (last, first) = contents.split_last().unwrap();
    write_tx!(ana, tx => {
        for content in first {
            notes::file_create(&ana, &mut tx, RAMON, "contrato.txt", "text/plain", content).await?;
        }
        Ok(())
    })
    .unwrap();
    let leave = async |subject: &str| write_tx!(ana, tx => { notes::file_create(&ana, &mut tx, subject, "otro.txt", "text/plain", last).await });
    let over = leave(RAMON).await;
    assert!(matches!(over, Err(Error::Conflict { code: "too_many", .. })), "{over:?}");
    leave(OTHER).await.unwrap();
});
