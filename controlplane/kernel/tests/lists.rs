//! A walk over all pages of a list gives each row once and in order, whatever is asked; on both databases.
#![allow(clippy::unwrap_used, clippy::panic)]

use atalaya_kernel::{
    Ctx, Error, Permissions, Principal, Scope,
    audit::Trail,
    dead_letters::DeadLetterList,
    ids::{JobId, TenantId},
    list::{Field, Kind, List, ListQuery, Select, Shape},
    on_both,
    page::Page,
    testing::World,
    write_tx,
};
use std::{cmp::Ordering, collections::BTreeMap};

const STATES: &[&str] = &["dead", "done", "pending"];

/// A table of the kernel that has what is needed: text and numbers, with and without NULL.
struct Jobs;

impl List for Jobs {
    const SHAPE: &'static Shape = &Shape {
        name: "jobs",
        fields: &[&[
            Field::by_hand("q", Kind::Search),
            Field::of("kind", Kind::Text, "j.kind").sorts().matches(),
            Field::of("state", Kind::Words(STATES), "j.state").sorts().matches(),
            Field::of("attempts", Kind::Int, "j.attempts").sorts().ranges(),
            Field::of("left", Kind::Int, "(10 - j.attempts)").sorts().ranges(),
            Field::of("is_dead", Kind::Bool, "(j.state = 'dead')").sorts().matches(),
            Field::of("error", Kind::Text, "j.error").sorts().matches().or_missing(),
            Field::of("dead_at", Kind::Instant, "j.dead_at").sorts().ranges().or_missing(),
            Field::of("created_at", Kind::Instant, "j.created_at").sorts_as("j.id", Kind::Id("job")).ranges(),
        ]],
        order: "kind",
        id: "j.id",
    };
}

/// The same rows as another list.
struct Others;

impl List for Others {
    const SHAPE: &'static Shape = &Shape { name: "others", ..*Jobs::SHAPE };
}

const ROWS: Select = Select {
    columns: "j.id, j.kind, j.state, j.attempts, j.error, j.dead_at",
    from: "kernel_job j WHERE j.tenant_id = ",
};

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
struct Row {
    id: JobId,
    kind: String,
    state: String,
    attempts: i64,
    error: Option<String>,
    dead_at: Option<i64>,
}

struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(self.0 >> 33).unwrap() % limit
    }
    fn number(&mut self, limit: usize) -> i64 {
        i64::try_from(self.below(limit)).unwrap()
    }
}

fn ctx(world: &World, number: u8) -> Ctx {
    let tenant: TenantId = format!("ten_01jd3k5m7nf8v9q0r1s2t3w4x{number}").parse().unwrap();
    Ctx::new(world.runtime.tenant(tenant), Principal::CommandLine, Permissions::All, Scope::All, "test")
}

/// A row with few different values, so that many are equal; a third of what may be missing is.
async fn make(ctx: &Ctx, random: &mut Random) -> Row {
    let row = Row {
        id: JobId::new(ctx.now()),
        kind: ["apple", "pear", "Äpfel"][random.below(3)].to_owned(),
        state: STATES[random.below(3)].to_owned(),
        attempts: random.number(4),
        error: ["away", "full"].get(random.below(3)).map(|&text| text.to_owned()),
        dead_at: (random.below(3) > 0).then(|| random.number(3)),
    };
    write_tx!(ctx, tx => {
        let tenant = tx.tenant().clone();
        atalaya_kernel::db::sql(
            "INSERT INTO kernel_job (id, tenant_id, kind, payload, dedupe_key, state, attempts, run_at, fence, error, \
             created_at, dead_at) VALUES ($1, $2, $3, '{}', $1, $4, $5, 0, 0, $6, 0, $7)",
        )
        .bind(&row.id)
        .bind(tenant)
        .bind(&row.kind)
        .bind(&row.state)
        .bind(row.attempts)
        .bind(&row.error)
        .bind(row.dead_at)
        .execute(&mut tx)
        .await?;
        Ok(())
    })
    .unwrap();
    row
}

async fn page<L: List>(ctx: &Ctx, pairs: &[(&str, &str)]) -> Result<Page<Row>, Error> {
    let asked = ListQuery::<L>::of(pairs.iter().copied())?;
    let mut tx = ctx.begin_read().await?;
    asked.fetch(&mut tx, ROWS, |query, _| query).await
}

/// What is missing comes last either way.
fn missing_last<T: Ord>(a: Option<T>, b: Option<T>, turned: bool) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) if turned => b.cmp(&a),
        (Some(a), Some(b)) => a.cmp(&b),
        (a, b) => a.is_none().cmp(&b.is_none()),
    }
}

/// The order that the words of `sort` stand for, said once more in another way.
fn compare(a: &Row, b: &Row, sort: &str) -> Ordering {
    let mut order = Ordering::Equal;
    let mut turned = false;
    for word in sort.split(',') {
        turned = word.starts_with('-');
        let one = match word.trim_start_matches('-') {
            "kind" => missing_last(Some(&a.kind), Some(&b.kind), turned),
            "state" => missing_last(Some(&a.state), Some(&b.state), turned),
            "attempts" => missing_last(Some(a.attempts), Some(b.attempts), turned),
            "left" => missing_last(Some(-a.attempts), Some(-b.attempts), turned),
            "is_dead" => missing_last(Some(a.state == "dead"), Some(b.state == "dead"), turned),
            "error" => missing_last(a.error.as_ref(), b.error.as_ref(), turned),
            "dead_at" => missing_last(a.dead_at, b.dead_at, turned),
            "created_at" => missing_last(Some(&a.id), Some(&b.id), turned),
            other => panic!("{other} is no order"),
        };
        order = order.then(one);
    }
    order.then(missing_last(Some(&a.id), Some(&b.id), turned))
}

/// One to three different names, each one way or the other.
fn any_sort(random: &mut Random) -> String {
    let words = Jobs::SHAPE.sort_words();
    let mut chosen: Vec<String> = Vec::new();
    for _ in 0..=random.below(3) {
        let word = words[random.below(words.len())].clone();
        if chosen.iter().all(|other| other.trim_start_matches('-') != word.trim_start_matches('-')) {
            chosen.push(word);
        }
    }
    chosen.join(",")
}

on_both!(a_walk_meets_each_row_once_and_in_order, |world: World| async move {
    let (ours, theirs) = (ctx(&world, 5), ctx(&world, 6));
    let mut random = Random(20_261_128);
    let mut there = BTreeMap::new();
    for _ in 0..60 {
        let row = make(&ours, &mut random).await;
        there.insert(row.id.clone(), row);
        make(&theirs, &mut random).await;
    }
    for round in 0..60 {
        let sort = any_sort(&mut random);
        let before = there.clone();
        let (mut met, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let limit = (1 + random.below(25)).to_string();
            let mut pairs = vec![("sort", sort.as_str()), ("limit", limit.as_str())];
            pairs.extend(cursor.iter().map(|cursor| ("cursor", cursor.as_str())));
            let found = page::<Jobs>(&ours, &pairs).await.unwrap();
            assert!(found.items.len() <= limit.parse::<usize>().unwrap());
            met.extend(found.items);
            cursor = found.next_cursor;
            if cursor.is_none() {
                break;
            }
            // Now and then something is added while somebody reads on.
            if round % 6 == 0 && there.len() < 200 {
                let row = make(&ours, &mut random).await;
                there.insert(row.id.clone(), row);
            }
        }
        for pair in met.windows(2) {
            assert_eq!(compare(&pair[0], &pair[1], &sort), Ordering::Less, "{sort}: {pair:?}");
        }
        let met: BTreeMap<_, _> = met.into_iter().map(|row| (row.id.clone(), row)).collect();
        for (id, row) in &before {
            assert_eq!(met.get(id), Some(row), "{sort}: left out");
        }
        assert!(met.iter().all(|(id, row)| there.get(id) == Some(row)), "{sort}: another tenant's");
    }
});

on_both!(filters_keep_what_they_say, |world: World| async move {
    let ours = ctx(&world, 5);
    let mut random = Random(7);
    let mut there = Vec::new();
    for _ in 0..80 {
        there.push(make(&ours, &mut random).await);
    }
    type Keeps = fn(&Row) -> bool;
    let cases: [(&[(&str, &str)], Keeps); 10] = [
        (&[("state", "dead,done")], |row| row.state != "pending"),
        (&[("state_not", "dead")], |row| row.state != "dead"),
        (&[("attempts_gte", "2")], |row| row.attempts >= 2),
        (&[("attempts_gt", "0"), ("attempts_lt", "3")], |row| (1..3).contains(&row.attempts)),
        (&[("left_lte", "8")], |row| row.attempts >= 2),
        (&[("error", "away")], |row| row.error.as_deref() == Some("away")),
        (&[("error_not", "away")], |row| row.error.as_deref() != Some("away")),
        (&[("error_set", "false")], |row| row.error.is_none()),
        (&[("dead_at_set", "true"), ("kind", "Äpfel")], |row| row.dead_at.is_some() && row.kind == "Äpfel"),
        (&[("is_dead", "true"), ("dead_at_gte", "1970-01-01T00:00:00.001Z")], |row| {
            row.state == "dead" && row.dead_at.is_some_and(|at| at >= 1)
        }),
    ];
    for (pairs, keeps) in cases {
        let pairs: Vec<_> = pairs.iter().copied().chain([("limit", "200"), ("sort", "created_at")]).collect();
        let found = page::<Jobs>(&ours, &pairs).await.unwrap().items;
        let expected: Vec<Row> = there.iter().filter(|row| keeps(row)).cloned().collect();
        assert!(!expected.is_empty() && expected.len() < there.len(), "{pairs:?} decides nothing");
        assert_eq!(found, expected, "{pairs:?}");
    }
});

on_both!(a_cursor_is_of_one_list_and_one_order, |world: World| async move {
    let ours = ctx(&world, 5);
    let mut random = Random(1);
    for _ in 0..4 {
        make(&ours, &mut random).await;
    }
    let first = page::<Jobs>(&ours, &[("sort", "-dead_at"), ("limit", "1")]).await.unwrap();
    let cursor = first.next_cursor.unwrap();
    let with = |sort| [("cursor", cursor.as_str()), ("sort", sort)];
    assert!(page::<Jobs>(&ours, &with("-dead_at")).await.is_ok());
    for sort in ["dead_at", "kind", "-dead_at,kind"] {
        assert_eq!(pointers(page::<Jobs>(&ours, &with(sort)).await), ["?cursor"], "{sort}");
    }
    assert_eq!(pointers(page::<Others>(&ours, &with("-dead_at")).await), ["?cursor"], "another list's");
    // Whoever writes one themselves is refused, and asks the database nothing it cannot compare.
    for made_up in ["", "x", "bm90IGpzb24"] {
        assert_eq!(pointers(page::<Jobs>(&ours, &[("cursor", made_up)]).await), ["?cursor"], "{made_up}");
    }
    for key in [r#"["a"]"#, r#"[null,"b"]"#, r#"["a",1]"#, r#"["a","b","c"]"#, "{}", "7"] {
        let made_up = encoded(&format!(r#"["jobs","kind",{key}]"#));
        assert_eq!(pointers(page::<Jobs>(&ours, &[("cursor", &made_up)]).await), ["?cursor"], "{key}");
    }
});

fn encoded(text: &str) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    URL_SAFE_NO_PAD.encode(text)
}

fn pointers<T: std::fmt::Debug>(outcome: Result<T, Error>) -> Vec<String> {
    match outcome {
        Err(Error::Invalid(errors)) => errors.into_iter().map(|error| error.pointer).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_a_list_does_not_have_is_refused_by_name() {
    for shape in [Jobs::SHAPE, DeadLetterList::SHAPE, Trail::SHAPE] {
        assert_eq!(shape.flaws(), Vec::<String>::new(), "{}", shape.name);
    }
    let refused = |pairs: &[(&str, &str)]| pointers(ListQuery::<Jobs>::of(pairs.iter().copied()));
    for (name, value) in [
        ("sort", "age"),
        ("sort", ""),
        ("sort", "kind,-kind"),
        ("sort", "kind,state,attempts,error"),
        ("sort", "q"),
        ("limit", "0"),
        ("limit", "201"),
        ("limit", "all"),
        ("age", "7"),
        ("kind_gte", "a"),
        ("attempts", "1"),
        ("state", "asleep"),
        ("state", "dead,asleep"),
        ("attempts_gte", "many"),
        ("dead_at_lt", "yesterday"),
        ("error_set", "perhaps"),
        ("state_set", "true"),
    ] {
        assert_eq!(refused(&[(name, value)]), [format!("?{name}")], "{name}={value}");
    }
    assert_eq!(refused(&[("state", "dead"), ("state", "done")]), ["?state"]);
    assert_eq!(refused(&[("age", "7"), ("limit", "0")]), ["?age", "?limit"], "all of it at once");
    let Err(Error::Invalid(errors)) = ListQuery::<Jobs>::of([("sort", "age")]) else { panic!("it is wrong") };
    assert!(errors[0].detail.contains("-dead_at"), "{}", errors[0].detail);
}

#[test]
fn the_document_says_what_a_list_takes() {
    use utoipa::IntoParams;
    let parameters = serde_json::to_value(ListQuery::<Jobs>::into_params(|| None)).unwrap();
    let of = |name: &str| {
        parameters.as_array().unwrap().iter().find(|parameter| parameter["name"] == name).cloned().unwrap()
    };
    let sort = of("sort");
    assert_eq!(
        (&sort["in"], &sort["explode"], &sort["required"]),
        (&"query".into(), &false.into(), &false.into())
    );
    assert!(sort["schema"]["items"]["enum"].as_array().unwrap().contains(&"-dead_at".into()), "{sort}");
    assert_eq!(of("state_not")["schema"]["items"]["enum"], serde_json::json!(STATES));
    assert_eq!(of("dead_at_gte")["schema"]["format"], "date-time");
    for name in Jobs::SHAPE.filter_names().iter().map(String::as_str).chain(["cursor", "limit"]) {
        assert_eq!(of(name)["in"], "query", "{name}");
    }
}
