//! To whom a list was pushed.

use drover_domain::{AssignmentId, RestrictionId};

use crate::{StoreError, Tx, sql};

/// Lets the newest assignment of a list take over from older ones whom both name, so far as it reaches them no less: whose
/// devices it is for, and from which organisation it looks. An older one that names nobody any more ends. So a list that is
/// pushed to the same group again and again has one assignment.
pub async fn take_over(tx: &Tx<'_>, id: RestrictionId, newest: AssignmentId) -> Result<(), StoreError> {
    const TARGETS: &str = "/* restrictions::take_over */ DELETE FROM assignment_targets t
        USING assignments n JOIN assignment_targets named ON named.assignment_id = n.id
            JOIN organisations ours ON ours.id = n.organisation_id,
            assignments a JOIN organisations theirs ON theirs.id = a.organisation_id
        WHERE n.id = $2 AND a.restriction_id = $1 AND a.ended_at IS NULL AND a.id < n.id
            AND a.relationships <@ n.relationships AND starts_with(theirs.path, ours.path)
            AND t.assignment_id = a.id AND t.kind = named.kind AND t.target_id = named.target_id";
    const END: &str = "/* restrictions::take_over end */ UPDATE assignments a SET ended_at = now()
        WHERE a.restriction_id = $1 AND a.ended_at IS NULL AND a.id < $2
            AND NOT EXISTS (SELECT FROM assignment_targets t WHERE t.assignment_id = a.id)";
    sql::execute(tx, TARGETS, &[&id.0, &newest.0]).await?;
    sql::execute(tx, END, &[&id.0, &newest.0]).await?;
    Ok(())
}
