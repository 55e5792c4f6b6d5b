//! The list of a job's commands.

use drover_domain::{CommandState, JobId};

use crate::{CommandRecord, GenericClient, Page, Paged, StoreError, rows, sql};

/// One combination of states that a dialect's code stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandCase {
    /// The state.
    pub state: CommandState,
    /// The state before.
    pub prior_state: CommandState,
    /// Whether the device refused to stop.
    pub cancel_refused: bool,
}

/// Which commands to list.
#[derive(Debug, Clone, Default)]
pub struct CommandFilter {
    /// Those in one of these cases; `None`: all.
    pub cases: Option<Vec<CommandCase>>,
    /// Those whose device's uuid, serial number, IMEI or name contains this, whatever the case.
    pub search: Option<String>,
}

/// One page of a job's commands, by device. The total counts at most [`Page::MAX_DEPTH`] rows.
pub async fn page(
    client: &impl GenericClient,
    job: JobId,
    filter: &CommandFilter,
    page: Page,
) -> Result<Paged<CommandRecord>, StoreError> {
    macro_rules! from {
        () => {
            " FROM commands c JOIN devices d ON d.id = c.device_id WHERE c.job_id = $1
              AND ($2::text[] IS NULL OR (c.state, c.prior_state, c.cancel_refused) IN (
                  SELECT * FROM unnest($2::text[], $3::text[], $4::boolean[])))
              AND ($5::text IS NULL OR strpos(lower(d.uuid), lower($5)) > 0 OR strpos(lower(d.sn), lower($5)) > 0
                  OR strpos(lower(d.imei), lower($5)) > 0 OR strpos(lower(d.name), lower($5)) > 0)"
        };
    }
    const LIST: &str = concat!(
        "/* commands::list::page */ SELECT c.*, d.uuid, d.name, d.sn, d.imei, o.code, o.message FROM (
            SELECT c.*",
        from!(),
        " ORDER BY c.device_id LIMIT $6 OFFSET $7) c JOIN devices d ON d.id = c.device_id
          LEFT JOIN outcomes o ON o.job_id = c.job_id AND o.device_id = c.device_id AND o.attempt = c.attempt
          ORDER BY c.device_id"
    );
    const COUNT: &str =
        concat!("/* commands::list::count */ SELECT count(*) FROM (SELECT", from!(), " LIMIT $6) counted");
    let cases = filter.cases.as_ref();
    let states = cases.map(|cases| cases.iter().map(|case| case.state.as_str()).collect::<Vec<_>>());
    let priors = cases.map(|cases| cases.iter().map(|case| case.prior_state.as_str()).collect::<Vec<_>>());
    let refusals = cases.map(|cases| cases.iter().map(|case| case.cancel_refused).collect::<Vec<_>>());
    let search = &filter.search;
    let depth = i64::from(Page::MAX_DEPTH);
    let total = sql::query_one(client, COUNT, &[&job.0, &states, &priors, &refusals, search, &depth]).await?.get(0);
    let found =
        sql::query(client, LIST, &[&job.0, &states, &priors, &refusals, search, &page.limit(), &page.offset()]).await?;
    Ok(Paged { page, total, items: found.iter().map(rows::command).collect::<Result<_, _>>()? })
}
