use super::Said;
use crate::imports::{
    ImportRow, RowResult, RowsWanted,
    rules::{
        Bin, Candidate, Circumstances, Decision, Doubt, FoundRow, Intent, Read, Reason, draft, intent, is_cut,
    },
};
use atalaya_kernel::{
    Error,
    db::{DbError, Query, TenantTx, Value, sql},
    ids::{AttachmentId, CustomerId, ImportId, ServiceId},
    text::like_anywhere,
};

/// Rows of one statement: SQLite and its driver look for each `$n` among all those before it.
const ROWS: usize = 40;

/// A row as it is stored.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct RowRecord {
    pub(crate) row_name: String,
    pub(crate) found: String,
    pub(crate) search_text: String,
    pub(crate) bin: Bin,
    pub(crate) candidates: String,
    pub(crate) doubts: String,
    pub(crate) companion_of: Option<String>,
    pub(crate) said: Option<String>,
    pub(crate) group_name: Option<String>,
    pub(crate) decision: Option<Decision>,
    pub(crate) result: Option<RowResult>,
    pub(crate) failure: Option<String>,
    pub(crate) failure_code: Option<String>,
    pub(crate) customer_id: Option<CustomerId>,
    pub(crate) service_id: Option<ServiceId>,
    pub(crate) attachment_id: Option<AttachmentId>,
    pub(crate) made_customer: bool,
    pub(crate) made_service: bool,
    pub(crate) service_version: Option<i64>,
}

fn json<T: serde::de::DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_json::from_str(text).map_err(Error::internal)
}

impl RowRecord {
    pub(crate) fn found(&self) -> Result<FoundRow, Error> {
        json(&self.found)
    }
    pub(crate) fn candidates(&self) -> Result<Vec<Candidate>, Error> {
        json(&self.candidates)
    }
    pub(crate) fn read(&self) -> Result<Option<Read>, Error> {
        self.said.as_deref().map(json).transpose()
    }
    /// What would be done with it, and whether what is made would be cut.
    pub(crate) fn intent(&self, said: &Said) -> Result<(Intent, bool), Error> {
        let candidates = self.candidates()?;
        let reasons: &[Reason] = candidates.first().map_or(&[], |first| first.reasons.as_slice());
        let meaning = self.group_name.as_deref().and_then(|group| said.meaning(group));
        let in_group = self.group_name.is_some();
        let row = Circumstances {
            bin: self.bin,
            reasons,
            decision: self.decision,
            names_service: self.service_id.is_some(),
            in_group,
            meaning,
        };
        let does = intent(row);
        let makes_service = matches!(does, Intent::AddService | Intent::MakeCustomer);
        Ok((does, makes_service && is_cut(in_group, meaning)))
    }
    /// As the API shows it.
    pub(crate) fn shown(self, said: &Said) -> Result<ImportRow, Error> {
        let (found, read) = (self.found()?, self.read()?);
        let (intent, cut) = self.intent(said)?;
        let doubts: Vec<Doubt> = json(&self.doubts)?;
        Ok(ImportRow {
            draft: draft(&found, read.as_ref()),
            candidates: self.candidates()?,
            doubts,
            intent,
            cut,
            read,
            key: self.row_name,
            kind: found.kind,
            user: found.user,
            comment: found.comment,
            address: found.address,
            mac: found.mac,
            profile: found.profile,
            disabled: found.disabled,
            bin: self.bin,
            companion_of: self.companion_of,
            group: self.group_name,
            decision: self.decision,
            result: self.result,
            failure: self.failure,
            failure_code: self.failure_code,
            customer_id: self.customer_id,
            service_id: self.service_id,
            attachment_id: self.attachment_id,
        })
    }
}

fn of_import(tx: &TenantTx, import: &ImportId) -> Query {
    sql("SELECT row_name, found, search_text, bin, candidates, doubts, companion_of, said, group_name, decision, result, failure, \
         failure_code, customer_id, service_id, attachment_id, made_customer, made_service, service_version \
         FROM network_import_row WHERE tenant_id = ")
    .push_bind(tx.tenant())
    .push(" AND import_id = ")
    .push_bind(import)
}

/// Rows of a new import.
pub(crate) async fn rows_insert(
    tx: &mut TenantTx,
    import: &ImportId,
    rows: &[RowRecord],
) -> Result<(), DbError> {
    for chunk in rows.chunks(ROWS) {
        let mut query = sql(
            "INSERT INTO network_import_row (tenant_id, import_id, row_name, found, search_text, bin, candidates, doubts, \
             companion_of, said, group_name, customer_id, service_id, made_customer, made_service) VALUES ",
        );
        for (number, row) in chunk.iter().enumerate() {
            let values: [Value; 15] = [
                tx.tenant().into(),
                import.into(),
                (&row.row_name).into(),
                (&row.found).into(),
                (&row.search_text).into(),
                row.bin.into(),
                (&row.candidates).into(),
                (&row.doubts).into(),
                (&row.companion_of).into(),
                (&row.said).into(),
                (&row.group_name).into(),
                (&row.customer_id).into(),
                (&row.service_id).into(),
                row.made_customer.into(),
                row.made_service.into(),
            ];
            query = query.push(if number == 0 { "" } else { ", " }).push_list(values);
        }
        query.execute(tx).await?;
    }
    Ok(())
}

pub(crate) async fn rows_all(tx: &mut TenantTx, import: &ImportId) -> Result<Vec<RowRecord>, DbError> {
    of_import(tx, import).push(" ORDER BY row_name").fetch_all(tx).await
}

pub(crate) async fn rows_by_names(
    tx: &mut TenantTx,
    import: &ImportId,
    names: &[String],
) -> Result<Vec<RowRecord>, DbError> {
    of_import(tx, import).push(" AND row_name IN ").push_list(names).fetch_all(tx).await
}

pub(crate) async fn rows_list(
    tx: &mut TenantTx,
    import: &ImportId,
    wanted: &RowsWanted,
    after: Option<String>,
    limit: i64,
) -> Result<Vec<RowRecord>, DbError> {
    let mut query = of_import(tx, import);
    if let Some(bin) = wanted.bin {
        query = query.push(" AND bin = ").push_bind(bin);
    }
    if let Some(group) = &wanted.group {
        query = query.push(" AND group_name = ").push_bind(group);
    }
    if let Some(result) = wanted.result {
        query = query.push(" AND result = ").push_bind(result);
    }
    if wanted.undecided {
        query = query.push(" AND decision IS NULL AND result IS NULL");
    }
    for word in wanted.text.as_deref().unwrap_or_default().split_whitespace() {
        query = query.push(" AND search_text LIKE ").push_bind(like_anywhere(word)).push(" ESCAPE '\\'");
    }
    if let Some(after) = after {
        query = query.push(" AND row_name > ").push_bind(after);
    }
    query.push(" ORDER BY row_name LIMIT ").push_bind(limit).fetch_all(tx).await
}

/// Rows behind one with which something may be to be done: decided about, or exact.
pub(crate) async fn rows_to_do(
    tx: &mut TenantTx,
    import: &ImportId,
    after: &str,
    limit: i64,
) -> Result<Vec<RowRecord>, DbError> {
    of_import(tx, import)
        .push(" AND (result IS NULL OR result = 'failed') AND (decision IN ('accept', 'create') OR (decision IS NULL AND bin = 'exact')) \
               AND row_name > ")
        .push_bind(after)
        .push(" ORDER BY row_name LIMIT ")
        .push_bind(limit)
        .fetch_all(tx)
        .await
}

/// Rows behind one that were done.
pub(crate) async fn rows_made(
    tx: &mut TenantTx,
    import: &ImportId,
    after: &str,
    limit: i64,
) -> Result<Vec<RowRecord>, DbError> {
    of_import(tx, import)
        .push(" AND result = 'made' AND row_name > ")
        .push_bind(after)
        .push(" ORDER BY row_name LIMIT ")
        .push_bind(limit)
        .fetch_all(tx)
        .await
}

/// Rows that are for one of these services.
pub(crate) async fn rows_of_services(
    tx: &mut TenantTx,
    import: &ImportId,
    services: &[ServiceId],
) -> Result<Vec<RowRecord>, DbError> {
    of_import(tx, import).push(" AND service_id IN ").push_list(services).fetch_all(tx).await
}

/// Writes what a person decided.
pub(crate) async fn row_decide(tx: &mut TenantTx, import: &ImportId, row: &RowRecord) -> Result<(), DbError> {
    sql("UPDATE network_import_row SET decision = $1, customer_id = $2, service_id = $3, result = NULL, failure = NULL, \
         failure_code = NULL WHERE tenant_id = $4 AND import_id = $5 AND row_name = $6")
    .bind(row.decision)
    .bind(&row.customer_id)
    .bind(&row.service_id)
    .bind(tx.tenant())
    .bind(import)
    .bind(&row.row_name)
    .execute(tx)
    .await
    .map(drop)
}

/// Writes what the rules say now of a row about which nobody decided meanwhile.
pub(crate) async fn row_propose(
    tx: &mut TenantTx,
    import: &ImportId,
    row: &RowRecord,
) -> Result<(), DbError> {
    sql("UPDATE network_import_row SET bin = $1, candidates = $2, doubts = $3, companion_of = $4, said = $5, group_name = $6, \
         customer_id = $7, service_id = $8 \
         WHERE tenant_id = $9 AND import_id = $10 AND row_name = $11 AND decision IS NULL AND result IS NULL")
    .bind(row.bin)
    .bind(&row.candidates)
    .bind(&row.doubts)
    .bind(&row.companion_of)
    .bind(&row.said)
    .bind(&row.group_name)
    .bind(&row.customer_id)
    .bind(&row.service_id)
    .bind(tx.tenant())
    .bind(import)
    .bind(&row.row_name)
    .execute(tx)
    .await
    .map(drop)
}

/// Writes what became of a row.
pub(crate) async fn row_result_set(
    tx: &mut TenantTx,
    import: &ImportId,
    row: &RowRecord,
) -> Result<(), DbError> {
    sql("UPDATE network_import_row SET result = $1, failure = $2, failure_code = $3, customer_id = $4, service_id = $5, \
         attachment_id = $6, made_customer = $7, made_service = $8, service_version = $9 \
         WHERE tenant_id = $10 AND import_id = $11 AND row_name = $12")
    .bind(row.result)
    .bind(&row.failure)
    .bind(&row.failure_code)
    .bind(&row.customer_id)
    .bind(&row.service_id)
    .bind(&row.attachment_id)
    .bind(row.made_customer)
    .bind(row.made_service)
    .bind(row.service_version)
    .bind(tx.tenant())
    .bind(import)
    .bind(&row.row_name)
    .execute(tx)
    .await
    .map(drop)
}
