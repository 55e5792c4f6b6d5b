//! Two tenants, the first with a tree of organisations, somebody in each, and files.

use drover_domain::{
    ClientGroupId, ClientVersionId, DeviceId, DeviceUuid, OperatorId, OrganisationId, OrganisationPath, Os, Role,
    TenantId, TerminalClass, UiFamily,
};
use drover_service::{
    DeviceIdentity, GroupFilter, GroupKey, NewClientGroup, NewClientVersion, Operator, Organisation, Page, Service,
    ServiceError, Sort, VersionKey,
};
use drover_store::Client;
use uuid::Uuid;

use super::support;

/// The only file of the first tenant, of 5 bytes; the one of the second is 2.
pub(crate) const FILE: Uuid = Uuid::from_u128(1);
pub(crate) const FOREIGN_FILE: Uuid = Uuid::from_u128(2);

pub(crate) struct World {
    pub(crate) inner: support::World,
    /// /1/ administers the first tenant.
    pub(crate) root: Operator,
    /// /1/2/ administers a branch of it.
    pub(crate) branch: Operator,
    /// /1/2/4/ administers a twig of that.
    pub(crate) twig: Operator,
    /// /1/23/ administers another branch.
    pub(crate) sibling: Operator,
    /// /1/2/ looks at the branch.
    pub(crate) reader: Operator,
    /// /9/ administers the second tenant.
    pub(crate) stranger: Operator,
}

impl World {
    pub(crate) async fn new() -> Self {
        let inner = support::World::new().await;
        let client = inner.client().await;
        client
            .batch_execute(
                "INSERT INTO tenants (id, name, utc_offset_minutes) OVERRIDING SYSTEM VALUE VALUES (1, 'one', 60), (2, 'two', 0);
                 INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE VALUES
                    (1, 1, NULL, 'root', 'root', '/1/'), (2, 1, 1, 'branch', 'branch', '/1/2/'),
                    (4, 1, 2, 'twig', 'twig', '/1/2/4/'), (23, 1, 1, 'sibling', 'sibling', '/1/23/'),
                    (9, 2, NULL, 'root', 'root', '/9/');
                 INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path) VALUES
                    ('00000000-0000-0000-0000-000000000001', 1, repeat('0', 64), repeat('0', 32), 5, 'client.apk', 'p1'),
                    ('00000000-0000-0000-0000-000000000002', 2, repeat('0', 64), repeat('0', 32), 5, 'client.apk', 'p2')",
            )
            .await
            .unwrap();
        drop(client);
        Self {
            root: operator(1, Role::TenantAdmin, "/1/"),
            branch: operator(1, Role::OrgAdmin, "/1/2/"),
            twig: operator(1, Role::OrgAdmin, "/1/2/4/"),
            sibling: operator(1, Role::OrgAdmin, "/1/23/"),
            reader: operator(1, Role::ReadOnly, "/1/2/"),
            stranger: operator(2, Role::TenantAdmin, "/9/"),
            inner,
        }
    }

    pub(crate) fn service(&self) -> &Service {
        &self.inner.service
    }

    pub(crate) async fn client(&self) -> Client {
        self.inner.client().await
    }

    /// A group without versions.
    pub(crate) async fn group(&self, by: &Operator, code: &str) -> ClientGroupId {
        self.service().create_client_group(by, &group(code), &[]).await.unwrap()
    }

    /// A version of package `p`, by its number.
    pub(crate) async fn version(&self, by: &Operator, group: ClientGroupId, code: i32) -> ClientVersionId {
        self.service().add_client_version(by, group, &version(code)).await.unwrap();
        let sort = Sort { key: VersionKey::Id, descending: true };
        let newest = self.service().client_versions(by, group, sort, Page::new(1, 1).unwrap()).await.unwrap();
        newest.items[0].id
    }

    /// The codes of the groups that an operator is shown.
    pub(crate) async fn codes(&self, by: &Operator) -> Vec<String> {
        let sort = Sort { key: GroupKey::GroupCode, descending: false };
        let page = Page::new(1, 10).unwrap();
        let groups = self.service().client_groups(by, &GroupFilter::default(), sort, page).await.unwrap();
        assert_eq!(groups.total, i64::try_from(groups.items.len()).unwrap());
        groups.items.into_iter().map(|group| group.group_code).collect()
    }

    /// A running job that brings a version to an organisation.
    pub(crate) async fn job(&self, kind: &str, version: ClientVersionId, organisation: i64, force: bool) -> i64 {
        let client = self.client().await;
        let publication = match kind {
            "distribute" => Some(insert_job(&client, "publish", version, false, None).await),
            _ => None,
        };
        let job = insert_job(&client, kind, version, force, publication).await;
        let sql = "INSERT INTO audiences (job_id, kind, organisation_id) VALUES ($1, 'organisation', $2)";
        client.execute(sql, &[&job, &organisation]).await.unwrap();
        job
    }

    /// A device of an organisation, or of none.
    pub(crate) async fn device(&self, uuid: &str, organisation: Option<i64>, os: Option<Os>) -> DeviceIdentity {
        let client = self.client().await;
        let sql = "INSERT INTO devices (tenant_id, product_id, uuid, organisation_id, os)
            SELECT 1, id, $1, $2, $3 FROM products RETURNING id";
        let row = client.query_one(sql, &[&uuid, &organisation, &os.map(Os::code)]).await.unwrap();
        DeviceIdentity { tenant: TenantId(1), device: DeviceId(row.get(0)), uuid: DeviceUuid::parse(uuid).unwrap() }
    }
}

async fn insert_job(
    client: &Client,
    kind: &str,
    version: ClientVersionId,
    force: bool,
    publication: Option<i64>,
) -> i64 {
    let sql =
        "INSERT INTO jobs (tenant_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context,
            started_at, expires_at, client_version_id, client_group_id, publication_id, organisation_id, force)
        SELECT 1, $1, 'j', 'running', 0, 1, 1, '', now(), now() + interval '1 day', id, group_id, $3, 1, $4
        FROM client_versions WHERE id = $2 RETURNING id";
    client.query_one(sql, &[&kind, &version.0, &publication, &force]).await.unwrap().get(0)
}

fn operator(tenant: i64, role: Role, path: &str) -> Operator {
    let path = OrganisationPath::parse(path).unwrap();
    let id = path.ids().last().unwrap();
    let organisation = Organisation {
        id: OrganisationId(id),
        tenant: TenantId(tenant),
        parent: None,
        code: "code".into(),
        name: "name".into(),
        path,
        created_at: chrono::DateTime::UNIX_EPOCH,
        updated_at: chrono::DateTime::UNIX_EPOCH,
    };
    Operator {
        id: OperatorId(id),
        tenant: TenantId(tenant),
        tenant_name: "tenant".into(),
        utc_offset_minutes: 480,
        login_id: "login".into(),
        name: "name".into(),
        role,
        organisation,
        runs_installation: false,
    }
}

pub(crate) fn group(code: &str) -> NewClientGroup {
    NewClientGroup {
        name: "客户端".into(),
        group_code: code.into(),
        terminal_class: TerminalClass::Direct,
        ui_family: UiFamily::parse("COPE,BYOD").unwrap(),
        os: Os::Android,
    }
}

pub(crate) fn version(code: i32) -> NewClientVersion {
    NewClientVersion {
        file: FILE,
        icon: None,
        package_name: "p".into(),
        app_name: None,
        version_code: code,
        version_name: format!("1.{code}"),
        size_bytes: Some(5),
        update_info: String::new(),
        remark: String::new(),
    }
}

/// The field and reason of a value that was refused.
pub(crate) fn refused<T: std::fmt::Debug>(result: Result<T, ServiceError>) -> String {
    match result {
        Err(error @ ServiceError::Invalid { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    }
}
