//! The chain over audit rows: whoever touches them in the database is found, and the first bad row is named.
#![allow(clippy::unwrap_used, clippy::panic)]

use atalaya_kernel::{
    Ctx, Principal,
    audit::{self, AuditFilter, Entry, ExportedHead, Fault, Verified},
    events::EntityRef,
    ids::TenantId,
    list::ListQuery,
    on_both,
    testing::{START, World},
    write_tx,
};

/// A tenant with so many rows, sealed.
async fn trail(world: &World, rows: usize) -> Ctx {
    let ctx = Ctx::system(world.runtime.tenant(TenantId::new(START)), "test");
    recorded(&ctx, rows).await;
    assert_eq!(audit::seal(&ctx).await.unwrap(), rows);
    ctx
}

async fn recorded(ctx: &Ctx, rows: usize) {
    for number in 0..rows {
        write_tx!(ctx, tx => {
            let entity = EntityRef::new("customer", format!("cus_{number}"));
            let entry = Entry::new("customer.write", entity).before(&number)?.after(&"Rosa Quispe")?.reason("asked");
            audit::record(ctx, &mut tx, entry).await
        })
        .unwrap();
    }
}

async fn exported(ctx: &Ctx) -> ExportedHead {
    let head = audit::head(ctx).await.unwrap();
    ExportedHead { trail: head.trail, position: head.position, chain: head.chain }
}

fn holding(rows: i64) -> Result<Verified, Fault> {
    Ok(Verified { rows, erased: 0, unsealed: 0 })
}

/// Id of the row at a position.
async fn id_at(ctx: &Ctx, position: i64) -> String {
    let filter = AuditFilter { limit: 1_000, ..AuditFilter::default() };
    let rows = audit::list(&mut ctx.begin_read().await.unwrap(), &filter).await.unwrap();
    rows.iter().find(|row| row.position == Some(position)).unwrap().id.to_string()
}

on_both!(a_trail_is_sealed_behind_the_changes_and_its_lag_is_shown, |world: World| async move {
    let ctx = trail(&world, 300).await;
    let stranger = trail(&world, 2).await;
    assert_eq!(audit::verify(&ctx, &[]).await.unwrap(), holding(300));
    recorded(&ctx, 1).await;
    world.clock.advance_millis(4_000);
    let head = audit::head(&ctx).await.unwrap();
    assert_eq!((head.position, head.unsealed, head.lag_ms), (300, 1, 4_000));
    assert_eq!(audit::verify(&ctx, &[]).await.unwrap(), Ok(Verified { rows: 300, erased: 0, unsealed: 1 }));
    assert_eq!(audit::seal(&ctx).await.unwrap(), 1);
    let head = audit::head(&ctx).await.unwrap();
    assert_eq!((head.position, head.unsealed, head.lag_ms), (301, 0, 0));
    assert_eq!(audit::verify(&ctx, &[exported(&ctx).await]).await.unwrap(), holding(301));
    // Another's head says nothing of this trail.
    assert_eq!(audit::verify(&stranger, &[exported(&ctx).await]).await.unwrap(), holding(2));
});

on_both!(a_changed_row_is_named, |world: World| async move {
    for (position, set) in [
        (1, "action = 'customer.read'"),
        (3, "actor_name = 'somebody else'"),
        (4, "after_state = NULL"),
        (5, "reason = 'another'"),
        (6, "occurred_at = occurred_at - 1"),
        (8, "content_salt = NULL"),
        (9, "chain = actor_hash"),
        (10, "actor_id = 'usr_other'"),
    ] {
        let ctx = trail(&world, 10).await;
        let tenant = ctx.tenant();
        let id = id_at(&ctx, position).await;
        world
            .tamper(&format!(
                "UPDATE kernel_audit SET {set} WHERE tenant_id = '{tenant}' AND position = {position}"
            ))
            .await;
        assert_eq!(audit::verify(&ctx, &[]).await.unwrap(), Err(Fault::Changed { id, position }), "{set}");
    }
    // Two rows that change places, whole as they are.
    let ctx = trail(&world, 5).await;
    let (tenant, id) = (ctx.tenant(), id_at(&ctx, 4).await);
    for swap in [
        "position = -2 WHERE position = 2",
        "position = 2 WHERE position = 4",
        "position = 4 WHERE position = -2",
    ] {
        world.tamper(&format!("UPDATE kernel_audit SET {swap} AND tenant_id = '{tenant}'")).await;
    }
    assert_eq!(audit::verify(&ctx, &[]).await.unwrap(), Err(Fault::Changed { id, position: 2 }));
});

on_both!(a_missing_row_and_a_cut_off_end_are_found, |world: World| async move {
    let ctx = trail(&world, 10).await;
    let tenant = ctx.tenant();
    let next = id_at(&ctx, 5).await;
    world.tamper(&format!("DELETE FROM kernel_audit WHERE tenant_id = '{tenant}' AND position = 4")).await;
    let gap = Fault::Gap { position: 4, next, next_position: 5 };
    assert_eq!(audit::verify(&ctx, &[]).await.unwrap(), Err(gap));

    let ctx = trail(&world, 10).await;
    let (tenant, kept) = (ctx.tenant(), exported(&ctx).await);
    world.tamper(&format!("DELETE FROM kernel_audit WHERE tenant_id = '{tenant}' AND position > 7")).await;
    let cut = |whose| Err(Fault::Truncated { rows: 7, head: 10, whose });
    assert_eq!(audit::verify(&ctx, &[]).await.unwrap(), cut("its head"));
    // Who makes the head fit as well is found by one that was exported before, and not otherwise.
    world
        .tamper(&format!(
            "UPDATE kernel_audit_head SET position = 7, chain = (SELECT chain FROM kernel_audit \
             WHERE tenant_id = '{tenant}' AND position = 7) WHERE tenant_id = '{tenant}'"
        ))
        .await;
    assert_eq!(audit::verify(&ctx, &[]).await.unwrap(), holding(7));
    assert_eq!(audit::verify(&ctx, std::slice::from_ref(&kept)).await.unwrap(), cut("an exported head"));
    assert!(!audit::continues(&ctx, &kept).await.unwrap());
    // Also when new rows have taken the places of the old ones.
    recorded(&ctx, 3).await;
    audit::seal(&ctx).await.unwrap();
    assert_eq!(audit::verify(&ctx, &[]).await.unwrap(), holding(10));
    let rewritten = Fault::Rewritten { position: 10, whose: "an exported head" };
    assert_eq!(audit::verify(&ctx, &[kept]).await.unwrap(), Err(rewritten));

    // A row that nobody sealed claims the next place.
    let ctx = trail(&world, 2).await;
    recorded(&ctx, 1).await;
    let tenant = ctx.tenant();
    world
        .tamper(&format!(
            "UPDATE kernel_audit SET position = 3 WHERE tenant_id = '{tenant}' AND position IS NULL"
        ))
        .await;
    assert_eq!(audit::verify(&ctx, &[]).await.unwrap(), Err(Fault::Beyond { position: 3, head: 2 }));
});

on_both!(the_whole_chain_written_anew_is_found_by_an_exported_head, |world: World| async move {
    let ctx = trail(&world, 6).await;
    let (tenant, kept) = (ctx.tenant(), exported(&ctx).await);
    for statement in [
        "UPDATE kernel_audit SET action = 'nothing.happened', position = NULL",
        "DELETE FROM kernel_audit_head",
    ] {
        world.tamper(&format!("{statement} WHERE tenant_id = '{tenant}'")).await;
    }
    assert_eq!(audit::seal(&ctx).await.unwrap(), 6);
    assert_eq!(audit::verify(&ctx, &[]).await.unwrap(), holding(6));
    let rewritten = Fault::Rewritten { position: 6, whose: "an exported head" };
    assert_eq!(audit::verify(&ctx, &[kept]).await.unwrap(), Err(rewritten));
});

on_both!(erasing_a_persons_values_keeps_the_chain, |world: World| async move {
    let ctx = trail(&world, 5).await;
    let kept = exported(&ctx).await;
    let erased =
        write_tx!(ctx, tx => { audit::erase_content(&mut tx, &["cus_2".to_owned()]).await }).unwrap();
    assert_eq!(erased, 1);
    let one = Ok(Verified { rows: 5, erased: 1, unsealed: 0 });
    assert_eq!(audit::verify(&ctx, std::slice::from_ref(&kept)).await.unwrap(), one);
    let filter = AuditFilter { limit: 10, ..AuditFilter::default() };
    let rows = audit::list(&mut ctx.begin_read().await.unwrap(), &filter).await.unwrap();
    for row in &rows {
        let gone = row.entity_id == "cus_2";
        assert_eq!((row.content_erased, row.after_state.is_none(), row.reason.is_none()), (gone, gone, gone));
    }
    assert_eq!(write_tx!(ctx, tx => { audit::erase_actor(&mut tx, "test").await }).unwrap(), 5);
    let all = Ok(Verified { rows: 5, erased: 5, unsealed: 0 });
    assert_eq!(audit::verify(&ctx, &[kept]).await.unwrap(), all);
    // What was erased cannot come back as something else.
    let tenant = ctx.tenant();
    let id = id_at(&ctx, 3).await;
    world
        .tamper(&format!(
            "UPDATE kernel_audit SET after_state = '1' WHERE tenant_id = '{tenant}' AND position = 3"
        ))
        .await;
    assert_eq!(audit::verify(&ctx, &[]).await.unwrap(), Err(Fault::Changed { id, position: 3 }));
});

on_both!(several_sealers_at_once_make_one_chain, |world: World| async move {
    let ctx = Ctx::system(world.runtime.tenant(TenantId::new(START)), "test");
    recorded(&ctx, 600).await;
    // A second process on the same database, with connections of its own.
    let other = world.another().await;
    let other = Ctx::system(other.tenant(ctx.tenant().clone()), "test");
    let mut sealers = tokio::task::JoinSet::new();
    for ctx in [ctx.clone(), ctx.clone(), other.clone(), other] {
        sealers.spawn(async move { audit::seal(&ctx).await.unwrap() });
    }
    let mut sealed = 0;
    while let Some(count) = sealers.join_next().await {
        sealed += count.unwrap();
    }
    assert_eq!(sealed, 600, "each row by one of them");
    assert_eq!(audit::verify(&ctx, &[]).await.unwrap(), holding(600));
});

on_both!(the_installations_own_trail_is_sealed_too, |world: World| async move {
    let platform = world.platform();
    for number in 0..4 {
        write_tx!(platform, tx => {
            let entry = Entry::new("schema.migrate", EntityRef::new("schema", number));
            audit::record_platform(&mut tx, &Principal::CommandLine, "cli-test", START, entry).await
        })
        .unwrap();
    }
    assert_eq!(audit::seal_platform(&world.runtime).await.unwrap(), 4);
    assert_eq!(audit::verify_platform(&platform, &[]).await.unwrap(), holding(4));
    let head = audit::head_platform(&platform, START).await.unwrap();
    let kept = ExportedHead { trail: head.trail, position: head.position, chain: head.chain };
    assert_eq!((kept.trail.as_str(), kept.position), (audit::PLATFORM, 4));
    assert!(audit::continues_platform(&platform, &kept).await.unwrap());
    world.tamper("DELETE FROM kernel_platform_audit WHERE position = 4").await;
    let cut = Fault::Truncated { rows: 3, head: 4, whose: "its head" };
    assert_eq!(audit::verify_platform(&platform, &[kept]).await.unwrap(), Err(cut));
    world.tamper("UPDATE kernel_platform_audit SET entity_id = '9' WHERE position = 2").await;
    let found = audit::verify_platform(&platform, &[]).await.unwrap();
    assert!(matches!(found, Err(Fault::Changed { position: 2, .. })), "{found:?}");
});

on_both!(a_trail_is_searched_by_who_what_and_when, |world: World| async move {
    let ctx = trail(&world, 3).await;
    world.clock.advance_millis(60_000);
    write_tx!(ctx, tx => {
        audit::record(&ctx, &mut tx, Entry::new("invoice.void", EntityRef::new("invoice", "inv_1"))).await
    })
    .unwrap();
    let find = |filter: AuditFilter| {
        let ctx = ctx.clone();
        async move {
            let filter = AuditFilter { limit: 10, ..filter };
            let rows = audit::list(&mut ctx.begin_read().await.unwrap(), &filter).await.unwrap();
            rows.into_iter().map(|row| row.entity_id).collect::<Vec<_>>()
        }
    };
    let later = START.plus_millis(60_000);
    let text = |text: &str| Some(text.to_owned());
    for (filter, expected) in [
        (AuditFilter::default(), vec!["inv_1", "cus_2", "cus_1", "cus_0"]),
        (AuditFilter { actions: vec!["invoice.*".to_owned()], ..AuditFilter::default() }, vec!["inv_1"]),
        (
            AuditFilter {
                actions: vec!["customer.write".to_owned(), "x.y".to_owned()],
                ..AuditFilter::default()
            },
            vec!["cus_2", "cus_1", "cus_0"],
        ),
        (AuditFilter { entity_kind: text("invoice"), ..AuditFilter::default() }, vec!["inv_1"]),
        (AuditFilter { entity_id: text("cus_1"), ..AuditFilter::default() }, vec!["cus_1"]),
        (AuditFilter { actor_id: text("somebody"), ..AuditFilter::default() }, vec![]),
        (
            AuditFilter { actor_kind: text("system"), from: Some(later), ..AuditFilter::default() },
            vec!["inv_1"],
        ),
        (
            AuditFilter { request_id: text("test"), to: Some(later), ..AuditFilter::default() },
            vec!["cus_2", "cus_1", "cus_0"],
        ),
    ] {
        assert_eq!(find(filter.clone()).await, expected, "{filter:?}");
    }
    let later = later.to_string();
    type Case<'c> = (&'c [(&'c str, &'c str)], &'c [&'c str]);
    let cases: [Case<'_>; 7] = [
        (&[], &["inv_1", "cus_2", "cus_1", "cus_0"]),
        (&[("sort", "occurred_at"), ("limit", "3")], &["cus_0", "cus_1", "cus_2"]),
        (&[("action", "invoice.*")], &["inv_1"]),
        (&[("action", "customer.write, x.y"), ("to", &later)], &["cus_2", "cus_1", "cus_0"]),
        (&[("entity_id", "cus_1,inv_1"), ("actor_kind", "system")], &["inv_1", "cus_1"]),
        (&[("from", &later), ("occurred_at_gte", &later)], &["inv_1"]),
        (&[("actor", "somebody")], &[]),
    ];
    for (pairs, expected) in cases {
        let asked = ListQuery::of(pairs.iter().copied()).unwrap();
        let page = audit::page(&mut ctx.begin_read().await.unwrap(), &asked).await.unwrap();
        let found: Vec<_> = page.items.iter().map(|row| row.entity_id.as_str()).collect();
        assert_eq!(found, expected, "{pairs:?}");
    }
});
