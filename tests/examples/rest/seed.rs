//! Customers straight into the table: by the API so many take minutes.

use atalaya_kernel::{
    ids::CustomerId,
    time::{Clock, SystemClock},
};
use sqlx::{AssertSqlSafe, Connection, Executor};
use std::fmt::Write;

/// Rows of one statement.
const BATCH: u32 = 1_000;
/// Ids that are asked for, spread over all.
const ASKED: u32 = 2_000;

/// Name of a customer in the order of its number.
fn name(number: u32) -> String {
    format!("cliente {number:07}")
}

/// Where pages of the bare handler begin.
pub(crate) fn places(customers: u32) -> impl Iterator<Item = u32> {
    const PAGES: u32 = 200;
    (0..PAGES).map(move |page| customers / PAGES * page)
}

/// Makes them; ids all over.
pub(crate) async fn customers(url: &str, tenant: &str, count: u32) -> anyhow::Result<Vec<String>> {
    let now = SystemClock.now();
    let mut asked = Vec::new();
    let mut statements = Vec::new();
    for from in (0..count).step_by(BATCH as usize) {
        let mut values = String::new();
        for number in from..count.min(from + BATCH) {
            let id = CustomerId::new(now);
            let (name, comma) = (name(number), if number == from { "" } else { "," });
            write!(
                values,
                "{comma}('{tenant}','{id}','{name}','{name}','{name} {number:08} 9{number:08}','{number:08}','9{number:08}',\
                 'c{number}@correo.example','Jirón {number}',NULL,NULL,1,{at},{at})",
                at = now.as_millis()
            )?;
            if number % (count / ASKED).max(1) == 0 {
                asked.push(id.to_string());
            }
        }
        statements.push(format!(
            "INSERT INTO people_customer (tenant_id,id,name,name_key,search_text,document,phone,email,address,notes,site_id,\
             version,created_at,updated_at) VALUES {values}"
        ));
    }
    if url.starts_with("sqlite:") {
        let mut db = sqlx::SqliteConnection::connect(url).await?;
        db.execute("BEGIN").await?;
        for statement in statements {
            db.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await?;
        }
        db.execute("COMMIT").await?;
        db.close().await?;
    } else {
        let mut db = sqlx::PgConnection::connect(url).await?;
        let mut tx = db.begin().await?;
        tx.execute(sqlx::raw_sql(AssertSqlSafe(format!(
            "SELECT set_config('atalaya.tenant', '{tenant}', true)"
        ))))
        .await?;
        for statement in statements {
            tx.execute(sqlx::raw_sql(AssertSqlSafe(statement))).await?;
        }
        tx.commit().await?;
        db.close().await?;
    }
    Ok(asked)
}
