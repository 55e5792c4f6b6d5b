//! The devices of users, of groups and labels of users, and of the default group: walked by user and device, as the indexes have
//! them, so that each step costs the same whoever is named. Whoever joins where the walk has been is a reviewer's.

use drover_domain::OrganisationId;

use crate::{GenericClient, StoreError, sql};

/// How far a walk came: users before `user` are through, and that one's devices up to `device`. Of the default group all of it
/// is so in `organisation`, and organisations before that one are through.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) organisation: Option<i64>,
    pub(super) user: i64,
    pub(super) device: i64,
}

/// What a step found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Step {
    /// The devices, in the order of the walk.
    pub(super) devices: Vec<i64>,
    /// Where the next step goes on; `None`: there is none.
    pub(super) next: Option<Place>,
}

/// Organisations looked at in one step, however few users they have.
const ORGANISATIONS_PER_STEP: i64 = 100;

/// A user, and the organisation where the walk found it.
type Walked = (i64, Option<i64>);

/// The next devices of the users, groups and labels that an audience names.
pub(super) async fn named(
    client: &impl GenericClient,
    audience: i64,
    from: Place,
    limit: i64,
) -> Result<Step, StoreError> {
    // OFFSET keeps the planner from joining: each group and label is one look-up by index, up to as many users as are wanted
    // of all of them.
    const USERS: &str = "/* audiences::walk::named */ SELECT found.user_id FROM audiences a CROSS JOIN LATERAL (
            SELECT id AS user_id FROM unnest(a.user_ids) AS u (id) WHERE id >= $2
            UNION SELECT m.user_id FROM unnest(a.group_ids) AS g (id) CROSS JOIN LATERAL (
                SELECT user_id FROM user_group_members WHERE group_id = g.id AND user_id >= $2
                ORDER BY user_id LIMIT $3 OFFSET 0) m
            UNION SELECT m.user_id FROM unnest(a.label_ids) AS l (id) CROSS JOIN LATERAL (
                SELECT user_id FROM label_members WHERE label_id = l.id AND user_id >= $2
                ORDER BY user_id LIMIT $3 OFFSET 0) m
        ) found WHERE a.id = $1 ORDER BY found.user_id LIMIT $3";
    let found = sql::query(client, USERS, &[&audience, &from.user, &limit]).await?;
    let users: Vec<Walked> = found.iter().map(|row| (row.get(0), None)).collect();
    let end = match users.last() {
        Some((last, _)) if is_full(users.len(), limit) => Some(Place { user: last + 1, ..Place::default() }),
        _ => None,
    };
    devices_of(client, &users, from, limit, end).await
}

/// The next devices of users of `root` and below it who are in no group.
pub(super) async fn default_group(
    client: &impl GenericClient,
    root: OrganisationId,
    from: Place,
    limit: i64,
) -> Result<Step, StoreError> {
    const ORGANISATIONS: &str = "/* audiences::walk::default_group organisations */ SELECT o.id FROM organisations root
        JOIN organisations o ON o.tenant_id = root.tenant_id AND o.path >= root.path
            AND o.path < rtrim(root.path, '/') || '0'
        WHERE root.id = $1 AND o.id >= $2 ORDER BY o.id LIMIT $3";
    // Looked at are users of groups too, so that a step is a step even where all are in groups.
    const USERS: &str = "/* audiences::walk::default_group users */ SELECT walked.id, walked.organisation_id,
            NOT EXISTS (SELECT FROM user_group_members m WHERE m.user_id = walked.id OFFSET 0) AS is_in_none
        FROM (SELECT u.id, o.id AS organisation_id, o.place
            FROM unnest($1::bigint[]) WITH ORDINALITY AS o (id, place) CROSS JOIN LATERAL (
                SELECT id FROM users WHERE organisation_id = o.id AND id >= CASE o.place WHEN 1 THEN $2::bigint ELSE 0 END
                ORDER BY id LIMIT $3 OFFSET 0) u
            ORDER BY o.place, u.id LIMIT $3) walked
        ORDER BY walked.place, walked.id";
    let at = from.organisation.unwrap_or(0);
    let organisations = sql::query(client, ORGANISATIONS, &[&root.0, &at, &ORGANISATIONS_PER_STEP]).await?;
    let organisations: Vec<i64> = organisations.iter().map(|row| row.get(0)).collect();
    let Some(last) = organisations.last() else { return Ok(Step::default()) };
    let first_user = if organisations.first() == Some(&at) { from.user } else { 0 };
    let walked = sql::query(client, USERS, &[&organisations, &first_user, &limit]).await?;
    let end = match walked.last() {
        Some(row) if is_full(walked.len(), limit) => {
            Some(Place { organisation: Some(row.get(1)), user: row.get::<_, i64>(0) + 1, device: 0 })
        }
        _ if is_full(organisations.len(), ORGANISATIONS_PER_STEP) => {
            Some(Place { organisation: Some(last + 1), ..Place::default() })
        }
        _ => None,
    };
    let users: Vec<Walked> =
        walked.iter().filter(|row| row.get("is_in_none")).map(|row| (row.get(0), Some(row.get(1)))).collect();
    devices_of(client, &users, from, limit, end).await
}

/// The devices of users, `limit` at most. The walk goes on behind the last of them, or at `end` when there are no more.
async fn devices_of(
    client: &impl GenericClient,
    users: &[Walked],
    from: Place,
    limit: i64,
    end: Option<Place>,
) -> Result<Step, StoreError> {
    const SQL: &str = "/* audiences::walk::devices_of */ SELECT d.id, u.place FROM
        unnest($1::bigint[]) WITH ORDINALITY AS u (id, place) CROSS JOIN LATERAL (
            SELECT id FROM devices WHERE user_id = u.id AND id > CASE u.place WHEN 1 THEN $2::bigint ELSE 0 END
            ORDER BY id LIMIT $3 OFFSET 0) d
        ORDER BY u.place, d.id LIMIT $3";
    let ids: Vec<i64> = users.iter().map(|(user, _)| *user).collect();
    let after = if ids.first() == Some(&from.user) { from.device } else { 0 };
    let found = sql::query(client, SQL, &[&ids, &after, &limit]).await?;
    let devices: Vec<i64> = found.iter().map(|row| row.get(0)).collect();
    let next = match found.last() {
        Some(row) if is_full(found.len(), limit) => {
            let place: i64 = row.get(1);
            let (user, organisation) = usize::try_from(place - 1).map_or((0, None), |place| users[place]);
            Some(Place { organisation, user, device: row.get(0) })
        }
        _ => end,
    };
    Ok(Step { devices, next })
}

fn is_full(found: usize, limit: i64) -> bool {
    i64::try_from(found).is_ok_and(|found| found >= limit)
}
