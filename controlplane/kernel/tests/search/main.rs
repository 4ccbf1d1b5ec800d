//! The search: what is typed finds what was written, nearest first, for whoever may see it and for nobody else; and the index is
//! at all times what it would be if it were made anew. On both databases.
#![allow(clippy::unwrap_used)]

mod rebuild;

use atalaya_kernel::{
    Ctx, Permission, Permissions, Principal, Scope,
    db::sql,
    ids::{CustomerId, SiteId, TenantId},
    on_both,
    search::{self, Closeness, Entry, Field, Hit, Kind, Text},
    testing::{START, World},
    write_tx,
};
use std::collections::BTreeSet;

const SEE_PHONE: Permission = Permission::new("person.see_phone");
const PERSON: Kind =
    Kind { name: "person", permission: Permission::new("person.read"), guarded: &[("phone", SEE_PHONE)] };
const PAPER: Kind = Kind { name: "paper", permission: Permission::new("paper.read"), guarded: &[] };
const KINDS: &[Kind] = &[PERSON, PAPER];
const TENANTS: [&str; 2] = ["ten_01jd3k5m7nf8v9q0r1s2t3w4x5", "ten_01jd3k5m7nf8v9q0r1s2t3w4x6"];

fn ctx(world: &World, number: usize) -> Ctx {
    let tenant: TenantId = TENANTS[number].parse().unwrap();
    Ctx::system(world.runtime.tenant(tenant), "test")
}

/// Somebody with these rights, who sees this.
fn somebody(of: &Ctx, rights: &[&str], scope: Scope) -> Ctx {
    let rights = Permissions::These(rights.iter().map(|right| (*right).to_owned()).collect());
    Ctx::new(of.db().clone(), Principal::System("test"), rights, scope, "test")
}

fn person(id: &str, name: &str, phone: &str) -> Entry {
    Entry {
        kind: PERSON.name,
        subject: id.to_owned(),
        seen_with: id.to_owned(),
        customer: None,
        sites: BTreeSet::new(),
        fields: vec![Field::new("name", Text::Words, name), Field::new("phone", Text::Number, phone)],
    }
}

fn paper(id: &str, number: u32, of: &Entry) -> Entry {
    Entry {
        kind: PAPER.name,
        subject: id.to_owned(),
        seen_with: of.subject.clone(),
        customer: of.customer.clone(),
        sites: BTreeSet::new(),
        fields: vec![Field::new("number", Text::Number, number.to_string())],
    }
}

async fn put(ctx: &Ctx, entry: &Entry) {
    write_tx!(ctx, tx => { search::put(&mut tx, entry, START).await }).unwrap();
}

async fn hits(ctx: &Ctx, typed: &str) -> Vec<Hit> {
    let mut tx = ctx.begin_read().await.unwrap();
    let hits = search::find(ctx, &mut tx, KINDS, typed).await.unwrap();
    tx.rollback().await.unwrap();
    hits
}

/// Subjects, nearest first.
async fn found(ctx: &Ctx, typed: &str) -> Vec<String> {
    hits(ctx, typed).await.into_iter().map(|hit| hit.subject).collect()
}

/// Rows of the index, of all tenants.
async fn index(world: &World) -> BTreeSet<Vec<String>> {
    let mut rows = BTreeSet::new();
    for (number, tenant) in TENANTS.iter().enumerate() {
        let mut tx = ctx(world, number).begin_read().await.unwrap();
        for text in [
            "SELECT 'entry', subject, kind, seen_with || COALESCE(customer_id, '') FROM kernel_search_entry WHERE tenant_id = $1",
            "SELECT 'word', word, subject, field FROM kernel_search_word WHERE tenant_id = $1",
            "SELECT 'place', subject, site_id, '' FROM kernel_search_place WHERE tenant_id = $1",
            "SELECT 'gram', gram, word, '' FROM kernel_search_gram WHERE tenant_id = $1",
        ] {
            let found: Vec<(String, String, String, String)> =
                sql(text).bind(*tenant).fetch_all(&mut tx).await.unwrap();
            rows.extend(found.into_iter().map(|(what, a, b, c)| vec![number.to_string(), what, a, b, c]));
        }
        tx.rollback().await.unwrap();
    }
    rows
}

on_both!(what_is_typed_finds_what_was_written, |world: World| async move {
    let ctx = ctx(&world, 0);
    for (id, name, phone) in [
        ("a", "Quispe Mamani, Rosa", "+51 987 654 321"),
        ("b", "Quispealaya Ñahui, José", "911 222 333"),
        ("c", "Gonzáles-Prada, María", "40112233"),
        ("d", "Rosales Quispe, Luis", "977 654 321"),
    ] {
        put(&ctx, &person(id, name, phone)).await;
    }
    for (typed, expected) in [
        ("rosa", vec!["a", "d"]),
        ("ROSA quispe", vec!["a", "d"]),
        ("quispe", vec!["a", "d", "b"]),
        ("nahui jose", vec!["b"]),
        ("josé ñahui", vec!["b"]),
        ("gonzales prada", vec!["c"]),
        ("gonzalesprada", vec!["c"]),
        ("987654", vec![]),
        ("51987", vec!["a"]),
        ("654321", vec!["a", "d"]),
        ("987 654-321", vec!["a"]),
        ("rosa 654321", vec!["a", "d"]),
        ("luis maria", vec![]),
        ("%", vec![]),
        ("_os", vec![]),
        ("' OR 1=1 --", vec![]),
    ] {
        assert_eq!(found(&ctx, typed).await, expected, "{typed}");
    }

    // Mistyped: swapped, missing, one too many, another; behind what is right.
    for (typed, expected) in [("quipse", "a"), ("mamni", "a"), ("gonzalez", "c"), ("mammani rosa", "a")] {
        let hits = hits(&ctx, typed).await;
        assert_eq!(
            hits.first().map(|hit| (hit.subject.as_str(), hit.closeness)),
            Some((expected, Closeness::Typo)),
            "{typed}"
        );
    }
    assert_eq!(hits(&ctx, "joseee jose").await, [], "two mistakes in a short word make another word");
    let rosa = hits(&ctx, "rosa").await;
    assert_eq!((rosa[0].field.as_str(), rosa[0].closeness), ("name", Closeness::Exact));
    assert_eq!(rosa[1].closeness, Closeness::Beginning);
    assert_eq!(hits(&ctx, "51987").await[0].field, "phone");
    assert_eq!(found(&ctx, "987654320").await, Vec::<String>::new(), "a digit is never guessed");

    // What is changed or gone is not found by what it was.
    put(&ctx, &person("a", "Huamán Rosa", "")).await;
    assert_eq!(found(&ctx, "mamani").await, Vec::<String>::new());
    assert_eq!(found(&ctx, "huaman").await, ["a"]);
    assert_eq!(found(&ctx, "51987").await, Vec::<String>::new());
    write_tx!(ctx, tx => { search::remove(&mut tx, "a").await }).unwrap();
    assert_eq!(found(&ctx, "huaman").await, Vec::<String>::new());
    assert!(
        !index(&world).await.iter().any(|row| row.contains(&"huaman".to_owned())),
        "nor is the word kept"
    );
});

on_both!(nobody_finds_what_they_may_not_see, |world: World| async move {
    let (ours, theirs) = (ctx(&world, 0), ctx(&world, 1));
    let sites: Vec<SiteId> = (0..2).map(|_| SiteId::new(START)).collect();
    let customer = CustomerId::new(START);
    let mut rosa = person("a", "Quispe Rosa", "987654321");
    rosa.sites.insert(sites[0].clone());
    rosa.customer = Some(customer.clone());
    put(&ours, &rosa).await;
    put(&ours, &paper("p", 1_234, &rosa)).await;
    assert_eq!(found(&theirs, "quispe").await, Vec::<String>::new());
    assert_eq!(found(&theirs, "quipse").await, Vec::<String>::new(), "not even what words there are");

    let all = ["person.read", "paper.read", "person.see_phone"];
    let sees = async |rights: &[&str], scope: Scope| {
        let who = somebody(&ours, rights, scope);
        let mut seen = Vec::new();
        for typed in ["quispe", "987654321", "1234"] {
            seen.extend(found(&who, typed).await);
        }
        seen
    };
    assert_eq!(sees(&all, Scope::All).await, ["a", "a", "p"]);
    assert_eq!(sees(&["person.read"], Scope::All).await, ["a"], "neither phones nor papers");
    assert_eq!(sees(&["paper.read", "person.see_phone"], Scope::All).await, ["p"]);
    assert_eq!(sees(&[], Scope::All).await, Vec::<String>::new());
    assert_eq!(sees(&all, Scope::Sites(BTreeSet::from([sites[0].clone()]))).await, ["a", "a", "p"]);
    assert_eq!(sees(&all, Scope::Sites(BTreeSet::from([sites[1].clone()]))).await, Vec::<String>::new());
    assert_eq!(sees(&all, Scope::Sites(BTreeSet::new())).await, Vec::<String>::new());
    assert_eq!(sees(&all, Scope::Customer(customer)).await, ["a", "a", "p"]);
    assert_eq!(sees(&all, Scope::Customer(CustomerId::new(START))).await, Vec::<String>::new());

    // A further site, as when a service is made there.
    write_tx!(ours, tx => { search::place(&mut tx, "a", &sites[1]).await }).unwrap();
    assert_eq!(sees(&all, Scope::Sites(BTreeSet::from([sites[1].clone()]))).await, ["a", "a", "p"]);

    // Words of whom one may not find by must not help to find by others either.
    let blind = somebody(&ours, &["person.read"], Scope::All);
    assert_eq!(found(&blind, "rosa 987654321").await, Vec::<String>::new());
    assert_eq!(found(&blind, "rosa quispe").await, ["a"]);
});

on_both!(the_nearest_are_kept_when_there_are_many, |world: World| async move {
    let ctx = ctx(&world, 0);
    write_tx!(ctx, tx => {
        for number in 0..search::CANDIDATES * 2 {
            search::put(&mut tx, &person(&format!("x{number:04}"), &format!("Rosales N{number}"), ""), START).await?;
        }
        search::put(&mut tx, &person("z", "Rosal Luis", ""), START).await
    })
    .unwrap();
    let found = found(&ctx, "rosal").await;
    assert_eq!(found.len(), search::CANDIDATES);
    assert_eq!(found[0], "z", "the word itself, though made last");
    assert_eq!(hits(&ctx, "rosales n150").await[0].subject, "x0150");
    assert_eq!(
        hits(&ctx, &"rosales ".repeat(99)).await.len(),
        search::CANDIDATES,
        "the rest of a long text is not looked at"
    );
});
