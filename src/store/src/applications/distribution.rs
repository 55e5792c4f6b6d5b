//! The devices that an application was pushed to, and how far it came on each.

use chrono::{DateTime, Utc};
use drover_domain::{ApplicationId, DeviceId, Holding, PushCase, Relationship, UserGroupId, UserId};

use super::standing::{Cases, StandingCase, holding, push};
use crate::{GenericClient, Page, StoreError, Window, Windowed, people::scope::Scope, rows::word, sql};

/// Which devices of a distribution to list.
#[derive(Debug, Clone, Default)]
pub struct DistributionFilter {
    /// Those whose user's account, name or mail contains this, whatever the case.
    pub search: Option<String>,
    /// Those that stand so to the company.
    pub relationship: Option<Relationship>,
    /// Those in one of these cases; `None`: all.
    pub cases: Option<Vec<StandingCase>>,
}

/// An application on one device that it was pushed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Distributed {
    /// The device.
    pub device: DeviceId,
    /// Its display name.
    pub device_name: String,
    /// 10 phone, 11 pad, 20 to 23 those of iOS.
    pub device_type: Option<i16>,
    /// The version of its operating system, if it ever said.
    pub os_version: Option<String>,
    /// 1 company, 2 employee, 3 other.
    pub relationship: Option<i16>,
    /// When it was heard of last.
    pub online_at: Option<DateTime<Utc>>,
    /// Whose it is.
    pub user: Option<DistributedUser>,
    /// The newest push of the application to it.
    pub push: PushCase,
    /// What it has of the application.
    pub holding: Holding,
    /// When it moved last.
    pub moved_at: DateTime<Utc>,
    /// When it was pushed, or is to be.
    pub pushed_at: DateTime<Utc>,
    /// Who pushed it.
    pub operator: Option<String>,
}

/// Whose a device is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DistributedUser {
    /// The user.
    pub id: UserId,
    /// The account.
    pub account: String,
    /// The display name.
    pub name: String,
    /// The mail address; may be empty.
    pub mail: String,
    /// The telephone number; may be empty.
    pub phone: String,
    /// The first of the user's groups; `None` for who is in none.
    pub group: Option<(UserGroupId, String)>,
}

/// The devices in scope that an application was pushed to, by device. The total counts at most [`Page::MAX_DEPTH`] rows.
pub async fn distribution(
    client: &impl GenericClient,
    scope: &Scope,
    application: ApplicationId,
    filter: &DistributionFilter,
    window: Window,
) -> Result<Windowed<Distributed>, StoreError> {
    // Each device is looked up by its id: the walk goes by the primary key of app_installs.
    macro_rules! found {
        ($($columns:expr),*) => {
            concat!(
                "SELECT ",
                $($columns,)*
                " FROM app_installs i JOIN applications a ON a.id = i.application_id JOIN app_releases r ON r.id = a.release_id
                    JOIN devices d ON d.id = i.device_id JOIN organisations o ON o.id = d.organisation_id
                    LEFT JOIN users u ON u.id = d.user_id JOIN jobs j ON j.id = i.job_id
                    LEFT JOIN assignments s ON s.id = j.assignment_id
                    LEFT JOIN commands c ON c.job_id = i.job_id AND c.device_id = i.device_id
                WHERE i.application_id = $1 AND o.tenant_id = $2 AND o.path >= $3 AND o.path < $4
                    AND ($5::text IS NULL OR strpos(lower(u.account), lower($5)) > 0 OR strpos(lower(u.name), lower($5)) > 0
                        OR strpos(lower(u.mail), lower($5)) > 0)
                    AND ($6::smallint IS NULL OR d.relationship = $6)
                    AND ($7::text[] IS NULL OR (j.push_action, COALESCE(s.is_required, false), COALESCE(c.state, ''),
                        COALESCE(c.prior_state, ''), ",
                holding!(),
                ") IN (SELECT * FROM unnest($7::text[], $8::boolean[], $9::text[], $10::text[], $11::text[])))"
            )
        };
    }
    const COUNT: &str =
        concat!("/* applications::distribution count */ SELECT count(*) FROM (", found!(), " LIMIT $12) counted");
    const LIST: &str = concat!(
        "/* applications::distribution */ SELECT f.*, g.id AS group_id, g.name AS group_name, v.os_version, op.login_id FROM (",
        found!(
            "i.device_id, d.name AS device_name, d.device_type, d.relationship, d.online_at, u.id AS user_id, u.account,
            u.name AS user_name, u.mail, u.phone, j.push_action, s.is_required, c.state, c.prior_state,
            GREATEST(i.updated_at, c.updated_at) AS moved_at, COALESCE(j.start_at, j.created_at) AS pushed_at,
            COALESCE(j.operator_id, s.operator_id) AS operator_id, ",
            holding!(),
            " AS holding"
        ),
        " ORDER BY i.device_id LIMIT $12 OFFSET $13) f
            LEFT JOIN LATERAL (SELECT g.id, g.name FROM user_group_members m JOIN user_groups g ON g.id = m.group_id
                WHERE m.user_id = f.user_id ORDER BY g.id LIMIT 1) g ON true
            LEFT JOIN device_inventories v ON v.device_id = f.device_id LEFT JOIN operators op ON op.id = f.operator_id
          ORDER BY f.device_id"
    );
    let cases = filter.cases.as_deref().map(Cases::of);
    let cases = cases.as_ref();
    let (actions, required) = (cases.map(|cases| &cases.actions), cases.map(|cases| &cases.required));
    let (states, priors) = (cases.map(|cases| &cases.states), cases.map(|cases| &cases.priors));
    let holdings = cases.map(|cases| &cases.holdings);
    let (first, end) = (scope.first(), scope.end());
    let (search, relationship) = (&filter.search, filter.relationship.map(Relationship::code));
    let (depth, limit, offset) = (i64::from(Page::MAX_DEPTH), window.limit(), window.offset());
    macro_rules! parameters {
        ($($last:expr),+) => {
            &[&application.0, &scope.tenant.0, &first, &end, search, &relationship, &actions, &required, &states, &priors,
                &holdings, $($last),+]
        };
    }
    let total = sql::query_one(client, COUNT, parameters!(&depth)).await?.get(0);
    let found = sql::query(client, LIST, parameters!(&limit, &offset)).await?;
    Ok(Windowed { total, items: found.iter().map(distributed).collect::<Result<_, _>>()? })
}

fn distributed(row: &tokio_postgres::Row) -> Result<Distributed, StoreError> {
    let group = row.get::<_, Option<i64>>("group_id").map(|id| (UserGroupId(id), row.get("group_name")));
    let user = row.get::<_, Option<i64>>("user_id").map(|id| DistributedUser {
        id: UserId(id),
        account: row.get("account"),
        name: row.get("user_name"),
        mail: row.get("mail"),
        phone: row.get("phone"),
        group,
    });
    Ok(Distributed {
        device: DeviceId(row.get("device_id")),
        device_name: row.get("device_name"),
        device_type: row.get("device_type"),
        os_version: row.get("os_version"),
        relationship: row.get("relationship"),
        online_at: row.get("online_at"),
        user,
        push: push(row)?.ok_or_else(|| crate::UnknownWord { column: "push_action", word: String::new() })?,
        holding: word(row, "holding", Holding::parse)?,
        moved_at: row.get("moved_at"),
        pushed_at: row.get("pushed_at"),
        operator: row.get("login_id"),
    })
}
