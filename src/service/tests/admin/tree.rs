//! A tenant with a root, two organisations below it, `east` and `west`, and `east-1` below east.

use drover_domain::{OperatorId, OrganisationId, OrganisationPath, Role, TenantId};
use drover_service::{ListFrom, NewManagedDevice, NewUser, Operator, Organisation, Service, ServiceError, UserValues};

use crate::support::World;

pub(crate) struct Tree {
    pub(crate) world: World,
    /// Administers the whole tenant.
    pub(crate) admin: Operator,
    /// Administers east.
    pub(crate) east: Operator,
    /// Looks at east.
    pub(crate) reader: Operator,
    /// Administers another tenant.
    pub(crate) stranger: Operator,
}

impl Tree {
    pub(crate) async fn new() -> Self {
        let world = World::new().await;
        let other = world.service.add_tenant("other").await.unwrap();
        let root = root_of(&world, world.caller.tenant).await;
        let east = below(&world, &root, "east").await;
        below(&world, &root, "west").await;
        below(&world, &east, "east-1").await;
        let foreign = root_of(&world, other).await;
        Self {
            admin: operator(Role::TenantAdmin, &root),
            east: operator(Role::OrgAdmin, &east),
            reader: operator(Role::ReadOnly, &east),
            stranger: operator(Role::TenantAdmin, &foreign),
            world,
        }
    }

    pub(crate) fn service(&self) -> &Service {
        &self.world.service
    }

    pub(crate) async fn add_user(&self, account: &str, organisation: &str) -> drover_service::User {
        self.service().add_user(&self.admin, &user(account, Some(organisation))).await.unwrap()
    }

    pub(crate) async fn enrol(&self, uuid: &str, organisation: &str) -> drover_service::ManagedDevice {
        let new = NewManagedDevice { organisation: Some(organisation.into()), ..device(uuid) };
        self.service().enrol_device(&self.admin, &new).await.unwrap()
    }

    pub(crate) async fn count(&self, what: &str) -> i64 {
        let sql = format!("SELECT count(*) FROM {what}");
        self.world.client().await.query_one(&sql, &[]).await.unwrap().get(0)
    }
}

async fn root_of(world: &World, tenant: TenantId) -> Organisation {
    let client = world.client().await;
    let sql = "INSERT INTO organisations (id, tenant_id, code, name, path) OVERRIDING SYSTEM VALUE
        SELECT id, $1, 'root', 'root', '/' || id || '/' FROM nextval(pg_get_serial_sequence('organisations', 'id')) AS id
        ON CONFLICT DO NOTHING";
    client.execute(sql, &[&tenant.0]).await.unwrap();
    by_code(world, tenant, "root").await
}

async fn below(world: &World, parent: &Organisation, code: &str) -> Organisation {
    let sql = "INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE
        SELECT id, $1, $2, $3, $3, $4 || id || '/' FROM nextval(pg_get_serial_sequence('organisations', 'id')) AS id";
    let path = parent.path.as_str();
    world.client().await.execute(sql, &[&parent.tenant.0, &parent.id.0, &code, &path]).await.unwrap();
    by_code(world, parent.tenant, code).await
}

async fn by_code(world: &World, tenant: TenantId, code: &str) -> Organisation {
    let sql = "SELECT id, parent_id, code, name, path, created_at, updated_at FROM organisations
        WHERE tenant_id = $1 AND code = $2";
    let row = world.client().await.query_one(sql, &[&tenant.0, &code]).await.unwrap();
    Organisation {
        id: OrganisationId(row.get("id")),
        tenant,
        parent: row.get::<_, Option<i64>>("parent_id").map(OrganisationId),
        code: row.get("code"),
        name: row.get("name"),
        path: OrganisationPath::parse(row.get("path")).unwrap(),
        created_at: row.get("created_at"),
        updated_at: row.get("updated_at"),
    }
}

fn operator(role: Role, organisation: &Organisation) -> Operator {
    Operator {
        id: OperatorId(1),
        tenant: organisation.tenant,
        tenant_name: "acme".into(),
        utc_offset_minutes: 480,
        login_id: "who".into(),
        name: "Who".into(),
        role,
        organisation: organisation.clone(),
        runs_installation: false,
    }
}

pub(crate) fn user(account: &str, organisation: Option<&str>) -> NewUser {
    let values = UserValues { account: account.into(), name: "n".into(), mail: String::new(), phone: String::new() };
    NewUser { values, organisation: organisation.map(str::to_owned) }
}

pub(crate) fn device(uuid: &str) -> NewManagedDevice {
    NewManagedDevice {
        uuid: uuid.into(),
        name: format!("name of {uuid}"),
        organisation: None,
        user: None,
        product: None,
        os: Some(51201),
        device_type: Some(10),
        relationship: Some(1),
        device_number: None,
        imei: String::new(),
        sn: String::new(),
        channel: "mqtt".into(),
    }
}

pub(crate) fn all() -> ListFrom {
    ListFrom { after: None, limit: 1000 }
}

/// The kind of an error and what it says.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> String {
    match result.unwrap_err() {
        ServiceError::Invalid { field, reason } => format!("invalid {field}: {reason}"),
        ServiceError::Conflict { reason } => format!("conflict {reason}"),
        ServiceError::NotFound { what, id } => format!("no {what} {id}"),
        ServiceError::Forbidden { .. } => "forbidden".into(),
        ServiceError::TooLarge { field, .. } => format!("too large {field}"),
        other => panic!("{other}"),
    }
}
