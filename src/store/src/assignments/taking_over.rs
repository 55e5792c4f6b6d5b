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
                    "/* assignments::take_over ",
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
                        AND t.assignment_id = a.id AND t.kind = named.kind AND t.target_id = named.target_id"
                ),
                concat!(
                    "/* assignments::take_over ",
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
    const OF_APPLICATION: (&str, &str) = statements!("application", "application_id");
    const OF_RESTRICTION: (&str, &str) = statements!("restriction", "restriction_id");
    let ((targets, end), id) = match subject {
        Subject::Application(id) => (OF_APPLICATION, id.0),
        Subject::Restriction(id) => (OF_RESTRICTION, id.0),
    };
    sql::execute(tx, targets, &[&id, &newest.0]).await?;
    sql::execute(tx, end, &[&id, &newest.0]).await?;
    Ok(())
}
