//! To whom a list was pushed.

use drover_domain::{AssignmentId, OrganisationId, RestrictionId};

use crate::{GenericClient, StoreError, Tx, assignments::Targets, sql};

/// A standing wish of a list, and whom it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveAssignment {
    /// The wish.
    pub id: AssignmentId,
    /// For which organisation its operator acted.
    pub organisation: OrganisationId,
    /// Whom it names.
    pub targets: Targets,
}

/// The standing wishes of a list, the oldest first, `limit` at most.
pub async fn live_assignments(
    client: &impl GenericClient,
    id: RestrictionId,
    limit: i64,
) -> Result<Vec<LiveAssignment>, StoreError> {
    const SQL: &str = "/* restrictions::live_assignments */ SELECT a.id, a.organisation_id,
            ARRAY(SELECT t.target_id FROM assignment_targets t WHERE t.assignment_id = a.id AND t.kind = 'user'
                ORDER BY t.target_id) AS users,
            ARRAY(SELECT t.target_id FROM assignment_targets t WHERE t.assignment_id = a.id AND t.kind = 'group'
                ORDER BY t.target_id) AS groups,
            ARRAY(SELECT t.target_id FROM assignment_targets t WHERE t.assignment_id = a.id AND t.kind = 'label'
                ORDER BY t.target_id) AS labels,
            EXISTS (SELECT FROM assignment_targets t WHERE t.assignment_id = a.id AND t.kind = 'default_group')
                AS default_group
        FROM assignments a WHERE a.restriction_id = $1 AND a.ended_at IS NULL ORDER BY a.id LIMIT $2";
    let live = |row: &tokio_postgres::Row| LiveAssignment {
        id: AssignmentId(row.get("id")),
        organisation: OrganisationId(row.get("organisation_id")),
        targets: Targets {
            users: row.get("users"),
            groups: row.get("groups"),
            labels: row.get("labels"),
            default_group: row.get("default_group"),
        },
    };
    Ok(sql::query(client, SQL, &[&id.0, &limit]).await?.iter().map(live).collect())
}

/// Lets the newest standing wish of a list take over from older ones whom both name, so far as it reaches them no less: whose
/// devices it is for, and from which organisation it looks. An older one that names nobody any more ends. So a list that is
/// pushed to the same group again and again has one wish.
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
