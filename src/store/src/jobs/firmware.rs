//! Firmware jobs: what callers of a product see and change.

use drover_domain::{JobId, JobKind, Policy, ProductId};

use super::job_columns;
use crate::{
    Firmware, FirmwareJob, GenericClient, Page, Paged, Product, StoreError, Tx,
    rows::{self, firmware_columns, product_columns},
    sql,
};

/// Columns and tables of [`rows::firmware_job`].
macro_rules! select_firmware_job {
    () => {
        concat!(
            "SELECT ",
            job_columns!(),
            ", ",
            product_columns!(),
            ", ",
            firmware_columns!(),
            " FROM jobs j JOIN products p ON p.id = j.product_id JOIN firmwares f ON f.id = j.firmware_id "
        )
    };
}

/// A job to be made.
#[derive(Debug, Clone)]
pub struct NewJob<'a> {
    /// What it does.
    pub kind: JobKind,
    /// Its name.
    pub name: &'a str,
    /// Free text.
    pub description: &'a str,
    /// How it treats its commands.
    pub policy: Policy,
    /// Who makes it.
    pub created_by: &'a str,
    /// The traceparent of the call.
    pub trace_context: &'a str,
}

/// Makes a draft.
pub async fn insert(
    client: &impl GenericClient,
    product: &Product,
    firmware: &Firmware,
    new: &NewJob<'_>,
) -> Result<JobId, StoreError> {
    const SQL: &str =
        "/* jobs::insert */ INSERT INTO jobs (tenant_id, product_id, firmware_id, kind, name, description,
            retry_limit, attempt_timeout_s, job_timeout_s, created_by, updated_by, trace_context)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10, $11) RETURNING id";
    let Policy { retry_limit, attempt_timeout_s, job_timeout_s } = new.policy;
    let row = sql::query_one(
        client,
        SQL,
        &[
            &product.tenant.0,
            &product.id.0,
            &firmware.id.0,
            &new.kind.as_str(),
            &new.name,
            &new.description,
            &retry_limit,
            &attempt_timeout_s,
            &job_timeout_s,
            &new.created_by,
            &new.trace_context,
        ],
    )
    .await?;
    Ok(JobId(row.get(0)))
}

/// A job of a product, unless it was deleted.
pub async fn get(
    client: &impl GenericClient,
    product: ProductId,
    id: JobId,
) -> Result<Option<FirmwareJob>, StoreError> {
    const SQL: &str = concat!(
        "/* jobs::get */ ",
        select_firmware_job!(),
        "WHERE j.id = $1 AND j.product_id = $2 AND j.deleted_at IS NULL"
    );
    sql::query_opt(client, SQL, &[&id.0, &product.0]).await?.as_ref().map(rows::firmware_job).transpose()
}

/// A job of a product, locked against every other transaction that changes it or plans for it.
pub async fn lock(tx: &Tx<'_>, product: ProductId, id: JobId) -> Result<Option<FirmwareJob>, StoreError> {
    const SQL: &str = concat!(
        "/* jobs::lock */ ",
        select_firmware_job!(),
        "WHERE j.id = $1 AND j.product_id = $2 AND j.deleted_at IS NULL FOR NO KEY UPDATE OF j"
    );
    sql::query_opt(tx, SQL, &[&id.0, &product.0]).await?.as_ref().map(rows::firmware_job).transpose()
}

/// One page of a product's jobs, newest first, whose name contains `search`.
pub async fn page(
    client: &impl GenericClient,
    product: ProductId,
    search: Option<&str>,
    page: Page,
) -> Result<Paged<FirmwareJob>, StoreError> {
    macro_rules! condition {
        () => {
            "WHERE j.product_id = $1 AND j.deleted_at IS NULL AND ($2::text IS NULL OR strpos(lower(j.name), lower($2)) > 0)"
        };
    }
    const LIST: &str =
        concat!("/* jobs::page */ ", select_firmware_job!(), condition!(), " ORDER BY j.id DESC LIMIT $3 OFFSET $4");
    const COUNT: &str =
        concat!("/* jobs::count */ SELECT count(*) FROM (SELECT FROM jobs j ", condition!(), " LIMIT $3) counted");
    let total = sql::query_one(client, COUNT, &[&product.0, &search, &i64::from(Page::MAX_DEPTH)]).await?.get(0);
    let found = sql::query(client, LIST, &[&product.0, &search, &page.limit(), &page.offset()]).await?;
    Ok(Paged { page, total, items: found.iter().map(rows::firmware_job).collect::<Result<_, _>>()? })
}

/// What of a draft may be changed.
#[derive(Debug, Clone, Default)]
pub struct JobChange {
    /// Its name.
    pub name: Option<String>,
    /// Free text.
    pub description: Option<String>,
    /// Who changes it.
    pub updated_by: Option<String>,
    /// Automatic tries after the first.
    pub retry_limit: Option<i16>,
    /// How long a device may take for one attempt, in seconds.
    pub attempt_timeout_s: Option<i32>,
    /// How long the whole job may take from its start, in seconds.
    pub job_timeout_s: Option<i32>,
}

/// Changes a job that the caller has locked.
pub async fn update(tx: &Tx<'_>, id: JobId, change: &JobChange) -> Result<(), StoreError> {
    const SQL: &str =
        "/* jobs::update */ UPDATE jobs SET name = COALESCE($2, name), description = COALESCE($3, description),
        updated_by = COALESCE($4, updated_by), retry_limit = COALESCE($5, retry_limit),
        attempt_timeout_s = COALESCE($6, attempt_timeout_s), job_timeout_s = COALESCE($7, job_timeout_s),
        updated_at = now() WHERE id = $1";
    let JobChange { name, description, updated_by, retry_limit, attempt_timeout_s, job_timeout_s } = change;
    let seconds = (attempt_timeout_s, job_timeout_s);
    sql::execute(tx, SQL, &[&id.0, name, description, updated_by, retry_limit, seconds.0, seconds.1]).await?;
    Ok(())
}

/// Hides a job that the caller has locked.
pub async fn delete(tx: &Tx<'_>, id: JobId, updated_by: Option<&str>) -> Result<(), StoreError> {
    const SQL: &str = "/* jobs::delete */ UPDATE jobs SET deleted_at = now(), updated_at = now(),
        updated_by = COALESCE($2, updated_by) WHERE id = $1";
    sql::execute(tx, SQL, &[&id.0, &updated_by]).await?;
    Ok(())
}
