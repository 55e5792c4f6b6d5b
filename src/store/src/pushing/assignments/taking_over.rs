//! A newer assignment takes the place of older ones.

use drover_domain::AssignmentId;

use super::Subject;
use crate::{StoreError, Tx, sql};

/// Lets the newest assignment of a subject take over from older ones whom both name, so far as it reaches them no less: whose
/// devices it is for, from which organisation it looks, and since when. An older one that names nobody any more ends. So what is
/// pushed to the same group again and again has one assignment, with the options that were said last.
pub async fn take_over(tx: &Tx<'_>, subject: Subject, newest: AssignmentId) -> Result<(), StoreError> {
    macro_rules! statements {
        ($of:literal, $column:literal) => {
            (
                concat!(
                    "/* pushing::assignments::take_over ",
                    $of,
                    " */ DELETE FROM assignment_targets t
                     USING assignments n JOIN assignment_targets named ON named.assignment_id = n.id
                        JOIN organisations ours ON ours.id = n.organisation_id,
                        assignments a JOIN organisations theirs ON theirs.id = a.organisation_id
                     WHERE n.id = $2 AND a.",
                    $column,
                    " = $1 AND a.ended_at IS NULL AND a.id < n.id
                        AND a.relationships <@ n.relationships AND starts_with(theirs.path, ours.path)
                        AND (n.start_at IS NULL OR n.start_at <= a.start_at)
                        AND t.assignment_id = a.id AND t.kind = named.kind AND t.target_id = named.target_id
                     RETURNING a.id"
                ),
                concat!(
                    "/* pushing::assignments::take_over ",
                    $of,
                    " end */ UPDATE assignments a SET ended_at = now()
                     WHERE a.",
                    $column,
                    " = $1 AND a.ended_at IS NULL AND a.id < $2
                        AND NOT EXISTS (SELECT FROM assignment_targets t WHERE t.assignment_id = a.id)"
                ),
            )
        };
    }
    // The push of the newest plans them: an older one that has yet to begin must not bring what was taken back meanwhile.
    const AUDIENCES: &str = "/* pushing::assignments::take_over audiences */ WITH named AS MATERIALIZED (
            SELECT kind, target_id FROM assignment_targets WHERE assignment_id = $2)
        UPDATE audiences a SET
            user_ids = ARRAY(SELECT id FROM unnest(a.user_ids) AS u (id) WHERE ('user', id) NOT IN (TABLE named) ORDER BY id),
            group_ids = ARRAY(SELECT id FROM unnest(a.group_ids) AS g (id) WHERE ('group', id) NOT IN (TABLE named) ORDER BY id),
            label_ids = ARRAY(SELECT id FROM unnest(a.label_ids) AS l (id) WHERE ('label', id) NOT IN (TABLE named) ORDER BY id),
            planned_at = CASE WHEN ('default_group', 0::bigint) IN (TABLE named) AND EXISTS (
                SELECT FROM organisations theirs, assignments n JOIN organisations ours ON ours.id = n.organisation_id
                WHERE theirs.id = a.default_group_of AND n.id = $2 AND starts_with(theirs.path, ours.path)) THEN now() END
        FROM jobs j WHERE j.assignment_id = ANY($1) AND j.finished_at IS NULL
            AND a.job_id = j.id AND a.kind = 'users' AND a.planned_at IS NULL";
    const OF_APPLICATION: (&str, &str) = statements!("application", "application_id");
    const OF_RESTRICTION: (&str, &str) = statements!("restriction", "restriction_id");
    let ((targets, end), id) = match subject {
        Subject::Application(id) => (OF_APPLICATION, id.0),
        Subject::Restriction(id) => (OF_RESTRICTION, id.0),
    };
    let touched = sql::query(tx, targets, &[&id, &newest.0]).await?;
    let touched: Vec<i64> = touched.iter().map(|row| row.get(0)).collect();
    if touched.is_empty() {
        return Ok(());
    }
    sql::execute(tx, AUDIENCES, &[&touched, &newest.0]).await?;
    sql::execute(tx, end, &[&id, &newest.0]).await?;
    Ok(())
}
