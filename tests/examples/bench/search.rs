//! The search among the customers of a large ISP, on both databases: what a person waits for behind each key that they press.

use std::time::Instant;

use atalaya_kernel::{
    Ctx, Permissions, Principal, Scope,
    db::{Dialect, sql},
    events::Subscriptions,
    ids::{CustomerId, SiteId},
    testing::{START, World},
    text::normalise,
    write_tx,
};
use atalaya_operations::search::{self, SOURCES, SearchQuery};
use atalaya_people::tenancy::{self, NewTenant};
use atalaya_places::sites::{self, NewSite};
use tokio::runtime::Runtime;

use crate::Options;
use crate::table::line;

/// Rows of one statement.
const CHUNK: u32 = 500;
/// Of a hundred customers: those of the site whose technician searches.
const OF_THE_SITE: u32 = 2;
const BEGINNINGS: [&str; 20] = [
    "Qui", "Ma", "Hua", "Con", "Flo", "Gar", "Rod", "Var", "Cas", "Gon", "San", "Ló", "Pé", "Ra", "Ñau",
    "Vil", "Cho", "Yu", "Apa", "Tor",
];
const ENDINGS: [&str; 25] = [
    "spe", "mani", "mán", "dori", "res", "cía", "ríguez", "gas", "tillo", "záles", "chez", "pez", "rez",
    "mos", "pa", "ca", "que", "panqui", "za", "rres", "llo", "sto", "ncori", "uri", "lla",
];
const GIVEN: [&str; 16] = [
    "Rosa", "José", "Luis", "María", "Ana", "Carlos", "Elena", "Juan", "Flor", "Miguel", "Carmen", "Pedro",
    "Lucía", "Víctor", "Inés", "Raúl",
];

/// A fictional name; some are common and most are rare, as names are.
fn name(number: u32) -> String {
    let scattered = number.wrapping_mul(2_654_435_761);
    let pick = |from: &[&'static str], bits: u32| {
        let share = f64::from(bits % 1_000) / 1_000.0;
        let at = (share * share * f64::from(u32::try_from(from.len()).unwrap())).floor();
        from.iter()
            .enumerate()
            .find(|(index, _)| f64::from(u32::try_from(*index).unwrap()) >= at)
            .map_or("", |(_, text)| text)
    };
    let surname = |bits: u32| format!("{}{}", pick(&BEGINNINGS, bits), pick(&ENDINGS, bits / 1_000));
    format!(
        "{} {}, {}",
        surname(scattered),
        surname(scattered.rotate_left(13)),
        pick(&GIVEN, scattered.rotate_left(7))
    )
}

fn document(number: u32) -> String {
    (40_000_000 + number * 7).to_string()
}

fn phone(number: u32) -> String {
    format!("9{:08}", number.wrapping_mul(7_919) % 100_000_000)
}

/// Prints median and 99th percentile of each sort of search.
pub(crate) fn measure(options: &Options, runtime: &Runtime) -> anyhow::Result<()> {
    for dialect in [Dialect::Sqlite, Dialect::Postgres] {
        runtime.block_on(on(dialect, options.customers))?;
    }
    Ok(())
}

async fn on(dialect: Dialect, customers: u32) -> anyhow::Result<()> {
    let world = World::new(dialect, Subscriptions::default()).await;
    let new = NewTenant {
        slug: "netandina".to_owned(),
        name: "NetAndina".to_owned(),
        country: "PE".to_owned(),
        currency: "PEN".parse().unwrap(),
        time_zone: "America/Lima".parse().unwrap(),
        locale: "es-419".to_owned(),
    };
    let (ctx, _) = tenancy::tenant_create(&world.runtime, new).await?;
    let site =
        |name: &str| NewSite { name: name.to_owned(), parent_id: None, latitude: None, longitude: None };
    let small = sites::site_create(&ctx, site("Isla Lejana")).await?.id;
    let large = sites::site_create(&ctx, site("Cerro Alto")).await?.id;
    let begin = Instant::now();
    for from in (0..customers).step_by(usize::try_from(CHUNK)?) {
        fill(&ctx, from..customers.min(from + CHUNK), &small, &large).await?;
    }
    let database = format!("{dialect:?}");
    let of = |what: &str| format!("{database}, {customers} customers: {what}");
    line(&of("rows written, s"), &format!("{:.1}", begin.elapsed().as_secs_f64()), "", "");
    let begin = Instant::now();
    let rebuilt = atalaya_kernel::search::rebuild(&ctx, SOURCES, None).await?;
    let rate = f64::from(u32::try_from(rebuilt.written)?) / begin.elapsed().as_secs_f64();
    line(&of("index made anew, customers/s"), &format!("{rate:.0}"), "", "");
    if dialect == Dialect::Postgres {
        world.tamper("ANALYZE").await;
    }

    let technician = Ctx::new(
        ctx.db().clone(),
        Principal::System("bench"),
        Permissions::All,
        Scope::Sites([small].into()),
        "bench",
    );
    for (who, ctx) in [("owner", &ctx), ("technician of 2 %", &technician)] {
        for (what, typed) in SEARCHES {
            let mut times = Vec::new();
            let mut found = 0;
            for round in 0..ROUNDS {
                let number = round.wrapping_mul(48_271) % customers;
                let query = SearchQuery { q: typed(number), limit: None };
                let begin = Instant::now();
                let result = search::search(ctx, &query).await?;
                times.push(begin.elapsed().as_secs_f64() * 1_000.0);
                found += usize::from(!result.items.is_empty());
            }
            times.sort_by(f64::total_cmp);
            let at = |percent: usize| times[(times.len() * percent).div_ceil(100) - 1];
            let figures = format!("{:.1}, {:.1}, {:.1}", at(50), at(99), at(100));
            line(
                &format!("{database}, {who}: {what}; p50, p99, most, ms"),
                &figures,
                "p99 < 50",
                &format!("found {found} of {ROUNDS}"),
            );
        }
    }
    Ok(())
}

/// Searches of each sort.
const ROUNDS: u32 = 300;

/// What is typed to find a customer.
type Typed = fn(u32) -> String;

const SEARCHES: [(&str, Typed); 8] = [
    ("surname", |number| first(number, 0)),
    ("three letters", |number| first(number, 0).chars().take(3).collect()),
    ("given name and surname", |number| format!("{} {}", first(number, 2), first(number, 0))),
    ("whole name", |number| name(number).replace(',', "")),
    ("mistyped", |number| {
        let mut letters: Vec<char> = first(number, 0).chars().collect();
        let middle = letters.len() / 2;
        letters.swap(middle - 1, middle);
        format!("{} {}", letters.into_iter().collect::<String>(), first(number, 1))
    }),
    ("document", document),
    ("end of a phone", |number| phone(number).chars().skip(3).collect()),
    ("nobody", |number| format!("xyzw{number} wvutsr")),
];

/// A word of somebody's name.
fn first(number: u32, word: usize) -> String {
    name(number).replace(',', "").split(' ').nth(word).unwrap_or_default().to_owned()
}

async fn fill(
    ctx: &Ctx,
    numbers: std::ops::Range<u32>,
    small: &SiteId,
    large: &SiteId,
) -> anyhow::Result<()> {
    let people: Vec<_> = numbers
        .map(|number| {
            let site = if number % 100 < OF_THE_SITE { small } else { large };
            (CustomerId::new(START), number, site)
        })
        .collect();
    write_tx!(ctx, tx => {
        let mut query = sql("INSERT INTO people_customer (tenant_id, id, name, name_key, search_text, document, phone, email, site_id, \
                             version, created_at, updated_at) VALUES ");
        for (row, (id, number, site)) in people.iter().enumerate() {
            let (name, email) = (name(*number), format!("cliente{number}@example.org"));
            query = query.push(if row == 0 { "(" } else { ", (" });
            let text = normalise(&format!("{name} {} {} {email}", document(*number), phone(*number)));
            for value in [ctx.tenant().as_str(), id.as_str(), &name, &normalise(&name), &text] {
                query = query.push_bind(value).push(", ");
            }
            for value in [document(*number), phone(*number), email, site.to_string()] {
                query = query.push_bind(value).push(", ");
            }
            query = query.push("1, ").push_bind(START).push(", ").push_bind(START).push(")");
        }
        query.execute(&mut tx).await?;
        Ok(())
    })?;
    Ok(())
}
