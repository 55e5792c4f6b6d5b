//! What devices have, or are to have, of applications and lists: the newest push of each, and what is known to be there.

use drover_domain::{ApplicationId, JobId, RestrictionId};

use crate::{StoreError, Tx, pushing::assignments::Subject, sql, tallies::Tally};

/// Notes that a push was planned for these devices, ascending as every transaction locks them.
pub async fn note_planned(
    tx: &Tx<'_>,
    subject: Subject,
    job: JobId,
    devices: &[i64],
    tally: &mut Tally,
) -> Result<(), StoreError> {
    // An inserted row version has no xmax.
    const OF_APPLICATION: &str = "/* pushing::installs::note_planned application */ WITH noted AS (
            INSERT INTO app_installs (application_id, device_id, job_id)
            SELECT $1, id, $2 FROM unnest($3::bigint[]) AS given (id) ORDER BY id
            ON CONFLICT (application_id, device_id) DO UPDATE SET job_id = excluded.job_id, updated_at = now()
            RETURNING xmax = 0 AS is_new
        ) SELECT count(*) FILTER (WHERE is_new) FROM noted";
    const OF_RESTRICTION: &str = "/* pushing::installs::note_planned restriction */
        INSERT INTO restriction_installs (restriction_id, device_id, job_id)
        SELECT $1, id, $2 FROM unnest($3::bigint[]) AS given (id) ORDER BY id
        ON CONFLICT (restriction_id, device_id) DO UPDATE SET job_id = excluded.job_id, updated_at = now()";
    if devices.is_empty() {
        return Ok(());
    }
    match subject {
        Subject::Application(application) => {
            let row = sql::query_one(tx, OF_APPLICATION, &[&application.0, &job.0, &devices]).await?;
            tally.note_pushed(application, row.get(0));
        }
        Subject::Restriction(restriction) => {
            sql::execute(tx, OF_RESTRICTION, &[&restriction.0, &job.0, &devices]).await?;
        }
    }
    Ok(())
}

/// Notes that these devices have a release now, as they said.
pub async fn note_installed(
    tx: &Tx<'_>,
    application: ApplicationId,
    (number, name): (i64, &str),
    devices: &[i64],
    tally: &mut Tally,
) -> Result<(), StoreError> {
    const SQL: &str = "/* pushing::installs::note_installed */ WITH before AS (
            SELECT device_id, is_installed FROM app_installs WHERE application_id = $1 AND device_id = ANY($2)
            ORDER BY device_id FOR NO KEY UPDATE
        ), noted AS (
            UPDATE app_installs i SET is_installed = true, installed_number = $3, installed_name = $4, removed_at = NULL,
                updated_at = now()
            WHERE application_id = $1 AND device_id = ANY(ARRAY(SELECT device_id FROM before))
        ) SELECT count(*) FILTER (WHERE NOT is_installed) FROM before";
    let row = sql::query_one(tx, SQL, &[&application.0, &devices, &number, &name]).await?;
    tally.note_installed(application, row.get(0));
    Ok(())
}

/// Notes that these devices do not have an application any more, as they were told.
pub async fn note_uninstalled(
    tx: &Tx<'_>,
    application: ApplicationId,
    devices: &[i64],
    tally: &mut Tally,
) -> Result<(), StoreError> {
    const SQL: &str = "/* pushing::installs::note_uninstalled */ WITH before AS (
            SELECT device_id, is_installed FROM app_installs WHERE application_id = $1 AND device_id = ANY($2)
            ORDER BY device_id FOR NO KEY UPDATE
        ), noted AS (
            UPDATE app_installs i SET is_installed = false, installed_number = 0, installed_name = '', removed_at = NULL,
                updated_at = now()
            WHERE application_id = $1 AND device_id = ANY(ARRAY(SELECT device_id FROM before))
        ) SELECT count(*) FILTER (WHERE is_installed) FROM before";
    let row = sql::query_one(tx, SQL, &[&application.0, &devices]).await?;
    tally.note_installed(application, -row.get::<_, i64>(0));
    Ok(())
}

/// Notes that these devices keep to a revision of a list now.
pub async fn note_applied(
    tx: &Tx<'_>,
    restriction: RestrictionId,
    revision: i32,
    devices: &[i64],
) -> Result<(), StoreError> {
    const SQL: &str =
        "/* pushing::installs::note_applied */ UPDATE restriction_installs SET revision = $3, updated_at = now()
        WHERE restriction_id = $1 AND device_id = ANY(ARRAY(SELECT device_id FROM restriction_installs
            WHERE restriction_id = $1 AND device_id = ANY($2) ORDER BY device_id FOR NO KEY UPDATE))";
    sql::execute(tx, SQL, &[&restriction.0, &devices, &revision]).await?;
    Ok(())
}

/// Notes that these devices keep to a list no more. Of those for which a newer push was planned the row stays.
pub async fn note_removed(
    tx: &Tx<'_>,
    restriction: RestrictionId,
    job: JobId,
    devices: &[i64],
) -> Result<(), StoreError> {
    const GONE: &str = "/* pushing::installs::note_removed */ DELETE FROM restriction_installs
        WHERE restriction_id = $1 AND device_id = ANY(ARRAY(SELECT device_id FROM restriction_installs
            WHERE restriction_id = $1 AND device_id = ANY($2) AND job_id = $3 ORDER BY device_id FOR UPDATE))";
    const UNSET: &str =
        "/* pushing::installs::note_removed newer */ UPDATE restriction_installs SET revision = 0, updated_at = now()
        WHERE restriction_id = $1 AND device_id = ANY($2) AND job_id <> $3";
    sql::execute(tx, GONE, &[&restriction.0, &devices, &job.0]).await?;
    sql::execute(tx, UNSET, &[&restriction.0, &devices, &job.0]).await?;
    Ok(())
}
