//! What the rule asks of devices that ask, many at once.

use std::collections::BTreeMap;

use drover_domain::{
    AssignmentId, CommandState, DeviceId, JobId, OrganisationPath, Os, Relationship, TenantId, catalogue::AskingUser,
};
use tokio_postgres::Row;

use crate::{GenericClient, StoreError, UnknownWord, rows::optional_word, sql};

/// Who asks. No text holds a NUL character: the database would refuse the whole batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// Whose device it is.
    pub tenant: TenantId,
    /// What it calls itself.
    pub device: String,
    /// The code of the organisation that it says it is in.
    pub organisation: Option<String>,
    /// A fingerprint of what it says that it runs.
    pub digest: [u8; 32],
}

/// What is known of who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The tenant's revision.
    pub revision: i64,
    /// The database's time, in milliseconds since 1970.
    pub now_ms: i64,
    /// The organisation that it says it is in, else the one that it was enrolled in, else its tenant's root. `None`: there is
    /// none of that code.
    pub organisation: Option<OrganisationPath>,
    /// The device, if it was enrolled.
    pub device: Option<EnrolledDevice>,
}

/// What is known of an enrolled device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolledDevice {
    /// Its id.
    pub id: DeviceId,
    /// Whether it was told to leave.
    pub is_deregistered: bool,
    /// What it runs on.
    pub os: Option<Os>,
    /// What kind of device it is.
    pub model: Option<i16>,
    /// Whose it is.
    pub relationship: Option<Relationship>,
    /// Who holds it.
    pub user: Option<AskingUser>,
    /// Its newest commands, and those of the newest thousand that have not ended.
    pub commands: BTreeMap<JobId, CommandState>,
    /// Whether it said the same before, and its commands are as they were then.
    pub is_noted: bool,
}

/// What is known of each of those who ask, in their order. A row that cannot be read is the fault of its asker alone.
pub async fn facts(client: &impl GenericClient, asks: &[Ask]) -> Result<Vec<Result<Facts, UnknownWord>>, StoreError> {
    // Each look-up is by index, whatever the statistics say. The arrays are behind sub-selects so that Postgres does not know
    // how long they are: else it would plan this anew for each batch, which takes longer than to run it.
    // A change of a command is visible when it is committed, and dated when its transaction began: what was written down within
    // a minute of one may have been held against the state before it. Of those that have ended the newest will do; open ones all
    // count: a device that was given many applications at once has more of them than one check closes.
    const SQL: &str = "/* catalogue::facts */ SELECT COALESCE(r.revision, 0) AS revision,
            (extract(epoch FROM now()) * 1000)::bigint AS now_ms, o.path, d.id AS device_id, d.is_deregistered, d.os,
            d.device_type, d.relationship, u.path AS user_path, u.groups, u.labels, u.assignments, c.jobs, c.states,
            COALESCE(k.noted_at >= c.changed_at + interval '1 minute', k.noted_at IS NOT NULL) AS is_noted
        FROM unnest((SELECT $1::bigint[]), (SELECT $2::text[]), (SELECT $3::text[]), (SELECT $4::bytea[]))
            WITH ORDINALITY AS given (tenant_id, uuid, code, digest, place)
        LEFT JOIN LATERAL (SELECT revision FROM catalogue_revisions WHERE tenant_id = given.tenant_id OFFSET 0) r ON true
        LEFT JOIN LATERAL (SELECT id, organisation_id, user_id, status = 'deregistered' AS is_deregistered, os, device_type,
                relationship
            FROM devices WHERE uuid = given.uuid AND tenant_id = given.tenant_id OFFSET 0) d ON true
        LEFT JOIN LATERAL (
            SELECT path FROM organisations WHERE tenant_id = given.tenant_id AND code = given.code
            UNION ALL SELECT path FROM organisations WHERE id = d.organisation_id AND given.code IS NULL
            UNION ALL SELECT path FROM organisations WHERE tenant_id = given.tenant_id AND parent_id IS NULL
                AND given.code IS NULL AND d.organisation_id IS NULL
            OFFSET 0) o ON true
        LEFT JOIN LATERAL (SELECT (SELECT path FROM organisations WHERE id = u.organisation_id) AS path,
                ARRAY(SELECT group_id FROM user_group_members WHERE user_id = u.id LIMIT 1000) AS groups,
                ARRAY(SELECT label_id FROM label_members WHERE user_id = u.id LIMIT 1000) AS labels,
                ARRAY(SELECT assignment_id FROM assignment_targets WHERE kind = 'user' AND target_id = u.id
                    ORDER BY assignment_id DESC LIMIT 1000) AS assignments
            FROM users u WHERE u.id = d.user_id OFFSET 0) u ON true
        LEFT JOIN LATERAL (SELECT array_agg(job_id) FILTER (WHERE counts) AS jobs, array_agg(state) FILTER (WHERE counts) AS states,
                max(updated_at) AS changed_at
            FROM (SELECT job_id, state, updated_at,
                    finished_at IS NULL OR row_number() OVER (ORDER BY job_id DESC) <= 64 AS counts
                FROM (SELECT job_id, state, updated_at, finished_at FROM commands WHERE device_id = d.id
                    ORDER BY job_id DESC LIMIT 1000) newest) n
            OFFSET 0) c ON true
        LEFT JOIN LATERAL (SELECT noted_at FROM device_checks WHERE device_id = d.id AND digest = given.digest OFFSET 0) k ON true
        ORDER BY given.place";
    let tenants: Vec<i64> = asks.iter().map(|ask| ask.tenant.0).collect();
    let devices: Vec<&str> = asks.iter().map(|ask| ask.device.as_str()).collect();
    let organisations: Vec<Option<&str>> = asks.iter().map(|ask| ask.organisation.as_deref()).collect();
    let digests: Vec<&[u8]> = asks.iter().map(|ask| ask.digest.as_slice()).collect();
    let rows = sql::query(client, SQL, &[&tenants, &devices, &organisations, &digests]).await?;
    Ok(rows.iter().map(read).collect())
}

fn read(row: &Row) -> Result<Facts, UnknownWord> {
    Ok(Facts {
        revision: row.get("revision"),
        now_ms: row.get("now_ms"),
        organisation: optional_word(row, "path", OrganisationPath::parse)?,
        device: row.get::<_, Option<i64>>("device_id").map(|id| device(row, DeviceId(id))).transpose()?,
    })
}

fn device(row: &Row, id: DeviceId) -> Result<EnrolledDevice, UnknownWord> {
    let jobs: Vec<i64> = row.get::<_, Option<_>>("jobs").unwrap_or_default();
    let states: Vec<&str> = row.get::<_, Option<_>>("states").unwrap_or_default();
    let command = |(job, word): (i64, &str)| {
        let unknown = || UnknownWord { column: "states", word: word.to_owned() };
        Ok((JobId(job), CommandState::parse(word).ok_or_else(unknown)?))
    };
    Ok(EnrolledDevice {
        id,
        is_deregistered: row.get("is_deregistered"),
        os: row.get::<_, Option<i32>>("os").and_then(Os::from_code),
        model: row.get("device_type"),
        relationship: row.get::<_, Option<i16>>("relationship").and_then(Relationship::from_code),
        user: optional_word(row, "user_path", OrganisationPath::parse)?.map(|path| user(row, path)),
        commands: jobs.into_iter().zip(states).map(command).collect::<Result<_, UnknownWord>>()?,
        is_noted: row.get("is_noted"),
    })
}

fn user(row: &Row, organisation: OrganisationPath) -> AskingUser {
    let ascending = |column| {
        let mut ids: Vec<i64> = row.get(column);
        ids.sort_unstable();
        ids
    };
    AskingUser {
        organisation,
        groups: ascending("groups"),
        labels: ascending("labels"),
        assignments: ascending("assignments").into_iter().map(AssignmentId).collect(),
    }
}
