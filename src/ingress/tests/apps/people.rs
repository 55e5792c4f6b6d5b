//! Users, groups and labels of a test's world, and what is on its lists.

use serde_json::{Value, json};

use crate::world::{Person, World};

/// Makes a list that is enabled, and returns its id.
pub(crate) async fn make_list(world: &World, person: &Person, name: &str) -> i64 {
    let body = list_body(name);
    world.ok_json(person, "POST", "/apps/restriction", &body).await["appStrategyId"].as_i64().unwrap()
}

/// A black list for Android.
pub(crate) fn list_body(name: &str) -> Value {
    json!({"name": name, "type": 2, "platformType": 1, "description": "", "status": 1,
        "apps": [{"appName": "Game", "pkgName": "com.example.game"}]})
}

/// A user of an organisation of acme.
pub(crate) async fn user(world: &World, account: &str, organisation: &str) -> i64 {
    const SQL: &str = "INSERT INTO users (tenant_id, organisation_id, account)
        SELECT tenant_id, id, $1 FROM organisations WHERE code = $2 AND tenant_id = $3 RETURNING id";
    let tenant = world.admin.operator.tenant.0;
    world.client().await.query_one(SQL, &[&account, &organisation, &tenant]).await.unwrap().get(0)
}

/// A group or label of an organisation of acme with these users in it.
pub(crate) async fn set(world: &World, kind: &str, organisation: &str, users: &[i64]) -> i64 {
    let (sets, members, id) = match kind {
        "group" => ("user_groups", "user_group_members", "group_id"),
        _ => ("labels", "label_members", "label_id"),
    };
    let sql = format!(
        "WITH made AS (INSERT INTO {sets} (tenant_id, organisation_id, name)
            SELECT tenant_id, id, gen_random_uuid()::text FROM organisations WHERE code = $1 AND tenant_id = $2
            RETURNING id),
        added AS (INSERT INTO {members} ({id}, user_id) SELECT made.id, given FROM made, unnest($3::bigint[]) AS given)
        SELECT id FROM made"
    );
    let tenant = world.admin.operator.tenant.0;
    world.client().await.query_one(&sql, &[&organisation, &tenant, &users]).await.unwrap().get(0)
}

/// A device of a user that asks for its commands: 51201 Android or 51202 iOS; 1 the company's, 2 an employee's.
pub(crate) async fn device(world: &World, user: i64, os: i32, relationship: i16) -> i64 {
    const SQL: &str = "INSERT INTO devices (tenant_id, organisation_id, user_id, uuid, os, relationship, channel)
        SELECT tenant_id, organisation_id, id, gen_random_uuid()::text, $2, $3, 'poll' FROM users WHERE id = $1
        RETURNING id";
    world.client().await.query_one(SQL, &[&user, &os, &relationship]).await.unwrap().get(0)
}
