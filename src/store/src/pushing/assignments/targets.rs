//! Whom assignments name.

use drover_domain::AssignmentId;
use tokio_postgres::types::ToSql;

use super::Subject;
use crate::{GenericClient, StoreError, Tx, people::scope::Scope, sql};

/// Users, groups and labels that are named together.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Targets {
    /// Users.
    pub users: Vec<i64>,
    /// Groups of users.
    pub groups: Vec<i64>,
    /// Labels of users.
    pub labels: Vec<i64>,
    /// Users of an organisation and below it who are in no group.
    pub default_group: bool,
}

impl Targets {
    /// Whether nobody is named.
    pub const fn is_empty(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty() && self.labels.is_empty() && !self.default_group
    }

    /// The kinds and ids as rows have them.
    fn rows(&self) -> (Vec<&'static str>, Vec<i64>) {
        let of = |kind: &'static str, ids: &[i64]| ids.iter().map(|id| (kind, *id)).collect::<Vec<_>>();
        let default_group: &[i64] = if self.default_group { &[0] } else { &[] };
        let mut rows = of("user", &self.users);
        rows.extend(of("group", &self.groups));
        rows.extend(of("label", &self.labels));
        rows.extend(of("default_group", default_group));
        rows.into_iter().unzip()
    }
}

pub(super) async fn insert(tx: &Tx<'_>, id: AssignmentId, targets: &Targets) -> Result<(), StoreError> {
    const SQL: &str =
        "/* pushing::assignments::targets::insert */ INSERT INTO assignment_targets (assignment_id, kind, target_id)
        SELECT $1, kind, id FROM unnest($2::text[], $3::bigint[]) AS given (kind, id) ON CONFLICT DO NOTHING";
    let (kinds, ids) = targets.rows();
    sql::execute(tx, SQL, &[&id.0, &kinds, &ids]).await?;
    Ok(())
}

/// Whom an assignment names, in ascending order.
pub async fn targets(client: &impl GenericClient, id: AssignmentId) -> Result<Targets, StoreError> {
    const SQL: &str = "/* pushing::assignments::targets */ SELECT kind, target_id FROM assignment_targets
        WHERE assignment_id = $1 ORDER BY kind, target_id";
    let mut targets = Targets::default();
    for row in sql::query(client, SQL, &[&id.0]).await? {
        match row.get(0) {
            "user" => targets.users.push(row.get(1)),
            "group" => targets.groups.push(row.get(1)),
            "label" => targets.labels.push(row.get(1)),
            _ => targets.default_group = true,
        }
    }
    Ok(targets)
}

/// Takes targets out of a subject's live assignments and out of what is still to be planned for them, and ends those that
/// name nobody any more, which are returned. What was planned before stays.
///
/// A default group is that of `scope`: those of organisations in it go, those of organisations above it are larger and stay.
pub async fn take_away(
    tx: &Tx<'_>,
    subject: Subject,
    away: &Targets,
    scope: &Scope,
) -> Result<Vec<AssignmentId>, StoreError> {
    const LIVE_OF_APPLICATION: &str =
        "/* pushing::assignments::take_away live application */ SELECT id FROM assignments
        WHERE application_id = $1 AND ended_at IS NULL ORDER BY id FOR NO KEY UPDATE";
    const LIVE_OF_RESTRICTION: &str =
        "/* pushing::assignments::take_away live restriction */ SELECT id FROM assignments
        WHERE restriction_id = $1 AND ended_at IS NULL ORDER BY id FOR NO KEY UPDATE";
    const TARGETS: &str = "/* pushing::assignments::take_away targets */ DELETE FROM assignment_targets t
        USING assignments a, organisations o
        WHERE t.assignment_id = ANY($1) AND (t.kind, t.target_id) IN (SELECT * FROM unnest($2::text[], $3::bigint[]))
            AND a.id = t.assignment_id AND o.id = a.organisation_id
            AND (t.kind <> 'default_group' OR o.path >= $4 AND o.path < $5)
        RETURNING t.assignment_id";
    const AUDIENCES: &str = "/* pushing::assignments::take_away audiences */ UPDATE audiences a SET
            user_ids = ARRAY(SELECT id FROM unnest(a.user_ids) AS u (id) WHERE id <> ALL($2) ORDER BY id),
            group_ids = ARRAY(SELECT id FROM unnest(a.group_ids) AS g (id) WHERE id <> ALL($3) ORDER BY id),
            label_ids = ARRAY(SELECT id FROM unnest(a.label_ids) AS l (id) WHERE id <> ALL($4) ORDER BY id),
            planned_at = CASE WHEN $5 AND EXISTS (SELECT FROM organisations o
                WHERE o.id = a.default_group_of AND o.path >= $6 AND o.path < $7) THEN now() END
        FROM jobs j WHERE j.assignment_id = ANY($1) AND j.finished_at IS NULL
            AND a.job_id = j.id AND a.kind = 'users' AND a.planned_at IS NULL";
    const END: &str =
        "/* pushing::assignments::take_away end */ UPDATE assignments a SET ended_at = now() WHERE id = ANY($1)
        AND NOT EXISTS (SELECT FROM assignment_targets t WHERE t.assignment_id = a.id) RETURNING id";
    let (statement, id) = match subject {
        Subject::Application(id) => (LIVE_OF_APPLICATION, id.0),
        Subject::Restriction(id) => (LIVE_OF_RESTRICTION, id.0),
    };
    let live: Vec<i64> = sql::query(tx, statement, &[&id]).await?.iter().map(|row| row.get(0)).collect();
    let (kinds, ids) = away.rows();
    let touched = sql::query(tx, TARGETS, &[&live, &kinds, &ids, &scope.first(), &scope.end()]).await?;
    let mut touched: Vec<i64> = touched.iter().map(|row| row.get(0)).collect();
    touched.sort_unstable();
    touched.dedup();
    if touched.is_empty() {
        return Ok(Vec::new());
    }
    let (first, end) = (scope.first(), scope.end());
    let parameters: [&(dyn ToSql + Sync); 7] =
        [&touched, &away.users, &away.groups, &away.labels, &away.default_group, &first, &end];
    sql::execute(tx, AUDIENCES, &parameters).await?;
    Ok(sql::query(tx, END, &[&touched]).await?.iter().map(|row| AssignmentId(row.get(0))).collect())
}
