//! Small random worlds, as the rule sees them and as rows.

use std::time::Duration;

use drover_domain::{
    ClientGroupId, ClientVersionId, DeviceId, OrganisationPath, Os, TerminalClass, UiFamily,
    offer::{Asker, Candidate, Publication},
};
use drover_store::{Store, StoreOptions, TlsMode, Tx, migrate};
use proptest::{prelude::*, sample::select};

pub(crate) async fn store(url: &str) -> Store {
    let options = StoreOptions {
        url: url.into(),
        pool_size: 2,
        wait_timeout: Duration::from_secs(10),
        statement_timeout: Duration::from_mins(1),
        tls: TlsMode::Disable,
    };
    let store = Store::new(&options).unwrap();
    migrate::run(&store).await.unwrap();
    store
}

/// A tree whose ids are their own best traps: /1/2/ is a prefix of /1/23/ but for its slash.
const PATHS: [&str; 5] = ["/1/", "/1/2/", "/1/2/4/", "/1/3/", "/1/23/"];

#[derive(Debug, Clone)]
struct Group {
    os: Os,
    terminal_class: TerminalClass,
    ui_family: &'static str,
    package: &'static str,
}

#[derive(Debug, Clone)]
struct Version {
    group: usize,
    code: i32,
    is_void: bool,
    updated_s: i64,
    jobs: Vec<Job>,
}

/// A publication or distribution, and for each of its organisations when that part ends, in seconds from now.
#[derive(Debug, Clone)]
struct Job {
    kind: &'static str,
    force: bool,
    state: &'static str,
    expires_s: i64,
    parts: Vec<(&'static str, Option<i64>)>,
}

impl Job {
    /// Its parts as the rule sees them.
    fn publications(&self) -> impl Iterator<Item = Publication> {
        let runs = self.state == "running";
        self.parts.iter().filter(move |_| runs).map(|(path, end_s)| Publication {
            organisation: OrganisationPath::parse(path).unwrap(),
            expires_at_ms: Some(1000 * end_s.map_or(self.expires_s, |end_s| end_s.min(self.expires_s))),
        })
    }
}

#[derive(Debug, Clone)]
pub(crate) struct Case {
    groups: Vec<Group>,
    versions: Vec<Version>,
    organisation: Option<&'static str>,
    pub(crate) device_os: Option<Os>,
    pub(crate) installed_code: i32,
}

pub(crate) fn case() -> impl Strategy<Value = Case> {
    let ends = || select(vec![-10, 0, 10]);
    let parts = prop::collection::vec((select(PATHS.to_vec()), prop::option::weighted(0.3, ends())), 0..4);
    let state = select(vec![
        "running",
        "running",
        "running",
        "running",
        "running",
        "running",
        "completed",
        "cancelled",
        "paused",
    ]);
    let job = (
        select(vec!["publish", "publish", "distribute"]),
        any::<bool>(),
        state,
        select(vec![-10, 10, 10, 10, 10]),
        parts,
    )
        .prop_map(|(kind, force, state, expires_s, parts)| Job { kind, force, state, expires_s, parts });
    let version = (0_usize..3, 1_i32..4, prop::bool::weighted(0.2), 0_i64..3, prop::collection::vec(job, 0..5))
        .prop_map(|(group, code, is_void, updated_s, jobs)| Version { group, code, is_void, updated_s, jobs });
    let oses = || select(vec![Os::Android, Os::Android, Os::Ios]);
    let labels = select(vec!["", "COPE", "COPE,BYOD"]);
    let group = (oses(), select(TerminalClass::ALL.to_vec()), labels, select(vec!["a", "a", "b"]))
        .prop_map(|(os, terminal_class, ui_family, package)| Group { os, terminal_class, ui_family, package });
    (
        prop::collection::vec(group, 3),
        prop::collection::vec(version, 0..10),
        prop::option::weighted(0.9, select(PATHS.to_vec())),
        prop::option::weighted(0.8, oses()),
        0_i32..3,
    )
        .prop_map(|(groups, mut versions, organisation, device_os, installed_code)| {
            // A number is a group's once, unless it is void.
            let mut taken = std::collections::HashSet::new();
            versions.retain(|version| version.is_void || taken.insert((version.group, version.code)));
            Case { groups, versions, organisation, device_os, installed_code }
        })
}

impl Case {
    pub(crate) fn asker(&self) -> Asker {
        Asker { organisation: self.organisation.and_then(OrganisationPath::parse), now_ms: 0 }
    }

    pub(crate) fn candidates(&self) -> Vec<Candidate> {
        let of = |(id, version): (i64, &Version)| {
            let group = &self.groups[version.group];
            let published = version.jobs.iter().filter(|job| job.kind == "publish");
            Candidate {
                version: ClientVersionId(id),
                group: ClientGroupId(i64::try_from(version.group).unwrap() + 1),
                os: group.os,
                terminal_class: group.terminal_class,
                ui_family: UiFamily::parse(group.ui_family).unwrap(),
                package: group.package.into(),
                version_code: version.code,
                is_void: version.is_void,
                updated_at_us: version.updated_s * 1_000_000,
                publications: published.flat_map(Job::publications).collect(),
            }
        };
        (1..).zip(&self.versions).map(of).collect()
    }

    /// Whether a distribution under way forces a version on the device.
    pub(crate) fn is_forced(&self, version: ClientVersionId) -> bool {
        let path = self.organisation.and_then(OrganisationPath::parse);
        let jobs = &self.versions[usize::try_from(version.0).unwrap() - 1].jobs;
        let forcing = jobs.iter().filter(|job| job.kind == "distribute" && job.force);
        forcing.flat_map(Job::publications).any(|part| {
            part.expires_at_ms.is_none_or(|end| end > 0)
                && path.as_ref().is_some_and(|path| part.organisation.contains(path))
        })
    }

    /// Writes the world down, and returns the device that asks.
    pub(crate) async fn fill(&self, tx: &Tx<'_>) -> DeviceId {
        let file = "00000000-0000-0000-0000-000000000001";
        tx.batch_execute(&format!(
            "INSERT INTO tenants (id, name) OVERRIDING SYSTEM VALUE VALUES (1, 'acme');
             INSERT INTO organisations (id, tenant_id, parent_id, code, name, path) OVERRIDING SYSTEM VALUE VALUES
                (1, 1, NULL, 'a', 'a', '/1/'), (2, 1, 1, 'b', 'b', '/1/2/'), (3, 1, 1, 'c', 'c', '/1/3/'),
                (4, 1, 2, 'd', 'd', '/1/2/4/'), (23, 1, 1, 'e', 'e', '/1/23/');
             INSERT INTO files (id, tenant_id, sha256, md5, size_bytes, file_name, object_path)
                VALUES ('{file}', 1, repeat('0', 64), repeat('0', 32), 1, 'f', 'p')"
        ))
        .await
        .unwrap();
        for (id, group) in (1_i64..).zip(&self.groups) {
            let sql = "INSERT INTO client_groups (id, tenant_id, organisation_id, name, group_code, terminal_class, ui_family, os,
                download_key) OVERRIDING SYSTEM VALUE VALUES ($1, 1, 1, 'g', $1::bigint::text, $2, $3, $4, $1::bigint::text)";
            let class = group.terminal_class.as_str();
            tx.execute(sql, &[&id, &class, &group.ui_family, &group.os.code()]).await.unwrap();
        }
        for (id, version) in (1_i64..).zip(&self.versions) {
            let sql = format!(
                "INSERT INTO client_versions (id, tenant_id, group_id, file_id, package_name, app_name, version_code,
                version_name, updated_at, void_at) OVERRIDING SYSTEM VALUE VALUES ($1, 1, $2, '{file}', $3, 'f', $4, '1',
                to_timestamp($5::bigint), CASE WHEN $6 THEN now() END)"
            );
            let group = i64::try_from(version.group).unwrap() + 1;
            let package = self.groups[version.group].package;
            let Version { code, updated_s, is_void, .. } = version;
            tx.execute(&sql, &[&id, &group, &package, code, updated_s, is_void]).await.unwrap();
            for job in &version.jobs {
                insert_job(tx, id, group, job).await;
            }
        }
        let sql = "INSERT INTO products (tenant_id, name, protocol, master_key_sha256) VALUES (1, 'p', 'mqtt', '') RETURNING id";
        let product: i64 = tx.query_one(sql, &[]).await.unwrap().get(0);
        let sql = "INSERT INTO devices (tenant_id, product_id, uuid, organisation_id, os)
            VALUES (1, $1, 'd', (SELECT id FROM organisations WHERE path = $2), $3) RETURNING id";
        let os = self.device_os.map(Os::code);
        DeviceId(tx.query_one(sql, &[&product, &self.organisation, &os]).await.unwrap().get(0))
    }
}

async fn insert_job(tx: &Tx<'_>, version: i64, group: i64, job: &Job) {
    // A distribution rests on a publication; here on one that was cancelled, so that it alone says nothing.
    let publication = match job.kind {
        "distribute" => Some(insert_row(tx, version, group, ("publish", "cancelled", 10, false, None)).await),
        _ => None,
    };
    let id = insert_row(tx, version, group, (job.kind, job.state, job.expires_s, job.force, publication)).await;
    for (path, end_s) in &job.parts {
        let sql = "INSERT INTO audiences (job_id, kind, organisation_id, expires_at) VALUES ($1, 'organisation',
            (SELECT id FROM organisations WHERE path = $2), now() + make_interval(secs => $3::bigint))";
        tx.execute(sql, &[&id, path, end_s]).await.unwrap();
    }
}

async fn insert_row(
    tx: &Tx<'_>,
    version: i64,
    group: i64,
    (kind, state, expires_s, force, publication): (&str, &str, i64, bool, Option<i64>),
) -> i64 {
    let sql = "INSERT INTO jobs (tenant_id, kind, name, state, retry_limit, attempt_timeout_s, job_timeout_s, trace_context,
            started_at, expires_at, finished_at, client_version_id, client_group_id, publication_id, organisation_id, force)
        VALUES (1, $1, 'j', $2, 0, 1, 1, '', now(), now() + make_interval(secs => $3::bigint),
            CASE WHEN $2 IN ('completed', 'cancelled') THEN now() END, $4, $5, $6, 1, $7) RETURNING id";
    tx.query_one(sql, &[&kind, &state, &expires_s, &version, &group, &publication, &force]).await.unwrap().get(0)
}
