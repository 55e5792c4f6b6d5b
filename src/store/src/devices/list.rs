//! The list of devices that joined a job or may join one. Searches are exact and indexed.

use drover_domain::{JobId, ProductId};

use crate::{DeviceRecord, GenericClient, Page, Paged, StoreError, rows, sql};

/// Which devices to list.
#[derive(Debug, Clone, Default)]
pub struct DeviceFilter {
    /// Those of this job; `None`: those that can join one.
    pub joined: Option<JobId>,
    /// The device's name for itself.
    pub uuid: Option<String>,
    /// Its display name.
    pub name: Option<String>,
    /// Its serial number.
    pub sn: Option<String>,
    /// Its IMEI.
    pub imei: Option<String>,
    /// Its group.
    pub group_uuid: Option<String>,
}

/// One page of devices, by id. The total counts at most [`Page::MAX_DEPTH`] rows.
pub async fn page(
    client: &impl GenericClient,
    product: ProductId,
    filter: &DeviceFilter,
    page: Page,
) -> Result<Paged<DeviceRecord>, StoreError> {
    macro_rules! searched {
        () => {
            " d.product_id = $1
              AND ($2::text IS NULL OR d.uuid = $2) AND ($3::text IS NULL OR d.name = $3) AND ($4::text IS NULL OR d.sn = $4)
              AND ($5::text IS NULL OR d.imei = $5) AND ($6::text IS NULL OR d.group_uuid = $6)"
        };
    }
    macro_rules! joined {
        () => {
            concat!(" FROM commands c JOIN devices d ON d.id = c.device_id WHERE c.job_id = $7 AND", searched!())
        };
    }
    macro_rules! can_join {
        () => {
            concat!(
                " FROM devices d WHERE d.status <> 'deregistered'
                  AND NOT EXISTS (SELECT FROM commands c WHERE c.device_id = d.id AND c.finished_at IS NULL
                    AND (SELECT kind FROM jobs WHERE id = c.job_id) <> 'push') AND",
                searched!()
            )
        };
    }
    const JOINED: &str = concat!(
        "/* devices::list::page joined */ SELECT d.*, c.job_id, c.state, c.prior_state, c.attempt, c.cancel_refused,
            (SELECT o.code FROM outcomes o WHERE o.job_id = c.job_id AND o.device_id = c.device_id AND o.attempt = c.attempt) AS code",
        joined!(),
        " ORDER BY c.device_id LIMIT $8 OFFSET $9"
    );
    const CAN_JOIN: &str = concat!(
        "/* devices::list::page can_join */ SELECT d.*, NULL::bigint AS job_id",
        can_join!(),
        " AND $7::bigint IS NULL ORDER BY d.id LIMIT $8 OFFSET $9"
    );
    const COUNT_JOINED: &str =
        concat!("/* devices::list::count joined */ SELECT count(*) FROM (SELECT", joined!(), " LIMIT $8) counted");
    const COUNT_CAN_JOIN: &str = concat!(
        "/* devices::list::count can_join */ SELECT count(*) FROM (SELECT",
        can_join!(),
        " AND $7::bigint IS NULL LIMIT $8) counted"
    );
    let (list, count) = if filter.joined.is_some() { (JOINED, COUNT_JOINED) } else { (CAN_JOIN, COUNT_CAN_JOIN) };
    let job = filter.joined.map(|job| job.0);
    let (limit, offset, depth) = (page.limit(), page.offset(), i64::from(Page::MAX_DEPTH));
    let DeviceFilter { uuid, name, sn, imei, group_uuid, .. } = filter;
    let total = sql::query_one(client, count, &[&product.0, uuid, name, sn, imei, group_uuid, &job, &depth]).await?;
    let found =
        sql::query(client, list, &[&product.0, uuid, name, sn, imei, group_uuid, &job, &limit, &offset]).await?;
    let items = found.iter().map(rows::device).collect::<Result<_, _>>()?;
    Ok(Paged { page, total: total.get(0), items })
}
